use serde_json::json;
use tributary_engine::Ending;

use super::super::trial::{Trial, port, record, said_of};

const UNTIL: &str = "
- {name: wait, pause: {until: event.properties.at}, to: {done: end, error: broken}}
- {name: end, respond: {end: true}}
- {name: broken, respond: {broken: true}}
";

#[test]
fn a_duration_is_waited_for() {
    let mut trial = Trial::of(
        "
- {name: wait, pause: 90m, to: end}
- {name: end, respond: {end: true}}
",
    );
    let paused = trial.event();
    let until = "2024-05-01T13:30:00Z".parse().unwrap();
    assert_eq!(paused.ending, Ending::Paused { until: Some(until), events: vec![] });
    trial.now = until;
    let resumed = trial.due(&paused);
    assert_eq!((port(&resumed, "wait"), &resumed.ending), ("done", &Ending::Done));
    assert_eq!(resumed.response["end"], json!(true));
}

#[test]
fn a_moment_is_waited_for_and_one_that_has_passed_is_not() {
    for (at, until) in [
        (json!("2024-05-03T10:00:00+02:00"), Some("2024-05-03T08:00:00Z")),
        (json!("2024-05-02"), Some("2024-05-02T00:00:00Z")),
        (json!(1_714_651_200), Some("2024-05-02T12:00:00Z")),
        (json!("2024-05-01T12:00:00Z"), None),
        (json!("1999-05-03T10:00:00Z"), None),
    ] {
        let ran = Trial::of(UNTIL).with(json!({"at": at})).event();
        match until {
            Some(until) => {
                let until = Some(until.parse().unwrap());
                assert_eq!(ran.ending, Ending::Paused { until, events: vec![] }, "{at}");
            }
            None => assert_eq!((port(&ran, "wait"), ran.ending.clone()), ("done", Ending::Done), "{at}"),
        }
    }
}

#[test]
fn what_is_no_moment_within_a_year_is_an_error() {
    for (properties, why) in [
        (json!({}), "event.properties.at is missing"),
        (json!({"at": "soon"}), "until: the text is no time"),
        (json!({"at": true}), "until: a boolean is not a time"),
        (json!({"at": "2025-05-03T00:00:00Z"}), "366 days"),
    ] {
        let ran = Trial::of(UNTIL).with(properties).event();
        assert_eq!(port(&ran, "wait"), "error");
        assert!(record(&ran, "wait").why.as_deref().unwrap().contains(why), "{:?}", record(&ran, "wait"));
        assert_eq!(ran.response["broken"], json!(true));
    }
}

#[test]
fn without_an_error_port_the_branch_ends() {
    let ran = Trial::of(
        "
- {name: wait, pause: {until: event.properties.at}, to: end}
- {name: end, respond: {end: true}}
",
    )
    .event();
    assert_eq!((port(&ran, "wait"), ran.response.len(), &ran.ending), ("", 0, &Ending::Done));
}

#[test]
fn pauses_have_bounds() {
    for (spec, why) in [
        ("0s", "pause: 0s must be between 1ms and"),
        ("367days", "pause: 367days must be between"),
        ("soon", "pause: \"soon\" is not a duration"),
        ("{until: now +}", "until: not a CEL expression"),
        ("{till: now}", "must be a duration such as 30m, or {until: CEL}"),
    ] {
        let said = said_of(&format!("- {{name: wait, pause: {spec}}}"));
        assert!(said.contains(why), "{said}");
    }
}
