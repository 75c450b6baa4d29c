//! Connections of an app, and the result of terminating some (X docs: connections).

use serde_json::Value;

use super::{LONGEST_TEXT, errors, is_true, list, number, text};
use crate::protocol::problem::Problem;
use crate::text::sanitize;

/// A connection of the app, open or ended (X docs: connections). Every member but `raw` may be missing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AppConnection {
    /// Terminating it needs the id; the published example lacks it.
    pub id: Option<String>,
    /// X's name of the stream; a plain string, not only one of the published names.
    pub endpoint_name: Option<String>,
    /// The client's address.
    pub client_ip: Option<String>,
    /// RFC 3339.
    pub connected_at: Option<String>,
    /// RFC 3339; absent while it is open.
    pub disconnected_at: Option<String>,
    /// Any text; `operator_disconnect` is the only value that X publishes.
    pub disconnect_reason: Option<String>,
    /// As X sent it.
    pub raw: Value,
}

impl AppConnection {
    /// Reads one element of `data`.
    #[must_use]
    pub fn from_json(raw: &Value) -> Self {
        Self {
            id: text(raw, "id"),
            endpoint_name: text(raw, "endpoint_name"),
            client_ip: text(raw, "client_ip"),
            connected_at: text(raw, "connected_at"),
            disconnected_at: text(raw, "disconnected_at"),
            disconnect_reason: text(raw, "disconnect_reason"),
            raw: raw.clone(),
        }
    }

    /// Whether it is open: X reports neither a time nor a reason of a disconnect.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.disconnected_at.is_none() && self.disconnect_reason.is_none()
    }
}

/// Whether a text can be the id of a connection: a UUID, the only form that X publishes, or a number like its other
/// ids. Shorter numbers are typing mistakes.
#[must_use]
pub fn is_connection_id(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let hex = groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let uuid = hex && groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]);
    uuid || (5..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The result of a request to terminate connections.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TerminateResult {
    /// How many were terminated.
    pub successful: u64,
    /// How many were not.
    pub failed: u64,
    /// The result for each connection, if X lists them.
    pub results: Vec<TerminatedConnection>,
    /// Errors next to the results.
    pub errors: Vec<Problem>,
}

/// The result for one connection.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TerminatedConnection {
    /// Its id.
    pub uuid: Option<String>,
    /// Whether it was terminated.
    pub success: bool,
    /// Why not.
    pub error_message: Option<String>,
    /// As X sent it.
    pub raw: Value,
}

impl TerminateResult {
    /// Reads a response.
    #[must_use]
    pub fn from_json(response: &Value) -> Self {
        let data = response.get("data").unwrap_or(&Value::Null);
        let results: Vec<TerminatedConnection> = list(data, "results")
            .iter()
            .map(|raw| TerminatedConnection {
                uuid: text(raw, "uuid"),
                success: raw.get("success").is_some_and(is_true),
                error_message: text(raw, "error_message").map(|text| sanitize(&text, LONGEST_TEXT)),
                raw: raw.clone(),
            })
            .collect();
        let succeeded = results.iter().filter(|result| result.success).count() as u64;
        let listed_failures = results.len() as u64 - succeeded;
        Self {
            successful: number(data, "successful_kills").unwrap_or(succeeded),
            // The count and the list may disagree; a failure in either is a failure.
            failed: number(data, "failed_kills").unwrap_or(0).max(listed_failures),
            results,
            errors: errors(response),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_published_connection_is_read_without_the_id_it_lacks() {
        let raw = json!({"connected_at":"2023-11-07T05:31:56Z","endpoint_name":"sample_stream","client_ip":"192.0.2.1",
            "disconnect_reason":"operator_disconnect","disconnected_at":"2023-11-07T05:31:56Z"});
        let connection = AppConnection::from_json(&raw);
        assert_eq!((connection.id.as_deref(), connection.is_active()), (None, false));
        assert_eq!(connection.disconnect_reason.as_deref(), Some("operator_disconnect"));
        assert_eq!(connection.raw, raw);
        let open = AppConnection::from_json(&json!({ "id": 17, "disconnected_at": null, "brand_new": [1] }));
        assert!(open.is_active());
        assert_eq!((open.id.as_deref(), &open.raw["brand_new"]), (Some("17"), &json!([1])));
    }

    #[test]
    fn a_failure_counts_wherever_x_reports_it() {
        let result = TerminateResult::from_json(&json!({"data":{"successful_kills":"1","failed_kills":0,"results":[
            {"uuid":"a","success":true},{"uuid":"b","success":false,"error_message":"gone\u{1b}[2J"}]},
            "errors":[{"title":"x"}]}));
        assert_eq!((result.successful, result.failed, result.errors.len()), (1, 1, 1));
        assert_eq!(result.results[1].error_message.as_deref(), Some("gone[2J"));
        let bare = TerminateResult::from_json(&json!({ "data": { "successful_kills": 3, "failed_kills": 2 } }));
        assert_eq!((bare.successful, bare.failed, bare.results.len()), (3, 2, 0));
        assert_eq!(TerminateResult::from_json(&Value::Null), TerminateResult::default());
    }
}
