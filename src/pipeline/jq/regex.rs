//! The regexes of expressions: `test`, `match`, `scan`, `split` and what jq builds on them.
//!
//! jaq's regexes know ASCII only, and posts are in every language, so these run on the `regex` crate with all of
//! Unicode. [`dialect`] translates what jq's engine (Oniguruma) reads otherwise. Look-around and back references do
//! not exist in the crate, because they make matching exponential: they are errors.

use std::cell::RefCell;
use std::rc::Rc;

use ::regex::{Regex, RegexBuilder};
use jaq_core::native::{self, bome};
use jaq_core::{Cv, ValR};
use jaq_json::{Map, Num, Val};

use super::{Data, JaqError, Native};
use crate::text::sanitize;

/// How many compiled regexes are kept. An expression has a few; one that builds regexes from messages has any number.
const CACHE_SIZE: usize = 32;

type Compiled = Result<Rc<Regex>, String>;

thread_local! {
    /// The last regexes that were compiled, also those that failed, by their text and the options from [`Flags`].
    static CACHE: RefCell<Vec<(String, [bool; 3], Compiled)>> = const { RefCell::new(Vec::new()) };
}

/// What jaq's own definitions of `match`, `capture`, `sub` and the like call; in `library` also `test` and `scan`.
pub(super) fn natives() -> [Native; 4] {
    [
        ("any_match", native::v(2), |cv| bome(search(cv, |search| Ok(Val::Bool(search.any()))))),
        ("matches", native::v(2), |cv| bome(search(cv, |search| Ok(search.parts(false, true))))),
        ("split_matches", native::v(2), |cv| bome(search(cv, |search| Ok(search.parts(true, true))))),
        ("split_", native::v(2), |cv| bome(search(cv, |search| Ok(search.parts(true, false))))),
    ]
}

/// The flags after a regex. `l`, the longest of the alternatives, has no counterpart in the crate and is ignored; `s`
/// is what holds without it.
#[derive(Default)]
struct Flags {
    all: bool,
    not_empty: bool,
    /// Case-insensitive, with comments, a dot matches line breaks.
    options: [bool; 3],
}

impl Flags {
    fn parse(letters: &str) -> Result<Flags, String> {
        let mut flags = Flags::default();
        for letter in letters.chars() {
            match letter {
                'g' => flags.all = true,
                'n' => flags.not_empty = true,
                'i' => flags.options[0] = true,
                'x' => flags.options[1] = true,
                'p' => flags.options[2] = true,
                's' | 'l' => {}
                _ => return Err(format!("unknown regex flag in `{}`", sanitize(letters, 20))),
            }
        }
        Ok(flags)
    }
}

/// A text and what is searched in it.
struct Search<'a> {
    text: &'a str,
    regex: Rc<Regex>,
    flags: Flags,
}

/// Runs a function of two arguments, a regex and its flags; jq also accepts both as an array in place of the regex.
fn search(mut cv: Cv<Data>, run: fn(&Search) -> ValR<Val>) -> ValR<Val> {
    let flags = cv.0.pop_var();
    let regex = cv.0.pop_var();
    let Val::TStr(bytes) = &cv.1 else { return Err(JaqError::typ(cv.1, "string to be matched")) };
    let text = String::from_utf8_lossy(bytes);
    let mut letters = flag_letters(&flags)?;
    let regex = match &regex {
        Val::Arr(both) if matches!(both.len(), 1 | 2) => {
            if let Some(more) = both.get(1) {
                letters.push_str(&flag_letters(more)?);
            }
            both[0].clone()
        }
        _ => regex,
    };
    let Val::TStr(regex) = &regex else { return Err(JaqError::typ(regex, "regex")) };
    let flags = Flags::parse(&letters).map_err(JaqError::str)?;
    let regex = compile(&String::from_utf8_lossy(regex), flags.options).map_err(JaqError::str)?;
    run(&Search { text: &text, regex, flags })
}

fn flag_letters(flags: &Val) -> Result<String, JaqError> {
    match flags {
        Val::Null => Ok(String::new()),
        Val::TStr(letters) => Ok(String::from_utf8_lossy(letters).into_owned()),
        other => Err(JaqError::typ(other.clone(), "string of flags")),
    }
}

fn compile(text: &str, options: [bool; 3]) -> Compiled {
    CACHE.with_borrow_mut(|cache| {
        if let Some((.., regex)) = cache.iter().find(|(key, keyed, _)| key == text && *keyed == options) {
            return regex.clone();
        }
        let [case_insensitive, comments, dot_all] = options;
        let regex = RegexBuilder::new(&dialect(text))
            .case_insensitive(case_insensitive)
            .ignore_whitespace(comments)
            .dot_matches_new_line(dot_all)
            .build();
        let regex = regex.map(Rc::new).map_err(|error| {
            // The crate draws the regex with a mark under the place; the last line says what is wrong.
            let drawing = error.to_string();
            let last = drawing.lines().next_back().unwrap_or_default();
            format!("invalid regex `{}`: {}", sanitize(text, 60), last.trim_start_matches("error: "))
        });
        if cache.len() == CACHE_SIZE {
            drop(cache.remove(0));
        }
        cache.push((text.to_owned(), options, regex.clone()));
        regex
    })
}

/// A regex of jq in the dialect of the crate: classes such as `[:alpha:]` cover all of Unicode; what has a meaning
/// only in the crate is a plain character, and so are braces that are not a repetition.
fn dialect(regex: &str) -> String {
    let mut out = String::with_capacity(regex.len());
    let mut rest = regex;
    let mut class = false;
    while let Some(character) = rest.chars().next() {
        let mut length = character.len_utf8();
        let mut replacement = None;
        match character {
            '\\' => {
                length += rest[1..].chars().next().map_or(0, char::len_utf8);
                if let [b'p' | b'P' | b'x', b'{', ..] = rest.as_bytes()[1..] {
                    length = rest.find('}').map_or(length, |end| end + 1);
                }
                if !class && &rest[..length] == "\\Z" {
                    replacement = Some("\\z".to_owned());
                }
            }
            '[' if !class => {
                class = true;
                // A bracket in the first place does not close the class.
                for first in ["[^]", "[]", "[^"] {
                    if rest.starts_with(first) {
                        length = first.len();
                        break;
                    }
                }
            }
            ']' => class = false,
            '[' => {
                let name = rest.strip_prefix("[:").and_then(|rest| rest.split_once(":]")).map(|(name, _)| name);
                replacement = match name.and_then(|name| Some((name, posix_class(name)?))) {
                    Some((name, class)) => {
                        length = name.len() + "[::]".len();
                        Some(class)
                    }
                    None => Some("\\[".to_owned()),
                };
            }
            '&' | '~' | '#' if class => replacement = Some(format!("\\{character}")),
            ' ' if class => replacement = Some("\\x20".to_owned()),
            '{' if !class => {
                let inner = rest[1..].split_once('}').map_or("", |(inner, _)| inner);
                let repeats = inner.starts_with(|digit: char| digit.is_ascii_digit() || digit == ',')
                    && inner != ","
                    && inner.bytes().all(|byte| byte.is_ascii_digit() || byte == b',')
                    && inner.matches(',').count() < 2;
                if !repeats || out.is_empty() {
                    replacement = Some("\\{".to_owned());
                } else if let Some(upto) = inner.strip_prefix(',') {
                    length += inner.len() + 1;
                    replacement = Some(format!("{{0,{upto}}}"));
                }
            }
            _ => {}
        }
        out.push_str(replacement.as_deref().unwrap_or(&rest[..length]));
        rest = &rest[length..];
    }
    out
}

/// A class such as `[:alpha:]`, or `[:^alpha:]`, by its name.
fn posix_class(name: &str) -> Option<String> {
    let (not, name) = name.strip_prefix('^').map_or(("", name), |name| ("^", name));
    let members = match name {
        "alnum" => "\\p{Alphabetic}\\p{Nd}",
        "alpha" => "\\p{Alphabetic}",
        "ascii" => "\\x00-\\x7F",
        "blank" => "\\p{Zs}\\t",
        "cntrl" => "\\p{Cc}",
        "digit" => "\\p{Nd}",
        "graph" => "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Cf}\\p{Co}",
        "lower" => "\\p{Lowercase}",
        "print" => "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Cf}\\p{Co}\\p{Zs}",
        "punct" => "\\p{P}",
        "space" => "\\s",
        "upper" => "\\p{Uppercase}",
        "word" => "\\w",
        "xdigit" => "0-9A-Fa-f",
        _ => return None,
    };
    Some(format!("[{not}{members}]"))
}

impl Search<'_> {
    fn any(&self) -> bool {
        if self.flags.not_empty {
            return self.regex.find_iter(self.text).any(|found| !found.is_empty());
        }
        self.regex.is_match(self.text)
    }

    /// The texts between the matches, or the matches, each an array of itself and its groups, or both in turn.
    /// Offsets and lengths are in characters.
    fn parts(&self, between: bool, matches: bool) -> Val {
        let number = |number: usize| Val::from(number);
        let string = |text: &str| Val::utf8_str(text.to_owned());
        let key = |key: &'static str| Val::utf8_str(key.as_bytes());
        let mut parts = Vec::new();
        let mut end = 0;
        let (mut bytes, mut characters) = (0, 0);
        for captures in self.regex.captures_iter(self.text) {
            let whole = captures.get_match();
            if whole.is_empty() && self.flags.not_empty {
                continue;
            }
            if between {
                parts.push(string(&self.text[end..whole.start()]));
                end = whole.end();
            }
            if matches {
                characters += self.text[bytes..whole.start()].chars().count();
                bytes = whole.start();
                let groups = captures.iter().zip(self.regex.capture_names()).enumerate();
                let groups = groups.map(|(index, (group, name))| {
                    let mut members = Map::default();
                    let before = group.map(|group| characters + self.text[bytes..group.start()].chars().count());
                    members.insert(key("offset"), before.map_or(Val::Num(Num::Int(-1)), number));
                    let text = group.map(|group| group.as_str());
                    members.insert(key("length"), number(text.map_or(0, |text| text.chars().count())));
                    members.insert(key("string"), text.map_or(Val::Null, string));
                    if index > 0 {
                        members.insert(key("name"), name.map_or(Val::Null, string));
                    }
                    Val::obj(members)
                });
                parts.push(Val::Arr(Rc::new(groups.collect())));
            }
            if !self.flags.all {
                break;
            }
        }
        if between {
            parts.push(string(&self.text[end..]));
        }
        Val::Arr(Rc::new(parts))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{one, results};
    use super::*;

    #[test]
    fn regexes_cover_all_of_unicode() {
        for (expression, printed) in [
            (r#"test("café";"i")"#, "true"),
            (r#"test(["café","i"])"#, "true"),
            (r#"test("日"; null), test(["日"]), test("日")"#, "true\ntrue\ntrue"),
            (r#"test("^\\w+ \\w+$")"#, "true"),
            (r#"test("fÉ\\b")"#, "true"),
            (r#"test("[[:alpha:]]$"), test("[[:^alpha:]]$"), test("[^[:alpha:]]$")"#, "true\nfalse\nfalse"),
            (r#"test("\\p{Han}"), test("\\p{Lu}f"), test("\\p{Greek}")"#, "true\nfalse\nfalse"),
            (r#"[match("\\p{Han}";"g").offset]"#, "[5,6]"),
            (r#"[scan("\\p{L}+")]"#, r#"["CafÉ","日本"]"#),
            (r#"[scan("(f)(É)|本")]"#, r#"[["f","É"],[null,null]]"#),
            (r#"gsub("É";"e"), sub("(?<x>.)$";"<\(.x)>")"#, "\"Cafe 日本\"\n\"CafÉ 日<本>\""),
            (r#"split("é";"i"), [splits(" ")]"#, "[\"Caf\",\" 日本\"]\n[\"CafÉ\",\"日本\"]"),
            (r#"capture("(?<a>日)(?<b>x)?")"#, r#"{"a":"日","b":null}"#),
            (
                r#"match("(?<n>x)?(日)")"#,
                concat!(
                    r#"{"offset":5,"length":1,"string":"日","captures":[{"offset":-1,"length":0,"string":null,"#,
                    r#""name":"n"},{"offset":5,"length":1,"string":"日","name":null}]}"#
                ),
            ),
            (r#"[match("x*";"g").offset], [match("x*";"gn")]"#, "[0,1,2,3,4,5,6,7]\n[]"),
            (r#"test("c a f # é";"xi"), test("{"), test("[[(]"), test(".\\{?")"#, "true\nfalse\nfalse\ntrue"),
            (r#""a\nb" | test("a.b"), test("a.b";"s"), test("a.b";"p"), test("^b")"#, "false\nfalse\ntrue\nfalse"),
            (r#""aaa" | [scan("a{2}")], [scan("a{,2}";"n")], test("a{")"#, "[\"aa\"]\n[\"aa\",\"a\"]\nfalse"),
        ] {
            assert_eq!(one(expression, "\"CafÉ 日本\""), printed, "{expression}");
        }
    }

    #[test]
    fn an_invalid_regex_is_an_error_of_one_line() {
        for (expression, error) in [
            (r#"test("(a")"#, "invalid regex `(a`: unclosed group"),
            (r#"[scan("a(?=b)")]"#, "invalid regex `a(?=b)`: look-around, including look-ahead and look-behind"),
            (r#"test("a";"m")"#, "unknown regex flag in `m`"),
            ("test(1)", "cannot use 1 as regex"),
            (r#"1 | test("a")"#, "cannot use 1 as string to be matched"),
            (r#"test("a";1)"#, "cannot use 1 as string of flags"),
        ] {
            // The second time it comes from the cache.
            for _ in 0..2 {
                let found = results(expression, "\"text\"").expect_err(expression);
                assert!(found.starts_with(error), "{found}");
            }
        }
    }

    #[test]
    fn the_cache_of_regexes_is_bounded() {
        assert_eq!(one("[range(200) as $n | \"150\" | test(\"^\\($n)$\")] | index(true)", "null"), "150");
        assert_eq!(CACHE.with_borrow(Vec::len), CACHE_SIZE);
    }
}
