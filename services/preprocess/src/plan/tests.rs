mod awaited;
mod marks;

use super::*;
use crate::payload::{Circumstances, check};
use prost::Message;
use std::fs;
use tributary_config::Config;
use tributary_model::{IdKey, View};
use tributary_proto::raw::RawStruct;

const RECEIVED: Time = Time::from_micros(1_700_000_000_000_000);

struct Fixture {
    config: Config,
    tenant: TenantId,
    source: SourceName,
    profile: ProfileId,
    session: SessionId,
    workflow: &'static str,
    with_runs: bool,
}

impl Fixture {
    fn new() -> Self {
        Self::of(
            "
kind: Source
name: web
spec: {write_keys: [{env: KEY}]}
---
kind: Fields
name: purchases
spec: {fields: {purchases.count: counter, purchases.total: counter, purchases.first: min}}
---
kind: Mapping
name: purchase
spec:
  events: [purchase]
  changes:
    - {path: purchases.count, op: increment, value: 1}
    - {path: purchases.total, op: increment, from: properties.value}
    - {path: purchases.first, op: min, from: time}
---
kind: Mapping
name: visits
spec:
  events: [visit-started]
  changes:
    - {path: stats.counters.started, op: increment, value: 1}
",
        )
    }

    fn of(documents: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("all.yaml"), documents).unwrap();
        Self {
            config: Config::load(dir.path()).unwrap(),
            tenant: TenantId::new("default").unwrap(),
            source: SourceName::new("web").unwrap(),
            profile: ProfileId::new("p").unwrap(),
            session: SessionId::new("s").unwrap(),
            workflow: "",
            with_runs: false,
        }
    }

    fn payload(&self, values: &[serde_json::Value]) -> Payload {
        let events = values.iter().enumerate().map(|(n, value)| {
            let properties = serde_json::Map::from_iter([("value".to_owned(), value.clone())]);
            v1::EventInput {
                id: format!("e{n}"),
                r#type: "purchase".to_owned(),
                time: None,
                properties: Some(RawStruct::from_object(&properties)),
                ..v1::EventInput::default()
            }
        });
        let request = v1::TrackRequest { events: events.collect(), ..v1::TrackRequest::default() };
        let key = IdKey::new("a secret of sixteen bytes or more").unwrap();
        let at = Circumstances {
            tenant: &self.tenant,
            source: &self.source,
            waive_ids: false,
            wait_for: WaitFor::Accepted,
            received: RECEIVED,
            is_derived: false,
            key: &key,
            random: 0,
        };
        check(request, &at).unwrap()
    }

    fn plan(&self, payload: &Payload, bound: Option<&ProfileId>, depth: u32, is_new: bool) -> Plan {
        let derivation = v1::Derivation { cause_event_id: "c".to_owned(), depth };
        let ground = Ground {
            tenant: &self.tenant,
            config: self.config.tenant(&self.tenant).unwrap(),
            revision: "r1",
            source: &self.source,
            received: RECEIVED,
            derivation: (depth > 0).then_some(&derivation),
            profile: &self.profile,
            session: bound.map(|bound| (&self.session, bound)),
            profile_state: &State::default(),
            session_state: &State::default(),
            is_new,
            workflow: self.workflow,
            with_runs: self.with_runs,
        };
        plan(payload, &ground)
    }
}

fn view(plan: &Plan) -> View {
    State::fold(plan.events.iter().flat_map(|event| &event.event.profile_changes)).view(RECEIVED)
}

#[test]
fn mappings_become_changes_of_the_profile() {
    let fixture = Fixture::new();
    let plan = fixture.plan(&fixture.payload(&[29.33.into(), 14.into()]), None, 0, false);
    let shown = serde_json::Value::Object(view(&plan).document());
    assert_eq!(shown["purchases"]["count"], 2);
    assert_eq!(shown["purchases"]["total"], 43.33);
    assert!(
        plan.created.is_none() && plan.events.iter().all(|event| event.event.marked == Marked::default())
    );
}

#[test]
fn ids_of_changes_are_unique_over_profile_session_and_derived_events() {
    let fixture = Fixture::new();
    let plan = fixture.plan(&fixture.payload(&[1.into(), 2.into()]), Some(&fixture.profile), 0, true);
    let mut ids: Vec<String> = Vec::new();
    let mut units: Vec<&Planned> = plan.created.iter().collect();
    for event in &plan.events {
        units.push(&event.event);
        units.extend(&event.visit_started);
    }
    for unit in units {
        ids.extend(
            unit.profile_changes.iter().chain(&unit.session_changes).map(|change| change.id.to_string()),
        );
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

#[test]
fn every_event_of_the_sessions_own_profile_may_open_a_visit_and_of_another_profile_none() {
    let fixture = Fixture::new();
    let payload = fixture.payload(&[1.into(), 2.into()]);
    let own = fixture.plan(&payload, Some(&fixture.profile), 0, false);
    let opened: Vec<&str> = own
        .events
        .iter()
        .map(|event| event.visit_started.as_ref().unwrap().profile_changes[0].id.as_str())
        .collect();
    assert_eq!(opened, ["open/p/s/e0", "open/p/s/e1"]);
    let other = ProfileId::new("q").unwrap();
    let elsewhere = fixture.plan(&payload, Some(&other), 0, false);
    assert!(elsewhere.events.iter().all(|event| event.visit_started.is_none()));
}

#[test]
fn derived_events_are_mapped_like_any_other() {
    let fixture = Fixture::new();
    let plan = fixture.plan(&fixture.payload(&[1.into()]), Some(&fixture.profile), 0, false);
    let visit = plan.events[0].visit_started.as_ref().unwrap();
    let paths: Vec<&str> = visit.profile_changes.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(paths, ["stats.visits", "stats.counters.started"]);
    let event = v1::Event::decode(visit.unit.event.as_slice()).unwrap();
    assert_eq!(event.r#type, "visit-started");
    assert_eq!(event.derivation.unwrap(), v1::Derivation { cause_event_id: "e0".to_owned(), depth: 1 });
}

#[test]
fn a_new_profile_is_announced_unless_derivations_go_too_deep() {
    let fixture = Fixture::new();
    let payload = fixture.payload(&[1.into()]);
    assert!(fixture.plan(&payload, None, 0, true).created.is_some());
    assert!(fixture.plan(&payload, None, MAX_DEPTH, true).created.is_none());
}

#[test]
fn an_import_says_so_on_its_events_on_their_changes_and_on_what_comes_with_them() {
    let fixture = Fixture::new();
    let mut payload = fixture.payload(&[1.into()]);
    for historical in [false, true] {
        payload.historical = historical;
        let plan = fixture.plan(&payload, Some(&fixture.profile), 0, true);
        let event = &plan.events[0];
        let units = [&event.event, event.visit_started.as_ref().unwrap(), plan.created.as_ref().unwrap()];
        for Planned { unit, .. } in units {
            let event = v1::Event::decode(unit.event.as_slice()).unwrap();
            assert_eq!(event.historical, historical, "{}", event.r#type);
            for changes in [Some(&unit.profile_changes), unit.session_changes.as_ref()] {
                let changes = v1::ChangeSet::decode(changes.unwrap().as_slice()).unwrap();
                assert_eq!(changes.historical, historical, "{}", event.r#type);
            }
        }
    }
}
