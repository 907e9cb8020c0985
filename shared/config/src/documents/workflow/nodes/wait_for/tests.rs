use serde_json::json;
use tributary_engine::Ending;

use super::super::trial::{Trial, nested, port, record, remembered, said_of};

const ORDER: &str = "
- name: wait
  wait_for: {event: [order, refund], where: event.properties.basket == memory.mine.basket, within: 1h}
  to: {event: came, timeout: late}
- {name: came, respond: {id: {expr: memory.wait.id}}}
- {name: late, respond: {late: true}}
";

fn trial() -> Trial {
    let nodes = format!(
        "
- {{name: mine, http: {{url: 'https://example.com/'}}, to: wait}}{ORDER}"
    );
    let nodes = nodes.replace("memory.mine.basket", "memory.mine.body.basket");
    let answer = tributary_engine::HttpAnswer { status: 200, body: json!({"basket": 7}) };
    Trial::of(&nodes).answering("mine", tributary_engine::Answer::Http(Ok(answer)))
}

#[test]
fn the_event_that_was_waited_for_is_remembered() {
    let mut trial = trial();
    let paused = trial.event();
    let until = Some("2024-05-01T13:00:00Z".parse().unwrap());
    let events = vec!["order".to_string(), "refund".to_string()];
    assert_eq!(paused.ending, Ending::Paused { until, events });

    trial.now = "2024-05-01T12:10:00Z".parse().unwrap();
    let came = trial.comes(&paused, "refund", json!({"basket": 7, "total": 20})).unwrap();
    assert_eq!((port(&came, "wait"), came.response["id"].clone()), ("event", json!("other")));
    assert_eq!(
        remembered(&came, "wait"),
        json!({
            "id": "other", "type": "refund", "time": "2024-05-01T12:10:00Z",
            "properties": {"basket": 7, "total": 20},
        })
    );
}

#[test]
fn another_one_is_not_it() {
    let mut trial = trial();
    let paused = trial.event();
    for (event_type, said) in [
        ("order", json!({"basket": 8})),
        ("order", json!({})),
        ("order", json!({"basket": "7"})),
        ("view", json!({"basket": 7})),
    ] {
        assert_eq!(trial.comes(&paused, event_type, said.clone()), None, "{event_type} {said}");
    }
}

#[test]
fn one_that_does_not_come_is_not_waited_for_longer() {
    let mut trial = trial();
    let paused = trial.event();
    trial.now = "2024-05-01T13:00:00Z".parse().unwrap();
    let late = trial.due(&paused);
    assert_eq!((port(&late, "wait"), late.response["late"].clone()), ("timeout", json!(true)));
    assert_eq!(remembered(&late, "wait"), json!(null));
}

#[test]
fn one_that_cannot_be_remembered_is_an_error_and_does_not_fail_the_run() {
    let nodes = format!("- {{name: mine, pause: 1s, to: wait}}{ORDER}")
        .replace(", where: event.properties.basket == memory.mine.basket", "")
        .replace("timeout: late", "timeout: late, error: broken")
        + "- {name: broken, respond: {broken: true}}";
    let mut trial = Trial::of(&nodes);
    let pause = trial.event();
    trial.now = "2024-05-01T12:00:01Z".parse().unwrap();
    let paused = trial.due(&pause);
    for (said, why) in
        [(json!({"text": "x".repeat(72_000)}), "TOO_LARGE: "), (json!({"deep": nested(31)}), "TOO_DEEP: ")]
    {
        let came = trial.comes(&paused, "order", said).unwrap();
        assert_eq!((port(&came, "wait"), &came.response["broken"]), ("error", &json!(true)));
        assert!(record(&came, "wait").why.as_deref().unwrap().starts_with(why));
    }
    let came = trial.comes(&paused, "order", json!({"deep": nested(30)})).unwrap();
    assert_eq!(port(&came, "wait"), "event");
}

#[test]
fn it_says_what_it_waits_for_and_how_long() {
    for (spec, why) in [
        ("{event: order}", "`within`"),
        ("{event: order, within: 400days}", "within: 400days must be between"),
        ("{event: [], within: 1h}", "event: name one event type at least"),
        ("{event: '*', within: 1h}", "event: name the event types; * is not understood here"),
        ("{event: order, within: 1h, where: evnt.id == 'a'}", "where: unknown name evnt"),
    ] {
        let said = said_of(&format!("- {{name: wait, wait_for: {spec}}}"));
        assert!(said.contains(why), "{spec}: {said}");
    }
}
