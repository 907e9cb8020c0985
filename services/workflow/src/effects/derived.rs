//! Events that runs made, on their way to preprocess.

use prost::Message as _;
use tributary_engine::{Emit, RunOutcome};
use tributary_model::{MAX_DEPTH, Time};
use tributary_proto::convert::time_to_wire;
use tributary_proto::raw::RawStruct;
use tributary_proto::v1;
use tributary_streams::Effect;

use crate::subject::Subject;

/// Each event that a run made for `event`; one that lies too deep is parked instead.
pub(super) fn of(event: &Subject, run: &RunOutcome, now: Time) -> impl Iterator<Item = Effect> {
    let depth = event.message.derivation.as_ref().map_or(0, |derivation| derivation.depth) + 1;
    run.emits.iter().map(move |emit| {
        let request = request(event, emit, depth).encode_to_vec();
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
    })
}

fn request(event: &Subject, emit: &Emit, depth: u32) -> v1::ProcessRequest {
    let input = v1::EventInput {
        id: emit.id.to_string(),
        r#type: emit.event_type.clone(),
        time: Some(time_to_wire(emit.time)),
        properties: Some(RawStruct::from_object(&emit.properties)),
        ..v1::EventInput::default()
    };
    v1::ProcessRequest {
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
        ..v1::ProcessRequest::default()
    }
}
