//! What holds for every event and profile.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::json;
use tributary_config::Tenant;
use tributary_model::State;

use super::{changes, event, run_over, tenant, workflow};
use crate::engine::{MAX_CHANGES, MAX_EMITS};

static TENANT: LazyLock<Tenant> = LazyLock::new(|| {
    tenant(&format!(
        "{}{}{}",
        workflow(
            "count",
            "- then:\n    - {path: interests.all, op: increment, expr: event.properties.value * 1.5}\n    \
             - {path: last, op: set, from: properties.value}\n\
             - when: profile.interests.all > 50\n  then: [{path: interests.all, op: reset}]\n  \
             emit: [{type: over, properties: {all: {expr: profile.interests.all}}}]"
        ),
        workflow(
            "segment",
            "- when: profile.interests.all > 20\n  then: [{path: segments.keen, op: enter}]\n  \
             otherwise: [{path: segments.keen, op: leave}]\n  emit: [{type: keen}, {type: keen}]"
        ),
        workflow("tags", "- then: [{path: tags, op: set, from: properties.tags}]"),
    ))
});

proptest! {
    #[test]
    fn running_twice_gives_the_same_and_every_id_is_its_own(
        events in proptest::collection::vec((any::<bool>(), -100.0..100.0_f64, 0..80_usize), 1..8),
    ) {
        let mut profile = State::default();
        let mut ids = BTreeSet::new();
        for (index, (numeric, value, tags)) in events.into_iter().enumerate() {
            let value = if numeric { json!(value) } else { json!("text") };
            let tags: serde_json::Map<_, _> = (0..tags).map(|tag| (format!("t{tag}"), json!(tag))).collect();
            let event = event(&format!("e{index}"), json!({"value": value, "tags": tags}));
            let runs = run_over(&TENANT, &event, &profile);
            prop_assert_eq!(&runs, &run_over(&TENANT, &event, &profile));
            prop_assert!(changes(&runs).count() <= MAX_CHANGES);
            prop_assert!(runs.iter().map(|run| run.emits.len()).sum::<usize>() <= MAX_EMITS);
            for change in changes(&runs) {
                prop_assert!(ids.insert(change.id.to_string()), "{} again", change.id);
                profile.apply(change);
            }
            for emit in runs.iter().flat_map(|run| &run.emits) {
                prop_assert!(ids.insert(emit.id.to_string()), "{} again", emit.id);
            }
        }
    }
}
