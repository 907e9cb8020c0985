//! An event is handled: its workflows run, and what they did is committed with it (docs/protocol.md §6).

use crate::effects;
use crate::engine::Run;
use crate::error::Trouble;
use crate::lanes::Handler;
use crate::letter;
use crate::subject::Subject;
use crate::worker::Worker;
use std::time::Duration;
use tracing::{Instrument, Span, info_span};
use tributary_model::{EventId, PartitionId, TenantId};
use tributary_runtime::now;
use tributary_runtime::telemetry::{names, propagation};
use tributary_streams::{Committed, Effect, Ending, Entry, Group, Handed, Held, Stream, StreamsError};

/// How long a lane waits before it tries again.
const PAUSE: Duration = Duration::from_millis(500);

/// Handles entries of `{p}:events`.
pub(crate) struct Events<'a> {
    pub(crate) worker: &'a Worker,
    pub(crate) held: &'a Held,
}

impl Handler for Events<'_> {
    async fn handle(&self, handed: Handed) -> Result<(), StreamsError> {
        handle(self.worker, self.held, handed).await
    }

    async fn give_up(&self, handed: Handed) -> Result<(), StreamsError> {
        give_up(self.worker, self.held, &handed, "PANICKED").await
    }
}

/// Tries for as long as it takes: later events of the profile must not overtake this one.
async fn handle(worker: &Worker, held: &Held, handed: Handed) -> Result<(), StreamsError> {
    let event = decode(&handed, worker.settings.deliveries);
    let event_type = event.as_ref().map(|event| event.message.r#type.as_str()).ok();
    let span = process_span(&handed.entry, event_type, held.fence.partition);
    async {
        let event = match &event {
            Ok(event) => event,
            Err(reason) => return give_up(worker, held, &handed, reason).await,
        };
        loop {
            match attempt(worker, held, &handed.entry, event).await {
                Ok(()) => return Ok(()),
                Err(Trouble::Streams(error)) => return Err(error),
                Err(Trouble::Wait(reason)) => {
                    tracing::warn!(partition = held.fence.partition.0, %reason, "an event waits");
                    // Handed over unfinished: it is pending for the next owner.
                    if held.stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_none() {
                        return Ok(());
                    }
                }
            }
        }
    }
    .instrument(span)
    .await
}

async fn attempt(worker: &Worker, held: &Held, entry: &Entry, event: &Subject) -> Result<(), Trouble> {
    let runs = if event.takes_part() { run(worker, event).await? } else { Vec::new() };
    let effects = effects::of_runs(event, &runs, entry.id, worker.dedup_window, now());
    let span = info_span!(
        "commit",
        { names::OTEL_NAME } = names::SEND_CHANGES,
        { names::OTEL_KIND } = "producer",
        { names::MESSAGING_SYSTEM } = names::MESSAGING_REDIS,
        { names::MESSAGING_OPERATION_TYPE } = "send",
        { names::MESSAGING_OPERATION_NAME } = names::SEND_CHANGES,
        { names::MESSAGING_DESTINATION_NAME } = Stream::Changes.name(),
        { names::MESSAGING_DESTINATION_PARTITION_ID } = %held.fence.partition.0,
        { names::CHANGES } = names::number(runs.iter().map(|run| run.changes.len()).sum::<usize>()),
    );
    let trace = propagation::context_of(&span);
    let commit = worker.redis.commit(&held.fence, Group::Workflow, entry.id, &event.tenant, &effects, &trace);
    if commit.instrument(span).await? == Committed::Already {
        tracing::debug!(partition = held.fence.partition.0, entry = %entry.id, "was handled before");
    }
    Ok(())
}

/// Why not, where it cannot be handled at all.
fn decode(handed: &Handed, most_deliveries: u64) -> Result<Subject, &'static str> {
    if handed.entry.lost {
        return Err("TRIMMED");
    }
    if handed.deliveries > most_deliveries {
        return Err("TOO_MANY_DELIVERIES");
    }
    Subject::decode(&handed.entry.data).ok_or("UNREADABLE")
}

/// Reads what is known now, after the commit of this profile's event before, and runs the workflows on it: those of the
/// revision that the event was accepted under.
async fn run(worker: &Worker, event: &Subject) -> Result<Vec<Run>, Trouble> {
    let config = worker.revisions.of(&event.message.revision).await?;
    // A tenant whose configuration is gone has no workflows; its events are not kept waiting for one.
    let tenant = config.tenant(&event.tenant);
    let Some(tenant) = tenant.filter(|tenant| effects::concerns(tenant, &event.message.r#type)) else {
        return Ok(Vec::new());
    };
    let reading = worker.reader.read(&event.tenant, &event.profile, event.session.as_ref()).await?;
    let runs = event.runs(tenant, &reading, now());
    for run in &runs {
        tell(run, event);
    }
    Ok(runs)
}

/// A span for each run, under the event's.
fn tell(run: &Run, event: &Subject) {
    let refused: usize = run.steps.iter().map(|step| step.refused.len()).sum();
    let _span = info_span!(
        "run",
        { names::OTEL_NAME } = names::RUN_WORKFLOW,
        { names::TENANT } = event.tenant.as_str(),
        { names::WORKFLOW } = run.workflow,
        { names::EVENT_ID } = event.id.as_str(),
        { names::CHANGES } = names::number(run.changes.len()),
        { names::OUTCOME } = if run.failure.is_some() { "failed" } else { "done" },
    )
    .entered();
    if let Some(reason) = &run.failure {
        tracing::warn!(workflow = run.workflow, event = event.id.as_str(), %reason, "a run failed and did nothing");
    } else if refused > 0 {
        tracing::info!(
            workflow = run.workflow,
            event = event.id.as_str(),
            refused,
            "a run was refused some changes"
        );
    }
}

/// Takes an entry off the stream that cannot be handled, and keeps it where operators look.
async fn give_up(
    worker: &Worker,
    held: &Held,
    handed: &Handed,
    reason: &'static str,
) -> Result<(), StreamsError> {
    let entry = &handed.entry;
    tracing::error!(partition = held.fence.partition.0, entry = %entry.id, reason, "an event is given up on");
    let message = "no workflow ran for this event";
    let letter = letter::of_entry(entry, "event", reason, message, handed.deliveries, now());
    let mut effects = vec![Effect::Dead(letter)];
    if let Ok(event) = EventId::new(entry.event_id.as_str()) {
        effects.push(Effect::Seen {
            event,
            entry: entry.id,
            ending: Ending::Dead,
            life: worker.dedup_window,
        });
    }
    let tenant = TenantId::new(entry.tenant.as_str())
        .unwrap_or_else(|_| TenantId::new("unknown").expect("a word is an id"));
    worker.redis.commit(&held.fence, Group::Workflow, entry.id, &tenant, &effects, &entry.trace).await?;
    Ok(())
}

fn process_span(entry: &Entry, event_type: Option<&str>, p: PartitionId) -> Span {
    // Also where the caller does not record its trace: what is sent from here has to carry that on.
    let span = info_span!(
        "process",
        { names::OTEL_NAME } = names::PROCESS_EVENTS,
        { names::OTEL_KIND } = "consumer",
        { names::MESSAGING_SYSTEM } = names::MESSAGING_REDIS,
        { names::MESSAGING_OPERATION_TYPE } = "process",
        { names::MESSAGING_OPERATION_NAME } = names::PROCESS_EVENTS,
        { names::MESSAGING_DESTINATION_NAME } = Stream::Events.name(),
        { names::MESSAGING_DESTINATION_PARTITION_ID } = %p.0,
        { names::MESSAGING_CONSUMER_GROUP_NAME } = Group::Workflow.name(),
        { names::MESSAGING_MESSAGE_ID } = %entry.id,
        { names::TENANT } = entry.tenant,
        { names::EVENT_ID } = entry.event_id,
        { names::EVENT_TYPE } = event_type,
    );
    propagation::set_parent(&span, &entry.trace);
    span
}
