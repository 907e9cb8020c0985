use serde_json::json;
use tributary_engine::{Answer, CallError};

use super::super::trial::{Trial, nested, past, pasts, port, record, remembered, said_of};
use super::*;

fn trial(spec: &str) -> Trial {
    Trial::of(&format!(
        "
- name: look
  {spec}
  to: {{error: broken}}
- {{name: broken, respond: {{broken: true}}}}
"
    ))
}

fn asked(trial: &Trial) -> &HistoryQuery {
    match trial.call() {
        Call::History(query) => query,
        other => panic!("{other:?}"),
    }
}

#[test]
fn types_and_time_are_asked_for() {
    let mut trial =
        trial("count: {events: [order, refund, order], within: 2h}").answering("look", pasts(&[]));
    trial.event();
    let since = "2024-05-01T10:00:00Z".parse().unwrap();
    let types = vec!["order".to_string(), "refund".to_string()];
    assert_eq!(asked(&trial), &HistoryQuery { types, since, limit: 1000, properties: false });
}

#[test]
fn properties_are_asked_for_where_they_are_looked_at_or_remembered() {
    for (spec, expected) in [
        ("count: {events: a, within: 1h}", false),
        ("count: {events: a, within: 1h, where: size(event.id) > 3 && event.time < string(now)}", false),
        ("count: {events: a, within: 1h, where: event.properties.value > 1}", true),
        ("count: {events: a, within: 1h, where: has(event.properties.value)}", true),
        ("count: {events: a, within: 1h, where: \"event['properties']['value'] > 1\"}", true),
        ("count: {events: a, within: 1h, where: 'event[event.type] == 1'}", true),
        ("count: {events: a, within: 1h, where: '[event].exists(one, one.properties.value > 1)'}", true),
        ("sum: {events: a, within: 1h, of: 'event.type == \"a\" ? 1 : 2'}", false),
        ("sum: {events: a, within: 1h, of: event.properties.value}", true),
        ("sum: {events: a, within: 1h, of: '1', where: event.properties.value > 1}", true),
        ("last: {events: a, within: 1h}", true),
        ("sequence: {events: [a, b], within: 1h}", false),
    ] {
        let mut trial = trial(spec).answering("look", pasts(&[]));
        trial.event();
        assert_eq!(asked(&trial).properties, expected, "{spec}");
    }
}

#[test]
fn an_event_that_cannot_be_remembered_is_an_error_and_does_not_fail_the_run() {
    for (value, why) in [(json!("x".repeat(72_000)), "TOO_LARGE: "), (nested(31), "TOO_DEEP: ")] {
        let ran = trial("last: {events: a, within: 1h}").answering("look", pasts(&[("a", value)])).event();
        assert_eq!((port(&ran, "look"), &ran.response["broken"]), ("error", &json!(true)));
        assert!(record(&ran, "look").why.as_deref().unwrap().starts_with(why));
    }
}

#[test]
fn count_counts_those_that_are_meant() {
    let answer =
        pasts(&[("order", json!(5)), ("order", json!(50)), ("order", json!(null)), ("order", json!(500))]);
    let mut all = trial("count: {events: order, within: 2h}").answering("look", answer.clone());
    let ran = all.event();
    assert_eq!((port(&ran, "look"), remembered(&ran, "look")), ("done", json!(4)));

    let spec = "count: {events: order, within: 2h, where: event.properties.value >= 50}";
    let ran = trial(spec).answering("look", answer).event();
    assert_eq!(remembered(&ran, "look"), json!(2));
    assert_eq!(record(&ran, "look").missing, ["event.properties.value"]);
}

#[test]
fn where_sees_each_event_and_then_the_run_its_own_again() {
    let answer = pasts(&[("order", json!(5)), ("order", json!(50))]);
    let mut trial = Trial::of("
- {name: look, count: {events: order, within: 2h, where: event.properties.value > profile.least}, to: say}
- {name: say, respond: {mine: {expr: event.properties.value}, least: {expr: profile.least}, n: {expr: memory.look}}}
- {name: least, set: {path: least, value: 1}}
".replace("- {name: least, set: {path: least, value: 1}}\n", "").replace("profile.least", "size(event.type)").as_str())
    .with(json!({"value": 7}))
    .answering("look", answer);
    let ran = trial.event();
    assert_eq!(ran.response["mine"], json!(7));
    assert_eq!((&ran.response["least"], &ran.response["n"]), (&json!(4), &json!(1)));
}

#[test]
fn sum_adds_in_decimals_and_passes_over_what_has_no_value() {
    let answer =
        pasts(&[("order", json!(0.1)), ("order", json!(0.2)), ("order", json!(null)), ("order", json!(30))]);
    let spec = "sum: {events: order, within: 2h, of: event.properties.value}";
    let ran = trial(spec).answering("look", answer.clone()).event();
    assert_eq!((port(&ran, "look"), remembered(&ran, "look")), ("done", json!(30.3)));
    assert_eq!(record(&ran, "look").missing, ["event.properties.value"]);

    let spec =
        "sum: {events: order, within: 2h, of: event.properties.value * 2, where: event.properties.value < 1}";
    assert_eq!(remembered(&trial(spec).answering("look", answer).event(), "look"), json!(0.6));
    assert_eq!(remembered(&trial(spec).answering("look", pasts(&[])).event(), "look"), json!(0));
}

#[test]
fn what_is_no_number_cannot_be_added() {
    for (value, why) in [(json!("5"), "of: not a number"), (json!(1e16), "of: beyond 10^15")] {
        let answer = pasts(&[("order", json!(1)), ("order", value)]);
        let ran = trial("sum: {events: order, within: 2h, of: event.properties.value}")
            .answering("look", answer)
            .event();
        assert_eq!((port(&ran, "look"), remembered(&ran, "look")), ("error", json!(null)));
        assert_eq!(record(&ran, "look").why.as_deref(), Some(why));
    }
}

#[test]
fn last_finds_the_newest() {
    let answer = pasts(&[("order", json!(5)), ("order", json!(50)), ("refund", json!(6))]);
    let spec = "last: {events: [order, refund], within: 2h, where: event.properties.value < 10 && event.type == 'order'}";
    let mut some = trial(spec).answering("look", answer);
    let ran = some.event();
    assert_eq!(port(&ran, "look"), "found");
    assert_eq!(
        remembered(&ran, "look"),
        json!({"id": "p0", "type": "order", "time": "2024-05-01T11:00:00Z", "properties": {"value": 5}})
    );
    assert_eq!(asked(&some).limit, 1000);

    let mut none = trial("last: {events: order, within: 2h}").answering("look", pasts(&[]));
    assert_eq!(port(&none.event(), "look"), "not_found");
    assert_eq!(asked(&none).limit, 1);
}

#[test]
fn no_answer_is_an_error_and_says_its_reason() {
    for spec in [
        "count: {events: a, within: 1h}",
        "sum: {events: a, within: 1h, of: '1'}",
        "last: {events: a, within: 1h}",
        "sequence: {events: [a, b], within: 1h}",
    ] {
        let failure = CallError { reason: "TOO_MANY_EVENTS".into(), message: "more than 1000".into() };
        let ran = trial(spec).answering("look", Answer::History(Err(failure))).event();
        assert_eq!((port(&ran, "look"), &ran.response["broken"]), ("error", &json!(true)), "{spec}");
        assert_eq!(record(&ran, "look").why.as_deref(), Some("TOO_MANY_EVENTS: more than 1000"));
        let ran = trial(spec).event();
        assert!(record(&ran, "look").why.as_deref().unwrap().starts_with("NOT_CALLED"), "{spec}");
    }
}

#[test]
fn where_that_cannot_be_decided_is_an_error() {
    let spec = "count: {events: a, within: 1h, where: event.properties.value > 'x'}";
    let ran = trial(spec).answering("look", pasts(&[("a", json!(1))])).event();
    assert_eq!(port(&ran, "look"), "error");
    assert!(
        record(&ran, "look").why.as_deref().unwrap().starts_with("where: "),
        "{:?}",
        record(&ran, "look").why
    );
}

#[test]
fn a_thousand_events_are_looked_at() {
    let events = (0..1000).map(|n| past(&format!("p{n}"), "a", "2024-05-01T11:00:00Z", json!({"value": n})));
    let answer = Answer::History(Ok(events.collect()));
    let spec =
        "sum: {events: a, within: 1h, of: event.properties.value, where: event.properties.value >= 500}";
    let ran = trial(spec).answering("look", answer).event();
    assert_eq!(remembered(&ran, "look"), json!((500..1000).sum::<i32>()));
}

#[test]
fn what_is_wrong_is_told() {
    for (spec, why) in [
        ("count: {events: [], within: 1h}", "events: name one event type at least"),
        (
            "count: {events: a, within: 1h, where: event.context.ip == ''}",
            "where: events of the past have id, type, time and properties, not context",
        ),
        ("sum: {events: a, within: 1h, of: event.source}", "of: events of the past"),
        ("sum: {events: a, within: 1h}", "`of`"),
        ("last: {events: a, within: 367days}", "within: 367days must be between"),
        ("count: {events: a, within: 1h, where: 1 +}", "where: not a CEL expression"),
    ] {
        let said = said_of(&format!("- name: look\n  {spec}"));
        assert!(said.contains(why), "{spec}: {said}");
    }
}
