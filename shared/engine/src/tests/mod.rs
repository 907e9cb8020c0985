//! The engine over small workflows of scripted nodes.

mod calls;
mod each;
mod laws;
mod limits;
mod pauses;
mod profiles;
mod records;
mod resumed;
mod script;
mod ways;
mod work;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tributary_model::{Change, EventId, Kinds, ProfileId, State, Time};

use crate::*;

pub(super) use script::{Do, graph, node};

/// When everything begins.
pub(super) const BEGIN: Time = Time::from_micros(1_700_000_000_000_000);

pub(super) fn later(seconds: u64) -> Time {
    BEGIN.plus(Duration::from_secs(seconds))
}

/// An event, and what is needed around it.
pub(super) struct Case {
    pub(super) kinds: Kinds,
    pub(super) profile_id: ProfileId,
    pub(super) profile: State,
    pub(super) session: State,
    pub(super) id: &'static str,
    pub(super) event_type: &'static str,
    pub(super) properties: Map<String, Value>,
    pub(super) context: Map<String, Value>,
    pub(super) now: Time,
    pub(super) details: bool,
    pub(super) paused: usize,
}

impl Default for Case {
    fn default() -> Case {
        Case {
            kinds: Kinds::default(),
            profile_id: ProfileId::new("p").unwrap(),
            profile: State::default(),
            session: State::default(),
            id: "e",
            event_type: "buy",
            properties: Map::new(),
            context: Map::new(),
            now: BEGIN,
            details: false,
            paused: 0,
        }
    }
}

impl Case {
    pub(super) fn with(properties: Value) -> Case {
        Case { properties: properties.as_object().unwrap().clone(), ..Case::default() }
    }

    pub(super) fn event(&self) -> EventView<'_> {
        EventView {
            id: self.id,
            event_type: self.event_type,
            time: self.now,
            received: self.now,
            source: "web",
            session_id: None,
            properties: &self.properties,
            context: &self.context,
        }
    }

    pub(super) fn ground(&self) -> Ground<'_> {
        Ground {
            kinds: &self.kinds,
            profile_id: &self.profile_id,
            profile: self.profile.clone(),
            session: self.session.clone(),
            now: self.now,
            details: self.details,
        }
    }

    pub(super) fn handling<'a>(
        &'a self,
        waiting: Vec<PausedRun<'a>>,
        triggered: Vec<Triggered<'a>>,
    ) -> Handling<'a> {
        let id = EventId::new(self.id).unwrap();
        Handling::of_event(self.ground(), id, self.event(), waiting, triggered, self.paused)
    }

    /// The runs of these workflows for the event; calls are answered by [`told`].
    pub(super) fn runs(&self, workflows: &[(&str, &Graph)]) -> Vec<RunOutcome> {
        let triggered = workflows.iter().map(|(name, graph)| triggered(name, graph)).collect();
        through(self.handling(Vec::new(), triggered)).runs
    }

    pub(super) fn run(&self, graph: &Graph) -> RunOutcome {
        self.runs(&[("w", graph)]).remove(0)
    }

    /// A run that paused, as it was kept by way of JSON.
    pub(super) fn paused<'a>(&'a self, graph: &'a Graph, run: &RunOutcome) -> PausedRun<'a> {
        let state = serde_json::to_string(&run.state).unwrap();
        PausedRun {
            timer: format!("{}/{}", run.event, run.state.pauses),
            workflow: "w",
            graph,
            event_id: EventId::new(self.id).unwrap(),
            event: self.event(),
            state: serde_json::from_str(&state).unwrap(),
        }
    }

    /// What comes of it when the time of a paused run has come.
    pub(super) fn due(&self, graph: &Graph, run: &RunOutcome, now: Time) -> RunOutcome {
        let ground = Ground { now, ..self.ground() };
        through(Handling::of_timer(ground, self.paused(graph, run), self.paused)).runs.remove(0)
    }

    /// What the profile shows after these runs.
    pub(super) fn after(&self, runs: &[RunOutcome]) -> Value {
        let mut state = self.profile.clone();
        changes(runs).for_each(|change| state.apply(change));
        Value::Object(state.view_as(&self.kinds, later(1_000_000)).document())
    }
}

pub(super) fn triggered<'a>(workflow: &'a str, graph: &'a Graph) -> Triggered<'a> {
    Triggered { workflow, graph, condition: None, consents: &[] }
}

pub(super) fn changes(runs: &[RunOutcome]) -> impl Iterator<Item = &Change> {
    runs.iter().flat_map(|run| &run.changes)
}

/// Goes on until all is through.
pub(super) fn through(mut handling: Handling<'_>) -> Finished {
    // No more than all calls of so many runs: what never ends is a failure and not a test that hangs.
    for _ in 0..100 * MAX_CALLS {
        match handling.proceed() {
            Proceeding::Finished(finished) => return finished,
            Proceeding::Calls { wanted, .. } => handling.answer(answers(&wanted), BEGIN),
        }
    }
    panic!("it never ends");
}

pub(super) fn answers(wanted: &[Wanted]) -> BTreeMap<String, Answer> {
    wanted.iter().map(|wanted| (wanted.node.clone(), told(&wanted.key))).collect()
}

/// What the world answers to a call: its key, and a port that follows from it.
pub(super) fn told(key: &str) -> Answer {
    let port = if key.len().is_multiple_of(2) { "a" } else { "b" };
    let output = json!({"key": key}).as_object().unwrap().clone();
    Answer::Node(Ok(NodeAnswer { port: port.into(), output }))
}

/// The nodes of a run's turns, each with the port that it was left by.
pub(super) fn turns(run: &RunOutcome) -> Vec<String> {
    let turn = |record: &NodeRecord| {
        let item = if record.item > 0 { format!("[{}]", record.item) } else { String::new() };
        format!("{}{item}:{}", record.node, record.port.as_deref().unwrap_or("-"))
    };
    run.records.iter().map(turn).collect()
}
