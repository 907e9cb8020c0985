//! A scenario as it is written.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use tributary_model::{ProfileId, SourceName, Time};

use super::answers::{self, Answers, AnswersSpec, Named};
use super::expectation::ExpectationSpec;
use super::{Clock, Given, Scenario, ScenarioEvent, ScenarioPayload, ScenarioStep};
use crate::at::At;
use crate::documents::Text;
use crate::error::{Origin, Place, Problems};

/// What the clock shows when a scenario does not say it.
const TIME: &str = "2024-01-01T00:00:00Z";

/// Events, and what they are to lead to.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Scenario")]
pub(crate) struct ScenarioSpec {
    /// The source that payloads come from.
    source: At<String>,
    /// The profile that payloads name.
    #[serde(default)]
    profile: String,
    /// The session that payloads name.
    #[serde(default)]
    session: String,
    /// What the clock shows at the beginning, such as 2024-05-01T12:00:00Z.
    time: Option<At<String>>,
    /// What is there before the first step.
    given: Option<At<GivenSpec>>,
    /// What calls of workflows are answered, by <workflow>/<node>; a list answers one call after the other. Nobody is
    /// called.
    #[serde(default)]
    answers: AnswersSpec,
    /// What happens, in order.
    #[schemars(length(min = 1))]
    steps: At<Vec<At<StepSpec>>>,
}

/// What is there before the first step.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Given")]
struct GivenSpec {
    /// The fields of the scenario's profile.
    profile: Map<String, Value>,
}

/// One step: the clock moves, then a payload is tracked, then what came of both is compared.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ScenarioStep")]
struct StepSpec {
    /// What it is about, for people.
    name: Option<String>,
    /// The clock moves by so much, such as 30m.
    wait: Option<At<String>>,
    /// The clock moves to this time.
    at: Option<At<String>>,
    /// The source of this payload, if it is another one.
    source: Option<At<String>>,
    /// The profile of this payload, if it is another one; empty for none.
    profile: Option<String>,
    /// The session of this payload, if it is another one; empty for none.
    session: Option<String>,
    /// The call's id. Events without an id have one derived from it then.
    #[serde(default)]
    request_id: String,
    /// Facts about the session.
    #[serde(default)]
    context: Map<String, Value>,
    /// Whether the payload is an import: no workflow runs, and nothing is delivered because of it alone.
    #[serde(default)]
    historical: bool,
    /// What calls are answered in this step; other nodes are answered as the scenario says.
    #[serde(default)]
    answers: AnswersSpec,
    /// The events of one payload.
    track: Option<Vec<EventSpec>>,
    /// What must have come of the step.
    #[serde(default)]
    expect: ExpectationSpec,
}

/// An event, as a client would send it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ScenarioEvent")]
struct EventSpec {
    /// Its id; made up when it is left out, and none when it is empty.
    id: Option<String>,
    /// What happened.
    #[serde(rename = "type")]
    event_type: String,
    /// When; left out: when it is received.
    time: Option<At<String>>,
    /// What there is to say about it.
    #[serde(default)]
    properties: Map<String, Value>,
}

pub(super) fn read(spec: ScenarioSpec, text: &Text<'_>, problems: &mut Problems) -> Option<Scenario> {
    let mut reading = Reading {
        origin: text.origin,
        problems,
        sources: Vec::new(),
        destinations: Vec::new(),
        nodes: Vec::new(),
    };
    let start = reading.time(spec.time).unwrap_or_else(|| TIME.parse().expect("a constant time is one"));
    let source = reading.source(spec.source);
    let defaults = Defaults { source: source.as_ref(), profile: &spec.profile, session: &spec.session };
    let answers = reading.answers(spec.answers);
    if spec.steps.value.is_empty() {
        reading.wrong(spec.steps.place, "a scenario needs at least one step");
    }
    let steps: Vec<_> =
        spec.steps.value.into_iter().filter_map(|step| reading.step(step, &defaults)).collect();
    reading.check_order(start, &steps);
    let given = spec.given.map(|given| Given {
        profile_id: spec.profile.clone(),
        fields: given.value.profile,
        place: given.place,
    });
    if let Some(given) = &given
        && ProfileId::new(given.profile_id.as_str()).is_err()
    {
        reading.wrong(given.place, "given: say whose it is, with `profile: ID` beside `source`");
    }
    let Reading { sources, destinations, nodes, .. } = reading;
    Some(Scenario {
        name: text.name.to_string(),
        file: text.origin.file.to_string(),
        time: start,
        given,
        answers,
        steps: steps.into_iter().map(|(step, _)| step).collect(),
        origin: text.origin.clone(),
        sources,
        destinations,
        nodes,
    })
}

/// What holds for every payload that does not say otherwise.
struct Defaults<'d> {
    source: Option<&'d SourceName>,
    profile: &'d str,
    session: &'d str,
}

struct Reading<'r> {
    origin: &'r Origin,
    problems: &'r mut Problems,
    sources: Vec<(SourceName, Place)>,
    destinations: Vec<(String, Place)>,
    nodes: Vec<Named>,
}

impl Reading<'_> {
    fn wrong(&mut self, place: Place, reason: impl Into<String>) {
        self.problems.add(self.origin, place, reason);
    }

    fn step(&mut self, step: At<StepSpec>, defaults: &Defaults<'_>) -> Option<(ScenarioStep, Place)> {
        let (place, step) = (step.place, step.value);
        if step.track.is_none() && step.wait.is_none() && step.at.is_none() {
            self.wrong(place, "a step has at least one of track, wait and at");
        }
        let clock = match (step.wait, step.at) {
            (None, None) => Clock::Stands,
            (Some(wait), None) => self.duration(wait).map_or(Clock::Stands, Clock::Waits),
            (None, at) => self.time(at).map_or(Clock::Stands, Clock::At),
            (Some(wait), Some(_)) => {
                self.wrong(wait.place, "give one of wait and at");
                Clock::Stands
            }
        };
        let source = step.source.map_or_else(|| defaults.source.cloned(), |source| self.source(source));
        let events: Option<Vec<ScenarioEvent>> =
            step.track.map(|events| events.into_iter().map(|event| self.event(event)).collect());
        let answers = self.answers(step.answers);
        self.destinations.extend(step.expect.destinations());
        self.nodes.extend(step.expect.nodes());
        for (place, reason) in step.expect.unknown_words() {
            self.wrong(place, format!("expect: {reason}"));
        }
        let expect = step.expect.into_expectation();
        let or_default = |own: &Option<String>, default: &str| own.clone().unwrap_or_else(|| default.into());
        let payload = match events {
            None => None,
            Some(events) => Some(ScenarioPayload {
                source: source?,
                profile_id: or_default(&step.profile, defaults.profile),
                session_id: or_default(&step.session, defaults.session),
                request_id: step.request_id,
                context: step.context,
                historical: step.historical,
                events,
            }),
        };
        let line = self.origin.line_of(place);
        Some((
            ScenarioStep { line, name: step.name, clock, answers, payload, profile_id: step.profile, expect },
            place,
        ))
    }

    fn answers(&mut self, spec: AnswersSpec) -> Answers {
        let mut wrong = Vec::new();
        let (answers, named) = answers::read(spec, &mut wrong);
        for (place, reason) in wrong {
            self.wrong(place, format!("answers: {reason}"));
        }
        self.nodes.extend(named);
        answers
    }

    fn event(&mut self, event: EventSpec) -> ScenarioEvent {
        let EventSpec { id, event_type, time, properties } = event;
        ScenarioEvent { id, event_type, time: self.time(time), properties }
    }

    /// The clock never goes back.
    fn check_order(&mut self, start: Time, steps: &[(ScenarioStep, Place)]) {
        let mut clock = start;
        for (step, place) in steps {
            match step.clock {
                Clock::Stands => {}
                Clock::Waits(duration) => clock = clock.plus(duration),
                Clock::At(time) if time < clock => {
                    self.wrong(*place, format!("at: the clock shows {clock} already, and never goes back"));
                }
                Clock::At(time) => clock = time,
            }
        }
    }

    fn source(&mut self, source: At<String>) -> Option<SourceName> {
        match SourceName::new(source.value) {
            Ok(name) => {
                self.sources.push((name.clone(), source.place));
                Some(name)
            }
            Err(error) => {
                self.wrong(source.place, format!("source: {error}"));
                None
            }
        }
    }

    fn time(&mut self, time: Option<At<String>>) -> Option<Time> {
        let time = time?;
        time.value.parse().map_err(|error| self.wrong(time.place, format!("{:?}: {error}", time.value))).ok()
    }

    fn duration(&mut self, wait: At<String>) -> Option<Duration> {
        let parsed = humantime::parse_duration(&wait.value);
        let reason = |_| format!("wait: {:?} is not a duration like 500ms, 10s or 5m", wait.value);
        parsed.map_err(|error| self.wrong(wait.place, reason(error))).ok()
    }
}
