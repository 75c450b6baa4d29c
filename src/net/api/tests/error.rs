//! What a failed call reports.

use super::*;
use crate::protocol::disconnect::LocalCause;
use crate::protocol::rule::Rule;
use crate::session::Failure;

#[test]
fn a_rate_limit_is_reported_with_its_reset_and_not_waited_for() {
    let headers = "date: Sun, 22 Nov 2026 10:00:00 GMT\r\nx-rate-limit-limit: 25\r\nx-rate-limit-remaining: 0\r\n\
                   x-rate-limit-reset: 1795342323\r\n";
    let server = scripted(vec![with_headers("429", headers, br#"{"title":"Too Many Requests","type":"about:blank"}"#)]);
    let (mut api, _) = server.api();
    let error = run(api.kill(Kill::Endpoint("filtered_stream"))).expect_err("refused");
    assert_eq!(server.requests(), ["DELETE /2/connections/filtered_stream"]);
    insta::assert_snapshot!(error, @"ending connections: 429: Too Many Requests; 0 of 25 requests are left in this window; try again in 12m03s (at 10:12:03 UTC)");
    assert_eq!(api.head().rate.remaining, Some(0));
    let capped =
        r#"{"title":"UsageCapExceeded","period":"Monthly","type":"https://api.x.com/2/problems/usage-capped"}"#;
    let server = scripted(vec![json("429", capped)]);
    assert!(!run(server.api().0.usage(None)).expect_err("refused").is_temporary());
}

#[test]
fn a_refusal_says_what_to_do() {
    let refused = |status: &str, headers: &str, body: &str| {
        let server = scripted(vec![with_headers(status, headers, body.as_bytes())]);
        let error = run(server.api().0.connections(&ConnectionQuery::default())).expect_err("refused");
        assert!(!error.is_temporary());
        error.to_string()
    };
    insta::assert_snapshot!(refused("401", "", r#"{"title":"Unauthorized","detail":"bad token"}"#), @"listing the connections: 401: bad token; the bearer token is wrong, revoked, or not an app-only token; create a new one in the developer portal");
    insta::assert_snapshot!(refused("403", "", r#"{"detail":"Enroll.","reason":"client-not-enrolled","required_enrollment":"Appropriate Level of API Access","registration_url":"https://developer.x.com/apply","type":"https://api.x.com/2/problems/client-forbidden"}"#), @"listing the connections: 403 client-forbidden: Enroll; these endpoints need the app-only bearer token of an app with pay-per-use or Enterprise access; attach the app to a project that has it, in the developer portal; X requires: Appropriate Level of API Access; apply at https://developer.x.com/apply");
    insta::assert_snapshot!(refused("400", "", r#"{"detail":"Invalid.","type":"https://api.x.com/2/problems/invalid-request","errors":[{"parameters":{"status":["x"]}}]}"#), @"listing the connections: 400 invalid-request: Invalid (status); correct the parameter that X names");
    insta::assert_snapshot!(refused("302", "location: https://elsewhere.example/login\r\n", ""), @"listing the connections: 302: a redirect to elsewhere.example, which is not followed; check --base-url; the token goes to no other host");
    insta::assert_snapshot!(refused("404", "", ""), @"listing the connections: 404: there is no such path; check --base-url");
    insta::assert_snapshot!(refused("200", "", r#"{"title":"Forbidden","status":403,"type":"about:blank","detail":"no"}"#), @"listing the connections: 403: no; these endpoints need the app-only bearer token of an app with pay-per-use or Enterprise access; attach the app to a project that has it, in the developer portal");
    insta::assert_snapshot!(refused("200", "", "<html>Log in"), @"listing the connections: the response is not the JSON that X documents: Log in; check --base-url and any proxy in between");
}

#[test]
fn a_refused_batch_has_a_reason_for_each_rule() {
    let body = r#"{"title":"Invalid Request","detail":"bad","type":"https://api.x.com/2/problems/invalid-rules",
        "errors":[{"value":"cat has:","details":["no viable alternative (at position 1)"],"title":"UnprocessableEntity"}]}"#;
    let server = scripted(vec![json("400", body)]);
    let rules = [&Rule::new("cat has:", None), &Rule::new("d", Some("t"))];
    let error = run(server.api().0.add_rules(&rules, true)).expect_err("refused");
    assert_eq!(error.rules()[0].details, ["no viable alternative (at position 1)"]);
    let sent =
        r#"POST /2/tweets/search/stream/rules?dry_run=true {"add":[{"value":"cat has:"},{"tag":"t","value":"d"}]}"#;
    assert_eq!(server.requests(), [sent]);
}

#[test]
fn a_success_of_another_shape_is_an_error() {
    type Call = fn(&mut Api) -> Result<(), ApiError>;
    let calls: [(Call, &[&str]); 5] = [
        (|api| run(api.connections(&ConnectionQuery::default())).map(drop), &[r#"{"data":{}}"#]),
        (|api| run(api.kill(Kill::All)).map(drop), &[r#"{"meta":{}}"#]),
        (|api| run(api.rule_counts()).map(drop), &[r#"{"data":[]}"#]),
        (|api| run(api.usage(None)).map(drop), &[r#"{"meta":{}}"#]),
        (|api| run(api.add_rules(&[], true)).map(drop), &[]),
    ];
    for (call, more) in calls {
        for body in ["", "{}", r#"{"data":"x"}"#, r#"{"data":null}"#, "[]", "null"].iter().chain(more) {
            let server = scripted(vec![json("200", body)]);
            let error = call(&mut server.api().0).expect_err(body);
            assert!(matches!(error.kind, ApiErrorKind::Unreadable(_)) && !error.is_temporary(), "{body} {error}");
            assert!(error.to_string().contains("the response is not the JSON that X documents"), "{error}");
        }
        let server = scripted(vec![b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n".to_vec()]);
        assert!(call(&mut server.api().0).expect_err("no body").to_string().contains("documents: it is empty"));
    }
    let server = scripted(vec![json("200", r#"{"meta":{"result_count":0}}"#)]);
    assert!(run(server.api().0.rules()).expect("an empty list").items.is_empty());
}

#[test]
fn refusals_without_a_body_do_not_mention_streams() {
    for status in ["400", "401", "402", "403", "404", "406", "409", "420", "429", "500", "503"] {
        let server = Scripted { retry: false, ..scripted(vec![json(status, "")]) };
        let error = run(server.api().0.usage(None)).expect_err("refused").to_string();
        assert!(!error.contains("stream") && !error.contains("connection"), "{error}");
        assert!(!error.contains("do nothing") && !error.contains("--track"), "{error}");
    }
}

#[test]
fn the_advice_about_a_certificate_fits_its_fault() {
    let of =
        |detail: &str| advice_for(&Failure { cause: LocalCause::Certificate, detail: detail.to_owned(), sent: false });
    assert!(!of("the certificate of x is for another host").contains("clock"));
    assert!(of("the certificate of x has expired; check this machine's clock").contains("clock"));
}
