//! What comes in as a client sends it, and what goes out to destinations.

use serde_json::{Map, Value, json};
use tributary_config::ScenarioPayload;
use tributary_model::ProfileId;
use tributary_proto::{convert::time_to_wire, raw::RawStruct, v1};
use tributary_streams::Subject as Changed;

use super::World;
use crate::scenario::timers::Timer;

impl World<'_> {
    /// Sends what a workflow sends.
    pub(super) fn send(&mut self, fields: &[(&'static str, String)]) {
        let field = |name| fields.iter().find(|(one, _)| *one == name).map(|(_, value)| value.as_str());
        let body = serde_json::from_str(field("body").unwrap_or_default());
        let body: Value = body.expect("a delivery is JSON");
        self.happened.deliveries.push(json!({
            "destination": field("destination"),
            "time": self.now.to_string(),
            "profile_id": field("profile"),
            "body": body,
        }));
    }

    /// Sends the profile as it is now.
    pub(super) fn deliver(&mut self, timer: &Timer) {
        let field = |name| timer.fields.get(name).map(String::as_str).unwrap_or_default();
        let Ok(profile) = ProfileId::new(field("profile")) else { return };
        let known = self.processor.slots.known(&Changed::Profile(profile.clone()));
        let kinds = &self.tenant.kinds;
        let (tenant, destination) = (&self.tenant_id, field("destination"));
        let body =
            tributary_dispatcher::message::body(tenant, destination, &profile, &known, kinds, self.now);
        let body: Value = serde_json::from_slice(&body).expect("a delivery is JSON");
        self.happened.deliveries.push(json!({
            "destination": body["destination"],
            "time": self.now.to_string(),
            "profile_id": body["profile"]["id"],
            "profile": body["profile"]["fields"],
        }));
    }
}

/// The payload as a client would send it. Ids are made up where they are left out, unless the call has one.
pub(super) fn wire(payload: &ScenarioPayload, numbered: &mut usize) -> v1::TrackRequest {
    let object = |object: &Map<String, Value>| (!object.is_empty()).then(|| RawStruct::from_object(object));
    let events = payload.events.iter().map(|event| {
        *numbered += 1;
        let made_up =
            || if payload.request_id.is_empty() { format!("event-{numbered}") } else { String::new() };
        v1::EventInput {
            id: event.id.clone().unwrap_or_else(made_up),
            r#type: event.event_type.clone(),
            time: event.time.map(time_to_wire),
            properties: object(&event.properties),
            ..v1::EventInput::default()
        }
    });
    v1::TrackRequest {
        source: payload.source.to_string(),
        request_id: payload.request_id.clone(),
        profile_id: payload.profile_id.clone(),
        session_id: payload.session_id.clone(),
        context: object(&payload.context),
        events: events.collect(),
        options: payload
            .historical
            .then_some(v1::TrackOptions { historical: true, ..v1::TrackOptions::default() }),
    }
}
