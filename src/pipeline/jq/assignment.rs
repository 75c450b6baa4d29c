//! Assignments as jq has them: `.a.b = 1` on `{}` makes `a`.
//!
//! jaq's own assignments fail where something on the path is missing, so an expression that works in `jq` would
//! print nothing here. [`rewrite`] turns each assignment of a parsed expression into a call of a definition in
//! [`DEFINITIONS`]; those use `setpath` and `delpaths`, which jaq lacks and which are here as well.

use std::mem;
use std::rc::Rc;

use super::{JaqError, Native};

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Pattern, Term};
use jaq_core::native::{self, bome};
use jaq_core::ops::Math;
use jaq_core::path::{Opt, Part};
use jaq_core::{ValR, ValT as _};
use jaq_json::{Map, Val};
use jaq_std::ValT as _;

/// What assignments are rewritten to, and `del`.
pub(super) const DEFINITIONS: &str = r"
def del(f): delpaths([path(f)]);
def _assign(p; $x): reduce path(p) as $q (.; setpath($q; $x));
def _modify(p; f): reduce path(p) as $q ([., []];
    .[0] as $x | [first($x | getpath($q) | f)] as $new
    | if $new == [] then [$x, .[1] + [$q]] else [($x | setpath($q; $new[0])), .[1]] end)
  | .[1] as $gone | .[0] | delpaths($gone);
def _add(p; $x): _modify(p; . + $x);
def _subtract(p; $x): _modify(p; . - $x);
def _multiply(p; $x): _modify(p; . * $x);
def _divide(p; $x): _modify(p; . / $x);
def _modulo(p; $x): _modify(p; . % $x);
def _alternative(p; $x): _modify(p; . // $x);
";

/// The functions that the definitions call.
pub(super) fn natives() -> [Native; 2] {
    [
        ("setpath", native::v(2), |mut cv| {
            let (new, path) = (cv.0.pop_var(), cv.0.pop_var());
            bome(elements(path).and_then(|path| set(cv.1, &path, new)))
        }),
        ("delpaths", native::v(1), |mut cv| {
            let paths = cv.0.pop_var();
            bome(delete_all(cv.1, paths))
        }),
    ]
}

/// Replaces every assignment in a term by a call.
pub(super) fn rewrite(term: &mut Term<&str>) {
    match term {
        Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) | Term::Var(_) | Term::Arr(None) => {}
        Term::Str(_, parts) => {
            for part in parts {
                if let StrPart::Term(term) = part {
                    rewrite(term);
                }
            }
        }
        Term::Arr(Some(term)) | Term::Neg(term) | Term::Label(_, term) => rewrite(term),
        Term::Obj(members) => {
            for (key, member) in members {
                rewrite(key);
                member.iter_mut().for_each(rewrite);
            }
        }
        Term::Fold(_, source, pattern, terms) => {
            rewrite(source);
            rewrite_pattern(pattern);
            terms.iter_mut().for_each(rewrite);
        }
        Term::TryCatch(body, catch) => {
            rewrite(body);
            catch.as_deref_mut().into_iter().for_each(rewrite);
        }
        Term::IfThenElse(cases, otherwise) => {
            for (condition, then) in cases {
                rewrite(condition);
                rewrite(then);
            }
            otherwise.as_deref_mut().into_iter().for_each(rewrite);
        }
        Term::Def(definitions, body) => {
            definitions.iter_mut().map(|definition| &mut definition.body).for_each(rewrite);
            rewrite(body);
        }
        Term::Call(_, arguments) => arguments.iter_mut().for_each(rewrite),
        Term::Path(origin, path) => {
            rewrite(origin);
            for (part, _) in &mut path.0 {
                match part {
                    Part::Index(index) => rewrite(index),
                    Part::Range(from, upto) => from.iter_mut().chain(upto).for_each(rewrite),
                }
            }
        }
        Term::BinOp(left, operator, right) => {
            rewrite(left);
            rewrite(right);
            if let BinaryOp::Pipe(Some(pattern)) = operator {
                rewrite_pattern(pattern);
            }
            if let Some(name) = definition_of(operator) {
                *term = Term::Call(name, vec![mem::take(left), mem::take(right)]);
            }
        }
    }
}

fn rewrite_pattern(pattern: &mut Pattern<&str>) {
    match pattern {
        Pattern::Var(_) => {}
        Pattern::Arr(patterns) => patterns.iter_mut().for_each(rewrite_pattern),
        Pattern::Obj(members) => {
            for (key, pattern) in members {
                rewrite(key);
                rewrite_pattern(pattern);
            }
        }
    }
}

fn definition_of(operator: &BinaryOp<&str>) -> Option<&'static str> {
    Some(match operator {
        BinaryOp::Assign => "_assign",
        BinaryOp::Update => "_modify",
        BinaryOp::UpdateMath(Math::Add) => "_add",
        BinaryOp::UpdateMath(Math::Sub) => "_subtract",
        BinaryOp::UpdateMath(Math::Mul) => "_multiply",
        BinaryOp::UpdateMath(Math::Div) => "_divide",
        BinaryOp::UpdateMath(Math::Rem) => "_modulo",
        BinaryOp::UpdateAlt => "_alternative",
        _ => return None,
    })
}

/// How far beyond its end an array is extended: an index from a message must not fill the memory.
const INDEX_CAP: usize = 1 << 20;

/// The position of an index that counts from either end of an array.
fn position(length: usize, index: &Val) -> Option<usize> {
    match index.as_isize()? {
        index @ 0.. => usize::try_from(index).ok(),
        index => length.checked_sub(index.unsigned_abs()),
    }
}

/// Replaces the elements of a slice, whose bounds are the members of `bounds`.
fn splice(array: Val, bounds: &Map, new: &Val) -> ValR<Val> {
    let bound = |name: &'static str| bounds.get(&Val::utf8_str(name.as_bytes()));
    let spliced = array.map_range(bound("start")..bound("end"), Opt::Essential, |_| std::iter::once(Ok(new.clone())));
    spliced.map_err(|exception| exception.get_err().unwrap_or_else(|_| JaqError::str("not a slice")))
}

/// The value with `new` at a path; what is missing on the way is made.
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
            let Some(index) = position(elements.len(), key) else {
                return Err(JaqError::str(format_args!("index {key} out of bounds")));
            };
            if index > elements.len() + INDEX_CAP {
                return Err(JaqError::str(format_args!("index {key} too large")));
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
        (value, key) => Err(JaqError::index(value, key.clone())),
    }
}

/// The value without what is at a path; a path that leads nowhere is no error.
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
            if let Some(index) = position(elements.len(), key).filter(|index| *index < elements.len()) {
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
        (value, key) => Err(JaqError::index(value, key.clone())),
    }
}

fn elements(value: Val) -> Result<Rc<Vec<Val>>, JaqError> {
    match value {
        Val::Arr(elements) => Ok(elements),
        other => Err(JaqError::typ(other, "path")),
    }
}

/// As jq: the last path first, so that no deletion moves what a later path points at.
fn delete_all(value: Val, paths: Val) -> ValR<Val> {
    let mut paths = elements(paths)?;
    Rc::make_mut(&mut paths).sort();
    paths.iter().rev().try_fold(value, |value, path| delete(value, &elements(path.clone())?))
}

#[cfg(test)]
mod tests {
    use super::super::Jq;
    use super::super::tests::{one, results};

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
}
