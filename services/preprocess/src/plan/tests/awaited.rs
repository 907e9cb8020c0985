//! What is recorded with an event for whoever handles it.

use super::*;

fn message(unit: &Unit) -> v1::Event {
    v1::Event::decode(unit.event.as_slice()).unwrap()
}

#[test]
fn an_event_that_is_waited_for_says_so_and_what_comes_along_with_it_does_not() {
    let mut fixture = Fixture::new();
    let mut payload = fixture.payload(&[1.into(), 2.into()]);
    payload.events[1].as_mut().unwrap().wait_for = WaitFor::Stored;
    let awaited = |fixture: &Fixture, payload: &Payload| {
        let plan = fixture.plan(payload, Some(&fixture.profile), 0, true);
        assert_eq!(plan.created.as_ref().unwrap().unit.awaited, Awaited::No);
        assert!(plan.units().iter().all(|unit| unit.visit_started.as_ref().unwrap().awaited == Awaited::No));
        plan.units().iter().map(|unit| unit.unit.awaited).collect::<Vec<_>>()
    };
    assert_eq!(awaited(&fixture, &payload), [Awaited::No, Awaited::Waits]);
    fixture.with_runs = true;
    assert_eq!(awaited(&fixture, &payload), [Awaited::Runs, Awaited::Runs]);
}

#[test]
fn an_event_is_recorded_to_run_a_workflow_and_what_comes_along_with_it_is_not() {
    let fixture = Fixture { workflow: "welcome", ..Fixture::new() };
    let plan = fixture.plan(&fixture.payload(&[1.into()]), Some(&fixture.profile), 0, true);
    let units = plan.units();
    assert_eq!(message(&units[0].unit).workflow, "welcome");
    assert_eq!(message(units[0].visit_started.as_ref().unwrap()).workflow, "");
    assert_eq!(message(&plan.created.unwrap().unit).workflow, "");
}
