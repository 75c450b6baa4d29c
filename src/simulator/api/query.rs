//! Query parameters as X checks them, and the 400 for an invalid one.
//!
//! X refuses unknown parameters instead of ignoring them, so a misspelt parameter
//! fails here as it would there.

use std::ops::RangeInclusive;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::answer::{ProblemResponse, Problems};

/// A decoded query.
pub(crate) struct QueryString(Vec<(String, String)>);

impl QueryString {
    /// Decodes a query or a form.
    pub(crate) fn decode(text: &str) -> QueryString {
        let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        QueryString(
            pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(a, b)| (decode(a), decode(b))).collect(),
        )
    }

    /// Decodes a query that may have these parameters and no others, each once.
    pub(crate) fn parse(text: &str, known: &[&str]) -> Result<QueryString, ProblemResponse> {
        let query = QueryString::decode(text);
        query.check_names(known)?;
        Ok(query)
    }

    /// A problem that names every unknown and every repeated parameter.
    pub(crate) fn check_names(&self, known: &[&str]) -> Result<(), ProblemResponse> {
        let mut problems = Problems::default();
        for (n, (name, value)) in self.0.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let message = format!("The query parameter [{name}] is not one of [{}]", known.join(","));
                problems.add(ProblemResponse::invalid(name, value, message));
            } else if self.0[..n].iter().any(|(other, _)| other == name) {
                let message = format!("The query parameter [{name}] is given more than once");
                problems.add(ProblemResponse::invalid(name, value, message));
            }
        }
        problems.result()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// A number within bounds.
    pub(crate) fn number(
        &self,
        name: &str,
        range: RangeInclusive<usize>,
        usual: usize,
    ) -> Result<usize, ProblemResponse> {
        let Some(text) = self.get(name) else { return Ok(usual) };
        text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
            let (low, high) = (range.start(), range.end());
            let message = format!("The `{name}` query parameter value [{text}] is not between {low} and {high}");
            ProblemResponse::invalid(name, text, message)
        })
    }

    /// One of these words; the first if the parameter is absent.
    pub(crate) fn one_of<'a>(&self, name: &str, known: &[&'a str]) -> Result<&'a str, ProblemResponse> {
        let Some(text) = self.get(name) else { return Ok(known.first().copied().unwrap_or_default()) };
        known.iter().find(|word| **word == text).copied().ok_or_else(|| not_one_of(name, text, known))
    }

    /// `true` or `false`.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, ProblemResponse> {
        Ok(self.one_of(name, &["false", "true"])? == "true")
    }

    /// A comma list; `None` if the parameter is absent.
    pub(crate) fn list(&self, name: &str) -> Option<Vec<&str>> {
        self.get(name).map(|value| value.split(',').filter(|item| !item.is_empty()).collect())
    }

    /// A comma list of known words.
    pub(crate) fn words(&self, name: &str, known: &[&str]) -> Result<Option<Vec<&str>>, ProblemResponse> {
        let Some(words) = self.list(name) else { return Ok(None) };
        let mut problems = Problems::default();
        for word in words.iter().filter(|word| !known.contains(word)) {
            problems.add(not_one_of(name, word, known));
        }
        problems.result().map(|()| Some(words).filter(|words| !words.is_empty()))
    }

    /// The place a `pagination_token` points at.
    pub(crate) fn place(&self) -> Result<Option<u64>, ProblemResponse> {
        let Some(text) = self.get("pagination_token") else { return Ok(None) };
        match u64::from_str_radix(text, 16) {
            Ok(number) if text.len() == 16 => Ok(Some(number ^ MASK)),
            _ => {
                let message = format!("The `pagination_token` query parameter value [{text}] is not valid");
                Err(ProblemResponse::invalid("pagination_token", text, message))
            }
        }
    }
}

fn not_one_of(name: &str, value: &str, known: &[&str]) -> ProblemResponse {
    let message = format!("The `{name}` query parameter value [{value}] is not one of [{}]", known.join(","));
    ProblemResponse::invalid(name, value, message)
}

/// Makes a token look as opaque as X's are: a client that counts with them fails its tests.
const MASK: u64 = 0x9e37_79b9_7f4a_7c15;

/// The token of a place: 16 characters, as X's documents say.
pub(crate) fn token(place: u64) -> String {
    format!("{:016x}", place ^ MASK)
}

/// The selected members.
pub(crate) fn pick(object: Value, fields: &[&str]) -> Value {
    match object {
        Value::Object(members) => {
            Value::Object(members.into_iter().filter(|(name, _)| fields.contains(&name.as_str())).collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_parameter_that_is_unknown_doubled_or_out_of_bounds_is_named_in_the_problem() {
        let known = ["max_results", "status"];
        for text in ["maxresults=1", "status=a&status=b"] {
            let problem = QueryString::parse(text, &known).err().unwrap();
            assert_eq!((problem.status, &problem.body["title"]), (400, &json!("Invalid Request")));
        }
        let query = QueryString::parse("max_results=101", &known).ok().unwrap();
        let problem = query.number("max_results", 1..=100, 10).unwrap_err();
        assert_eq!(problem.body["errors"][0]["parameters"], json!({"max_results": ["101"]}));
    }

    #[test]
    fn a_token_leads_back_to_its_place() {
        let query = QueryString::parse(&format!("pagination_token={}", token(7)), &["pagination_token"]).ok().unwrap();
        assert_eq!(query.place().ok().unwrap(), Some(7));
        let query = QueryString::parse("pagination_token=7", &["pagination_token"]).ok().unwrap();
        assert!(query.place().is_err());
    }

    #[test]
    fn escapes_and_commas_are_read() {
        let query = QueryString::parse("ids=1%2C2,%203", &["ids"]).ok().unwrap();
        assert_eq!(query.list("ids").unwrap(), ["1", "2", " 3"]);
    }
}
