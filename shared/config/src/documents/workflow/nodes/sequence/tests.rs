use serde_json::json;
use tributary_engine::Call;

use super::super::trial::{Trial, pasts, port, remembered, said_of};

fn ran(spec: &str, past: &[&str]) -> (String, serde_json::Value, Vec<String>) {
    let events: Vec<_> = past.iter().map(|event_type| (*event_type, json!(1))).collect();
    let mut trial =
        Trial::of(&format!("- {{name: look, sequence: {spec}}}")).answering("look", pasts(&events));
    let ran = trial.event();
    let Call::History(query) = trial.call() else { panic!("{:?}", trial.asked) };
    (port(&ran, "look").to_string(), remembered(&ran, "look"), query.types.clone())
}

#[test]
fn events_come_in_their_order_with_others_in_between() {
    let spec = "{events: [view, add, buy], within: 1h}";
    let (port, found, asked) = ran(spec, &["add", "view", "view", "add", "view", "buy", "buy"]);
    assert_eq!((port.as_str(), asked), ("yes", vec!["add".to_string(), "buy".into(), "view".into()]));
    assert_eq!(
        found,
        json!([
            {"id": "p1", "type": "view", "time": "2024-05-01T11:01:00Z"},
            {"id": "p3", "type": "add", "time": "2024-05-01T11:03:00Z"},
            {"id": "p5", "type": "buy", "time": "2024-05-01T11:05:00Z"},
        ])
    );
    for past in [&["buy", "add", "view"][..], &["view", "buy"], &[]] {
        assert_eq!(ran(spec, past).0, "no", "{past:?}");
    }
    assert_eq!(ran("{events: [a, a], within: 1h}", &["a"]).0, "no");
    assert_eq!(ran("{events: [a, a], within: 1h}", &["a", "b", "a"]).0, "yes");
}

#[test]
fn a_strict_one_has_nothing_in_between() {
    let spec = "{events: [view, add, buy], within: 1h, strict: true}";
    let (port, _, asked) = ran(spec, &["view", "view", "add", "buy", "other"]);
    assert_eq!((port.as_str(), asked), ("yes", vec![]));
    for past in [&["view", "add", "other", "buy"][..], &["view", "add", "add", "buy"], &["view", "add"]] {
        assert_eq!(ran(spec, past).0, "no", "{past:?}");
    }
}

#[test]
fn a_sequence_has_two_to_sixteen_types() {
    for events in ["[a]".to_string(), format!("[{}]", vec!["a"; 17].join(", "))] {
        let said = said_of(&format!("- {{name: look, sequence: {{events: {events}, within: 1h}}}}"));
        assert!(said.contains("events: a sequence has 2 to 16 types"), "{said}");
    }
}
