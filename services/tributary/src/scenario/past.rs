//! What profiles did, in memory: what `count`, `sum`, `last` and `sequence` are answered from.

use std::collections::HashMap;

use tributary_engine::{Answer, CallError, HistoryQuery, MAX_HISTORY, PastEvent};
use tributary_model::{ProfileId, Time};
use tributary_proto::{convert::time_from_wire, raw::RawStruct, v1};

/// Events by profile, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Past(HashMap<ProfileId, Vec<PastEvent>>);

impl Past {
    /// Keeps an event. One that does not fit its Schema is none that anybody counts.
    pub(crate) fn add(&mut self, profile: &ProfileId, event: &v1::Event) {
        let properties = event.properties.as_ref().map(RawStruct::to_object).transpose();
        let (Ok(properties), Some(time)) = (properties, time(event)) else { return };
        if event.invalid {
            return;
        }
        let (id, event_type) = (event.id.clone(), event.r#type.clone());
        let event = PastEvent { id, event_type, time, properties: properties.unwrap_or_default() };
        self.0.entry(profile.clone()).or_default().push(event);
    }

    /// What is asked for, of all that is there.
    pub(crate) fn answer(&self, profile: &ProfileId, query: &HistoryQuery) -> Answer {
        let events = self.0.get(profile).map(Vec::as_slice).unwrap_or_default();
        Answer::History(chosen(events, query))
    }

    /// What is asked for, up to and including this event.
    pub(crate) fn answer_up_to(&self, profile: &ProfileId, event: &str, query: &HistoryQuery) -> Answer {
        let events = self.0.get(profile).map(Vec::as_slice).unwrap_or_default();
        let upto = events.iter().position(|one| one.id == event).map_or(events.len(), |index| index + 1);
        Answer::History(chosen(&events[..upto], query))
    }
}

/// Oldest first by their own time, the newest so many; whoever asks for the most that can be asked for wants all.
fn chosen(events: &[PastEvent], query: &HistoryQuery) -> Result<Vec<PastEvent>, CallError> {
    let is_wanted = |event: &&PastEvent| {
        (query.types.is_empty() || query.types.contains(&event.event_type)) && event.time >= query.since
    };
    let mut wanted: Vec<PastEvent> = events.iter().filter(is_wanted).cloned().collect();
    if wanted.len() > query.limit && query.limit >= MAX_HISTORY {
        return Err(CallError {
            reason: "TOO_MANY_EVENTS".into(),
            message: format!("there are more than {MAX_HISTORY} events"),
        });
    }
    wanted.sort_by_key(|event| event.time);
    Ok(wanted.split_off(wanted.len().saturating_sub(query.limit)))
}

fn time(event: &v1::Event) -> Option<Time> {
    time_from_wire(event.time.as_ref()?, "time").ok()
}

#[cfg(test)]
mod tests {
    use tributary_proto::convert::time_to_wire;

    use super::*;

    fn event(id: &str, event_type: &str, second: i64) -> v1::Event {
        let time = Some(time_to_wire(Time::from_micros(second * 1_000_000)));
        v1::Event { id: id.into(), r#type: event_type.into(), time, ..v1::Event::default() }
    }

    fn ids(answer: Answer) -> Vec<String> {
        let Answer::History(Ok(events)) = answer else { panic!("{answer:?}") };
        events.into_iter().map(|event| event.id).collect()
    }

    #[test]
    fn events_are_told_oldest_first_and_the_newest_so_many() {
        let (profile, mut past) = (ProfileId::new("p").unwrap(), Past::default());
        for (id, event_type, second) in
            [("e1", "a", 10), ("e2", "b", 20), ("e3", "a", 5), ("e4", "a", 30), ("e5", "a", 40)]
        {
            past.add(&profile, &event(id, event_type, second));
        }
        past.add(&profile, &v1::Event { invalid: true, ..event("e6", "a", 50) });
        past.add(&ProfileId::new("other").unwrap(), &event("e7", "a", 50));
        let query = |types: &[&str], since: i64, limit| HistoryQuery {
            types: types.iter().map(|one| (*one).to_owned()).collect(),
            since: Time::from_micros(since * 1_000_000),
            limit,
            properties: true,
        };
        assert_eq!(ids(past.answer(&profile, &query(&["a"], 0, 9))), ["e3", "e1", "e4", "e5"]);
        assert_eq!(ids(past.answer(&profile, &query(&[], 10, 9))), ["e1", "e2", "e4", "e5"]);
        assert_eq!(ids(past.answer(&profile, &query(&["a"], 0, 1))), ["e5"]);
        assert_eq!(ids(past.answer_up_to(&profile, "e3", &query(&["a"], 0, 9))), ["e3", "e1"]);
        let many = query(&[], 0, MAX_HISTORY);
        for number in 0..MAX_HISTORY {
            past.add(&profile, &event(&format!("n{number}"), "c", 60));
        }
        let Answer::History(Err(error)) = past.answer(&profile, &many) else { panic!("there are too many") };
        assert_eq!(error.reason, "TOO_MANY_EVENTS");
    }
}
