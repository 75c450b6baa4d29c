//! The functions an expression can call: jaq's, without those that see more than the message, with those of jq that
//! jaq lacks or defines otherwise.
//!
//! An expression reads no clock, no environment (the token may be in it), no time zone, no further input and no
//! module, and it does not print by itself. Using a function that would is a usage error.

use std::ops::Range;

use jaq_core::load::{self, parse::Def};
use jaq_core::native::{self, Fun, bome};
use jaq_core::{Cv, ValXs};
use jaq_json::Val;
use jaq_std::ValT as _;

use super::value::from_json;
use super::{Data, JaqError, Native, assignment, regex};
use crate::protocol::scan::scan;

/// jaq's functions that touch the clock, the environment, the time zone, the log or the process; and two that would
/// break a promise of this folder.
pub(super) const REMOVED: [&str; 12] = [
    "now",
    "env",
    "localtime",
    "strflocaltime",
    "halt",
    "halt_error",
    "debug",
    "debug_empty",
    "stderr",
    "stderr_empty",
    // A byte string has no JSON form.
    "tobytes",
    // Replaced by one with bounded depth: jaq's overflows the stack, and the text of a post may be `[[[[…`.
    "fromjson",
];

/// jaq's functions that differ from jq's; replaced here, in `regex` and in `assignment`.
const REPLACED: [&str; 8] =
    ["matches", "split_matches", "split_", "ltrimstr", "rtrimstr", "setpath", "delpaths", "del"];

/// Names of jq that see more than the message; jaq's library does not have them, and users may try them.
pub(super) const UNAVAILABLE: [&str; 6] =
    ["$ENV", "input", "inputs", "input_filename", "input_line_number", "$__prog_args"];

/// Functions of jq that jaq's library lacks, or defines otherwise: `join` of null, tables for `--raw-output`.
const DEFINITIONS: &str = r#"
def join($s): reduce .[] as $x (null; (if . == null then "" else . + $s end)
  + ($x | if . == null then "" elif isstring then . else tojson end)) // "";
def cell(f): if isstring then f elif . == null then "" elif . < [] then tojson
  else error("an array or object cannot be a cell of a table") end;
def @csv: [.[] | cell("\"" + gsub("\""; "\"\"") + "\"")] | join(",");
def @tsv: [.[] | cell(gsub("\\\\"; "\\\\") | gsub("\t"; "\\t") | gsub("\n"; "\\n") | gsub("\r"; "\\r"))] | join("\t");
def IN(s): any(s == .; .);
def IN(src; s): any(src == s; .);
def INDEX(stream; f): reduce stream as $row ({}; .[$row | f | tostring] = $row);
def INDEX(f): INDEX(.[]; f);
def toarray: if isarray then . else [.] end;
def leaf_paths: paths(scalars);
def ascii: [.] | implode;
def test(re; flags): any_match(re; flags);
def test(re): any_match(re; null);
def scan(re; flags): matches(re; "g" + flags)[] | [.[].string] | if length > 1 then .[1:] else .[0] end;
def scan(re): scan(re; null);
def tostream: path(def r: (.[]? | r), .; r) as $p | getpath($p)
  | reduce path(.[]?) as $q ([$p, .]; [$p + $q]);
"#;

fn is_kept(name: &str) -> bool {
    !REMOVED.contains(&name) && !REPLACED.contains(&name)
}

/// The functions written in jq.
pub(super) fn definitions() -> impl Iterator<Item = Def<&'static str>> {
    let own = [DEFINITIONS, assignment::DEFINITIONS];
    let own = own.into_iter().flat_map(|text| load::parse(text, |parser| parser.defs()).unwrap_or_default());
    let jaq = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    jaq.filter(|definition| is_kept(definition.name)).chain(own)
}

/// The functions written in Rust.
pub(super) fn functions() -> impl Iterator<Item = Fun<Data>> {
    let jaq = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    let own = strings().into_iter().chain(assignment::natives()).chain(regex::natives());
    jaq.filter(|function| is_kept(function.0)).chain(own.map(native::run::<Data>))
}

fn strings() -> [Native; 3] {
    fn trim(mut cv: Cv<Data>, trimmed: fn(&[u8], &[u8]) -> Option<Range<usize>>) -> ValXs<Val> {
        let part = cv.0.pop_var();
        // jq passes on what is not a string.
        let text = match (&cv.1, &part) {
            (Val::TStr(text), Val::TStr(part)) => trimmed(text, part).map(|range| Val::utf8_str(text.slice(range))),
            _ => None,
        };
        bome(Ok(text.unwrap_or(cv.1)))
    }
    [
        ("fromjson", native::v(0), |cv| {
            bome(match cv.1.as_utf8_bytes() {
                Some(text) => match scan(text) {
                    Ok(_) => Ok(from_json(text)),
                    Err(fault) => Err(JaqError::str(format_args!("fromjson: not JSON: {fault}"))),
                },
                None => Err(JaqError::typ(cv.1, "string")),
            })
        }),
        ("ltrimstr", native::v(1), |cv| {
            trim(cv, |text, part| text.starts_with(part).then_some(part.len()..text.len()))
        }),
        ("rtrimstr", native::v(1), |cv| trim(cv, |text, part| text.strip_suffix(part).map(|rest| 0..rest.len()))),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::Jq;
    use super::super::tests::{one, results};
    use super::*;

    #[test]
    fn what_jaq_lacks_or_defines_otherwise_is_as_in_jq() {
        for (expression, printed) in [
            (r#"[1,null,"a",true] | join("-")"#, r#""1--a-true""#),
            (r#"[] | join(",")"#, r#""""#),
            (r#"[1,"a\"b",null,false] | @csv"#, r#""1,\"a\"\"b\",,false""#),
            (r#"["a\tb\\\n",1.5,null] | @tsv"#, r#""a\\tb\\\\\\n\t1.5\t""#),
            (r#""en" | IN("de","en")"#, "true"),
            ("IN(1,2; 3,4)", "false"),
            (r#"[{"id":1},{"id":2}] | INDEX(.id) | keys"#, r#"["1","2"]"#),
            ("5 | toarray", "[5]"),
            (r#"[{"a":[1]} | leaf_paths]"#, r#"[["a",0]]"#),
            (r#""[1,{\"a\":-0}]" | fromjson"#, r#"[1,{"a":-0}]"#),
            (r#""12" | tonumber"#, "12"),
            ("1700000000 | todate", r#""2023-11-14T22:13:20Z""#),
            (r#""launch day" | test("LAUNCH"; "i")"#, "true"),
            ("[limit(3; repeat(1))]", "[1,1,1]"),
            (r#"1 | ltrimstr("a"), rtrimstr("a")"#, "1\n1"),
            (r#""aba" | ltrimstr(1), ltrimstr("a"), rtrimstr("a"), rtrimstr("x")"#, "\"aba\"\n\"ba\"\n\"ab\"\n\"aba\""),
            (r#"[1,{"a":[2]}] | [tostream]"#, r#"[[[0],1],[[1,"a",0],2],[[1,"a",0]],[[1,"a"]],[[1]]]"#),
        ] {
            assert_eq!(one(expression, "null"), printed, "{expression}");
        }
    }

    #[test]
    fn an_expression_sees_only_the_message() {
        let all =
            ["now", "env", "input", "inputs", "halt", "halt_error", "debug", "stderr", "localtime", "input_filename"];
        for name in all {
            let error = Jq::compile(name).expect_err(name);
            assert!(error.contains("is not available"), "{error}");
        }
        for name in REMOVED {
            assert!(Jq::compile(name).is_err() || name == "fromjson", "{name}");
        }
    }

    #[test]
    fn json_in_a_text_is_bounded_in_depth() {
        let deep = format!("\"{}\"", "[".repeat(100_000));
        assert!(results("fromjson", &deep).expect_err("an error").contains("nested too deeply"));
    }
}
