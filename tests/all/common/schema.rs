//! A validator for the part of JSON Schema that `journal.schema.json` uses. A full one is a third of what the tests
//! compile.

use regex::Regex;
use serde_json::Value;

/// Where and why a value does not match a schema; none if it does.
///
/// # Panics
/// The schema uses a keyword that is not known here: it would not be checked.
pub fn mismatch(schema: &Value, value: &Value) -> Option<String> {
    within(schema, schema, value)
}

/// The same for a part of the schema `root`, in which references are looked up.
fn within(root: &Value, schema: &Value, value: &Value) -> Option<String> {
    let mismatch = |schema: &Value, value: &Value| within(root, schema, value);
    let keywords = schema.as_object().expect("a schema is an object");
    keywords.iter().find_map(|(keyword, operand)| match keyword.as_str() {
        "$schema" | "$defs" | "title" | "description" => None,
        "$ref" => {
            let path = operand.as_str().and_then(|path| path.strip_prefix('#')).expect("a local reference");
            mismatch(root.pointer(path).expect("a definition"), value)
        }
        "properties" => value.as_object()?.iter().find_map(|(name, member)| {
            let error = mismatch(operand.get(name)?, member)?;
            Some(format!("{name}: {error}"))
        }),
        "items" => value.as_array()?.iter().find_map(|item| mismatch(operand, item)),
        "additionalProperties" => {
            assert_eq!(operand, false, "schemas of additional properties are not known");
            let known = &schema["properties"];
            value.as_object()?.keys().find(|name| known.get(name).is_none()).map(|name| format!("unexpected {name}"))
        }
        "required" => {
            let members = value.as_object()?;
            let missing = list(operand).iter().find(|name| !members.contains_key(name.as_str().expect("a name")))?;
            Some(format!("no {missing}"))
        }
        "anyOf" => {
            let errors: Option<Vec<String>> = list(operand).iter().map(|one| mismatch(one, value)).collect();
            errors.map(|errors| errors.join("; "))
        }
        "oneOf" => {
            let (errors, matches): (Vec<_>, Vec<_>) =
                list(operand).iter().map(|one| mismatch(one, value)).partition(Option::is_some);
            (matches.len() != 1).then(|| format!("{} schemas match: {errors:?}", matches.len()))
        }
        other => {
            let fits = match other {
                "const" => value == operand,
                "enum" => list(operand).contains(value),
                "minimum" => value.as_f64().is_none_or(|number| number >= operand.as_f64().expect("a number")),
                "pattern" => value.as_str().is_none_or(|text| {
                    Regex::new(operand.as_str().expect("a pattern")).expect("a pattern").is_match(text)
                }),
                "type" if operand.is_array() => list(operand).iter().any(|name| is_a(value, name)),
                "type" => is_a(value, operand),
                _ => panic!("the keyword {other} is not known"),
            };
            (!fits).then(|| format!("{value} against {keyword} {operand}"))
        }
    })
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn is_a(value: &Value, name: &Value) -> bool {
    match name.as_str().expect("the name of a type") {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the type {other} is not known"),
    }
}
