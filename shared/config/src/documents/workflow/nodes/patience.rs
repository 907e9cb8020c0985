//! How long nodes wait for an answer, and what they say when there is none.

use std::time::Duration;

use tributary_engine::{CallError, Step};

use crate::at::At;
use crate::documents::workflow::reading::Reading;

const SHORTEST: Duration = Duration::from_millis(100);
const USUAL: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(30);

const USUAL_RETRIES: u32 = 2;
const MOST_RETRIES: u32 = 5;

/// How long one attempt may take.
pub(super) fn timeout(text: Option<At<String>>, reading: &mut Reading<'_>) -> Option<Duration> {
    text.map_or(Some(USUAL), |text| reading.duration("timeout", text, SHORTEST..=LONGEST))
}

/// How often it is tried again.
pub(super) fn retries(number: Option<At<u32>>, reading: &mut Reading<'_>) -> Option<u32> {
    match number {
        None => Some(USUAL_RETRIES),
        Some(number) if number.value <= MOST_RETRIES => Some(number.value),
        Some(number) => {
            reading.tell(number.place, format!("retries must be between 0 and {MOST_RETRIES}"));
            None
        }
    }
}

/// The step of a node that got no answer.
pub(super) fn unanswered(failure: &CallError) -> Step {
    Step::Error { reason: format!("{}: {failure}", failure.reason), otherwise: None }
}
