//! X's REST endpoints as typed calls: connections, rules, usage.
//!
//! Each call is one request on a connection of its own, dialled as streams are. What may succeed soon is tried again a
//! few times (see `send`); a rate limit is reported with its reset and not waited for, since only the caller knows whether
//! a quarter of an hour is worth it.

mod advice;
mod error;
mod list;
mod query;
mod send;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};

use super::dial::{ApiRequest, Dialer};
use crate::clock::Clock;
use crate::protocol::api_types::{
    AddOutcome, AppConnection, DeleteOutcome, ProjectUsage, RuleCounts, StoredRule, TerminateResult,
};
use crate::protocol::rule::Rule;
use crate::session::Head;
pub use advice::{advice_for, describe};
pub use error::{ApiError, ApiErrorKind};
pub use list::Listing;
use list::encoded;
use query::MAX_PAGES;
pub use query::{ConnectionQuery, ConnectionStatus, Delete, KILL_BATCH, Kill};
use send::Expected;

const CONNECTIONS: &str = "/2/connections";
const RULES: &str = "/2/tweets/search/stream/rules";
const USAGE: &str = "/2/usage/tweets";

/// All six: by default X leaves out the id, which a kill needs.
const CONNECTION_FIELDS: &str = "client_ip,connected_at,disconnect_reason,disconnected_at,endpoint_name,id";
const USAGE_FIELDS: &str =
    "cap_reset_day,daily_client_app_usage,daily_project_usage,project_cap,project_id,project_usage";

/// How to call.
pub struct ApiOptions {
    /// Opens the connections.
    pub dialer: Dialer,
    /// Prints a line about an attempt that failed or a reply that is odd.
    pub report: Box<dyn FnMut(&str)>,
    /// Times the delays between attempts.
    pub clock: Clock,
    /// Whether to retry. A lookup beside something more urgent is attempted once.
    pub retry: bool,
}

/// X's REST endpoints.
pub struct Api {
    options: ApiOptions,
    head: Head,
    /// Warnings already reported: a list that is read in several requests may repeat them.
    warned: HashSet<String>,
}

impl Api {
    /// Prepares calls; nothing is sent yet.
    #[must_use]
    pub fn new(options: ApiOptions) -> Api {
        Api { options, head: Head::default(), warned: HashSet::new() }
    }

    /// The head of the last response: rate limit and date.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The time, since the Unix epoch, at the last response: X's own where it reports one, since this machine's clock
    /// may be wrong.
    #[must_use]
    pub fn server_time(&self) -> Duration {
        self.head.date.unwrap_or_else(|| self.options.clock.now().wall)
    }

    /// The app's connections.
    ///
    /// # Errors
    /// The call failed.
    pub async fn connections(&mut self, query: &ConnectionQuery) -> Result<Listing<AppConnection>, ApiError> {
        let status = match query.status {
            ConnectionStatus::Active => "active",
            ConnectionStatus::Inactive => "inactive",
            ConnectionStatus::All => "all",
        };
        let mut parameters = vec![
            ("status", status.to_owned()),
            ("max_results", "100".to_owned()),
            ("connection.fields", CONNECTION_FIELDS.to_owned()),
        ];
        if !query.endpoints.is_empty() {
            parameters.push(("endpoints", query.endpoints.join(",")));
        }
        self.pages("listing the connections", CONNECTIONS, &parameters, query.pages, AppConnection::from_json).await
    }

    /// Ends connections. A success may still carry failures: see [`TerminateResult::failed`].
    ///
    /// # Errors
    /// The call failed.
    pub async fn kill(&mut self, which: Kill<'_>) -> Result<TerminateResult, ApiError> {
        let (target, body) = match which {
            Kill::Ids(ids) => (CONNECTIONS.to_owned(), Some(json!({ "uuids": ids }).to_string())),
            Kill::Endpoint(name) => (format!("{CONNECTIONS}/{}", encoded(name)), None),
            Kill::All => (format!("{CONNECTIONS}/all"), None),
        };
        let request = ApiRequest { method: &Method::DELETE, target: &target, json: body.as_deref() };
        let reply = self.send("ending connections", Expected::Data, request).await?;
        Ok(TerminateResult::from_json(&reply))
    }

    /// The rules of the filtered stream.
    ///
    /// # Errors
    /// The call failed.
    pub async fn rules(&mut self) -> Result<Listing<StoredRule>, ApiError> {
        let parameters = [("max_results", "1000".to_owned())];
        self.pages("listing the rules", RULES, &parameters, MAX_PAGES, StoredRule::from_json).await
    }

    /// Adds rules, or only checks them. One request: pass at most [`RULE_BATCH`](crate::protocol::rule::plan::RULE_BATCH). A success may still carry
    /// [errors](AddOutcome::errors), and so may a [refusal](ApiError::rules).
    ///
    /// # Errors
    /// The call failed; X may refuse all rules for one that is invalid.
    pub async fn add_rules(&mut self, rules: &[&Rule], dry_run: bool) -> Result<AddOutcome, ApiError> {
        let rules: Vec<Value> = rules
            .iter()
            .map(|rule| match rule.tag() {
                Some(tag) => json!({ "value": rule.value, "tag": tag }),
                None => json!({ "value": rule.value }),
            })
            .collect();
        let what = if dry_run { "checking rules" } else { "adding rules" };
        let reply = self.change_rules(what, dry_run, &json!({ "add": rules })).await?;
        Ok(AddOutcome::from_json(&reply))
    }

    /// Deletes rules. One request: pass at most [`RULE_BATCH`](crate::protocol::rule::plan::RULE_BATCH).
    ///
    /// # Errors
    /// The call failed.
    pub async fn delete_rules(&mut self, which: Delete<'_>, dry_run: bool) -> Result<DeleteOutcome, ApiError> {
        let body = match which {
            Delete::Ids(ids) => json!({ "delete": { "ids": ids } }),
            Delete::Values(values) => json!({ "delete": { "values": values } }),
        };
        let reply = self.change_rules("deleting rules", dry_run, &body).await?;
        Ok(DeleteOutcome::from_json(&reply))
    }

    async fn change_rules(&mut self, what: &'static str, dry_run: bool, body: &Value) -> Result<Value, ApiError> {
        let target = if dry_run { format!("{RULES}?dry_run=true") } else { RULES.to_owned() };
        let request = ApiRequest { method: &Method::POST, target: &target, json: Some(&body.to_string()) };
        self.send(what, Expected::Change, request).await
    }

    /// Deletes every rule; this cannot be undone.
    ///
    /// # Errors
    /// The call failed.
    pub async fn delete_all_rules(&mut self) -> Result<DeleteOutcome, ApiError> {
        // X documents a body as required and none for this case; an empty object has no further effect.
        let target = format!("{RULES}?delete_all=true");
        let request = ApiRequest { method: &Method::POST, target: &target, json: Some("{}") };
        let reply = self.send("deleting all rules", Expected::Change, request).await?;
        Ok(DeleteOutcome::from_json(&reply))
    }

    /// How many rules exist, and how many may.
    ///
    /// # Errors
    /// The call failed.
    pub async fn rule_counts(&mut self) -> Result<RuleCounts, ApiError> {
        let target = format!("{RULES}/counts");
        let request = ApiRequest { method: &Method::GET, target: &target, json: None };
        let reply = self.send("counting the rules", Expected::Data, request).await?;
        self.report_errors(&reply);
        Ok(RuleCounts::from_json(&reply))
    }

    /// The usage of the last `days`, 1 to 90; X's default is 7.
    ///
    /// # Errors
    /// The call failed.
    pub async fn usage(&mut self, days: Option<u8>) -> Result<ProjectUsage, ApiError> {
        let days = days.map_or_else(String::new, |days| format!("&days={days}"));
        let target = format!("{USAGE}?usage.fields={USAGE_FIELDS}{days}");
        let request = ApiRequest { method: &Method::GET, target: &target, json: None };
        let reply = self.send("reading the usage", Expected::Data, request).await?;
        self.report_errors(&reply);
        Ok(ProjectUsage::from_json(&reply))
    }
}
