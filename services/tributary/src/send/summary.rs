//! What became of what was sent.

use hdrhistogram::Histogram;
use serde::Serialize;
use std::fmt;
use std::time::Duration;
use tributary_proto::v1;

/// Counts and times of a whole run.
pub(super) struct Summary {
    accepted: u64,
    duplicate: u64,
    invalid: u64,
    failed: u64,
    retries: u64,
    first_problem: Option<String>,
    /// Microseconds from the first attempt to the answer.
    latency: Histogram<u64>,
}

/// The same, for programs.
#[derive(Debug, Serialize)]
struct Report {
    accepted: u64,
    duplicate: u64,
    invalid: u64,
    failed: u64,
    retries: u64,
    seconds: f64,
    events_per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
}

impl Default for Summary {
    fn default() -> Self {
        let latency = Histogram::new_with_max(600_000_000, 3).expect("these bounds are valid");
        Self { accepted: 0, duplicate: 0, invalid: 0, failed: 0, retries: 0, first_problem: None, latency }
    }
}

impl Summary {
    /// An answer came.
    pub(super) fn answered(&mut self, answer: &v1::TrackResponse, retries: u64, took: Duration) {
        self.retries += retries;
        self.latency.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        for event in &answer.events {
            match event.status() {
                v1::EventStatus::Accepted => self.accepted += 1,
                v1::EventStatus::Duplicate => self.duplicate += 1,
                v1::EventStatus::Invalid | v1::EventStatus::Unspecified => {
                    self.invalid += 1;
                    let why = event.violations.first();
                    let why = why.map(|why| format!("{}: {} ({})", why.path, why.description, why.reason));
                    self.first_problem = self.first_problem.take().or(why);
                }
            }
        }
    }

    /// No answer came, for good.
    pub(super) fn failed(&mut self, events: usize, retries: u64, why: &str) {
        self.retries += retries;
        self.failed += events as u64;
        self.first_problem.get_or_insert_with(|| why.to_owned());
    }

    /// Adds another part's counts.
    pub(super) fn add(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.duplicate += other.duplicate;
        self.invalid += other.invalid;
        self.failed += other.failed;
        self.retries += other.retries;
        self.first_problem = self.first_problem.take().or(other.first_problem);
        self.latency.add(other.latency).expect("the bounds are the same");
    }

    /// Events that are not in the mesh now.
    pub(super) fn lost(&self) -> u64 {
        self.invalid + self.failed
    }

    /// One JSON object.
    pub(super) fn json(&self, took: Duration) -> String {
        serde_json::to_string(&self.report(took)).expect("a report is numbers")
    }

    /// A few lines for people.
    pub(super) fn text(&self, took: Duration) -> impl fmt::Display {
        let Report {
            accepted,
            duplicate,
            invalid,
            failed,
            retries,
            seconds,
            events_per_second,
            p50_ms,
            p99_ms,
        } = self.report(took);
        let mut text = format!(
            "accepted {accepted}  duplicate {duplicate}  invalid {invalid}  failed {failed}  retries {retries}\n\
             {seconds:.1} s, {events_per_second:.0} events/s, answered in p50 {p50_ms:.1} ms, p99 {p99_ms:.1} ms"
        );
        if let Some(problem) = &self.first_problem {
            text.push_str(&format!("\nthe first problem: {problem}"));
        }
        text
    }

    fn report(&self, took: Duration) -> Report {
        let answered = self.accepted + self.duplicate + self.invalid;
        let millis = |quantile| self.latency.value_at_quantile(quantile) as f64 / 1000.0;
        Report {
            accepted: self.accepted,
            duplicate: self.duplicate,
            invalid: self.invalid,
            failed: self.failed,
            retries: self.retries,
            seconds: took.as_secs_f64(),
            events_per_second: answered as f64 / took.as_secs_f64().max(0.001),
            p50_ms: millis(0.5),
            p99_ms: millis(0.99),
        }
    }
}
