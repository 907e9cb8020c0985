//! A paused run whose time has come goes on, on the revision that it started on, and what it did is committed with the timer
//! (docs/protocol.md §6).

use crate::desk::{Caller, Desk, Resumed};
use crate::effects::{self, Circumstances};
use crate::error::Trouble;
use crate::events::Events;
use crate::lanes::Seat;
use crate::paused::Kept;
use crate::resumable::workflow_of;
use crate::revisions::Exactly;
use crate::subject::ground;
use prost::Message as _;
use std::collections::BTreeMap;
use std::time::Duration;
use tributary_engine::Handling;
use tributary_model::{ProfileId, StreamId, TenantId, TraceContext};
use tributary_proto::convert::time_to_wire;
use tributary_proto::v1;
use tributary_runtime::now;
use tributary_streams::{Effect, Gate, HandedOut, PausedTimer, RunCommit, StreamsError, timer_parts};

/// How long a run waits on whose configuration this release cannot prepare: another one may run here soon.
const POSTPONED: Duration = Duration::from_secs(60);

/// Why a timer that was handed out is not fired, but given up on.
pub(crate) fn refused(handed: HandedOut, most_deliveries: u64) -> Option<&'static str> {
    match handed {
        HandedOut::Times(times) if times > most_deliveries => Some("TOO_MANY_DELIVERIES"),
        HandedOut::Bare => Some("UNREADABLE"),
        HandedOut::Times(_) | HandedOut::Gone => None,
    }
}

/// Lets the run go on.
pub(crate) async fn fire(events: &Events<'_>, timer: &str, seat: &Seat<'_>) -> Result<(), Trouble> {
    let worker = events.worker;
    // Gone: an event made it go on meanwhile.
    let Some(found) = worker.redis.paused_run(&events.held.fence, timer).await? else { return Ok(()) };
    let Some(kept) = Kept::from_fields(&found.fields) else {
        return Ok(give_up(events, timer, "UNREADABLE").await?);
    };
    let config = match seat.resting_if_slow(worker.revisions.exactly(&kept.revision)).await? {
        Exactly::Here(config) => config,
        Exactly::Gone => return Ok(give_up(events, timer, "REVISION_GONE").await?),
        Exactly::Unprepared => {
            let (partition, revision) = (events.held.fence.partition.0, kept.revision.as_str());
            tracing::error!(
                partition,
                timer,
                revision,
                "a paused run waits for a release that can prepare its configuration"
            );
            return Ok(worker.redis.postpone(&events.held.fence, timer, POSTPONED).await?);
        }
    };
    let event = &kept.event;
    let (tenant, workflow) = (config.tenant(&event.tenant), workflow_of(&config, &kept));
    let (Some(tenant), Some(workflow), Some(documents)) = (tenant, workflow, event.documents()) else {
        return Ok(give_up(events, timer, "UNREADABLE").await?);
    };
    let reading = worker.reader.read(&event.tenant, &event.profile, event.session.as_ref());
    let known = reading.await?;
    let paused = worker.redis.paused(events.held.fence.partition, &event.tenant, &event.profile).await?.len();
    let handled = {
        let ground = ground(tenant, &event.profile, &known, now(), false);
        let mut handling = Handling::of_timer(ground, kept.run(timer, &workflow.graph, &documents), paused);
        let desk = Desk {
            worker,
            held: events.held,
            seat,
            event,
            // All that happened until now.
            position: StreamId::MAX,
            callers: vec![Caller { workflow, event, resumed: Some(Resumed { timer, trace: &kept.trace }) }],
        };
        desk.finish(&mut handling).await?
    };
    let kept_runs = BTreeMap::from([(timer.to_owned(), kept.clone())]);
    let around = Circumstances {
        revision: &kept.revision,
        kept: &kept_runs,
        took: &handled.took,
        trace: &kept.trace,
        now: now(),
    };
    let effects = effects::of_timer(&kept, &handled.finished, &around);
    // Already: an earlier attempt was committed, and its reply was lost.
    events.commit_run(Gate::Timer(timer), event, true, &handled.finished, &effects, &kept.trace).await?;
    Ok(())
}

/// Takes a timer off that cannot be fired, and keeps what it carried where operators look.
pub(crate) async fn give_up(
    events: &Events<'_>,
    timer: &str,
    reason: &'static str,
) -> Result<(), StreamsError> {
    let partition = events.held.fence.partition.0;
    tracing::error!(partition, timer, reason, "a paused run is given up on");
    let parts = timer_parts(timer).unwrap_or_default();
    let part = |index: usize| parts.get(index).map(String::as_str).unwrap_or("unknown");
    let unknown = || "unknown".to_owned();
    let tenant = TenantId::new(part(1)).or_else(|_| TenantId::new(unknown())).expect("a word is an id");
    let profile = ProfileId::new(part(2)).or_else(|_| ProfileId::new(unknown())).expect("a word is an id");
    let found = events.worker.redis.paused_run(&events.held.fence, timer).await?;
    let trace = found.as_ref().map_or_else(TraceContext::default, |found| found.trace.clone());
    let letter = v1::DeadLetter {
        tenant: tenant.to_string(),
        stage: "workflow".to_owned(),
        kind: "run".to_owned(),
        subject: part(3).to_owned(),
        reason: reason.to_owned(),
        message: message(reason, part(4)),
        time: Some(time_to_wire(now())),
        attempts: found.as_ref().map_or(0, |found| u32::try_from(found.attempts).unwrap_or(u32::MAX)),
        data: found.map(carried).unwrap_or_default().into(),
        ..v1::DeadLetter::default()
    };
    let effects = [Effect::Dead(letter.encode_to_vec())];
    let commit = RunCommit {
        gate: Gate::Timer(timer),
        tenant: &tenant,
        profile: &profile,
        looked: true,
        event_type: "",
        effects: &effects,
        trace: &trace,
    };
    events.worker.redis.commit_run(&events.held.fence, &commit).await?;
    Ok(())
}

/// All that the run would have gone on with.
fn carried(found: PausedTimer) -> Vec<u8> {
    v1::PausedRun { fields: found.fields }.encode_to_vec()
}

fn message(reason: &str, workflow: &str) -> String {
    match reason {
        "REVISION_GONE" => format!(
            "a paused run of workflow {workflow} cannot go on: the configuration that it started under is not there any more"
        ),
        "TOO_MANY_DELIVERIES" => format!(
            "a paused run of workflow {workflow} was handed out too often: it may be what ends the process"
        ),
        "PANICKED" => format!("a paused run of workflow {workflow} ended in a defect of the mesh"),
        _ => format!("a paused run of workflow {workflow} cannot be read"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_carries_nothing_or_comes_too_often_is_refused() {
        let reasons = [
            HandedOut::Times(1),
            HandedOut::Times(64),
            HandedOut::Times(65),
            HandedOut::Bare,
            HandedOut::Gone,
        ]
        .map(|handed| refused(handed, 64));
        assert_eq!(reasons, [None, None, Some("TOO_MANY_DELIVERIES"), Some("UNREADABLE"), None]);
    }
}
