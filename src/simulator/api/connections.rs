//! The connections API: listing connections and terminating them.

use serde_json::{Value, json};

use super::answer::{JsonResponse, ProblemResponse, members, parse_body};
use super::query::{QueryString, pick, token};
use super::registry::{RegisteredConnection, Registry};
use crate::protocol::endpoint::ENDPOINTS;
use crate::time::format_rfc3339;

const FIELDS: [&str; 6] = ["client_ip", "connected_at", "disconnect_reason", "disconnected_at", "endpoint_name", "id"];

/// What comes without `connection.fields`: the published example has all but the id.
const USUAL: [&str; 5] = ["client_ip", "connected_at", "disconnect_reason", "disconnected_at", "endpoint_name"];

/// `GET /2/connections`.
pub(crate) fn list(registry: &Registry, query: &str) -> Result<JsonResponse, ProblemResponse> {
    let known = ["status", "endpoints", "max_results", "pagination_token", "connection.fields"];
    let query = QueryString::parse(query, &known)?;
    let status = query.one_of("status", &["active", "inactive", "all"])?;
    let names = endpoint_names();
    let endpoints = query.words("endpoints", &names)?;
    let most = query.number("max_results", 1..=100, 10)?;
    let fields = query.words("connection.fields", &FIELDS)?.unwrap_or_else(|| USUAL.to_vec());
    let before = query.place()?;
    let wanted = |entry: &RegisteredConnection| {
        let state = if entry.ended.is_none() { "active" } else { "inactive" };
        (status == "all" || status == state)
            && endpoints.as_ref().is_none_or(|names| names.contains(&entry.endpoint_name.as_str()))
            && before.is_none_or(|place| entry.number < place)
    };
    let found: Vec<_> = registry.list(|entry| wanted(entry).then(|| (entry.number, render(entry))));
    let found: Vec<_> = found.into_iter().flatten().collect();

    let page = found.iter().take(most);
    let data: Vec<Value> = page.map(|(_, entry)| pick(entry.clone(), &fields)).collect();
    let mut body = json!({ "meta": { "result_count": data.len() } });
    if found.len() > most {
        body["meta"]["next_token"] = json!(token(found[most - 1].0));
    }
    // X leaves an empty list out.
    if !data.is_empty() {
        body["data"] = Value::Array(data);
    }
    Ok(JsonResponse { status: 200, body })
}

fn render(entry: &RegisteredConnection) -> Value {
    let mut value = json!({
        "id": entry.id,
        "endpoint_name": entry.endpoint_name,
        "client_ip": entry.client_ip,
        "connected_at": format_rfc3339(entry.connected_at),
    });
    if let Some((at, reason)) = &entry.ended {
        value["disconnected_at"] = json!(format_rfc3339(*at));
        value["disconnect_reason"] = json!(reason);
    }
    value
}

/// `DELETE /2/connections`: those named in the body.
pub(crate) fn terminate(registry: &Registry, query: &str, body: &[u8]) -> Result<JsonResponse, ProblemResponse> {
    QueryString::parse(query, &[])?;
    let body = parse_body(body)?;
    let uuids = members(&body, &["uuids"])?.get("uuids");
    let uuids: Option<Vec<&str>> =
        uuids.and_then(Value::as_array).and_then(|list| list.iter().map(Value::as_str).collect());
    let Some(uuids) = uuids.filter(|uuids| (1..=100).contains(&uuids.len())) else {
        return Err(ProblemResponse::body("$.uuids: an array of 1 to 100 strings is required"));
    };
    let ended = registry.terminate(|entry| uuids.contains(&entry.id.as_str()));
    // In the order of the request; an id that is not open is a failure of its own.
    let results = uuids.iter().map(|uuid| match ended.iter().find(|(id, _)| id == uuid) {
        Some((id, worked)) => result(id, *worked),
        None => json!({"uuid": uuid, "success": false, "error_message": "Connection not found or not active"}),
    });
    Ok(tally(&results.collect::<Vec<_>>()))
}

/// `DELETE /2/connections/{endpoint_id}`: those of one endpoint; `all` is every endpoint.
pub(crate) fn terminate_endpoint(
    registry: &Registry,
    query: &str,
    name: &str,
) -> Result<JsonResponse, ProblemResponse> {
    QueryString::parse(query, &[])?;
    let names = endpoint_names();
    if name != "all" && !names.contains(&name) {
        let message = format!("The `endpoint_id` path parameter value [{name}] is not one of [{}]", names.join(","));
        return Err(ProblemResponse::invalid("endpoint_id", name, message));
    }
    let ended = registry.terminate(|entry| name == "all" || entry.endpoint_name == name);
    Ok(tally(&ended.iter().map(|(id, worked)| result(id, *worked)).collect::<Vec<_>>()))
}

fn result(id: &str, worked: bool) -> Value {
    let mut result = json!({"uuid": id, "success": worked});
    if !worked {
        result["error_message"] = json!("Failed to terminate the connection");
    }
    result
}

fn tally(results: &[Value]) -> JsonResponse {
    let killed = results.iter().filter(|result| result["success"] == true).count();
    let body = json!({"data": {
        "successful_kills": killed,
        "failed_kills": results.len() - killed,
        "results": results,
    }});
    JsonResponse { status: 200, body }
}

/// The names the API knows; streams without one are listed under their path but cannot be selected.
fn endpoint_names() -> Vec<&'static str> {
    ENDPOINTS.iter().filter_map(|endpoint| endpoint.endpoint_name).collect()
}
