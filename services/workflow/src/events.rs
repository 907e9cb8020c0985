//! An event is handled: its workflows run, and what they did is committed with it (docs/protocol.md §6).

use crate::desk::{Caller, Desk, Handled};
use crate::effects::{self, Circumstances, Place};
use crate::error::Trouble;
use crate::firing;
use crate::lanes::{Handler, LOOK, Seat};
use crate::letter;
use crate::resumable::Resumable;
use crate::subject::Subject;
use crate::told::Took;
use crate::worker::Worker;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::sleep;
use tracing::{Instrument, Span, info_span};
use tributary_config::{Config, Tenant};
use tributary_engine::Finished;
use tributary_model::{EventId, PartitionId, TenantId, TraceContext};
use tributary_runtime::now;
use tributary_runtime::telemetry::{names, propagation};
use tributary_streams::{
    Awaited, Effect, Ending, Entry, Gate, Group, Handed, HandedOut, Held, RunCommit, RunCommitted, Stream,
    StreamsError,
};

/// How long a lane waits before it tries again.
const PAUSE: Duration = Duration::from_millis(500);

/// Handles entries of `{p}:events`, and the timers of runs that they paused.
pub(crate) struct Events<'a> {
    pub(crate) worker: &'a Worker,
    pub(crate) held: &'a Held,
    /// Told of each pause that is over soon.
    pub(crate) soon: Notify,
}

impl Handler for Events<'_> {
    async fn handle(&self, handed: Handed, seat: &Seat<'_>) -> Result<(), StreamsError> {
        self.event(handed, seat).await
    }

    async fn give_up(&self, handed: Handed) -> Result<(), StreamsError> {
        give_up(self.worker, self.held, &handed, "PANICKED").await
    }

    fn soon(&self) -> Option<&Notify> {
        Some(&self.soon)
    }

    async fn fire(&self, timer: &str, seat: &Seat<'_>) -> Result<(), StreamsError> {
        let handed = self.worker.redis.hand_out(&self.held.fence, timer).await?;
        match firing::refused(handed, self.worker.settings.deliveries) {
            Some(reason) => firing::give_up(self, timer, reason).await,
            // An event made it go on meanwhile.
            None if handed == HandedOut::Gone => Ok(()),
            None => self.patiently(Task::Timer(timer), seat).await,
        }
    }

    async fn give_up_timer(&self, timer: &str) -> Result<(), StreamsError> {
        firing::give_up(self, timer, "PANICKED").await
    }
}

/// What is to be handled.
#[derive(Clone, Copy)]
enum Task<'t> {
    Event(&'t Entry, &'t Subject),
    Timer(&'t str),
}

/// What becomes of an event, before it is committed.
struct Ran {
    handled: Handled,
    resumable: Resumable,
    /// Whether the paused runs of the profile were looked at.
    looked: bool,
}

impl Events<'_> {
    async fn event(&self, handed: Handed, seat: &Seat<'_>) -> Result<(), StreamsError> {
        let event = decode(&handed, self.worker.settings.deliveries);
        let event_type = event.as_ref().map(|event| event.message.r#type.as_str()).ok();
        let span = process_span(&handed.entry, event_type, self.held.fence.partition);
        async {
            match &event {
                Ok(event) => self.patiently(Task::Event(&handed.entry, event), seat).await,
                Err(reason) => give_up(self.worker, self.held, &handed, reason).await,
            }
        }
        .instrument(span)
        .await
    }

    /// Tries for as long as it takes: what is behind it in its lane must not overtake it. From the first time on that it must
    /// wait, others may have its seat, also while it is tried: a database that is away takes long to say so.
    async fn patiently(&self, task: Task<'_>, seat: &Seat<'_>) -> Result<(), StreamsError> {
        if self.tried(task, seat).await? {
            return Ok(());
        }
        let again = async {
            loop {
                // Handed over unfinished: it is pending, or due, for the next owner.
                if self.held.stop.run_until_cancelled(sleep(PAUSE)).await.is_none() {
                    return Ok(());
                }
                if self.tried(task, seat).await? {
                    return Ok(());
                }
            }
        };
        seat.resting(again).await
    }

    /// False: it must be tried again.
    async fn tried(&self, task: Task<'_>, seat: &Seat<'_>) -> Result<bool, StreamsError> {
        let attempt = match task {
            Task::Event(entry, event) => self.attempt(entry, event, seat).await,
            Task::Timer(timer) => firing::fire(self, timer, seat).await,
        };
        match attempt {
            Ok(()) | Err(Trouble::Stopped) => Ok(true),
            Err(Trouble::Streams(error)) => Err(error),
            Err(Trouble::Wait(reason)) => {
                tracing::warn!(partition = self.held.fence.partition.0, %reason, "an event or a timer waits");
                Ok(false)
            }
        }
    }

    /// Runs the workflows of the revision that the event was accepted under, and commits what they did. An event that concerns
    /// none of them is committed without a look at the profile; the commit says if paused runs wait for it.
    async fn attempt(&self, entry: &Entry, event: &Subject, seat: &Seat<'_>) -> Result<(), Trouble> {
        let config = seat.resting_if_slow(self.worker.revisions.of(&event.message.revision)).await?;
        // A tenant whose configuration is gone has no workflows; its events are not kept waiting for one.
        let tenant = config.tenant(&event.tenant);
        let mut is_concerned = tenant.is_some_and(|tenant| event.concerns(tenant));
        loop {
            let ran = match tenant.filter(|_| is_concerned) {
                Some(tenant) => self.run(entry, event, tenant, seat).await?,
                None => Ran::nothing(tenant.is_none() || !event.resumes()),
            };
            match self.commit(entry, event, &config, &ran).await? {
                RunCommitted::Done { .. } => return Ok(()),
                RunCommitted::Already => {
                    tracing::debug!(partition = self.held.fence.partition.0, entry = %entry.id, "was handled before");
                    return Ok(());
                }
                RunCommitted::Waiters if !ran.looked => is_concerned = true,
                RunCommitted::Waiters => {
                    return Err(Trouble::Wait("a paused run went on meanwhile".to_owned()));
                }
            }
        }
    }

    /// Reads what is known now, after the commit of this profile's event before, and takes all runs as far as they come.
    async fn run(
        &self,
        entry: &Entry,
        event: &Subject,
        tenant: &Tenant,
        seat: &Seat<'_>,
    ) -> Result<Ran, Trouble> {
        let worker = self.worker;
        // Admission decoded the documents before the event was appended.
        let Some(documents) = event.documents() else { return Ok(Ran::nothing(true)) };
        let reading = worker.reader.read(&event.tenant, &event.profile, event.session.as_ref());
        let resumable = Resumable::by(event, worker, self.held);
        let (known, resumable) = tokio::join!(reading, resumable);
        let (known, resumable) = (known?, resumable?);
        let handled = {
            let details = entry.awaited == Awaited::Runs;
            let (waiting, paused) = (resumable.runs(), resumable.paused);
            let mut handling = event.begin(&documents, tenant, &known, waiting, paused, now(), details);
            let own = tenant.workflows.iter().map(|workflow| Caller { workflow, event, resumed: None });
            let desk = Desk {
                worker,
                held: self.held,
                seat,
                event,
                position: entry.id,
                callers: resumable.callers().chain(own).collect(),
            };
            desk.finish(&mut handling).await?
        };
        Ok(Ran { handled, resumable, looked: true })
    }

    async fn commit(
        &self,
        entry: &Entry,
        event: &Subject,
        config: &Config,
        ran: &Ran,
    ) -> Result<RunCommitted, Trouble> {
        let trace = trace_of(&Span::current(), &entry.trace);
        let around = Circumstances {
            revision: &config.revision,
            kept: &ran.resumable.kept,
            took: &ran.handled.took,
            trace: &trace,
            now: now(),
        };
        let place = Place {
            entry: entry.id,
            awaited: entry.awaited,
            keep_runs: self.worker.settings.keep_runs,
            life: self.worker.dedup_window,
        };
        let effects = effects::of_event(event, place, &ran.handled.finished, &around);
        let gate = Gate::Entry { group: Group::Workflow, entry: entry.id };
        self.commit_run(gate, event, ran.looked, &ran.handled.finished, &effects, &trace).await
    }

    /// Commits what runs of the event's profile did, in this trace.
    pub(crate) async fn commit_run(
        &self,
        gate: Gate<'_>,
        event: &Subject,
        looked: bool,
        finished: &Finished,
        effects: &[Effect],
        trace: &TraceContext,
    ) -> Result<RunCommitted, Trouble> {
        let span = commit_span(self.held.fence.partition, finished);
        propagation::set_parent(&span, trace);
        let trace = trace_of(&span, trace);
        let commit = RunCommit {
            gate,
            tenant: &event.tenant,
            profile: &event.profile,
            looked,
            event_type: &event.message.r#type,
            effects,
            trace: &trace,
        };
        let committed = self.worker.redis.commit_run(&self.held.fence, &commit).instrument(span).await?;
        if effects.iter().any(is_soon) {
            self.soon.notify_one();
        }
        Ok(committed)
    }
}

impl Ran {
    fn nothing(looked: bool) -> Self {
        let handled = Handled { finished: Finished::default(), took: Took::new() };
        Self { handled, resumable: Resumable::default(), looked }
    }
}

/// Whether it makes a timer that is due soon.
fn is_soon(effect: &Effect) -> bool {
    match effect {
        Effect::Pause { delay, .. } => *delay <= LOOK,
        Effect::Under { effect, .. } => is_soon(effect),
        _ => false,
    }
}

/// The trace that a span carries on: its own, or where there is no telemetry, or none of this span, the one that it came with.
fn trace_of(span: &Span, parent: &TraceContext) -> TraceContext {
    let own = propagation::context_of(span);
    if own.traceparent.is_empty() { parent.clone() } else { own }
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
            outcome: Vec::new(),
            announce: true,
            life: worker.dedup_window,
        });
    }
    let tenant = TenantId::new(entry.tenant.as_str())
        .unwrap_or_else(|_| TenantId::new("unknown").expect("a word is an id"));
    worker.redis.commit(&held.fence, Group::Workflow, entry.id, &tenant, &effects, &entry.trace).await?;
    Ok(())
}

fn commit_span(p: PartitionId, finished: &Finished) -> Span {
    info_span!(
        "commit",
        { names::OTEL_NAME } = names::SEND_CHANGES,
        { names::OTEL_KIND } = "producer",
        { names::MESSAGING_SYSTEM } = names::MESSAGING_REDIS,
        { names::MESSAGING_OPERATION_TYPE } = "send",
        { names::MESSAGING_OPERATION_NAME } = names::SEND_CHANGES,
        { names::MESSAGING_DESTINATION_NAME } = Stream::Changes.name(),
        { names::MESSAGING_DESTINATION_PARTITION_ID } = %p.0,
        { names::CHANGES } = names::number(finished.runs.iter().map(|run| run.changes.len()).sum::<usize>()),
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_telemetry_the_trace_that_came_is_carried_on() {
        let came = TraceContext { traceparent: "00-a-b-01".to_owned(), tracestate: "x=1".to_owned() };
        assert_eq!(trace_of(&Span::none(), &came), came);
        assert_eq!(trace_of(&commit_span(PartitionId(1), &Finished::default()), &came), came);
    }

    #[test]
    fn a_pause_that_is_over_soon_is_seen_under_another_trace_too() {
        let pause = |delay| Effect::Pause {
            timer: "t".to_owned(),
            profile: tributary_model::ProfileId::new("p").unwrap(),
            delay,
            awaits: Vec::new(),
            fields: Vec::new(),
        };
        let under = |effect| Effect::Under { trace: TraceContext::default(), effect: Box::new(effect) };
        assert!(is_soon(&pause(LOOK)) && is_soon(&under(pause(LOOK))));
        assert!(!is_soon(&under(pause(LOOK * 2))) && !is_soon(&Effect::Dead(Vec::new())));
    }
}
