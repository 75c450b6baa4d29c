//! Responses of the API: a result or a problem, and the checks of a request body.

use serde_json::{Map, Value, json};

/// A whole response.
pub(crate) struct JsonResponse {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// A refusal of a request: the status and the problem in the body. A body that is a string is sent as text, `null` as
/// no body.
#[derive(Debug)]
pub(crate) struct ProblemResponse {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl ProblemResponse {
    /// One invalid parameter, or one invalid member of the body.
    pub(crate) fn invalid(parameter: &str, value: &str, message: impl Into<String>) -> ProblemResponse {
        let mut parameters = Map::new();
        parameters.insert(parameter.to_owned(), json!([value]));
        ProblemResponse { status: 400, body: invalid_request(&Value::Object(parameters), &message.into()) }
    }

    /// A refusal without JSON, as v1.1 and the routing in front of the API give.
    pub(crate) fn text(status: u16, text: &str) -> ProblemResponse {
        ProblemResponse { status, body: if text.is_empty() { Value::Null } else { json!(text) } }
    }

    /// A body that is invalid as a whole.
    pub(crate) fn body(message: impl Into<String>) -> ProblemResponse {
        ProblemResponse { status: 400, body: invalid_request(&json!({}), &message.into()) }
    }
}

/// Problems with several parameters, answered as one.
#[derive(Debug, Default)]
pub(crate) struct Problems(Option<ProblemResponse>);

impl Problems {
    pub(crate) fn add(&mut self, problem: ProblemResponse) {
        let Some(first) = &mut self.0 else { return self.0 = Some(problem) };
        let more = problem.body["errors"].as_array().cloned().unwrap_or_default();
        if let Some(errors) = first.body["errors"].as_array_mut() {
            errors.extend(more);
        }
    }

    /// The value, or its absence with the problem noted.
    pub(crate) fn check<T>(&mut self, result: Result<T, ProblemResponse>) -> Option<T> {
        result.map_err(|problem| self.add(problem)).ok()
    }

    pub(crate) fn result(self) -> Result<(), ProblemResponse> {
        self.0.map_or(Ok(()), Err)
    }
}

/// The `invalid-request` problem; X also puts it inside the errors of a 200.
pub(crate) fn invalid_request(parameters: &Value, message: &str) -> Value {
    json!({
        "errors": [{ "parameters": parameters, "message": message }],
        "title": "Invalid Request",
        "detail": "One or more parameters to your request was invalid.",
        "type": "https://api.twitter.com/2/problems/invalid-request",
    })
}

pub(crate) fn parse_body(body: &[u8]) -> Result<Value, ProblemResponse> {
    serde_json::from_slice(body)
        .map_err(|error| ProblemResponse::body(format!("The request body is not valid JSON: {error}")))
}

/// The members of an object that may have these and no others.
pub(crate) fn members<'a>(value: &'a Value, known: &[&str]) -> Result<&'a Map<String, Value>, ProblemResponse> {
    let members = value.as_object().ok_or_else(|| ProblemResponse::body("$: an object is required"))?;
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(members),
        Some(name) => {
            let message =
                format!("$.{name}: is not defined in the schema and the schema does not allow additional properties");
            Err(ProblemResponse::body(message))
        }
    }
}
