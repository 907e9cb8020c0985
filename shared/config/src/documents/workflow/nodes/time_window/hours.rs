//! The hours of a window, as a clock on the wall of its zone shows them. A clock that is put back shows some twice, one that
//! is put forward leaves some out: both are taken as they are shown.

use std::time::Duration;

use chrono::{DateTime, Datelike, NaiveDateTime, Offset, TimeZone, Utc, Weekday};
use chrono_tz::Tz;
use tributary_model::Time;

/// Microseconds of a second and of a day.
const SECOND: i64 = 1_000_000;
pub(super) const DAY: i64 = 86_400 * SECOND;
/// Zones do not change their offset twice within so long.
const STRIDE: i64 = 3_600 * SECOND;
/// No window stays shut longer: one of a single day that its clock leaves out this week is there the next.
const SEARCHED: i64 = 16 * DAY;

/// When a window is open.
#[derive(Debug, Clone)]
pub(super) struct Hours {
    pub(super) zone: Tz,
    /// The days that it opens on, Monday first. One that is open over midnight belongs to the day on which it opens.
    pub(super) days: [bool; 7],
    /// When it opens, in microseconds after the wall clock's midnight.
    pub(super) from: i64,
    /// When it shuts: on the next day, if this is not after `from`.
    pub(super) to: i64,
}

impl Hours {
    /// Whether it is open at `moment`.
    pub(super) fn contains(&self, moment: Time) -> bool {
        let wall = self.wall(moment.as_micros());
        let (day, at) = (wall.weekday(), time_of_day(wall));
        if self.from < self.to {
            return self.opens_on(day) && (self.from..self.to).contains(&at);
        }
        (self.opens_on(day) && at >= self.from) || (self.opens_on(day.pred()) && at < self.to)
    }

    /// The first moment from `moment` on at which it is open; `None` where time ends before.
    pub(super) fn next(&self, moment: Time) -> Option<Time> {
        let start = moment.as_micros();
        let mut at = start;
        while at < start + SEARCHED {
            let end = at + STRIDE;
            let turned = self.turned(at, end);
            let found = self.first_within(at, turned).or_else(|| self.first_within(turned, end));
            if found.is_some() {
                return found;
            }
            at = end;
        }
        None
    }

    /// The first open moment of a stretch in which the wall clock runs on evenly: its beginning, or where it shows `from`.
    fn first_within(&self, start: i64, end: i64) -> Option<Time> {
        let until_from = (self.from - time_of_day(self.wall(start))).rem_euclid(DAY);
        let candidates = [start, start + until_from].into_iter().filter(|at| *at < end);
        candidates.filter_map(Time::try_from_micros).find(|at| self.contains(*at))
    }

    /// The moment within a stretch at which the clock is put forward or back; its end, if it is not.
    fn turned(&self, start: i64, end: i64) -> i64 {
        let before = self.offset(start);
        if self.offset(end) == before {
            return end;
        }
        let (mut last_before, mut first_after) = (start, end);
        while first_after - last_before > 1 {
            let middle = last_before + (first_after - last_before) / 2;
            if self.offset(middle) == before { last_before = middle } else { first_after = middle }
        }
        first_after
    }

    fn opens_on(&self, day: Weekday) -> bool {
        self.days[day.num_days_from_monday() as usize]
    }

    /// What the wall clock shows.
    fn wall(&self, moment: i64) -> NaiveDateTime {
        utc(moment) + chrono::Duration::microseconds(self.offset(moment))
    }

    /// How far the wall clock is ahead of UTC, in microseconds.
    fn offset(&self, moment: i64) -> i64 {
        i64::from(self.zone.offset_from_utc_datetime(&utc(moment)).fix().local_minus_utc()) * SECOND
    }
}

fn utc(moment: i64) -> NaiveDateTime {
    let within = Time::from_micros(moment).as_micros();
    let moment = DateTime::<Utc>::from_timestamp_micros(within);
    moment.expect("the years 1 to 9999 are within what chrono can hold").naive_utc()
}

fn time_of_day(wall: NaiveDateTime) -> i64 {
    let since_midnight = wall - wall.date().and_time(chrono::NaiveTime::MIN);
    since_midnight.num_microseconds().expect("a day has few enough microseconds")
}

/// Microseconds after midnight of `HH:MM`, up to 24:00.
pub(super) fn clock_time(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let digits =
        |text: &str| (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok());
    let (hours, minutes): (i64, i64) = (digits(hours)??, digits(minutes)??);
    let micros = i64::try_from(Duration::from_secs(60).as_micros()).ok()? * (hours * 60 + minutes);
    (minutes < 60 && micros <= DAY).then_some(micros)
}

#[cfg(test)]
mod tests;
