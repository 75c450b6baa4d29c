//! The endpoints that are not streams: which call a request is.

use crate::simulator::log::LoggedRequest;

/// A call of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ApiCall {
    Connections,
    Terminate,
    TerminateEndpoint,
    TerminateAll,
    Rules,
    ChangeRules,
    CountRules,
    Usage,
}

/// What a request is for, by its path and method.
pub(crate) enum Route {
    Call(ApiCall),
    /// The path is the API's, the method is not one of its.
    WrongMethod,
    /// The path is not the API's.
    Elsewhere,
}

const RULES: &str = "/2/tweets/search/stream/rules";
const CONNECTIONS: &str = "/2/connections";

pub(crate) fn route(request: &LoggedRequest) -> Route {
    let path = request.path.as_str();
    let call = match (request.method.as_str(), path) {
        ("GET", CONNECTIONS) => ApiCall::Connections,
        ("DELETE", CONNECTIONS) => ApiCall::Terminate,
        ("DELETE", "/2/connections/all") => ApiCall::TerminateAll,
        ("DELETE", path) if endpoint_of(path).is_some() => ApiCall::TerminateEndpoint,
        ("GET", RULES) => ApiCall::Rules,
        ("POST", RULES) => ApiCall::ChangeRules,
        ("GET", "/2/tweets/search/stream/rules/counts") => ApiCall::CountRules,
        ("GET", "/2/usage/tweets") => ApiCall::Usage,
        (_, CONNECTIONS | RULES | "/2/tweets/search/stream/rules/counts" | "/2/usage/tweets") => {
            return Route::WrongMethod;
        }
        (_, path) if endpoint_of(path).is_some() => return Route::WrongMethod,
        _ => return Route::Elsewhere,
    };
    Route::Call(call)
}

pub(crate) fn endpoint_of(path: &str) -> Option<&str> {
    path.strip_prefix("/2/connections/").filter(|name| !name.is_empty() && !name.contains('/'))
}

impl ApiCall {
    /// Requests in 15 minutes. X publishes those of terminating all (25), of the rules (450 and 100) and
    /// of usage (50); the other calls about connections take the number of the one published.
    pub(crate) fn limit(self) -> u32 {
        match self {
            ApiCall::Connections | ApiCall::Terminate | ApiCall::TerminateEndpoint | ApiCall::TerminateAll => 25,
            ApiCall::Rules | ApiCall::CountRules => 450,
            ApiCall::ChangeRules => 100,
            ApiCall::Usage => 50,
        }
    }
}
