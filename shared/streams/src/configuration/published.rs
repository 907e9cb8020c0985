//! What Redis holds of the configuration: the newest revisions, and which process runs which.

use crate::connection::{Redis, count, millis};
use crate::script::script;
use crate::{StreamsError, keys};
use redis::Script;
use std::sync::LazyLock;
use std::time::Duration;

// A full Redis is no reason to be without the configuration that may mend it.
static PUBLISH: LazyLock<Script> = LazyLock::new(|| script!(finishing "publish_config"));
static LOOK: LazyLock<Script> = LazyLock::new(|| script!(finishing "look_config"));
static REPORTS: LazyLock<Script> = LazyLock::new(|| script!("config_reports"));

/// How many revisions stay in Redis: those that events on their way may still name.
pub(super) const KEPT: usize = 32;
/// A process that said nothing for this long is not counted any more.
const LATELY: Duration = Duration::from_secs(3);
/// How often a report is renewed that says the same. Another one is written at once.
const RENEWAL: Duration = Duration::from_secs(1);
/// After this time its report is removed, should nobody have withdrawn it.
const REPORT_LIFE: Duration = Duration::from_secs(60);

/// What one live process said of its configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageReport {
    /// The stage, such as `workflow`.
    pub stage: String,
    /// Names the process among those of its stage; new with each start.
    pub instance: String,
    /// The number of the revision that it runs; 0 while it waits for its first.
    pub number: u64,
    /// The name of that revision, such as `12-3fa9c1d2`; empty while it waits for its first. Numbers alone may be given out
    /// twice, should the database be set back.
    pub revision: String,
    /// What hinders it, one problem a line. Each line begins with the tenant that it concerns and a colon, or with `-:` for
    /// what concerns all. Never holds a secret.
    pub problem: Option<String>,
    /// The number of the revision that the problem is about: the one that runs, or a newer one that cannot be prepared; 0
    /// without a problem.
    pub problem_number: u64,
}

impl Redis {
    /// Puts a revision where stages take it from. False: one as new or newer is there already, and nothing was changed.
    ///
    /// # Errors
    /// Redis did not answer: whether it was published is not known, and it may be published again.
    pub async fn publish_config(&self, number: u64, bytes: &[u8]) -> Result<bool, StreamsError> {
        let arguments = [number.to_string().into(), bytes.into(), count(KEPT)];
        let mut reply = self.run(&PUBLISH, &[keys::config()], &arguments).await?;
        Ok(reply.integer()? == 1)
    }

    /// The number of the newest revision that was published; `None` where none ever was.
    ///
    /// # Errors
    /// Redis did not answer.
    pub async fn newest_config(&self) -> Result<Option<u64>, StreamsError> {
        let mut command = redis::cmd("HGET");
        command.arg(keys::config()).arg("newest");
        Ok(command.query_async(&mut self.connection()).await?)
    }

    /// A revision as it was published; `None` where it never was, or is older than those that are kept.
    ///
    /// # Errors
    /// Redis did not answer.
    pub async fn config_bytes(&self, number: u64) -> Result<Option<Vec<u8>>, StreamsError> {
        let mut command = redis::cmd("HGET");
        command.arg(keys::config()).arg(number);
        Ok(command.query_async(&mut self.connection()).await?)
    }

    /// What every process of every stage runs, if it was alive within the last three seconds; by stage and instance.
    ///
    /// # Errors
    /// Redis did not answer.
    pub async fn stage_reports(&self) -> Result<Vec<StageReport>, StreamsError> {
        let mut reply = self.run(&REPORTS, &[keys::config_stages()], &[millis(LATELY)]).await?;
        let mut reports = Vec::with_capacity(reply.remaining() / 5);
        while reply.remaining() > 0 {
            let process = reply.text()?;
            let (stage, instance) = process.split_once('/').unwrap_or((&process, ""));
            let (stage, instance) = (stage.to_owned(), instance.to_owned());
            let number = number(&reply.text()?)?;
            let revision = reply.text()?;
            let problem_number = self::number(&reply.text()?)?;
            let problem = Some(reply.text()?).filter(|problem| !problem.is_empty());
            reports.push(StageReport { stage, instance, number, revision, problem, problem_number });
        }
        reports.sort_unstable_by(|a, b| (&a.stage, &a.instance).cmp(&(&b.stage, &b.instance)));
        Ok(reports)
    }

    /// The numbers of all revisions that are there, newest first.
    pub(super) async fn config_numbers(&self) -> Result<Vec<u64>, StreamsError> {
        let fields: Vec<String> =
            redis::cmd("HKEYS").arg(keys::config()).query_async(&mut self.connection()).await?;
        let mut numbers: Vec<u64> = fields.iter().filter_map(|field| field.parse().ok()).collect();
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        Ok(numbers)
    }

    /// Says what this process runs, and answers the newest number; 0 where there is none.
    pub(super) async fn look_for_config(&self, report: &StageReport) -> Result<u64, StreamsError> {
        let arguments = [
            field(report).into(),
            format!("{} {}", report.number, report.revision).into(),
            format!("{} {}", report.problem_number, report.problem.as_deref().unwrap_or_default()).into(),
            millis(RENEWAL),
            millis(REPORT_LIFE),
        ];
        let mut reply = self.run(&LOOK, &[keys::config(), keys::config_stages()], &arguments).await?;
        number(&reply.text()?)
    }

    /// Takes this process's report away: it ends.
    pub(super) async fn withdraw_report(&self, report: &StageReport) -> Result<(), StreamsError> {
        let mut command = redis::cmd("HDEL");
        command.arg(keys::config_stages()).arg(field(report));
        command.query_async::<()>(&mut self.connection()).await?;
        Ok(())
    }
}

fn number(text: &str) -> Result<u64, StreamsError> {
    text.parse().map_err(|_| StreamsError::unexpected("no number"))
}

fn field(report: &StageReport) -> String {
    format!("{}/{}", report.stage, report.instance)
}
