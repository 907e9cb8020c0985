//! What the runs of an event come to, as one commit. Pure.

use crate::engine::Run;
use crate::subject::Subject;
use prost::Message;
use std::time::Duration;
use tributary_config::Tenant;
use tributary_model::{Change, MAX_DEPTH, StreamId, Time};
use tributary_proto::convert::{changes_to_wire, time_to_wire};
use tributary_proto::raw::RawStruct;
use tributary_proto::v1;
use tributary_streams::{Effect, Ending, Subject as Changed};

/// Whether any workflow of the tenant is about this type of event.
#[must_use]
pub fn concerns(tenant: &Tenant, event_type: &str) -> bool {
    tenant.workflows.iter().any(|workflow| workflow.trigger.events.matches(event_type))
}

/// Changes, derived events, and the end that a waiter finds. An event that changed nothing leaves a mark.
#[must_use]
pub fn of_runs(event: &Subject, runs: &[Run], entry: StreamId, life: Duration, now: Time) -> Vec<Effect> {
    let changes: Vec<Change> = runs.iter().flat_map(|run| run.changes.clone()).collect();
    let cause = format!("{}/2", event.id);
    let mut effects = vec![if changes.is_empty() {
        let set = v1::ChangeSet { changes: Vec::new(), ..change_set(event, now) };
        Effect::Mark { cause, set: set.encode_to_vec() }
    } else {
        let set = v1::ChangeSet {
            target: v1::Target::Profile.into(),
            id: event.profile.to_string(),
            origin: event.profile.to_string(),
            changes: changes_to_wire(&changes),
            ..change_set(event, now)
        };
        Effect::Changes { subject: Changed::Profile(event.profile.clone()), cause, set: set.encode_to_vec() }
    }];
    effects.extend(runs.iter().flat_map(|run| derived(event, run, now)));
    effects.push(Effect::Seen { event: event.id.clone(), entry, ending: Ending::Done, life });
    effects
}

fn change_set(event: &Subject, now: Time) -> v1::ChangeSet {
    v1::ChangeSet {
        tenant: event.tenant.to_string(),
        cause_event_id: event.id.to_string(),
        cause_stage: v1::Stage::Workflow.into(),
        received: Some(event.message.received.unwrap_or_else(|| time_to_wire(now))),
        ..v1::ChangeSet::default()
    }
}

/// Each event that a run made, on its way to preprocess; one that lies too deep is parked instead.
fn derived(event: &Subject, run: &Run, now: Time) -> Vec<Effect> {
    let depth = event.message.derivation.as_ref().map_or(0, |derivation| derivation.depth) + 1;
    let effects = run.emits.iter().map(|emit| {
        let input = v1::EventInput {
            id: emit.id.to_string(),
            r#type: emit.event_type.clone(),
            time: event.message.time,
            properties: Some(RawStruct::from_object(&emit.properties)),
        };
        let request = v1::ProcessRequest {
            tenant: event.tenant.to_string(),
            source: event.message.source.clone(),
            payload: Some(v1::TrackRequest {
                source: event.message.source.clone(),
                profile_id: event.profile.to_string(),
                events: vec![input],
                ..v1::TrackRequest::default()
            }),
            derivation: Some(v1::Derivation { cause_event_id: event.id.to_string(), depth }),
            // Whoever takes it must not be behind the revision that its cause was accepted under.
            revision: event.message.revision.clone(),
        }
        .encode_to_vec();
        if depth <= MAX_DEPTH {
            return Effect::Forward { event: emit.id.clone(), profile: event.profile.clone(), request };
        }
        let letter = v1::DeadLetter {
            tenant: event.tenant.to_string(),
            stage: "workflow".to_owned(),
            kind: "forward".to_owned(),
            subject: emit.id.to_string(),
            reason: "TOO_DEEP".to_owned(),
            message: format!(
                "workflow {} made an event {depth} derivations away from a client's",
                run.workflow
            ),
            time: Some(time_to_wire(now)),
            data: request.into(),
            ..v1::DeadLetter::default()
        };
        Effect::Dead(letter.encode_to_vec())
    });
    effects.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Emit;
    use tributary_model::{EventId, ProfileId, TenantId};

    fn event(depth: u32) -> Subject {
        let derivation = v1::Derivation { cause_event_id: "c".to_owned(), depth };
        Subject {
            message: v1::Event {
                derivation: (depth > 0).then_some(derivation),
                revision: "12-3fa9c1d2".to_owned(),
                ..v1::Event::default()
            },
            tenant: TenantId::new("t").unwrap(),
            id: EventId::new("e").unwrap(),
            profile: ProfileId::new("p").unwrap(),
            session: None,
        }
    }

    fn emitting() -> Run {
        let emit = Emit {
            id: EventId::new("d").unwrap(),
            event_type: "became-loyal".to_owned(),
            properties: serde_json::Map::new(),
        };
        let workflow = "loyal".to_owned();
        Run { workflow, changes: Vec::new(), emits: vec![emit], steps: Vec::new(), failure: None }
    }

    fn effects(depth: u32, runs: &[Run]) -> Vec<Effect> {
        of_runs(&event(depth), runs, StreamId::new(1, 0), Duration::from_secs(1), Time::from_micros(0))
    }

    #[test]
    fn every_event_leaves_an_entry_in_changes_and_an_end() {
        let effects = effects(0, &[]);
        let [Effect::Mark { cause, .. }, Effect::Seen { ending: Ending::Done, .. }] = effects.as_slice()
        else {
            panic!("{effects:?}")
        };
        assert_eq!(cause, "e/2");
    }

    #[test]
    fn a_derived_event_says_where_it_comes_from_and_under_what_and_one_too_deep_is_parked() {
        let forwarded = effects(7, &[emitting()]);
        let Effect::Forward { request, .. } = &forwarded[1] else { panic!("{forwarded:?}") };
        let request = v1::ProcessRequest::decode(request.as_slice()).unwrap();
        assert_eq!(
            request.revision, "12-3fa9c1d2",
            "preprocess must not be behind what its cause was run under"
        );
        assert_eq!(request.derivation.unwrap(), v1::Derivation { cause_event_id: "e".to_owned(), depth: 8 });
        let parked = effects(8, &[emitting()]);
        assert!(matches!(&parked[1], Effect::Dead(_)), "{parked:?}");
    }
}
