//! `sequence`: whether events happened one after the other.

use std::borrow::Cow;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tributary_engine::{MAX_PAUSE, News, Node, PastEvent, Step, Turn};

use super::NodeKind;
use super::moments::SHORTEST;
use super::past;
use crate::at::At;
use crate::documents::workflow::reading::Reading;
use crate::survey::Survey;

/// The longest sequence.
const MAX_EVENTS: usize = 16;

/// Asks whether events of the profile's recent past came in an order.
#[derive(Debug)]
pub(crate) struct Sequence {
    events: Vec<At<String>>,
    within: Duration,
    strict: bool,
}

/// Whether events of these types happened in this order, the one at hand included.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Sequence")]
pub(crate) struct SequenceSpec {
    /// The types in their order, 2 to 16.
    #[schemars(length(min = 2, max = 16))]
    events: At<Vec<At<String>>>,
    /// How far back, such as 1h or 30days, up to 366 days.
    within: At<String>,
    /// Whether nothing else may have happened in between.
    #[serde(default)]
    strict: bool,
}

impl NodeKind for Sequence {
    const NAME: &'static str = "sequence";
    type Spec = SequenceSpec;

    fn read(spec: At<SequenceSpec>, reading: &mut Reading<'_>) -> Option<Sequence> {
        let SequenceSpec { events, within, strict } = spec.value;
        let within = reading.duration("within", within, SHORTEST..=MAX_PAUSE);
        if !(2..=MAX_EVENTS).contains(&events.value.len()) {
            reading.tell(events.place, format!("events: a sequence has 2 to {MAX_EVENTS} types"));
            return None;
        }
        let events: Vec<_> = events.value.into_iter().map(|event| reading.event_type(event)).collect();
        Some(Sequence { events: events.into_iter().collect::<Option<_>>()?, within: within?, strict })
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        vec!["yes".into(), "no".into()]
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        self.events.iter().for_each(|event| survey.waits_for(event));
    }
}

impl Node for Sequence {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        // Between the events of a strict one anything else counts, so everything is looked at.
        let types = self.events.iter().filter(|_| !self.strict).map(|event| &event.value);
        past::ask(types, self.within, past::ALL, false, turn)
    }

    fn resume(&self, turn: &mut Turn<'_, '_>, news: News<'_>) -> Step {
        match past::answered(news).map(|events| self.found(events)) {
            Ok(Some(found)) => {
                if let Err(reason) = turn.remember(found.into_iter().map(short).collect()) {
                    return past::error(reason);
                }
                Step::Leave("yes".into())
            }
            Ok(None) => Step::Leave("no".into()),
            Err(step) => step,
        }
    }
}

impl Sequence {
    /// The events of the sequence that was complete first, if one was.
    fn found<'e>(&self, events: &'e [PastEvent]) -> Option<Vec<&'e PastEvent>> {
        let wanted: Vec<&str> = self.events.iter().map(|event| event.value.as_str()).collect();
        if self.strict {
            let mut windows = events.windows(wanted.len());
            let fits = |window: &&[PastEvent]| {
                window.iter().zip(&wanted).all(|(event, wanted)| event.event_type == *wanted)
            };
            return windows.find(fits).map(|window| window.iter().collect());
        }
        let mut rest = events.iter();
        wanted.into_iter().map(|wanted| rest.find(|event| event.event_type == wanted)).collect()
    }
}

fn short(event: &PastEvent) -> Value {
    json!({"id": event.id, "type": event.event_type, "time": event.time.to_string()})
}

#[cfg(test)]
mod tests;
