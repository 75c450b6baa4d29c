//! A JSON value where it lies in a message: compliance messages are small, and a few of their members are read once
//! each, so building values costs several times as much.
//!
//! Its law: on valid JSON each function returns what `serde_json::Value` has there.

use std::borrow::Cow;

use crate::protocol::json_cursor::{JsonCursor, find, unescape};

/// A value, as its bytes.
#[derive(Clone, Copy)]
pub(super) struct Json<'a>(pub(super) &'a [u8]);

impl<'a> Json<'a> {
    /// The member of this name; none if this is no object.
    pub(super) fn get(self, name: &str) -> Option<Json<'a>> {
        find(&mut JsonCursor::new(self.0), &[name]).ok().flatten().map(Json)
    }

    /// The text of a string.
    pub(super) fn text(self) -> Option<Cow<'a, str>> {
        self.0.starts_with(b"\"").then(|| unescape(self.0)).and_then(|text| match text {
            Cow::Borrowed(text) => std::str::from_utf8(text).ok().map(Cow::Borrowed),
            Cow::Owned(text) => String::from_utf8(text).ok().map(Cow::Owned),
        })
    }

    /// The elements of an array.
    pub(super) fn elements(self) -> Option<Vec<Json<'a>>> {
        let mut cursor = JsonCursor::new(self.0);
        (cursor.peek() == b'[').then(|| {
            cursor.open();
            let mut elements = Vec::new();
            while cursor.more() {
                cursor.peek();
                elements.push(Json(cursor.value()));
            }
            elements
        })
    }
}
