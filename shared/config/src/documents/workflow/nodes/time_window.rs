//! `time_window`: whether it is the time for something, such as the office hours of a city; or waits until it is.

mod hours;

use std::borrow::Cow;

use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::Deserialize;
use tributary_engine::{News, Node, Step, Turn, Wait};
use tributary_expressions::did_you_mean;

use super::{NodeKind, moments};
use crate::at::At;
use crate::documents::workflow::reading::Reading;
use crate::survey::Survey;
use hours::{DAY, Hours, clock_time};

/// Asks whether a window is open, or waits until it is.
#[derive(Debug)]
pub(crate) struct TimeWindow {
    hours: Hours,
    waits: bool,
}

/// Days and hours, as a clock on the wall of `zone` shows them. At least one of days, from and to.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    rename = "TimeWindow",
    extend("anyOf" = [{"required": ["days"]}, {"required": ["from"]}, {"required": ["to"]}])
)]
pub(crate) struct TimeWindowSpec {
    /// The days on which it opens, such as [mon, tue]; every day, when left out.
    #[serde(default)]
    #[schemars(length(min = 1))]
    days: Option<At<Vec<At<Day>>>>,
    /// When it opens, such as 09:00; at midnight, when left out.
    #[serde(default)]
    #[schemars(regex(pattern = "^[0-9]{2}:[0-9]{2}$"))]
    from: Option<At<String>>,
    /// When it shuts, such as 17:30; at midnight, when left out. Before `from` it is on the next day.
    #[serde(default)]
    #[schemars(regex(pattern = "^[0-9]{2}:[0-9]{2}$"))]
    to: Option<At<String>>,
    /// The time zone, such as Europe/Berlin; UTC, when left out.
    #[serde(default)]
    zone: Option<At<String>>,
    /// Whether the run waits until it opens.
    #[serde(default)]
    wait: bool,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl NodeKind for TimeWindow {
    const NAME: &'static str = "time_window";
    type Spec = TimeWindowSpec;

    fn read(spec: At<TimeWindowSpec>, reading: &mut Reading<'_>) -> Option<TimeWindow> {
        let (place, spec) = (spec.place, spec.value);
        if spec.days.is_none() && spec.from.is_none() && spec.to.is_none() {
            reading.tell(place, "time_window: without days, from and to it is always open; give one of them");
            return None;
        }
        let days = days(spec.days, reading);
        let zone = zone(spec.zone, reading);
        let from = hour("from", spec.from, 0, reading);
        let to = hour("to", spec.to, DAY, reading);
        let (from, to) = (from?, to?);
        // The midnight at the end of a day is the one at the beginning of the next.
        if from % DAY == to % DAY && (from, to) != (0, DAY) {
            reading.tell(place, "time_window: from and to are the same time, so it would never be open");
            return None;
        }
        Some(TimeWindow { hours: Hours { zone: zone?, days: days?, from: from % DAY, to }, waits: spec.wait })
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        if self.waits { vec!["inside".into()] } else { vec!["inside".into(), "outside".into()] }
    }

    fn survey<'n>(&'n self, _: &mut Survey<'n>) {}
}

impl Node for TimeWindow {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        if self.hours.contains(turn.now()) {
            return Step::Leave("inside".into());
        }
        if !self.waits {
            return Step::Leave("outside".into());
        }
        match self.hours.next(turn.now()) {
            Some(opening) => Step::Wait(Wait { until: Some(opening), events: Vec::new() }),
            None => Step::Error { reason: "time ends before the window opens again".into(), otherwise: None },
        }
    }

    fn resume(&self, turn: &mut Turn<'_, '_>, news: News<'_>) -> Step {
        match news {
            // Whoever comes late to it may find it shut again, and waits for the next.
            News::Due => self.enter(turn),
            _ => moments::not_waited_for(),
        }
    }
}

fn days(days: Option<At<Vec<At<Day>>>>, reading: &mut Reading<'_>) -> Option<[bool; 7]> {
    let Some(days) = days else { return Some([true; 7]) };
    if days.value.is_empty() {
        reading.tell(days.place, "days: name one at least, or leave it out for every day");
        return None;
    }
    let mut open = [false; 7];
    days.value.iter().for_each(|day| open[day.value as usize] = true);
    Some(open)
}

fn hour(what: &str, text: Option<At<String>>, otherwise: i64, reading: &mut Reading<'_>) -> Option<i64> {
    let Some(text) = text else { return Some(otherwise) };
    let read = clock_time(&text.value);
    if read.is_none() {
        let reason =
            format!("{what}: {:?} is no time of the day like 09:00, from 00:00 to 24:00", text.value);
        reading.tell(text.place, reason);
    }
    read
}

fn zone(name: Option<At<String>>, reading: &mut Reading<'_>) -> Option<Tz> {
    let Some(name) = name else { return Some(Tz::UTC) };
    let read = name.value.parse::<Tz>();
    if read.is_err() {
        let meant = did_you_mean(&name.value, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()));
        let told =
            format!("zone: there is no time zone {:?}; write it like Europe/Berlin{meant}", name.value);
        reading.tell(name.place, told);
    }
    read.ok()
}

#[cfg(test)]
mod tests;
