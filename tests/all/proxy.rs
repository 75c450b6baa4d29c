//! The stream through a proxy.

use crate::common::proxy::Proxy;
use crate::common::{Folder, journal, run, serve, serve_with, stderr, tail, values, xstream};

#[test]
fn proxies_carry_the_stream_and_see_neither_token_nor_posts() {
    let server = serve_with("posts 5; stall", |options| options.tls = true);
    let folder = Folder::new();
    let ca = folder.ca(&server);
    let proxy = Proxy::start(&server);
    let url = |scheme: &str| proxy.url(scheme);
    let mut before = 0;
    let mut check = |set_up: &dyn Fn(&mut std::process::Command), requested: &str| {
        let mut command = tail(&server, &["--max", "5"]);
        set_up(command.env("SSL_CERT_FILE", &ca));
        let output = run(&mut command);
        let messages = stderr(&output);
        assert_eq!(values(&output.stdout).len(), 5, "{messages}");
        assert!(!messages.contains("hunter2"), "{messages}");
        let carried = proxy.tunnels();
        assert_eq!(carried, before + usize::from(!requested.is_empty()), "{messages}");
        before = carried;
        let all = proxy.requests();
        assert!(all.contains(requested), "no {requested} in {all}");
        assert!(!all.contains("secret-token"), "{all}");
    };
    check(&|command| _ = command.args(["--proxy", &url("http")]), "CONNECT localhost:");
    check(&|command| _ = command.args(["--proxy", &url("socks5h")]), "localhost");
    check(&|command| _ = command.args(["--proxy", &url("socks5")]), "user:hunter2");
    check(&|command| _ = command.env("HTTPS_PROXY", url("http")), "CONNECT");
    check(&|command| _ = command.env("all_proxy", url("socks5h")), "localhost");
    check(&|command| _ = command.env("HTTPS_PROXY", url("http")).env("NO_PROXY", "localhost"), "");

    let arguments = ["--proxy", &proxy.url_without_password("http"), "--max-retries", "0"];
    let refused = journal(tail(&server, &arguments).env("SSL_CERT_FILE", &ca)).exits(4);
    assert_eq!(refused.codes(), ["proxy"], "{refused}");
}

#[test]
fn proxies_that_cannot_be_used_are_usage_errors_that_show_no_password() {
    for (arguments, variable) in [
        (&["--proxy", "https://u:hunter2@127.0.0.1:1"][..], None),
        (&["--proxy", "nonsense u:hunter2"], None),
        (&[], Some("ftp://u:hunter2@127.0.0.1")),
    ] {
        let mut command = xstream(&["tail", "--base-url", "https://127.0.0.1:1", "--bearer", "x"]);
        command.args(arguments);
        if let Some(value) = variable {
            command.env("HTTPS_PROXY", value);
        }
        let output = run(&mut command);
        assert_eq!(output.status.code(), Some(2), "{arguments:?} {}", stderr(&output));
        assert!(!stderr(&output).contains("hunter2"), "{}", stderr(&output));
    }
    let server = serve("posts");
    let output = run(&mut tail(&server, &["--proxy", "http://127.0.0.1:1"]));
    assert_eq!(output.status.code(), Some(2), "plain http through a proxy shows it the token");
}
