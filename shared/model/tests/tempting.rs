//! Simpler rules that look right and are not: each test here fails under one of them (docs/algebra.md §10).

#![allow(clippy::unwrap_used, reason = "a failed helper is a failed test")]

use serde_json::{Value, json};
use tributary_model::{
    Amount, Bound, Change, ChangeId, EventId, Members, Op, Path, ProfileId, SessionId, State, Time, Version,
    deltas,
};

fn change(time: i64, id: &str, path: &str, op: Op) -> Change {
    Change {
        id: ChangeId::new(id).unwrap(),
        event: EventId::new(id).unwrap(),
        time: Time::from_micros(time),
        path: Path::new(path).unwrap(),
        op,
    }
}

fn set(value: i64) -> Op {
    Op::Set(json!(value))
}

fn add(n: i64) -> Op {
    Op::Increment { by: Amount::from_json(&json!(n)).unwrap(), tag: String::new() }
}

fn reset(ended: &[&str]) -> Op {
    Op::Reset { ended: ended.iter().map(|tag| (*tag).to_owned()).collect() }
}

fn document(state: &State) -> Value {
    Value::Object(state.view(Time::MAX).document())
}

/// What the changes show, after checking that every order shows the same.
fn shown(changes: &[Change]) -> Value {
    let forward = State::fold(changes);
    for shift in 0..changes.len() {
        let (tail, head) = (&changes[shift..], &changes[..shift]);
        assert_eq!(State::fold(tail.iter().chain(head)), forward);
        assert_eq!(State::fold(head.iter().rev().chain(tail.iter().rev())), forward);
    }
    document(&forward)
}

fn id(text: &str) -> ProfileId {
    ProfileId::new(text).unwrap()
}

#[test]
fn ties_are_not_decided_by_arrival() {
    assert_eq!(shown(&[change(1, "e1", "a", set(1)), change(1, "e2", "a", set(2))]), json!({"a": 2}));
}

#[test]
fn absence_is_not_decided_at_arrival() {
    let default = |time, id, n| change(time, id, "a", Op::SetIfAbsent(json!(n)));
    assert_eq!(shown(&[default(2, "e1", 1), default(1, "e2", 2)]), json!({"a": 2}));
}

#[test]
fn a_default_does_not_come_back_after_an_unset() {
    let default = |time, id, n| change(time, id, "a", Op::SetIfAbsent(json!(n)));
    assert_eq!(
        shown(&[default(1, "e1", 1), default(3, "e3", 3), change(2, "e2", "a", Op::Unset)]),
        json!({})
    );
}

#[test]
fn an_unset_below_does_not_bring_an_older_value_above_back() {
    assert_eq!(
        shown(&[
            change(1, "e1", "a", set(1)),
            change(2, "e2", "a.b", set(2)),
            change(3, "e3", "a.b", Op::Unset)
        ]),
        json!({})
    );
}

#[test]
fn a_late_write_finds_its_place() {
    // a.b was written before a was removed, a.c after; both arrive late.
    let late =
        [change(1, "e1", "a.b", set(1)), change(3, "e3", "a.c", set(3)), change(2, "e2", "a", Op::Unset)];
    assert_eq!(shown(&late), json!({"a": {"c": 3}}));
}

#[test]
fn two_resets_of_one_value_are_one() {
    let changes = [
        change(1, "e1", "interests.x", add(10)),
        change(2, "r1", "interests.x", reset(&[""])),
        change(2, "r2", "interests.x", reset(&[""])),
    ];
    assert_eq!(shown(&changes), json!({"interests": {"x": 0}}));
}

#[test]
fn a_reset_of_one_member_does_not_clear_the_other() {
    let a =
        State::fold(&[change(1, "e1", "interests.x", add(5)), change(2, "r1", "interests.x", reset(&[""]))]);
    let b = State::one(&change(1, "e2", "interests.x", add(7)));
    let mut members = Members::one(id("A"), Version::new(2, 0), a);
    members.insert(id("B"), Version::new(1, 0), b);
    assert_eq!(document(&members.total()), json!({"interests": {"x": 7}}));
}

#[test]
fn a_reset_seen_through_the_join_clears_both() {
    let member = |n| State::one(&change(1, &format!("e{n}"), "interests.x", add(n)));
    let mut a = member(5);
    let mut members = Members::one(id("A"), Version::new(1, 0), a.clone());
    members.insert(id("B"), Version::new(1, 0), member(7));
    a.apply(&change(2, "r1", "interests.x", reset(&["A", "B"])));
    a.apply(&change(
        3,
        "e3",
        "interests.x",
        Op::Increment { by: Amount::from_json(&json!(1)).unwrap(), tag: "r1".to_owned() },
    ));
    members.insert(id("A"), Version::new(2, 0), a);
    assert_eq!(document(&members.total()), json!({"interests": {"x": 1}}));
}

#[test]
fn merging_twice_adds_once_and_pairs_can_be_joined() {
    let member = |name: &str, n| {
        Members::one(id(name), Version::new(1, 0), State::one(&change(1, name, "interests.x", add(n))))
    };
    let (mut ab, mut bc) = (member("A", 5), member("B", 7));
    ab.join(member("B", 7));
    ab.join(member("B", 7));
    bc.join(member("C", 1));
    ab.join(bc);
    assert_eq!(document(&ab.total()), json!({"interests": {"x": 13}}));
}

#[test]
fn a_removal_is_remembered_for_a_merge_years_later() {
    let mut a = State::one(&change(7, "e7", "a", Op::Unset));
    a.plus(State::one(&change(5, "e5", "a", set(5))));
    assert_eq!(document(&a), json!({}));
}

#[test]
fn the_newest_visits_are_chosen_by_a_start_that_never_moves() {
    let visit = |time, session: &str| {
        change(time, session, "stats.visits", Op::OpenVisit { session: SessionId::new(session).unwrap() })
    };
    assert_eq!(
        shown(&[visit(10_000_000, "e"), visit(9_000_000, "f"), visit(1_000_000, "g")]),
        json!({"stats": {"visits": {
            "count": 3,
            "first": "1970-01-01T00:00:01Z",
            "current": "1970-01-01T00:00:10Z",
            "last": "1970-01-01T00:00:09Z",
        }}})
    );
}

#[test]
fn of_equal_bounds_the_first_seen_is_kept() {
    let max = |time, id| {
        let bound = Bound { value: Amount::from_json(&json!(4)).unwrap(), is_time: false };
        change(time, id, "highs.x", Op::Max(bound))
    };
    assert_eq!(State::fold(&[max(2, "e2"), max(1, "e1")]), State::one(&max(1, "e1")));
}

#[test]
fn at_equal_times_no_beats_yes_whatever_the_ids() {
    let grant = change(1, "z", "consents.c", Op::Grant { expires: None });
    assert_eq!(shown(&[grant, change(1, "a", "consents.c", Op::Revoke)]), json!({"consents": {"c": false}}));
}

#[test]
fn an_older_write_is_told_as_unchanged_and_cleared_paths_are_listed() {
    let before = State::fold(&[change(5, "e1", "a.b", set(1)), change(5, "e2", "c", set(1))]);
    let (_, told) =
        deltas(&before, &[change(6, "e3", "a", Op::Unset), change(1, "e4", "c", set(2))], Time::MAX);
    let short: Vec<_> =
        told.iter().map(|d| (d.path.as_str(), &d.before, &d.after, d.changed, d.changes.len())).collect();
    let one = Some(json!(1));
    assert_eq!(
        short,
        [("a", &None, &None, false, 1), ("a.b", &one, &None, true, 0), ("c", &one, &one, false, 1),]
    );
}

#[test]
fn a_value_and_a_deeper_path_of_another_kind_are_both_shown() {
    // Happens where configuration changed the kind of a path.
    let state = State::fold(&[change(1, "e1", "x.a", set(5)), change(1, "e2", "x.a.b", add(3))]);
    assert_eq!(document(&state), json!({"x": {"a": 5, "a.b": 3}}));
}
