use super::*;
use crate::lanes::seats::Seat;
use futures::FutureExt as _;
use std::collections::BTreeMap;
use std::future::pending;
use tributary_model::{StreamId, TenantId};
use tributary_streams::{Entry, Handed, timer_id};

const FEW: Bounds = Bounds { lanes: 2, waiting: 6 };

fn of(tenant: &str, profile: &str, seq: u64) -> Item {
    let entry = Entry {
        id: StreamId::new(1, seq),
        tenant: tenant.to_owned(),
        profile: profile.to_owned(),
        data: vec![1],
        ..Entry::default()
    };
    Item::Entry(Handed { entry, deliveries: 1 })
}

fn handed(profile: &str, seq: u64) -> Item {
    of("t", profile, seq)
}

fn timer(profile: &str) -> Item {
    let tenant = TenantId::new("t").unwrap();
    Item::Timer(timer_id("workflow", &tenant, &[profile, "e", "basket", "1"]))
}

fn place(queued: &Queued) -> Option<StreamId> {
    match &queued.item {
        Waiting::Whole(handed) => Some(handed.entry.id),
        Waiting::Id(id, _) => Some(*id),
        Waiting::Timer(_) => None,
    }
}

/// Rests for ever.
fn rest(seat: &Seat<'_>) {
    let mut resting = Box::pin(seat.resting(pending::<()>()));
    assert!((&mut resting).now_or_never().is_none());
    std::mem::forget(resting);
}

#[test]
fn one_entry_of_a_profile_runs_at_a_time_and_in_order() {
    let seats = Seats::default();
    let mut queues = Queues::new(&seats, FEW);
    let first = queues.join(handed("a", 1)).unwrap();
    assert!(queues.join(handed("a", 2)).is_none());
    assert!(queues.join(handed("b", 3)).is_some(), "another profile does not wait");
    assert_eq!(place(&queues.advance(&first.lane, false).unwrap()), Some(StreamId::new(1, 2)));
    assert!(queues.advance(&first.lane, false).is_none());
    assert!(queues.join(handed("a", 4)).is_some(), "an empty lane is free again");
}

#[test]
fn a_due_timer_waits_behind_the_events_of_its_profile_and_behind_no_others() {
    let seats = Seats::default();
    let mut queues = Queues::new(&seats, FEW);
    let first = queues.join(handed("a:1", 1)).unwrap();
    queues.join(handed("a:1", 2));
    assert!(queues.join(timer("a:1")).is_none());
    assert!(queues.join(timer("b")).is_some());
    assert_eq!(place(&queues.advance(&first.lane, false).unwrap()), Some(StreamId::new(1, 2)));
    assert_eq!(place(&queues.advance(&first.lane, false).unwrap()), None);
}

#[test]
fn nothing_follows_an_entry_that_was_left_unfinished() {
    let seats = Seats::default();
    let mut queues = Queues::new(&seats, FEW);
    let first = queues.join(handed("a", 1)).unwrap();
    queues.join(handed("a", 2));
    assert!(queues.advance(&first.lane, true).is_none());
}

#[test]
fn a_profile_that_waits_takes_ids_and_leaves_the_others_their_room_however_much_waits_for_it() {
    let seats = Seats::default();
    let mut queues = Queues::new(&seats, FEW);
    let lane = queues.join(handed("a", 0)).unwrap().lane;
    for seq in 1..100_000 {
        assert!(queues.have_room());
        queues.join(handed("a", seq));
    }
    assert_eq!(queues.lanes[&lane].waiting.iter().filter(|item| item.is_whole()).count(), KEPT);
    assert!(queues.join(handed("b", 200)).is_some());
    assert!(!queues.have_room(), "two lanes are there");
}

#[test]
fn timers_and_entries_take_no_room_of_each_other() {
    let seats = Seats::default();
    let mut queues = Queues::new(&seats, FEW);
    for profile in ["a", "b"] {
        queues.join(timer(profile));
    }
    assert!(!queues.have_room_for_timer());
    let lane = queues.join(handed("c", 1)).unwrap().lane;
    assert!(queues.have_room(), "two are timers'");
    // In the lane of an entry a timer has its turn, and takes a timer's place.
    queues.join(timer("c"));
    queues.advance(&lane, false);
    assert_eq!(queues.timers, 3);
    assert!(queues.have_room());
}

#[test]
fn two_timers_of_one_lane_take_one_place() {
    let seats = Seats::default();
    let mut queues = Queues::new(&seats, FEW);
    queues.join(timer("a"));
    for _ in 0..64 {
        queues.join(timer("a"));
        assert!(queues.have_room_for_timer());
    }
    assert!(queues.join(timer("b")).is_some());
    assert!(!queues.have_room_for_timer());
}

#[test]
fn who_only_waits_gives_its_place_to_others() {
    let seats = Seats::default();
    let mut queues = Queues::new(&seats, FEW);
    for profile in ["a", "b"] {
        queues.join(handed(profile, 1));
        queues.join(timer(&format!("{profile}-timer")));
    }
    assert!(!queues.have_room() && !queues.have_room_for_timer());
    rest(&Seat::new(&seats, false));
    assert!(queues.have_room() && !queues.have_room_for_timer());
    rest(&Seat::new(&seats, true));
    assert!(queues.have_room_for_timer());
}

#[test]
fn a_tenant_whose_lanes_all_wait_leaves_as_many_to_others_and_its_own_line_keeps_its_order() {
    let seats = Seats::default();
    let mut queues = Queues::new(&seats, FEW);
    let mut lanes = Vec::new();
    for seq in 0..4 {
        assert!(queues.have_room());
        lanes.push(queues.join(handed(&format!("p{seq}"), seq)).unwrap().lane);
        rest(&Seat::new(&seats, false));
    }
    // Four of eight lanes: those that are free are as many.
    assert!(queues.join(handed("x", 4)).is_none());
    assert!(queues.join(timer("x")).is_none());
    // Behind the others, though its lane has begun; else what follows could overtake it.
    assert!(queues.join(handed("p0", 5)).is_none());
    assert!(queues.have_room(), "others are read");
    assert!(queues.next_put_off().is_none());
    assert!(queues.join(of("u", "x", 6)).is_some(), "another tenant's profile begins");

    assert!(queues.next_put_off().is_none(), "three are free, and it has four");
    for done in &lanes[1..3] {
        assert!(queues.advance(done, false).is_none());
    }
    let mut order = Vec::new();
    while let Some(PutOff { tenant, item }) = queues.next_put_off() {
        assert!(queues.next_put_off().is_none(), "one after the other");
        let item = match item {
            Waiting::Id(id, 1) if id.seq == 4 => handed("x", 4),
            Waiting::Id(id, 1) if id.seq == 5 => handed("p0", 5),
            Waiting::Timer(_) => timer("x"),
            other => panic!("{other:?}"),
        };
        let begins = queues.arrived(tenant, item);
        order.push(begins.as_ref().and_then(place));
    }
    assert_eq!(order, [Some(StreamId::new(1, 4)), None, None], "the timer is behind its event");
    assert_eq!(place(&queues.advance(&lanes[0], false).unwrap()), Some(StreamId::new(1, 5)));
    assert!(queues.join(handed("y", 7)).is_some(), "the line is gone");
}

#[test]
fn all_lanes_together_are_bounded_and_every_tenant_has_its_turn() {
    let seats = Seats::default();
    let mut queues = Queues::new(&seats, Bounds { lanes: 100, waiting: 0 });
    let mut begun = BTreeMap::<String, Vec<Lane>>::new();
    for seq in 0..400 {
        let tenant = format!("t{}", seq % 4);
        if let Some(queued) = queues.join(of(&tenant, &format!("p{seq}"), seq)) {
            begun.entry(tenant).or_default().push(queued.lane);
        }
    }
    let counts: Vec<usize> = begun.values().map(Vec::len).collect();
    assert_eq!(counts, [20, 20, 20, 20], "as many as are free");
    for lane in begun.into_values().flatten() {
        queues.advance(&lane, false);
    }
    let mut turns = Vec::new();
    while let Some(PutOff { tenant, item }) = queues.next_put_off() {
        let Waiting::Id(id, _) = item else { panic!("{item:?}") };
        queues.arrived(tenant.clone(), of(&tenant, &format!("p{}", id.seq), id.seq));
        turns.push(tenant);
    }
    assert_eq!(turns.len(), 80);
    assert_eq!(turns[..4], ["t0", "t1", "t2", "t3"]);
    assert!(queues.lanes.len() == 80 && queues.queued == 240);
}
