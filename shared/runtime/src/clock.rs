//! The wall clock, read by shells and passed into the domain as a value.

use std::time::{SystemTime, UNIX_EPOCH};
use tributary_model::Time;

/// Now, by this machine's clock.
pub fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
