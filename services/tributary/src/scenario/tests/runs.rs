//! Runs that call, wait, answer and send.

use super::*;

const ASKING: &str = "---
kind: Workflow
name: ask
tenant: t
spec:
  trigger: {events: [asked]}
  nodes:
    - name: server
      http: {url: 'https://score.example.com/{{ event.id }}', method: POST, body: {name: {expr: event.properties.name}}}
      to: {done: model, error: failed}
    - name: model
      grpc: {url: 'https://model.example.com', input: {score: {expr: memory.server.body.score}}, ports: [high]}
      to: {high: answer}
    - name: answer
      respond: {rank: {expr: memory.model.rank}}
      to: send
    - name: send
      deliver: {destination: crm, body: {rank: {expr: memory.model.rank}}}
    - name: failed
      respond: {rank: none}
";

const ANSWERS: &str = "  answers:
    ask/server: [{body: {score: 7}}, {error: TIMED_OUT}]
    ask/model: {port: high, output: {rank: a}}
";

#[test]
fn calls_are_answered_as_the_scenario_says_and_everything_is_shown() {
    let asked = "- track: [{type: asked, properties: {name: Ada}}]";
    let played = steps(ASKING, ANSWERS, &[asked; 2].join("\n"));
    let first = &played.steps[0];
    assert_eq!(first.actual["response"], json!({"rank": "a"}));
    let calls = json!([
        {"node": "ask/server", "method": "POST", "url": "https://score.example.com/event-1", "body": {"name": "Ada"}},
        {"node": "ask/model", "url": "https://model.example.com", "input": {"score": 7}},
    ]);
    assert_eq!(first.actual["calls"], calls);
    let sent = &first.actual["deliveries"][0];
    assert_eq!((&sent["destination"], &sent["body"]), (&json!("crm"), &json!({"rank": "a"})));
    let second = &played.steps[1];
    assert_eq!(second.actual["response"], json!({"rank": "none"}));
    assert!(
        second.notes.iter().any(|note| note.contains("node server: left by error")),
        "{:?}",
        second.notes
    );
    assert!(played.passed(), "nothing was expected, and every call had an answer");
}

#[test]
fn a_call_without_an_answer_fails_the_step_and_says_which_node_called() {
    let asked = "- track: [{type: asked}]";
    let played = steps(ASKING, ANSWERS, &[asked; 3].join("\n"));
    let passed: Vec<bool> = played.steps.iter().map(PlayedStep::passed).collect();
    assert_eq!(passed, [true, true, false], "the list of answers has two");
    let told = "ask/server called somebody, and the scenario has no answer: write one under `answers`";
    assert_eq!(played.steps[2].unanswered, [told]);
}

#[test]
fn a_step_has_answers_of_its_own() {
    let own =
        "- answers: {ask/server: {error: UNREACHABLE}}\n  track: [{type: asked}]\n- track: [{type: asked}]";
    let played = steps(ASKING, ANSWERS, own);
    let responses: Vec<_> = played.steps.iter().map(|step| step.actual["response"]["rank"].clone()).collect();
    assert_eq!(responses, [json!("none"), json!("a")]);
}

#[test]
fn what_several_events_are_answered_is_put_together_in_their_order() {
    let workflow = "---
kind: Workflow
name: w
tenant: t
spec:
  trigger: {events: [a, b]}
  nodes:
    - {name: say, respond: {last: {expr: event.type}}, to: more}
    - {name: more, if: event.type == 'a', to: {yes: [first, next]}}
    - {name: first, respond: {first: a}}
    - {name: next, emit: {type: c}}
---
kind: Workflow
name: of-what-is-made
tenant: t
spec:
  trigger: {events: [c]}
  nodes: [{name: say, respond: {last: c}}]
";
    let played = steps(workflow, "", "- track: [{type: a}, {type: b}]\n- wait: 1s");
    let response = json!({"first": "a", "last": "b"});
    assert_eq!(played.steps[0].actual["response"], response, "what c is answered is for nobody");
    assert_eq!(played.steps[1].actual["response"], json!(null));
}

const PAUSING: &str = "---
kind: Workflow
name: later
tenant: t
spec:
  trigger: {events: [begun]}
  nodes:
    - {name: wait, wait_for: {event: ended, within: 1h}, to: {event: in-time, timeout: late}}
    - {name: in-time, emit: {type: was-in-time}}
    - {name: late, emit: {type: was-late}, to: again}
    - {name: again, pause: 30m, to: last}
    - {name: last, emit: {type: was-last}}
";

#[test]
fn time_moves_from_one_thing_that_is_due_to_the_next() {
    let played = steps(PAUSING, "", "- track: [{type: begun}]\n- wait: 2h\n- wait: 1s");
    let step = &played.steps[1];
    assert_eq!(types(step, "derived"), ["was-late", "was-last"]);
    assert_eq!(step.actual["derived"][0]["time"], json!("2024-05-01T13:00:00Z"));
    assert_eq!(step.actual["derived"][1]["time"], json!("2024-05-01T13:30:00Z"));
    // What the event changed, then each of the two that were made: all is sent when it was quiet for two seconds.
    let times: Vec<_> =
        step.actual["deliveries"].as_array().unwrap().iter().map(|sent| sent["time"].clone()).collect();
    assert_eq!(times, ["2024-05-01T12:00:02Z", "2024-05-01T13:00:02Z", "2024-05-01T13:30:02Z"]);
    assert_eq!(types(&played.steps[2], "derived"), Vec::<String>::new(), "once");
}

#[test]
fn a_run_goes_on_by_the_event_that_it_waits_for_and_not_by_its_time_then() {
    let played =
        steps(PAUSING, "", "- track: [{type: begun}]\n- wait: 59m\n  track: [{type: ended}]\n- wait: 1day");
    assert_eq!(types(&played.steps[1], "derived"), ["was-in-time"]);
    assert_eq!(types(&played.steps[2], "derived"), Vec::<String>::new());
}

#[test]
fn runs_that_go_on_count_for_the_bound_of_a_step() {
    let tracked = "- track: [{type: begun}]\n  profile: ";
    let many: Vec<String> = (0..1100).map(|number| format!("{tracked}p{number}")).collect();
    let played = steps(PAUSING, "", &format!("{}\n- wait: 1day", many.join("\n")));
    let step = played.steps.last().unwrap();
    assert!(step.notes.iter().any(|note| note.contains("gave up")), "{:?}", step.notes);
}
