//! Which file of the program may import which. The check is a function over paths and texts, so that each of its
//! rules is tested with a planted fault.
//!
//! The law: imports go down the floors only, floors of one row do not import each other, and no files import each other
//! in a circle. A `mod.rs` may name its children. Tests may import anything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::common::sources;

/// The floors, from the bottom up. `drive`, `lookup`, `clock` and `signal` are the parts of `runner` that still have
/// places of their own.
const FLOORS: [&[&str]; 12] = [
    &["redact", "text", "time"],
    &["protocol"],
    &["pipeline"],
    &["session"],
    &["observe"],
    &["clock", "signal"],
    &["net", "store", "terminal", "simulator"],
    &["inquiry", "lookup"],
    &["runner", "drive"],
    &["cli"],
    &["command"],
    &["main", "lib"],
];

/// What may break the law: nothing. A circle may shrink within its entry; an entry without a fault fails the test.
const ALLOWED: &[&str] = &[];

/// The faults that no entry covers, and the entries that cover no fault.
fn compare<'a>(found: &'a BTreeSet<String>, allowed: &[&'a str]) -> (Vec<&'a str>, Vec<&'a str>) {
    let covers = |entry: &str, fault: &str| fault.split(", ").all(|part| entry.contains(part));
    let new = found.iter().filter(|fault| !allowed.iter().any(|entry| covers(entry, fault)));
    let gone = allowed.iter().filter(|entry| !found.iter().any(|fault| covers(entry, fault)));
    (new.map(String::as_str).collect(), gone.copied().collect())
}

/// Everything in these files that breaks the law. Paths are relative to `src`.
fn faults(files: &[(String, String)]) -> BTreeSet<String> {
    let modules: BTreeMap<Vec<&str>, &str> = files.iter().map(|(path, _)| (module(path), path.as_str())).collect();
    let mut faults = BTreeSet::new();
    let mut graph: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (path, text) in files.iter().filter(|(path, _)| !is_test(path)) {
        let from = module(path);
        let Some(floor) = floor(&from) else {
            faults.insert(format!("{path} is on no floor"));
            continue;
        };
        for import in imports(text) {
            let full = absolute(&from, &import);
            let Some(to) = (1..=full.len()).rev().find_map(|length| {
                let full: Vec<&str> = full[..length].iter().map(String::as_str).collect();
                modules.get_key_value(&full)
            }) else {
                continue;
            };
            let (to, file) = to;
            let above = self::floor(to);
            if above > Some(floor) || (above == Some(floor) && from[0] != to[0] && to[0] != "lib") {
                faults.insert(format!("{path} imports {file}"));
            }
            if *file != path && !to.starts_with(&from) {
                graph.entry(path).or_default().insert(file);
            }
        }
    }
    faults.extend(circles(&graph));
    faults
}

/// The module of a file: `net/api.rs` is `net::api`.
fn module(path: &str) -> Vec<&str> {
    path.trim_end_matches(".rs").trim_end_matches("/mod").split('/').collect()
}

fn floor(module: &[&str]) -> Option<usize> {
    FLOORS.iter().position(|row| row.contains(&module[0]))
}

fn is_test(path: &str) -> bool {
    module(path).iter().any(|name| *name == "tests" || name.ends_with("_tests"))
}

fn absolute(module: &[&str], import: &[String]) -> Vec<String> {
    let mut full: Vec<String> = module.iter().map(ToString::to_string).collect();
    for part in import {
        match part.as_str() {
            "crate" => full.clear(),
            "super" => _ = full.pop(),
            "self" => {}
            name => full.push(name.to_owned()),
        }
    }
    full
}

/// The groups of files that import each other.
fn circles(graph: &BTreeMap<&str, BTreeSet<&str>>) -> BTreeSet<String> {
    fn reached<'a>(graph: &BTreeMap<&str, BTreeSet<&'a str>>, start: &'a str) -> BTreeSet<&'a str> {
        let mut reached = BTreeSet::new();
        let mut open = vec![start];
        while let Some(file) = open.pop() {
            open.extend(graph.get(file).into_iter().flatten().filter(|next| reached.insert(**next)));
        }
        reached
    }
    let all: BTreeMap<&str, BTreeSet<&str>> = graph.keys().map(|file| (*file, reached(graph, file))).collect();
    all.iter()
        .filter(|(file, reached)| reached.contains(*file))
        .map(|(file, reached)| {
            let members: Vec<&str> = reached
                .iter()
                .copied()
                .filter(|other| all.get(other).is_some_and(|back| back.contains(file)))
                .collect();
            format!("a circle: {}", members.join(", "))
        })
        .collect()
}

/// Every path of a text that begins with `crate`, `super` or `self`, groups taken apart. What is compiled for tests
/// only is left out.
fn imports(text: &str) -> Vec<Vec<String>> {
    let tokens = tokens(text);
    let word = |at: usize| tokens.get(at).map_or("", String::as_str);
    let mut found = Vec::new();
    // Whether each open brace is that of an inline module, of which `super` is the file itself.
    let mut braces = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at..].iter().take(7).eq(&["#", "[", "cfg", "(", "test", ")", "]"]) {
            at = end_of_item(&tokens, at + 7);
            continue;
        }
        match word(at) {
            "{" => braces.push(at > 1 && word(at - 2) == "mod"),
            "}" => _ = braces.pop(),
            "crate" | "super" | "self" if word(at + 1) == "::" && (at == 0 || word(at - 1) != "::") => {
                let depth = braces.iter().filter(|is_module| **is_module).count();
                let mut tree = Vec::new();
                at = branch(&tokens, at, &[], &mut tree);
                found.extend(tree.into_iter().filter_map(|path| {
                    let outside = path.iter().take(depth).take_while(|part| *part == "super").count();
                    let path = path[outside..].to_vec();
                    let outward = matches!(path.first().map(String::as_str), Some("crate" | "super"));
                    (outward || depth == 0).then_some(path)
                }));
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Reads one path or group of paths, and returns where it ends.
fn branch(tokens: &[String], mut at: usize, before: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let mut path = before.to_vec();
    loop {
        match tokens.get(at).map(String::as_str) {
            Some("{") => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token != "}") {
                    at = branch(tokens, at, &path, found).max(at + 1);
                }
                return at + 1;
            }
            Some(name) if name.chars().all(|c| c == '_' || c.is_alphanumeric()) => path.push(name.to_owned()),
            _ => break,
        }
        at += 1;
        if tokens.get(at).is_none_or(|token| token != "::") {
            break;
        }
        at += 1;
    }
    if path.len() > before.len() {
        found.push(path);
    }
    at
}

/// Where the item that begins here ends: behind its `;`, or behind its braces.
fn end_of_item(tokens: &[String], mut at: usize) -> usize {
    let mut depth = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token.as_str() {
            "{" => depth += 1,
            "}" if depth == 1 => break,
            "}" => depth -= 1,
            ";" if depth == 0 => break,
            _ => {}
        }
    }
    at
}

/// Names, `::` and single characters, without comments, strings and characters in quotes.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let name = rest.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(rest.len());
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("r\"")
            || rest.starts_with("r#")
            || rest.starts_with("br\"")
            || rest.starts_with("br#")
        {
            let open = rest.find('"').unwrap_or(0);
            let close = format!("\"{}", "#".repeat(rest[..open].matches('#').count()));
            rest[open + 1..].find(&close).map_or(rest.len(), |length| open + 1 + length + close.len())
        } else if first == '"' {
            end_of_quoted(rest, '"')
        } else if first == '\'' && (rest[1..].starts_with('\\') || rest[1..].chars().nth(1) == Some('\'')) {
            end_of_quoted(rest, '\'')
        } else if first.is_whitespace() {
            first.len_utf8()
        } else {
            let length = if name > 0 {
                name
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            tokens.push(rest[..length].to_owned());
            length
        };
        rest = &rest[skipped..];
    }
    tokens
}

fn end_of_quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    text.char_indices()
        .skip(1)
        .find(|(_, c)| {
            let ends = *c == quote && !escaped;
            escaped = *c == '\\' && !escaped;
            ends
        })
        .map_or(text.len(), |(at, _)| at + 1)
}

fn planted(files: &[(&str, &str)]) -> Vec<String> {
    let files: Vec<_> = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    faults(&files).into_iter().collect()
}

#[test]
fn imports_go_down_only_and_in_no_circle() {
    let found = faults(&sources(Path::new("src")));
    let (new, gone) = compare(&found, ALLOWED);
    assert!(new.is_empty(), "{new:#?}");
    assert!(gone.is_empty(), "no longer needed in ALLOWED: {gone:#?}");
}

#[test]
fn the_list_of_allowed_faults_covers_only_those_and_must_shrink() {
    let found = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    let allowed = ["a circle: net/a.rs, net/b.rs, net/c.rs", "text.rs imports net/a.rs"];
    assert_eq!(compare(&found(&allowed), &allowed), (vec![], vec![]));
    let shrunk = found(&["a circle: net/a.rs, net/c.rs", "text.rs imports net/a.rs"]);
    assert_eq!(compare(&shrunk, &allowed), (vec![], vec![]));
    let grown = found(&["a circle: net/a.rs, net/d.rs"]);
    assert_eq!(compare(&grown, &allowed), (vec!["a circle: net/a.rs, net/d.rs"], allowed.to_vec()));
}

#[test]
fn a_planted_upward_import_is_found_in_whatever_form_and_depth() {
    let upward = ["protocol/rule/file.rs imports net/api.rs"];
    let deep = "protocol/rule/file.rs";
    for text in [
        "use crate::net::api::Client;",
        "use crate::{\n    net::{api::{self, Client}},\n    text,\n};",
        "fn f() { super::super::super::net::api::call() }",
        "mod inner { use super::super::super::super::net::api; }",
        "const S: &str = \"\\\"//\"; const C: char = '\"'; type T<'a> = &'a crate::net::api::T;",
        "#[cfg(test)]\nmod tests { fn f() { {} } }\nfn g() { crate::net::api::call() }",
    ] {
        assert_eq!(planted(&[("net/api.rs", ""), ("text.rs", ""), (deep, text)]), upward, "{text}");
    }
    for text in [
        "// use crate::net::api;\nuse crate::text::plural;",
        "const S: &str = \"crate::net::api\"; const R: &str = r#\"\"crate::net::api\"#;",
        "#[cfg(test)]\nuse crate::net::api;\n#[cfg(test)]\nmod tests { use crate::net::api; }",
        "#[cfg(test)]\nmod tests;",
        "pub(crate) fn net() {}",
    ] {
        assert_eq!(planted(&[("net/api.rs", ""), ("text.rs", ""), (deep, text)]), [""; 0], "{text}");
    }
    assert_eq!(planted(&[("net/api.rs", ""), ("protocol/rule/tests.rs", "use crate::net::api;")]), [""; 0]);
}

#[test]
fn floors_of_one_row_and_folders_on_no_floor_are_found() {
    assert_eq!(
        planted(&[("net/mod.rs", "use crate::store;"), ("store/mod.rs", ""), ("util/mod.rs", "")]),
        ["net/mod.rs imports store/mod.rs", "util/mod.rs is on no floor"]
    );
    for pair in FLOORS.windows(2) {
        let [low, high] = [pair[0][0], pair[1][0]];
        let files = [(format!("{low}.rs"), format!("use crate::{high}::X;")), (format!("{high}.rs"), String::new())];
        assert_eq!(faults(&files).len(), 1, "{low} imports {high}");
    }
}

#[test]
fn a_planted_circle_is_found_within_a_folder_and_between_folders() {
    let within = [("net/a.rs", "use super::b::B;"), ("net/b.rs", "use crate::net::a::A;"), ("net/mod.rs", "")];
    assert_eq!(planted(&within), ["a circle: net/a.rs, net/b.rs"]);
    let between = [
        ("protocol/rule/file.rs", "use crate::protocol::field;"),
        ("protocol/field.rs", "use super::kind;"),
        ("protocol/kind/mod.rs", "use crate::protocol::rule::file;"),
        ("protocol/mod.rs", "use self::rule::file; pub mod rule;"),
    ];
    assert_eq!(planted(&between), ["a circle: protocol/field.rs, protocol/kind/mod.rs, protocol/rule/file.rs"]);
    // A folder's own file names its children, and they use what it holds.
    assert_eq!(planted(&[("net/mod.rs", "pub use self::a::A;"), ("net/a.rs", "use super::Error;")]), [""; 0]);
    assert_eq!(planted(&[("net/mod.rs", "use crate::net::a::A;"), ("net/a.rs", "use crate::net::Error;")]), [""; 0]);
}
