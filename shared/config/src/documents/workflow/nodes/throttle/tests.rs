use std::collections::VecDeque;

use proptest::prelude::*;
use serde_json::json;
use tributary_engine::Ending;
use tributary_model::{Admission, Cause, Change, EventId, Kinds, Limits, Stage, admit};

use super::super::trial::{Trial, port, said_of};
use super::*;

const TWO_AN_HOUR: &str = "
- {name: limit, throttle: {limit: 2, per: 1h}, to: {pass: go, block: stay}}
- {name: go, respond: {go: true}}
- {name: stay, respond: {go: false}}
";

#[test]
fn so_many_pass_in_any_stretch_and_the_next_ones_do_not() {
    let mut trial = Trial::of(TWO_AN_HOUR);
    for (now, passes) in [
        ("2024-05-01T12:00:00Z", true),
        ("2024-05-01T12:50:00Z", true),
        ("2024-05-01T12:59:59.999999Z", false),
        ("2024-05-01T13:00:00Z", true),
        ("2024-05-01T13:10:00Z", false),
        ("2024-05-01T13:50:00Z", true),
    ] {
        trial.now = now.parse().unwrap();
        let ran = trial.event();
        assert_eq!(port(&ran, "limit"), if passes { "pass" } else { "block" }, "{now}");
        assert_eq!(ran.response["go"], json!(passes));
    }
    assert_eq!(
        trial.shown(),
        json!({"workflows": {
            "passes": {"w": {"limit": 4}},
            "times": {"w": {"limit": {"0": "2024-05-01T13:00:00Z", "1": "2024-05-01T13:50:00Z"}}},
        }})
    );
}

#[test]
fn a_run_that_fails_has_not_passed() {
    let mut trial = Trial::of(
        "
- {name: limit, throttle: {limit: 1, per: 1h}, to: {pass: many}}
- name: many
  step: {emit: [{type: a}, {type: a}, {type: a}, {type: a}, {type: a}, {type: a}, {type: a}, {type: a}]}
  to: more
- name: more
  step: {emit: [{type: a}, {type: a}, {type: a}, {type: a}, {type: a}, {type: a}, {type: a}, {type: a}]}
  to: most
- {name: most, emit: {type: a}}
",
    );
    let failed = trial.event();
    assert!(matches!(failed.ending, Ending::Failed(_)), "{:?}", failed.ending);
    assert!(trial.profile.is_empty());
}

#[test]
fn limits_have_bounds() {
    for (spec, why) in [
        ("{limit: 0, per: 1h}", "limit must be between 1 and 64"),
        ("{limit: 65, per: 1h}", "limit must be between 1 and 64"),
        ("{limit: 1, per: 0s}", "per: 0s must be between 1ms and"),
        ("{limit: 1}", "`per`"),
    ] {
        let said = said_of(&format!("- {{name: limit, throttle: {spec}}}"));
        assert!(said.contains(why), "{spec}: {said}");
    }
}

/// What a profile's changes come to, folded in the order that `seed` shuffles them to.
fn folded(changes: &[Change], mut seed: u64) -> State {
    let mut shuffled: Vec<&Change> = changes.iter().collect();
    for last in (1..shuffled.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        shuffled.swap(last, (seed >> 33) as usize % (last + 1));
    }
    State::fold(shuffled)
}

proptest! {
    #[test]
    fn no_stretch_has_more_passes_than_the_limit_and_nothing_blocks_before(
        limit in 1_u64..6,
        per in 1_u64..50,
        gaps in proptest::collection::vec(0_u64..20, 1..60),
        seed in any::<u64>(),
    ) {
        let throttle = Throttle { limit, per: Duration::from_secs(per) };
        let (shelf, kinds, limits) = (Shelf::named("w", "limit"), Kinds::default(), Limits::default());
        let mut now = Time::from_micros(0);
        // The passes within the last stretch, told apart from the node's own way.
        let mut recent: VecDeque<Time> = VecDeque::new();
        let mut changes: Vec<Change> = Vec::new();
        for (event, gap) in gaps.into_iter().enumerate() {
            now = now.plus(Duration::from_secs(gap));
            while recent.front().is_some_and(|first| now >= first.plus(throttle.per)) {
                recent.pop_front();
            }
            let profile = folded(&changes, seed.wrapping_add(event as u64));
            let passed = throttle.pass(&profile, &shelf, now).expect("a short name");
            prop_assert_eq!(passed.is_some(), (recent.len() as u64) < limit, "at {}", now);
            if let Some(intents) = passed {
                recent.push_back(now);
                let cause = Cause { event: EventId::new(format!("e{event}")).expect("an id"), stage: Stage::Workflow };
                let admission = Admission {
                    kinds: &kinds, state: &profile, cause: &cause, commit_key: "0", time: now, first_ordinal: 0,
                    limits: &limits,
                };
                changes.extend(admit(&intents, &admission).expect("it is admitted"));
            }
        }
    }
}
