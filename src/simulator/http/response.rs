//! Response heads, and what happens to the connection after a response.

use std::time::SystemTime;

use hyper::StatusCode;

/// Names and values in the order they are written.
pub(crate) type Headers = Vec<(String, String)>;

/// What happens to the connection afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finish {
    /// Another request may come.
    KeepAlive,
    /// FIN, after `close_notify` over TLS if set.
    Close { close_notify: bool },
    /// RST.
    Reset,
}

/// A response head; what the script adds replaces what is usual.
pub(crate) fn head(
    code: u16,
    mut usual: Headers,
    extra: &[(String, String)],
    keep_alive: bool,
    now: SystemTime,
) -> String {
    usual.insert(0, (String::from("date"), httpdate::fmt_http_date(now)));
    if !keep_alive {
        usual.push((String::from("connection"), String::from("close")));
    }
    usual.retain(|(name, _)| !extra.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)));
    let mut head = format!("HTTP/1.1 {code} {}\r\n", phrase(code));
    for (name, value) in usual.iter().chain(extra) {
        head.extend([name, ": ", value, "\r\n"]);
    }
    head.push_str("\r\n");
    head
}

/// What a body made by hand seems to be.
pub(crate) fn content_type(body: &[u8]) -> String {
    let kind = match body.first() {
        Some(b'{' | b'[') => "application/json; charset=utf-8",
        Some(b'<') => "text/html; charset=utf-8",
        _ => "text/plain",
    };
    kind.to_owned()
}

pub(crate) fn phrase(code: u16) -> &'static str {
    match code {
        420 => "Enhance Your Calm",
        _ => StatusCode::from_u16(code).ok().and_then(|code| code.canonical_reason()).unwrap_or_default(),
    }
}
