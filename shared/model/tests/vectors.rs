//! Sets of changes whose outcome an independent implementation worked out.

#![allow(clippy::unwrap_used, reason = "a failed helper is a failed test")]

use serde_json::{Map, Value};
use std::collections::BTreeMap;
use tributary_model::{
    Amount, Bound, Change, ChangeId, EventId, Members, Op, Path, ProfileId, SessionId, State, Time, Version,
    View, canonical, deltas,
};

#[test]
fn folds_show_what_they_should_in_any_order() {
    for case in vectors("folds") {
        let mut list = changes(&case["changes"]);
        for order in 0..3 {
            let view = State::fold(&list).view(now(&case));
            assert_eq!(shown(&view), expected(&case["view"]), "{} in order {order}", case["name"]);
            let half = list.len() / 2;
            list.rotate_left(half);
            list.reverse();
        }
    }
}

#[test]
fn deltas_tell_every_path_that_shows_something_else() {
    for case in vectors("deltas") {
        let (before, list) = (State::fold(&changes(&case["before"])), changes(&case["changes"]));
        let (after, found) = deltas(&before, &list, now(&case));
        let found: Vec<Value> = found
            .into_iter()
            .map(|delta| {
                let ids: Vec<&str> = delta.changes.iter().map(|change| change.id.as_str()).collect();
                let mut told =
                    serde_json::json!({"path": delta.path, "changed": delta.changed, "changes": ids});
                for (side, value) in [("before", delta.before), ("after", delta.after)] {
                    if let Some(value) = value {
                        told[side] = value;
                    }
                }
                canonical(told)
            })
            .collect();
        assert_eq!(Value::from(found), canonical(case["deltas"].clone()), "{}", case["name"]);
        let mut all = before;
        all.plus(State::fold(&list));
        assert_eq!(after, all, "{}", case["name"]);
    }
}

#[test]
fn members_show_the_fold_of_all_and_each_reset_only_what_it_saw() {
    for case in vectors("members") {
        let mut members = Members::default();
        for (origin, list) in case["members"].as_object().unwrap() {
            members.insert(ProfileId::new(origin).unwrap(), Version::new(1, 0), State::fold(&changes(list)));
        }
        assert_eq!(shown(&members.total().view(now(&case))), expected(&case["view"]), "{}", case["name"]);
    }
}

fn vectors(section: &str) -> Vec<Value> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/algebra_vectors.json");
    let mut all: Map<String, Value> = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let Some(Value::Array(cases)) = all.remove(section) else { panic!("no section {section}") };
    assert!(cases.len() >= 30);
    cases
}

fn now(case: &Value) -> Time {
    Time::from_micros(case["now"].as_i64().unwrap())
}

fn shown(view: &View) -> BTreeMap<String, Value> {
    view.iter().map(|(path, value)| (path.to_string(), canonical(value.clone()))).collect()
}

fn expected(view: &Value) -> BTreeMap<String, Value> {
    view.as_object().unwrap().iter().map(|(path, value)| (path.clone(), canonical(value.clone()))).collect()
}

fn changes(list: &Value) -> Vec<Change> {
    list.as_array().unwrap().iter().map(change).collect()
}

fn change(case: &Value) -> Change {
    let text = |name: &str| case[name].as_str().unwrap().to_owned();
    let value = || canonical(case["value"].clone());
    let amount = || Amount::from_json(&case["value"]).unwrap();
    let tag = case["tag"].as_str().unwrap_or_default().to_owned();
    let path = Path::new(text("path")).unwrap();
    let op = match text("op").as_str() {
        "set" => Op::Set(value()),
        "unset" => Op::Unset,
        "set_if_absent" => Op::SetIfAbsent(value()),
        "increment" => Op::Increment { by: amount(), tag },
        "decrement" => Op::Decrement { by: amount(), tag },
        "reset" => {
            let ended = case["ended"].as_array().unwrap();
            Op::Reset { ended: ended.iter().map(|tag| tag.as_str().unwrap().to_owned()).collect() }
        }
        "min" => Op::Min(Bound { value: amount(), is_time: false }),
        "max" => Op::Max(Bound { value: amount(), is_time: false }),
        "add_to_set" => Op::AddToSet(value()),
        "remove_from_set" => Op::RemoveFromSet(value()),
        "clear" if path.as_str().starts_with("lists") => Op::ClearList,
        "clear" => Op::ClearSet,
        "append" => Op::Append(value()),
        "grant" => Op::Grant { expires: case["expires"].as_i64().map(Time::from_micros) },
        "revoke" => Op::Revoke,
        "enter" => Op::Enter,
        "leave" => Op::Leave,
        "open_visit" => Op::OpenVisit { session: SessionId::new(text("value")).unwrap() },
        other => panic!("{other}"),
    };
    Change {
        id: ChangeId::new(text("id")).unwrap(),
        event: EventId::new(text("event")).unwrap(),
        time: Time::from_micros(case["time"].as_i64().unwrap()),
        path,
        op,
    }
}
