//! A planned event as the stream carries it.

use super::{AcceptedEvent, Ground, Marked, Payload};
use prost::Message;
use tributary_model::Change;
use tributary_proto::convert::{changes_to_wire, time_to_wire};
use tributary_proto::v1;
use tributary_streams::{Awaited, Unit};

pub(super) fn unit(
    event: &AcceptedEvent,
    marked: &Marked,
    derivation: Option<v1::Derivation>,
    profile_changes: &[Change],
    session_changes: &[Change],
    payload: &Payload,
    ground: &Ground<'_>,
) -> Unit {
    let message = v1::Event {
        tenant: ground.tenant.to_string(),
        id: event.id.to_string(),
        r#type: event.event_type.clone(),
        source: ground.source.to_string(),
        profile_id: ground.profile.to_string(),
        session_id: ground.session.map(|(session, _)| session.to_string()).unwrap_or_default(),
        time: Some(time_to_wire(event.time)),
        received: Some(time_to_wire(ground.received)),
        properties: event.raw_properties.clone(),
        context: payload.raw_context.clone(),
        revision: ground.revision.to_owned(),
        // What comes along with the event is derived, and triggers what it triggers.
        workflow: if derivation.is_none() { ground.workflow.to_owned() } else { String::new() },
        derivation,
        request_id: payload.request_id.clone().unwrap_or_default(),
        historical: payload.historical,
        problems: marked.problems.clone(),
        invalid: marked.invalid,
    };
    let profile_set = v1::ChangeSet {
        target: v1::Target::Profile.into(),
        id: ground.profile.to_string(),
        ..change_set(event, profile_changes, payload, ground)
    };
    let session_set = ground.session.map(|(session, bound)| v1::ChangeSet {
        target: v1::Target::Session.into(),
        id: session.to_string(),
        bound_profile_id: bound.to_string(),
        ..change_set(event, session_changes, payload, ground)
    });
    Unit {
        id: event.id.clone(),
        event: message.encode_to_vec(),
        profile_changes: profile_set.encode_to_vec(),
        session_changes: session_set.map(|set| set.encode_to_vec()),
        awaited: Awaited::No,
    }
}

fn change_set(
    event: &AcceptedEvent,
    changes: &[Change],
    payload: &Payload,
    ground: &Ground<'_>,
) -> v1::ChangeSet {
    v1::ChangeSet {
        tenant: ground.tenant.to_string(),
        origin: ground.profile.to_string(),
        cause_event_id: event.id.to_string(),
        cause_stage: v1::Stage::Preprocess.into(),
        received: Some(time_to_wire(ground.received)),
        changes: changes_to_wire(changes),
        historical: payload.historical,
        ..v1::ChangeSet::default()
    }
}
