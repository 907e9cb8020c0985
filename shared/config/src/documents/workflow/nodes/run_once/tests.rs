use serde_json::json;

use super::super::trial::{Trial, port, record, said_of};

fn trial(spec: &str) -> Trial {
    Trial::of(&format!(
        "
- {{name: once, run_once: {spec}, to: {{first: go, again: stay, error: broken}}}}
- {{name: go, respond: {{at: go}}}}
- {{name: stay, respond: {{at: stay}}}}
- {{name: broken, respond: {{at: broken}}}}
"
    ))
}

#[test]
fn without_more_it_is_once_for_ever() {
    let mut trial = trial("{}");
    assert_eq!(port(&trial.event(), "once"), "first");
    trial.now = "2034-05-01T12:00:00Z".parse().unwrap();
    assert_eq!(port(&trial.event(), "once"), "again");
    assert_eq!(
        trial.shown(),
        json!({"workflows": {"times": {"w": {"once": {"last": "2024-05-01T12:00:00Z"}}}}})
    );
}

#[test]
fn with_per_it_is_once_for_so_long() {
    let mut trial = trial("{per: 1day}");
    for (now, expected) in [
        ("2024-05-01T12:00:00Z", "first"),
        ("2024-05-02T11:59:59Z", "again"),
        ("2024-05-02T12:00:00Z", "first"),
        ("2024-05-03T11:00:00Z", "again"),
    ] {
        trial.now = now.parse().unwrap();
        assert_eq!(port(&trial.event(), "once"), expected, "{now}");
    }
}

#[test]
fn with_a_value_it_is_once_until_that_changes() {
    let mut trial = trial("{value: event.properties.tier}");
    for (second, (tier, expected)) in [
        (json!("gold"), "first"),
        (json!("gold"), "again"),
        (json!("silver"), "first"),
        (json!("gold"), "first"),
        (json!(1), "first"),
        (json!(1.0), "again"),
        (json!([1, {"a": 2}]), "first"),
        (json!([1.0, {"a": 2.0}]), "again"),
        (json!({"b": 1, "a": 2}), "first"),
        (json!({"a": 2, "b": 1}), "again"),
    ]
    .into_iter()
    .enumerate()
    {
        trial.now = format!("2024-05-01T12:00:{second:02}Z").parse().unwrap();
        trial.set(json!({"tier": tier}));
        assert_eq!(port(&trial.event(), "once"), expected, "{tier}");
    }
}

#[test]
fn what_happened_before_the_last_value_is_not_first_however_often_it_comes() {
    let mut trial = trial("{value: event.properties.tier}");
    for (now, tier, expected) in [
        ("2024-05-01T12:00:00Z", "gold", "first"),
        ("2024-05-01T11:59:00Z", "silver", "again"),
        ("2024-05-01T11:59:30Z", "silver", "again"),
        ("2024-05-01T12:00:00Z", "silver", "again"),
        ("2024-05-01T12:00:01Z", "silver", "first"),
    ] {
        trial.now = now.parse().unwrap();
        trial.set(json!({"tier": tier}));
        assert_eq!(port(&trial.event(), "once"), expected, "{now}");
    }
}

#[test]
fn with_both_it_is_first_for_another_value_and_after_a_while() {
    let mut trial = trial("{value: event.properties.tier, per: 1h}");
    for (now, tier, expected) in [
        ("2024-05-01T12:00:00Z", "gold", "first"),
        ("2024-05-01T12:59:00Z", "gold", "again"),
        ("2024-05-01T12:59:30Z", "silver", "first"),
        ("2024-05-01T13:58:00Z", "silver", "again"),
        ("2024-05-01T13:59:30Z", "silver", "first"),
    ] {
        trial.now = now.parse().unwrap();
        trial.set(json!({"tier": tier}));
        assert_eq!(port(&trial.event(), "once"), expected, "{now}");
    }
}

#[test]
fn a_value_that_cannot_be_had_is_an_error() {
    let mut trial = trial("{value: event.properties.tier}");
    let ran = trial.event();
    assert_eq!(
        (port(&ran, "once"), record(&ran, "once").missing.as_slice()),
        ("error", &["event.properties.tier".to_string()][..])
    );
    trial.set(json!({"tier": "x".repeat(9000)}));
    let ran = trial.event();
    assert_eq!(port(&ran, "once"), "error");
    assert!(record(&ran, "once").refused[0].contains("at most 8192 are kept"), "{:?}", record(&ran, "once"));
}

#[test]
fn what_is_wrong_is_told() {
    for (spec, why) in [
        ("{per: 2years}", "per: 2years must be between"),
        ("{value: evnt}", "value: unknown name evnt"),
        ("{every: 1h}", "unknown field `every`"),
    ] {
        let said = said_of(&format!("- {{name: once, run_once: {spec}}}"));
        assert!(said.contains(why), "{spec}: {said}");
    }
}
