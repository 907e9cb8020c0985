//! The header by which an HTTP server asks to be left alone for a while.

use std::time::Duration;

use chrono::DateTime;
use tributary_model::Time;

/// Reads `Retry-After`: seconds, or a date, counted from `now`. What is neither is no wish; a date that has passed is
/// one for no pause.
#[must_use]
pub fn parse(header: &str, now: Time) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(header).ok()?;
    Some(Time::try_from_micros(date.timestamp_micros())?.since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_understood_and_nothing_else() {
        let now: Time = "1994-11-06T08:49:30Z".parse().unwrap();
        let seconds = |header| parse(header, now).map(|delay| delay.as_secs());
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds(" 0 "), Some(0));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(7));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        for odd in ["", "soon", "-1", "1.5", "Sun, 06 Nov"] {
            assert_eq!(seconds(odd), None, "{odd}");
        }
    }
}
