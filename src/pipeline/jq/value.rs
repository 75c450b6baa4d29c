//! JSON to jaq's values and back.
//!
//! Both directions are ours: jaq's reader rounds numbers and its writer may write what is not JSON. A number that an
//! expression passes on unchanged prints with the digits it came with, however large or precise, because ids of v1.1
//! are numbers beyond what a double holds.
//!
//! Law: what [`write()`] writes is JSON, at most [`MAX_DEPTH`] levels deep.

use std::io::Write as _;

use jaq_json::{Map, Num, Val};

use super::{OUTPUT_CAP, too_large};
use crate::protocol::json_cursor::{JsonCursor, unescape};
use crate::protocol::scan::MAX_DEPTH;

/// Builds the value of valid JSON.
pub(super) fn from_json(json: &[u8]) -> Val {
    build(&mut JsonCursor::new(json))
}

fn build(cursor: &mut JsonCursor) -> Val {
    match cursor.peek() {
        b'{' => {
            let mut members = Map::default();
            cursor.open();
            while cursor.more() {
                let key = string(cursor.key());
                members.insert(key, build(cursor));
            }
            Val::obj(members)
        }
        b'[' => {
            let mut elements = Vec::new();
            cursor.open();
            while cursor.more() {
                elements.push(build(cursor));
            }
            Val::Arr(elements.into())
        }
        _ => scalar(cursor.value()),
    }
}

fn scalar(json: &[u8]) -> Val {
    match json {
        b"null" => Val::Null,
        b"true" => Val::Bool(true),
        b"false" => Val::Bool(false),
        [b'"', ..] => string(json),
        _ => {
            let number = std::str::from_utf8(json).unwrap_or_default();
            Val::Num(match Num::from_str_radix(number, 10) {
                // jaq reads it as 0.
                Some(_) if number == "-0" => Num::Dec("-0".to_owned().into()),
                Some(integer) => integer,
                None => Num::Dec(number.to_owned().into()),
            })
        }
    }
}

fn string(quoted: &[u8]) -> Val {
    Val::utf8_str(unescape(quoted).into_owned())
}

/// Appends a value as compact JSON, unless `out` grows beyond [`OUTPUT_CAP`] bytes from `started`.
///
/// # Errors
/// The value has no JSON form, or is too large or too deep.
pub(super) fn write(value: &Val, started: usize, out: &mut Vec<u8>) -> Result<(), String> {
    write_level(value, 0, started + OUTPUT_CAP, out)
}

fn write_level(value: &Val, depth: u32, cap: usize, out: &mut Vec<u8>) -> Result<(), String> {
    if out.len() > cap {
        return Err(too_large());
    }
    if depth > MAX_DEPTH {
        return Err(format!("a result of more than {MAX_DEPTH} levels"));
    }
    match value {
        Val::Null => out.extend_from_slice(b"null"),
        Val::Bool(true) => out.extend_from_slice(b"true"),
        Val::Bool(false) => out.extend_from_slice(b"false"),
        Val::Num(Num::Float(number)) => write_float(*number, out),
        Val::Num(number) => write!(out, "{number}").expect("writing to memory does not fail"),
        Val::TStr(text) => write_string(text, out),
        Val::BStr(_) => return Err("a result contains a byte string, which has no JSON form".to_owned()),
        Val::Arr(elements) => {
            out.push(b'[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_level(element, depth + 1, cap, out)?;
            }
            out.push(b']');
        }
        Val::Obj(members) => {
            out.push(b'{');
            for (index, (key, member)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                let Val::TStr(key) = key else {
                    return Err("a result contains an object key that is not a string".to_owned());
                };
                write_string(key, out);
                out.push(b':');
                write_level(member, depth + 1, cap, out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

/// As jq does: whole numbers without a fraction up to 17 digits, not-a-number as null, infinity as the largest
/// double.
fn write_float(number: f64, out: &mut Vec<u8>) {
    let result = if number.is_nan() {
        write!(out, "null")
    } else if number.is_infinite() {
        write!(out, "{}1.7976931348623157e+308", if number < 0.0 { "-" } else { "" })
    } else if number.fract() == 0.0 && number.abs() < 1e17 {
        write!(out, "{number:.0}")
    } else {
        write!(out, "{}", Num::Float(number))
    };
    result.expect("writing to memory does not fail");
}

fn write_string(text: &[u8], out: &mut Vec<u8>) {
    serde_json::to_writer(out, &String::from_utf8_lossy(text)).expect("writing to memory does not fail");
}

#[cfg(test)]
mod tests {
    use super::super::tests::{one, results};

    #[test]
    fn numbers_print_as_they_came() {
        for number in [
            "2124463772591456256",
            "9223372036854775807",
            "-9223372036854775808",
            "18446744073709551615",
            "100000000000000000000",
            "0.1",
            "1.10",
            "1e999",
            "-0",
            "-0.0",
            "1E+5",
            "3.141592653589793238462643383279",
        ] {
            let json = format!("{{\"id\": {number} }}");
            assert_eq!(one(".id", &json), number);
            assert_eq!(one(".", &json), format!("{{\"id\":{number}}}"));
        }
    }

    #[test]
    fn results_are_json_that_jq_would_print() {
        for (expression, printed) in [
            (".a / 2", "2"),
            (".a / 8", "0.5"),
            ("nan", "null"),
            ("[infinite, -infinite]", "[1.7976931348623157e+308,-1.7976931348623157e+308]"),
            (".s", r#""a\"\\\n\u0001é😀""#),
            ("{b: 1, a: .a}", r#"{"b":1,"a":4}"#),
            ("[.x[]?]", "[]"),
            (".a, .s[0:1]", "4\n\"a\""),
        ] {
            assert_eq!(one(expression, r#"{"a":4,"s":"a\"\\\n\u0001\u00e9\ud83d\ude00"}"#), printed, "{expression}");
        }
    }

    #[test]
    fn a_result_of_too_many_levels_is_an_error() {
        assert!(results("reduce range(200) as $i (0; [.])", "1").expect_err("an error").contains("levels"));
    }
}
