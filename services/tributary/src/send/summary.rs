//! What became of what was sent.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use hdrhistogram::Histogram;
use serde::Serialize;
use serde_json::{Map, Value};
use tributary_proto::v1;

use super::waits::Waits;

/// Counts and times of a whole run.
pub(super) struct Summary {
    accepted: u64,
    duplicate: u64,
    invalid: u64,
    failed: u64,
    /// Payloads that got no answer, or were refused as a whole; one without events counts here only.
    payloads_failed: u64,
    retries: u64,
    /// Lines that were left out.
    pub(super) skipped: u64,
    /// Payloads that were read and not sent any more.
    not_sent: u64,
    /// What came of waiting.
    waits: Waits,
    /// What was put up with, by its code.
    warnings: BTreeMap<&'static str, u64>,
    /// Why events and payloads are not in the mesh, by reason.
    problems: BTreeMap<String, u64>,
    first_problem: Option<String>,
    first_replaced: Option<Replaced>,
    /// Microseconds from the first attempt to the answer.
    latency: Histogram<u64>,
}

/// Where the events of a payload went that may not say whose they are.
struct Replaced {
    line: usize,
    profile: String,
}

/// The same, for programs.
#[derive(Debug, Serialize)]
struct Report<'s> {
    accepted: u64,
    duplicate: u64,
    invalid: u64,
    failed: u64,
    payloads_failed: u64,
    retries: u64,
    skipped: u64,
    not_sent: u64,
    not_reached: u64,
    first_not_reached: Option<String>,
    first_response: Option<&'s Map<String, Value>>,
    warnings: &'s BTreeMap<&'static str, u64>,
    problems: &'s BTreeMap<String, u64>,
    first_problem: Option<&'s str>,
    seconds: f64,
    events_per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
}

impl Default for Summary {
    fn default() -> Self {
        let latency = Histogram::new_with_max(600_000_000, 3).expect("these bounds are valid");
        Self {
            accepted: 0,
            duplicate: 0,
            invalid: 0,
            failed: 0,
            payloads_failed: 0,
            retries: 0,
            skipped: 0,
            not_sent: 0,
            waits: Waits::default(),
            warnings: BTreeMap::new(),
            problems: BTreeMap::new(),
            first_problem: None,
            first_replaced: None,
            latency,
        }
    }
}

impl Summary {
    /// An answer came for the payload of a line.
    pub(super) fn answered(&mut self, answer: &v1::TrackResponse, line: usize, retries: u64, took: Duration) {
        self.retries += retries;
        let of_events = answer.events.iter().flat_map(|event| &event.warnings);
        for warning in answer.warnings.iter().chain(of_events) {
            let name = warning.code().as_str_name();
            *self.warnings.entry(name.strip_prefix("WARNING_CODE_").unwrap_or(name)).or_default() += 1;
            if warning.code() == v1::WarningCode::ProfileReplaced {
                let profile = answer.profile.as_ref().map(|profile| profile.id.clone());
                let replaced = profile.map(|profile| Replaced { line, profile });
                self.first_replaced = self.first_replaced.take().or(replaced);
            }
        }
        self.latency.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        self.waits.answered(answer, line);
        for event in &answer.events {
            match event.status() {
                v1::EventStatus::Accepted => self.accepted += 1,
                v1::EventStatus::Duplicate => self.duplicate += 1,
                v1::EventStatus::Invalid | v1::EventStatus::Unspecified => {
                    self.invalid += 1;
                    if let Some(why) = event.violations.first() {
                        *self.problems.entry(why.reason.clone()).or_default() += 1;
                        let told =
                            || format!("line {line}: {}: {} ({})", why.path, why.description, why.reason);
                        self.first_problem.get_or_insert_with(told);
                    }
                }
            }
        }
    }

    /// No answer came, for good.
    pub(super) fn failed(&mut self, events: usize, retries: u64, reason: String, why: &str) {
        self.retries += retries;
        self.failed += events as u64;
        self.payloads_failed += 1;
        *self.problems.entry(reason).or_default() += 1;
        self.first_problem.get_or_insert_with(|| why.to_owned());
    }

    /// A payload was read, and everything ends before it is sent.
    pub(super) fn not_sent(&mut self) {
        self.not_sent += 1;
    }

    /// Adds another part's counts.
    pub(super) fn add(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.duplicate += other.duplicate;
        self.invalid += other.invalid;
        self.failed += other.failed;
        self.payloads_failed += other.payloads_failed;
        self.retries += other.retries;
        self.skipped += other.skipped;
        self.not_sent += other.not_sent;
        self.waits.add(other.waits);
        for (code, count) in other.warnings {
            *self.warnings.entry(code).or_default() += count;
        }
        for (reason, count) in other.problems {
            *self.problems.entry(reason).or_default() += count;
        }
        self.first_problem = self.first_problem.take().or(other.first_problem);
        self.first_replaced = self.first_replaced.take().or(other.first_replaced);
        self.latency.add(other.latency).expect("the bounds are the same");
    }

    /// What is not in the mesh now, or had not come as far as was waited for, if anything.
    pub(super) fn complaint(&self) -> Option<String> {
        let count = |number: u64, one: &str, many: &str| match number {
            0 => None,
            1 => Some(format!("1 {one}")),
            number => Some(format!("{number} {many}")),
        };
        let lost = self.invalid + self.failed;
        // Where events are missing their payloads need not be counted too.
        let payloads = if self.failed == 0 { self.payloads_failed } else { 0 };
        let parts = [
            count(lost, "event is not in the mesh", "events are not in the mesh"),
            count(payloads, "payload was refused", "payloads were refused"),
            count(self.skipped, "line was left out", "lines were left out"),
        ];
        let short = "had not come as far as was waited for";
        let short = count(self.waits.not_reached, &format!("event {short}"), &format!("events {short}")).map(
            |told| {
                let first = self.waits.first_not_reached().unwrap_or_default();
                let first_of = if self.waits.not_reached == 1 { "" } else { "the first is " };
                format!("{told} ({first_of}{first})")
            },
        );
        let parts: Vec<String> = parts.into_iter().flatten().chain(short).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// What Ctrl-C kept from being sent, of a file that was read `to_the_end` or not.
    pub(super) fn interruption(&self, to_the_end: bool) -> String {
        let mut parts = vec!["interrupted".to_owned()];
        if !to_the_end {
            parts.push("the rest of the lines was not read".to_owned());
        }
        if self.not_sent > 0 {
            parts.push(format!("{} that were read are not sent", self.not_sent));
        }
        parts.extend(self.complaint());
        format!(
            "{}; sending the same file again sends what is missing, within the mesh's dedup window",
            parts.join(", ")
        )
    }

    /// One JSON object.
    pub(super) fn json(&self, took: Duration) -> String {
        serde_json::to_string(&self.report(took)).expect("a report is numbers and words")
    }

    /// A few lines for people.
    pub(super) fn text(&self, took: Duration) -> String {
        let report = self.report(took);
        if self.is_empty() {
            return "nothing to send: there is no line with a payload".to_owned();
        }
        let mut text = format!(
            "accepted {}  duplicate {}  invalid {}  failed {}  retries {}",
            self.accepted, self.duplicate, self.invalid, self.failed, self.retries
        );
        if !self.latency.is_empty() {
            let Report { seconds, events_per_second, p50_ms, p99_ms, .. } = report;
            let _ = write!(
                text,
                "\n{seconds:.1} s, {events_per_second:.0} events/s, answered in p50 {p50_ms:.1} ms, p99 {p99_ms:.1} ms"
            );
        }
        for (count, what) in [
            (self.skipped, "lines that were left out"),
            (self.payloads_failed, "payloads that were refused or got no answer"),
            (self.not_sent, "payloads that were read and not sent"),
            (self.waits.not_reached, "events that had not come as far as was waited for"),
        ] {
            if count > 0 {
                let _ = write!(text, "\n{what}: {count}");
            }
        }
        // Of a single payload: of many, nobody would read them.
        if self.latency.len() == 1 {
            for line in self.waits.lines() {
                let _ = write!(text, "\n{line}");
            }
        }
        if !self.warnings.is_empty() {
            let _ = write!(text, "\nwarnings: {}", listed(&self.warnings));
        }
        if let Some(Replaced { line, profile }) = &self.first_replaced {
            let _ = write!(
                text,
                "\n  PROFILE_REPLACED: the source is not trusted to say who somebody is, so the mesh took another id for the \
                 one that was named; that of line {line} is now {profile}"
            );
        }
        if !self.problems.is_empty() {
            let _ = write!(text, "\nproblems: {}", listed(&self.problems));
        }
        if let Some(problem) = &self.first_problem {
            let _ = write!(text, "\nthe first problem: {problem}");
        }
        text
    }

    fn is_empty(&self) -> bool {
        self.latency.is_empty() && self.payloads_failed + self.skipped + self.not_sent == 0
    }

    fn report(&self, took: Duration) -> Report<'_> {
        let answered = self.accepted + self.duplicate + self.invalid;
        let millis = |quantile| self.latency.value_at_quantile(quantile) as f64 / 1000.0;
        Report {
            accepted: self.accepted,
            duplicate: self.duplicate,
            invalid: self.invalid,
            failed: self.failed,
            payloads_failed: self.payloads_failed,
            retries: self.retries,
            skipped: self.skipped,
            not_sent: self.not_sent,
            not_reached: self.waits.not_reached,
            first_not_reached: self.waits.first_not_reached(),
            first_response: self.waits.first_response(),
            warnings: &self.warnings,
            problems: &self.problems,
            first_problem: self.first_problem.as_deref(),
            seconds: took.as_secs_f64(),
            events_per_second: answered as f64 / took.as_secs_f64().max(0.001),
            p50_ms: millis(0.5),
            p99_ms: millis(0.99),
        }
    }
}

fn listed(counts: &BTreeMap<impl AsRef<str>, u64>) -> String {
    let counts = counts.iter().map(|(what, count)| format!("{} {count}", what.as_ref()));
    counts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
