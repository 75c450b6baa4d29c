//! jq expressions over messages: `--where` and `--jq`. jaq is used in this folder only.
//!
//! An expression is compiled once and sees only one message at a time.
//!
//! ```text
//! source      the text, and errors that point into it
//! library     the functions it can call             (assignment, regex: those that are not jaq's)
//! predicate   conditions on fields, without building the message as a value
//! value       JSON to jaq's values and back
//! error_kind  which errors are the same
//! ```
//!
//! Law: whatever the message, evaluating gives an answer or an error, and output of at most [`OUTPUT_CAP`].
//!
//! Weakness: time and the memory of intermediate values are not bounded, as they are not in jq. An expression that
//! does not end (`def f: f; f`, `[repeat(1)]`, `last(range(infinite))`) blocks the stream; one that recurses without
//! end, builds a value thousands of levels deep, or repeats a string an astronomic number of times ends the process.
//! No message can cause that in an expression that does not do so by itself: messages are at most 127 levels deep,
//! and `fromjson` has the same bound.

mod assignment;
mod error_kind;
mod library;
mod predicate;
mod regex;
mod source;
mod value;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use jaq_core::data::JustLut;
use jaq_core::load::parse::Def;
use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Filter, Vars};
use jaq_json::Val;

pub use error_kind::error_kind;
use predicate::Predicate;
use source::ExpressionSource;

use crate::text::sanitize;

/// The most bytes that the results of one message may have: as many as the longest line that is read by default.
/// Half would still be enough for any real post; without a cap `repeat(.)` would fill the memory.
pub const OUTPUT_CAP: usize = 8 << 20;

/// How many results of one message `--where` examines before it gives up. A condition has one.
const RESULTS_CAP: usize = 1 << 20;

type Data = JustLut<Val>;

type JaqError = jaq_core::Error<Val>;

/// A function: its name, its arguments and its code.
type Native = (&'static str, Box<[jaq_core::Bind]>, jaq_core::RunPtr<Data>);

/// A compiled expression. Cloning it shares it.
#[derive(Clone)]
pub struct Jq(Rc<Program>);

struct Program {
    text: String,
    filter: Filter<Data>,
    /// The expression as a condition on fields, if it is one.
    predicate: Option<Predicate>,
}

impl fmt::Debug for Jq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Jq").field(&self.0.text).finish()
    }
}

impl Jq {
    /// Compiles an expression.
    ///
    /// # Errors
    /// It is not a jq expression, or uses a function that is not available: one line with the reason and the place.
    pub fn compile(text: &str) -> Result<Jq, String> {
        const INVALID: &str = "not a jq expression";
        let source = ExpressionSource::new(text);
        let term = load::parse(&source.text, |parser| parser.term());
        let predicate = term.as_ref().and_then(Predicate::from_term);
        let mut prelude: Vec<Def<&str>> = library::definitions().collect();
        let mut code = source.text.as_str();
        if let Some(mut body) = term {
            assignment::rewrite(&mut body);
            // The loader accepts a parsed term only as the body of a definition.
            code = "_expression";
            prelude.push(Def { name: code, args: Vec::new(), body });
        }
        let arena = Arena::default();
        let modules = Loader::new(prelude).load(&arena, File { code, path: () }).map_err(|errors| {
            let error = errors.iter().find_map(|(_, error)| source.parse_error(error));
            error.unwrap_or_else(|| INVALID.to_owned())
        })?;
        let filter = Compiler::default().with_funs(library::functions()).compile(modules).map_err(|errors| {
            let error = errors.iter().flat_map(|(_, errors)| errors).next();
            error.map_or_else(|| INVALID.to_owned(), |(name, what)| source.undefined(name, what))
        })?;
        Ok(Jq(Rc::new(Program { text: text.to_owned(), filter, predicate })))
    }

    /// Whether `jq 'select(…)'` would print the message, a valid JSON value: whether one of the results is neither
    /// false nor null.
    ///
    /// # Errors
    /// The expression failed on this message before it gave such a result.
    pub fn matches(&self, json: &[u8]) -> Result<bool, String> {
        if let Some(predicate) = &self.0.predicate
            && let Ok(matches) = predicate.matches(json)
        {
            return Ok(matches);
        }
        let mut matches = false;
        let mut count = 0;
        self.evaluate(json, |value| {
            matches = !matches!(value, Val::Null | Val::Bool(false));
            count += 1;
            if count == RESULTS_CAP && !matches {
                return Err(format!("more than {RESULTS_CAP} results for one message"));
            }
            Ok(!matches)
        })?;
        Ok(matches)
    }

    /// Appends the results for a message, a valid JSON value, to `out`: each as compact JSON on a line of its own;
    /// with `raw`, strings as their bare text.
    ///
    /// # Errors
    /// The expression failed on this message, or its results are too large; then `out` is as it was.
    pub fn results(&self, json: &[u8], raw: bool, out: &mut Vec<u8>) -> Result<(), String> {
        let started = out.len();
        let result = self.evaluate(json, |value| {
            match value {
                Val::TStr(text) if raw => out.extend_from_slice(&text),
                value => value::write(&value, started, out)?,
            }
            out.push(b'\n');
            if out.len() - started > OUTPUT_CAP {
                return Err(too_large());
            }
            Ok(true)
        });
        if result.is_err() {
            out.truncate(started);
        }
        result
    }

    /// Passes each result to `on_result` until that returns false.
    fn evaluate(&self, json: &[u8], mut on_result: impl FnMut(Val) -> Result<bool, String>) -> Result<(), String> {
        let program = &*self.0;
        let run = || {
            let ctx = Ctx::<Data>::new(&program.filter.lut, Vars::new([]));
            for result in program.filter.id.run((ctx, value::from_json(json))) {
                let value = result.map_err(|exception| match exception.get_err() {
                    Ok(error) => sanitize(&error_text(error.into_val()), 200),
                    Err(_) => "`break` outside of its label".to_owned(),
                })?;
                if !on_result(value)? {
                    break;
                }
            }
            Ok(())
        };
        // jaq computes lengths and indices with arithmetic that panics at the far end of the numbers. The values are
        // dropped with the message, so no broken one is used again.
        catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err("the interpreter failed".to_owned()))
    }
}

/// An error may be any value; a string is shown without its quotes.
fn error_text(error: Val) -> String {
    match error {
        Val::TStr(text) => String::from_utf8_lossy(&text).into_owned(),
        other => other.to_string(),
    }
}

fn too_large() -> String {
    format!("more than {} MiB of results for one message", OUTPUT_CAP >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn results(expression: &str, json: &str) -> Result<String, String> {
        let mut out = b"before\n".to_vec();
        let jq = Jq::compile(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
        let result = jq.results(json.as_bytes(), false, &mut out);
        let text = String::from_utf8(out).expect("text");
        let text = text.strip_prefix("before\n").expect("what was there stays");
        result.map(|()| text.to_owned()).inspect_err(|error| {
            assert!(text.is_empty(), "{text}");
            assert!(!error.contains('\n'), "{error}");
        })
    }

    pub(super) fn one(expression: &str, json: &str) -> String {
        let text = results(expression, json).unwrap_or_else(|error| panic!("{expression}: {error}"));
        text.strip_suffix('\n').expect("a line").to_owned()
    }

    fn matches(expression: &str, json: &str) -> Result<bool, String> {
        Jq::compile(expression).expect("an expression").matches(json.as_bytes())
    }

    #[test]
    fn raw_strings_are_bare_and_the_rest_is_json() {
        let mut out = Vec::new();
        let jq = Jq::compile(".s, .n, [.s]").expect("an expression");
        jq.results(br#"{"s":"a\tb","n":null}"#, true, &mut out).expect("results");
        assert_eq!(String::from_utf8_lossy(&out), "a\tb\nnull\n[\"a\\tb\"]\n");
    }

    #[test]
    fn a_condition_matches_as_in_select() {
        for (expression, expected) in [
            (".a", Ok(true)),
            (".b", Ok(false)),
            (".c", Ok(false)),
            ("0", Ok(true)),
            ("empty", Ok(false)),
            ("false, true", Ok(true)),
            ("true, error(\"late\")", Ok(true)),
            ("false, error(\"early\")", Err("early".to_owned())),
            (".a.b", Err("cannot index 1 with \"b\"".to_owned())),
        ] {
            assert_eq!(matches(expression, r#"{"a":1,"b":false}"#), expected, "{expression}");
        }
    }

    #[test]
    fn endless_output_is_cut_off() {
        for expression in ["repeat(.)", "range(infinite) | tostring * 100", "[range(1500000)]"] {
            let error = results(expression, "\"some text that is repeated\"").expect_err(expression);
            assert!(error.contains("8 MiB"), "{error}");
        }
        assert!(matches("repeat(null)", "1").expect_err("an error").contains("results"));
    }

    #[test]
    fn arithmetic_that_panics_is_an_error() {
        // The panics of these go to stderr of the test.
        for expression in ["\"long\" * 9223372036854775807", "[-9223372036854775808] | implode"] {
            assert!(results(expression, "1").is_err(), "{expression}");
        }
    }
}
