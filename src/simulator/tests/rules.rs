//! Rules: the responses of the API, and the posts that pass.

use serde_json::json;

use super::api::{call, serve_with};
use super::*;

const RULES: &str = "/2/tweets/search/stream/rules";

fn add(server: &Server, rules: &Value) -> Value {
    let (head, body) = call(server, "POST", RULES, &json!({ "add": rules }));
    assert!(head.starts_with("HTTP/1.1 201 "), "{head}{body}");
    body
}

fn values(server: &Server) -> Vec<String> {
    server.rules().into_iter().map(|rule| rule.value).collect()
}

fn posts(body: &[u8]) -> Vec<Value> {
    lines(body).into_iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn rules_are_added_listed_counted_and_deleted() {
    let server = serve("end");
    let (_, none) = call(&server, "GET", RULES, &Value::Null);
    assert_eq!((none.get("data"), &none["meta"]["result_count"]), (None, &json!(0)));
    let added = add(&server, &json!([{"value": "cat", "tag": "cats"}, {"value": "dog"}, {"value": "ferry"}]));
    let summary = json!({"created": 3, "not_created": 0, "valid": 3, "invalid": 0});
    assert_eq!((&added["meta"]["summary"], added.get("errors")), (&summary, None));
    let (_, page) = call(&server, "GET", &format!("{RULES}?max_results=2"), &Value::Null);
    assert_eq!(page["data"], json!([added["data"][0], added["data"][1]]));
    let token = page["meta"]["next_token"].as_str().unwrap();
    let (_, page) = call(&server, "GET", &format!("{RULES}?max_results=2&pagination_token={token}"), &Value::Null);
    assert_eq!((&page["data"], page["meta"].get("next_token")), (&json!([added["data"][2]]), None));
    let ids = format!("{RULES}?ids={}", added["data"][1]["id"].as_str().unwrap());
    assert_eq!(call(&server, "GET", &ids, &Value::Null).1["data"], json!([added["data"][1]]));
    let (_, counts) = call(&server, "GET", &format!("{RULES}/counts"), &Value::Null);
    assert_eq!(
        (&counts["data"]["cap_per_project"], &counts["data"]["project_rules_count"]),
        (&json!("1000"), &json!("3"))
    );

    let delete = json!({"delete": {"ids": [added["data"][0]["id"], "12"]}});
    let (head, gone) = call(&server, "POST", RULES, &delete);
    assert!(head.starts_with("HTTP/1.1 200 "));
    assert_eq!(gone["meta"]["summary"], json!({"deleted": 1, "not_deleted": 1}));
    assert_eq!(gone["errors"][0]["errors"][0]["parameters"], json!({"ids": ["12"]}));
    let by_value = json!({"delete": {"values": ["dog"]}});
    let _ = call(&server, "POST", &format!("{RULES}?dry_run=true"), &by_value);
    assert_eq!(values(&server), ["dog", "ferry"]);
    let _ = call(&server, "POST", RULES, &by_value);
    assert_eq!(values(&server), ["ferry"]);
    let (_, gone) = call(&server, "POST", &format!("{RULES}?delete_all=true"), &Value::Null);
    assert_eq!((&gone["meta"]["summary"]["deleted"], values(&server).len()), (&json!(1), 0));
}

#[test]
fn each_bad_rule_has_its_error_and_the_good_ones_are_added() {
    let server = serve_with("end", |options| options.rules.preset = vec![SimulatedRule::new("cat", None)]);
    let long = "a".repeat(1025);
    let asked = json!([{"value": "cat", "tag": "other"}, {"value": "(dog"}, {"value": "-dog"}, {"value": long},
        {"value": ""}, {"value": "ferry"}, {"value": "ferry"}]);
    let answer = add(&server, &asked);
    assert_eq!(answer["meta"]["summary"], json!({"created": 1, "not_created": 6, "valid": 1, "invalid": 6}));
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!((&errors[0]["title"], &errors[0]["id"]), (&json!("DuplicateRule"), &json!(server.rules()[0].id)));
    assert_eq!(errors[5]["id"], answer["data"][0]["id"]);
    for (error, value) in errors[1..5].iter().zip(["(dog", "-dog", &long, ""]) {
        assert_eq!((&error["title"], &error["value"]), (&json!("UnprocessableEntity"), &json!(value)));
        assert!(error["details"][0].as_str().unwrap().contains("(at position "));
        assert!(error["type"].as_str().unwrap().ends_with("/invalid-rules"));
    }
    let dry = call(&server, "POST", &format!("{RULES}?dry_run=true"), &json!({"add": [{"value": "gull"}]})).1;
    assert_eq!(dry["meta"]["summary"]["valid"], 1);
    assert_eq!(values(&server), ["cat", "ferry"]);
}

#[test]
fn more_rules_than_the_cap_are_refused_together() {
    let server = serve_with("end", |options| options.rules.cap = 2);
    let (head, problem) =
        call(&server, "POST", RULES, &json!({"add": [{"value": "a"}, {"value": "b"}, {"value": "c"}]}));
    assert!(head.starts_with("HTTP/1.1 422 "));
    assert_eq!(problem["title"], "RulesCapExceeded");
    assert!(values(&server).is_empty());
}

#[test]
fn posts_pass_by_the_rules_they_then_name() {
    let server = serve_with("posts 400; end", |options| {
        options.rules.preset =
            vec![SimulatedRule::new("cat OR 猫", Some("cats")), SimulatedRule::new("#rustlang", None)];
    });
    let (bytes, _) = read_all(stream(&server));
    let posts = posts(&chunks(split_head(&bytes).1).0.concat());
    assert!((10..390).contains(&posts.len()), "{}", posts.len());
    let rules = server.rules();
    let mut both = 0;
    for post in &posts {
        let text = post.pointer("/extended_tweet/full_text").or(post.pointer("/data/text")).unwrap_or(&post["text"]);
        let text = text.as_str().unwrap().to_lowercase();
        let mut expected = Vec::new();
        if text.contains("cat") || text.contains('猫') {
            expected.push(json!({"id": rules[0].id, "tag": "cats"}));
        }
        if text.contains("#rustlang") {
            expected.push(json!({"id": rules[1].id, "tag": null}));
        }
        both += usize::from(expected.len() == 2);
        assert_eq!(post["matching_rules"], Value::Array(expected), "{text}");
    }
    assert!(both > 0);
}

#[test]
fn a_written_post_is_filtered_and_a_control_message_is_not() {
    let script = r#"line {"data":{"id":"1","text":"A Cat"}}
        line {"data":{"id":"2","text":"a dog"}}
        line {"data":{"id":"3","text":"a dog"},"matching_rules":[]}
        line {"a":1}
        end"#;
    let server = serve_with(script, |options| options.rules.preset = vec![SimulatedRule::new("cat", None)]);
    let id = server.rules()[0].id.clone();
    let expected = format!(
        "{{\"data\":{{\"id\":\"1\",\"text\":\"A Cat\"}},\"matching_rules\":[{{\"id\":\"{id}\",\"tag\":null}}]}}"
    );
    let own = r#"{"data":{"id":"3","text":"a dog"},"matching_rules":[]}"#;
    let (bytes, _) = read_all(stream(&server));
    assert_eq!(lines(&chunks(split_head(&bytes).1).0.concat()), [&expected, own, r#"{"a":1}"#]);
    // Only the filtered stream has rules.
    let sample = request(&server, "/2/tweets/sample/stream", &format!("{TOKEN}connection: close\r\n"));
    assert_eq!(lines(&chunks(split_head(&read_all(sample).0).1).0.concat()).len(), 4);
}

#[test]
fn a_change_of_rules_counts_without_a_reconnect() {
    let server =
        serve_with("posts endless every 1ms", |options| options.rules.preset = vec![SimulatedRule::new("zebra", None)]);
    let mut tcp = request(&server, STREAM, TOKEN);
    let _ = server.wait_for_requests(1, SOON);
    let id = add(&server, &json!([{"value": "the"}]))["data"][0]["id"].as_str().unwrap().to_owned();
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    while !String::from_utf8_lossy(&bytes).contains(&format!("\"matching_rules\":[{{\"id\":\"{id}\"")) {
        let n = tcp.read(&mut buffer).unwrap();
        assert!(n > 0);
        bytes.extend_from_slice(&buffer[..n]);
    }
}

#[test]
fn without_rules_a_filtered_stream_is_refused_only_where_rules_are_on() {
    let server = serve_with("line {}\nend", |options| options.rules.required = true);
    let (bytes, _) = read_all(stream(&server));
    let (head, body) = split_head(&bytes);
    assert!(head.starts_with("HTTP/1.1 409 "));
    assert_eq!(serde_json::from_slice::<Value>(body).unwrap()["connection_issue"], "RuleConfigurationIssue");
    let (bytes, _) = read_all(request(&server, "/2/tweets/sample/stream", &format!("{TOKEN}connection: close\r\n")));
    assert!(split_head(&bytes).0.starts_with("HTTP/1.1 200 "));

    let server = serve("line {}\nend");
    assert!(read_all(stream(&server)).0.starts_with(b"HTTP/1.1 200 "));
    let added = add(&server, &json!([{"value": "cat"}]));
    let delete = json!({"delete": {"ids": [added["data"][0]["id"]]}});
    let _ = call(&server, "POST", RULES, &delete);
    assert!(read_all(stream(&server)).0.starts_with(b"HTTP/1.1 409 "));
}

#[test]
fn a_preset_rule_that_is_none_stops_the_start() {
    let mut options = ServerOptions::new(Script::parse("end").unwrap());
    options.rules.preset = vec![SimulatedRule::new("(cat", None)];
    let error = Server::spawn(options).err().unwrap();
    assert!(error.to_string().contains("rule '(cat': missing ')'"));
}
