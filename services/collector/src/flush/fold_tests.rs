use serde_json::{Map, Value, json};
use tributary_model::{Amount, ChangeId, EventId, Op, Path, Stage};

use super::*;

const NOW: Time = Time::from_micros(1_767_607_200_000_000);

/// An entry with `increments` of one counter; a session's if `session` is not empty.
fn entry(ms: u64, session: &str, profile: &str, increments: u16) -> Entry {
    let event = EventId::new(format!("e{ms}")).unwrap();
    let changes: Vec<Change> = (0..increments)
        .map(|ordinal| Change {
            id: ChangeId::derive(&event, Stage::Preprocess, "0", ordinal),
            event: event.clone(),
            time: NOW,
            path: Path::new("stats.counters.views").unwrap(),
            op: Op::Increment { by: Amount::from_json(&json!(1)).unwrap(), tag: String::new() },
        })
        .collect();
    let mut set = v1::ChangeSet {
        tenant: "demo".into(),
        id: if session.is_empty() { profile.into() } else { session.into() },
        origin: profile.into(),
        bound_profile_id: if session.is_empty() { String::new() } else { "bound".into() },
        cause_event_id: event.to_string(),
        received: Some(convert::time_to_wire(Time::from_micros(ms as i64))),
        changes: convert::changes_to_wire(&changes),
        ..Default::default()
    };
    set.set_target(if session.is_empty() { v1::Target::Profile } else { v1::Target::Session });
    set.set_cause_stage(v1::Stage::Preprocess);
    let trace = TraceContext { traceparent: format!("trace of {ms}"), ..Default::default() };
    Entry {
        id: StreamId::new(ms, 0),
        tenant: "demo".into(),
        data: set.encode_to_vec(),
        trace,
        ..Default::default()
    }
}

fn key(profile: &str) -> Key {
    (TenantId::new("demo").unwrap(), Subject::Profile(ProfileId::new(profile).unwrap()))
}

fn views(fields: &Map<String, Value>) -> Value {
    Value::Object(fields.clone()).pointer("/stats/counters/views").cloned().unwrap_or_default()
}

/// The same entry, recorded by an import.
fn imported(entry: Entry) -> Entry {
    let mut set = v1::ChangeSet::decode(entry.data.as_slice()).unwrap();
    set.historical = true;
    Entry { data: set.encode_to_vec(), ..entry }
}

#[test]
fn a_row_is_historical_only_if_no_live_entry_is_among_its_own() {
    let entries = [
        imported(entry(1, "", "imported", 1)),
        imported(entry(2, "", "both", 1)),
        entry(3, "", "both", 1),
        entry(4, "", "also both", 0),
        imported(entry(5, "", "also both", 1)),
        entry(6, "", "live", 1),
        imported(entry(7, "", "imported", 1)),
    ];
    let folding = fold(decode(&entries).0, HashMap::new(), &Viewpoint::at(NOW));
    let historical = |profile| folding.marks[&key(profile)].historical;
    assert_eq!(["imported", "both", "also both", "live"].map(historical), [true, false, false, false]);
    assert_eq!(folding.profiles.len(), 4, "all are folded and stored");
}

#[test]
fn many_changes_of_one_profile_are_one_row_with_the_last_version_and_trace() {
    let (steps, dead) = decode(&[entry(1, "", "a", 1), entry(2, "", "b", 1), entry(3, "", "a", 2)]);
    let folding = fold(steps, HashMap::new(), &Viewpoint::at(NOW));
    assert!(dead.is_empty());
    let rows: Vec<_> =
        folding.profiles.iter().map(|row| (row.id.as_str(), row.version.ms, views(&row.fields))).collect();
    assert_eq!(rows, [("a", 3, json!(3)), ("b", 2, json!(1))]);
    assert_eq!(folding.marks[&key("a")].trace.traceparent, "trace of 3");
    let born: Vec<_> = folding.origins.iter().map(|row| (row.id.as_str(), row.born.as_micros())).collect();
    assert_eq!(born, [("a", 1), ("b", 2)]);
}

#[test]
fn where_the_cut_falls_makes_no_difference() {
    let entries: Vec<Entry> = (1..=6).map(|ms| entry(ms, "", "a", 1)).collect();
    let whole = fold(decode(&entries).0, HashMap::new(), &Viewpoint::at(NOW)).profiles.remove(0);
    for cut in 1..6 {
        let first = fold(decode(&entries[..cut]).0, HashMap::new(), &Viewpoint::at(NOW)).profiles.remove(0);
        let member = Member { version: first.version, state: first.state, bound: None };
        let then = fold(decode(&entries[cut..]).0, HashMap::from([(key("a"), member)]), &Viewpoint::at(NOW));
        assert_eq!(then.profiles, std::slice::from_ref(&whole));
        assert!(then.origins.is_empty(), "a profile is born once");
    }
}

#[test]
fn a_session_keeps_the_binding_of_its_first_row() {
    let (steps, _) = decode(&[entry(1, "s", "a", 1)]);
    let folding = fold(steps, HashMap::new(), &Viewpoint::at(NOW));
    assert_eq!(folding.sessions[0].bound.as_str(), "bound");
    assert!(folding.origins.is_empty() && folding.profiles.is_empty());

    let before = ProfileId::new("before").unwrap();
    let session =
        Subject::Session { session: SessionId::new("s").unwrap(), origin: ProfileId::new("a").unwrap() };
    let member =
        Member { version: StreamId::default(), state: State::default(), bound: Some(before.clone()) };
    let (steps, _) = decode(&[entry(2, "s", "a", 1)]);
    let folding = fold(steps, HashMap::from([((key("a").0, session), member)]), &Viewpoint::at(NOW));
    assert_eq!(folding.sessions[0].bound, before);
}

#[test]
fn an_entry_without_changes_still_makes_a_row() {
    let folding = fold(decode(&[entry(5, "", "a", 0)]).0, HashMap::new(), &Viewpoint::at(NOW));
    assert_eq!((folding.profiles.len(), folding.profiles[0].version.ms), (1, 5));
}

#[test]
fn what_cannot_be_read_is_set_aside_with_its_bytes() {
    let broken =
        Entry { data: vec![0xff], profile: "a".into(), tenant: "demo".into(), ..entry(1, "", "a", 1) };
    let no_target = Entry { data: v1::ChangeSet::default().encode_to_vec(), ..entry(2, "", "a", 1) };
    let (steps, dead) = decode(&[broken, no_target, entry(3, "", "a", 1)]);
    assert_eq!((steps.len(), dead.len()), (1, 2));
    assert_eq!((dead[0].subject.as_str(), dead[0].data.as_slice(), dead[0].entry.ms), ("a", &[0xff][..], 1));
}

#[test]
fn a_mark_moves_the_position_and_touches_no_row() {
    let set = v1::ChangeSet { tenant: "demo".into(), cause_event_id: "e".into(), ..Default::default() };
    let mark = Entry {
        id: StreamId::new(5, 0),
        tenant: "demo".into(),
        data: set.encode_to_vec(),
        ..Default::default()
    };
    let (steps, dead) = decode(&[mark]);
    assert!(steps.is_empty() && dead.is_empty());
}
