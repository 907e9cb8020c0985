//! `grpc`: asks a node that the users of the mesh serve (`tributary.v1.NodeService`), and remembers what it found out.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use tributary_engine::{Answer, Call, News, Node, NodeCall, Step, Turn};

use super::{NodeKind, address, moments, patience};
use crate::at::At;
use crate::documents::workflow::operand::Operands;
use crate::documents::workflow::reading::Reading;
use crate::names;
use crate::survey::Survey;

/// The most ports that a service may leave by, besides `done`.
const MAX_PORTS: usize = 16;

/// Calls a service and leaves by the port that it says.
#[derive(Debug)]
pub(crate) struct Grpc {
    url: String,
    input: Operands,
    /// Besides `done`.
    ports: Vec<String>,
    timeout: Duration,
    retries: u32,
}

/// A service, and what it is given.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Grpc")]
pub(crate) struct GrpcSpec {
    /// Where it is served, such as http://scoring:7710 or https://scoring.example.com.
    url: At<String>,
    /// What it is given, by name: each `{expr: CEL}`, `{template: TEXT}` or the value itself.
    #[serde(default)]
    input: BTreeMap<String, At<Value>>,
    /// The ports that it may leave by, besides `done`.
    #[serde(default)]
    #[schemars(length(max = 16))]
    ports: Vec<At<String>>,
    /// How long one attempt may take, 100ms to 30s; 5s when left out.
    #[serde(default)]
    timeout: Option<At<String>>,
    /// Further attempts where one fails in a way that may pass, up to 5; 2 when left out.
    #[serde(default)]
    #[schemars(range(max = 5))]
    retries: Option<At<u32>>,
}

impl NodeKind for Grpc {
    const NAME: &'static str = "grpc";
    type Spec = GrpcSpec;

    fn read(spec: At<GrpcSpec>, reading: &mut Reading<'_>) -> Option<Grpc> {
        let (place, spec) = (spec.place, spec.value);
        let url = address::service(spec.url, reading);
        let input = Operands::read(spec.input, reading);
        let timeout = patience::timeout(spec.timeout, reading);
        let retries = patience::retries(spec.retries, reading);
        if spec.ports.len() > MAX_PORTS {
            reading.tell(place, format!("ports: at most {MAX_PORTS} can be named"));
        }
        let mut ports: Vec<String> = Vec::with_capacity(spec.ports.len());
        for port in spec.ports {
            match check_port(&port.value, &ports) {
                Ok(()) => ports.push(port.value),
                Err(reason) => reading.tell(port.place, reason),
            }
        }
        Some(Grpc { url: url?, input, ports, timeout: timeout?, retries: retries? })
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        let named = self.ports.iter().map(|port| Cow::Owned(port.clone()));
        [Cow::Borrowed("done")].into_iter().chain(named).collect()
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        survey.operands(&self.input);
    }
}

fn check_port(port: &str, before: &[String]) -> Result<(), String> {
    match port {
        "done" | "error" => Err(format!("ports: {port} is there without being named; leave it out")),
        _ if before.iter().any(|known| known == port) => Err(format!("ports: {port} is named twice")),
        _ => names::check_name("ports:", port),
    }
}

impl Node for Grpc {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    /// An input that cannot be had is left out and recorded.
    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        let (input, _) = self.input.values("the input", turn);
        let (url, timeout, retries) = (self.url.clone(), self.timeout, self.retries);
        Step::Call(Call::Node(NodeCall { url, input, timeout, retries }))
    }

    fn resume(&self, turn: &mut Turn<'_, '_>, news: News<'_>) -> Step {
        match news {
            News::Answer(Answer::Node(Ok(answer))) => {
                if let Err(reason) = turn.remember(Value::Object(answer.output.clone())) {
                    return Step::Error { reason, otherwise: None };
                }
                match self.port(&answer.port) {
                    Some(port) => Step::Leave(port),
                    // Not repeated: what a service says may be anything.
                    None => Step::Error {
                        reason: "UNKNOWN_PORT: the service names a port that is not among `ports`".into(),
                        otherwise: None,
                    },
                }
            }
            News::Answer(Answer::Node(Err(failure))) => patience::unanswered(failure),
            _ => moments::not_waited_for(),
        }
    }
}

impl Grpc {
    fn port(&self, said: &str) -> Option<Cow<'static, str>> {
        match said {
            "" | "done" => Some(Cow::Borrowed("done")),
            said => self.ports.iter().find(|port| *port == said).map(|port| Cow::Owned(port.clone())),
        }
    }
}

#[cfg(test)]
mod tests;
