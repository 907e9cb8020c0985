use super::*;
use proptest::prelude::*;
use prost_types::Timestamp;
use serde_json::json;

const RECEIVED: Time = Time::from_micros(1_700_000_000_000_000);

fn checked(request: v1::TrackRequest, waive_ids: bool) -> Result<Payload, PayloadError> {
    let key = IdKey::new("a secret of sixteen bytes or more").unwrap();
    let circumstances = Circumstances {
        tenant: &TenantId::new("acme").unwrap(),
        source: &SourceName::new("web").unwrap(),
        waive_ids,
        wait_for: tributary_config::WaitFor::Accepted,
        received: RECEIVED,
        is_derived: false,
        key: &key,
        random: 7,
    };
    check(request, &circumstances)
}

fn document(value: Value) -> Option<RawStruct> {
    Some(RawStruct::from_object(value.as_object().unwrap()))
}

fn event(id: &str) -> v1::EventInput {
    v1::EventInput {
        id: id.to_owned(),
        r#type: "purchase".to_owned(),
        time: None,
        properties: None,
        ..v1::EventInput::default()
    }
}

fn payload(events: Vec<v1::EventInput>) -> v1::TrackRequest {
    v1::TrackRequest { events, ..v1::TrackRequest::default() }
}

/// The reasons for which the only event is refused.
fn reasons(event: v1::EventInput) -> Vec<(String, String)> {
    let payload = checked(payload(vec![event]), false).unwrap();
    let refused = payload.events.into_iter().next().unwrap().unwrap_err();
    refused.violations.into_iter().map(|violation| (violation.path, violation.reason)).collect()
}

fn one(path: &str, reason: &str) -> Vec<(String, String)> {
    vec![(path.to_owned(), reason.to_owned())]
}

fn accepted(event: v1::EventInput) -> AcceptedEvent {
    checked(payload(vec![event]), false).unwrap().events.into_iter().next().unwrap().unwrap()
}

#[test]
fn a_payload_carries_one_to_a_hundred_events() {
    assert!(matches!(checked(payload(vec![]), false), Err(PayloadError::NoEvents)));
    let many = (0..101).map(|n| event(&n.to_string())).collect();
    assert!(matches!(checked(payload(many), false), Err(PayloadError::TooManyEvents { count: 101 })));
}

#[test]
fn an_event_needs_an_id_or_a_call_that_has_one() {
    assert_eq!(reasons(event("")), one("events[0].id", "EVENT_ID_REQUIRED"));
    let named = |request_id: &str| {
        let request =
            v1::TrackRequest { request_id: request_id.to_owned(), ..payload(vec![event(""), event("")]) };
        let ids = checked(request, false).unwrap().events;
        ids.into_iter().map(|event| event.unwrap().id).collect::<Vec<_>>()
    };
    assert_eq!(named("r1"), named("r1"), "a retry has the same ids");
    assert_ne!(named("r1")[0], named("r1")[1]);
    assert_ne!(named("r1")[0], named("r2")[0]);
}

#[test]
fn a_source_may_waive_ids_and_the_answer_says_what_that_costs() {
    let payload = checked(payload(vec![event(""), event("e")]), true).unwrap();
    let codes: Vec<Vec<v1::WarningCode>> = payload
        .events
        .iter()
        .map(|event| event.as_ref().unwrap().warnings.iter().map(v1::Warning::code).collect())
        .collect();
    assert_eq!(codes, [vec![v1::WarningCode::NotIdempotent], vec![]]);
}

#[test]
fn an_event_needs_a_type() {
    let untyped = v1::EventInput { r#type: String::new(), ..event("e") };
    assert_eq!(reasons(untyped), one("events[0].type", "EVENT_TYPE_REQUIRED"));
    let long = v1::EventInput { r#type: "x".repeat(129), ..event("e") };
    assert_eq!(reasons(long), one("events[0].type", "INVALID_TYPE"));
}

#[test]
fn a_broken_time_is_refused_and_one_ahead_of_the_clock_is_clamped() {
    let at = |seconds, nanos| v1::EventInput { time: Some(Timestamp { seconds, nanos }), ..event("e") };
    assert_eq!(reasons(at(0, -1)), one("events[0].time", "INVALID_TIME"));
    assert_eq!(reasons(at(i64::MAX, 0)), one("events[0].time", "INVALID_TIME"));
    let ahead = accepted(at(32_472_144_000, 0));
    assert_eq!(ahead.time, RECEIVED);
    assert_eq!(ahead.warnings[0].code(), v1::WarningCode::TimeClamped);
    assert_eq!(accepted(at(852_076_800, 0)).time.to_string(), "1997-01-01T00:00:00Z");
}

#[test]
fn events_without_a_time_keep_the_order_of_the_payload() {
    let payload = checked(payload(vec![event("a"), event("b")]), false).unwrap();
    let times: Vec<Time> = payload.events.into_iter().map(|event| event.unwrap().time).collect();
    assert_eq!(times, [RECEIVED, Time::from_micros(RECEIVED.as_micros() + 1)]);
}

#[test]
fn a_number_beyond_two_to_the_fifty_third_is_refused_with_its_path() {
    let with = |properties| v1::EventInput { properties: document(properties), ..event("e") };
    let two_to_the_sixtieth = json!({"a": {"b": [1, 1_152_921_504_606_846_976_u64]}});
    assert_eq!(reasons(with(two_to_the_sixtieth)), one("events[0].properties.a.b[1]", "NUMBER_TOO_LARGE"));
    accepted(with(json!({"a": 9_007_199_254_740_992_u64, "b": -0.5})));
}

#[test]
fn what_cannot_be_kept_is_refused_with_its_path() {
    let with = |properties| v1::EventInput { properties: document(properties), ..event("e") };
    assert_eq!(
        reasons(with(json!({"a": "x".repeat(8193)}))),
        one("events[0].properties.a", "VALUE_TOO_LARGE")
    );
    assert_eq!(reasons(with(json!({"a": "nul\u{0}"}))), one("events[0].properties.a", "NUL_CHARACTER"));
}

#[test]
fn a_hostile_document_costs_neither_time_nor_memory() {
    let with = |properties| v1::EventInput { properties: document(properties), ..event("e") };
    let many = Value::Array(vec![json!("\0"); 30_000]);
    assert_eq!(reasons(with(json!({"a": many}))).len(), 16);
    let mut long = Map::new();
    long.insert("k".repeat(100_000), json!([1, 2, 3]));
    assert_eq!(reasons(with(Value::Object(long))), one("events[0].properties", "NAME_TOO_LONG"));
    let large: Vec<String> = (0..40).map(|_| "x".repeat(8000)).collect();
    assert_eq!(reasons(with(json!({"a": large}))), one("events[0].properties", "PROPERTIES_TOO_LARGE"));
    let context = document(json!({"a": vec!["x".repeat(8000); 5]}));
    let request = v1::TrackRequest { context, ..payload(vec![event("e")]) };
    let Err(PayloadError::Context(violation)) = checked(request, false) else { panic!() };
    assert_eq!(violation.reason, "CONTEXT_TOO_LARGE");
}

#[test]
fn the_ids_of_the_mesh_are_not_for_clients() {
    assert_eq!(reasons(event("drv_0123")), one("events[0].id", "RESERVED_ID"));
}

#[test]
fn nesting_too_deep_fails_the_call() {
    let mut deep = json!({});
    for _ in 0..1000 {
        deep = json!({"a": deep});
    }
    let request = payload(vec![v1::EventInput { properties: document(deep), ..event("e") }]);
    let Err(PayloadError::Document { path, fault }) = checked(request, false) else { panic!() };
    assert_eq!((path.as_str(), fault), ("events[0].properties", Fault::TooDeep));
}

#[test]
fn a_refused_event_keeps_its_id_unless_that_is_what_is_wrong() {
    let untyped = |id: &str| v1::EventInput { r#type: String::new(), ..event(id) };
    let large = document(json!({"a": vec!["x".repeat(8000); 40]}));
    let large = v1::EventInput { properties: large, ..event("large") };
    let events = vec![untyped("a"), untyped(&"x".repeat(129)), untyped(""), large];
    let refused = checked(payload(events), false).unwrap().events;
    let ids = refused.into_iter().map(|event| event.unwrap_err().id.map(|id| id.to_string()));
    assert_eq!(ids.collect::<Vec<_>>(), [Some("a".to_owned()), None, None, Some("large".to_owned())]);
    let request = v1::TrackRequest { request_id: "r".to_owned(), ..payload(vec![untyped("")]) };
    let derived = checked(request, false).unwrap().events.remove(0).unwrap_err();
    assert!(derived.id.is_some(), "the id that a retry has too");
}

#[test]
fn one_bad_event_leaves_its_neighbours_alone() {
    let untyped = v1::EventInput { r#type: String::new(), ..event("b") };
    let payload = checked(payload(vec![event("a"), untyped, event("c")]), false).unwrap();
    let fine: Vec<bool> = payload.events.iter().map(Result::is_ok).collect();
    assert_eq!(fine, [true, false, true]);
}

proptest! {
    #[test]
    fn no_payload_makes_the_check_panic(
        id in ".{0,140}", request_id in ".{0,140}", event_type in ".{0,140}",
        seconds in any::<i64>(), nanos in any::<i32>(), waive in any::<bool>(),
    ) {
        let time = Some(Timestamp { seconds, nanos });
        let events = vec![v1::EventInput { id, r#type: event_type, time, properties: None, ..v1::EventInput::default() }];
        let request = v1::TrackRequest { request_id, ..payload(events) };
        if let Ok(payload) = checked(request, waive) {
            for event in payload.events.into_iter().flatten() {
                prop_assert!(event.time <= RECEIVED);
            }
        }
    }
}

#[test]
fn a_payload_is_live_unless_it_says_otherwise() {
    let historical = |options| {
        let request = v1::TrackRequest { options, ..payload(vec![event("e")]) };
        checked(request, false).unwrap().historical
    };
    assert!(!historical(None) && !historical(Some(v1::TrackOptions::default())));
    assert!(historical(Some(v1::TrackOptions { historical: true, ..v1::TrackOptions::default() })));
}
