//! A revision on its way to the stages: published, and waited for.

use std::{
    collections::{BTreeSet, HashMap},
    ops::RangeInclusive,
    time::Duration,
};

use tokio::time::{Instant, sleep_until};
use tributary_streams::StageReport;

use super::{Configuration, ConfigurationError, Kept};

/// Those that a whole mesh has.
const STAGES: [&str; 5] = ["ingest", "preprocess", "workflow", "collector", "dispatcher"];

/// How often the stages are looked at.
const EVERY: Duration = Duration::from_millis(50);

/// When a process that says why it does not run a revision means this one: each has looked by then, several times.
const PROBLEMS_COUNT_AFTER: Duration = Duration::from_secs(2);

/// Who runs what.
#[derive(Debug, Default)]
pub(crate) struct Spread {
    pub(crate) reports: Vec<StageReport>,
    /// Names of the revisions that they run, by number.
    pub(crate) names: HashMap<u64, String>,
    /// Whether each stage has a live process and all of them run the revision.
    pub(crate) everywhere: bool,
}

impl Configuration {
    /// Publishes the revision and waits until it runs everywhere, until those that do not run it have all said why, or until
    /// `until`. It is in force whatever happens here: while Redis is away nothing can be said of the stages.
    pub(crate) async fn spread(&self, kept: &Kept, until: Instant) -> Spread {
        let mut published = kept.number == 0;
        let problems_count = Instant::now() + PROBLEMS_COUNT_AFTER;
        loop {
            if !published {
                match self.publish(kept).await {
                    Ok(_) => published = true,
                    Err(error) => {
                        tracing::warn!(%error, revision = kept.id, "a revision is not published yet")
                    }
                }
            }
            let reports = self.redis.stage_reports().await.unwrap_or_default();
            let enough = self.enough(&reports, kept).await;
            let everywhere = runs_everywhere(&reports, &enough);
            let hopeless = Instant::now() >= problems_count && all_others_refuse(&reports, &enough);
            let next = Instant::now() + EVERY;
            if everywhere || hopeless || next > until {
                return self.named(reports, kept, everywhere).await;
            }
            sleep_until(next).await;
        }
    }

    /// Who runs what, as it is.
    pub(crate) async fn running(&self, kept: &Kept) -> Result<Spread, ConfigurationError> {
        let reports = self.redis.stage_reports().await?;
        let everywhere = runs_everywhere(&reports, &self.enough(&reports, kept).await);
        Ok(self.named(reports, kept, everywhere).await)
    }

    /// The numbers with which a process runs the revision: its own, and those of revisions that were built on it. A greater one
    /// that Postgres does not have is of a state that it was set back from.
    async fn enough(&self, reports: &[StageReport], kept: &Kept) -> RangeInclusive<u64> {
        let mut newest = kept.number;
        if reports.iter().any(|report| report.number > kept.number) {
            newest = self.storage.newest_revision_number().await.ok().flatten().unwrap_or(newest);
        }
        kept.number..=newest
    }

    async fn named(&self, mut reports: Vec<StageReport>, kept: &Kept, everywhere: bool) -> Spread {
        let place = |stage: &str| STAGES.iter().position(|known| *known == stage);
        reports.sort_by(|a, b| (place(&a.stage), &a.instance).cmp(&(place(&b.stage), &b.instance)));
        let mut names = HashMap::from([(kept.number, kept.id.clone())]);
        let others: BTreeSet<u64> =
            reports.iter().map(|report| report.number).filter(|number| *number != kept.number).collect();
        let others: Vec<u64> = others.into_iter().filter(|number| *number > 0).collect();
        if !others.is_empty() {
            // Without Postgres the number alone is shown.
            names.extend(self.storage.revision_ids(&others).await.unwrap_or_default());
        }
        Spread { reports, names, everywhere }
    }
}

impl Spread {
    /// What that process runs; empty for one that waits for its first.
    pub(crate) fn name_of(&self, number: u64) -> String {
        if number == 0 {
            return String::new();
        }
        self.names.get(&number).cloned().unwrap_or_else(|| number.to_string())
    }
}

fn runs_everywhere(reports: &[StageReport], enough: &RangeInclusive<u64>) -> bool {
    let has_one = |stage: &str| reports.iter().any(|report| report.stage == stage);
    *enough.start() > 0
        && STAGES.into_iter().all(has_one)
        && reports.iter().all(|report| enough.contains(&report.number))
}

fn all_others_refuse(reports: &[StageReport], enough: &RangeInclusive<u64>) -> bool {
    let mut others = reports.iter().filter(|report| !enough.contains(&report.number)).peekable();
    others.peek().is_some() && others.all(|report| report.problem.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(stage: &str, number: u64, problem: Option<&str>) -> StageReport {
        StageReport {
            stage: stage.to_owned(),
            instance: "1".to_owned(),
            number,
            problem: problem.map(str::to_owned),
        }
    }

    #[test]
    fn everywhere_is_each_stage_and_every_process_of_it() {
        let all: Vec<StageReport> = STAGES.iter().map(|stage| report(stage, 7, None)).collect();
        assert!(runs_everywhere(&all, &(7..=7)));
        assert!(runs_everywhere(&all, &(6..=7)), "a newer one was built on it");
        assert!(!runs_everywhere(&all, &(6..=6)), "one that nobody knows was not");
        assert!(!runs_everywhere(&all, &(8..=8)));
        assert!(!runs_everywhere(&all, &(0..=7)), "nothing runs nowhere");
        assert!(!runs_everywhere(&all[1..], &(7..=7)), "a stage without a process runs nothing");
        let second = [all.as_slice(), &[report("ingest", 6, None)]].concat();
        assert!(!runs_everywhere(&second, &(7..=7)));
    }

    #[test]
    fn waiting_is_hopeless_only_when_all_that_are_missing_say_why() {
        let refuses = report("ingest", 6, Some("a secret"));
        assert!(all_others_refuse(&[report("workflow", 7, None), refuses.clone()], &(7..=7)));
        assert!(!all_others_refuse(&[report("workflow", 6, None), refuses], &(7..=7)));
        assert!(!all_others_refuse(&[report("workflow", 7, None)], &(7..=7)));
    }
}
