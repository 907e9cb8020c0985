//! Moments.

use super::ConvertError;
use prost_types::Timestamp;
use tributary_model::Time;

const MICROS: i64 = 1_000_000;

/// A moment as a Timestamp.
pub fn time_to_wire(time: Time) -> Timestamp {
    let micros = time.as_micros();
    // Below 10^9, so it fits.
    Timestamp { seconds: micros.div_euclid(MICROS), nanos: (micros.rem_euclid(MICROS) * 1000) as i32 }
}

/// A Timestamp as a moment; finer parts than a microsecond are dropped. `field` is named in the error.
///
/// # Errors
/// Years outside 1 to 9999, and nanoseconds outside 0 to 999 999 999.
pub fn time_from_wire(timestamp: &Timestamp, field: &'static str) -> Result<Time, ConvertError> {
    let broken = ConvertError::Time { field };
    if !(0..1_000_000_000).contains(&timestamp.nanos) {
        return Err(broken);
    }
    let micros =
        timestamp.seconds.checked_mul(MICROS).and_then(|m| m.checked_add(i64::from(timestamp.nanos) / 1000));
    micros.and_then(Time::try_from_micros).ok_or(broken)
}

/// As [`time_from_wire`], where the field may be absent.
///
/// # Errors
/// As [`time_from_wire`].
pub fn optional_time_from_wire(
    timestamp: Option<&Timestamp>,
    field: &'static str,
) -> Result<Option<Time>, ConvertError> {
    timestamp.map(|timestamp| time_from_wire(timestamp, field)).transpose()
}
