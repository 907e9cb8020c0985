//! `Scenario`: events, and what they are to lead to. It is tested without a mesh and never applied.

mod answers;
mod expectation;
mod given;
mod reasons;
mod spec;

use std::time::Duration;

use serde_json::{Map, Value};
use tributary_model::{Kinds, SourceName, Time};

use super::destination::Destination;
use super::source::Source;
use super::workflow::Workflow;
use super::{DocumentKind, Draft, Text};
use crate::error::{Origin, Place, Problems};
use tributary_expressions::did_you_mean;

use answers::Named;
pub use answers::{Answers, NodeAnswers, ScenarioAnswer};
pub use expectation::Expectation;
pub use given::changes_showing;

/// Events in; profile, session, answer, derived events and deliveries out.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// The file that it stands in, relative to the configuration's directory.
    pub file: String,
    /// What the clock shows at the beginning.
    pub time: Time,
    /// The fields of a profile that is there before the first step.
    pub given: Option<Given>,
    /// What calls are answered, where a step does not say otherwise.
    pub answers: Answers,
    /// What happens, in order; at least one step.
    pub steps: Vec<ScenarioStep>,
    origin: Origin,
    sources: Vec<(SourceName, Place)>,
    destinations: Vec<(String, Place)>,
    nodes: Vec<Named>,
}

/// A profile that is there before the first step.
#[derive(Debug, Clone)]
pub struct Given {
    /// Its id.
    pub profile_id: String,
    /// What it shows.
    pub fields: Map<String, Value>,
    place: Place,
}

/// One step: the clock moves, then a payload is tracked, then what came of both is compared.
#[derive(Debug, Clone)]
pub struct ScenarioStep {
    /// The line of the file that it begins at.
    pub line: u64,
    /// Its name, for people.
    pub name: Option<String>,
    /// How the clock moves first.
    pub clock: Clock,
    /// What calls are answered in it.
    pub answers: Answers,
    /// What is tracked then.
    pub payload: Option<ScenarioPayload>,
    /// The profile that the expectation looks at when nothing is tracked; the one tracked last, without it.
    pub profile_id: Option<String>,
    /// What must have come of it.
    pub expect: Expectation,
}

/// How the clock moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Not at all.
    Stands,
    /// By so much.
    Waits(Duration),
    /// To this time, which lies ahead.
    At(Time),
}

/// A payload as a client would send it.
#[derive(Debug, Clone)]
pub struct ScenarioPayload {
    /// Where it comes from.
    pub source: SourceName,
    /// The profile that it names; empty for none.
    pub profile_id: String,
    /// The session that it names; empty for none.
    pub session_id: String,
    /// The call's id; empty for none.
    pub request_id: String,
    /// Facts about the session.
    pub context: Map<String, Value>,
    /// Whether it is an import: no workflow runs, and nothing is delivered because of it alone.
    pub historical: bool,
    /// The events.
    pub events: Vec<ScenarioEvent>,
}

/// An event as a client would send it.
#[derive(Debug, Clone)]
pub struct ScenarioEvent {
    /// Its id; `None` when one may be made up.
    pub id: Option<String>,
    /// What happened.
    pub event_type: String,
    /// When; `None` when it is received.
    pub time: Option<Time>,
    /// What there is to say about it.
    pub properties: Map<String, Value>,
}

impl DocumentKind for Scenario {
    const NAME: &'static str = "Scenario";
    const APPLIED: bool = false;
    type Spec = spec::ScenarioSpec;

    fn read(spec: spec::ScenarioSpec, text: &Text<'_>, problems: &mut Problems) -> Option<Scenario> {
        spec::read(spec, text, problems)
    }

    fn add_to(self, draft: &mut Draft, _origin: Origin) {
        draft.scenarios.push(self);
    }
}

impl Scenario {
    /// Checks it against what its tenant has. `documents` are all of them, those with errors included; `kinds` are known
    /// unless they are wrong themselves; `workflows` those that could be read.
    pub(crate) fn check(
        &self,
        documents: &[Origin],
        workflows: &[Workflow],
        kinds: Option<&Kinds>,
        problems: &mut Problems,
    ) {
        let named = |kind: &str| -> Vec<&str> {
            let names = documents.iter().filter_map(|origin| origin.document.as_deref()?.strip_prefix(kind));
            names.filter_map(|name| name.strip_prefix(' ')).collect()
        };
        let sources = self.sources.iter().map(|(name, place)| (Source::NAME, name.as_str(), place));
        let destinations = self.destinations.iter().map(|(name, place)| (Destination::NAME, &**name, place));
        for (kind, name, place) in sources.chain(destinations) {
            let known = named(kind);
            if !known.contains(&name) {
                let meant = did_you_mean(name, known);
                problems.add(&self.origin, *place, format!("the tenant has no {kind} {name}{meant}"));
            }
        }
        for node in &self.nodes {
            let workflow = node.workflow();
            let known = named(Workflow::NAME);
            if !known.contains(&workflow) {
                let meant = did_you_mean(workflow, known);
                problems.add(
                    &self.origin,
                    node.place,
                    format!("the tenant has no Workflow {workflow}{meant}"),
                );
            } else if let Some(workflow) = workflows.iter().find(|one| one.name == workflow)
                && let Err(reason) = node.check(workflow)
            {
                problems.add(&self.origin, node.place, reason);
            }
        }
        if let (Some(given), Some(kinds)) = (&self.given, kinds)
            && let Err(reason) = given.changes(kinds)
        {
            problems.add(&self.origin, given.place, format!("given: {reason}"));
        }
    }
}
