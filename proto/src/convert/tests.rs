use super::*;
use crate::v1;
use proptest::prelude::*;
use prost::Message;
use prost_types::Timestamp;
use serde_json::json;
use tributary_model::{
    Amount, Bound, Change, ChangeId, EventId, Members, Op, Path, ProfileId, SessionId, Stage, State,
    TenantId, Time, Version, deltas,
};

proptest! {
    #[test]
    fn a_change_comes_back_as_it_went(list in changes()) {
        let sent: Vec<v1::Change> =
            changes_to_wire(&list).iter().map(|wire| v1::Change::decode(&*wire.encode_to_vec()).unwrap()).collect();
        prop_assert_eq!(changes_from_wire(&sent), Ok(list));
    }

    #[test]
    fn a_state_comes_back_as_it_went_and_folds_on_alike(list in changes(), more in changes()) {
        let mut state = State::fold(&list);
        let bytes = v1::State::from(&state).encode_to_vec();
        let mut back = State::try_from(&v1::State::decode(&*bytes).unwrap()).unwrap();
        prop_assert_eq!(&back, &state);
        for change in &more {
            state.apply(change);
            back.apply(change);
        }
        prop_assert_eq!(back, state);
    }

    #[test]
    fn members_come_back_as_they_went(a in changes(), b in changes(), at in (0..9_u64, 0..9_u64)) {
        let mut members = Members::one(profile("A"), Version::new(at.0, 1), State::fold(&a));
        members.insert(profile("B"), Version::new(at.1, 0), State::fold(&b));
        prop_assert_eq!(members_from_wire(&members_to_wire(&members)), Ok(members));
    }

    #[test]
    fn times_come_back_as_they_went(micros in Time::MIN.as_micros()..=Time::MAX.as_micros()) {
        let time = Time::from_micros(micros);
        prop_assert_eq!(time_from_wire(&time_to_wire(time), "time"), Ok(time));
    }

    #[test]
    fn sums_of_any_size_come_back(millionths in any::<i128>()) {
        let mut state = State::one(&change(1, 1, ("interests.x".into(), increment(Amount::ZERO))));
        state.apply(&change(1, 2, ("interests.x".into(), increment(Amount::from_millionths(millionths)))));
        prop_assert_eq!(State::try_from(&v1::State::from(&state)), Ok(state));
    }
}

#[test]
fn broken_times_are_refused() {
    for (seconds, nanos) in
        [(0, -1), (0, 1_000_000_000), (i64::MAX, 0), (253_402_300_800, 0), (-62_135_596_801, 0)]
    {
        assert_eq!(
            time_from_wire(&Timestamp { seconds, nanos }, "time"),
            Err(ConvertError::Time { field: "time" }),
            "{seconds} {nanos}"
        );
    }
    assert_eq!(
        time_from_wire(&Timestamp { seconds: -1, nanos: 999_999_999 }, "time"),
        Ok(Time::from_micros(-1))
    );
}

#[test]
fn broken_changes_are_refused() {
    let good = v1::Change::from(&change(1, 1, ("a".into(), Op::Set(json!(1)))));
    let broken = |alter: fn(&mut v1::Change)| {
        let mut wire = good.clone();
        alter(&mut wire);
        Change::try_from(&wire).unwrap_err()
    };
    assert_eq!(broken(|wire| wire.operation = 99), ConvertError::Unknown { field: "operation" });
    assert_eq!(broken(|wire| wire.value = None), ConvertError::Missing { field: "value" });
    assert_eq!(broken(|wire| wire.event_time = None), ConvertError::Missing { field: "event_time" });
    assert!(matches!(broken(|wire| wire.id.clear()), ConvertError::Id { field: "id", .. }));
    assert!(matches!(broken(|wire| wire.path.push('.')), ConvertError::Path(_)));
    assert_eq!(
        broken(|wire| wire.set_operation(v1::Operation::Clear)),
        ConvertError::Unknown { field: "value" }
    );
}

#[test]
fn broken_states_are_refused() {
    let mut wire = v1::State::from(&State::one(&change(1, 1, ("highs.x".into(), increment(Amount::ZERO)))));
    wire.cells[0].kind = None;
    assert_eq!(State::try_from(&wire), Err(ConvertError::Missing { field: "kind" }));
    wire.cells[0].kind = Some(v1::cell::Kind::Flag(v1::FlagCell::default()));
    assert_eq!(State::try_from(&wire), Err(ConvertError::Missing { field: "stamp" }));
}

#[test]
fn a_profile_carries_its_document_and_its_members() {
    let state = State::one(&change(1, 1, ("traits.name".into(), Op::Set(json!("Ada")))));
    let members = Members::one(profile("A"), Version::new(7, 2), state);
    let view = members.total().view(Time::MAX);
    let tenant = TenantId::new("acme").unwrap();
    let wire = profile_to_wire(&tenant, &profile("A"), &members, &view);
    assert_eq!(wire.version, "000000000000007-0000000002");
    assert_eq!(wire.fields.unwrap().to_object().unwrap().get("traits"), Some(&json!({"name": "Ada"})));
    assert_eq!(members_from_wire(&wire.members), Ok(members.clone()));
    let session = session_to_wire(&tenant, &SessionId::new("s").unwrap(), &profile("A"), &members, &view);
    assert_eq!((session.id.as_str(), session.profile_id.as_str()), ("s", "A"));
}

#[test]
fn deltas_tell_effects_and_absence() {
    let before = State::one(&change(5, 1, ("a".into(), Op::Set(json!(1)))));
    let (_, told) = deltas(&before, &[change(6, 2, ("a".into(), Op::Unset))], Time::MAX);
    let wire = deltas_to_wire(Version::default(), Version::new(1, 0), &told);
    assert_eq!((wire.version_before.as_str(), wire.deltas.len()), ("", 1));
    assert_eq!(wire.deltas[0].effect(), v1::Effect::Changed);
    assert!(wire.deltas[0].before.is_some() && wire.deltas[0].after.is_none());
}

#[test]
fn stages_and_versions_come_back() {
    for stage in [Stage::Preprocess, Stage::Workflow, Stage::Dispatcher] {
        assert_eq!(stage_from_wire(stage_to_wire(stage).into()), Ok(stage));
    }
    assert!(stage_from_wire(0).is_err());
    for version in [Version::default(), Version::new(1_700_000_000_000, 5)] {
        assert_eq!(version_from_wire(&version_to_wire(version)), Ok(version));
    }
    assert!(version_from_wire("1-1").is_err());
}

fn profile(id: &str) -> ProfileId {
    ProfileId::new(id).unwrap()
}

fn increment(by: Amount) -> Op {
    Op::Increment { by, tag: String::new() }
}

fn change(time: i64, id: usize, (path, op): (String, Op)) -> Change {
    Change {
        id: ChangeId::new(format!("e{id:02}/1/0/0000")).unwrap(),
        event: EventId::new(format!("e{id:02}")).unwrap(),
        time: Time::from_micros(time),
        path: Path::new(path).unwrap(),
        op,
    }
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let at = prop::sample::select(vec!["a", "a.b", "a.c"]);
    prop::collection::vec((-3..6_i64, at, operation()), 0..15).prop_map(|list| {
        list.into_iter()
            .enumerate()
            .map(|(n, (time, path, op))| change(time, n, (path.to_owned(), op)))
            .collect()
    })
}

fn operation() -> impl Strategy<Value = Op> {
    let amount = || (-1e15..1e15_f64).prop_map(|float| Amount::from_json(&json!(float)).unwrap());
    let time = || (Time::MIN.as_micros()..=Time::MAX.as_micros()).prop_map(Time::from_micros);
    let bound = || {
        prop_oneof![
            amount().prop_map(|value| Bound { value, is_time: false }),
            time().prop_map(|time| Bound { value: Amount::from_time(time), is_time: true }),
        ]
    };
    let scalar = || {
        prop_oneof![
            any::<bool>().prop_map(Value::from),
            "[a-z]{0,4}".prop_map(Value::from),
            (0..9).prop_map(Value::from)
        ]
    };
    let value = || {
        prop_oneof![
            scalar(),
            prop::collection::vec(scalar(), 0..3).prop_map(Value::from),
            scalar().prop_map(|inner| json!([{"k": inner, "null": null, "half": 0.5}])),
        ]
    };
    let tag = || prop::sample::select(vec!["", "r/1/0/0000", "A"]).prop_map(str::to_owned);
    prop_oneof![
        3 => value().prop_map(Op::Set),
        2 => Just(Op::Unset),
        2 => value().prop_map(Op::SetIfAbsent),
        2 => (amount(), tag()).prop_map(|(by, tag)| Op::Increment { by, tag }),
        1 => (amount(), tag()).prop_map(|(by, tag)| Op::Decrement { by, tag }),
        1 => prop::collection::btree_set(tag(), 0..3).prop_map(|ended| Op::Reset { ended }),
        1 => bound().prop_map(Op::Min),
        1 => bound().prop_map(Op::Max),
        2 => scalar().prop_map(Op::AddToSet),
        1 => scalar().prop_map(Op::RemoveFromSet),
        1 => Just(Op::ClearSet),
        2 => value().prop_map(Op::Append),
        1 => Just(Op::ClearList),
        1 => prop::option::of(time()).prop_map(|expires| Op::Grant { expires }),
        1 => prop::sample::select(vec![Op::Revoke, Op::Enter, Op::Leave]),
        1 => "[a-z]{1,8}".prop_map(|id| Op::OpenVisit { session: SessionId::new(id).unwrap() }),
    ]
}
