//! jq expressions over messages: `--where` and `--jq`. All that is known of jaq is in this file.
//!
//! An expression is compiled once and sees one message at a time and nothing else. It reads no clock, no
//! environment (the token may be in it), no time zone, no further input and no module, and it prints nothing by
//! itself: `LEFT_OUT` names what jaq has for that, and using it is a usage error.
//!
//! Numbers that an expression hands on unchanged print as they came, however large or precise: an id of v1.1 keeps
//! all its digits. Results are JSON that jq reads; what JSON cannot hold (a byte string, a key that is no string) is
//! an error, and not-a-number and infinity print as jq prints them.
//!
//! Its law: whatever the message, evaluating gives an answer or an error, and output of at most [`OUTPUT_CAP`].
//! Its weakness: time and the memory of intermediate values are not bounded, as they are not in jq. An expression
//! that runs for ever (`def f: f; f`, `[repeat(1)]`, `last(range(infinite))`) stops the stream where it stands, and
//! one that recurses without end, builds a value thousands of levels deep, or multiplies a string by a number of
//! astronomic size ends the program. A plain expression gives no message the means to do so: what messages hold is at
//! most 127 levels deep, and `fromjson` keeps to that too.

use std::cell::RefCell;
use std::fmt;
use std::io::Write as _;
use std::mem;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use jaq_core::data::JustLut;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::load::{self, Arena, File, Loader, lex};
use jaq_core::native::{self, Fun, bome};
use jaq_core::ops::{Cmp, Math};
use jaq_core::path::{Opt, Part};
use jaq_core::{Bind, Compiler, Ctx, Cv, Filter, RunPtr, ValR, ValT as _, ValXs, Vars, compile};
use jaq_json::{Map, Num, Val};
use jaq_std::ValT as _;
use regex::{Regex, RegexBuilder};

use super::walk::{NoMembers, Walk, find, spelled};
use crate::protocol::scan::{MAX_DEPTH, scan};
use crate::text::sanitize;

/// What the results of one message may come to, in bytes: as much as the longest line that is read by default.
/// Half would still do for any real post; without it `repeat(.)` would fill the memory.
pub const OUTPUT_CAP: usize = 8 << 20;

/// How many results of one message `--where` looks at for one that is true. A condition has one.
const RESULTS_CAP: usize = 1 << 20;

/// jaq's functions that would touch the clock, the environment, the time zone, the log or the process.
const LEFT_OUT: [&str; 12] = [
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
    // Ours is bounded in depth.
    "fromjson",
];

/// What jaq does otherwise than jq and is ours here.
const REPLACED: [&str; 8] =
    ["matches", "split_matches", "split_", "ltrimstr", "rtrimstr", "setpath", "delpaths", "del"];

/// Names of jq that people may try and that see more than the message; jaq's library does not have them.
const NOT_HERE: [&str; 6] = ["$ENV", "input", "inputs", "input_filename", "input_line_number", "$__prog_args"];

/// What jq has and jaq's library lacks or does otherwise: `join` of null, tables for `--raw-output`, SQL manners.
const MORE: &str = r#"
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
def del(f): delpaths([path(f)]);
def _assign(p; $x): reduce path(p) as $q (.; setpath($q; $x));
def _modify(p; f): reduce path(p) as $q ([., []];
    .[0] as $x | [first($x | getpath($q) | f)] as $new
    | if $new == [] then [$x, .[1] + [$q]] else [($x | setpath($q; $new[0])), .[1]] end)
  | .[1] as $gone | .[0] | delpaths($gone);
def _plus(p; $x): _modify(p; . + $x);
def _minus(p; $x): _modify(p; . - $x);
def _times(p; $x): _modify(p; . * $x);
def _over(p; $x): _modify(p; . / $x);
def _modulo(p; $x): _modify(p; . % $x);
def _or_else(p; $x): _modify(p; . // $x);
def test(re; flags): any_match(re; flags);
def test(re): any_match(re; null);
def scan(re; flags): matches(re; "g" + flags)[] | [.[].string] | if length > 1 then .[1:] else .[0] end;
def scan(re): scan(re; null);
def tostream: path(def r: (.[]? | r), .; r) as $p | getpath($p)
  | reduce path(.[]?) as $q ([$p, .]; [$p + $q]);
"#;

type Data = JustLut<Val>;

/// A compiled expression. Cloning it shares it.
#[derive(Clone)]
pub struct Jq(Rc<Program>);

struct Program {
    text: String,
    filter: Filter<Data>,
    /// The expression as a test of fields, if it is one.
    test: Option<Test>,
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
    /// It is no jq expression, or uses what is not there: one line that says what and at which place.
    pub fn compile(text: &str) -> Result<Jq, String> {
        let kept = |name: &str| !LEFT_OUT.contains(&name) && !REPLACED.contains(&name);
        let more = load::parse(MORE, |parser| parser.defs()).unwrap_or_default();
        let defs = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs()).filter(|def| kept(def.name));
        let funs = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs()).filter(|fun| kept(fun.0));
        let source = Source::of(text);
        let text = source.text.as_str();
        let arena = Arena::default();
        let mut prelude: Vec<Def<&str>> = defs.chain(more).collect();
        let term = load::parse(text, |parser| parser.term());
        let mut code = text;
        if let Some(mut body) = term.clone()
            && updates(&mut body)
        {
            // A term is taken in only as a definition.
            code = "_expression";
            prelude.push(Def { name: code, args: Vec::new(), body });
        }
        let loaded = Loader::new(prelude).load(&arena, File { code, path: () });
        let modules = loaded.map_err(|errors| {
            let error = errors.iter().find_map(|(_, error)| not_loaded(&source, error));
            error.unwrap_or_else(|| "no jq expression".to_owned())
        })?;
        let compiled = Compiler::default().with_funs(funs.chain(natives())).compile(modules);
        let filter = compiled.map_err(|errors| {
            let error = errors.iter().flat_map(|(_, errors)| errors).next();
            error.map_or_else(|| "no jq expression".to_owned(), |(name, what)| undefined(&source, name, what))
        })?;
        let fields = term.and_then(|term| Test::of(&term));
        Ok(Jq(Rc::new(Program { text: text.to_owned(), filter, test: fields })))
    }

    /// Whether `jq 'select(…)'` would print the message: whether one of the results is neither false nor null.
    /// `json` is a valid JSON value.
    ///
    /// # Errors
    /// The expression failed on this message before it gave such a result.
    pub fn keeps(&self, json: &[u8]) -> Result<bool, String> {
        if let Some(test) = &self.0.test
            && let Ok(keeps) = test.holds(json)
        {
            return Ok(keeps);
        }
        let mut keeps = false;
        let mut count = 0;
        self.evaluate(json, |value| {
            keeps = !matches!(value, Val::Null | Val::Bool(false));
            count += 1;
            if count == RESULTS_CAP && !keeps {
                return Err(format!("more than {RESULTS_CAP} results for one message"));
            }
            Ok(!keeps)
        })?;
        Ok(keeps)
    }

    /// Appends the results to `out`, each as compact JSON on a line of its own; with `raw`, strings as their bare
    /// text. `json` is a valid JSON value.
    ///
    /// # Errors
    /// The expression failed on this message, or its results are too large; then `out` is as it was.
    pub fn results(&self, json: &[u8], raw: bool, out: &mut Vec<u8>) -> Result<(), String> {
        let started = out.len();
        let result = self.evaluate(json, |value| {
            match value {
                Val::TStr(text) if raw => out.extend_from_slice(&text),
                value => write(&value, 0, out, started + OUTPUT_CAP)?,
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

    /// Hands each result to `see` until that says false.
    fn evaluate(&self, json: &[u8], mut see: impl FnMut(Val) -> Result<bool, String>) -> Result<(), String> {
        let program = &*self.0;
        let run = || {
            let ctx = Ctx::<Data>::new(&program.filter.lut, Vars::new([]));
            for result in program.filter.id.run((ctx, value(json))) {
                let value = result.map_err(|exception| match exception.get_err() {
                    Ok(error) => sanitize(&in_words(error.into_val()), 200),
                    Err(_) => "the expression left itself by a way out that is not here".to_owned(),
                })?;
                if !see(value)? {
                    break;
                }
            }
            Ok(())
        };
        // jaq has arithmetic on lengths and indices that panics at the far end of the numbers. The values are
        // dropped with the message, so nothing broken is seen again.
        catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err("the expression broke the interpreter".to_owned()))
    }
}

/// A condition on a few fields, such as `.data.lang == "en" and .data.text`: judged on the bytes of the message, of
/// which nothing is built but the fields compared. The values are jaq's and so are their comparisons; where the
/// expression would fail, the interpreter is asked, for the error is its to tell.
enum Test {
    /// Neither false nor null.
    True(Vec<Vec<u8>>),
    Compare(Operand, Cmp, Operand),
    Not(Box<Test>),
    And(Box<Test>, Box<Test>),
    Or(Box<Test>, Box<Test>),
}

enum Operand {
    Field(Vec<Vec<u8>>),
    Literal(Val),
}

impl Test {
    /// The test that an expression is; none if it is more than that.
    fn of(term: &Term<&str>) -> Option<Test> {
        let Term::BinOp(left, operator, right) = term else {
            return field(term).map(Test::True);
        };
        let test = |term| Test::of(term).map(Box::new);
        Some(match operator {
            BinaryOp::Cmp(comparison) => Test::Compare(Operand::of(left)?, *comparison, Operand::of(right)?),
            BinaryOp::And => Test::And(test(left)?, test(right)?),
            BinaryOp::Or => Test::Or(test(left)?, test(right)?),
            BinaryOp::Pipe(None) if matches!(&**right, Term::Call("not", arguments) if arguments.is_empty()) => {
                Test::Not(test(left)?)
            }
            _ => return None,
        })
    }

    fn holds(&self, json: &[u8]) -> Result<bool, NoMembers> {
        Ok(match self {
            Test::True(path) => !matches!(find(&mut Walk::new(json), path)?, None | Some(b"null" | b"false")),
            Test::Compare(
                Operand::Field(path),
                comparison @ (Cmp::Eq | Cmp::Ne),
                Operand::Literal(Val::TStr(text)),
            ) => {
                // By far the commonest test needs no value at all.
                let found = find(&mut Walk::new(json), path)?;
                let equal = found.is_some_and(|found| found.starts_with(b"\"") && *spelled(found) == ***text);
                equal == (*comparison == Cmp::Eq)
            }
            Test::Compare(left, comparison, right) => comparison.run(&left.value(json)?, &right.value(json)?),
            Test::Not(test) => !test.holds(json)?,
            Test::And(left, right) => left.holds(json)? && right.holds(json)?,
            Test::Or(left, right) => left.holds(json)? || right.holds(json)?,
        })
    }
}

impl Operand {
    fn of(term: &Term<&str>) -> Option<Operand> {
        if let Some(path) = field(term) {
            return Some(Operand::Field(path));
        }
        Some(Operand::Literal(match term {
            Term::Num(number) => Val::from_num(number).ok()?,
            Term::Neg(term) => match &**term {
                Term::Num(number) => (-Val::from_num(number).ok()?).ok()?,
                _ => return None,
            },
            Term::Str(None, parts) => Val::utf8_str(literal(parts)?),
            Term::Call("null", arguments) if arguments.is_empty() => Val::Null,
            Term::Call("true", arguments) if arguments.is_empty() => Val::Bool(true),
            Term::Call("false", arguments) if arguments.is_empty() => Val::Bool(false),
            _ => return None,
        }))
    }

    fn value(&self, json: &[u8]) -> Result<Val, NoMembers> {
        Ok(match self {
            Operand::Field(path) => find(&mut Walk::new(json), path)?.map_or(Val::Null, value),
            Operand::Literal(value) => value.clone(),
        })
    }
}

/// The keys of a path of nothing but keys; none for `.` itself.
fn field(term: &Term<&str>) -> Option<Vec<Vec<u8>>> {
    match term {
        Term::Id => Some(Vec::new()),
        Term::Path(origin, path) if matches!(**origin, Term::Id) => path
            .0
            .iter()
            .map(|part| match part {
                (Part::Index(Term::Str(None, parts)), Opt::Essential) => literal(parts).map(String::into_bytes),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

/// What a string without interpolation says.
fn literal(parts: &[lex::StrPart<&str, Term<&str>>]) -> Option<String> {
    let mut text = String::new();
    for part in parts {
        match part {
            lex::StrPart::Str(part) => text.push_str(part),
            lex::StrPart::Char(character) => text.push(*character),
            lex::StrPart::Term(_) => return None,
        }
    }
    Some(text)
}

/// What kind of error a text tells: the text without the values in it, so that one kind is told once however
/// many messages it meets.
#[must_use]
pub fn kind_of_error(text: &str) -> String {
    let mut kind = String::new();
    let mut characters = text.chars();
    let mut depth = 0u32;
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                while let Some(inner) = characters.next() {
                    match inner {
                        '"' => break,
                        '\\' => {
                            characters.next();
                        }
                        _ => {}
                    }
                }
                if depth == 0 {
                    kind.push('"');
                }
            }
            '{' | '[' => {
                if depth == 0 {
                    kind.push(character);
                }
                depth += 1;
            }
            '}' | ']' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            '0'..='9' | '.' | '-' if kind.ends_with('0') => {}
            '0'..='9' | '.' | '-' => kind.push('0'),
            _ => kind.push(character),
        }
    }
    kind
}

/// An error may be any value; a string speaks for itself.
fn in_words(error: Val) -> String {
    match error {
        Val::TStr(text) => String::from_utf8_lossy(&text).into_owned(),
        other => other.to_string(),
    }
}

fn too_large() -> String {
    format!("more than {} MiB of results for one message", OUTPUT_CAP >> 20)
}

/// jaq reads any depth, which overflows the stack; the text of a post may be `[[[[…`.
fn from_json() -> Fun<Data> {
    native::run(("fromjson", native::v(0), |cv| {
        bome(match cv.1.as_utf8_bytes() {
            Some(text) => match scan(text) {
                Ok(_) => Ok(value(text)),
                Err(fault) => Err(Error::str(format_args!("fromjson of what is not JSON: {fault}"))),
            },
            None => Err(Error::typ(cv.1, "string")),
        })
    }))
}

/// A function with its name and arguments.
type Named = (&'static str, Box<[Bind]>, RunPtr<Data>);

/// The functions that are ours.
fn natives() -> impl Iterator<Item = Fun<Data>> {
    fn trim(mut cv: Cv<Data>, trimmed: fn(&[u8], &[u8]) -> Option<Range<usize>>) -> ValXs<Val> {
        let part = cv.0.pop_var();
        // jq hands on what is no string.
        let text = match (&cv.1, &part) {
            (Val::TStr(text), Val::TStr(part)) => trimmed(text, part).map(|range| Val::utf8_str(text.slice(range))),
            _ => None,
        };
        bome(Ok(text.unwrap_or(cv.1)))
    }
    let more: [Named; 8] = [
        ("setpath", native::v(2), |mut cv| {
            let (new, path) = (cv.0.pop_var(), cv.0.pop_var());
            bome(elements(path).and_then(|path| set(cv.1, &path, new)))
        }),
        ("delpaths", native::v(1), |mut cv| {
            let paths = cv.0.pop_var();
            bome(delete_all(cv.1, paths))
        }),
        ("any_match", native::v(2), |cv| bome(searched(cv, |search| Ok(Val::Bool(search.any()))))),
        ("matches", native::v(2), |cv| bome(searched(cv, |search| Ok(search.parts(false, true))))),
        ("split_matches", native::v(2), |cv| bome(searched(cv, |search| Ok(search.parts(true, true))))),
        ("split_", native::v(2), |cv| bome(searched(cv, |search| Ok(search.parts(true, false))))),
        ("ltrimstr", native::v(1), |cv| {
            trim(cv, |text, part| text.starts_with(part).then_some(part.len()..text.len()))
        }),
        ("rtrimstr", native::v(1), |cv| trim(cv, |text, part| text.strip_suffix(part).map(|rest| 0..rest.len()))),
    ];
    [from_json()].into_iter().chain(more.map(native::run::<Data>))
}

/// Has every assignment in a term done by our definitions, which make what is missing on the way as jq does; jaq's
/// fail on it. Says whether there is any.
fn updates(term: &mut Term<&str>) -> bool {
    let all = |terms: &mut [Term<&str>]| terms.iter_mut().fold(false, |any, term| updates(term) | any);
    match term {
        Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) | Term::Var(_) | Term::Arr(None) => false,
        Term::Str(_, parts) => parts.iter_mut().fold(false, |any, part| match part {
            lex::StrPart::Term(term) => updates(term) | any,
            _ => any,
        }),
        Term::Arr(Some(term)) | Term::Neg(term) | Term::Label(_, term) => updates(term),
        Term::Obj(members) => members.iter_mut().fold(false, |any, (key, member)| {
            let any = updates(key) | any;
            member.as_mut().is_some_and(updates) | any
        }),
        Term::Fold(_, source, pattern, terms) => {
            let any = updates(source) | updates_pattern(pattern);
            all(terms) | any
        }
        Term::TryCatch(body, catch) => updates(body) | catch.as_mut().is_some_and(|catch| updates(catch)),
        Term::IfThenElse(cases, otherwise) => {
            let any = cases.iter_mut().fold(false, |any, (test, then)| updates(test) | updates(then) | any);
            otherwise.as_mut().is_some_and(|otherwise| updates(otherwise)) | any
        }
        Term::Def(defs, body) => defs.iter_mut().fold(false, |any, def| updates(&mut def.body) | any) | updates(body),
        Term::Call(_, arguments) => all(arguments),
        Term::Path(origin, path) => path.0.iter_mut().fold(updates(origin), |any, (part, _)| match part {
            Part::Index(index) => updates(index) | any,
            Part::Range(from, upto) => {
                let any = from.as_mut().is_some_and(updates) | any;
                upto.as_mut().is_some_and(updates) | any
            }
        }),
        Term::BinOp(left, operator, right) => {
            let mut any = updates(left) | updates(right);
            if let BinaryOp::Pipe(Some(pattern)) = operator {
                any |= updates_pattern(pattern);
            }
            let name = match operator {
                BinaryOp::Assign => "_assign",
                BinaryOp::Update => "_modify",
                BinaryOp::UpdateMath(Math::Add) => "_plus",
                BinaryOp::UpdateMath(Math::Sub) => "_minus",
                BinaryOp::UpdateMath(Math::Mul) => "_times",
                BinaryOp::UpdateMath(Math::Div) => "_over",
                BinaryOp::UpdateMath(Math::Rem) => "_modulo",
                BinaryOp::UpdateAlt => "_or_else",
                _ => return any,
            };
            *term = Term::Call(name, vec![mem::take(left), mem::take(right)]);
            true
        }
    }
}

fn updates_pattern(pattern: &mut Pattern<&str>) -> bool {
    match pattern {
        Pattern::Var(_) => false,
        Pattern::Arr(patterns) => patterns.iter_mut().fold(false, |any, pattern| updates_pattern(pattern) | any),
        Pattern::Obj(members) => {
            members.iter_mut().fold(false, |any, (key, pattern)| updates(key) | updates_pattern(pattern) | any)
        }
    }
}

/// How far beyond its end an array is filled up.
const INDEX_CAP: usize = 1 << 20;

type Error = jaq_core::Error<Val>;

/// Where an index that counts from either end is in an array.
fn index_in(length: usize, index: &Val) -> Option<usize> {
    match index.as_isize()? {
        index @ 0.. => usize::try_from(index).ok(),
        index => length.checked_sub(index.unsigned_abs()),
    }
}

/// Replaces the elements of a slice, whose bounds are the members of `bounds`.
fn splice(array: Val, bounds: &Map, new: &Val) -> ValR<Val> {
    let bound = |name: &'static str| bounds.get(&Val::utf8_str(name.as_bytes()));
    let spliced = array.map_range(bound("start")..bound("end"), Opt::Essential, |_| std::iter::once(Ok(new.clone())));
    spliced.map_err(|exception| exception.get_err().unwrap_or_else(|_| Error::str("no slice")))
}

/// The value with another at a path, and with what is missing on the way there.
fn set(value: Val, path: &[Val], new: Val) -> ValR<Val> {
    let Some((key, rest)) = path.split_first() else { return Ok(new) };
    match (value, key) {
        (Val::Null, Val::TStr(_)) => set(Val::obj(Map::default()), path, new),
        (Val::Null, Val::Num(_) | Val::Obj(_)) => set(Val::Arr(Rc::default()), path, new),
        (Val::Obj(mut members), Val::TStr(_)) => {
            let member = Rc::make_mut(&mut members).entry(key.clone()).or_insert(Val::Null);
            *member = set(mem::replace(member, Val::Null), rest, new)?;
            Ok(Val::Obj(members))
        }
        (Val::Arr(mut elements), Val::Num(_)) => {
            let Some(index) = index_in(elements.len(), key) else {
                return Err(Error::str(format_args!("index {key} out of bounds")));
            };
            if index > elements.len() + INDEX_CAP {
                return Err(Error::str(format_args!("index {key} too large")));
            }
            let elements_mut = Rc::make_mut(&mut elements);
            if index >= elements_mut.len() {
                elements_mut.resize(index + 1, Val::Null);
            }
            let element = &mut elements_mut[index];
            *element = set(mem::replace(element, Val::Null), rest, new)?;
            Ok(Val::Arr(elements))
        }
        (array @ Val::Arr(_), Val::Obj(bounds)) => {
            let new = set(array.clone().index(key)?, rest, new)?;
            splice(array, bounds, &new)
        }
        (value, key) => Err(Error::index(value, key.clone())),
    }
}

/// The value without what is at a path; what is not there is no error.
fn delete(value: Val, path: &[Val]) -> ValR<Val> {
    let Some((key, rest)) = path.split_first() else { return Ok(Val::Null) };
    match (value, key) {
        (Val::Null, _) => Ok(Val::Null),
        (Val::Obj(mut members), Val::TStr(_)) => {
            let members_mut = Rc::make_mut(&mut members);
            if rest.is_empty() {
                members_mut.shift_remove(key);
            } else if let Some(member) = members_mut.get_mut(key) {
                *member = delete(mem::replace(member, Val::Null), rest)?;
            }
            Ok(Val::Obj(members))
        }
        (Val::Arr(mut elements), Val::Num(_)) => {
            if let Some(index) = index_in(elements.len(), key).filter(|index| *index < elements.len()) {
                let elements_mut = Rc::make_mut(&mut elements);
                if rest.is_empty() {
                    elements_mut.remove(index);
                } else {
                    let element = &mut elements_mut[index];
                    *element = delete(mem::replace(element, Val::Null), rest)?;
                }
            }
            Ok(Val::Arr(elements))
        }
        (array @ Val::Arr(_), Val::Obj(bounds)) => {
            let left = if rest.is_empty() { Val::Arr(Rc::default()) } else { delete(array.clone().index(key)?, rest)? };
            splice(array, bounds, &left)
        }
        (value, key) => Err(Error::index(value, key.clone())),
    }
}

fn elements(value: Val) -> Result<Rc<Vec<Val>>, Error> {
    match value {
        Val::Arr(elements) => Ok(elements),
        other => Err(Error::typ(other, "path")),
    }
}

/// As jq: the last first, so that no path moves before its turn.
fn delete_all(value: Val, paths: Val) -> ValR<Val> {
    let mut paths = elements(paths)?;
    Rc::make_mut(&mut paths).sort();
    paths.iter().rev().try_fold(value, |value, path| delete(value, &elements(path.clone())?))
}

/// How many regexes are kept compiled. An expression has a few; one made of the message's text has any number.
const REGEXES: usize = 32;

type Compiled = Result<Rc<Regex>, String>;

thread_local! {
    /// The regexes compiled lately, also those that are none, by their text and what [`Flags`] make of it.
    static COMPILED: RefCell<Vec<(String, [bool; 3], Compiled)>> = const { RefCell::new(Vec::new()) };
}

/// What the letters after a regex ask for. `l`, the longest of the alternatives, has no counterpart and is read
/// over; `s` says what holds without it.
#[derive(Default)]
struct Flags {
    all: bool,
    not_empty: bool,
    /// Any case, with comments, and a dot that is a line break too.
    regex: [bool; 3],
}

impl Flags {
    fn read(letters: &str) -> Result<Flags, String> {
        let mut flags = Flags::default();
        for letter in letters.chars() {
            match letter {
                'g' => flags.all = true,
                'n' => flags.not_empty = true,
                'i' => flags.regex[0] = true,
                'x' => flags.regex[1] = true,
                'p' => flags.regex[2] = true,
                's' | 'l' => {}
                _ => return Err(format!("`{}` are no flags of a regex", sanitize(letters, 20))),
            }
        }
        Ok(flags)
    }
}

/// A text and what is sought in it.
struct Search<'a> {
    text: &'a str,
    regex: Rc<Regex>,
    flags: Flags,
}

/// Runs a filter of two arguments, a regex and its flags; both may come as an array in place of the regex.
fn searched(mut cv: Cv<Data>, run: fn(&Search) -> ValR<Val>) -> ValR<Val> {
    let flags = cv.0.pop_var();
    let regex = cv.0.pop_var();
    let Val::TStr(bytes) = &cv.1 else { return Err(Error::typ(cv.1, "string to be matched")) };
    let text = String::from_utf8_lossy(bytes);
    let mut letters = letters(&flags)?;
    let regex = match &regex {
        Val::Arr(both) if matches!(both.len(), 1 | 2) => {
            if let Some(more) = both.get(1) {
                letters.push_str(&self::letters(more)?);
            }
            both[0].clone()
        }
        _ => regex,
    };
    let Val::TStr(regex) = &regex else { return Err(Error::typ(regex, "regex")) };
    let flags = Flags::read(&letters).map_err(Error::str)?;
    let regex = compiled(&String::from_utf8_lossy(regex), flags.regex).map_err(Error::str)?;
    run(&Search { text: &text, regex, flags })
}

fn letters(flags: &Val) -> Result<String, Error> {
    match flags {
        Val::Null => Ok(String::new()),
        Val::TStr(letters) => Ok(String::from_utf8_lossy(letters).into_owned()),
        other => Err(Error::typ(other.clone(), "string of flags")),
    }
}

fn compiled(text: &str, flags: [bool; 3]) -> Compiled {
    COMPILED.with_borrow_mut(|known| {
        if let Some((.., regex)) = known.iter().find(|(key, keyed, _)| key == text && *keyed == flags) {
            return regex.clone();
        }
        let [any_case, comments, dot_all] = flags;
        let regex = RegexBuilder::new(&dialect(text))
            .case_insensitive(any_case)
            .ignore_whitespace(comments)
            .dot_matches_new_line(dot_all)
            .build();
        let regex = regex.map(Rc::new).map_err(|error| {
            let told = error.to_string();
            let last = told.lines().next_back().unwrap_or_default();
            format!("no regex `{}`: {}", sanitize(text, 60), last.trim_start_matches("error: "))
        });
        if known.len() == REGEXES {
            drop(known.remove(0));
        }
        known.push((text.to_owned(), flags, regex.clone()));
        regex
    })
}

/// A regex of jq's in the dialect of the crate: classes such as `[:alpha:]` are of all Unicode, and what only the
/// crate gives a meaning is a plain character, as are braces that count nothing.
fn dialect(regex: &str) -> String {
    let mut out = String::with_capacity(regex.len());
    let mut rest = regex;
    let mut class = false;
    while let Some(character) = rest.chars().next() {
        let mut length = character.len_utf8();
        let mut shown = None;
        match character {
            '\\' => {
                length += rest[1..].chars().next().map_or(0, char::len_utf8);
                if let [b'p' | b'P' | b'x', b'{', ..] = rest.as_bytes()[1..] {
                    length = rest.find('}').map_or(length, |end| end + 1);
                }
                if !class && &rest[..length] == "\\Z" {
                    shown = Some("\\z".to_owned());
                }
            }
            '[' if !class => {
                class = true;
                // A bracket in the first place closes nothing.
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
                shown = match name.and_then(|name| Some((name, posix(name)?))) {
                    Some((name, class)) => {
                        length = name.len() + "[::]".len();
                        Some(class)
                    }
                    None => Some("\\[".to_owned()),
                };
            }
            '&' | '~' | '#' if class => shown = Some(format!("\\{character}")),
            ' ' if class => shown = Some("\\x20".to_owned()),
            '{' if !class => {
                let inner = rest[1..].split_once('}').map_or("", |(inner, _)| inner);
                let counts = inner.starts_with(|digit: char| digit.is_ascii_digit() || digit == ',')
                    && inner != ","
                    && inner.bytes().all(|byte| byte.is_ascii_digit() || byte == b',')
                    && inner.matches(',').count() < 2;
                if !counts || out.is_empty() {
                    shown = Some("\\{".to_owned());
                } else if let Some(upto) = inner.strip_prefix(',') {
                    length += inner.len() + 1;
                    shown = Some(format!("{{0,{upto}}}"));
                }
            }
            _ => {}
        }
        out.push_str(shown.as_deref().unwrap_or(&rest[..length]));
        rest = &rest[length..];
    }
    out
}

/// What a class such as `[:alpha:]` holds.
fn posix(name: &str) -> Option<String> {
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
    /// Places are counted in characters.
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

/// Builds the value of valid JSON.
fn value(json: &[u8]) -> Val {
    build(&mut Walk::new(json))
}

fn build(walk: &mut Walk) -> Val {
    match walk.peek() {
        b'{' => {
            let mut members = Map::default();
            walk.open();
            while walk.more() {
                let key = text(walk.key());
                members.insert(key, build(walk));
            }
            Val::obj(members)
        }
        b'[' => {
            let mut elements = Vec::new();
            walk.open();
            while walk.more() {
                elements.push(build(walk));
            }
            Val::Arr(elements.into())
        }
        _ => scalar(walk.value()),
    }
}

fn scalar(bytes: &[u8]) -> Val {
    match bytes {
        b"null" => Val::Null,
        b"true" => Val::Bool(true),
        b"false" => Val::Bool(false),
        [b'"', ..] => text(bytes),
        _ => {
            let number = std::str::from_utf8(bytes).unwrap_or_default();
            Val::Num(match Num::from_str_radix(number, 10) {
                // jaq would make it 0.
                Some(_) if number == "-0" => Num::Dec("-0".to_owned().into()),
                Some(integer) => integer,
                None => Num::Dec(number.to_owned().into()),
            })
        }
    }
}

fn text(quoted: &[u8]) -> Val {
    Val::utf8_str(spelled(quoted).into_owned())
}

/// Appends a value as compact JSON. Ours rather than jaq's, which may write what is not JSON.
fn write(value: &Val, depth: u32, out: &mut Vec<u8>, cap: usize) -> Result<(), String> {
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
        Val::BStr(_) => return Err("a result holds a byte string, which has no JSON form".to_owned()),
        Val::Arr(elements) => {
            out.push(b'[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(element, depth + 1, out, cap)?;
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
                    return Err("a result holds an object key that is no string, which has no JSON form".to_owned());
                };
                write_string(key, out);
                out.push(b':');
                write(member, depth + 1, out, cap)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

/// As jq does: whole numbers without a fraction up to 17 digits, not-a-number as null, infinity as the largest
/// number there is.
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

/// An expression as it came and as jaq can read it: with the character itself for two escapes that are one, and the
/// sign for an unknown character for half of such a pair.
struct Source<'a> {
    original: &'a str,
    text: String,
    /// Where `text` has a character for a pair of escapes.
    pairs: Vec<usize>,
}

impl<'a> Source<'a> {
    fn of(original: &'a str) -> Source<'a> {
        let half = |at: usize| -> Option<u16> {
            let digits = original.get(at..)?.strip_prefix("\\u")?.get(..4)?;
            let digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(digits)?;
            u16::from_str_radix(digits, 16).ok().filter(|unit| (0xd800..0xe000).contains(unit))
        };
        let mut source = Source { original, text: String::new(), pairs: Vec::new() };
        let mut rest = original;
        // Outside of strings a backslash stands in comments only.
        while let Some(found) = rest.find('\\') {
            let at = original.len() - rest.len() + found;
            source.text.push_str(&rest[..found]);
            let length = match (half(at), half(at + 6)) {
                (Some(high), Some(low)) if high < 0xdc00 && low >= 0xdc00 => {
                    source.pairs.push(source.text.len());
                    source.text.extend(char::decode_utf16([high, low]).flatten());
                    12
                }
                (Some(_), _) => {
                    source.text.push_str("\\ufffd");
                    6
                }
                (None, _) => {
                    let length = 1 + original[at + 1..].chars().next().map_or(0, char::len_utf8);
                    source.text.push_str(&original[at..at + length]);
                    length
                }
            };
            rest = &original[at + length..];
        }
        source.text.push_str(rest);
        source
    }

    /// Where that of `text` at an offset is in the original: a pair of 12 bytes is 4 in `text`.
    fn offset(&self, offset: usize) -> usize {
        offset + 8 * self.pairs.iter().filter(|pair| **pair < offset).count()
    }
}

/// Why an expression could not be read.
fn not_loaded(text: &Source, error: &load::Error<&str>) -> Option<String> {
    Some(match error {
        load::Error::Io(errors) => {
            let (path, _) = errors.first()?;
            format!("modules cannot be loaded{}", place(text, path))
        }
        load::Error::Lex(errors) => {
            let (expected, rest) = errors.first()?;
            format!("expected {}, found {}{}", expected.as_str(), found(rest), place(text, rest))
        }
        load::Error::Parse(errors) => {
            let (expected, token) = errors.first()?;
            let expected = match expected.as_str() {
                "nothing" => "the end or an operator",
                other => other,
            };
            format!("expected {expected}, found {}{}", found(token), place(text, token))
        }
    })
}

fn undefined(text: &Source, name: &str, what: &compile::Undefined) -> String {
    let shown = sanitize(name, 40);
    let place = place(text, name);
    if LEFT_OUT.contains(&name) || NOT_HERE.contains(&name) {
        return format!("`{shown}` is not available, an expression sees only the message{place}");
    }
    match what {
        compile::Undefined::Filter(arity) => match arity {
            0 => format!("no filter `{shown}`{place}"),
            1 => format!("no filter `{shown}` with 1 argument{place}"),
            arity => format!("no filter `{shown}` with {arity} arguments{place}"),
        },
        _ => format!("no {} `{shown}`{place}", what.as_str()),
    }
}

fn found(token: &str) -> String {
    match token.split_whitespace().next() {
        Some(word) => format!("`{}`", sanitize(word, 20)),
        None => "the end".to_owned(),
    }
}

/// Where `part` stands in `text`, by line and column, and what stands before it.
fn place(source: &Source, part: &str) -> String {
    let begin = source.text.as_ptr() as usize;
    let offset = (part.as_ptr() as usize).wrapping_sub(begin);
    // What is not part of the expression has no place in it.
    if offset > source.text.len() {
        return String::new();
    }
    let text = source.original;
    let Some(before) = text.get(..source.offset(offset)) else { return String::new() };
    let line = before.matches('\n').count() + 1;
    let last = before.rsplit('\n').next().unwrap_or_default();
    let column = last.chars().count() + 1;
    let place =
        if text.contains('\n') { format!(" at line {line}, column {column}") } else { format!(" at column {column}") };
    let last = last.trim();
    if !last.is_empty() {
        let skipped = last.chars().count().saturating_sub(30);
        let dots = if skipped > 0 { "…" } else { "" };
        let tail: String = last.chars().skip(skipped).collect();
        return format!("{place}, after `{dots}{}`", sanitize(&tail, 31));
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn results(expression: &str, json: &str) -> Result<String, String> {
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

    fn one(expression: &str, json: &str) -> String {
        let text = results(expression, json).unwrap_or_else(|error| panic!("{expression}: {error}"));
        text.strip_suffix('\n').expect("a line").to_owned()
    }

    fn keeps(expression: &str, json: &str) -> Result<bool, String> {
        Jq::compile(expression).expect("an expression").keeps(json.as_bytes())
    }

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
    fn raw_strings_are_bare_and_the_rest_is_json() {
        let mut out = Vec::new();
        let jq = Jq::compile(".s, .n, [.s]").expect("an expression");
        jq.results(br#"{"s":"a\tb","n":null}"#, true, &mut out).expect("results");
        assert_eq!(String::from_utf8_lossy(&out), "a\tb\nnull\n[\"a\\tb\"]\n");
    }

    #[test]
    fn what_jaq_lacks_or_does_otherwise_is_as_in_jq() {
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
    fn assignments_make_what_is_missing() {
        for (expression, printed) in [
            (".data.meta.x = 1", r#"{"a":[1,2,3],"data":{"meta":{"x":1}}}"#),
            (".n.a |= 1", r#"{"a":[1,2,3],"n":{"a":1}}"#),
            (".n.a += 1 | .n.b //= 2", r#"{"a":[1,2,3],"n":{"a":1,"b":2}}"#),
            (".n[1] = 1", r#"{"a":[1,2,3],"n":[null,1]}"#),
            (".a[4] = 1", r#"{"a":[1,2,3,null,1]}"#),
            (".a[-1] = 1", r#"{"a":[1,2,1]}"#),
            (".a[1:] |= map(. * 2)", r#"{"a":[1,4,6]}"#),
            (".a[] |= (select(. > 1) | . - 1)", r#"{"a":[1,2]}"#),
            ("(.a[] | select(. > 1)) *= 10", r#"{"a":[1,20,30]}"#),
            (".a = (1, 2)", "{\"a\":1}\n{\"a\":2}"),
            ("\"k\" as $k | .n[$k].m = .a[0]", r#"{"a":[1,2,3],"n":{"k":{"m":1}}}"#),
            ("def f: .x.y = 1; {b: f} | .b.x", r#"{"y":1}"#),
            ("del(.n.b), del(.a[0, 2]), del(.a[1:]), del(.a, .b)", "{\"a\":[1,2,3]}\n{\"a\":[2]}\n{\"a\":[1]}\n{}"),
            (
                r#"setpath(["n","m"]; 1), delpaths([["a",0],["n","m"]])"#,
                "{\"a\":[1,2,3],\"n\":{\"m\":1}}\n{\"a\":[2,3]}",
            ),
            (r#"getpath(["n","m"]) = 1"#, r#"{"a":[1,2,3],"n":{"m":1}}"#),
            ("(.n.x, .n.y) = 1 | first(.a[]) -= 1", r#"{"a":[0,2,3],"n":{"x":1,"y":1}}"#),
            (".n // .a |= length", r#"{"a":3}"#),
        ] {
            assert_eq!(one(expression, r#"{"a":[1,2,3]}"#), printed, "{expression}");
        }
        assert!(results(".a.b = 1", r#"{"a":"x"}"#).expect_err("an error").contains("cannot index \"x\""));
        assert!(results(".a[-9] = 1", r#"{"a":[]}"#).expect_err("an error").contains("out of bounds"));
        assert!(results(".a[1e12 | floor] = 1", "{}").expect_err("an error").contains("too large"));
        let error = Jq::compile(".a.b = nothing").expect_err("an error");
        assert_eq!(error, "no filter `nothing` at column 8, after `.a.b =`");
    }

    #[test]
    fn two_escapes_may_be_one_character() {
        for (expression, printed) in [
            (r#""\ud83d\ude00""#, "\"😀\""),
            (r#""a\uD83D\uDE00\u00e9\(1)\n\\ud83d""#, "\"a😀é1\\n\\\\ud83d\""),
            (r#""\ud83dx\ude00""#, "\"\u{fffd}x\u{fffd}\""),
            (r#"{"\ud83d\ude00":1} | ."\ud83d\ude00""#, "1"),
        ] {
            assert_eq!(one(expression, "null"), printed, "{expression}");
        }
        assert_eq!(keeps(r#".a == "\ud83d\ude00""#, r#"{"a":"😀"}"#), Ok(true));
        let error = Jq::compile(r#""\ud83d\ude00" | nothing"#).expect_err("an error");
        assert_eq!(error, r#"no filter `nothing` at column 18, after `"\ud83d\ude00" |`"#);
        assert!(Jq::compile("\"\\").is_err() && Jq::compile(r#""\u12""#).is_err());
    }

    #[test]
    fn regexes_are_of_all_unicode() {
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
    fn what_is_no_regex_is_an_error_of_one_line() {
        for (expression, error) in [
            (r#"test("(a")"#, "no regex `(a`: unclosed group"),
            (r#"[scan("a(?=b)")]"#, "no regex `a(?=b)`: look-around, including look-ahead and look-behind"),
            (r#"test("a";"m")"#, "`m` are no flags of a regex"),
            ("test(1)", "cannot use 1 as regex"),
            (r#"1 | test("a")"#, "cannot use 1 as string to be matched"),
            (r#"test("a";1)"#, "cannot use 1 as string of flags"),
        ] {
            // A second time, from the cache.
            for _ in 0..2 {
                let told = results(expression, "\"text\"").expect_err(expression);
                assert!(told.starts_with(error), "{told}");
            }
        }
    }

    #[test]
    fn few_regexes_are_kept() {
        assert_eq!(one("[range(200) as $n | \"150\" | test(\"^\\($n)$\")] | index(true)", "null"), "150");
        assert_eq!(COMPILED.with_borrow(Vec::len), REGEXES);
    }

    #[test]
    fn a_condition_holds_as_in_select() {
        for (expression, kept) in [
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
            assert_eq!(keeps(expression, r#"{"a":1,"b":false}"#), kept, "{expression}");
        }
    }

    #[test]
    fn a_syntax_error_points_at_the_place() {
        for (expression, error) in [
            ("", "expected term, found the end at column 1"),
            (".data.lang ==", "expected term, found the end at column 14, after `.data.lang ==`"),
            (".data.lang = = 1", "expected term, found `=` at column 14, after `.data.lang =`"),
            (".a | (.b", "expected closing parenthesis, found the end at column 9, after `.a | (.b`"),
            (".a == \"en", "expected closing quote, found the end at column 10, after `.a == \"en`"),
            (".a\n  | foo(1)", "no filter `foo` with 1 argument at line 2, column 5, after `|`"),
            ("$x", "no variable `$x` at column 1"),
            ("env.HOME", "`env` is not available, an expression sees only the message at column 1"),
            ("$ENV", "`$ENV` is not available, an expression sees only the message at column 1"),
            (".a | debug", "`debug` is not available, an expression sees only the message at column 6, after `.a |`"),
            ("import \"a\" as a; .", "modules cannot be loaded at column 9, after `import \"`"),
        ] {
            assert_eq!(Jq::compile(expression).expect_err(expression), error, "{expression:?}");
        }
    }

    #[test]
    fn nothing_but_the_message_is_seen() {
        let all =
            ["now", "env", "input", "inputs", "halt", "halt_error", "debug", "stderr", "localtime", "input_filename"];
        for name in all {
            let error = Jq::compile(name).expect_err(name);
            assert!(error.contains("is not available"), "{error}");
        }
        for name in LEFT_OUT {
            assert!(Jq::compile(name).is_err() || name == "fromjson", "{name}");
        }
    }

    #[test]
    fn what_goes_on_for_ever_is_cut_off() {
        for expression in ["repeat(.)", "range(infinite) | tostring * 100", "[range(1500000)]"] {
            let error = results(expression, "\"some text that is repeated\"").expect_err(expression);
            assert!(error.contains("8 MiB"), "{error}");
        }
        assert!(keeps("repeat(null)", "1").expect_err("an error").contains("results"));
        assert!(results("reduce range(200) as $i (0; [.])", "1").expect_err("an error").contains("levels"));
    }

    #[test]
    fn hostile_text_and_hostile_arithmetic_are_errors() {
        let deep = format!("\"{}\"", "[".repeat(100_000));
        assert!(results("fromjson", &deep).expect_err("an error").contains("nested too deeply"));
        // The panics of these go to stderr of the test.
        for expression in ["\"long\" * 9223372036854775807", "[-9223372036854775808] | implode"] {
            assert!(results(expression, "1").is_err(), "{expression}");
        }
    }

    #[test]
    fn one_kind_of_error_is_one_kind_whatever_the_values() {
        let kind = |json: &str| kind_of_error(&results(".a.b", json).expect_err("an error"));
        assert_eq!(kind(r#"{"a":"x \" y"}"#), kind(r#"{"a":"z"}"#));
        assert_eq!(kind(r#"{"a":-1.5}"#), kind(r#"{"a":20}"#));
        assert_eq!(kind(r#"{"a":[1,[2]]}"#), kind(r#"{"a":[]}"#));
        assert_ne!(kind(r#"{"a":1}"#), kind(r#"{"a":"1"}"#));
        // A cut text does not hang or panic.
        assert_eq!(kind_of_error("cannot use {\"a\":\"b…"), "cannot use {");
    }

    /// What the interpreter says, without the test.
    fn interpreted(jq: &Jq, json: &[u8]) -> Result<bool, String> {
        let program = &jq.0;
        let plain = Jq::compile(&format!("({}) | .", program.text)).expect("an expression");
        assert!(plain.0.test.is_none());
        plain.keeps(json)
    }

    #[test]
    fn tests_of_fields_are_known_for_what_they_are() {
        for (expression, known) in [
            (".data.lang == \"en\"", true),
            (".data[\"lang\"] != \"en\" or (.a.\"b c\" | not)", true),
            ("-1.5 < .a and .", true),
            (".a", true),
            (".a | not", true),
            (".a == null", true),
            (".a.b?", false),
            (".a[0]", false),
            (".a == [1]", false),
            (".a == \"\\(.b)\"", false),
            (".a == (1, 2)", false),
            (".a | .b", false),
            (".a as $x | $x", false),
            ("def true: false; .a == true", false),
            ("def not: .; .a | not", false),
            ("empty", false),
            (".a == @json \"x\"", false),
        ] {
            assert_eq!(Jq::compile(expression).expect(expression).0.test.is_some(), known, "{expression}");
        }
    }

    const VALUES: &str = r#"null|true|false|0|-0|1|1\.0|10e-1|-1\.5|100000000000000000000|9007199254740993|1e999|0\.1|""|"en"|"e\\u006e"|"de"|"\\"}"|\[\]|\["en"\]|\{\}|\{"b":1\}"#;
    const OBJECTS: &str = r#"\{("a"|"\\u0061"|"b") ?: ?(VALUES|\{("a"|"b"):(VALUES),"(a|b|\\u0062)":(VALUES|\{"a":(VALUES)\})\})( ?, ?("a"|"b"|"c\\""): ?(VALUES))?\}"#;
    const TESTS: &str = r#"\.(a|b|a\.b|a\.b\.a|b\.a)?( (==|!=|<|<=|>|>=) (null|true|false|0|-1\.5|1\.0|100000000000000000000|9007199254740992|"en"|"e\\u006e"|""|\.b))?"#;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]
        #[test]
        fn a_test_says_what_the_interpreter_says(
            json in OBJECTS.replace("VALUES", VALUES).as_str(), first in TESTS, second in TESTS, shape in 0..4
        ) {
            prop_assume!(scan(json.as_bytes()).is_ok());
            let expression = match shape {
                0 => first,
                1 => format!("({first}) and ({second})"),
                2 => format!("{first} or {second}"),
                _ => format!("{first} | not"),
            };
            let jq = Jq::compile(&expression).expect("an expression");
            prop_assert!(jq.0.test.is_some(), "{}", expression);
            prop_assert_eq!(jq.keeps(json.as_bytes()), interpreted(&jq, json.as_bytes()), "{} of {}", expression, json);
        }
    }
}
