use serde_json::json;
use tributary_engine::Ending;

use super::super::trial::{Trial, port, said_of};

#[test]
fn it_says_whether_the_window_is_open() {
    let mut trial = Trial::of(
        "
- name: office
  time_window: {days: [mon, tue, wed, thu, fri], from: 09:00, to: '17:00', zone: Europe/Berlin}
  to: {inside: open, outside: shut}
- {name: open, respond: {open: true}}
- {name: shut, respond: {open: false}}
",
    );
    for (now, open) in
        [("2024-05-01T14:59:00Z", true), ("2024-05-01T15:00:00Z", false), ("2024-05-04T10:00:00Z", false)]
    {
        trial.now = now.parse().unwrap();
        let ran = trial.event();
        assert_eq!(
            (port(&ran, "office"), &ran.response["open"]),
            (if open { "inside" } else { "outside" }, &json!(open))
        );
    }
}

#[test]
fn a_run_can_wait_until_it_opens_and_waits_again_where_it_comes_too_late() {
    let mut trial = Trial::of(
        "
- {name: office, time_window: {from: 09:00, to: 10:00, wait: true}, to: end}
- {name: end, respond: {end: true}}
",
    );
    let paused = trial.event();
    let until = "2024-05-02T09:00:00Z".parse().unwrap();
    assert_eq!(paused.ending, Ending::Paused { until: Some(until), events: vec![] });
    trial.now = until;
    assert_eq!(port(&trial.due(&paused), "office"), "inside");
    trial.now = "2024-05-02T10:00:00Z".parse().unwrap();
    let again = trial.due(&paused);
    assert_eq!(
        again.ending,
        Ending::Paused { until: Some("2024-05-03T09:00:00Z".parse().unwrap()), events: vec![] }
    );

    trial.now = "2024-05-02T09:30:00Z".parse().unwrap();
    assert_eq!(trial.event().ending, Ending::Done);
}

#[test]
fn a_window_that_could_not_work_is_told() {
    for (spec, why) in [
        ("{zone: UTC}", "it is always open"),
        ("{days: []}", "days: name one at least"),
        ("{days: [monday]}", "monday"),
        ("{from: 9am}", "from: \"9am\" is no time of the day like 09:00"),
        ("{to: '25:00'}", "to: \"25:00\" is no time of the day"),
        ("{from: 09:00, to: 09:00}", "from and to are the same time"),
        ("{from: '24:00'}", "from and to are the same time"),
        ("{from: 09:00, zone: Europe/Berln}", "did you mean Europe/Berlin?"),
    ] {
        let said = said_of(&format!("- {{name: office, time_window: {spec}}}"));
        assert!(said.contains(why), "{spec}: {said}");
    }
    let said = said_of(
        "
- {name: office, time_window: {from: 09:00, wait: true}, to: {outside: end}}
- {name: end, stop: {}}
",
    );
    assert!(said.contains("time_window has no port outside"), "{said}");
}
