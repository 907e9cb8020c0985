//! A workflow of a test, run without a mesh: what its nodes do with events, answers and time.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tributary_engine::{
    Answer, Call, EventView, Ground, Handling, HttpAnswer, NodeRecord, PastEvent, PausedRun, Proceeding,
    RunOutcome, Wanted,
};
use tributary_model::{EventId, ProfileId, State, TenantId, Time};

use crate::config::{Config, Tenant};
use crate::tests::{SOURCE, load};

/// One profile, and the workflow `w`.
pub(super) struct Trial {
    tenant: Tenant,
    profile_id: ProfileId,
    /// With all changes that runs made.
    pub(super) profile: State,
    /// What `event.properties` shows.
    pub(super) properties: Map<String, Value>,
    pub(super) now: Time,
    /// What calls are answered, by node.
    pub(super) answers: BTreeMap<&'static str, Answer>,
    /// What was asked so far.
    pub(super) asked: Vec<Wanted>,
    events: usize,
}

impl Trial {
    /// Of a workflow with these nodes, which events of type `seen` trigger.
    pub(super) fn of(nodes: &str) -> Trial {
        Trial::beside("", nodes)
    }

    /// As [`Trial::of`], beside other documents.
    pub(super) fn beside(documents: &str, nodes: &str) -> Trial {
        let (documents, workflow) = (format!("# others\n{documents}"), workflow(nodes));
        let files = [("source.yaml", SOURCE), ("others.yaml", &documents), ("w.yaml", &workflow)];
        let all = if documents.contains("kind:") { &files[..] } else { &[files[0], files[2]] };
        let mut config: Config = load(all).unwrap_or_else(|errors| panic!("{errors}"));
        Trial {
            tenant: config.tenants.remove(&TenantId::new("default").unwrap()).unwrap(),
            profile_id: ProfileId::new("ada").unwrap(),
            profile: State::default(),
            properties: Map::new(),
            now: "2024-05-01T12:00:00Z".parse().unwrap(),
            answers: BTreeMap::new(),
            asked: Vec::new(),
            events: 0,
        }
    }

    /// With these as `event.properties`.
    pub(super) fn with(mut self, properties: Value) -> Trial {
        self.set(properties);
        self
    }

    pub(super) fn set(&mut self, properties: Value) {
        self.properties = properties.as_object().unwrap().clone();
    }

    /// With this answer to the calls of `node`.
    pub(super) fn answering(mut self, node: &'static str, answer: Answer) -> Trial {
        self.answers.insert(node, answer);
        self
    }

    /// An event comes.
    pub(super) fn event(&mut self) -> RunOutcome {
        self.events += 1;
        let id = format!("e{}", self.events);
        let (properties, none) = (self.properties.clone(), Map::new());
        let tenant = self.tenant.clone();
        let profile_id = self.profile_id.clone();
        let event = view(&id, "seen", self.now, &properties, &none);
        let ground = ground(&tenant, &profile_id, &self.profile, self.now);
        let triggered = tenant.workflows.iter().map(|workflow| workflow.triggered()).collect();
        let handling =
            Handling::of_event(ground, EventId::new(id.as_str()).unwrap(), event, vec![], triggered, 0);
        self.through(handling).unwrap()
    }

    /// A paused run's time has come.
    pub(super) fn due(&mut self, paused: &RunOutcome) -> RunOutcome {
        let (tenant, profile_id) = (self.tenant.clone(), self.profile_id.clone());
        let (properties, none) = (self.properties.clone(), Map::new());
        let ground = ground(&tenant, &profile_id, &self.profile, self.now);
        let run = run(&tenant, paused, &properties, &none);
        let handling = Handling::of_timer(ground, run, 1);
        self.through(handling).unwrap()
    }

    /// An event comes that a paused run may have waited for; `None` where it did not.
    pub(super) fn comes(&mut self, paused: &RunOutcome, event_type: &str, said: Value) -> Option<RunOutcome> {
        let (tenant, profile_id) = (self.tenant.clone(), self.profile_id.clone());
        let (properties, none) = (self.properties.clone(), Map::new());
        let said = said.as_object().unwrap().clone();
        let event = view("other", event_type, self.now, &said, &none);
        let ground = ground(&tenant, &profile_id, &self.profile, self.now);
        let waiting = vec![run(&tenant, paused, &properties, &none)];
        let handling = Handling::of_event(ground, EventId::new("other").unwrap(), event, waiting, vec![], 1);
        self.through(handling)
    }

    fn through(&mut self, mut handling: Handling<'_>) -> Option<RunOutcome> {
        loop {
            match handling.proceed() {
                Proceeding::Calls { wanted, .. } => {
                    let answer = |wanted: &Wanted| {
                        let answer = self.answers.get(wanted.node.as_str())?;
                        Some((wanted.node.clone(), answer.clone()))
                    };
                    handling.answer(wanted.iter().filter_map(answer).collect(), self.now);
                    self.asked.extend(wanted);
                }
                Proceeding::Finished(mut finished) => {
                    let outcome = finished.runs.pop()?;
                    outcome.changes.iter().for_each(|change| self.profile.apply(change));
                    return Some(outcome);
                }
            }
        }
    }

    /// The profile as people see it.
    pub(super) fn shown(&self) -> Value {
        Value::Object(self.profile.view_as(&self.tenant.kinds, self.now).document())
    }

    /// The only thing that was asked so far.
    pub(super) fn call(&self) -> &Call {
        assert_eq!(self.asked.len(), 1);
        &self.asked[0].call
    }
}

/// The document of a workflow with these nodes.
pub(super) fn workflow(nodes: &str) -> String {
    let nodes: String = nodes.trim_matches('\n').lines().map(|line| format!("    {line}\n")).collect();
    format!("kind: Workflow\nname: w\nspec:\n  trigger: {{events: [seen]}}\n  nodes:\n{nodes}")
}

/// What is said about a workflow with these nodes: without the name of the file and the document.
pub(super) fn said_of(nodes: &str) -> String {
    let errors = load(&[("source.yaml", SOURCE), ("w.yaml", &workflow(nodes))]).map(drop).unwrap_err();
    let said = |error: &crate::ConfigError| error.reason.clone();
    errors.errors().iter().map(said).collect::<Vec<_>>().join("\n")
}

/// The record of a node's last turn.
pub(super) fn record<'o>(outcome: &'o RunOutcome, node: &str) -> &'o NodeRecord {
    outcome.records.iter().rfind(|record| record.node == node).unwrap()
}

/// The port by which a node was left; empty where it was not.
pub(super) fn port<'o>(outcome: &'o RunOutcome, node: &str) -> &'o str {
    record(outcome, node).port.as_deref().unwrap_or_default()
}

/// What a node remembered.
pub(super) fn remembered(outcome: &RunOutcome, node: &str) -> Value {
    record(outcome, node).output.clone().unwrap_or_default()
}

/// What a node could not do, in all its turns.
pub(super) fn refused<'o>(outcome: &'o RunOutcome, node: &str) -> Vec<&'o str> {
    let turns = outcome.records.iter().filter(|record| record.node == node);
    turns.flat_map(|record| &record.refused).map(String::as_str).collect()
}

/// An event of the past.
pub(super) fn past(id: &str, event_type: &str, time: &str, properties: Value) -> PastEvent {
    PastEvent {
        id: id.into(),
        event_type: event_type.into(),
        time: time.parse().unwrap(),
        properties: properties.as_object().unwrap().clone(),
    }
}

/// Events of the past with these types and values of `properties.value`, a minute apart.
pub(super) fn pasts(events: &[(&str, Value)]) -> Answer {
    let event = |(n, (event_type, value)): (usize, &(&str, Value))| {
        past(&format!("p{n}"), event_type, &format!("2024-05-01T11:{n:02}:00Z"), json!({"value": value}))
    };
    Answer::History(Ok(events.iter().enumerate().map(event).collect()))
}

/// A number in so many lists.
pub(super) fn nested(levels: usize) -> Value {
    (0..levels).fold(json!(1), |value, _| json!([value]))
}

/// The answer of an HTTP server.
pub(super) fn said(body: Value) -> Answer {
    Answer::Http(Ok(HttpAnswer { status: 200, body }))
}

fn ground<'a>(tenant: &'a Tenant, profile_id: &'a ProfileId, profile: &State, now: Time) -> Ground<'a> {
    let (profile, session) = (profile.clone(), State::default());
    Ground { kinds: &tenant.kinds, profile_id, profile, session, now, details: true }
}

fn run<'a>(
    tenant: &'a Tenant,
    paused: &RunOutcome,
    properties: &'a Map<String, Value>,
    context: &'a Map<String, Value>,
) -> PausedRun<'a> {
    let workflow = &tenant.workflows[0];
    let event = view("e1", "seen", "2024-05-01T12:00:00Z".parse().unwrap(), properties, context);
    let state = paused.state.clone();
    let event_id = EventId::new("e1").unwrap();
    PausedRun { timer: "t".into(), workflow: &workflow.name, graph: &workflow.graph, event_id, event, state }
}

fn view<'a>(
    id: &'a str,
    event_type: &'a str,
    time: Time,
    properties: &'a Map<String, Value>,
    context: &'a Map<String, Value>,
) -> EventView<'a> {
    EventView { id, event_type, time, received: time, source: "web", session_id: None, properties, context }
}
