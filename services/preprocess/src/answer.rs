//! What the caller is told. Pure.

use crate::payload::{AcceptedEvent, Payload, RefusedEvent, warning};
use crate::plan::{Plan, Planned};
use crate::process::Walk;
use crate::start::Named;
use tributary_model::{Change, EventId, Members, ProfileId, StreamId, deltas};
use tributary_proto::convert::{deltas_to_wire, profile_to_wire, session_to_wire};
use tributary_proto::v1;
use tributary_streams::{AppendedEvent, Reading};

/// What became of a payload.
pub(crate) struct Outcome {
    /// Where its events were appended.
    pub(crate) at: ProfileId,
    /// What was known before.
    pub(crate) before: Reading,
    /// What was planned on that.
    pub(crate) plan: Plan,
    /// What the slot answered, one for each planned event.
    pub(crate) events: Vec<AppendedEvent>,
    /// Something was appended between the read and this append.
    pub(crate) overtaken: bool,
    /// What is known now, read again because some events were duplicates or another call came between.
    pub(crate) reread: Option<Reading>,
    /// The session's members at the profile that it is bound to, if that is another one.
    pub(crate) elsewhere: Members,
}

impl Outcome {
    pub(crate) fn has_duplicates(&self) -> bool {
        self.events.contains(&AppendedEvent::Duplicate)
    }

    /// The units that were written, in the order of the stream.
    fn written(&self) -> Vec<&Planned> {
        let mut written = Vec::new();
        for (planned, appended) in self.plan.events.iter().zip(&self.events) {
            let AppendedEvent::Accepted { created_profile, opened_visit, .. } = appended else { continue };
            written.extend(self.plan.created.iter().filter(|_| *created_profile));
            written.extend(planned.visit_started.iter().filter(|_| *opened_visit));
            written.push(&planned.event);
        }
        written
    }

    /// The last entries of the profile and, where there is one, of the session.
    fn versions(&self) -> Option<(StreamId, StreamId)> {
        self.events.iter().rev().find_map(|event| match event {
            AppendedEvent::Accepted { profile_version, last_change, .. } => {
                Some((*profile_version, *last_change))
            }
            AppendedEvent::Duplicate => None,
        })
    }
}

/// The answer to a payload of which no event can be accepted: nothing was written, and nobody is told of.
pub(crate) fn nothing_accepted(
    payload: &Payload,
    plan: &Plan,
    durability: v1::Durability,
    revision: &str,
) -> v1::TrackResponse {
    v1::TrackResponse {
        events: results(payload, plan, &[]),
        durability: durability.into(),
        revision: revision.to_owned(),
        ..v1::TrackResponse::default()
    }
}

/// The answer to a payload that was appended.
pub(crate) fn encode(
    outcome: &Outcome,
    payload: &Payload,
    named: &Named,
    walk: &Walk<'_>,
    durability: v1::Durability,
    revision: &str,
) -> v1::TrackResponse {
    let now = walk.received();
    let written = outcome.written();
    let profile_changes: Vec<Change> = written.iter().flat_map(|unit| unit.profile_changes.clone()).collect();
    let versions = outcome.versions();

    let before = &outcome.before.profile;
    let (after, profile_deltas) = deltas(&before.state, &profile_changes, now);
    let version = versions.map_or(before.version, |(profile, _)| profile);
    let profile_deltas = deltas_to_wire(before.version, version, &profile_deltas);
    let (known_version, known) = match &outcome.reread {
        Some(reading) => (reading.profile.version, &reading.profile.state),
        None => (version, &after),
    };
    let profile = Members::one(outcome.at.clone(), known_version, known.clone());

    let (session, session_deltas) = match walk.session() {
        None => (None, None),
        Some((session, bound)) => {
            let changes: Vec<Change> = written.iter().flat_map(|unit| unit.session_changes.clone()).collect();
            let (version, state) = outcome
                .before
                .session
                .get(&outcome.at)
                .map(|(version, state)| (version, state.clone()))
                .unwrap_or_default();
            let (after, session_deltas) = deltas(&state, &changes, now);
            let version_after = versions.map_or(version, |(_, last)| last);
            let mut members = match &outcome.reread {
                Some(reading) => reading.session.clone(),
                None => {
                    let mut members = outcome.before.session.clone();
                    members.insert(outcome.at.clone(), version_after, after);
                    members
                }
            };
            members.join(outcome.elsewhere.clone());
            let view = members.total().view(now);
            let session = session_to_wire(walk.tenant_id(), session, bound, &members, &view);
            (Some(session), Some(deltas_to_wire(version, version_after, &session_deltas)))
        }
    };

    let mut warnings = Vec::new();
    if let Named::Untrusted(_) = named {
        let text = "this id is not one the mesh made; use the profile id of the answer from now on";
        warnings.push(warning(v1::WarningCode::ProfileReplaced, "profile_id", text));
    }
    v1::TrackResponse {
        receipt: receipt(&outcome.events),
        profile: Some(profile_to_wire(walk.tenant_id(), &outcome.at, &profile, &profile.total().view(now))),
        session,
        profile_deltas: Some(profile_deltas),
        session_deltas,
        events: results(payload, &outcome.plan, &outcome.events),
        warnings,
        durability: durability.into(),
        revision: revision.to_owned(),
    }
}

/// The place of the first accepted event; empty where all were known.
fn receipt(events: &[AppendedEvent]) -> String {
    let first = events.iter().find_map(|event| match event {
        AppendedEvent::Accepted { entry, .. } => Some(entry.to_string()),
        AppendedEvent::Duplicate => None,
    });
    first.unwrap_or_default()
}

fn results(payload: &Payload, plan: &Plan, appended: &[AppendedEvent]) -> Vec<v1::EventResult> {
    let mut results: Vec<v1::EventResult> = payload.events.iter().map(|event| result(event, None)).collect();
    for (planned, appended) in plan.events.iter().zip(appended) {
        results[planned.index] = result(&payload.events[planned.index], Some(appended));
    }
    for (index, violation) in &plan.refused {
        results[*index].violations.push(violation.clone());
    }
    results
}

fn result(event: &Result<AcceptedEvent, RefusedEvent>, appended: Option<&AppendedEvent>) -> v1::EventResult {
    let status = match appended {
        Some(AppendedEvent::Accepted { .. }) => v1::EventStatus::Accepted,
        Some(AppendedEvent::Duplicate) => v1::EventStatus::Duplicate,
        None => v1::EventStatus::Invalid,
    };
    match event {
        Ok(event) => v1::EventResult {
            event_id: event.id.to_string(),
            status: status.into(),
            violations: Vec::new(),
            warnings: event.warnings.clone(),
        },
        Err(refused) => v1::EventResult {
            event_id: refused.id.as_ref().map(EventId::to_string).unwrap_or_default(),
            status: v1::EventStatus::Invalid.into(),
            violations: refused.violations.clone(),
            warnings: Vec::new(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::violation;
    use serde_json::Map;
    use tributary_model::Time;

    fn accepted(id: &str) -> AcceptedEvent {
        AcceptedEvent {
            id: EventId::new(id).unwrap(),
            event_type: "purchase".to_owned(),
            time: Time::from_micros(0),
            properties: Map::new(),
            raw_properties: None,
            warnings: Vec::new(),
        }
    }

    #[test]
    fn where_every_event_is_invalid_each_is_told_by_its_id_and_nobody_else_is_told_of() {
        let refused = |id: Option<&str>, reason: &str| RefusedEvent {
            id: id.map(|id| EventId::new(id).unwrap()),
            violations: vec![violation("path", reason, "")],
        };
        let payload = Payload {
            request_id: None,
            named_profile: None,
            session: None,
            context: Map::new(),
            raw_context: None,
            events: vec![
                Err(refused(Some("typeless"), "EVENT_TYPE_REQUIRED")),
                Err(refused(None, "INVALID_ID")),
                Ok(accepted("wordy")),
            ],
        };
        let plan = Plan { refused: vec![(2, violation("path", "NOT_A_NUMBER", ""))], ..Plan::default() };
        let answer = nothing_accepted(&payload, &plan, v1::Durability::Fsync, "revision");
        let told: Vec<_> = answer
            .events
            .iter()
            .map(|event| (event.status(), event.event_id.as_str(), event.violations[0].reason.as_str()))
            .collect();
        let invalid = v1::EventStatus::Invalid;
        assert_eq!(
            told,
            [
                (invalid, "typeless", "EVENT_TYPE_REQUIRED"),
                (invalid, "", "INVALID_ID"),
                (invalid, "wordy", "NOT_A_NUMBER")
            ]
        );
        assert!(answer.receipt.is_empty() && answer.profile.is_none() && answer.profile_deltas.is_none());
    }
}
