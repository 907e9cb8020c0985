//! What callers are told of events.

use super::*;
use crate::payload::violation;
use serde_json::{Map, json};
use tributary_model::Time;
use tributary_proto::raw::RawStruct;
use tributary_streams::{Awaited, Known, Unit};

fn place(ms: u64) -> StreamId {
    StreamId::new(ms, 0)
}

fn unit(id: &str) -> Unit {
    let (event, profile_changes, awaited) = (Vec::new(), Vec::new(), Awaited::No);
    Unit { id: EventId::new(id).unwrap(), event, profile_changes, session_changes: None, awaited }
}

#[test]
fn what_is_waited_for_is_the_entry_that_was_appended_or_the_one_that_was_there() {
    let waited_for = |id: &str, wait_for| Ok(AcceptedEvent { wait_for, ..accepted(id) });
    let refused = RefusedEvent { id: None, violations: Vec::new() };
    let payload = Payload {
        events: vec![
            waited_for("new", WaitFor::Stored),
            Err(refused),
            waited_for("new", WaitFor::Workflow),
            waited_for("not", WaitFor::Accepted),
            waited_for("known", WaitFor::Workflow),
        ],
        ..of_nothing()
    };
    let planned = |(index, id)| PlannedEvent {
        index,
        time: Time::from_micros(0),
        event: Planned {
            unit: unit(id),
            profile_changes: Vec::new(),
            session_changes: Vec::new(),
            marked: Marked::default(),
        },
        visit_started: None,
    };
    let appended = |entry, profile_version, last_change| AppendedEvent::Accepted {
        entry,
        profile_version,
        last_change,
        created_profile: false,
        opened_visit: false,
    };
    let nowhere = StreamId::default();
    let outcome = Outcome {
        at: ProfileId::new("p").unwrap(),
        before: Reading {
            profile_id: ProfileId::new("p").unwrap(),
            profile: Known::default(),
            session: Members::default(),
            walked: Vec::new(),
        },
        plan: Plan {
            created: None,
            events: [(0, "new"), (2, "new"), (3, "not"), (4, "known")].map(planned).into(),
        },
        events: vec![
            appended(place(10), place(8), place(9)),
            AppendedEvent::Duplicate { entry: nowhere, version: nowhere },
            appended(place(20), place(18), place(19)),
            AppendedEvent::Duplicate { entry: place(5), version: place(6) },
        ],
        waited: Vec::new(),
        overtaken: false,
        reread: None,
        elsewhere: Members::default(),
    };
    let expected: Vec<_> = outcome
        .expected(&payload)
        .into_iter()
        .map(|expected| (expected.entry, expected.version, expected.last_change, expected.level))
        .collect();
    assert_eq!(
        expected,
        [
            (place(10), place(8), place(9), WaitFor::Stored),
            (place(10), place(8), place(9), WaitFor::Workflow),
            (place(5), place(6), place(6), WaitFor::Workflow),
        ]
    );
}

#[test]
fn runs_are_told_to_whoever_asked_for_them_and_the_response_to_all_who_waited() {
    let response = json!({"content": "shoes"}).as_object().map(RawStruct::from_object);
    let outcome = v1::Outcome {
        response: response.clone(),
        runs: vec![v1::WorkflowRun::default()],
        not_triggered: vec![v1::NotTriggered::default()],
        ..Default::default()
    };
    let waited =
        Waited { reached: WaitFor::Workflow, wait: Some(v1::WaitOutcome::TimedOut), outcome: Some(outcome) };
    for (with_runs, runs) in [(false, 0), (true, 1)] {
        let mut result = v1::EventResult::default();
        tell(&waited, with_runs, &mut result);
        assert_eq!((result.reached(), result.wait()), (v1::WaitFor::Workflow, v1::WaitOutcome::TimedOut));
        assert_eq!((&result.response, result.runs.len()), (&response, runs));
        assert_eq!(result.not_triggered.len(), runs);
    }
}

fn of_nothing() -> Payload {
    Payload {
        request_id: None,
        named_profile: None,
        session: None,
        context: Map::new(),
        raw_context: None,
        historical: false,
        events: Vec::new(),
    }
}

fn accepted(id: &str) -> AcceptedEvent {
    AcceptedEvent {
        id: EventId::new(id).unwrap(),
        event_type: "purchase".to_owned(),
        time: Time::from_micros(0),
        properties: Map::new(),
        raw_properties: None,
        warnings: Vec::new(),
        wait_for: WaitFor::Accepted,
    }
}

#[test]
fn where_every_event_is_invalid_each_is_told_by_its_id_and_nobody_else_is_told_of() {
    let refused = |id: Option<&str>, reason: &str| RefusedEvent {
        id: id.map(|id| EventId::new(id).unwrap()),
        violations: vec![violation("path", reason, "")],
    };
    let payload = Payload {
        events: vec![Err(refused(Some("typeless"), "EVENT_TYPE_REQUIRED")), Err(refused(None, "INVALID_ID"))],
        ..of_nothing()
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
    let payload = Payload { events: vec![Ok(accepted("a")), Ok(accepted("b"))], ..of_nothing() };
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
    let unit = unit("b");
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
    let duplicate = AppendedEvent::Duplicate { entry: StreamId::new(1, 0), version: StreamId::new(1, 0) };
    let results = results(&payload, &plan, &[duplicate, accepted]);
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
