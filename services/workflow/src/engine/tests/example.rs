//! The example configuration, from the first purchase to the segment.

use std::path::Path;

use serde_json::json;
use tributary_config::{Config, EventView, Sight, Tenant};
use tributary_model::{Admission, Cause, Limits, Stage, State, TenantId, admit};

use super::{Event, changes, event, run_over};
use crate::engine::Run;

fn example() -> Tenant {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/example");
    let mut config = Config::load(&dir).unwrap_or_else(|errors| panic!("{errors}"));
    config.tenants.remove(&TenantId::new("demo").unwrap()).unwrap()
}

fn purchase(number: usize, value: f64) -> Event {
    let mut event = event(&format!("e{number}"), json!({"value": value, "cds": 1}));
    event.event_type = "purchase".into();
    event
}

/// What preprocessing and then the workflows make of a purchase.
fn handle(tenant: &Tenant, event: &Event, profile: &mut State) -> Vec<Run> {
    let context = serde_json::Map::new();
    let view = EventView {
        id: event.id.as_str(),
        event_type: &event.event_type,
        time: event.time,
        received: event.time,
        source: "cdnow",
        session_id: None,
        properties: &event.properties,
        context: &context,
    };
    let intents: Vec<_> =
        tenant.mappings.iter().flat_map(|mapping| mapping.make(&Sight::of_event(view)).intents).collect();
    let cause = Cause { event: event.id.clone(), stage: Stage::Preprocess };
    let admission = Admission {
        kinds: &tenant.kinds,
        state: &profile.clone(),
        cause: &cause,
        commit_key: "0",
        time: event.time,
        first_ordinal: 0,
        limits: &Limits::default(),
    };
    for change in admit(&intents, &admission).unwrap() {
        profile.apply(&change);
    }
    let runs = run_over(tenant, event, profile);
    for change in changes(&runs) {
        profile.apply(change);
    }
    runs
}

#[test]
fn the_third_purchase_makes_a_loyal_customer_once() {
    let tenant = example();
    let mut profile = State::default();
    let mut loyal = Vec::new();
    for (index, value) in [29.33, 29.73, 14.96, 26.48].into_iter().enumerate() {
        let runs = handle(&tenant, &purchase(index + 1, value), &mut profile);
        for run in &runs {
            assert_eq!(run.failure, None, "{run:?}");
            loyal.extend(run.emits.iter().cloned().map(|emit| (index + 1, emit)));
        }
    }
    assert_eq!(loyal.len(), 1);
    let (number, emit) = &loyal[0];
    assert_eq!((*number, emit.event_type.as_str()), (3, "became-loyal"));
    assert_eq!(json!(emit.properties), json!({"purchases": 3, "total": 74.02}));
    let shown = profile.view_as(&tenant.kinds, purchase(1, 1.0).time).document();
    assert_eq!(shown["purchases"]["count"], json!(4));
    assert_eq!(shown["loyalty"]["points"], json!(200.5), "a point per dollar, and 100 for being loyal");
    assert_eq!(shown["segments"], json!({"loyal": true}));
}
