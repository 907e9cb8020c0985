//! What cannot be had is left out and marked, and costs nothing else.

use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

/// A source and fields, and these documents.
fn fixture(documents: &str) -> Fixture {
    let base = "
kind: Source
name: web
spec: {write_keys: [{env: KEY}]}
---
kind: Fields
name: f
spec: {fields: {total: counter, count: counter, tags: set, least: min, log: list}}
---
";
    Fixture::of(&format!("{base}{documents}"))
}

const TOTALS: &str = "
kind: Mapping
name: totals
spec:
  events: [purchase]
  changes:
    - {path: count, op: increment, value: 1}
    - {path: total, op: increment, from: properties.value}
    - {path: total, op: reset, when: event.properties.value == 7}
    - {path: total, op: increment, value: 1}
";

fn shown(plan: &Plan) -> Value {
    Value::Object(view(plan).document())
}

/// Reasons and paths of what is marked on an event.
fn marked(planned: &Planned) -> Vec<(&str, &str, &str)> {
    let problems = planned.marked.problems.iter();
    problems.map(|p| (p.document.as_str(), p.path.as_str(), p.reason.as_str())).collect()
}

fn decoded(planned: &Planned) -> v1::Event {
    v1::Event::decode(planned.unit.event.as_slice()).unwrap()
}

#[test]
fn a_refused_change_is_left_out_and_marked_and_everything_else_applies() {
    let fixture = fixture(TOTALS);
    let plan = fixture.plan(&fixture.payload(&[1.into(), "free".into(), 2.into()]), None, 0, false);
    assert_eq!(plan.events.iter().map(|event| event.index).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(shown(&plan), json!({"count": 3, "total": 6}));
    assert_eq!(marked(&plan.events[1].event), [("Mapping totals", "total", "NOT_A_NUMBER")]);
    let event = decoded(&plan.events[1].event);
    assert_eq!((event.problems.len(), event.invalid), (1, false));
    assert!(!event.problems[0].description.contains("free"));
    assert_eq!(decoded(&plan.events[0].event).problems, []);
}

#[test]
fn one_by_one_each_change_sees_those_before_it_and_ids_stay_unique() {
    // All at once where nothing is refused: the increment after the reset counts from it.
    let fixture = fixture(TOTALS);
    let plan = fixture.plan(&fixture.payload(&[7.into()]), None, 0, false);
    assert_eq!(shown(&plan), json!({"count": 1, "total": 1}));
    let bad = "
kind: Mapping
name: a
spec:
  events: [purchase]
  changes:
    - {path: total, op: increment, from: type}
";
    let fixture = self::fixture(&format!("{bad}---{TOTALS}"));
    let plan = fixture.plan(&fixture.payload(&[7.into()]), Some(&fixture.profile), 0, false);
    assert_eq!(shown(&plan), json!({"count": 1, "total": 1}));
    let unit = &plan.events[0].event;
    let ids: Vec<&str> =
        unit.profile_changes.iter().chain(&unit.session_changes).map(|change| change.id.as_str()).collect();
    let ordinals: Vec<String> = (0..ids.len()).map(|n| format!("e0/1/0/{n:04}")).collect();
    assert_eq!(ids, ordinals, "counted on, without gaps");
    let again = fixture.plan(&fixture.payload(&[7.into()]), Some(&fixture.profile), 0, false);
    assert_eq!(again.events[0].event.profile_changes, unit.profile_changes, "a retry makes the same");
}

#[test]
fn what_is_marked_and_made_of_one_event_is_bounded() {
    let refused: String =
        (0..40).map(|n| format!("    - {{path: c{n}.x, op: replace, from: type}}\n")).collect();
    let many: String = (0..100)
        .map(|n| format!("    - {{path: log, op: append, each: properties.value, when: {n} >= 0}}\n"))
        .collect();
    let documents = format!(
        "kind: Mapping\nname: a\nspec:\n  events: [purchase]\n  changes:\n{refused}---\n\
         kind: Mapping\nname: b\nspec:\n  events: [purchase]\n  changes:\n{many}"
    );
    let fixture = fixture(&documents);
    let plan = fixture.plan(&fixture.payload(&[json!([1, 2, 3, 4])]), None, 0, false);
    let unit = &plan.events[0].event;
    assert_eq!(unit.profile_changes.len(), 256);
    let problems = &unit.marked.problems;
    assert_eq!(problems.len(), 17);
    let left_out = 40 + (400 - 256) - 16;
    assert_eq!(
        (problems[16].reason.as_str(), problems[16].description.clone()),
        ("MORE_PROBLEMS", format!("and {left_out} more"))
    );
}

#[test]
fn an_event_that_does_not_fit_is_marked_and_no_mapping_sees_it() {
    let schema = "
kind: Schema
name: purchase
spec:
  events: purchase
  properties: {required: [value], properties: {value: {type: number, minimum: 0}}}
";
    let session = "
kind: Mapping
name: s
spec:
  events: [purchase]
  target: session
  changes: [{path: last, op: set, value: 1}]
";
    let fixture = fixture(&format!("{TOTALS}---{schema}---{session}"));
    let plan = fixture.plan(&fixture.payload(&["free".into(), 2.into()]), Some(&fixture.profile), 0, false);
    let (wrong, right) = (&plan.events[0], &plan.events[1]);
    assert_eq!(marked(&wrong.event), [("Schema purchase", "properties.value", "SCHEMA_VIOLATED")]);
    let event = decoded(&wrong.event);
    assert!(event.invalid && !event.problems[0].description.contains("free"));
    assert!(wrong.event.profile_changes.is_empty());
    let paths: Vec<&str> = wrong.event.session_changes.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(paths, ["lows.first_event", "highs.last_event", "stats.counters.events"], "the mesh's own");
    assert!(wrong.visit_started.is_some());
    assert!(!right.event.marked.invalid && !decoded(&right.event).invalid);
    assert_eq!(shown(&plan)["total"], 3);
    assert_eq!(right.event.session_changes.len(), 4);
}

#[test]
fn what_the_mesh_itself_cannot_keep_is_marked_too() {
    let fixture = fixture(TOTALS);
    let mut payload = fixture.payload(&[1.into()]);
    payload.context = (0..1100).map(|n| (format!("k{n}"), json!(1))).collect();
    let plan = fixture.plan(&payload, Some(&fixture.profile), 0, false);
    assert_eq!(marked(&plan.events[0].event), [("mesh", "context", "PATHS_EXHAUSTED")]);
    assert_eq!(plan.events[0].event.session_changes.len(), 3);
}

/// Everything that rules can be, on values that fit and values that do not.
const ALL_SORTS: &str = "
kind: Mapping
name: sorts
spec:
  events: \"*\"
  changes:
    - {path: total, op: increment, from: properties.value, as: number}
    - {path: count, op: decrement, from: [properties.value, properties.other]}
    - {path: total, op: reset, when: event.properties.value == 1}
    - {path: tags, op: add_to_set, each: properties.value, as: [trimmed, lower]}
    - {path: tags, op: remove_from_set, each: properties.other, default: x}
    - {path: least, op: min, from: properties.value, as: time}
    - {path: least, op: min, from: properties.value}
    - {path: log, op: append, from: properties.value}
    - {path: log, op: clear, when: event.properties.value}
    - {path: a, op: set, from: properties.value}
    - {path: a.b, op: replace, from: properties.value}
    - {path: c, op: set_if_absent, template: \"{{ event.properties.value }}-{{ event.type }}\"}
    - {path: d, op: set, expr: \"event.properties.value + event.properties.other\"}
    - {path: e, op: set, from: properties.value, as: boolean, default: false}
    - {path: segments.x, op: grant, from: properties.value}
---
kind: Mapping
name: session
spec:
  events: \"*\"
  target: session
  when: event.properties.value != 2
  changes:
    - {path: last, op: set, from: properties.value, as: integer}
";

fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3..3_i64).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e18..1e18_f64).prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        Just(json!("2024-05-01T12:00:00Z")),
        Just(json!("17.5")),
        Just(Value::from("x".repeat(9000))),
    ];
    scalar.prop_recursive(3, 80, 70, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..70).prop_map(Value::from),
            proptest::collection::btree_map("\\PC{0,4}|expires", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever events say: nothing panics, every event is planned, what is planned can be folded, and ids are unique.
    #[test]
    fn any_event_is_planned_and_only_with_admitted_changes(values in proptest::collection::vec((value(), value()), 1..4)) {
        let fixture = fixture(ALL_SORTS);
        let mut payload = fixture.payload(&vec![Value::Null; values.len()]);
        for (event, (value, other)) in payload.events.iter_mut().zip(&values) {
            let event = event.as_mut().expect("nulls are accepted");
            event.properties = serde_json::Map::from_iter([
                ("value".to_owned(), value.clone()),
                ("other".to_owned(), other.clone()),
            ]);
        }
        let plan = fixture.plan(&payload, Some(&fixture.profile), 0, true);
        prop_assert_eq!(plan.events.len(), values.len());
        let mut ids = std::collections::BTreeSet::new();
        let kinds = &fixture.config.tenant(&fixture.tenant).unwrap().kinds;
        for planned in &plan.events {
            for change in planned.event.profile_changes.iter().chain(&planned.event.session_changes) {
                prop_assert!(ids.insert(change.id.to_string()));
                prop_assert_eq!(kinds.kind_of(&change.path), Ok(change.op.kind()));
            }
            prop_assert!(planned.event.marked.problems.len() <= 17);
            prop_assert!(!planned.event.marked.invalid);
        }
        let document = Value::Object(view(&plan).document());
        prop_assert!(serde_json::from_str::<Value>(&document.to_string()).is_ok(), "not too deep for a reader");
        let again = fixture.plan(&payload, Some(&fixture.profile), 0, true);
        for (one, other) in plan.events.iter().zip(&again.events) {
            prop_assert_eq!(&one.event.profile_changes, &other.event.profile_changes);
        }
    }
}
