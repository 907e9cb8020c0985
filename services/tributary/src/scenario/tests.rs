//! Scenarios of the tests' own, and those that are shipped.

mod runs;

use std::{fs, path::Path};

use serde_json::json;

use super::*;

const SHOP: &str = "kind: Source
name: shop
tenant: t
spec: {write_keys: [{env: KEY}], trust_profile_ids: true}
---
kind: Fields
name: shop
tenant: t
spec: {fields: {count: counter, seen: set}}
---
kind: Mapping
name: every-event
tenant: t
spec: {events: '*', changes: [{path: count, op: increment, value: 1}]}
---
kind: Destination
name: crm
tenant: t
spec:
  webhook: {url: 'http://localhost/'}
  profiles: {quiet: 2s, longest_wait: 5s}
";

/// Workflows by which each event `e0` leads to some `e1`, each of those to some `e2`, and so on, deeper than is allowed.
fn chain(width: usize) -> String {
    let link = |n: usize| {
        let emit = vec![format!("{{type: e{}}}", n + 1); width].join(", ");
        format!(
            "---\nkind: Workflow\nname: w{n}\ntenant: t\nspec:\n  trigger: {{events: [e{n}]}}\n  \
             steps: [{{emit: [{emit}]}}]\n"
        )
    };
    (0..9).map(link).collect()
}

/// Plays steps on the shop's documents and these.
fn steps(more: &str, given: &str, steps: &str) -> Played {
    let folder = tempfile::tempdir().unwrap();
    let steps = steps.replace('\n', "\n    ");
    let scenario = format!(
        "---\nkind: Scenario\nname: s\ntenant: t\nspec:\n  source: shop\n  profile: p\n  \
         time: 2024-05-01T12:00:00Z\n{given}  steps:\n    {steps}\n"
    );
    fs::write(folder.path().join("all.yaml"), format!("{SHOP}{more}{scenario}")).unwrap();
    let config = Config::load(folder.path()).unwrap_or_else(|errors| panic!("{errors}"));
    let tenant = TenantId::new("t").unwrap();
    play(&config, &tenant, &config.tenants[&tenant].scenarios[0])
}

fn types(step: &PlayedStep, list: &str) -> Vec<String> {
    let events = step.actual[list].as_array().unwrap();
    events.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_shipped_scenarios_pass_and_the_destinations_do_once_it_is_renamed() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/example");
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("scenarios")).unwrap();
    for place in ["", "scenarios"] {
        for entry in fs::read_dir(example.join(place)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().trim_end_matches(".example").to_owned();
            if path.is_file() {
                fs::copy(&path, folder.path().join(place).join(name)).unwrap();
            }
        }
    }
    let (shipped, renamed) = (passing(&example), passing(folder.path()));
    assert!(shipped >= 22, "{shipped}");
    assert_eq!(renamed, shipped + 1);
}

/// How many scenarios the directory has, all of which pass.
fn passing(directory: &Path) -> usize {
    let config = Config::load(directory).unwrap_or_else(|errors| panic!("{errors}"));
    let all =
        config.tenants.iter().flat_map(|(id, tenant)| tenant.scenarios.iter().map(move |one| (id, one)));
    let mut count = 0;
    for (tenant, scenario) in all {
        for step in play(&config, tenant, scenario).steps {
            assert!(step.passed(), "{}, {}: {:#?}", scenario.name, step.name, step.compared.diff());
        }
        count += 1;
    }
    count
}

#[test]
fn the_same_scenario_always_gives_the_same() {
    let play = || {
        steps("", "", "- track: [{type: a}]\n- wait: 1m\n  profile: ''\n  session: s\n  track: [{type: b}]")
    };
    let (first, second) = (play(), play());
    assert_eq!(format!("{first:?}"), format!("{second:?}"));
}

#[test]
fn payloads_come_one_after_the_other_though_the_clock_stands() {
    let played =
        steps("", "", "- track: [{type: a}]\n- track: [{type: b}]\n- wait: 1s\n  track: [{type: c}]");
    let first = &played.steps[0].actual["derived"][0];
    assert_eq!((&first["type"], &first["time"]), (&json!("profile-created"), &json!("2024-05-01T12:00:00Z")));
    assert_eq!(played.steps[2].actual["profile"]["count"], json!(4), "three events, and profile-created");
}

#[test]
fn a_chain_of_events_ends_at_the_greatest_depth_as_a_dead_letter() {
    let played = steps(&chain(1), "", "- track: [{type: e0}]");
    let step = &played.steps[0];
    let derived = types(step, "derived");
    assert_eq!(derived, ["profile-created", "e1", "e2", "e3", "e4", "e5", "e6", "e7", "e8"]);
    assert_eq!(step.actual["derived"][8]["depth"], json!(8));
    assert_eq!(step.actual["dead_letters"], json!([{"reason": "TOO_DEEP", "type": "e9"}]));
    assert!(step.notes.iter().any(|note| note.contains("9 derivations")), "{:?}", step.notes);
}

#[test]
fn a_step_that_leads_to_more_events_than_anyone_can_wait_for_is_cut_off_and_says_so() {
    let played = steps(&chain(16), "", "- track: [{type: e0}]");
    let step = &played.steps[0];
    assert!(types(step, "derived").len() < 2_100);
    assert!(step.notes.iter().any(|note| note.contains("gave up")), "{:?}", step.notes);
}

#[test]
fn what_is_sent_waits_for_quiet_and_not_longer_than_the_longest_wait() {
    let one = "- wait: 1500ms\n  track: [{type: a}]";
    let played = steps("", "", &[one; 5].join("\n"));
    let times: Vec<_> = played
        .steps
        .iter()
        .flat_map(|step| step.actual["deliveries"].as_array().unwrap())
        .map(|delivery| (delivery["time"].clone(), delivery["profile"]["count"].clone()))
        .collect();
    // First changed after 1.5 s; it is never quiet for 2 s. The one after that waits still.
    assert_eq!(times, [(json!("2024-05-01T12:00:06.5Z"), json!(5))]);
}

#[test]
fn a_given_profile_is_there_already_and_older_than_everything() {
    let given = "  given: {profile: {count: 7, seen: [a, b], name: Ada, segments: {loyal: true}}}\n";
    let played = steps("", given, "- track: [{type: a}]\n- wait: 1m");
    let step = &played.steps[0];
    assert_eq!(types(step, "derived"), Vec::<String>::new(), "it is not new");
    let shown = json!({"count": 8, "seen": ["a", "b"], "name": "Ada", "segments": {"loyal": true}});
    assert_eq!(step.actual["profile"], shown);
    assert_eq!(played.steps[1].actual["deliveries"].as_array().unwrap().len(), 1, "for the change alone");
}

#[test]
fn an_import_is_counted_and_nothing_else_happens() {
    let played = steps(
        &chain(1),
        "",
        "- historical: true\n  track: [{type: e0}]\n- wait: 1m\n- track: [{type: e1}]\n- wait: 1m",
    );
    assert_eq!(played.steps[0].actual["profile"]["count"], json!(2), "the event, and profile-created");
    assert_eq!(types(&played.steps[0], "derived"), ["profile-created"]);
    assert_eq!(played.steps[1].actual["deliveries"], json!([]));
    assert!(types(&played.steps[2], "derived").len() > 1);
    assert_eq!(played.steps[3].actual["deliveries"].as_array().unwrap().len(), 1);
}

#[test]
fn a_payload_that_is_refused_as_a_whole_leaves_nothing() {
    let nothing = "profile: null, session: null, events: null, derived: null, deliveries: []";
    let played = steps("", "", &format!("- track: []\n  expect: {{refused: NO_EVENTS, {nothing}}}"));
    assert!(played.passed(), "{:?}", played.steps[0].compared.diff());
}

#[test]
fn something_where_nothing_is_expected_fails() {
    let with_session = "- session: s\n  track: [{type: a}]\n  expect: ";
    for nothing in
        ["profile: null", "session: null", "derived: null", "derived: [{type: visit-started, cause: null}]"]
    {
        assert!(!steps("", "", &format!("{with_session}{{{nothing}}}")).passed(), "{nothing}");
    }
    assert!(!steps("", "", "- track: []\n  expect: {refused: null}").passed());
    assert!(steps("", "", &format!("{with_session}{{refused: null, dead_letters: null}}")).passed());
}

#[test]
fn what_is_not_as_expected_fails_with_a_note_that_explains_it() {
    let played = steps("", "", "- track: [{type: a}]\n  expect: {profile: {count: 3}}");
    assert!(!played.passed());
    let note = "no Mapping, Workflow or Schema names the event type a";
    assert!(played.steps[0].notes.iter().any(|told| told == note), "{:?}", played.steps[0].notes);
}

#[test]
fn what_is_not_as_expected_is_explained_by_runs_that_still_wait_and_workflows_that_did_not_run() {
    let workflows = "---
kind: Workflow
name: remind
tenant: t
spec:
  trigger: {events: [a]}
  nodes:
    - {name: wait-for-order, wait_for: {event: b, within: 2h}, to: {timeout: tell}}
    - {name: tell, emit: {type: reminded}}
---
kind: Workflow
name: loyal
tenant: t
spec:
  trigger: {events: [a], condition: size(profile.seen) > 2}
  nodes: [{name: tell, emit: {type: became-loyal}}]
";
    let played =
        steps(workflows, "", "- track: [{type: a}]\n- wait: 1h\n  expect: {derived: [{type: reminded}]}");
    assert_eq!(
        played.steps[1].notes,
        ["workflow remind: still paused at wait-for-order until 2024-05-01T14:00:00Z"]
    );
    let played = steps(workflows, "", "- track: [{type: a}]\n  expect: {derived: [{type: became-loyal}]}");
    let notes = &played.steps[0].notes;
    let of_loyal: Vec<_> = notes.iter().filter(|note| note.contains("loyal")).collect();
    assert_eq!(of_loyal, ["workflow loyal: not triggered: profile.seen is missing"]);
}

#[test]
fn a_path_that_is_missing_is_told_once_though_it_is_the_error_too() {
    let workflow = "---
kind: Workflow
name: ask
tenant: t
spec:
  trigger: {events: [a]}
  nodes:
    - {name: ask, http: {url: 'http://shop.example/{{ event.properties.gone }}'}, to: {error: tell}}
    - {name: tell, emit: {type: told}}
";
    let played = steps(workflow, "", "- track: [{type: a}]");
    assert_eq!(
        played.steps[0].notes,
        ["workflow ask, node ask: left by error, url: event.properties.gone is missing"]
    );
}
