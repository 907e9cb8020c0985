//! Scenarios: what they say, and what is wrong with them.

use serde_json::json;
use tributary_model::TenantId;

use super::{SOURCE, directory, load};
use crate::{Clock, Config, NodeAnswers, Revision, Scenario, ScenarioAnswer, read_directory};

const CRM: &str = "kind: Destination\nname: crm\nspec: {webhook: {url: 'http://localhost/'}}\n";
const FIELDS: &str = "kind: Fields\nname: f\nspec: {fields: {count: counter, seen: set}}\n";

fn beside(spec: &str) -> Vec<(&'static str, String)> {
    let spec = spec.replace('\n', "\n  ");
    let scenario = format!("kind: Scenario\nname: s\nspec:\n  {spec}\n");
    vec![
        ("crm.yaml", CRM.into()),
        ("f.yaml", FIELDS.into()),
        ("s.yaml", scenario),
        ("source.yaml", SOURCE.into()),
    ]
}

fn loaded(spec: &str) -> Result<Scenario, String> {
    let files = beside(spec);
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let config = load(&files).map_err(|errors| errors.to_string())?;
    Ok(config.tenants[&TenantId::new("default").unwrap()].scenarios[0].clone())
}

/// What is said of a scenario from source `web`, whose spec continues so.
fn said_of(spec: &str) -> String {
    loaded(&format!("source: web\n{spec}")).expect_err("it is wrong")
}

#[test]
fn a_scenario_says_what_happens_and_what_comes_of_it() {
    let scenario = loaded(
        "source: web\nprofile: p\nsession: s\ntime: 2024-05-01T12:00:00Z\nsteps:\n\
         - track: [{type: a}, {id: '', type: b, time: 2024-05-01T11:00:00Z, properties: {x: 1}}]\n  \
           expect: {events: [{status: ACCEPTED}], profile: {count: 2}, deliveries: []}\n\
         - at: 2024-05-01T13:00:00Z\n  profile: ''\n  request_id: r\n  track: [{type: c}]\n\
         - wait: 5m",
    )
    .unwrap_or_else(|said| panic!("{said}"));
    let [first, second, third] = scenario.steps.as_slice() else { panic!("{scenario:?}") };
    let payload = first.payload.as_ref().unwrap();
    assert_eq!((payload.profile_id.as_str(), payload.session_id.as_str()), ("p", "s"));
    let ids: Vec<Option<&str>> = payload.events.iter().map(|event| event.id.as_deref()).collect();
    assert_eq!(ids, [None, Some("")]);
    let expected = json!({"events": [{"status": "ACCEPTED"}], "profile": {"count": 2}, "deliveries": []});
    assert_eq!(*first.expect.document(), expected);
    assert_eq!((first.line, first.clock), (9, Clock::Stands));
    let payload = second.payload.as_ref().unwrap();
    assert_eq!((payload.profile_id.as_str(), payload.request_id.as_str()), ("", "r"));
    assert_eq!(second.clock, Clock::At("2024-05-01T13:00:00Z".parse().unwrap()));
    assert!(third.payload.is_none() && *third.expect.document() == json!({}));
}

#[test]
fn a_scenario_is_part_of_no_revision() {
    let files = beside("source: web\nsteps: [{wait: 1s}]");
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let with = directory(&files);
    let documents = read_directory(with.path()).unwrap();
    assert!(documents.iter().any(|document| document.kind == "Scenario"));
    let revision = Revision::new(3, documents);
    assert!(revision.documents.iter().all(|document| document.kind != "Scenario"));
    let config = Config::of(&revision).unwrap();
    assert!(config.tenants.values().all(|tenant| tenant.scenarios.is_empty()));
    let loaded = Config::load(with.path()).unwrap();
    assert_eq!(loaded.revision.replace("0-", "3-"), revision.id());
}

#[test]
fn names_that_the_tenant_does_not_have_are_told_with_those_that_were_probably_meant() {
    let said = loaded(
        "source: wep\nsteps:\n- track: [{type: a}]\n  expect: {deliveries: [{destination: crn}]}\n- wait: 1s",
    );
    let said = said.expect_err("it is wrong");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(
        lines,
        [
            "s.yaml:4:11: Scenario s: the tenant has no Source wep; did you mean web?",
            "s.yaml:7:41: Scenario s: the tenant has no Destination crn; did you mean crm?",
        ]
    );
}

#[test]
fn null_is_expected_where_it_is_written_and_an_empty_list_where_a_list_is_null() {
    let expect =
        "{refused: null, profile: null, session: null, derived: null, deliveries: null, dead_letters: null}";
    let scenario = loaded(&format!("source: web\nsteps:\n- wait: 1s\n  expect: {expect}")).unwrap();
    let expected = json!({
        "refused": null, "profile": null, "session": null, "derived": [], "deliveries": [], "dead_letters": [],
    });
    assert_eq!(*scenario.steps[0].expect.document(), expected);
    let elements = "{derived: [{type: a, session: null, cause: null}], events: [{id: null, problems: null}]}";
    let scenario = loaded(&format!("source: web\nsteps:\n- wait: 1s\n  expect: {elements}")).unwrap();
    let expected = json!({
        "derived": [{"type": "a", "session": null, "cause": null}], "events": [{"id": null, "problems": []}],
    });
    assert_eq!(*scenario.steps[0].expect.document(), expected);
}

const WORKFLOW: &str = "kind: Workflow
name: w
spec:
  trigger: {events: [a]}
  nodes:
    - {name: a, http: {url: 'https://example.com/'}, to: b}
    - {name: b, grpc: {url: 'https://example.com', input: {}, ports: [high]}, to: c}
    - {name: c, stop: {}}
";

fn answered(spec: &str) -> Result<Scenario, String> {
    let mut files = beside(&format!("source: web\n{spec}"));
    files.push(("w.yaml", WORKFLOW.into()));
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let config = load(&files).map_err(|errors| errors.to_string())?;
    Ok(config.tenants[&TenantId::new("default").unwrap()].scenarios[0].clone())
}

#[test]
fn a_node_is_answered_always_the_same_or_one_after_the_other() {
    let scenario = answered(
        "answers:\n  w/a: {status: 404}\n  w/b: [{port: high, output: {score: 1}}, {error: TIMED_OUT}]\n\
         steps:\n- wait: 1s\n  answers: {w/a: {body: {x: 1}}}\n  \
           expect: {response: {a: 1}, calls: [{node: w/a, method: GET, body: null}], deliveries: [{destination: crm, body: {b: 1}}]}",
    )
    .unwrap_or_else(|said| panic!("{said}"));
    let http = |status, body| NodeAnswers::Always(ScenarioAnswer::Http { status, body });
    assert_eq!(scenario.answers["w/a"], http(404, json!(null)));
    let Some(NodeAnswers::InOrder(answers)) = scenario.answers.get("w/b") else { panic!("{scenario:?}") };
    let output = json!({"score": 1}).as_object().unwrap().clone();
    assert_eq!(answers[0], ScenarioAnswer::Grpc { port: "high".into(), output });
    assert_eq!(answers[1], ScenarioAnswer::Error("TIMED_OUT".into()));
    let step = &scenario.steps[0];
    assert_eq!(step.answers["w/a"], http(200, json!({"x": 1})));
    let expected = json!({
        "response": {"a": 1},
        "calls": [{"node": "w/a", "method": "GET", "body": null}],
        "deliveries": [{"destination": "crm", "body": {"b": 1}}],
    });
    assert_eq!(*step.expect.document(), expected);
}

#[test]
fn each_wrong_answer_is_told() {
    for (answers, reason) in [
        ("{a: {status: 200}}", "s.yaml:5:13: Scenario s: answers: \"a\": write it like <workflow>/<node>"),
        ("{v/a: {status: 200}}", "the tenant has no Workflow v"),
        ("{w/x: {status: 200}}", "Workflow w has no node x"),
        ("{w/c: {status: 200}}", "c is a node of kind stop, which calls nobody"),
        ("{w/b: {status: 200}}", "b is a node of kind grpc: answer it with {port, output}, or {error}"),
        ("{w/a: {status: 20}}", "status: 20 is no HTTP status"),
        ("{w/a: {}}", "an answer is one of {status, body} of an http node"),
        ("{w/a: {status: 200, port: done}}", "an answer is one of"),
        ("{w/a: []}", "a list of answers has at least one"),
        (
            "{w/a: [{error: TIMEOUT}]}",
            "\"TIMEOUT\" is no reason for which a call has no answer; did you mean TIMED_OUT?",
        ),
        ("{w/a: {stats: 200}}", "did you mean status?"),
        ("{w/a: 200}", "`w/a` must be an answer, such as {status: 200"),
    ] {
        let said = answered(&format!("answers: {answers}\nsteps: [{{wait: 1s}}]")).expect_err("it is wrong");
        assert!(said.starts_with("s.yaml:5:") && said.contains(reason), "{answers}: {said}");
    }
}

#[test]
fn each_wrong_part_is_told() {
    for (spec, reason) in [
        ("steps: []", "a scenario needs at least one step"),
        ("steps: [{name: x}]", "a step has at least one of track, wait and at"),
        ("steps: [{wait: 1s, at: 2030-01-01T00:00:00Z}]", "give one of wait and at"),
        ("steps: [{wait: soon}]", "wait: \"soon\" is not a duration like 500ms, 10s or 5m"),
        ("steps: [{at: noon}]", "\"noon\": a time looks like 2024-05-01T12:00:00Z"),
        ("time: 2024-05-01\nsteps: [{wait: 1s}]", "\"2024-05-01\": a time looks like"),
        (
            "steps: [{wait: 2h}, {at: 2024-01-01T01:00:00Z}]",
            "the clock shows 2024-01-01T02:00:00Z already, and never goes back",
        ),
        ("given: {profile: {a: 1}}\nsteps: [{wait: 1s}]", "given: say whose it is, with `profile: ID`"),
        ("profile: p\ngiven: {profile: {count: x}}\nsteps: [{wait: 1s}]", "given: "),
        (
            "profile: p\ngiven: {profile: {seen: x}}\nsteps: [{wait: 1s}]",
            "given: `seen` is a set: write a list",
        ),
        (
            "profile: p\ngiven: {profile: {stats: {visits: {count: 1}}}}\nsteps: [{wait: 1s}]",
            "given: `stats.visits.count`: visits are opened by events only",
        ),
        ("steps: [{track: [{typ: a}]}]", "did you mean type?"),
        ("steps: [{wait: 1s, expect: {events: [{status: ACEPTED}]}}]", "did you mean ACCEPTED?"),
        ("steps: [{wait: 1s, expect: {derivd: []}}]", "did you mean derived?"),
        ("steps: [{wait: 1s, expect: {refused: NO_EVENT}}]", "refused as a whole; did you mean NO_EVENTS?"),
        ("steps: [{wait: 1s, expect: {dead_letters: [{reason: DEEP}]}}]", "is given up on"),
        (
            "steps: [{wait: 1s, expect: {derived: [{type: a, problems: [{reason: LIST_TO_LONG}]}]}}]",
            "did you mean LIST_TOO_LONG?",
        ),
        ("steps: [{wait: 1s, expect: {events: [{violations: [NO_ID]}]}}]", "an event is refused"),
        ("steps: [{wait: 1s, expect: {events: [{warnings: [CLAMPED]}]}}]", "no code of a warning"),
    ] {
        let said = said_of(spec);
        assert!(said.starts_with("s.yaml:") && said.contains(reason), "{spec}: {said}");
    }
}
