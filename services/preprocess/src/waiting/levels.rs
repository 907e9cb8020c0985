//! What a payload, each of its events, and their source say about waiting. Pure.

use crate::error::PayloadError;
use tributary_config::WaitFor;
use tributary_proto::v1;

/// What a payload says, with the source's word behind it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    payload: Option<WaitFor>,
    source: WaitFor,
    historical: bool,
    derived: bool,
}

impl Asked {
    /// `options` is what the payload says, `source` what holds where nobody says anything. Nobody waits for a derived event.
    ///
    /// # Errors
    /// It asks for what there is not, or for the delivery of what is not delivered.
    pub(crate) fn new(
        options: &v1::TrackOptions,
        source: WaitFor,
        derived: bool,
    ) -> Result<Self, PayloadError> {
        let historical = options.historical;
        let payload = said(options.wait_for, historical, || "options.wait_for".to_owned())?;
        Ok(Self { payload, source, historical, derived })
    }

    /// What holds for the event at `index`, by its own word `wait_for`.
    ///
    /// # Errors
    /// As for the payload.
    pub(crate) fn of_event(&self, index: usize, wait_for: i32) -> Result<WaitFor, PayloadError> {
        let own = said(wait_for, self.historical, || format!("events[{index}].wait_for"))?;
        if self.derived {
            return Ok(WaitFor::Accepted);
        }
        let source = if self.historical { self.source.min(WaitFor::Stored) } else { self.source };
        Ok(own.or(self.payload).unwrap_or(source))
    }
}

/// What a field says; `None`: nothing.
fn said(
    number: i32,
    historical: bool,
    path: impl FnOnce() -> String,
) -> Result<Option<WaitFor>, PayloadError> {
    Ok(Some(match v1::WaitFor::try_from(number) {
        Ok(v1::WaitFor::Unspecified) => return Ok(None),
        Ok(v1::WaitFor::Accepted) => WaitFor::Accepted,
        Ok(v1::WaitFor::Workflow) => WaitFor::Workflow,
        Ok(v1::WaitFor::Stored) => WaitFor::Stored,
        Ok(v1::WaitFor::Delivered) if historical => {
            return Err(PayloadError::HistoricalDelivered { path: path() });
        }
        Ok(v1::WaitFor::Delivered) => WaitFor::Delivered,
        Err(_) => return Err(PayloadError::WaitFor { path: path() }),
    }))
}

/// A level as answers have it.
pub(crate) fn to_wire(level: WaitFor) -> v1::WaitFor {
    match level {
        WaitFor::Accepted => v1::WaitFor::Accepted,
        WaitFor::Workflow => v1::WaitFor::Workflow,
        WaitFor::Stored => v1::WaitFor::Stored,
        WaitFor::Delivered => v1::WaitFor::Delivered,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use WaitFor::{Accepted, Delivered, Stored, Workflow};

    const UNSAID: v1::WaitFor = v1::WaitFor::Unspecified;

    fn level(
        event: v1::WaitFor,
        payload: v1::WaitFor,
        source: WaitFor,
        historical: bool,
    ) -> Result<WaitFor, PayloadError> {
        let options = v1::TrackOptions { historical, wait_for: payload.into() };
        Asked::new(&options, source, false)?.of_event(3, event.into())
    }

    #[test]
    fn the_events_word_goes_before_the_payloads_and_that_before_the_sources() {
        use v1::WaitFor as Said;
        for (event, payload, source, expected) in [
            (UNSAID, UNSAID, Accepted, Accepted),
            (UNSAID, UNSAID, Workflow, Workflow),
            (UNSAID, Said::Accepted, Workflow, Accepted),
            (UNSAID, Said::Delivered, Workflow, Delivered),
            (Said::Accepted, Said::Delivered, Stored, Accepted),
            (Said::Stored, Said::Workflow, Accepted, Stored),
            (Said::Workflow, UNSAID, Delivered, Workflow),
        ] {
            let found = level(event, payload, source, false).unwrap();
            assert_eq!(found, expected, "{event:?}, {payload:?}, {source:?}");
        }
    }

    #[test]
    fn nobody_waits_for_the_delivery_of_an_import() {
        let path = |outcome| match outcome {
            Err(PayloadError::HistoricalDelivered { path }) => path,
            other => panic!("{other:?}"),
        };
        assert_eq!(path(level(UNSAID, v1::WaitFor::Delivered, Accepted, true)), "options.wait_for");
        assert_eq!(path(level(v1::WaitFor::Delivered, UNSAID, Accepted, true)), "events[3].wait_for");
        assert_eq!(level(UNSAID, UNSAID, Delivered, true).unwrap(), Stored, "as far as there is to wait");
        assert_eq!(level(v1::WaitFor::Workflow, UNSAID, Delivered, true).unwrap(), Workflow);
    }

    #[test]
    fn nobody_waits_for_a_derived_event_and_a_level_that_there_is_not_is_refused() {
        let options =
            v1::TrackOptions { wait_for: v1::WaitFor::Stored.into(), ..v1::TrackOptions::default() };
        let asked = Asked::new(&options, Delivered, true).unwrap();
        assert_eq!(asked.of_event(0, v1::WaitFor::Workflow.into()).unwrap(), Accepted);
        assert!(
            matches!(asked.of_event(0, 9), Err(PayloadError::WaitFor { path }) if path == "events[0].wait_for")
        );
        let options = v1::TrackOptions { wait_for: -1, ..v1::TrackOptions::default() };
        assert!(matches!(Asked::new(&options, Accepted, false), Err(PayloadError::WaitFor { .. })));
    }
}
