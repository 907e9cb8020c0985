//! What the kinds that look at the profile's past have in common: what they ask for, and what they make of the answer.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tributary_engine::{Answer, Call, HistoryQuery, MAX_HISTORY, MAX_PAUSE, News, PastEvent, Step, Turn};
use tributary_expressions::{Condition, EvaluationError, Expression, ReadPath, Verdict};

use super::moments::{self, SHORTEST};
use crate::at::At;
use crate::change::OneOrMany;
use crate::documents::workflow::reading::Reading;
use crate::survey::Survey;

/// What of an event of the past is known.
const KNOWN: [&str; 4] = ["id", "type", "time", "properties"];

/// Which events of the past are meant.
#[derive(Debug)]
pub(super) struct Past {
    events: Vec<At<String>>,
    within: Duration,
    which: Option<At<Condition>>,
}

impl Past {
    pub(super) fn read(
        events: At<OneOrMany<String>>,
        within: At<String>,
        which: Option<At<String>>,
        reading: &mut Reading<'_>,
    ) -> Option<Past> {
        let asks = which.is_some();
        let events = reading.event_types("events", events);
        let within = reading.duration("within", within, SHORTEST..=MAX_PAUSE);
        let which = which.and_then(|which| condition(which, reading));
        let past = Past { events: events?, within: within?, which };
        (asks == past.which.is_some()).then_some(past)
    }

    pub(super) fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        self.events.iter().for_each(|event| survey.waits_for(event));
        if let Some(which) = &self.which {
            survey.condition_of("where", which, &self.events);
        }
    }

    /// What `of` computes is computed for the events of the past, too.
    pub(super) fn survey_of<'n>(&'n self, of: &'n At<Expression>, survey: &mut Survey<'n>) {
        match &self.which {
            None => survey.expression_of("of", of, &self.events),
            Some(which) => survey.of_events(&self.events, |survey| {
                survey.guarded((&which.value, true), |survey| survey.expression("of", of));
            }),
        }
    }

    /// Whether `where` says which of them are meant.
    pub(super) fn chooses(&self) -> bool {
        self.which.is_some()
    }

    /// The question, for the newest `limit` of them; with their `properties` also where only `where` looks at them.
    pub(super) fn ask(&self, limit: usize, properties: bool, turn: &Turn<'_, '_>) -> Step {
        let chosen_by = self.which.as_ref().is_some_and(|which| looks_at_properties(which.value.reads()));
        let types = self.events.iter().map(|event| &event.value);
        ask(types, self.within, limit, properties || chosen_by, turn)
    }

    /// The events that `where` means, oldest first; or how the node's turn ends without them.
    pub(super) fn chosen<'e>(
        &self,
        events: &'e [PastEvent],
        turn: &mut Turn<'_, '_>,
    ) -> Result<Vec<&'e PastEvent>, Step> {
        let Some(which) = &self.which else { return Ok(events.iter().collect()) };
        let mut chosen = Vec::new();
        let verdicts = turn.over(events.iter().map(document), |scope| which.value.evaluate(scope));
        let mut missing = BTreeSet::new();
        for (event, verdict) in events.iter().zip(verdicts) {
            match verdict {
                Verdict::True => chosen.push(event),
                Verdict::False => {}
                Verdict::Missing { what } => drop(missing.insert(what)),
                Verdict::Failed { reason } => return Err(error(format!("where: {reason}"))),
            }
        }
        missing.into_iter().for_each(|what| turn.missing(what));
        Ok(chosen)
    }
}

/// Whether what is read of an event of the past is more than its id, type and time.
pub(super) fn looks_at_properties(reads: &[ReadPath]) -> bool {
    reads.iter().any(|read| {
        let mut parts = read.parts.iter().map(String::as_str);
        parts.next() == Some("event") && !matches!(parts.next(), Some("id" | "type" | "time"))
    })
}

/// Asks for the newest `limit` events of these types; of all, where there are none.
pub(super) fn ask<'t>(
    types: impl Iterator<Item = &'t String>,
    within: Duration,
    limit: usize,
    properties: bool,
    turn: &Turn<'_, '_>,
) -> Step {
    let types: BTreeSet<&String> = types.collect();
    let types = types.into_iter().cloned().collect();
    Step::Call(Call::History(HistoryQuery { types, since: turn.now().minus(within), limit, properties }))
}

/// All events that were asked for, or how the node's turn ends without them.
pub(super) fn answered<'e>(news: News<'e>) -> Result<&'e [PastEvent], Step> {
    match news {
        News::Answer(Answer::History(Ok(events))) => Ok(events),
        News::Answer(Answer::History(Err(failure))) => Err(error(format!("{}: {failure}", failure.reason))),
        _ => Err(moments::not_waited_for()),
    }
}

/// What is computed for each of the events.
pub(super) fn computed(
    of: &Expression,
    events: &[&PastEvent],
    turn: &mut Turn<'_, '_>,
) -> Vec<Result<Value, EvaluationError>> {
    turn.over(events.iter().copied().map(document), |scope| of.evaluate(scope))
}

/// An event of the past as expressions see it, and as it is remembered.
pub(super) fn document(event: &PastEvent) -> Value {
    let PastEvent { id, event_type, time, properties } = event;
    json!({"id": id, "type": event_type, "time": time.to_string(), "properties": properties})
}

pub(super) fn error(reason: String) -> Step {
    Step::Error { reason, otherwise: None }
}

fn condition(source: At<String>, reading: &mut Reading<'_>) -> Option<At<Condition>> {
    let read = reading.condition("where", source)?;
    let parts = read.value.reads().iter().map(|read| read.parts.as_slice());
    let unknown = unknown_part("where", parts);
    told(unknown, read, reading)
}

/// An expression over an event of the past.
pub(super) fn expression(
    what: &str,
    source: At<String>,
    reading: &mut Reading<'_>,
) -> Option<At<Expression>> {
    let read = reading.expression(what, source)?;
    let unknown = unknown_part(what, read.value.reads().iter().map(|read| read.parts.as_slice()));
    told(unknown, read, reading)
}

fn told<T>(unknown: Option<String>, read: At<T>, reading: &mut Reading<'_>) -> Option<At<T>> {
    match unknown {
        Some(reason) => {
            reading.tell(read.place, reason);
            None
        }
        None => Some(read),
    }
}

fn unknown_part<'p>(what: &str, mut reads: impl Iterator<Item = &'p [String]>) -> Option<String> {
    reads.find_map(|parts| match parts {
        [root, part, ..] if root == "event" && !KNOWN.contains(&part.as_str()) => {
            Some(format!("{what}: events of the past have id, type, time and properties, not {part}"))
        }
        _ => None,
    })
}

/// As many as can be asked for.
pub(super) const ALL: usize = MAX_HISTORY;

#[cfg(test)]
mod tests;
