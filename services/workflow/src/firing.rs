//! A paused run whose time has come goes on, on the revision that it started on, and what it did is committed with the timer
//! (docs/protocol.md §6).

use crate::desk::{Caller, Desk};
use crate::effects::{self, Circumstances};
use crate::error::Trouble;
use crate::events::Events;
use crate::paused::Kept;
use crate::resumable::workflow_of;
use crate::subject::ground;
use prost::Message as _;
use std::collections::BTreeMap;
use tokio::time::Instant;
use tributary_engine::{Handling, MAX_CALLING};
use tributary_model::{ProfileId, StreamId, TenantId, TraceContext};
use tributary_proto::convert::time_to_wire;
use tributary_proto::v1;
use tributary_runtime::now;
use tributary_streams::{Effect, Gate, RunCommit, StreamsError, timer_parts};

/// Lets the run go on.
pub(crate) async fn fire(events: &Events<'_>, timer: &str) -> Result<(), Trouble> {
    let worker = events.worker;
    // Gone: an event made it go on meanwhile.
    let Some(found) = worker.redis.paused_run(&events.held.fence, timer).await? else { return Ok(()) };
    let Some(kept) = Kept::from_fields(&found.fields) else {
        return Ok(give_up(events, timer, "UNREADABLE").await?);
    };
    let Some(config) = worker.revisions.exactly(&kept.revision).await? else {
        return Ok(give_up(events, timer, "REVISION_GONE").await?);
    };
    let event = &kept.event;
    let (tenant, workflow) = (config.tenant(&event.tenant), workflow_of(&config, &kept));
    let (Some(tenant), Some(workflow), Some(documents)) = (tenant, workflow, event.documents()) else {
        return Ok(give_up(events, timer, "UNREADABLE").await?);
    };
    let until = Instant::now() + MAX_CALLING;
    let known = worker.reader.read(&event.tenant, &event.profile, event.session.as_ref()).await?;
    let paused = worker.redis.paused(events.held.fence.partition, &event.tenant, &event.profile).await?.len();
    let handled = {
        let ground = ground(tenant, &event.profile, &known, now(), false);
        let mut handling = Handling::of_timer(ground, kept.run(timer, &workflow.graph, &documents), paused);
        let desk = Desk {
            worker,
            held: events.held,
            event,
            // All that happened until now.
            position: StreamId::MAX,
            until,
            callers: vec![Caller { workflow, event, resumed: Some(&kept.trace) }],
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
        data: found.and_then(|mut found| found.fields.remove("event")).unwrap_or_default().into(),
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

fn message(reason: &str, workflow: &str) -> String {
    match reason {
        "REVISION_GONE" => format!(
            "a paused run of workflow {workflow} cannot go on: the configuration that it started under is not there any more"
        ),
        "PANICKED" => format!("a paused run of workflow {workflow} ended in a defect of the mesh"),
        _ => format!("a paused run of workflow {workflow} cannot be read"),
    }
}
