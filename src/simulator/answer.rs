//! Response heads, and the answers that are not streams.

use std::io;
use std::time::SystemTime;

use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::play::{Finish, Play, unix_ms};
use super::refusal::Refusal;

/// Names and values in the order they are written.
pub(super) type Headers = Vec<(String, String)>;

/// The three numbers of the rate limit headers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    pub(super) limit: u32,
    pub(super) remaining: u32,
    /// Unix seconds.
    pub(super) reset: u64,
}

impl Play<'_> {
    /// Answers with one of X's refusals.
    pub(super) async fn refuse<W: AsyncWrite + Unpin>(
        &self,
        refusal: &Refusal,
        extra: &[(String, String)],
        out: &mut W,
    ) -> io::Result<Finish> {
        let mut headers: Headers =
            refusal.headers().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let rate = match refusal.reset_in() {
            Some(seconds) => Rate { remaining: 0, reset: unix_ms() / 1000 + seconds, ..self.rate },
            None => self.rate,
        };
        // HTML and text come from proxies, which know nothing of the limit.
        if headers.iter().any(|(_, value)| value.contains("json")) {
            headers.extend(rate.headers());
        }
        self.answer(refusal.code(), headers, extra, refusal.body().as_bytes(), out).await
    }

    /// A whole answer with a known length.
    pub(super) async fn answer<W: AsyncWrite + Unpin>(
        &self,
        code: u16,
        mut headers: Headers,
        extra: &[(String, String)],
        body: &[u8],
        out: &mut W,
    ) -> io::Result<Finish> {
        // These have no body by definition; a length would make the client wait for one.
        let body = if code == 204 || code == 304 { b"" } else { body };
        if code != 204 && code != 304 {
            headers.push((String::from("content-length"), body.len().to_string()));
        }
        let mut answer = self.head(code, headers, extra).into_bytes();
        answer.extend_from_slice(body);
        out.write_all(&answer).await?;
        out.flush().await?;
        Ok(if self.keep_alive { Finish::KeepAlive } else { Finish::Close { goodbye: true } })
    }

    /// A response head; what the script adds replaces what is usual.
    pub(super) fn head(&self, code: u16, mut usual: Headers, extra: &[(String, String)]) -> String {
        usual.insert(0, (String::from("date"), httpdate::fmt_http_date(SystemTime::now())));
        if !self.keep_alive {
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
}

impl Rate {
    pub(super) fn headers(&self) -> [(String, String); 3] {
        [
            (String::from("x-rate-limit-limit"), self.limit.to_string()),
            (String::from("x-rate-limit-remaining"), self.remaining.to_string()),
            (String::from("x-rate-limit-reset"), self.reset.to_string()),
        ]
    }
}

/// What a body made by hand seems to be.
pub(super) fn content_type(body: &[u8]) -> String {
    let kind = match body.first() {
        Some(b'{' | b'[') => "application/json; charset=utf-8",
        Some(b'<') => "text/html; charset=utf-8",
        _ => "text/plain",
    };
    kind.to_owned()
}

pub(super) fn phrase(code: u16) -> &'static str {
    match code {
        200 => "OK",
        201 => "Created",
        302 => "Found",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        409 => "Conflict",
        411 => "Length Required",
        413 => "Content Too Large",
        420 => "Enhance Your Calm",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}
