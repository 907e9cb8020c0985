//! A span for each run, in the trace of the run's event.

use std::collections::BTreeMap;

use tracing::{Span, field, info_span};
use tributary_engine::{Ending, RunOutcome};
use tributary_model::EventId;
use tributary_runtime::telemetry::{names, propagation};

use crate::desk::Caller;
use crate::subject::Subject;

/// The spans of a handling's runs that are open: from the first call on, so that calls lie in them.
#[derive(Default)]
pub(crate) struct Spans {
    open: BTreeMap<(EventId, String, Option<String>), Span>,
}

impl Spans {
    /// The span of a run that makes calls while `handled` is handled.
    pub(crate) fn of(&mut self, caller: &Caller<'_>, handled: &Subject) -> Span {
        let timer = caller.resumed.map(|resumed| resumed.timer.to_owned());
        let key = (caller.event.id.clone(), caller.workflow.name.clone(), timer);
        self.open.entry(key).or_insert_with(|| begin(caller, handled)).clone()
    }

    /// Says what the run came to, and ends its span.
    pub(crate) fn end(&mut self, run: &RunOutcome, caller: Option<&Caller<'_>>, handled: &Subject) {
        let open = self.open.remove(&(run.event.clone(), run.workflow.clone(), run.resumed.clone()));
        let Some(span) = open.or_else(|| caller.map(|caller| begin(caller, handled))) else { return };
        span.record(names::CHANGES, names::number(run.changes.len()));
        let outcome = match &run.ending {
            Ending::Done => "done",
            Ending::Failed(_) => "failed",
            Ending::Paused { .. } => "paused",
        };
        span.record(names::OUTCOME, outcome);
        for record in &run.records {
            let port = record.port.as_deref().unwrap_or_default();
            let attributes = [
                (names::NODE, record.node.as_str()),
                (names::NODE_KIND, record.kind),
                (names::NODE_PORT, port),
            ];
            propagation::add_event(&span, names::NODE_EVENT, &attributes);
        }
        span.in_scope(|| say(run));
    }
}

fn begin(caller: &Caller<'_>, handled: &Subject) -> Span {
    let span = info_span!(
        "run",
        { names::OTEL_NAME } = names::RUN_WORKFLOW,
        { names::TENANT } = caller.event.tenant.as_str(),
        { names::WORKFLOW } = caller.workflow.name,
        { names::EVENT_ID } = caller.event.id.as_str(),
        { names::CHANGES } = field::Empty,
        { names::OUTCOME } = field::Empty,
    );
    if let Some(resumed) = caller.resumed {
        propagation::set_parent(&span, resumed.trace);
        if handled.id != caller.event.id {
            propagation::add_link(&span, &propagation::current());
        }
    }
    span
}

/// What operators should know. Reasons name paths and limits, never values.
fn say(run: &RunOutcome) {
    let (workflow, event) = (run.workflow.as_str(), run.event.as_str());
    let refused: usize = run.records.iter().map(|record| record.refused.len()).sum();
    if let Ending::Failed(reason) = &run.ending {
        tracing::warn!(workflow, event, %reason, "a run failed, and what it did since its start or its last pause is undone");
    } else if refused > 0 {
        tracing::info!(workflow, event, refused, "a run was refused some changes");
    }
}

#[cfg(test)]
mod tests;
