//! What stands in for jq expressions when the feature `jq` is off: a type of which there is no value.
//!
//! So the pipeline reads the same either way, and without the feature what it would do with an expression is
//! never compiled in.

/// An expression; there is none.
#[derive(Debug, Clone)]
pub enum Jq {}

#[allow(missing_docs, clippy::missing_errors_doc, reason = "see jq.rs; none of these can be called")]
impl Jq {
    pub fn keeps(&self, _: &[u8]) -> Result<bool, String> {
        match *self {}
    }

    pub fn results(&self, _: &[u8], _: bool, _: &mut Vec<u8>) -> Result<(), String> {
        match *self {}
    }
}

/// Errors of expressions; there are none.
#[must_use]
pub fn kind_of_error(text: &str) -> String {
    text.to_owned()
}
