use super::*;
use std::collections::HashMap;
use tributary_engine::{Delivery, Emit, NotTriggered, RunState};
use tributary_model::{ChangeId, EventId, Op, Path};
use tributary_proto::convert::time_from_wire;

const NOW: Time = Time::from_micros(60_000_000);

fn event(id: &str, depth: u32) -> Subject {
    let derivation = v1::Derivation { cause_event_id: "c".to_owned(), depth };
    let message = v1::Event {
        tenant: "t".to_owned(),
        id: id.to_owned(),
        profile_id: "p".to_owned(),
        r#type: format!("type-of-{id}"),
        derivation: (depth > 0).then_some(derivation),
        revision: "12-3fa9c1d2".to_owned(),
        ..v1::Event::default()
    };
    Subject::of(message).unwrap()
}

/// A run for this event that did nothing.
fn run(event: &str) -> RunOutcome {
    RunOutcome {
        workflow: "loyal".to_owned(),
        event: EventId::new(event).unwrap(),
        resumed: None,
        changes: Vec::new(),
        emits: Vec::new(),
        deliveries: Vec::new(),
        response: serde_json::Map::new(),
        ending: RunEnding::Done,
        state: RunState::default(),
        records: Vec::new(),
    }
}

fn emitting() -> RunOutcome {
    let emit = Emit {
        id: EventId::new("d").unwrap(),
        event_type: "became-loyal".to_owned(),
        time: Time::from_micros(7),
        properties: serde_json::Map::new(),
    };
    RunOutcome { emits: vec![emit], ..run("e") }
}

fn changing(event: &str, key: &str) -> RunOutcome {
    let change = Change {
        id: ChangeId::new(format!("{event}/2/{key}/0000")).unwrap(),
        event: EventId::new(event).unwrap(),
        time: Time::from_micros(7),
        path: Path::new("plan").unwrap(),
        op: Op::Set("gold".into()),
    };
    RunOutcome { changes: vec![change], ..run(event) }
}

fn kept(event_id: &str) -> Kept {
    Kept {
        event: event(event_id, 2),
        entry: StreamId::new(9, 9),
        workflow: "loyal".to_owned(),
        revision: "3-00000003".to_owned(),
        state: RunState { pauses: 1, ..RunState::default() },
        trace: TraceContext { traceparent: "00-of-its-event-01".to_owned(), ..TraceContext::default() },
    }
}

struct Scene {
    kept: BTreeMap<String, Kept>,
    took: Took,
    awaited: Awaited,
    keep_runs: KeepRuns,
}

impl Scene {
    fn plain() -> Scene {
        Scene { kept: BTreeMap::new(), took: Took::new(), awaited: Awaited::No, keep_runs: KeepRuns::All }
    }

    /// The effects of an event `e`.
    fn of(&self, depth: u32, runs: Vec<RunOutcome>) -> Vec<Effect> {
        let response = runs.iter().flat_map(|run| run.response.clone()).collect();
        self.of_finished(depth, &Finished { runs, response, ..Finished::default() })
    }

    fn of_finished(&self, depth: u32, finished: &Finished) -> Vec<Effect> {
        let trace = TraceContext { traceparent: "00-abc-d-01".to_owned(), ..TraceContext::default() };
        let around = Circumstances {
            revision: "12-3fa9c1d2",
            kept: &self.kept,
            took: &self.took,
            trace: &trace,
            now: NOW,
        };
        let place = Place {
            entry: StreamId::new(1, 0),
            awaited: self.awaited,
            keep_runs: self.keep_runs,
            life: Duration::from_secs(1),
        };
        of_event(&event("e", depth), place, finished, &around)
    }
}

/// An effect without the trace that it is under, and that.
fn bare(effect: &Effect) -> (&Effect, &str) {
    match effect {
        Effect::Under { trace, effect } => (effect, &trace.traceparent),
        effect => (effect, ""),
    }
}

fn outcome(effects: &[Effect]) -> v1::Outcome {
    let Some(Effect::Seen { outcome, .. }) = effects.last() else { panic!("{effects:?}") };
    v1::Outcome::decode(outcome.as_slice()).unwrap()
}

#[test]
fn every_event_leaves_an_entry_in_changes_and_an_end() {
    let effects = Scene::plain().of(0, Vec::new());
    let [Effect::Mark { cause, .. }, Effect::Seen { ending: Ending::Done, outcome, announce: false, .. }] =
        effects.as_slice()
    else {
        panic!("{effects:?}")
    };
    assert_eq!((cause.as_str(), outcome.as_slice()), ("e/2", [].as_slice()));
}

#[test]
fn workflows_that_were_passed_over_are_kept_with_the_event_although_nothing_ran() {
    let passed = NotTriggered { workflow: "loyal".to_owned(), why: "profile.x is missing".to_owned() };
    let finished = Finished { not_triggered: vec![passed], ..Finished::default() };
    let told = outcome(&Scene::plain().of_finished(0, &finished)).not_triggered;
    let told: Vec<_> = told.iter().map(|told| (&*told.workflow, &*told.why, &*told.event_id)).collect();
    assert_eq!(told, [("loyal", "profile.x is missing", "e")]);
}

#[test]
fn a_derived_event_says_where_it_comes_from_and_under_what_and_one_too_deep_is_parked() {
    let forwarded = Scene::plain().of(7, vec![emitting()]);
    let Effect::Forward { request, .. } = &forwarded[1] else { panic!("{forwarded:?}") };
    let request = v1::ProcessRequest::decode(request.as_slice()).unwrap();
    assert_eq!(request.revision, "12-3fa9c1d2", "preprocess must not be behind what its cause was run under");
    assert_eq!(request.derivation.unwrap(), v1::Derivation { cause_event_id: "e".to_owned(), depth: 8 });
    let time = request.payload.unwrap().events[0].time.unwrap();
    assert_eq!(time_from_wire(&time, "time").unwrap(), Time::from_micros(7));
    let parked = Scene::plain().of(8, vec![emitting()]);
    assert!(matches!(&parked[1], Effect::Dead(_)), "{parked:?}");
}

#[test]
fn a_run_that_waited_for_the_event_is_taken_off_and_its_changes_are_its_own_events() {
    let resumed = kept("old");
    let timer = resumed.timer();
    let mut scene = Scene::plain();
    scene.kept.insert(timer.clone(), resumed);
    let old = RunOutcome { resumed: Some(timer.clone()), ..changing("old", "loyal.1") };
    let effects = scene.of(0, vec![old, changing("e", "0")]);
    let causes: Vec<(&str, &str)> = effects
        .iter()
        .filter_map(|effect| match bare(effect) {
            (Effect::Changes { cause, .. }, trace) => Some((cause.as_str(), trace)),
            _ => None,
        })
        .collect();
    assert_eq!(causes, [("e/2", ""), ("old/2", "00-of-its-event-01")]);
    assert!(matches!(&effects[0], Effect::Resume { timer: gone, .. } if *gone == timer));
}

#[test]
fn what_a_run_makes_that_goes_on_belongs_to_the_trace_of_its_own_event() {
    let resumed = kept("old");
    let timer = resumed.timer();
    let mut scene = Scene::plain();
    scene.kept.insert(timer.clone(), resumed);
    let delivery =
        Delivery { key: "k".to_owned(), destination: "crm".to_owned(), body: serde_json::Map::new() };
    let ending = RunEnding::Paused { until: None, events: vec!["order".to_owned()] };
    let old = RunOutcome {
        event: EventId::new("old").unwrap(),
        resumed: Some(timer),
        deliveries: vec![delivery],
        ending,
        ..emitting()
    };
    let effects = scene.of(0, vec![old, emitting()]);
    let traces: Vec<(&str, &str)> = effects
        .iter()
        .filter_map(|effect| match bare(effect) {
            (Effect::Forward { .. }, trace) => Some(("forward", trace)),
            (Effect::Deliver { .. }, trace) => Some(("deliver", trace)),
            (Effect::Pause { .. }, trace) => Some(("pause", trace)),
            _ => None,
        })
        .collect();
    let its_own = "00-of-its-event-01";
    let expected = [("forward", its_own), ("deliver", its_own), ("pause", its_own), ("forward", "")];
    assert_eq!(traces, expected);
}

/// Longer than the window after it was accepted, an event's id may be another event's.
#[test]
fn a_run_that_pauses_is_never_what_a_run_of_the_same_names_is_taken_off_for() {
    let resumed = kept("e");
    let timer = resumed.timer();
    let mut scene = Scene::plain();
    scene.kept.insert(timer.clone(), resumed);
    let ending = RunEnding::Paused { until: None, events: vec!["order".to_owned()] };
    let state = RunState { pauses: 1, ..RunState::default() };
    let new = RunOutcome { ending, state, ..run("e") };
    let effects = scene.of(0, vec![RunOutcome { resumed: Some(timer.clone()), ..run("e") }, new]);
    let at = |is: &dyn Fn(&Effect) -> bool| effects.iter().position(is).unwrap();
    let taken_off = at(&|effect| matches!(effect, Effect::Resume { timer: gone, .. } if *gone == timer));
    let pauses = at(&|effect| matches!(effect, Effect::Pause { timer: new, .. } if *new != timer));
    assert!(taken_off < pauses);
}

#[test]
fn a_run_that_pauses_again_keeps_its_event_its_revision_and_its_trace() {
    let resumed = kept("old");
    let timer = resumed.timer();
    let mut scene = Scene::plain();
    scene.kept.insert(timer.clone(), resumed.clone());
    let ending =
        RunEnding::Paused { until: Some(NOW.plus(Duration::from_secs(5))), events: vec!["order".to_owned()] };
    let state = RunState { pauses: 2, ..RunState::default() };
    let effects = scene.of(0, vec![RunOutcome { resumed: Some(timer.clone()), ending, state, ..run("old") }]);
    let pause = effects.iter().find_map(|effect| match bare(effect).0 {
        Effect::Pause { timer, delay, awaits, fields, .. } => Some((timer, delay, awaits, fields)),
        _ => None,
    });
    let (next, delay, awaits, fields) = pause.unwrap();
    assert_ne!(*next, timer, "a timer that was used up is not used again");
    assert_eq!((*delay, awaits.as_slice()), (Duration::from_secs(5), ["order".to_owned()].as_slice()));
    let fields: HashMap<_, _> =
        fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let read = Kept::from_fields(&fields).unwrap();
    assert_eq!(
        (read.event.id, read.entry, read.revision, read.trace),
        (resumed.event.id, resumed.entry, resumed.revision, resumed.trace)
    );
}

#[test]
fn a_pause_begins_with_the_events_own_revision_and_trace_and_ends_after_a_year_at_most() {
    let ending = RunEnding::Paused { until: None, events: vec!["order".to_owned()] };
    let effects = Scene::plain().of(0, vec![RunOutcome { ending, ..run("e") }]);
    let Effect::Pause { delay, fields, .. } = &effects[1] else { panic!("{effects:?}") };
    assert_eq!(*delay, MAX_PAUSE);
    let fields: HashMap<_, _> =
        fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let read = Kept::from_fields(&fields).unwrap();
    assert_eq!((read.revision.as_str(), read.trace.traceparent.as_str()), ("12-3fa9c1d2", "00-abc-d-01"));
    assert_eq!(read.entry, StreamId::new(1, 0));
}

#[test]
fn what_is_answered_and_sent_is_kept_for_each_who_asks_and_the_runs_with_values_for_who_asked_for_them() {
    let response = serde_json::json!({"offer": "ten percent"}).as_object().unwrap().clone();
    let delivery = Delivery {
        key: "e/loyal/tell".to_owned(),
        destination: "crm".to_owned(),
        body: serde_json::json!({"a": 1}).as_object().unwrap().clone(),
    };
    let told = RunOutcome { response, deliveries: vec![delivery], ..run("e") };
    let answered = |awaited, keep_runs| {
        let scene = Scene { awaited, keep_runs, ..Scene::plain() };
        scene.of(0, vec![told.clone()])
    };
    for (keep_runs, kept) in [(KeepRuns::All, 1), (KeepRuns::Awaited, 0)] {
        let plain = outcome(&answered(Awaited::No, keep_runs));
        assert_eq!(plain.response.unwrap().to_object().unwrap()["offer"], "ten percent");
        assert_eq!(
            (plain.delivery_keys.as_slice(), plain.runs.len(), plain.without_values),
            (["e/loyal/tell".to_owned()].as_slice(), kept, kept == 1)
        );
        assert!(plain.runs.iter().all(|run| run.response.is_none()));
        assert_eq!(plain.trace_id, "abc");
    }
    let effects = answered(Awaited::Runs, KeepRuns::Awaited);
    let asked_for = outcome(&effects);
    assert!(!asked_for.without_values && asked_for.runs[0].response.is_some());
    assert_eq!(asked_for.runs[0].event_type, "type-of-e");
    assert!(matches!(effects.last(), Some(Effect::Seen { announce: true, .. })));
    let Effect::Deliver { fields, .. } = &effects[1] else { panic!("{effects:?}") };
    assert!(fields.contains(&("body", r#"{"a":1}"#.to_owned())), "{fields:?}");
}

#[test]
fn answers_are_forgotten_once_what_they_led_to_is_committed() {
    let mut scene = Scene::plain();
    scene.took.insert("e/loyal/ask".to_owned(), Duration::from_millis(3));
    let effects = scene.of(0, vec![run("e")]);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Forget { event } if event.as_str() == "e")));
}

#[test]
fn a_timers_commit_has_the_cause_of_its_event_and_no_end() {
    let resumed = kept("old");
    let timer = resumed.timer();
    let kept = BTreeMap::from([(timer.clone(), resumed.clone())]);
    let around = Circumstances {
        revision: &resumed.revision,
        kept: &kept,
        took: &Took::new(),
        trace: &resumed.trace,
        now: NOW,
    };
    let runs = vec![RunOutcome { resumed: Some(timer), ..changing("old", "loyal.1") }];
    let effects = of_timer(&resumed, &Finished { runs, ..Finished::default() }, &around);
    let [Effect::Changes { cause, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(cause, "old/2");
}
