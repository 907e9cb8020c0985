//! What workflows did for an event, where that is kept; else what they would do.

use super::Runner;
use super::answers::Answers;
use super::asked::Asked;
use super::error::RunError;
use super::rehearse::{Answering, Past, rehearse};
use super::stored::Stored;
use crate::subject::Subject;
use prost::Message as _;
use std::time::Duration;
use tokio::time::Instant;
use tributary_model::{EventId, ProfileId, TenantId, partition_of};
use tributary_proto::raw::RawStruct;
use tributary_proto::v1;
use tributary_runtime::now;
use tributary_streams::Progress;

/// What is to be explained.
#[derive(Debug)]
pub(crate) enum Question {
    /// A stored event.
    Stored { tenant: TenantId, event: EventId, profile: Option<ProfileId> },
    /// An event that is not stored: as in a dry run.
    Described(Box<Asked>),
}

impl Question {
    pub(crate) fn of(tenant: TenantId, request: v1::ExplainRequest) -> Result<Self, RunError> {
        let id = |field| move |error| RunError::Id { field, error };
        if let Some(run) = request.run {
            return Ok(Self::Described(Box::new(Asked::of(
                tenant,
                v1::RunRequest { dry_run: true, ..run },
            )?)));
        }
        if request.event_id.is_empty() {
            return Err(RunError::NothingAsked);
        }
        let profile = (!request.profile_id.is_empty()).then(|| ProfileId::new(request.profile_id));
        Ok(Self::Stored {
            tenant,
            event: EventId::new(request.event_id).map_err(id("event_id"))?,
            profile: profile.transpose().map_err(id("profile_id"))?,
        })
    }
}

impl Runner {
    /// Explains within the caller's time.
    pub(crate) async fn explain(
        &self,
        question: Question,
        patience: Duration,
    ) -> Result<v1::ExplainResponse, RunError> {
        match question {
            Question::Stored { tenant, event, profile } => {
                let stored = self.stored(&tenant, &event, profile.as_ref()).await?;
                let outcome = outcome(&stored.progress);
                let tells =
                    |outcome: &v1::Outcome| !(outcome.runs.is_empty() && outcome.not_triggered.is_empty());
                if outcome.as_ref().is_some_and(tells) {
                    return Ok(recorded(&stored.event, outcome.unwrap_or_default()));
                }
                let trace_id = outcome.map(|outcome| outcome.trace_id).unwrap_or_default();
                Ok(v1::ExplainResponse {
                    trace_id,
                    ..self.again(stored, Instant::now() + patience / 2).await?
                })
            }
            Question::Described(asked) => {
                let event_type = asked.event_type().to_owned();
                let run = self.run(*asked, patience).await?;
                Ok(v1::ExplainResponse {
                    runs: run.runs,
                    not_triggered: run.not_triggered,
                    event_type,
                    profile_id: run.profile.map(|profile| profile.id).unwrap_or_default(),
                    revision: run.revision,
                    response: run.response,
                    warnings: run.warnings,
                    ..v1::ExplainResponse::default()
                })
            }
        }
    }

    /// What workflows would do for the event now, on the profile as it is now.
    async fn again(&self, stored: Stored, until: Instant) -> Result<v1::ExplainResponse, RunError> {
        let Stored { event, entry, .. } = stored;
        let config = self.config.current();
        let subject = Subject::of(event).ok_or(RunError::Incomplete("an event that can be read"))?;
        let session = subject.session.as_ref();
        let mut known = self.reader.read(&subject.tenant, &subject.profile, session).await?;
        let tenant = config.tenant(&subject.tenant).ok_or_else(RunError::no_source)?;
        let partition = partition_of(&subject.tenant, subject.profile.as_str(), self.partitions);
        let past = Some(Past { calls: &self.calls, partition, entry: Some(entry), until });
        let answering = Answering { answers: &Answers::default(), past };
        let rehearsed = rehearse(&subject, tenant, &mut known, &answering, now()).await;
        let response = rehearsed.response;
        Ok(v1::ExplainResponse {
            runs: rehearsed.runs,
            not_triggered: rehearsed.not_triggered,
            revision: config.revision.clone(),
            response: (!response.is_empty()).then(|| RawStruct::from_object(&response)),
            ..about(&subject.message)
        })
    }
}

fn recorded(event: &v1::Event, outcome: v1::Outcome) -> v1::ExplainResponse {
    v1::ExplainResponse {
        recorded: true,
        runs: outcome.runs,
        not_triggered: outcome.not_triggered,
        revision: event.revision.clone(),
        trace_id: outcome.trace_id,
        response: outcome.response,
        without_values: outcome.without_values,
        ..about(event)
    }
}

fn about(event: &v1::Event) -> v1::ExplainResponse {
    v1::ExplainResponse {
        event_type: event.r#type.clone(),
        time: event.time,
        profile_id: event.profile_id.clone(),
        ..v1::ExplainResponse::default()
    }
}

/// What is remembered of an event that was handled.
fn outcome(progress: &Progress) -> Option<v1::Outcome> {
    match progress {
        Progress::Ended { outcome, .. } => v1::Outcome::decode(outcome.as_slice()).ok(),
        Progress::Unknown | Progress::Waiting { .. } => None,
    }
}
