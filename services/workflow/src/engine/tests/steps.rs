//! What steps see, do and record.

use serde_json::json;
use tributary_model::State;

use super::{after, changes, event, run_over, tenant, workflow};
use crate::engine::{MAX_CHANGES, MAX_EMITS};

#[test]
fn a_step_sees_what_earlier_steps_and_workflows_changed() {
    let tenant = tenant(&format!(
        "{}{}",
        workflow("b", "- when: profile.interests.jazz == 3\n  then: [{path: seen, op: set, value: true}]"),
        workflow(
            "a",
            "- then: [{path: interests.jazz, op: increment, value: 1}]\n\
             - when: profile.interests.jazz == 1\n  then: [{path: interests.jazz, op: increment, value: 2}]"
        ),
    ));
    let runs = run_over(&tenant, &event("e", json!({})), &State::default());
    assert_eq!(runs.iter().map(|run| run.workflow.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(after(&State::default(), &runs, &tenant), json!({"interests": {"jazz": 3}, "seen": true}));
    let ids: Vec<String> = changes(&runs).map(|change| change.id.to_string()).collect();
    assert_eq!(ids, ["e/2/0/0000", "e/2/0/0001", "e/2/0/0002"]);
}

#[test]
fn a_trigger_that_does_not_hold_leaves_no_run() {
    let tenant = tenant(
        "kind: Workflow\nname: w\nspec:\n  trigger: {events: [buy], condition: event.properties.value > 5}\n  \
         steps: [{then: [{path: a, op: set, value: 1}]}]\n",
    );
    let runs = |properties| run_over(&tenant, &event("e", properties), &State::default());
    assert!(runs(json!({"value": 5})).is_empty());
    assert!(runs(json!({})).is_empty());
    assert_eq!(runs(json!({"value": 6})).len(), 1);
    let failed = runs(json!({"value": "six"}));
    assert_eq!(
        failed[0].failure.as_deref(),
        Some("the trigger's condition: > does not work on string, number")
    );
    assert!(failed[0].changes.is_empty());
    let mut other = event("e", json!({"value": 6}));
    other.event_type = "look".into();
    assert!(run_over(&tenant, &other, &State::default()).is_empty());
}

#[test]
fn a_missing_path_takes_the_other_branch_and_is_recorded() {
    let tenant = tenant(&workflow(
        "w",
        "- name: ask\n  when: profile.loyalty.points > 5\n  then: [{path: a, op: set, value: 1}]\n  \
         otherwise: [{path: a, op: set, value: 2}]\n  emit: [{type: never}]",
    ));
    let runs = run_over(&tenant, &event("e", json!({})), &State::default());
    let step = &runs[0].steps[0];
    assert_eq!((step.name.as_deref(), step.taken), (Some("ask"), false));
    assert_eq!(step.missing.as_deref(), Some("profile.loyalty.points"));
    assert!(runs[0].emits.is_empty());
    assert_eq!(after(&State::default(), &runs, &tenant), json!({"a": 2}));
}

#[test]
fn an_undecided_condition_takes_neither_branch() {
    let tenant = tenant(&workflow(
        "w",
        "- when: event.properties.value > 5\n  then: [{path: a, op: set, value: 1}]\n  \
         otherwise: [{path: a, op: set, value: 2}]",
    ));
    let runs = run_over(&tenant, &event("e", json!({"value": "x"})), &State::default());
    assert!(runs[0].changes.is_empty());
    assert_eq!(runs[0].steps[0].refused, ["when: > does not work on string, number"]);
    assert_eq!(runs[0].failure, None);
}

#[test]
fn what_is_refused_is_recorded_and_its_neighbours_are_made() {
    let tenant = tenant(&workflow(
        "w",
        "- then:\n    - {path: interests.jazz, op: increment, from: properties.value}\n    \
         - {path: b, op: set, expr: event.properties.absent + 1}\n    - {path: c, op: set, from: properties.value}",
    ));
    let runs = run_over(&tenant, &event("e", json!({"value": "many"})), &State::default());
    assert_eq!(after(&State::default(), &runs, &tenant), json!({"c": "many"}));
    let refused = &runs[0].steps[0].refused;
    assert_eq!(refused.len(), 2);
    assert!(refused[0].starts_with("`interests.jazz` takes a number"), "{refused:?}");
    assert_eq!(refused[1], "set of b: event.properties.absent is missing");
    assert_eq!(runs[0].failure, None);
}

#[test]
fn changes_are_those_of_mappings_and_see_the_profile_too() {
    let tenant = tenant(&workflow(
        "w",
        "- then:\n    - {path: preferences.genres, op: add_to_set, each: properties.tags, as: [trimmed, lower]}\n    \
         - {path: greeting, op: set, template: \"Hello {{ profile.name | default('you') }}\"}\n    \
         - {path: interests.jazz, op: increment, from: properties.points, as: integer, default: 5}\n    \
         - {path: again, op: set, value: true, when: profile.name == 'Ada'}\n    \
         - {path: undecided, op: set, value: true, when: event.properties.tags > 1}",
    ));
    let runs =
        run_over(&tenant, &event("e", json!({"tags": [" Jazz", null, "Folk", {}]})), &State::default());
    assert_eq!(
        after(&State::default(), &runs, &tenant),
        json!({"preferences": {"genres": ["jazz", "folk"]}, "greeting": "Hello you", "interests": {"jazz": 5}})
    );
    let refused = &runs[0].steps[0].refused;
    assert_eq!(refused[0], "add_to_set of preferences.genres: element 4: an object has no text");
    assert!(refused[1].starts_with("set of undecided: when: "), "{refused:?}");
    assert_eq!(refused.len(), 2);
}

#[test]
fn made_events_have_derived_ids_and_see_the_changes_of_their_step() {
    let tenant = tenant(&workflow(
        "w",
        "- then: [{path: interests.jazz, op: increment, value: 7}]\n  emit:\n    \
         - {type: first, properties: {points: {expr: profile.interests.jazz}, kind: {a: [1]}, gone: {expr: profile.x}}}\n    \
         - {type: second}",
    ));
    let run = |id| run_over(&tenant, &event(id, json!({})), &State::default()).remove(0);
    let (one, again, other) = (run("e1"), run("e1"), run("e2"));
    assert_eq!(one, again);
    assert_eq!(json!(one.emits[0].properties), json!({"points": 7, "kind": {"a": [1]}}));
    assert_eq!(one.steps[0].refused, ["property gone of first: profile.x is missing"]);
    assert_ne!(one.emits[0].id, one.emits[1].id);
    assert_ne!(one.emits[0].id, other.emits[0].id);
}

#[test]
fn a_run_over_the_limit_leaves_nothing_and_the_next_one_goes_on() {
    let many: String =
        (0..MAX_CHANGES).map(|i| format!("\n    - {{path: p{i}, op: set, value: 1}}")).collect();
    let shout: String = (0..MAX_EMITS).map(|i| format!("\n    - {{type: t{i}}}")).collect();
    let tenant = tenant(&format!(
        "{}{}{}{}",
        workflow("a", "- then: [{path: interests.jazz, op: increment, value: 1}]"),
        workflow("b", &format!("- then: [{{path: q, op: set, value: 1}}]\n- then:{many}")),
        workflow("c", &format!("- emit:{shout}\n- emit: [{{type: more}}]")),
        workflow(
            "d",
            "- when: \"!has(profile.q) && profile.interests.jazz == 1\"\n  then: [{path: d, op: set, value: 1}]"
        ),
    ));
    let runs = run_over(&tenant, &event("e", json!({})), &State::default());
    let failures: Vec<Option<&str>> = runs.iter().map(|run| run.failure.as_deref()).collect();
    assert_eq!(
        failures,
        [
            None,
            Some("step 2: the workflows of one event can make 64 changes, and this would be one more"),
            Some("step 2: the workflows of one event can make 16 events, and this would be one more"),
            None
        ]
    );
    assert!(runs[1].changes.is_empty() && runs[2].emits.is_empty());
    assert_eq!(after(&State::default(), &runs, &tenant), json!({"interests": {"jazz": 1}, "d": 1}));
    let ids: Vec<String> = changes(&runs).map(|change| change.id.to_string()).collect();
    assert_eq!(ids, ["e/2/0/0000", "e/2/0/0001"]);
}

#[test]
fn a_reset_and_an_increment_in_one_step_count_from_the_reset() {
    let before = tenant(&workflow("w", "- then: [{path: interests.jazz, op: increment, value: 5}]"));
    let mut profile = State::default();
    for change in changes(&run_over(&before, &event("e0", json!({})), &profile)).cloned().collect::<Vec<_>>()
    {
        profile.apply(&change);
    }
    let tenant = tenant(&workflow(
        "w",
        "- then:\n    - {path: interests.jazz, op: reset}\n    - {path: interests.jazz, op: increment, value: 2}",
    ));
    let runs = run_over(&tenant, &event("e1", json!({})), &profile);
    assert_eq!(after(&profile, &runs, &tenant), json!({"interests": {"jazz": 2}}));
}
