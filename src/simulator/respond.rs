//! What answers a request: the token first, then a call of the API or the next part of the script.

use std::io;
use std::net::IpAddr;

use tokio::io::AsyncWrite;

use super::api::{self, Route};
use super::log::Request;
use super::play::{Finish, Play};
use super::refusal::Refusal;
use super::server::State;
use crate::protocol::endpoint;

/// Answers a request.
pub(super) async fn respond<W: AsyncWrite + Unpin>(
    request: &Request,
    client: Option<IpAddr>,
    state: &State,
    out: &mut W,
) -> io::Result<Finish> {
    let authorized = state.authorizes(request.header("authorization"));
    let route = api::route(request);
    let stream = authorized && is_stream(request, &route);
    let offered = request.header("accept-encoding").unwrap_or_default().to_ascii_lowercase();
    let close = request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    let filtered = endpoint::find("filtered").is_some_and(|endpoint| endpoint.path == request.path);
    let mut play = Play {
        state,
        connection: request.connection,
        accepts_gzip: offered.split(',').any(|coding| {
            let coding = coding.trim();
            coding == "*" || (coding.starts_with("gzip") && !coding.ends_with(";q=0"))
        }),
        delimited: request.parameter("delimited") == Some("length"),
        keep_alive: !close,
        rate: match route {
            Route::Call(call) if authorized => state.windows.count(call),
            _ => state.rate(stream),
        },
        filtered,
        v2: request.path.starts_with("/2/"),
        seat: None,
    };
    if !authorized {
        let name = if request.path.starts_with("/1.1/") { "unauthorized-html" } else { "unauthorized" };
        return refuse(&play, name, out).await;
    }
    match route {
        Route::Call(call) => return api::answer(call, request, &play, out).await,
        Route::WrongMethod => return play.answer(405, Vec::new(), &[], b"", out).await,
        Route::Elsewhere if !stream => {
            let name = match request.method.as_str() {
                "GET" | "POST" | "DELETE" => "not-found",
                _ => return play.answer(405, Vec::new(), &[], b"", out).await,
            };
            return refuse(&play, name, out).await;
        }
        Route::Elsewhere => {}
    }
    // Both refusals come before the script, which keeps its part for the next request.
    if filtered && state.rules.are_missing() {
        return refuse(&play, "no-rules", out).await;
    }
    let Some(seat) = state.registry.enter(&request.path, client) else {
        return refuse(&play, "too-many-connections", out).await;
    };
    play.seat = Some(&seat);
    let steps = state.script.take();
    play.run(&steps, out).await
}

async fn refuse<W: AsyncWrite + Unpin>(play: &Play<'_>, name: &str, out: &mut W) -> io::Result<Finish> {
    match Refusal::named(name, None) {
        Some(Ok(refusal)) => play.refuse(&refusal, &[], out).await,
        _ => play.answer(500, Vec::new(), &[], b"", out).await,
    }
}

/// Whether the script plays for this request: for every path but those of the API.
fn is_stream(request: &Request, route: &Route) -> bool {
    matches!(route, Route::Elsewhere) && matches!(request.method.as_str(), "GET" | "POST")
}
