//! Calls against a server that answers what it is told to.

use std::cell::RefCell;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, channel};

use flate2::{Compression, write::GzEncoder};

use super::*;
use crate::net::dial::{self, Base};
use crate::net::token::Token;

/// A server that answers each connection with the next of these bytes, and passes on what it was asked.
struct Scripted {
    url: String,
    asked: Receiver<String>,
    /// How long the client waits for a head, and twice as long for the rest.
    patience: Duration,
    retry: bool,
}

fn answer(answers: Vec<Vec<u8>>) -> Scripted {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (send, asked) = channel();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut socket, _) = listener.accept().expect("a client");
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            while !is_whole(&request) {
                let count = socket.read(&mut buffer).expect("a request");
                request.extend_from_slice(&buffer[..count]);
            }
            let _ = send.send(String::from_utf8(request).expect("text"));
            // The client leaves in the middle of an answer that is too long.
            let _ = socket.write_all(&answer);
        }
    });
    Scripted { url, asked, patience: Duration::from_secs(15), retry: true }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

fn json(status: &str, body: &str) -> Vec<u8> {
    with(status, "content-type: application/json\r\n", body.as_bytes())
}

fn with(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut bytes =
        format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

impl Scripted {
    fn api(&self) -> (Api, Rc<RefCell<Vec<String>>>) {
        let token = Token::parse("secret-token", "f").expect("a token");
        let dialer = Dialer::new(dial::Options {
            base: Base::parse(&self.url).expect("a URL"),
            path: "/".to_owned(),
            form: None,
            token: Some(token),
            proxy: None,
            cacert: None,
            gzip: true,
            connect_timeout: Duration::from_secs(15),
            head_timeout: self.patience,
        });
        let told = Rc::new(RefCell::new(Vec::new()));
        let to = told.clone();
        let options = Options {
            dialer: dialer.expect("a dialer"),
            tell: Box::new(move |line| to.borrow_mut().push(line.to_owned())),
            speed: 1000,
            retry: self.retry,
        };
        (Api::new(options), told)
    }

    /// First lines and bodies of what was asked, in order.
    fn asked(&self) -> Vec<String> {
        self.asked
            .try_iter()
            .map(|request| {
                let (head, body) = request.split_once("\r\n\r\n").expect("a request");
                let line = head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1");
                format!("{line} {body}").trim_end().to_owned()
            })
            .collect()
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(future)
}

const PAGE: &str = r#"{"data":[{"id":"a"}],"meta":{"next_token":"t 1"}}"#;

#[test]
fn pages_are_read_to_the_last_with_all_fields() {
    let server = answer(vec![json("200", PAGE), json("200", r#"{"meta":{"result_count":0}}"#)]);
    let (mut api, told) = server.api();
    let query = ConnectionQuery {
        endpoints: vec!["filtered_stream".to_owned(), "sample_stream".to_owned()],
        ..ConnectionQuery::default()
    };
    let found = run(api.connections(&query)).expect("a list");
    assert_eq!((found.items.len(), found.more), (1, false));
    assert!(told.borrow().is_empty());
    let first = "GET /2/connections?status=active&max_results=100&connection.fields=client_ip,connected_at,\
                 disconnect_reason,disconnected_at,endpoint_name,id&endpoints=filtered_stream,sample_stream";
    assert_eq!(server.asked(), [first.to_owned(), format!("{first}&pagination_token=t%201")]);
}

#[test]
fn a_page_that_comes_again_ends_the_list_with_a_warning() {
    let server = answer(vec![json("200", PAGE), json("200", PAGE)]);
    let (mut api, told) = server.api();
    let found = run(api.rules()).expect("a list");
    assert_eq!((found.items.len(), found.more, told.borrow().len()), (2, true, 1));
    assert!(told.borrow()[0].contains("the same page twice"), "{told:?}");
    let server = answer(vec![json("200", PAGE)]);
    let query = ConnectionQuery { pages: 1, ..ConnectionQuery::default() };
    assert!(run(server.api().0.connections(&query)).expect("a list").more);
}

#[test]
fn errors_beside_data_come_with_it() {
    let body = r#"{"data":[{"id":"a","value":"x","tag":""}],"errors":[{"title":"Partial","detail":"one is lost"}]}"#;
    let server = answer(vec![json("200", body)]);
    let found = run(server.api().0.rules()).expect("a list");
    assert_eq!((found.items[0].tag.as_deref(), found.errors.len()), (Some(""), 1));
    assert_eq!(said(&found.errors[0]), "Partial: one is lost");
}

#[test]
fn a_server_error_is_tried_again_and_told() {
    let server = answer(vec![json("503", "{}"), json("500", ""), json("200", r#"{"data":{"successful_kills":1}}"#)]);
    let (mut api, told) = server.api();
    let ids = ["a".to_owned()];
    assert_eq!(run(api.kill(Kill::Ids(&ids))).expect("an end").successful, 1);
    assert_eq!(server.asked(), [r#"DELETE /2/connections {"uuids":["a"]}"#; 3]);
    assert!(told.borrow()[0].ends_with("trying again in 1 s"), "{told:?}");
    let server = answer(vec![json("502", "<html>Bad <b>gateway"); 4]);
    let error = run(server.api().0.rule_counts()).expect_err("no success");
    assert_eq!((error.status(), server.asked().len(), error.is_passing()), (Some(502), 4, true));
    assert!(error.to_string().contains("Bad gateway"), "{error}");
}

#[test]
fn what_was_sent_is_not_sent_again_over_a_cut_line() {
    let server = answer(vec![Vec::new(), json("200", "{}")]);
    let error = run(server.api().0.kill(Kill::All)).expect_err("no answer");
    assert_eq!((server.asked(), error.is_passing()), (vec!["DELETE /2/connections/all".to_owned()], true));
    let server = answer(vec![Vec::new(), json("200", "{}")]);
    run(server.api().0.usage(Some(30))).expect_err("no answer");
    assert_eq!(server.asked().len(), 1);
    // Nobody listens there, so nothing was sent and anything may be tried again.
    let gone = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let server = Scripted { url: format!("http://{gone}"), ..answer(Vec::new()) };
    let (mut api, told) = server.api();
    assert!(run(api.delete_all_rules()).is_err());
    assert_eq!(told.borrow().len(), 3);
}

#[test]
fn a_rate_limit_is_reported_with_its_reset_and_not_waited_for() {
    let headers = "date: Sun, 22 Nov 2026 10:00:00 GMT\r\nx-rate-limit-limit: 25\r\nx-rate-limit-remaining: 0\r\n\
                   x-rate-limit-reset: 1795342323\r\n";
    let server = answer(vec![with("429", headers, br#"{"title":"Too Many Requests","type":"about:blank"}"#)]);
    let (mut api, _) = server.api();
    let error = run(api.kill(Kill::Endpoint("filtered_stream"))).expect_err("refused");
    assert_eq!(server.asked(), ["DELETE /2/connections/filtered_stream"]);
    insta::assert_snapshot!(error, @"ending connections: 429: Too Many Requests; 0 of 25 requests are left in this window; try again in 12m03s (at 10:12:03 UTC)");
    assert_eq!(error.rate().and_then(|rate| rate.limit), Some(25));
    assert_eq!(api.head().rate.remaining, Some(0));
    let capped =
        r#"{"title":"UsageCapExceeded","period":"Monthly","type":"https://api.x.com/2/problems/usage-capped"}"#;
    let server = answer(vec![json("429", capped)]);
    assert!(!run(server.api().0.usage(None)).expect_err("refused").is_passing());
}

#[test]
fn a_refusal_says_what_to_do_and_not_the_token() {
    let refused = |status: &str, headers: &str, body: &str| {
        let server = answer(vec![with(status, headers, body.as_bytes())]);
        let error = run(server.api().0.connections(&ConnectionQuery::default())).expect_err("refused");
        assert!(!error.is_passing());
        error.to_string()
    };
    insta::assert_snapshot!(refused("401", "", r#"{"title":"Unauthorized","detail":"bad token"}"#), @"listing the connections: 401: bad token; the bearer token is wrong, revoked, or no app-only token; make a new one in the developer portal");
    insta::assert_snapshot!(refused("403", "", r#"{"detail":"Enroll.","reason":"client-not-enrolled","required_enrollment":"Appropriate Level of API Access","registration_url":"https://developer.x.com/apply","type":"https://api.x.com/2/problems/client-forbidden"}"#), @"listing the connections: 403 client-forbidden: Enroll; these endpoints want the app-only bearer token of an app with pay-per-use or Enterprise access; attach the app to a project that has it, in the developer portal; X asks for: Appropriate Level of API Access; apply at https://developer.x.com/apply");
    insta::assert_snapshot!(refused("400", "", r#"{"detail":"Invalid.","type":"https://api.x.com/2/problems/invalid-request","errors":[{"parameters":{"status":["x"]}}]}"#), @"listing the connections: 400 invalid-request: Invalid (status); correct what X names");
    insta::assert_snapshot!(refused("302", "location: https://elsewhere.example/login\r\n", ""), @"listing the connections: 302: a redirect to elsewhere.example, which is not followed; check --base-url; the token goes to no other host");
    insta::assert_snapshot!(refused("404", "", ""), @"listing the connections: 404: there is no such path; check --base-url");
    insta::assert_snapshot!(refused("200", "", r#"{"title":"Forbidden","status":403,"type":"about:blank","detail":"no"}"#), @"listing the connections: 403: no; these endpoints want the app-only bearer token of an app with pay-per-use or Enterprise access; attach the app to a project that has it, in the developer portal");
    insta::assert_snapshot!(refused("200", "", "<html>Log in"), @"listing the connections: the answer is not the JSON that X documents: Log in; check --base-url and what is on the way to it");
}

#[test]
fn a_batch_that_is_refused_tells_why_rule_by_rule() {
    let body = r#"{"title":"Invalid Request","detail":"bad","type":"https://api.x.com/2/problems/invalid-rules",
        "errors":[{"value":"cat has:","details":["no viable alternative (at position 1)"],"title":"UnprocessableEntity"}]}"#;
    let server = answer(vec![json("400", body)]);
    let rules =
        [Draft { value: "cat has:".to_owned(), tag: None }, Draft { value: "d".to_owned(), tag: Some("t".into()) }];
    let error = run(server.api().0.add_rules(&rules, true)).expect_err("refused");
    assert_eq!(error.rules()[0].details, ["no viable alternative (at position 1)"]);
    let sent =
        r#"POST /2/tweets/search/stream/rules?dry_run=true {"add":[{"value":"cat has:"},{"tag":"t","value":"d"}]}"#;
    assert_eq!(server.asked(), [sent]);
}

#[test]
fn a_compressed_answer_is_inflated_and_a_cut_or_endless_one_is_an_error() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(br#"{"data":{"cap_per_client_app":"25"}}"#).expect("memory");
    let gzip = encoder.finish().expect("memory");
    let server = answer(vec![with("200", "content-encoding: gzip\r\n", &gzip)]);
    assert_eq!(run(server.api().0.rule_counts()).expect("counts").cap_per_client_app, Some(25));
    let cut = &gzip[..gzip.len() - 4];
    let server = answer(vec![with("200", "content-encoding: gzip\r\n", cut)]);
    assert!(run(server.api().0.rule_counts()).expect_err("cut").to_string().contains("cut short"));
    let server = answer(vec![b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"data\"".to_vec()]);
    assert_eq!(run(server.api().0.rule_counts()).expect_err("cut").code(), Code::Own(Own::Truncated));
    let server = answer(vec![with("200", "", &vec![b' '; (8 << 20) + 1])]);
    assert!(run(server.api().0.rule_counts()).expect_err("too long").to_string().contains("longer than 8 MiB"));
}

#[test]
fn a_success_that_is_no_answer_is_an_error() {
    type Call = fn(&mut Api) -> Result<(), Error>;
    let calls: [(Call, &[&str]); 5] = [
        (|api| run(api.connections(&ConnectionQuery::default())).map(drop), &[r#"{"data":{}}"#]),
        (|api| run(api.kill(Kill::All)).map(drop), &[r#"{"meta":{}}"#]),
        (|api| run(api.rule_counts()).map(drop), &[r#"{"data":[]}"#]),
        (|api| run(api.usage(None)).map(drop), &[r#"{"meta":{}}"#]),
        (|api| run(api.add_rules(&[], true)).map(drop), &[]),
    ];
    for (call, more) in calls {
        for body in ["", "{}", r#"{"data":"x"}"#, r#"{"data":null}"#, "[]", "null"].iter().chain(more) {
            let server = answer(vec![json("200", body)]);
            let error = call(&mut server.api().0).expect_err(body);
            assert!(matches!(error.kind, Kind::Unreadable(_)) && !error.is_passing(), "{body} {error}");
            assert!(error.to_string().contains("the answer is not the JSON that X documents"), "{error}");
        }
        let server = answer(vec![b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n".to_vec()]);
        assert!(call(&mut server.api().0).expect_err("no body").to_string().contains("documents: it is empty"));
    }
    let server = answer(vec![json("200", r#"{"meta":{"result_count":0}}"#)]);
    assert!(run(server.api().0.rules()).expect("an empty list").items.is_empty());
}

#[test]
fn rows_that_are_no_objects_are_left_out_with_a_warning_that_comes_once() {
    let page = |next: &str| json("200", &format!(r#"{{"data":[{{"id":"a"}},7],"meta":{{"next_token":{next}}}}}"#));
    let server = answer(vec![page("\"n\""), page("null")]);
    let (mut api, told) = server.api();
    assert_eq!(run(api.rules()).expect("a list").items.len(), 2);
    assert_eq!(*told.borrow(), ["warning: listing the rules: 1 of what X lists is no object and is left out"]);
}

#[test]
fn a_question_that_is_asked_once_is_asked_once() {
    let server = Scripted { retry: false, ..answer(vec![json("503", "{}"), json("200", "{}")]) };
    let (mut api, told) = server.api();
    assert_eq!(run(api.usage(None)).expect_err("refused").status(), Some(503));
    assert!(server.asked().len() == 1 && told.borrow().is_empty(), "{told:?}");
}

#[test]
fn a_reply_that_trickles_for_ever_ends_in_a_clear_error() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("a client");
        let _ = socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n{");
        // Its reads time out, one blank after each, until the client has had enough.
        socket.set_read_timeout(Some(Duration::from_millis(20))).expect("a timeout");
        while socket.write_all(b" ").is_ok() {
            let _ = socket.read(&mut [0; 4096]);
        }
    });
    let server = Scripted { url, patience: Duration::from_millis(300), ..answer(Vec::new()) };
    let error = run(server.api().0.usage(None)).expect_err("no end");
    assert!(error.to_string().contains("the reply did not end within 60 s; try again"), "{error}");
}

#[test]
fn refusals_without_a_word_do_not_speak_of_streams() {
    for status in ["400", "401", "402", "403", "404", "406", "409", "420", "429", "500", "503"] {
        let server = Scripted { retry: false, ..answer(vec![json(status, "")]) };
        let error = run(server.api().0.usage(None)).expect_err("refused").to_string();
        assert!(!error.contains("stream") && !error.contains("connection"), "{error}");
        assert!(!error.contains("do nothing") && !error.contains("--track"), "{error}");
    }
}

#[test]
fn the_cure_of_a_certificate_is_that_of_its_fault() {
    let of = |detail: &str| cure(&Failure { own: Own::Certificate, detail: detail.to_owned(), sent: false });
    assert!(!of("the certificate of x is for another host").contains("clock"));
    assert!(of("the certificate of x has expired; check this machine's clock").contains("clock"));
}
