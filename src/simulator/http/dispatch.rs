//! The response to a request: the token first, then a call of the API or the next part of the script.
//!
//! A request that X would refuse is refused, unless the script has a refusal of its own for it: faults are scripted.

use std::io;
use std::net::IpAddr;

use tokio::io::AsyncWrite;

use super::responder::Responder;
use super::response::Finish;
use super::stream::OpenStream;
use crate::protocol::endpoint::{ENDPOINTS, Endpoint};
use crate::simulator::api::answer::{JsonResponse, ProblemResponse};
use crate::simulator::api::call::{ApiCall, Route, endpoint_of, route};
use crate::simulator::api::connections;
use crate::simulator::api::stream_request::StreamRequest;
use crate::simulator::log::LoggedRequest;
use crate::simulator::script::Step;
use crate::simulator::script::refusal::ScriptedRefusal;
use crate::simulator::script::step::Place;
use crate::simulator::state::{ScriptProgress, ServerState};

/// Answers a request.
pub(crate) async fn respond<W: AsyncWrite + Unpin>(
    request: &LoggedRequest,
    client: Option<IpAddr>,
    state: &ServerState,
    out: &mut W,
) -> io::Result<Finish> {
    let authorized = state.authorizes(request.header("authorization"));
    let route = route(request);
    let endpoint = ENDPOINTS.iter().find(|endpoint| endpoint.path == request.path);
    let offered = request.header("accept-encoding").unwrap_or_default().to_ascii_lowercase();
    let close = request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    let now = state.clock.now();
    let responder = Responder {
        state,
        accepts_gzip: offered.split(',').any(|coding| {
            let coding = coding.trim();
            coding == "*" || (coding.starts_with("gzip") && !coding.ends_with(";q=0"))
        }),
        keep_alive: !close,
        rate: match route {
            Route::Call(call) if authorized => state.windows.count_call(call, now),
            _ => state.rate(authorized && endpoint.is_some(), now),
        },
    };
    if !authorized {
        let name = if request.path.starts_with("/1.1/") { "unauthorized-html" } else { "unauthorized" };
        return refuse(&responder, name, out).await;
    }
    match route {
        Route::Call(call) => answer(call, request, &responder, out).await,
        Route::WrongMethod => responder.empty(405, out).await,
        Route::Elsewhere => stream(endpoint, request, client, &responder, out).await,
    }
}

/// Answers a request for a stream, or for a path that does not exist.
async fn stream<W: AsyncWrite + Unpin>(
    endpoint: Option<&'static Endpoint>,
    request: &LoggedRequest,
    client: Option<IpAddr>,
    responder: &Responder<'_>,
    out: &mut W,
) -> io::Result<Finish> {
    let state = responder.state;
    let parsed = match endpoint {
        Some(endpoint) => StreamRequest::parse(endpoint, request, state.clock.now(), state.all_fields),
        None => Err(ProblemResponse::text(404, "")),
    };
    let parsed = match parsed {
        Ok(parsed) => parsed,
        Err(problem) => {
            return match state.script.take_if(is_refusal) {
                Some(steps) => responder.play(&steps, None, out).await,
                None => responder.result(Err(problem), out).await,
            };
        }
    };
    // Both refusals come before the script, which keeps its part for the next request.
    if parsed.endpoint.name == "filtered" && state.rules.are_missing() {
        return refuse(responder, "no-rules", out).await;
    }
    let Some(slot) = state.registry.enter(&request.path, client) else {
        return refuse(responder, "too-many-connections", out).await;
    };
    let steps = state.script.take();
    let stream = OpenStream {
        state,
        request: &parsed,
        slot: &slot,
        connection: request.connection,
        keep_alive: responder.keep_alive,
    };
    responder.play(&steps, Some(stream), out).await
}

fn is_refusal(steps: &[Step]) -> bool {
    steps.iter().any(|step| step.place() == Place::Instead)
}

async fn refuse<W: AsyncWrite + Unpin>(responder: &Responder<'_>, name: &str, out: &mut W) -> io::Result<Finish> {
    match ScriptedRefusal::named(name, None) {
        Some(Ok(refusal)) => responder.refuse(&refusal, &[], out).await,
        _ => responder.empty(500, out).await,
    }
}

/// Answers a call, or fails it if the script of the API says so.
async fn answer<W: AsyncWrite + Unpin>(
    call: ApiCall,
    request: &LoggedRequest,
    responder: &Responder<'_>,
    out: &mut W,
) -> io::Result<Finish> {
    if let Some(steps) = responder.state.api.as_ref().and_then(ScriptProgress::take_planned) {
        if is_refusal(&steps) {
            return responder.play(&steps, None, out).await;
        }
        for step in &steps {
            if let Step::Delay(time) = step {
                responder.state.clock.sleep(*time).await;
            }
        }
    }
    responder.result(call_result(call, request, responder.state), out).await
}

fn call_result(call: ApiCall, request: &LoggedRequest, state: &ServerState) -> Result<JsonResponse, ProblemResponse> {
    let (query, body, now) = (request.query.as_str(), request.body.as_slice(), state.clock.now());
    if !body.is_empty() && !request.header("content-type").is_some_and(|kind| kind.starts_with("application/json")) {
        return Err(ProblemResponse::body("Requests with bodies must have content-type of application/json."));
    }
    match call {
        ApiCall::Connections => connections::list(&state.registry, query),
        ApiCall::Terminate => connections::terminate(&state.registry, query, body),
        ApiCall::TerminateEndpoint | ApiCall::TerminateAll => {
            connections::terminate_endpoint(&state.registry, query, endpoint_of(&request.path).unwrap_or_default())
        }
        ApiCall::Rules => state.rules.list(query, now),
        ApiCall::ChangeRules => state.rules.change(query, body, now),
        ApiCall::CountRules => state.rules.counts(query),
        ApiCall::Usage => state.meter.answer(query, state.clock.unix_ms()),
    }
}
