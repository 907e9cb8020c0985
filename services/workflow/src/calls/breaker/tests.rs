use super::*;
use proptest::prelude::*;

/// A breaker that was opened at `now`.
fn opened(now: Instant) -> Breaker {
    let mut breaker = Breaker::default();
    for _ in 0..FAILURES {
        let leave = breaker.admit(now).unwrap();
        breaker.tell(leave, Health::Ill, now);
    }
    assert!(breaker.is_open(now));
    breaker
}

#[test]
fn failures_in_a_row_open_it_and_one_answer_between_them_does_not() {
    let now = Instant::now();
    let mut breaker = Breaker::default();
    for round in 0..5 {
        for _ in 1..FAILURES {
            let leave = breaker.admit(now).unwrap();
            breaker.tell(leave, Health::Ill, now);
        }
        assert!(!breaker.is_open(now), "{round}");
        let leave = breaker.admit(now).unwrap();
        breaker.tell(leave, Health::Well, now);
    }
    assert!(opened(now).admit(now).is_none());
}

#[test]
fn one_attempt_finds_out_and_closes_it() {
    let now = Instant::now();
    let mut breaker = opened(now);
    assert_eq!(breaker.admit(now + FIRST - Duration::from_nanos(1)), None);
    let probe = breaker.admit(now + FIRST).unwrap();
    assert_eq!(breaker.admit(now + FIRST * 2), None, "one at a time");
    breaker.tell(probe, Health::Well, now + FIRST * 2);
    assert!(breaker.admit(now + FIRST * 2).is_some());
}

#[test]
fn a_host_that_is_not_back_is_left_alone_for_longer_up_to_a_bound() {
    let mut now = Instant::now();
    let mut breaker = opened(now);
    for seconds in [5, 10, 20, 40, 60, 60, 60] {
        let pause = Duration::from_secs(seconds);
        assert!(breaker.admit(now + pause - Duration::from_millis(1)).is_none(), "{seconds}");
        now += pause;
        let probe = breaker.admit(now).unwrap();
        breaker.tell(probe, Health::Ill, now);
    }
}

#[test]
fn a_probe_that_was_broken_off_lets_the_next_one_find_out() {
    let now = Instant::now();
    let mut breaker = opened(now);
    let probe = breaker.admit(now + FIRST).unwrap();
    breaker.tell(probe, Health::Unknown, now + FIRST);
    assert!(breaker.admit(now + FIRST).is_some());
}

#[test]
fn what_was_under_way_before_it_opened_decides_nothing_any_more() {
    let now = Instant::now();
    let mut breaker = Breaker::default();
    let early = breaker.admit(now).unwrap();
    for _ in 0..FAILURES {
        let leave = breaker.admit(now).unwrap();
        breaker.tell(leave, Health::Ill, now);
    }
    breaker.tell(early, Health::Well, now);
    assert!(breaker.is_open(now));
    let probe = breaker.admit(now + FIRST).unwrap();
    breaker.tell(early, Health::Ill, now + FIRST);
    breaker.tell(probe, Health::Well, now + FIRST);
    assert!(!breaker.is_open(now + FIRST));
}

/// What happens next: time passes, an attempt begins, or one of those under way ends.
#[derive(Debug, Clone)]
enum Happening {
    Pass(u64),
    Begin,
    End(prop::sample::Index, Health),
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let health = prop_oneof![2 => Just(Health::Well), 8 => Just(Health::Ill), 1 => Just(Health::Unknown)];
    let one = prop_oneof![
        1 => (0_u64..20_000).prop_map(Happening::Pass),
        4 => Just(Happening::Begin),
        4 => (any::<prop::sample::Index>(), health).prop_map(|(which, health)| Happening::End(which, health)),
    ];
    prop::collection::vec(one, 0..300)
}

proptest! {
    #[test]
    fn it_never_admits_while_open_and_never_stays_open_for_ever(happenings in happenings()) {
        let mut now = Instant::now();
        let mut breaker = Breaker::default();
        let mut under_way: Vec<Leave> = Vec::new();
        for happening in happenings {
            match happening {
                Happening::Pass(millis) => now += Duration::from_millis(millis),
                Happening::Begin => {
                    let open = breaker.is_open(now);
                    let leave = breaker.admit(now);
                    prop_assert_eq!(leave.is_none(), open);
                    under_way.extend(leave);
                }
                Happening::End(which, health) if !under_way.is_empty() => {
                    let leave = under_way.swap_remove(which.index(under_way.len()));
                    breaker.tell(leave, health, now);
                }
                Happening::End(..) => {}
            }
            let probes = under_way.iter().filter(|leave| leave.probe && leave.round == breaker.round).count();
            prop_assert!(probes <= 1, "one finds out at a time");
        }
        for leave in under_way {
            breaker.tell(leave, Health::Ill, now);
        }
        prop_assert!(breaker.admit(now + LONGEST).is_some(), "it is tried again in the end");
    }

    #[test]
    fn it_opens_exactly_when_the_last_answers_were_all_failures(answers in prop::collection::vec(prop::bool::weighted(0.9), 0..60)) {
        let now = Instant::now();
        let mut breaker = Breaker::default();
        let mut failed = 0;
        for ill in answers {
            let Some(leave) = breaker.admit(now) else { break };
            breaker.tell(leave, if ill { Health::Ill } else { Health::Well }, now);
            failed = if ill { failed + 1 } else { 0 };
            prop_assert_eq!(breaker.is_open(now), failed >= FAILURES);
        }
    }
}
