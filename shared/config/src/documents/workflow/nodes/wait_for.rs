//! `wait_for`: waits for an event of the same profile, and goes on without it when it does not come in time.

use std::borrow::Cow;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use tributary_engine::{MAX_PAUSE, News, Node, Step, Turn, Wait};
use tributary_expressions::{Condition, Scope, Verdict};

use super::NodeKind;
use super::moments::{self, SHORTEST};
use crate::at::At;
use crate::change::OneOrMany;
use crate::documents::workflow::reading::Reading;
use crate::survey::Survey;

/// Waits for an event, then goes on by `event`, or by `timeout`.
#[derive(Debug)]
pub(crate) struct WaitFor {
    events: Vec<At<String>>,
    which: Option<At<Condition>>,
    within: Duration,
}

/// An event of the same profile that the run waits for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "WaitFor")]
pub(crate) struct WaitForSpec {
    /// Its type, or several of which one is enough.
    event: At<OneOrMany<String>>,
    /// What must hold of it, in CEL: `event` is the one that came; `memory`, `profile` and `session` are the run's.
    #[serde(default, rename = "where")]
    which: Option<At<String>>,
    /// How long it is waited for, such as 1h or 3days, up to 366 days.
    within: At<String>,
}

impl NodeKind for WaitFor {
    const NAME: &'static str = "wait_for";
    type Spec = WaitForSpec;

    fn read(spec: At<WaitForSpec>, reading: &mut Reading<'_>) -> Option<WaitFor> {
        let spec = spec.value;
        let asks = spec.which.is_some();
        let events = reading.event_types("event", spec.event);
        let which = spec.which.and_then(|which| reading.condition("where", which));
        let within = reading.duration("within", spec.within, SHORTEST..=MAX_PAUSE);
        let read = WaitFor { events: events?, which, within: within? };
        (asks == read.which.is_some()).then_some(read)
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        vec!["event".into(), "timeout".into()]
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        self.events.iter().for_each(|event| survey.waits_for(event));
        if let Some(which) = &self.which {
            survey.condition_of("where", which, &self.events);
        }
    }
}

impl Node for WaitFor {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        let events = self.events.iter().map(|event| event.value.clone()).collect();
        Step::Wait(Wait { until: Some(turn.now().plus(self.within)), events })
    }

    fn resume(&self, turn: &mut Turn<'_, '_>, news: News<'_>) -> Step {
        match news {
            News::Event(event) => {
                let (id, event_type, time) = (event.id, event.event_type, event.time.to_string());
                let known =
                    json!({"id": id, "type": event_type, "time": time, "properties": event.properties});
                match turn.remember(known) {
                    Ok(()) => Step::Leave("event".into()),
                    Err(reason) => Step::Error { reason, otherwise: None },
                }
            }
            News::Due => Step::Leave("timeout".into()),
            News::Answer(_) => moments::not_waited_for(),
        }
    }

    /// One of which it cannot be decided is not the one: it is waited on.
    fn awaits(&self, scope: &Scope) -> Verdict {
        self.which.as_ref().map_or(Verdict::True, |which| which.value.evaluate(scope))
    }
}

#[cfg(test)]
mod tests;
