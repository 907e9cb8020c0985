//! What is admitted, what is rewritten, what is refused.

#![allow(clippy::unwrap_used, reason = "a failed helper is a failed test")]

use serde_json::{Value, json};
use tributary_model::{
    Admission, Cause, Change, EventId, Intent, IntentOp, Kind, Kinds, Limits, Op, Path, Refusal, Resource,
    Stage, State, Time, admit,
};

fn intent(path: &str, op: &str, value: Value) -> Intent {
    serde_json::from_value(json!({"path": path, "op": op, "value": value})).unwrap()
}

struct Desk {
    kinds: Kinds,
    state: State,
    limits: Limits,
    events: u32,
}

impl Desk {
    fn new() -> Self {
        Self { kinds: Kinds::default(), state: State::default(), limits: Limits::default(), events: 0 }
    }

    fn admit(&self, intents: &[Intent]) -> Result<Vec<Change>, Refusal> {
        let cause =
            Cause { event: EventId::new(format!("e{}", self.events)).unwrap(), stage: Stage::Preprocess };
        admit(
            intents,
            &Admission {
                kinds: &self.kinds,
                state: &self.state,
                cause: &cause,
                commit_key: "0",
                time: Time::from_micros(i64::from(self.events)),
                first_ordinal: 0,
                limits: &self.limits,
            },
        )
    }

    /// Admits the intents of the next event and folds what they made.
    fn event(&mut self, intents: &[Intent]) -> Vec<Change> {
        self.events += 1;
        let changes = self.admit(intents).unwrap();
        changes.iter().for_each(|change| self.state.apply(change));
        changes
    }

    fn refused(&self, path: &str, op: &str, value: Value) -> Refusal {
        self.admit(&[intent(path, op, value)]).unwrap_err()
    }

    fn shown(&self) -> Value {
        Value::Object(self.state.view(Time::from_micros(1_000)).document())
    }
}

#[test]
fn an_object_is_written_as_its_leaves_and_others_stay() {
    let mut desk = Desk::new();
    desk.event(&[intent("traits", "set", json!({"name": "Ada", "home": {"city": "London", "zip": 1.0}}))]);
    let changes = desk.event(&[intent("traits", "set", json!({"home": {"city": "Paris", "zip": null}}))]);
    assert_eq!(changes.len(), 1);
    assert_eq!(desk.shown(), json!({"traits": {"name": "Ada", "home": {"city": "Paris", "zip": 1}}}));
}

#[test]
fn replace_clears_what_was_there_first() {
    let mut desk = Desk::new();
    desk.event(&[intent("traits", "set", json!({"a": 1, "b": {"c": 2}}))]);
    let changes = desk.event(&[intent("traits", "replace", json!({"b": {"d": [3]}}))]);
    let ids: Vec<&str> = changes.iter().map(|change| change.id.as_str()).collect();
    assert_eq!(ids, ["e2/1/0/0000", "e2/1/0/0001"]);
    assert_eq!(desk.shown(), json!({"traits": {"b": {"d": [3]}}}));
}

#[test]
fn null_changes_nothing() {
    let desk = Desk::new();
    for (path, op) in
        [("a", "set"), ("a", "set_if_absent"), ("interests.x", "increment"), ("preferences.x", "add_to_set")]
    {
        assert_eq!(desk.admit(&[intent(path, op, Value::Null)]), Ok(vec![]), "{op}");
    }
    assert_eq!(desk.admit(&[intent("a", "set", json!({"b": null, "c": {"d": null}}))]), Ok(vec![]));
}

#[test]
fn nothing_and_zero_are_values() {
    let mut desk = Desk::new();
    desk.event(&[intent("t", "set", json!({"zero": 0, "no": false, "empty": ""}))]);
    assert_eq!(desk.shown(), json!({"t": {"zero": 0, "no": false, "empty": ""}}));
}

#[test]
fn operations_of_another_kind_are_refused() {
    let desk = Desk::new();
    for (path, op, kind) in [
        ("interests.x", "set", Kind::Counter),
        ("traits.x", "increment", Kind::Register),
        ("consents.x", "enter_", Kind::Flag),
        ("lists.x", "add_to_set", Kind::List),
        ("preferences.x", "append", Kind::Set),
        ("lows.x", "max", Kind::Min),
        ("stats.visits", "increment", Kind::Visits),
        ("traits.x", "grant", Kind::Register),
    ] {
        let op = if op == "enter_" { "set" } else { op };
        let refusal = desk.refused(path, op, json!(1));
        assert!(matches!(&refusal, Refusal::WrongOperation { kind: k, .. } if *k == kind), "{refusal}");
        assert_eq!(refusal.reason(), "WRONG_OPERATION");
    }
    assert!(serde_json::from_value::<Intent>(json!({"path": "stats.visits", "op": "open_visit"})).is_err());
}

#[test]
fn leaves_must_be_registers_too() {
    let mut desk = Desk::new();
    let declared = [("shop.orders.count", Kind::Counter)];
    desk.kinds =
        Kinds::new(declared.iter().map(|(path, kind)| (Path::new(*path).unwrap(), *kind)).collect()).unwrap();
    assert_eq!(desk.refused("shop", "unset", Value::Null).reason(), "MIXED_KINDS");
    assert_eq!(desk.refused("stats", "set", json!({"x": 1})).reason(), "MIXED_KINDS");
    assert_eq!(desk.refused("metrics.x", "set", json!(1)).reason(), "METRICS_NOT_CHANGEABLE");
    assert_eq!(desk.refused("shop.orders.count", "set_if_absent", json!(1)).reason(), "WRONG_OPERATION");
}

#[test]
fn values_that_fields_cannot_hold_are_refused() {
    let desk = Desk::new();
    for (path, op, value, reason) in [
        ("a", "set", json!({}), "EMPTY_OBJECT"),
        ("a", "replace", json!(1), "NOT_AN_OBJECT"),
        ("a", "set", json!({"": 1}), "BAD_PATH"),
        ("a", "set", json!(9_007_199_254_740_993_i64), "NUMBER_TOO_LARGE"),
        ("a", "set", json!("x".repeat(8191)), "VALUE_TOO_LARGE"),
        ("interests.x", "increment", json!("1"), "NOT_A_NUMBER"),
        ("interests.x", "increment", json!(true), "NOT_A_NUMBER"),
        ("interests.x", "decrement", json!(1e16), "NUMBER_TOO_LARGE"),
        ("highs.x", "max", json!("yesterday"), "NOT_A_NUMBER"),
        ("preferences.x", "add_to_set", json!([1]), "NOT_SCALAR"),
        ("consents.x", "grant", json!({"expires": "soon"}), "BAD_EXPIRY"),
        ("consents.x", "grant", json!(true), "BAD_EXPIRY"),
    ] {
        assert_eq!(desk.refused(path, op, value).reason(), reason, "{op} {path}");
    }
}

#[test]
fn what_would_be_shown_too_deep_is_refused() {
    let desk = Desk::new();
    let nested = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    assert!(desk.admit(&[intent("a", "set", nested(31))]).is_ok());
    assert_eq!(desk.refused("a", "set", nested(32)).reason(), "VALUE_TOO_DEEP");
    assert_eq!(desk.refused("lists.a", "append", nested(30)).reason(), "VALUE_TOO_DEEP");
}

#[test]
fn times_in_bounds_are_kept_as_times() {
    let mut desk = Desk::new();
    desk.event(&[
        intent("lows.seen", "min", json!("2024-05-01T12:00:00.25Z")),
        intent("highs.n", "max", json!(2.5)),
    ]);
    desk.event(&[intent("lows.seen", "min", json!("2023-01-01T00:00:00Z"))]);
    assert_eq!(desk.shown(), json!({"lows": {"seen": "2023-01-01T00:00:00Z"}, "highs": {"n": 2.5}}));
}

#[test]
fn a_reset_clears_what_it_saw_and_counting_goes_on() {
    let mut desk = Desk::new();
    let add = |n: i64| intent("interests.x", "increment", json!(n));
    let late = desk.event(&[add(5)]).remove(0);
    let changes = desk.event(&[add(2), intent("interests.x", "reset", Value::Null), add(3)]);
    assert_eq!(desk.shown(), json!({"interests": {"x": 3}}));
    let Op::Increment { tag, .. } = &changes[2].op else { panic!("{changes:?}") };
    assert_eq!(tag, changes[1].id.as_str());
    // Late, of the incarnation that was ended.
    let mut slow = late.clone();
    slow.id = tributary_model::ChangeId::new("late/1/0/0000").unwrap();
    desk.state.apply(&slow);
    assert_eq!(desk.shown(), json!({"interests": {"x": 3}}));
    desk.event(&[intent("interests.x", "reset", Value::Null)]);
    desk.event(&[add(1)]);
    assert_eq!(desk.shown(), json!({"interests": {"x": 1}}));
}

#[test]
fn a_grant_ends_by_itself() {
    let mut desk = Desk::new();
    desk.event(&[intent("consents.mail", "grant", json!({"expires": "1970-01-01T00:00:00.0005Z"}))]);
    let on = |now| desk.state.view(Time::from_micros(now)).get("consents.mail").cloned();
    assert_eq!((on(499), on(500)), (Some(json!(true)), Some(json!(false))));
}

#[test]
fn a_full_profile_takes_new_values_for_old_paths_only() {
    let mut desk = Desk::new();
    desk.limits.paths = 2;
    desk.event(&[intent("a", "set", json!(1)), intent("b", "set", json!(1))]);
    desk.event(&[intent("a", "set", json!(2))]);
    desk.event(&[intent("b", "unset", Value::Null)]);
    let refusal = desk.refused("c", "set", json!(1));
    assert_eq!(refusal, Refusal::Exhausted { what: Resource::Paths, limit: 2 });
    assert!(refusal.is_exhausted());
}

#[test]
fn bytes_and_resets_are_bounded() {
    let mut desk = Desk::new();
    desk.limits.bytes = 300;
    desk.event(&[intent("a", "set", json!("x".repeat(200)))]);
    assert_eq!(desk.refused("b", "set", json!("x".repeat(200))).reason(), "BYTES_EXHAUSTED");
    desk.event(&[intent("a", "set", json!("x".repeat(190)))]);

    let mut desk = Desk::new();
    desk.limits.resets = 3;
    for _ in 0..3 {
        desk.event(&[
            intent("interests.x", "increment", json!(1)),
            intent("interests.x", "reset", Value::Null),
        ]);
        desk.limits.resets += 1;
    }
    desk.limits.resets = 3;
    assert_eq!(desk.refused("interests.x", "reset", Value::Null).reason(), "RESETS_EXHAUSTED");
}

#[test]
fn one_refusal_refuses_all_and_ids_have_four_digits() {
    let desk = Desk::new();
    assert!(desk.admit(&[intent("a", "set", json!(1)), intent("interests.x", "set", json!(1))]).is_err());
    let many: Vec<Intent> = (0..10_001).map(|_| intent("a", "set", json!(1))).collect();
    assert_eq!(desk.admit(&many).unwrap_err().reason(), "TOO_MANY_CHANGES");
}

#[test]
fn refusals_say_what_to_do_and_never_repeat_values() {
    let refusal = Desk::new().refused("interests.x", "set", json!("secret"));
    assert_eq!(
        refusal.to_string(),
        "`set` does not work on `interests.x`, which is a counter; use increment, decrement or reset"
    );
    assert_eq!(IntentOp::SetIfAbsent.to_string(), "set_if_absent");
}
