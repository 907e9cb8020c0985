//! The laws of docs/algebra.md over random sets of changes, all kinds mixed.

#![allow(clippy::unwrap_used, reason = "a failed helper is a failed test")]

use proptest::prelude::*;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use tributary_model::{
    Amount, Bound, Change, ChangeId, EventId, Members, Op, Path, ProfileId, SessionId, Stamp, State, Time,
    Value, Version,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_fold_does_not_depend_on_the_order((list, shuffled) in changes().prop_flat_map(with_shuffle)) {
        prop_assert_eq!(State::fold(&list), State::fold(&shuffled));
    }

    #[test]
    fn states_add_in_any_grouping_and_order((list, a, b) in changes().prop_flat_map(with_cuts)) {
        let (x, y, z) = (State::fold(&list[..a]), State::fold(&list[a..b]), State::fold(&list[b..]));
        let whole = State::fold(&list);
        prop_assert_eq!(&sum(&sum(&x, &y), &z), &whole);
        prop_assert_eq!(&sum(&x, &sum(&y, &z)), &whole);
        prop_assert_eq!(&sum(&z, &sum(&y, &x)), &whole);
        prop_assert_eq!(&sum(&State::default(), &whole), &whole);
        prop_assert_eq!(&sum(&whole, &State::default()), &whole);
    }

    #[test]
    fn a_snapshot_and_what_came_after_is_everything_whether_pending_was_trimmed_or_not(
        (list, trimmed, upto) in changes().prop_flat_map(with_cuts)
    ) {
        let mut state = State::fold(&list[..upto]);
        for (position, change) in list.iter().enumerate().skip(trimmed) {
            if position >= upto {
                state.apply(change);
            }
        }
        prop_assert_eq!(state, State::fold(&list));
    }

    #[test]
    fn registers_read_as_if_written_to_a_document_in_stamp_order(list in register_changes()) {
        let mut sorted = list.clone();
        sorted.sort_by_key(Change::stamp);
        let mut document: BTreeMap<Path, Value> = BTreeMap::new();
        for change in &sorted {
            let path = &change.path;
            document.retain(|known, _| known != path && !known.is_below(path.as_str()));
            if let Op::Set(value) = &change.op {
                document.retain(|known, _| !path.is_below(known.as_str()));
                document.insert(path.clone(), value.clone());
            }
        }
        prop_assert_eq!(State::fold(&list).view(Time::MAX).0, document);
    }

    #[test]
    fn a_counter_is_the_sum_of_what_no_reset_ended(list in changes()) {
        let ended: BTreeSet<&String> = list
            .iter()
            .filter_map(|change| if let Op::Reset { ended } = &change.op { Some(ended) } else { None })
            .flatten()
            .collect();
        let sum: i128 = list
            .iter()
            .map(|change| match &change.op {
                Op::Increment { by, tag } if !ended.contains(tag) => by.millionths(),
                Op::Decrement { by, tag } if !ended.contains(tag) => -by.millionths(),
                _ => 0,
            })
            .sum();
        let view = State::fold(&list).view(Time::MAX);
        if let Some(shown) = view.get("interests.x") {
            prop_assert_eq!(shown, &Amount::from_millionths(sum).to_json());
        } else {
            prop_assert_eq!(sum, 0);
        }
    }

    #[test]
    fn a_flag_is_the_last_answer_and_no_beats_yes(list in changes(), now in 0..8_i64) {
        let answer = |change: &Change| match &change.op {
            Op::Grant { expires } => Some((true, *expires)),
            Op::Revoke => Some((false, None)),
            _ => None,
        };
        let last = list
            .iter()
            .filter_map(|change| answer(change).map(|(on, until)| ((change.time, !on, change.id.clone()), until)))
            .max_by_key(|(rank, _)| rank.clone());
        let now = Time::from_micros(now);
        let on = last.map(|((_, off, _), until)| !off && until.is_none_or(|until| now < until));
        prop_assert_eq!(State::fold(&list).view(now).get("consents.c").cloned(), on.map(Value::Bool));
    }

    #[test]
    fn bounds_are_the_extremes_and_visits_the_first_and_the_newest_two(list in changes()) {
        let view = State::fold(&list).view(Time::MAX);
        let values = |wanted: fn(&Op) -> Option<&Bound>| -> Vec<Amount> {
            list.iter().filter_map(|change| wanted(&change.op)).map(|bound| bound.value).collect()
        };
        let least = values(|op| if let Op::Min(bound) = op { Some(bound) } else { None }).into_iter().min();
        let greatest = values(|op| if let Op::Max(bound) = op { Some(bound) } else { None }).into_iter().max();
        prop_assert_eq!(view.get("lows.x").cloned(), least.map(Amount::to_json));
        prop_assert_eq!(view.get("highs.x").cloned(), greatest.map(Amount::to_json));

        let mut visits: Vec<Time> =
            list.iter().filter(|change| matches!(change.op, Op::OpenVisit { .. })).map(|change| change.time).collect();
        visits.sort();
        if let [first, ..] = visits[..] {
            let mut shown = json!({"count": visits.len(), "first": first.to_string()});
            for (name, at) in ["current", "last"].into_iter().zip(visits.iter().rev()) {
                shown[name] = at.to_string().into();
            }
            prop_assert_eq!(view.get("stats.visits"), Some(&shown));
        }
    }

    #[test]
    fn joining_members_is_idempotent_and_never_doubles(
        logs in prop::collection::vec(changes(), 3), cuts in prop::collection::vec((0..3_usize, 0..20_usize), 1..8)
    ) {
        // Views of three logs at random prefixes, as they would be announced: late, doubled, stale.
        let seen = |(log, upto): &(usize, usize)| {
            let list = &logs[*log][..(*upto).min(logs[*log].len())];
            Members::one(origin(*log), Version::new(list.len() as u64, 0), State::fold(list))
        };
        let joined = |order: &[(usize, usize)]| {
            order.iter().map(seen).fold(Members::default(), |mut all, one| { all.join(one); all })
        };
        let forward = joined(&cuts);
        let backward: Vec<_> = cuts.iter().rev().chain(&cuts).copied().collect();
        prop_assert_eq!(&joined(&backward), &forward);
        let (mut left, right) = (joined(&cuts[..cuts.len() / 2]), joined(&cuts[cuts.len() / 2..]));
        left.join(right);
        prop_assert_eq!(&left, &forward);

        // The total is the fold of what the newest views hold, each change once.
        let mut total = State::default();
        for (log, list) in logs.iter().enumerate() {
            if let Some(upto) = cuts.iter().filter(|cut| cut.0 == log).map(|cut| cut.1.min(list.len())).max() {
                let alone = Members::one(origin(log), Version::new(1, 0), State::fold(&list[..upto]));
                total = sum(&total, &alone.total());
            }
        }
        prop_assert_eq!(forward.total(), total);
    }

    #[test]
    fn the_document_holds_every_shown_path(list in changes()) {
        let view = State::fold(&list).view(Time::MAX);
        let document = view.document();
        for (path, value) in view.iter() {
            prop_assert_eq!(find(&document, path.as_str()), Some(value));
        }
    }

    #[test]
    fn stamps_order_by_time_then_id(list in changes()) {
        let mut stamps: Vec<Stamp> = list.iter().map(Change::stamp).collect();
        stamps.sort();
        let keys: Vec<(i64, &str)> = stamps.iter().map(|stamp| (stamp.time.as_micros(), stamp.change.as_str())).collect();
        prop_assert!(keys.is_sorted());
    }
}

fn find<'a>(object: &'a serde_json::Map<String, Value>, path: &str) -> Option<&'a Value> {
    let (first, rest) = path.split_once('.')?;
    object
        .get(first)?
        .as_object()
        .and_then(|inner| inner.get(rest).or_else(|| find(inner, rest)))
        .or_else(|| object.get(path))
}

fn sum(a: &State, b: &State) -> State {
    let mut both = a.clone();
    both.plus(b.clone());
    both
}

fn origin(log: usize) -> ProfileId {
    ProfileId::new(["A", "B", "C"][log]).unwrap()
}

fn with_shuffle(list: Vec<Change>) -> impl Strategy<Value = (Vec<Change>, Vec<Change>)> {
    (Just(list.clone()), Just(list).prop_shuffle())
}

fn with_cuts(list: Vec<Change>) -> impl Strategy<Value = (Vec<Change>, usize, usize)> {
    let end = list.len();
    (Just(list), 0..=end, 0..=end).prop_map(|(list, a, b)| (list, a.min(b), a.max(b)))
}

/// Up to 20 changes of all kinds, few paths and few times so that they meet; ids do not follow the order of the list.
fn changes() -> impl Strategy<Value = Vec<Change>> {
    prop::collection::vec((0..6_i64, operation()), 0..20).prop_flat_map(numbered)
}

fn register_changes() -> impl Strategy<Value = Vec<Change>> {
    let write =
        (register_path(), prop_oneof![2 => (0..5).prop_map(|n| Op::Set(json!(n))), 1 => Just(Op::Unset)]);
    prop::collection::vec((0..6_i64, write), 0..12).prop_flat_map(numbered)
}

fn numbered(list: Vec<(i64, (String, Op))>) -> impl Strategy<Value = Vec<Change>> {
    let ids: Vec<usize> = (0..list.len()).collect();
    (Just(list), Just(ids).prop_shuffle()).prop_map(|(list, ids)| {
        let change = |((time, (path, op)), id): ((i64, (String, Op)), usize)| Change {
            id: ChangeId::new(format!("e{id:02}/1/0/0000")).unwrap(),
            event: EventId::new(format!("e{id:02}")).unwrap(),
            time: Time::from_micros(time),
            path: Path::new(path).unwrap(),
            op,
        };
        list.into_iter().zip(ids).map(change).collect()
    })
}

fn register_path() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["r.a", "r.a.b", "r.a.b.c", "r.a.d", "r.a-b", "r.e"]).prop_map(str::to_owned)
}

fn operation() -> impl Strategy<Value = (String, Op)> {
    let at = |path: &'static str| move |op: Op| (path.to_owned(), op);
    let amount = || {
        prop::sample::select(vec![json!(1), json!(0.1), json!(-2.5), json!(0.000_001), json!(1_000_000)])
            .prop_map(|value| Amount::from_json(&value).unwrap())
    };
    let tag = || prop::sample::select(vec!["", "t/1/0/0000", "A"]).prop_map(str::to_owned);
    let bound = || amount().prop_map(|value| Bound { value, is_time: false });
    let scalar = || prop::sample::select(vec![json!(1), json!("1"), json!(true), json!("x"), json!(1.5)]);
    let until = prop::option::of((0..8_i64).prop_map(Time::from_micros));
    prop_oneof![
        4 => (register_path(), scalar()).prop_map(|(path, value)| (path, Op::Set(value))),
        2 => register_path().prop_map(|path| (path, Op::Unset)),
        2 => (register_path(), scalar()).prop_map(|(path, value)| (path, Op::SetIfAbsent(value))),
        2 => (amount(), tag()).prop_map(|(by, tag)| Op::Increment { by, tag }).prop_map(at("interests.x")),
        1 => (amount(), tag()).prop_map(|(by, tag)| Op::Decrement { by, tag }).prop_map(at("interests.x")),
        1 => prop::collection::btree_set(tag(), 1..3).prop_map(|ended| Op::Reset { ended }).prop_map(at("interests.x")),
        1 => bound().prop_map(Op::Min).prop_map(at("lows.x")),
        1 => bound().prop_map(Op::Max).prop_map(at("highs.x")),
        2 => scalar().prop_map(Op::AddToSet).prop_map(at("preferences.x")),
        1 => scalar().prop_map(Op::RemoveFromSet).prop_map(at("preferences.x")),
        1 => Just(Op::ClearSet).prop_map(at("preferences.x")),
        2 => scalar().prop_map(Op::Append).prop_map(at("lists.x")),
        1 => Just(Op::ClearList).prop_map(at("lists.x")),
        1 => until.prop_map(|expires| Op::Grant { expires }).prop_map(at("consents.c")),
        1 => Just(Op::Revoke).prop_map(at("consents.c")),
        2 => "[a-z]{8}".prop_map(|s| Op::OpenVisit { session: SessionId::new(s).unwrap() }).prop_map(at("stats.visits")),
    ]
}
