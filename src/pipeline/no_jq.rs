//! jq expressions when the feature `jq` is off: a type without values.
//!
//! The pipeline then reads the same either way, and the compiler drops every branch that would evaluate one.

/// An expression; there are none.
#[derive(Debug, Clone)]
pub enum Jq {}

#[allow(missing_docs, clippy::missing_errors_doc, reason = "documented in jq/mod.rs; none of these can be called")]
impl Jq {
    pub fn matches(&self, _: &[u8]) -> Result<bool, String> {
        match *self {}
    }

    pub fn results(&self, _: &[u8], _: bool, _: &mut Vec<u8>) -> Result<(), String> {
        match *self {}
    }
}

/// The kind of an expression's error; there are no errors.
#[must_use]
pub fn error_kind(text: &str) -> String {
    text.to_owned()
}
