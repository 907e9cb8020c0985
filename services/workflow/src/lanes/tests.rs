use super::*;
use std::sync::Mutex;
use tributary_streams::Entry;

#[derive(Default)]
struct Fragile {
    given_up: Mutex<Vec<StreamId>>,
    timers_given_up: Mutex<Vec<String>>,
}

impl Handler for Fragile {
    async fn handle(&self, handed: Handed, _seat: &Seat<'_>) -> Result<(), StreamsError> {
        assert!(handed.entry.data.is_empty(), "data makes this handler panic");
        Ok(())
    }

    async fn give_up(&self, handed: Handed) -> Result<(), StreamsError> {
        self.given_up.lock().unwrap().push(handed.entry.id);
        Ok(())
    }

    async fn fire(&self, timer: &str, _seat: &Seat<'_>) -> Result<(), StreamsError> {
        assert!(timer != "bad", "this timer makes this handler panic");
        Ok(())
    }

    async fn give_up_timer(&self, timer: &str) -> Result<(), StreamsError> {
        self.timers_given_up.lock().unwrap().push(timer.to_owned());
        Ok(())
    }
}

#[tokio::test]
async fn an_entry_whose_handling_panics_is_given_up_and_its_neighbour_is_not() {
    let (handler, seats) = (Fragile::default(), Seats::default());
    let seat = Seat::new(&seats, false);
    for (seq, data) in [(1, vec![]), (2, vec![1])] {
        let entry = Entry { id: StreamId::new(1, seq), data, ..Entry::default() };
        isolated(&handler, Handed { entry, deliveries: 1 }, &seat).await.unwrap();
    }
    assert_eq!(*handler.given_up.lock().unwrap(), [StreamId::new(1, 2)]);
}

#[tokio::test]
async fn so_is_a_timer() {
    let (handler, seats) = (Fragile::default(), Seats::default());
    let seat = Seat::new(&seats, false);
    for timer in ["good", "bad"] {
        isolated_timer(&handler, timer, &seat).await.unwrap();
    }
    assert_eq!(*handler.timers_given_up.lock().unwrap(), ["bad"]);
}
