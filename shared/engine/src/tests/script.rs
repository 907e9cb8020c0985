//! Nodes that do what they are told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tributary_expressions::{Condition, Expression, Scope, Variables, Verdict};
use tributary_model::{Intent, IntentOp, Path};

use crate::*;

/// What a node does, one after the other; the last one ends its turn.
#[derive(Debug, Clone)]
pub(crate) enum Do {
    Change(&'static str, IntentOp, Value),
    Emit(&'static str),
    Deliver(&'static str),
    Respond(&'static str, Value),
    Remember(Value),
    /// Remembers what an expression comes to.
    Compute(&'static str),
    /// Leaves by `yes` or `no`.
    If(&'static str),
    Leave(&'static str),
    /// Leaves by the port that the answer names; by `error` where there is none.
    LeaveAsTold,
    Error(Option<&'static str>),
    Call,
    /// For so many seconds, or until an event of the type for which the condition holds.
    Wait(Option<u64>, Option<(&'static str, &'static str)>),
    Each(Value),
    Stop,
    Fail,
}

#[derive(Debug)]
struct Scripted {
    first: Vec<Do>,
    then: Vec<Do>,
}

/// A node that does `first`, and `then` what is behind its call or wait. `to` is `port=target,target port=target`. A name that
/// begins with `join` is a join, and `each/name` is in the body of `each`.
pub(crate) fn node(name: &str, to: &str, acts: &[Do]) -> Target {
    let (body_of, name) = name.split_once('/').map_or((None, name), |(each, name)| (Some(each), name));
    let waits = acts.iter().position(|act| matches!(act, Do::Call | Do::Wait(..)));
    let (first, then) = acts.split_at(waits.map_or(acts.len(), |at| at + 1));
    let mut ports: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (port, targets) in to.split_whitespace().map(|edge| edge.split_once('=').unwrap()) {
        ports.entry(port.to_string()).or_default().extend(targets.split(',').map(str::to_string));
    }
    Target {
        name: name.to_string(),
        node: Arc::new(Scripted { first: first.to_vec(), then: then.to_vec() }),
        joins: name.starts_with("join"),
        body_of: body_of.map(str::to_string),
        to: ports,
    }
}

/// The graph of these nodes; it begins with the first.
pub(crate) fn graph(nodes: Vec<Target>) -> Graph {
    Graph::new(nodes, &[]).unwrap()
}

impl Node for Scripted {
    fn kind(&self) -> &'static str {
        "scripted"
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        turn.explain("entered");
        act(&self.first, turn, None)
    }

    fn resume(&self, turn: &mut Turn<'_, '_>, news: News<'_>) -> Step {
        turn.explain(match news {
            News::Answer(_) => "answered",
            News::Due => "due",
            News::Event(_) => "event",
        });
        act(&self.then, turn, Some(news))
    }

    fn awaits(&self, scope: &Scope) -> Verdict {
        let asked = self.first.iter().find_map(|act| match act {
            Do::Wait(_, Some((_, condition))) => Some(condition),
            _ => None,
        });
        asked.map_or(Verdict::False, |asked| {
            Condition::compile_with(asked, Variables::Run).unwrap().evaluate(scope)
        })
    }
}

fn act(acts: &[Do], turn: &mut Turn<'_, '_>, news: Option<News<'_>>) -> Step {
    for act in acts {
        match act {
            Do::Change(path, op, value) => {
                turn.change(Intent { path: Path::new(*path).unwrap(), op: *op, value: Some(value.clone()) });
            }
            Do::Emit(event_type) => drop(turn.emit(event_type, Map::new())),
            Do::Deliver(destination) => drop(turn.deliver(destination, Map::new())),
            Do::Respond(name, value) => {
                turn.respond(Map::from_iter([(name.to_string(), value.clone())]));
            }
            Do::Remember(value) => {
                if let Err(reason) = turn.remember(value.clone()) {
                    return Step::Error { reason, otherwise: None };
                }
            }
            Do::Compute(source) => {
                let expression = Expression::compile_with(source, Variables::Run).unwrap();
                match turn.compute(&expression) {
                    Ok(value) => turn.remember(value).unwrap(),
                    Err(error) => turn.refuse(error.to_string()),
                }
            }
            end => return step(end, turn, news),
        }
    }
    Step::Leave("done".into())
}

fn step(end: &Do, turn: &mut Turn<'_, '_>, news: Option<News<'_>>) -> Step {
    match end {
        Do::If(source) => match turn.decide(&Condition::compile_with(source, Variables::Run).unwrap()) {
            Decision::Yes => Step::Leave("yes".into()),
            Decision::No => Step::Leave("no".into()),
            Decision::Undecided(reason) => Step::Error { reason, otherwise: None },
        },
        Do::Leave(port) => Step::Leave((*port).into()),
        Do::LeaveAsTold => match news {
            Some(News::Answer(Answer::Node(Ok(answer)))) => {
                turn.remember(Value::Object(answer.output.clone())).unwrap();
                Step::Leave(answer.port.clone().into())
            }
            Some(News::Answer(Answer::Node(Err(error)))) => {
                Step::Error { reason: error.to_string(), otherwise: None }
            }
            _ => Step::Fail("nothing was told".into()),
        },
        Do::Error(otherwise) => {
            Step::Error { reason: "it cannot be done".into(), otherwise: otherwise.map(Into::into) }
        }
        Do::Call => Step::Call(Call::Node(NodeCall {
            url: "http://node".into(),
            input: json!({"node": turn.node()}).as_object().unwrap().clone(),
            timeout: Duration::from_secs(1),
            retries: 0,
        })),
        Do::Wait(seconds, event) => Step::Wait(Wait {
            until: seconds.map(|seconds| turn.now().plus(Duration::from_secs(seconds))),
            events: event.iter().map(|(event_type, _)| event_type.to_string()).collect(),
        }),
        Do::Each(items) => Step::Each(items.as_array().unwrap().clone()),
        Do::Stop => Step::Stop,
        Do::Fail => Step::Fail("it gives up".into()),
        other => unreachable!("{other:?} ends no turn"),
    }
}
