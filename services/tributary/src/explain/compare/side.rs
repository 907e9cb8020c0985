//! What one configuration's workflows would do for one event.

use std::collections::BTreeMap;

use tributary_config::{Tenant, WHEN_DOES_NOT_HOLD, WHEN_HOLDS, changes_showing};
use tributary_engine::{Call, Ending, NodeRecord, Proceeding, RunOutcome};
use tributary_model::{Kinds, Members, State, Time};
use tributary_proto::convert::{changes_to_wire, time_from_wire};
use tributary_streams::{Known, Reading};
use tributary_workflow::subject::Subject;

use super::fetch::Fields;
use crate::{
    runs,
    scenario::{answering::not_called, past::Past},
};

/// What `throttle` and `run_once` remember: by now these events have passed, so that none would pass again.
const REMEMBERED: &str = tributary_config::BOOKKEEPING;

/// One configuration.
pub(super) struct Side<'c> {
    pub(super) tenant: &'c Tenant,
}

/// What it does for an event: each with how often.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Did {
    /// By workflow and the way that its run takes, like `ask:done enough:yes`.
    pub(super) paths: BTreeMap<(String, String), usize>,
    /// By workflow and what comes of it, like `loyalty.points increment`.
    pub(super) results: BTreeMap<(String, String), usize>,
}

impl Side<'_> {
    pub(super) fn has(&self, workflow: &str) -> bool {
        self.tenant.workflows.iter().any(|one| one.name == workflow)
    }

    /// All workflows run, since each sees what those before it changed; told is `only`, if one is named.
    pub(super) fn did(
        &self,
        event: &Subject,
        (profile, session): &(Fields, Fields),
        past: &Past,
        only: Option<&str>,
    ) -> Did {
        let mut did = Did::default();
        for run in self.runs(event, profile, session, past) {
            if only.is_none_or(|only| only == run.workflow) {
                did.add(&run);
            }
        }
        did
    }

    fn runs(&self, event: &Subject, profile: &Fields, session: &Fields, past: &Past) -> Vec<RunOutcome> {
        let Some(documents) = event.documents() else { return Vec::new() };
        let kinds = &self.tenant.kinds;
        let mut profile = profile.clone();
        profile.remove(REMEMBERED);
        let known = Reading {
            profile_id: event.profile.clone(),
            profile: Known { version: Default::default(), state: state(&profile, kinds) },
            session: Members::one(event.profile.clone(), Default::default(), state(session, kinds)),
            walked: Vec::new(),
        };
        let mut now = received(event);
        let mut handling = event.begin(&documents, self.tenant, &known, Vec::new(), 0, now, false);
        loop {
            match handling.proceed() {
                Proceeding::Finished(finished) => return finished.runs,
                Proceeding::Calls { wanted: calls, .. } => {
                    let answer = |call: &Call| match call {
                        Call::History(query) => past.answer_up_to(&event.profile, event.id.as_str(), query),
                        call => not_called(call),
                    };
                    let answers = calls.iter().map(|wanted| (wanted.node.clone(), answer(&wanted.call)));
                    now = now.max(received(event));
                    handling.answer(answers.collect(), now);
                }
            }
        }
    }
}

impl Did {
    fn add(&mut self, run: &RunOutcome) {
        let mut count = |results: bool, what: String| {
            let counts = if results { &mut self.results } else { &mut self.paths };
            *counts.entry((run.workflow.clone(), what)).or_default() += 1;
        };
        count(false, path(run));
        for change in changes_to_wire(&run.changes) {
            if change.path.split('.').next() != Some(REMEMBERED) {
                count(true, format!("{} {}", change.path, runs::operation(&change)));
            }
        }
        run.emits.iter().for_each(|emit| count(true, format!("emits {}", emit.event_type)));
        run.deliveries.iter().for_each(|sent| count(true, format!("sends to {}", sent.destination)));
        run.response.keys().for_each(|name| count(true, format!("answers {name}")));
    }
}

/// The way that a run takes. Of a for-each, that of its first item.
fn path(run: &RunOutcome) -> String {
    // A node that asks has a turn before the answer, which decides nothing.
    let asks = |(index, record): &(usize, &NodeRecord)| {
        let later = run.records.iter().skip(index + 1);
        record.port.is_none()
            && later.into_iter().any(|one| (&one.node, one.item) == (&record.node, record.item))
    };
    let step = |(_, record): (usize, &NodeRecord)| match &record.port {
        Some(port) => format!("{}:{}", record.node, which(record).unwrap_or(port)),
        None => record.node.clone(),
    };
    let turns = run.records.iter().enumerate().filter(|(_, record)| record.item <= 1);
    let mut steps: Vec<String> = turns.filter(|turn| !asks(turn)).map(step).collect();
    match &run.ending {
        Ending::Done => {}
        Ending::Failed(_) => steps.push("(failed)".into()),
        Ending::Paused { .. } => steps.push("(waits)".into()),
    }
    steps.join(" ")
}

/// Which way a step took that has two, although it has one port only.
fn which(record: &NodeRecord) -> Option<&'static str> {
    let why = record.why.as_deref().filter(|_| record.port.as_deref() != Some("error"))?;
    let ways = [(WHEN_HOLDS, "then"), (WHEN_DOES_NOT_HOLD, "otherwise")];
    ways.into_iter().find(|(says, _)| why.starts_with(says)).map(|(_, way)| way)
}

/// What cannot be shown, like visits, is left out.
fn state(fields: &Fields, kinds: &Kinds) -> State {
    State::fold(&changes_showing(fields, kinds).0)
}

fn received(event: &Subject) -> Time {
    let received = event.message.received.as_ref().or(event.message.time.as_ref());
    received.and_then(|time| time_from_wire(time, "received").ok()).unwrap_or(Time::from_micros(0))
}
