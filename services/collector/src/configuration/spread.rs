//! A revision on its way to the stages: published, and waited for.

use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

use tokio::time::{Instant, sleep_until, timeout_at};
use tributary_streams::StageReport;

use super::{Configuration, ConfigurationError, Kept, problems::of_tenants};

/// Those that a whole mesh has.
const STAGES: [&str; 5] = ["ingest", "preprocess", "workflow", "collector", "dispatcher"];

/// How often the stages are looked at.
const EVERY: Duration = Duration::from_millis(50);

/// When what a process lacks of this revision is what it will go on lacking: each has looked by then, several times.
const PROBLEMS_COUNT_AFTER: Duration = Duration::from_secs(2);

/// Who runs what.
#[derive(Debug, Default)]
pub(crate) struct Spread {
    /// By stage, in the order of the way of a payload.
    pub(crate) reports: Vec<StageReport>,
    /// Whether each stage has a live process, and each of them runs the revision and lacks nothing for the tenants.
    pub(crate) everywhere: bool,
}

/// How long to wait for the stages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Until {
    /// When they are looked at for the last time.
    pub(crate) last_look: Instant,
    /// When what Redis and Postgres have not answered is given up.
    pub(crate) end: Instant,
}

/// How far a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// It runs the revision, with all that the tenants need.
    Done,
    /// It said what is in the way.
    Says,
    /// It is on its way.
    Silent,
}

impl Configuration {
    /// Publishes the revision and waits until it runs everywhere, until those of which it is not so have all said why, or until
    /// the time is over. It is in force whatever happens here: while Redis is away nothing can be said of the stages.
    pub(crate) async fn spread(&self, kept: &Kept, tenants: &[String], until: Until) -> Spread {
        let mut published = kept.number == 0;
        let problems_count = Instant::now() + PROBLEMS_COUNT_AFTER;
        loop {
            if !published {
                published = self.publish_within(kept, until.end).await;
            }
            let looked = timeout_at(until.end, self.redis.stage_reports()).await;
            let mut spread = Spread::of(looked.ok().and_then(Result::ok).unwrap_or_default());
            let names = self.names(&spread.reports, kept, until.end).await;
            let step = |report: &StageReport| step(report, kept.number, &names, tenants);
            spread.everywhere = is_everywhere(&spread.reports, step);
            let hopeless = Instant::now() >= problems_count && is_hopeless(&spread.reports, step);
            let next = Instant::now() + EVERY;
            if spread.everywhere || hopeless || next > until.last_look {
                return spread;
            }
            sleep_until(next).await;
        }
    }

    /// Who runs what, as it is.
    pub(crate) async fn running(&self) -> Result<Spread, ConfigurationError> {
        Ok(Spread::of(self.redis.stage_reports().await?))
    }

    /// Whether there is no sense in publishing it once more.
    async fn publish_within(&self, kept: &Kept, end: Instant) -> bool {
        match timeout_at(end, self.publish(kept)).await {
            Ok(Ok(true)) => return true,
            Ok(Ok(false)) => {
                let revision = &kept.id;
                tracing::warn!(
                    revision,
                    "stages have a newer or another revision; this one was not published"
                );
                return true;
            }
            Ok(Err(error)) => tracing::warn!(%error, revision = kept.id, "a revision is not published yet"),
            Err(_) => tracing::warn!(revision = kept.id, "a revision is not published in time"),
        }
        false
    }

    /// The names with which a process runs the revision: its own, and those of revisions that were built on it. A greater number
    /// under a name that Postgres does not have is of a state that it was set back from. Without Postgres its own alone counts.
    async fn names(&self, reports: &[StageReport], kept: &Kept, end: Instant) -> HashSet<String> {
        let newer = reports.iter().map(|report| report.number).filter(|number| *number > kept.number);
        let newer: Vec<u64> = newer.collect::<BTreeSet<_>>().into_iter().collect();
        let mut names = HashSet::new();
        if !newer.is_empty() {
            let known = timeout_at(end, self.storage.revision_ids(&newer)).await;
            names.extend(known.ok().and_then(Result::ok).unwrap_or_default().into_values());
        }
        if kept.number > 0 {
            names.insert(kept.id.clone());
        }
        names
    }
}

impl Until {
    /// `wait` from now on, but not beyond `end`. Who does not wait is told how things stand, if that can be had soon.
    pub(crate) fn after(wait: Duration, end: Option<Instant>) -> Self {
        let now = Instant::now();
        let bounded = |until: Instant| end.map_or(until, |end| until.min(end));
        Self { last_look: bounded(now + wait), end: bounded(now + wait.max(A_LOOK)) }
    }
}

/// How long one look at the stages may take.
const A_LOOK: Duration = Duration::from_secs(1);

impl Spread {
    fn of(mut reports: Vec<StageReport>) -> Self {
        let place = |stage: &str| STAGES.iter().position(|known| *known == stage);
        reports.sort_by(|a, b| (place(&a.stage), &a.instance).cmp(&(place(&b.stage), &b.instance)));
        Self { reports, everywhere: false }
    }
}

fn step(report: &StageReport, number: u64, names: &HashSet<String>, tenants: &[String]) -> Step {
    // What it says of an older one it may not say of this one.
    let problem = report.problem.as_deref().filter(|_| report.problem_number >= number);
    if names.contains(&report.revision) {
        let lacks = problem.is_some_and(|problem| of_tenants(problem, tenants).next().is_some());
        return if lacks { Step::Says } else { Step::Done };
    }
    if problem.is_some() { Step::Says } else { Step::Silent }
}

fn is_everywhere(reports: &[StageReport], step: impl Fn(&StageReport) -> Step) -> bool {
    let has_one = |stage: &str| reports.iter().any(|report| report.stage == stage);
    STAGES.into_iter().all(has_one) && reports.iter().all(|report| step(report) == Step::Done)
}

fn is_hopeless(reports: &[StageReport], step: impl Fn(&StageReport) -> Step) -> bool {
    let steps: Vec<Step> = reports.iter().map(step).collect();
    steps.contains(&Step::Says) && !steps.contains(&Step::Silent)
}

#[cfg(test)]
#[path = "spread_tests.rs"]
mod tests;
