//! Everything before the first byte of a stream, and everything that is sent instead of one.
//!
//! It does not observe the client: its caller watches the reading half and drops it when the client closes, so every
//! step may wait without limit.

use std::io;
use std::time::SystemTime;

use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::body::BodyWriter;
use super::response::{Finish, Headers, content_type, head};
use super::stream::{OpenStream, StreamWriter};
use crate::simulator::api::answer::{JsonResponse, ProblemResponse};
use crate::simulator::api::window::RateHeaders;
use crate::simulator::script::Step;
use crate::simulator::script::refusal::ScriptedRefusal;
use crate::simulator::script::step::Place;
use crate::simulator::state::ServerState;

/// One request's answer.
pub(crate) struct Responder<'a> {
    pub(crate) state: &'a ServerState,
    /// The client offers gzip.
    pub(crate) accepts_gzip: bool,
    /// The client allows another request after this one.
    pub(crate) keep_alive: bool,
    /// The rate limit after this request.
    pub(crate) rate: RateHeaders,
}

impl Responder<'_> {
    /// Plays the steps; an error means that the client is gone. Without a stream only refusals are played.
    pub(crate) async fn play<W: AsyncWrite + Unpin>(
        &self,
        steps: &[Step],
        stream: Option<OpenStream<'_>>,
        mut out: W,
    ) -> io::Result<Finish> {
        let mut extra: Headers = self.state.headers.clone();
        let bomb = steps.iter().any(|step| matches!(step, Step::GzipBomb(_) | Step::GzipBombLines(_)));
        let mut gzip = self.state.gzip || bomb;
        let mut at = 0;
        while let Some(step) = steps.get(at).filter(|step| step.place() == Place::Before) {
            match step {
                Step::Gzip => gzip = true,
                Step::Header(name, value) => extra.push((name.clone(), value.clone())),
                Step::Delay(time) => self.state.clock.sleep(*time).await,
                step => unreachable!("{step:?} does not come before the response"),
            }
            at += 1;
        }
        if let Some(step) = steps.get(at).filter(|step| step.place() == Place::Instead) {
            return self.instead(step, &extra, &mut out).await;
        }
        let Some(stream) = stream else { return self.empty(404, &mut out).await };

        let gzip = gzip && self.accepts_gzip;
        let mut headers = vec![
            (String::from("content-type"), String::from("application/json; charset=utf-8")),
            (String::from("transfer-encoding"), String::from("chunked")),
        ];
        if gzip {
            headers.push((String::from("content-encoding"), String::from("gzip")));
        }
        headers.extend(self.rate.headers());
        // Listed before the client can know that it is connected.
        stream.slot.open();
        out.write_all(self.head(200, headers, &extra).as_bytes()).await?;
        out.flush().await?;
        let body = BodyWriter::new(out, gzip, self.state.chunk_size);
        StreamWriter::new(stream, body, gzip).run(&steps[at..]).await
    }

    /// Answers with one of X's refusals.
    pub(crate) async fn refuse<W: AsyncWrite + Unpin>(
        &self,
        refusal: &ScriptedRefusal,
        extra: &[(String, String)],
        out: &mut W,
    ) -> io::Result<Finish> {
        let mut headers: Headers =
            refusal.headers().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let rate = match refusal.reset_in() {
            Some(seconds) => {
                RateHeaders { remaining: 0, reset: self.state.clock.now().as_secs() + seconds, ..self.rate }
            }
            None => self.rate,
        };
        // HTML and text come from proxies, which know nothing of the limit.
        if headers.iter().any(|(_, value)| value.contains("json")) {
            headers.extend(rate.headers());
        }
        self.answer(refusal.code(), headers, extra, refusal.body().as_bytes(), out).await
    }

    /// Answers with what a call or a check returned.
    pub(crate) async fn result<W: AsyncWrite + Unpin>(
        &self,
        result: Result<JsonResponse, ProblemResponse>,
        out: &mut W,
    ) -> io::Result<Finish> {
        let (code, content_type, body) = match result {
            Ok(answer) => (answer.status, "application/json; charset=utf-8", answer.body.to_string()),
            Err(ProblemResponse { status, body }) => match body {
                serde_json::Value::Null => return self.empty(status, out).await,
                serde_json::Value::String(text) => (status, "text/plain", text),
                body => (status, "application/problem+json", body.to_string()),
            },
        };
        let mut headers = vec![(String::from("content-type"), content_type.to_owned())];
        headers.extend(self.rate.headers());
        self.answer(code, headers, &[], body.as_bytes(), out).await
    }

    /// Answers with a status and no body.
    pub(crate) async fn empty<W: AsyncWrite + Unpin>(&self, code: u16, out: &mut W) -> io::Result<Finish> {
        self.answer(code, Vec::new(), &[], b"", out).await
    }

    /// A whole answer with a known length.
    async fn answer<W: AsyncWrite + Unpin>(
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
        Ok(if self.keep_alive { Finish::KeepAlive } else { Finish::Close { close_notify: true } })
    }

    fn head(&self, code: u16, usual: Headers, extra: &[(String, String)]) -> String {
        head(code, usual, extra, self.keep_alive, SystemTime::UNIX_EPOCH + self.state.clock.now())
    }

    async fn instead<W: AsyncWrite + Unpin>(
        &self,
        step: &Step,
        extra: &[(String, String)],
        out: &mut W,
    ) -> io::Result<Finish> {
        match step {
            Step::Refuse(refusal) => self.refuse(refusal, extra, out).await,
            Step::Status { code, headers, body } => {
                let mut usual = vec![(String::from("content-type"), content_type(body))];
                usual.extend(self.rate.headers());
                self.answer(*code, usual, &[headers.as_slice(), extra].concat(), body, out).await
            }
            Step::Garbage => {
                out.write_all(b"SSH-2.0-OpenSSH_9.6\r\n\x00\xff\xfe this is not HTTP\r\n\r\n").await?;
                out.flush().await?;
                Ok(Finish::Close { close_notify: true })
            }
            Step::EndlessHeaders => {
                out.write_all(b"HTTP/1.1 200 OK\r\n").await?;
                let filler = format!("x-filler: {}\r\n", "a".repeat(1000));
                loop {
                    out.write_all(filler.as_bytes()).await?;
                    out.flush().await?;
                }
            }
            Step::HangUp => Ok(Finish::Close { close_notify: true }),
            // The socket is accepted already when `accept-nothing` is found here: it came after a
            // `header`, or a connection was kept alive. Not answering is what is left of it.
            _ => std::future::pending().await,
        }
    }
}
