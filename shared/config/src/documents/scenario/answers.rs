//! What the calls of workflows are answered in a scenario, where nobody is called.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use tributary_expressions::did_you_mean;

use super::reasons::Words;
use crate::at::At;
use crate::documents::workflow::Workflow;
use crate::error::Place;

/// What calls are answered, by `<workflow>/<node>`.
pub type Answers = BTreeMap<String, NodeAnswers>;

/// What the calls of one node are answered.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeAnswers {
    /// Each of them this.
    Always(ScenarioAnswer),
    /// The first one the first, and so on; those after the last one nothing.
    InOrder(Vec<ScenarioAnswer>),
}

/// What one call is answered.
#[derive(Debug, Clone, PartialEq)]
pub enum ScenarioAnswer {
    /// Of an `http` node.
    Http {
        /// The status code.
        status: u16,
        /// The body; null where there is none.
        body: Value,
    },
    /// Of a `grpc` node.
    Grpc {
        /// The port to leave by; empty for `done`.
        port: String,
        /// What the node found out.
        output: Map<String, Value>,
    },
    /// There is no answer, for this reason, such as TIMED_OUT.
    Error(String),
}

/// As it is written: by `<workflow>/<node>`.
pub(super) type AnswersSpec = BTreeMap<At<String>, At<OneOrMore>>;

/// One answer to every call, or a list of them, one for each call in order.
pub(super) enum OneOrMore {
    One(AnswerSpec),
    More(Vec<At<AnswerSpec>>),
}

/// What a call is answered: `status` and `body` of an http node, `port` and `output` of a grpc node, or an `error`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Answer", extend("minProperties" = 1))]
pub(super) struct AnswerSpec {
    /// The status code; 200, when there is a body alone.
    #[schemars(range(min = 100, max = 599))]
    status: Option<At<u16>>,
    /// The body.
    body: Option<Value>,
    /// The port to leave by; left out: `done`.
    port: Option<String>,
    /// What the node found out.
    output: Option<Map<String, Value>>,
    /// Why there is no answer, such as TIMED_OUT.
    error: Option<At<String>>,
}

/// Told by hand which of both it is: an enum without tags would lose the places of what is inside.
impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either(PhantomData<OneOrMore>);
        impl<'de> Visitor<'de> for Either {
            type Value = OneOrMore;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an answer, such as {status: 200, body: {…}}, or a list of answers")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OneOrMore, A::Error> {
                AnswerSpec::deserialize(MapAccessDeserializer::new(map)).map(OneOrMore::One)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<OneOrMore, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(OneOrMore::More)
            }
        }
        deserializer.deserialize_any(Either(PhantomData))
    }
}

impl JsonSchema for OneOrMore {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Answers".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<AnswerSpec>();
        json_schema!({"anyOf": [one.clone(), {"type": "array", "minItems": 1, "items": one}]})
    }
}

/// The answers, with what is wrong with them; and the nodes that are named, each with its place.
pub(super) fn read(spec: AnswersSpec, wrong: &mut Vec<(Place, String)>) -> (Answers, Vec<Named>) {
    let (mut answers, mut named) = (Answers::new(), Vec::new());
    for (node, given) in spec {
        if node.value.split_once('/').is_none_or(|(workflow, node)| workflow.is_empty() || node.is_empty()) {
            wrong.push((node.place, format!("{:?}: write it like <workflow>/<node>", node.value)));
            continue;
        }
        let place = given.place;
        let read = match given.value {
            OneOrMore::One(one) => answer(one, place, wrong).map(NodeAnswers::Always),
            OneOrMore::More(more) => {
                if more.is_empty() {
                    wrong.push((place, "a list of answers has at least one".to_owned()));
                }
                let list = more.into_iter().filter_map(|one| answer(one.value, one.place, wrong));
                Some(NodeAnswers::InOrder(list.collect()))
            }
        };
        if let Some(read) = read {
            named.push(Named { node: node.value.clone(), place: node.place, answers: Some(read.clone()) });
            answers.insert(node.value, read);
        }
    }
    (answers, named)
}

/// A node that a scenario names.
#[derive(Debug, Clone)]
pub(super) struct Named {
    /// `<workflow>/<node>`.
    pub(super) node: String,
    pub(super) place: Place,
    /// What its calls are answered; none, where it is only expected to call.
    pub(super) answers: Option<NodeAnswers>,
}

impl Named {
    /// The workflow's name.
    pub(super) fn workflow(&self) -> &str {
        self.node.split_once('/').map_or(&self.node, |(workflow, _)| workflow)
    }

    /// Whether `workflow`, which is meant, has such a node, and it can be answered so.
    pub(super) fn check(&self, workflow: &Workflow) -> Result<(), String> {
        let name = self.node.split_once('/').map_or("", |(_, node)| node);
        let nodes = workflow.graph.nodes();
        let Some(node) = nodes.iter().find(|node| node.name == name) else {
            let meant = did_you_mean(name, nodes.iter().map(|node| node.name.as_str()));
            return Err(format!("Workflow {} has no node {name}{meant}", workflow.name));
        };
        let kind = node.node.kind();
        if !matches!(kind, "http" | "grpc") {
            return Err(format!("{name} is a node of kind {kind}, which calls nobody"));
        }
        let mut answers = match &self.answers {
            None => [].iter(),
            Some(NodeAnswers::Always(one)) => std::slice::from_ref(one).iter(),
            Some(NodeAnswers::InOrder(list)) => list.iter(),
        };
        let fits = |answer: &ScenarioAnswer| match answer {
            ScenarioAnswer::Http { .. } => kind == "http",
            ScenarioAnswer::Grpc { .. } => kind == "grpc",
            ScenarioAnswer::Error(_) => true,
        };
        if answers.all(fits) {
            return Ok(());
        }
        let form = if kind == "http" { "{status, body}" } else { "{port, output}" };
        Err(format!("{name} is a node of kind {kind}: answer it with {form}, or {{error}}"))
    }
}

fn answer(spec: AnswerSpec, place: Place, wrong: &mut Vec<(Place, String)>) -> Option<ScenarioAnswer> {
    let AnswerSpec { status, body, port, output, error } = spec;
    let http = status.is_some() || body.is_some();
    let grpc = port.is_some() || output.is_some();
    match (http, grpc, error) {
        (true, false, None) => {
            let status = status.unwrap_or(At { value: 200, place });
            if !(100..=599).contains(&status.value) {
                wrong.push((status.place, format!("status: {} is no HTTP status", status.value)));
            }
            Some(ScenarioAnswer::Http { status: status.value, body: body.unwrap_or_default() })
        }
        (false, true, None) => {
            Some(ScenarioAnswer::Grpc { port: port.unwrap_or_default(), output: output.unwrap_or_default() })
        }
        (false, false, Some(error)) => {
            if let Err(reason) = Words::Call.check(&error.value) {
                wrong.push((error.place, format!("error: {reason}")));
            }
            Some(ScenarioAnswer::Error(error.value))
        }
        _ => {
            let forms = "{status, body} of an http node, {port, output} of a grpc node, or {error}";
            wrong.push((place, format!("an answer is one of {forms}")));
            None
        }
    }
}
