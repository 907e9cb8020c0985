//! Moments, in microseconds.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr, time::Duration};
use thiserror::Error;

/// A moment: microseconds since 1970, UTC, within the years 1 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Time(i64);

/// A text is not a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a time looks like 2024-05-01T12:00:00Z and lies within the years 1 to 9999")]
pub struct TimeError;

impl Time {
    /// The first moment: 0001-01-01T00:00:00Z.
    pub const MIN: Self = Self(-62_135_596_800_000_000);
    /// The last moment: 9999-12-31T23:59:59.999999Z.
    pub const MAX: Self = Self(253_402_300_799_999_999);

    /// The moment so many microseconds after 1970; what lies outside [`Self::MIN`] to [`Self::MAX`] becomes the nearer end.
    pub const fn from_micros(micros: i64) -> Self {
        match Self::try_from_micros(micros) {
            Some(time) => time,
            None if micros < 0 => Self::MIN,
            None => Self::MAX,
        }
    }

    /// The moment so many microseconds after 1970, unless it is out of range.
    pub const fn try_from_micros(micros: i64) -> Option<Self> {
        if micros < Self::MIN.0 || micros > Self::MAX.0 { None } else { Some(Self(micros)) }
    }

    /// Microseconds since 1970.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// So much later, at most [`Self::MAX`].
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self::from_micros(self.0.saturating_add(micros(by)))
    }

    /// So much earlier, at least [`Self::MIN`].
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        Self::from_micros(self.0.saturating_sub(micros(by)))
    }

    /// How long after `earlier` this is; zero if it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment: DateTime<Utc> = DateTime::from_timestamp_micros(self.0).ok_or(fmt::Error)?;
        write!(f, "{}", moment.format("%Y-%m-%dT%H:%M:%S"))?;
        let fraction = format!("{:06}", self.0.rem_euclid(1_000_000));
        match fraction.trim_end_matches('0') {
            "" => f.write_str("Z"),
            digits => write!(f, ".{digits}Z"),
        }
    }
}

impl FromStr for Time {
    type Err = TimeError;
    /// Reads RFC 3339; finer parts than a microsecond are dropped.
    fn from_str(text: &str) -> Result<Self, TimeError> {
        let moment = DateTime::parse_from_rfc3339(text).map_err(|_| TimeError)?;
        Self::try_from_micros(moment.timestamp_micros()).ok_or(TimeError)
    }
}

impl TryFrom<String> for Time {
    type Error = TimeError;
    fn try_from(text: String) -> Result<Self, TimeError> {
        text.parse()
    }
}

impl From<Time> for String {
    fn from(time: Time) -> String {
        time.to_string()
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_and_write_rfc_3339_with_zeros_trimmed() {
        for text in [
            "1997-01-01T00:00:00Z",
            "2024-05-01T12:00:00.5Z",
            "1969-12-31T23:59:59.999999Z",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999999Z",
        ] {
            assert_eq!(text.parse::<Time>().unwrap().to_string(), text);
        }
        assert_eq!(
            "2024-05-01T14:00:00.1234569+02:00".parse::<Time>().unwrap().to_string(),
            "2024-05-01T12:00:00.123456Z"
        );
    }

    #[test]
    fn what_is_not_a_time_is_refused() {
        for text in ["", "now", "2024-05-01", "2024-13-01T00:00:00Z", "2024-05-01T00:00:00", "1714564800"] {
            assert!(text.parse::<Time>().is_err(), "{text}");
        }
    }

    #[test]
    fn arithmetic_stays_in_range() {
        assert_eq!(Time::MAX.plus(Duration::MAX), Time::MAX);
        assert_eq!(Time::MIN.minus(Duration::from_secs(1)), Time::MIN);
        assert_eq!(Time::from_micros(i64::MIN), Time::MIN);
        let time = Time::from_micros(5);
        assert_eq!(time.plus(Duration::from_micros(7)).since(time), Duration::from_micros(7));
        assert_eq!(time.since(time.plus(Duration::from_micros(7))), Duration::ZERO);
    }
}
