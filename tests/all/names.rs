//! One name, one type: a reader does not see which module distinguishes two types of one name.

use std::collections::BTreeMap;
use std::path::Path;

use crate::common::sources;

/// Names that two types have: `Jq` without its feature takes the place of `Jq`.
const ALLOWED: [&str; 1] = ["Jq"];

/// The names that several files, or one file twice, give to a type at their top level.
fn shared(files: &[(String, String)]) -> Vec<&str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for line in files.iter().flat_map(|(_, text)| text.lines()) {
        let item = ["pub ", "pub(crate) ", "pub(super) "].iter().find_map(|start| line.strip_prefix(start));
        let mut words = item.unwrap_or(line).split(|c: char| !c.is_alphanumeric() && c != '_');
        if let (Some("struct" | "enum" | "trait" | "type"), Some(name)) = (words.next(), words.next()) {
            *counts.entry(name).or_default() += 1;
        }
    }
    counts.into_iter().filter(|(_, count)| *count > 1).map(|(name, _)| name).collect()
}

#[test]
fn every_type_has_a_name_of_its_own() {
    assert_eq!(shared(&sources(Path::new("src"))), ALLOWED);
}

#[test]
fn a_planted_second_type_of_one_name_is_found() {
    let planted = |texts: &[&str]| {
        let files: Vec<(String, String)> = texts.iter().map(|text| (String::new(), (*text).to_owned())).collect();
        shared(&files).join(" ")
    };
    for other in ["struct A;", "pub(crate) enum A {}", "pub(super) trait A {\n    type B;\n}", "type A = u8;"] {
        assert_eq!(planted(&["pub struct A<'a>(&'a str);\nstruct B;", other]), "A", "{other}");
    }
    assert_eq!(planted(&["pub struct A;", "pub fn a() -> A {}\nimpl A {\n    type A = u8;\n}"]), "");
}
