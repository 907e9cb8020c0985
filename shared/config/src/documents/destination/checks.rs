//! Addresses, durations and numbers of a destination.

use std::ops::RangeInclusive;
use std::time::Duration;

use url::Url;

use crate::at::At;
use crate::error::{Origin, Place, Problems};

/// A day in milliseconds: longer waits belong to whoever makes the events.
pub(super) const DAY: u64 = 86_400_000;

/// Checks parts of a document; what is wrong with one is told, and what is the default stands in for it.
pub(super) struct Checks<'c> {
    pub(super) origin: &'c Origin,
    pub(super) problems: &'c mut Problems,
}

impl Checks<'_> {
    pub(super) fn wrong(&mut self, place: Place, reason: impl Into<String>) {
        self.problems.add(self.origin, place, reason);
    }

    pub(super) fn url(&mut self, text: &At<String>) -> Option<Url> {
        let reason = match Url::parse(&text.value) {
            Ok(url) if !matches!(url.scheme(), "http" | "https") => {
                format!("the url's scheme is {}, only http and https can be delivered to", url.scheme())
            }
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                "the url holds credentials; put them into a header with env".to_string()
            }
            Ok(url) => return Some(url),
            Err(error) => format!("not a url: {error}"),
        };
        self.wrong(text.place, reason);
        None
    }

    /// A duration like `10s`; `default` and `range` are milliseconds.
    pub(super) fn duration(
        &mut self,
        name: &str,
        text: Option<At<String>>,
        default: u64,
        range: RangeInclusive<u64>,
    ) -> Duration {
        let default = Duration::from_millis(default);
        let Some(text) = text else { return default };
        let (least, most) = (Duration::from_millis(*range.start()), Duration::from_millis(*range.end()));
        let reason = match humantime::parse_duration(&text.value) {
            Ok(duration) if (least..=most).contains(&duration) => return duration,
            Ok(_) => format!(
                "{name} must be between {} and {}",
                humantime::format_duration(least),
                humantime::format_duration(most)
            ),
            Err(_) => format!("{name}: {:?} is not a duration like 500ms, 10s or 5m", text.value),
        };
        self.wrong(text.place, reason);
        default
    }

    pub(super) fn number<N: Copy + PartialOrd + std::fmt::Display>(
        &mut self,
        name: &str,
        number: Option<At<N>>,
        default: N,
        range: RangeInclusive<N>,
    ) -> N {
        match number {
            None => default,
            Some(number) if range.contains(&number.value) => number.value,
            Some(number) => {
                let reason = format!("{name} must be between {} and {}", range.start(), range.end());
                self.wrong(number.place, reason);
                default
            }
        }
    }
}
