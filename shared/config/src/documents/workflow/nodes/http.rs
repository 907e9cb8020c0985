//! `http`: asks an HTTP server, and remembers what it says.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tributary_engine::{Answer, Call, HttpCall, News, Node, Step, Turn};
use tributary_expressions::Expression;

use super::address::{self, Address};
use super::{NodeKind, moments, patience};
use crate::at::At;
use crate::documents::destination::HeaderValue;
use crate::documents::destination::headers::{self, HeaderSpec};
use crate::documents::workflow::operand::Operands;
use crate::documents::workflow::reading::Reading;
use crate::survey::Survey;

/// The methods that can be used.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// Sends a request and remembers `{status, body}`.
#[derive(Debug)]
pub(crate) struct Http {
    url: Address,
    method: String,
    headers: Vec<(String, HeaderValue)>,
    body: Body,
    timeout: Duration,
    retries: u32,
}

#[derive(Debug)]
enum Body {
    None,
    Fields(Operands),
    Whole(At<Expression>),
}

/// A request, and how long its answer is waited for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Http")]
pub(crate) struct HttpSpec {
    /// The address, http or https: a template with its holes behind the host, such as
    /// https://api.example.com/customers/{{ event.properties.id }}. What is filled in is percent-encoded.
    url: At<String>,
    /// GET, POST, PUT, PATCH or DELETE; left out: POST where there is a body, else GET.
    #[serde(default)]
    #[schemars(extend("enum" = METHODS))]
    method: Option<At<String>>,
    /// What is sent beside it: secrets by reference.
    #[serde(default)]
    headers: BTreeMap<String, At<HeaderSpec>>,
    /// The fields of the body, sent as JSON: each `{expr: CEL}`, `{template: TEXT}` or the value itself; or `{expr: CEL}` for
    /// the whole body.
    #[serde(default)]
    body: Option<At<BTreeMap<String, At<Value>>>>,
    /// How long one attempt may take, 100ms to 30s; 5s when left out.
    #[serde(default)]
    timeout: Option<At<String>>,
    /// Further attempts where one fails in a way that may pass, up to 5; 2 when left out.
    #[serde(default)]
    #[schemars(range(max = 5))]
    retries: Option<At<u32>>,
}

impl NodeKind for Http {
    const NAME: &'static str = "http";
    type Spec = HttpSpec;

    fn read(spec: At<HttpSpec>, reading: &mut Reading<'_>) -> Option<Http> {
        let spec = spec.value;
        let url = address::template(spec.url, reading);
        let has_body = spec.body.is_some();
        let method = method(spec.method, has_body, reading);
        let headers = headers::read(spec.headers, reading.origin, reading.problems);
        let body = spec.body.map_or(Some(Body::None), |body| Body::read(body, reading));
        let timeout = patience::timeout(spec.timeout, reading);
        let retries = patience::retries(spec.retries, reading);
        Some(Http { url: url?, method: method?, headers, body: body?, timeout: timeout?, retries: retries? })
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        vec!["done".into(), "refused".into()]
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        survey.template("url", &self.url.template);
        match &self.body {
            Body::None => {}
            Body::Fields(fields) => survey.operands(fields),
            Body::Whole(expression) => survey.expression("body: expr", expression),
        }
    }

    fn headers(&self) -> Option<&Vec<(String, HeaderValue)>> {
        (!self.headers.is_empty()).then_some(&self.headers)
    }
}

impl Node for Http {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        match self.call(turn) {
            Ok(call) => Step::Call(Call::Http(call)),
            Err(reason) => Step::Error { reason, otherwise: None },
        }
    }

    fn resume(&self, turn: &mut Turn<'_, '_>, news: News<'_>) -> Step {
        match news {
            News::Answer(Answer::Http(Ok(answer))) => {
                if let Err(reason) = turn.remember(json!({"status": answer.status, "body": answer.body})) {
                    return Step::Error { reason, otherwise: None };
                }
                turn.explain(format!("status {}", answer.status));
                Step::Leave(if answer.status < 400 { "done".into() } else { "refused".into() })
            }
            News::Answer(Answer::Http(Err(failure))) => patience::unanswered(failure),
            _ => moments::not_waited_for(),
        }
    }
}

impl Http {
    /// The request. A field of the body that cannot be had is left out and recorded.
    fn call(&self, turn: &mut Turn<'_, '_>) -> Result<HttpCall, String> {
        let url = turn.fill(&self.url.template.value).map_err(|error| format!("url: {error}"))?;
        self.url.check(&url).map_err(|reason| format!("INVALID_URL: {reason}"))?;
        let body = match &self.body {
            Body::None => None,
            Body::Fields(fields) => Some(Value::Object(fields.values("the body", turn).0)),
            Body::Whole(body) => {
                Some(turn.compute(&body.value).map_err(|error| format!("body: expr: {error}"))?)
            }
        };
        let (method, timeout, retries) = (self.method.clone(), self.timeout, self.retries);
        Ok(HttpCall { method, url, body, timeout, retries })
    }
}

impl Body {
    fn read(body: At<BTreeMap<String, At<Value>>>, reading: &mut Reading<'_>) -> Option<Body> {
        let mut fields = body.value;
        let whole = fields.len() == 1 && fields.contains_key("expr");
        match fields.remove("expr") {
            Some(At { value: Value::String(value), place }) if whole => {
                reading.expression("body: expr", At { value, place }).map(Body::Whole)
            }
            Some(expr) if whole => {
                reading.tell(expr.place, "body: expr must be a text");
                None
            }
            expr => {
                fields.extend(expr.map(|expr| ("expr".to_string(), expr)));
                Some(Body::Fields(Operands::read(fields, reading)))
            }
        }
    }
}

fn method(method: Option<At<String>>, has_body: bool, reading: &mut Reading<'_>) -> Option<String> {
    let Some(method) = method else { return Some(if has_body { "POST" } else { "GET" }.to_string()) };
    let reason = if !METHODS.contains(&method.value.as_str()) {
        format!("method: there are {}, in capitals", METHODS.join(", "))
    } else if method.value == "GET" && has_body {
        "method: a GET request has no body; use POST, or put values into the url".to_string()
    } else {
        return Some(method.value);
    };
    reading.tell(method.place, reason);
    None
}

#[cfg(test)]
mod tests;
