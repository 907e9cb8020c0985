//! What became of what was sent.

use std::{collections::BTreeMap, fmt, time::Duration};

use hdrhistogram::Histogram;
use serde::Serialize;
use tributary_proto::v1;

/// Counts and times of a whole run.
pub(super) struct Summary {
    accepted: u64,
    duplicate: u64,
    invalid: u64,
    failed: u64,
    retries: u64,
    /// Lines that were left out.
    pub(super) skipped: u64,
    /// What was put up with, by its code.
    warnings: BTreeMap<&'static str, u64>,
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
    skipped: u64,
    warnings: BTreeMap<&'static str, u64>,
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
            retries: 0,
            skipped: 0,
            warnings: BTreeMap::new(),
            first_problem: None,
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
        }
        self.latency.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        for event in &answer.events {
            match event.status() {
                v1::EventStatus::Accepted => self.accepted += 1,
                v1::EventStatus::Duplicate => self.duplicate += 1,
                v1::EventStatus::Invalid | v1::EventStatus::Unspecified => {
                    self.invalid += 1;
                    let why = event.violations.first();
                    let why = why.map(|why| {
                        format!("line {line}: {}: {} ({})", why.path, why.description, why.reason)
                    });
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
        self.skipped += other.skipped;
        for (code, count) in other.warnings {
            *self.warnings.entry(code).or_default() += count;
        }
        self.first_problem = self.first_problem.take().or(other.first_problem);
        self.latency.add(other.latency).expect("the bounds are the same");
    }

    /// What is not in the mesh now, if anything.
    pub(super) fn complaint(&self) -> Option<String> {
        let events = match self.invalid + self.failed {
            0 => None,
            1 => Some("1 event is not in the mesh".to_owned()),
            many => Some(format!("{many} events are not in the mesh")),
        };
        let lines = match self.skipped {
            0 => None,
            1 => Some("1 line was left out".to_owned()),
            many => Some(format!("{many} lines were left out")),
        };
        let parts: Vec<String> = events.into_iter().chain(lines).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
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
            skipped,
            warnings,
            seconds,
            events_per_second,
            p50_ms,
            p99_ms,
        } = self.report(took);
        let mut text = format!(
            "accepted {accepted}  duplicate {duplicate}  invalid {invalid}  failed {failed}  retries {retries}\n\
             {seconds:.1} s, {events_per_second:.0} events/s, answered in p50 {p50_ms:.1} ms, p99 {p99_ms:.1} ms"
        );
        if skipped > 0 {
            text.push_str(&format!("\nlines that were left out: {skipped}"));
        }
        if !warnings.is_empty() {
            let counts = warnings.iter().map(|(code, count)| format!("{code} {count}"));
            text.push_str(&format!("\nwarnings: {}", counts.collect::<Vec<_>>().join(", ")));
        }
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
            skipped: self.skipped,
            warnings: self.warnings.clone(),
            seconds: took.as_secs_f64(),
            events_per_second: answered as f64 / took.as_secs_f64().max(0.001),
            p50_ms: millis(0.5),
            p99_ms: millis(0.99),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_counted_by_their_code_and_what_is_not_in_the_mesh_is_a_complaint() {
        let warning = |code: v1::WarningCode| v1::Warning { code: code.into(), ..v1::Warning::default() };
        let event = |status: v1::EventStatus| v1::EventResult {
            status: status.into(),
            warnings: vec![warning(v1::WarningCode::MappingFailed)],
            ..v1::EventResult::default()
        };
        let answer = v1::TrackResponse {
            events: vec![event(v1::EventStatus::Accepted), event(v1::EventStatus::Invalid)],
            warnings: vec![warning(v1::WarningCode::ProfileReplaced)],
            ..v1::TrackResponse::default()
        };
        let mut summary = Summary::default();
        assert_eq!(summary.complaint(), None);
        summary.answered(&answer, 1, 0, Duration::from_millis(5));
        let mut other = Summary::default();
        other.answered(&answer, 2, 3, Duration::from_millis(5));
        summary.add(other);
        summary.skipped = 1;
        let shown = summary.text(Duration::from_secs(1)).to_string();
        assert!(shown.contains("accepted 2  duplicate 0  invalid 2  failed 0  retries 3"), "{shown}");
        assert!(shown.contains("warnings: MAPPING_FAILED 4, PROFILE_REPLACED 2"), "{shown}");
        assert_eq!(summary.complaint().unwrap(), "2 events are not in the mesh, 1 line was left out");
    }
}
