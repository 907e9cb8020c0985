//! What callers are told of events.

use super::*;
use crate::payload::violation;
use crate::plan::PlannedEvent;
use serde_json::Map;
use tributary_model::Time;
use tributary_streams::Unit;

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
        historical: false,
        events: vec![Err(refused(Some("typeless"), "EVENT_TYPE_REQUIRED")), Err(refused(None, "INVALID_ID"))],
    };
    let answer = nothing_accepted(&payload, v1::Durability::Fsync, "revision");
    let told: Vec<_> = answer
        .events
        .iter()
        .map(|event| (event.status(), event.event_id.as_str(), event.violations[0].reason.as_str()))
        .collect();
    let invalid = v1::EventStatus::Invalid;
    assert_eq!(told, [(invalid, "typeless", "EVENT_TYPE_REQUIRED"), (invalid, "", "INVALID_ID")]);
    assert!(answer.receipt.is_empty() && answer.profile.is_none() && answer.profile_deltas.is_none());
}

#[test]
fn what_is_marked_on_an_accepted_event_is_warned_of() {
    let payload = Payload {
        request_id: None,
        named_profile: None,
        session: None,
        context: Map::new(),
        raw_context: None,
        historical: false,
        events: vec![Ok(accepted("a")), Ok(accepted("b"))],
    };
    let problem = |document: &str, path: &str, reason: &str| v1::EventProblem {
        document: document.to_owned(),
        path: path.to_owned(),
        reason: reason.to_owned(),
        description: "told".to_owned(),
    };
    let problems = vec![
        problem("Schema purchase", "properties.value", "SCHEMA_VIOLATED"),
        problem("Mapping purchase", "purchases.total", "NOT_A_NUMBER"),
        problem("Mapping purchase", "", "CONDITION_FAILED"),
    ];
    let unit = Unit {
        id: EventId::new("b").unwrap(),
        event: Vec::new(),
        profile_changes: Vec::new(),
        session_changes: None,
    };
    let planned = |index: usize| PlannedEvent {
        index,
        time: Time::from_micros(0),
        event: Planned {
            unit: unit.clone(),
            profile_changes: Vec::new(),
            session_changes: Vec::new(),
            marked: Marked { problems: problems.clone(), invalid: true },
        },
        visit_started: None,
    };
    let plan = Plan { created: None, events: vec![planned(0), planned(1)] };
    let entry = StreamId::default();
    let accepted = AppendedEvent::Accepted {
        entry,
        profile_version: entry,
        last_change: entry,
        created_profile: false,
        opened_visit: false,
    };
    let results = results(&payload, &plan, &[AppendedEvent::Duplicate, accepted]);
    assert!(results[0].warnings.is_empty(), "the marks of a duplicate stand on the event that was accepted");
    let warned: Vec<_> = results[1]
        .warnings
        .iter()
        .map(|warning| (warning.code(), warning.path.as_str(), warning.message.as_str()))
        .collect();
    assert_eq!(
        warned,
        [
            (v1::WarningCode::SchemaViolated, "events[1].properties.value", "Schema purchase: told"),
            (v1::WarningCode::MappingFailed, "events[1]", "Mapping purchase: purchases.total: told"),
            (v1::WarningCode::MappingFailed, "events[1]", "Mapping purchase: told"),
        ]
    );
}
