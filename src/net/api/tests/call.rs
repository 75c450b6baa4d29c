//! Requests, replies and retries.

use super::*;
use crate::protocol::disconnect::{Code, LocalCause};

const PAGE: &str = r#"{"data":[{"id":"a"}],"meta":{"next_token":"t 1"}}"#;

#[test]
fn pages_are_read_to_the_last_with_all_fields() {
    let server = scripted(vec![json("200", PAGE), json("200", r#"{"meta":{"result_count":0}}"#)]);
    let (mut api, reported) = server.api();
    let query = ConnectionQuery {
        endpoints: vec!["filtered_stream".to_owned(), "sample_stream".to_owned()],
        ..ConnectionQuery::default()
    };
    let found = run(api.connections(&query)).expect("a list");
    assert_eq!((found.items.len(), found.more), (1, false));
    assert!(reported.borrow().is_empty());
    let first = "GET /2/connections?status=active&max_results=100&connection.fields=client_ip,connected_at,\
                 disconnect_reason,disconnected_at,endpoint_name,id&endpoints=filtered_stream,sample_stream";
    assert_eq!(server.requests(), [first.to_owned(), format!("{first}&pagination_token=t%201")]);
}

#[test]
fn a_repeated_page_ends_the_list_with_a_warning() {
    let server = scripted(vec![json("200", PAGE), json("200", PAGE)]);
    let (mut api, reported) = server.api();
    let found = run(api.rules()).expect("a list");
    assert_eq!((found.items.len(), found.more, reported.borrow().len()), (2, true, 1));
    assert!(reported.borrow()[0].contains("the same page twice"), "{reported:?}");
    let server = scripted(vec![json("200", PAGE)]);
    let query = ConnectionQuery { pages: 1, ..ConnectionQuery::default() };
    assert!(run(server.api().0.connections(&query)).expect("a list").more);
}

#[test]
fn errors_beside_data_are_returned_with_it() {
    let body = r#"{"data":[{"id":"a","value":"x","tag":""}],"errors":[{"title":"Partial","detail":"one is lost"}]}"#;
    let server = scripted(vec![json("200", body)]);
    let found = run(server.api().0.rules()).expect("a list");
    assert_eq!((found.items[0].tag.as_deref(), found.errors.len()), (Some(""), 1));
    assert_eq!(describe(&found.errors[0]), "Partial: one is lost");
}

#[test]
fn a_server_error_is_retried_and_reported() {
    let server = scripted(vec![json("503", "{}"), json("500", ""), json("200", r#"{"data":{"successful_kills":1}}"#)]);
    let (mut api, reported) = server.api();
    let ids = ["a".to_owned()];
    assert_eq!(run(api.kill(Kill::Ids(&ids))).expect("an end").successful, 1);
    assert_eq!(server.requests(), [r#"DELETE /2/connections {"uuids":["a"]}"#; 3]);
    assert!(reported.borrow()[0].ends_with("trying again in 1 s"), "{reported:?}");
    let server = scripted(vec![json("502", "<html>Bad <b>gateway"); 4]);
    let error = run(server.api().0.rule_counts()).expect_err("no success");
    assert_eq!((error.status(), server.requests().len(), error.is_temporary()), (Some(502), 4, true));
    assert!(error.to_string().contains("Bad gateway"), "{error}");
}

#[test]
fn a_request_that_was_sent_is_not_sent_again_after_a_cut() {
    let server = scripted(vec![Vec::new(), json("200", "{}")]);
    let error = run(server.api().0.kill(Kill::All)).expect_err("no answer");
    assert_eq!((server.requests(), error.is_temporary()), (vec!["DELETE /2/connections/all".to_owned()], true));
    let server = scripted(vec![Vec::new(), json("200", "{}")]);
    run(server.api().0.usage(Some(30))).expect_err("no answer");
    assert_eq!(server.requests().len(), 1);
    // Nothing listens there, so no request was sent and any may be retried.
    let gone = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let server = Scripted { url: format!("http://{gone}"), ..scripted(Vec::new()) };
    let (mut api, reported) = server.api();
    assert!(run(api.delete_all_rules()).is_err());
    assert_eq!(reported.borrow().len(), 3);
}

#[test]
fn a_compressed_reply_is_inflated_and_a_cut_or_endless_one_is_an_error() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(br#"{"data":{"cap_per_client_app":"25"}}"#).expect("memory");
    let gzip = encoder.finish().expect("memory");
    let server = scripted(vec![with_headers("200", "content-encoding: gzip\r\n", &gzip)]);
    assert_eq!(run(server.api().0.rule_counts()).expect("counts").cap_per_client_app, Some(25));
    let cut = &gzip[..gzip.len() - 4];
    let server = scripted(vec![with_headers("200", "content-encoding: gzip\r\n", cut)]);
    assert!(run(server.api().0.rule_counts()).expect_err("cut").to_string().contains("cut short"));
    let server = scripted(vec![b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"data\"".to_vec()]);
    assert_eq!(run(server.api().0.rule_counts()).expect_err("cut").code(), Code::Local(LocalCause::Truncated));
    let server = scripted(vec![with_headers("200", "", &vec![b' '; (8 << 20) + 1])]);
    assert!(run(server.api().0.rule_counts()).expect_err("too long").to_string().contains("longer than 8 MiB"));
}

#[test]
fn entries_that_are_no_objects_are_left_out_with_one_warning() {
    let page = |next: &str| json("200", &format!(r#"{{"data":[{{"id":"a"}},7],"meta":{{"next_token":{next}}}}}"#));
    let server = scripted(vec![page("\"n\""), page("null")]);
    let (mut api, reported) = server.api();
    assert_eq!(run(api.rules()).expect("a list").items.len(), 2);
    assert_eq!(*reported.borrow(), ["warning: listing the rules: 1 of what X lists is no object and is left out"]);
}

#[test]
fn a_call_without_retry_is_sent_once() {
    let server = Scripted { retry: false, ..scripted(vec![json("503", "{}"), json("200", "{}")]) };
    let (mut api, reported) = server.api();
    assert_eq!(run(api.usage(None)).expect_err("refused").status(), Some(503));
    assert!(server.requests().len() == 1 && reported.borrow().is_empty(), "{reported:?}");
}

#[test]
fn a_reply_that_trickles_without_end_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("a client");
        let _ = socket.read(&mut [0; 4096]).expect("a request");
        let _ = socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n{");
        // Its reads time out, and it sends one blank after each, until the client gives up.
        socket.set_read_timeout(Some(Duration::from_millis(20))).expect("a timeout");
        while socket.write_all(b" ").is_ok() {
            let _ = socket.read(&mut [0; 4096]);
        }
    });
    let server = Scripted { url, head_timeout: Duration::from_secs(30), ..scripted(Vec::new()) };
    let error = run(server.api().0.usage(None)).expect_err("no end");
    assert!(error.to_string().contains("the reply did not end within 60 s; try again"), "{error}");
}
