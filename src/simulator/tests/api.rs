//! The calls that are not streams, and what they do to the streams.

use serde_json::json;

use super::*;

pub(crate) fn serve_with(script: &str, set_up: impl FnOnce(&mut ServerOptions)) -> Server {
    let mut options = ServerOptions::new(Script::parse(script).unwrap());
    set_up(&mut options);
    Server::spawn(options).unwrap()
}

/// One API request; `body` null sends none. The head, and the body as JSON.
pub(crate) fn call(server: &Server, method: &str, target: &str, body: &Value) -> (String, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut tcp = TcpStream::connect(server.addr()).unwrap();
    tcp.set_read_timeout(Some(SOON)).unwrap();
    let length = body.len();
    let head = format!(
        "{method} {target} HTTP/1.1\r\n{TOKEN}connection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    );
    tcp.write_all(head.as_bytes()).unwrap();
    let (bytes, _) = read_all(tcp);
    let (head, body) = split_head(&bytes);
    (head, serde_json::from_slice(body).unwrap_or_default())
}

fn get(server: &Server, target: &str) -> Value {
    let (head, body) = call(server, "GET", target, &Value::Null);
    assert!(head.starts_with("HTTP/1.1 200 "), "{target}: {head}{body}");
    body
}

const CONNECTIONS: &str = "/2/connections";
const ALL: &str = "/2/connections?status=all&connection.fields=id,endpoint_name,client_ip,connected_at,disconnected_at,disconnect_reason";
const RULES: &str = "/2/tweets/search/stream/rules";

/// Opens a stream and reads its head and first line, so that it is known to be open.
fn open_stream(server: &Server, target: &str) -> TcpStream {
    let mut tcp = request(server, target, TOKEN);
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"{}\r\n\r\n") {
        let mut one = [0];
        tcp.read_exact(&mut one).unwrap();
        bytes.push(one[0]);
    }
    tcp
}

#[test]
fn an_open_stream_is_listed_with_the_requested_fields() {
    let server = serve("line {}\nstall");
    assert_eq!(get(&server, CONNECTIONS), json!({"meta": {"result_count": 0}}));
    let _one = open_stream(&server, STREAM);
    let usual = get(&server, CONNECTIONS);
    let entry = usual["data"][0].as_object().unwrap();
    assert_eq!(entry.keys().collect::<Vec<_>>(), ["client_ip", "connected_at", "endpoint_name"]);
    assert_eq!((&entry["endpoint_name"], &entry["client_ip"]), (&json!("filtered_stream"), &json!("127.0.0.1")));
    let ids = get(&server, "/2/connections?connection.fields=id");
    assert_eq!(ids["data"][0].as_object().unwrap().keys().collect::<Vec<_>>(), ["id"]);
}

#[test]
fn an_ended_stream_is_listed_with_its_reason() {
    let server = serve("line {}\nstall | line {}\ndisconnect 12; close | line {}\nend | status 503");
    drop(open_stream(&server, STREAM));
    let _ = server.wait_for_endings(1, SOON);
    for n in 2..=4 {
        let _ = read_all(stream(&server));
        let _ = server.wait_for_endings(n, SOON);
    }
    let all = get(&server, ALL);
    let reasons: Vec<_> =
        all["data"].as_array().unwrap().iter().map(|one| one["disconnect_reason"].as_str().unwrap()).collect();
    // Newest first; the refusal never was a connection.
    assert_eq!(reasons, ["server_disconnect", "12", "client_disconnect"]);
    assert!(all["data"][0]["disconnected_at"].is_string());
    assert_eq!(get(&server, CONNECTIONS)["meta"]["result_count"], 0);
    assert_eq!(get(&server, "/2/connections?status=inactive")["meta"]["result_count"], 3);
}

#[test]
fn pages_hold_every_connection_once() {
    let server = serve_with("stall", |options| {
        options.external = (0..25)
            .map(|n| ExternalConnection { id: Some(format!("id-{n}")), ..ExternalConnection::new("sample") })
            .collect();
    });
    let (mut seen, mut target) = (Vec::new(), String::from("/2/connections?connection.fields=id"));
    let mut sizes = Vec::new();
    loop {
        let page = get(&server, &target);
        sizes.push(page["meta"]["result_count"].as_u64().unwrap());
        seen.extend(page["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        let Some(token) = page["meta"]["next_token"].as_str() else { break };
        assert_eq!(token.len(), 16);
        target = format!("/2/connections?connection.fields=id&pagination_token={token}");
    }
    assert_eq!(sizes, [10, 10, 5]);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 25);
    assert_eq!(get(&server, "/2/connections?endpoints=filtered_stream")["meta"]["result_count"], 0);
    assert_eq!(get(&server, "/2/connections?endpoints=sample_stream&max_results=100")["meta"]["result_count"], 25);
}

#[test]
fn a_terminated_stream_gets_the_reason_and_ends_while_the_others_stay() {
    let server = serve("line {}\nstall");
    let (one, other) = (open_stream(&server, STREAM), open_stream(&server, "/2/tweets/sample/stream"));
    let list = get(&server, ALL);
    let id = list["data"][1]["id"].as_str().unwrap();
    let (head, answer) = call(&server, "DELETE", CONNECTIONS, &json!({"uuids": [id, "unknown"]}));
    assert!(head.starts_with("HTTP/1.1 200 "));
    let data = &answer["data"];
    assert_eq!((&data["successful_kills"], &data["failed_kills"]), (&json!(1), &json!(1)));
    assert_eq!(data["results"][0], json!({"uuid": id, "success": true}));
    assert!(data["results"][1]["error_message"].is_string());
    let mut rest = Vec::new();
    let mut one = one;
    while !rest.ends_with(LAST) {
        let mut byte = [0];
        one.read_exact(&mut byte).unwrap();
        rest.push(byte[0]);
    }
    assert!(String::from_utf8(rest).unwrap().contains("ForceDisconnect"));
    let list = get(&server, ALL);
    assert_eq!(list["data"][1]["disconnect_reason"], "operator_disconnect");
    assert_eq!(list["data"][0].get("disconnect_reason"), None);
    let (head, answer) = call(&server, "DELETE", "/2/connections/all", &Value::Null);
    assert!(head.contains("x-rate-limit-limit: 25\r\nx-rate-limit-remaining: 24\r\n"));
    assert_eq!(answer["data"]["successful_kills"], 1);
    let (rest, _) = read_all(HalfClosed(other));
    assert!(String::from_utf8_lossy(&rest).contains("ForceDisconnect"));
}

/// With the line end before it, as a length may end in a zero.
const LAST: &[u8] = b"\r\n0\r\n\r\n";

/// Reads up to the end of the body, which leaves the connection open for another request.
struct HalfClosed(TcpStream);

impl io::Read for HalfClosed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.0.read(buffer)?;
        if buffer[..n].ends_with(LAST) {
            self.0.shutdown(Shutdown::Write)?;
        }
        Ok(n)
    }
}

#[test]
fn every_kind_of_stream_can_be_terminated() {
    for script in [
        "line {}\nflood",
        "line {}\nflood-lines",
        "line {}\nposts",
        "line {}\ndribble",
        "line {}\nheartbeat endless every 1h",
    ] {
        let server = serve(script);
        let mut tcp = open_stream(&server, STREAM);
        let (_, answer) = call(&server, "DELETE", "/2/connections/filtered_stream", &Value::Null);
        assert_eq!(answer["data"]["successful_kills"], 1, "{script}");
        // The body ends whether or not everything before it was read.
        let mut buffer = vec![0; 1 << 16];
        let mut tail = Vec::new();
        loop {
            let n = tcp.read(&mut buffer).unwrap();
            tail.extend_from_slice(&buffer[..n]);
            if n == 0 || tail.ends_with(LAST) {
                break;
            }
            tail.drain(..tail.len().saturating_sub(16));
        }
        assert_eq!(get(&server, CONNECTIONS)["meta"]["result_count"], 0, "{script}");
    }
}

#[test]
fn a_stream_above_the_limit_is_refused_until_a_slot_is_freed() {
    let server = serve_with("line {}\nstall", |options| {
        options.connections = Some(1);
        options.external =
            vec![ExternalConnection { id: Some("theirs".into()), ..ExternalConnection::new("filtered_stream") }];
    });
    let _other = open_stream(&server, "/2/tweets/sample/stream");
    let (bytes, _) = read_all(stream(&server));
    let (head, body) = split_head(&bytes);
    assert!(head.starts_with("HTTP/1.1 429 "));
    assert_eq!(serde_json::from_slice::<Value>(body).unwrap()["connection_issue"], "TooManyConnections");
    let (_, answer) = call(&server, "DELETE", CONNECTIONS, &json!({"uuids": ["theirs"]}));
    assert_eq!(answer["data"]["successful_kills"], 1);
    let _mine = open_stream(&server, STREAM);
}

#[test]
fn terminating_a_connection_may_fail() {
    let server = serve_with("stall", |options| {
        let stuck = ExternalConnection {
            id: Some("stuck".into()),
            unkillable: true,
            ..ExternalConnection::new("filtered_stream")
        };
        options.external = vec![ExternalConnection::new("filtered_stream"), stuck];
    });
    let (_, answer) = call(&server, "DELETE", "/2/connections/all", &Value::Null);
    assert_eq!((&answer["data"]["successful_kills"], &answer["data"]["failed_kills"]), (&json!(1), &json!(1)));
    assert_eq!(get(&server, CONNECTIONS)["meta"]["result_count"], 1);
}

#[test]
fn invalid_requests_get_the_documented_problem() {
    let server = serve("end");
    let table = [
        ("GET", "/2/connections?status=open", Value::Null),
        ("GET", "/2/connections?max_results=0", Value::Null),
        ("GET", "/2/connections?max_results=101", Value::Null),
        ("GET", "/2/connections?endpoints=filtered", Value::Null),
        ("GET", "/2/connections?connection.fields=uuid", Value::Null),
        ("GET", "/2/connections?pagination_token=x", Value::Null),
        ("GET", "/2/connections?limit=1", Value::Null),
        ("DELETE", "/2/connections/powerstream", Value::Null),
        ("DELETE", "/2/connections", Value::Null),
        ("DELETE", "/2/connections", json!({"uuids": []})),
        ("DELETE", "/2/connections", json!({"uuids": ["a"], "ids": []})),
        ("GET", "/2/tweets/search/stream/rules?max_results=1001", Value::Null),
        ("POST", RULES, json!({})),
        ("POST", RULES, json!({"add": [{"value": "a"}], "delete": {"ids": ["1"]}})),
        ("POST", RULES, json!({"add": []})),
        ("POST", RULES, json!({"add": [{"tag": "a"}]})),
        ("POST", RULES, json!({"delete": {"ids": []}})),
        ("POST", "/2/tweets/search/stream/rules?dry_run=yes", json!({"add": [{"value": "a"}]})),
        ("POST", "/2/tweets/search/stream/rules?dry_run=true&delete_all=true", json!({})),
        ("GET", "/2/usage/tweets?days=91", Value::Null),
        ("GET", "/2/usage/tweets?usage.fields=posts", Value::Null),
    ];
    for (method, target, body) in table {
        let (head, problem) = call(&server, method, target, &body);
        assert!(head.starts_with("HTTP/1.1 400 "), "{method} {target} {body}: {head}");
        assert!(head.contains("x-rate-limit-remaining: "));
        assert_eq!(problem["type"], "https://api.twitter.com/2/problems/invalid-request");
        assert!(problem["errors"][0]["message"].is_string() && problem["errors"][0]["parameters"].is_object());
    }
}

#[test]
fn the_first_api_requests_fail_as_scripted() {
    let server = serve_with("end", |options| {
        options.api = Some(Script::parse("status 503 | rate-limit 5 | end | forbidden").unwrap());
    });
    let statuses: Vec<String> = (0..5)
        .map(|_| call(&server, "GET", RULES, &Value::Null).0)
        .map(|head| {
            assert!(head.contains("x-rate-limit-limit: 450\r\n"), "{head}");
            assert!(!head.contains(" 429 ") || head.contains("x-rate-limit-remaining: 0\r\n"));
            head[9..12].to_owned()
        })
        .collect();
    assert_eq!(statuses, ["503", "429", "200", "403", "200"]);
    assert_eq!(server.requests().len(), 5);
    let (bytes, _) = read_all(request(&server, RULES, "connection: close\r\n"));
    assert!(bytes.starts_with(b"HTTP/1.1 401 "));
}

#[test]
fn usage_has_the_delivered_posts_and_the_history() {
    let server = serve_with(
        "posts 3; line {\"data\":{\"id\":\"7\",\"text\":\"a\"}}\nflood 10; repeat 2; heartbeat; limit 5; end",
        |options| {
            options.usage.history = vec![
                HistoryDay { days_ago: 0, app: None, posts: 100 },
                HistoryDay { days_ago: 1, app: Some("31415926".into()), posts: 20 },
                HistoryDay { days_ago: 80, app: None, posts: 5 },
            ];
        },
    );
    let _ = read_all(stream(&server));
    let usual = get(&server, "/2/usage/tweets");
    assert_eq!(usual["data"]["project_cap"], "3000000");
    assert_eq!(usual["data"].as_object().unwrap().len(), 4);
    let fields = "usage.fields=daily_project_usage,daily_client_app_usage,project_usage";
    let usage = get(&server, &format!("/2/usage/tweets?days=90&{fields}"));
    let days = usage["data"]["daily_project_usage"].as_array().unwrap();
    assert_eq!(days.len(), 3);
    // Three posts, one line that came twice and ten posts of a flood that came twice.
    assert_eq!(days[2]["usage"][0]["tweets_consumed"], 100 + 2 * 3 + 1 + 10);
    assert_eq!(days[1]["usage"][0], json!({"app_id": "31415926", "tweets_consumed": 20}));
    let apps = usage["data"]["daily_client_app_usage"].as_array().unwrap();
    assert_eq!(apps.iter().map(|app| app["usage_result_count"].as_u64().unwrap()).collect::<Vec<_>>(), [2, 1]);
    let short = get(&server, &format!("/2/usage/tweets?days=1&{fields}"));
    assert_eq!(short["data"]["daily_project_usage"].as_array().unwrap().len(), 1);
}
