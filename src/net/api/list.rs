//! Lists that X returns in pages.

use std::collections::HashSet;

use hyper::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::query::MAX_PAGES;
use super::send::Expected;
use super::{Api, ApiError};
use crate::net::dial::ApiRequest;
use crate::protocol::api_types;
use crate::protocol::problem::Problem;

/// The characters that a query keeps as they are: RFC 3986 unreserved ones and the comma that joins X's lists.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b',');

/// A list, from all its pages.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing<T> {
    /// The entries, in X's order.
    pub items: Vec<T>,
    /// What X could not return, beside the rest.
    pub errors: Vec<Problem>,
    /// Whether there are pages that were not read.
    pub more: bool,
}

impl Api {
    /// Reads a list page by page.
    pub(super) async fn pages<T>(
        &mut self,
        what: &'static str,
        path: &str,
        parameters: &[(&str, String)],
        most: usize,
        read: impl Fn(&Value) -> T,
    ) -> Result<Listing<T>, ApiError> {
        let mut listing = Listing { items: Vec::new(), errors: Vec::new(), more: false };
        let mut seen = HashSet::new();
        let mut next: Option<String> = None;
        for page in 1.. {
            let mut query: Vec<String> = parameters.iter().map(|(name, value)| pair(name, value)).collect();
            query.extend(next.iter().map(|token| pair("pagination_token", token)));
            let target = format!("{path}?{}", query.join("&"));
            let request = ApiRequest { method: &Method::GET, target: &target, json: None };
            let reply = self.send(what, Expected::List, request).await?;
            let (rows, others): (Vec<&Value>, _) =
                api_types::list(&reply, "data").iter().partition(|row| row.is_object());
            listing.items.extend(rows.into_iter().map(&read));
            if !others.is_empty() {
                self.report(&format!("warning: {what}: {} of what X lists is no object and is left out", others.len()));
            }
            listing.errors.extend(api_types::errors(&reply));
            let Some(token) = api_types::next_token(&reply) else { break };
            if !seen.insert(token.clone()) {
                self.report(&format!("warning: {what}: X gave the same page twice; the list may not be whole"));
                return Ok(Listing { more: true, ..listing });
            }
            if page >= most.min(MAX_PAGES) {
                listing.more = true;
                break;
            }
            next = Some(token);
        }
        if listing.more && most >= MAX_PAGES {
            self.report(&format!("warning: {what}: more than {MAX_PAGES} pages; the rest is not read"));
        }
        Ok(listing)
    }
}

/// `text` as a part of a path or query.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, KEPT).to_string()
}

fn pair(name: &str, value: &str) -> String {
    format!("{name}={}", encoded(value))
}
