//! What workflows would do for an event. Nothing is written, and nobody is called; the profile's past is read, where there is
//! one.

use super::answers::Answers;
use crate::calls::{Asker, Calls};
use crate::subject::Subject;
use crate::told::{self, Took};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use tokio::time::Instant;
use tributary_config::Tenant;
use tributary_engine::{Answer, Call, Finished, Handling, PastEvent, Proceeding, Wanted};
use tributary_model::{PartitionId, StreamId, Time};
use tributary_proto::v1;
use tributary_streams::Reading;

/// What they would do.
pub(super) struct Rehearsed {
    /// Their runs, with all that nodes looked at.
    pub(super) runs: Vec<v1::WorkflowRun>,
    /// Those that mean the event and would not run, with why.
    pub(super) not_triggered: Vec<v1::NotTriggered>,
    /// What they would answer.
    pub(super) response: Map<String, Value>,
}

/// How a rehearsal is answered what it asks for.
pub(super) struct Answering<'a> {
    /// What calls are answered.
    pub(super) answers: &'a Answers,
    /// The profile's past; without one there is none to ask for.
    pub(super) past: Option<Past<'a>>,
}

/// What a profile did.
#[derive(Clone, Copy)]
pub(super) struct Past<'a> {
    pub(super) calls: &'a Calls,
    pub(super) partition: PartitionId,
    /// The event's own entry; none for one that is not recorded, which comes behind all that is.
    pub(super) entry: Option<StreamId>,
    pub(super) until: Instant,
}

/// Runs the workflows of `tenant` that the event is for, on what is `known`, and changes that as they would. A run that pauses
/// is left there.
pub(super) async fn rehearse(
    event: &Subject,
    tenant: &Tenant,
    known: &mut Reading,
    answering: &Answering<'_>,
    now: Time,
) -> Rehearsed {
    let Some(documents) = event.documents() else {
        return Rehearsed { runs: Vec::new(), not_triggered: Vec::new(), response: Map::new() };
    };
    let mut handling = event.begin(&documents, tenant, known, Vec::new(), 0, now, true);
    let finished = answering.finish(&mut handling, event, tenant, now).await;
    let changes = finished.runs.iter().flat_map(|run| &run.changes);
    changes.for_each(|change| known.profile.state.apply(change));
    let told = |run| told::run(run, &event.message.r#type, &Took::new());
    Rehearsed {
        runs: finished.runs.iter().map(told).collect(),
        not_triggered: told::not_triggered(&finished.not_triggered, event),
        response: finished.response,
    }
}

impl Answering<'_> {
    async fn finish(
        &self,
        handling: &mut Handling<'_>,
        event: &Subject,
        tenant: &Tenant,
        now: Time,
    ) -> Finished {
        loop {
            match handling.proceed() {
                Proceeding::Finished(finished) => return finished,
                Proceeding::Calls { wanted: calls, .. } => {
                    let mut answers = BTreeMap::new();
                    for wanted in calls {
                        let answer = match &self.past {
                            Some(past) if matches!(wanted.call, Call::History(_)) => {
                                past.of(event, tenant, wanted.clone()).await
                            }
                            _ => None,
                        };
                        let answer = answer.unwrap_or_else(|| self.answers.to(&wanted));
                        answers.insert(wanted.node, answer);
                    }
                    handling.answer(answers, now);
                }
            }
        }
    }
}

impl Past<'_> {
    /// The past that a workflow of `tenant` asks for; `None` where nobody is there to ask.
    async fn of(&self, event: &Subject, tenant: &Tenant, wanted: Wanted) -> Option<Answer> {
        let Call::History(query) = wanted.call.clone() else { return None };
        let asker = Asker {
            tenant: &event.tenant,
            // What is read is the same for each of them.
            workflow: tenant.workflows.first()?,
            event_id: &event.id,
            event_type: &event.message.r#type,
            profile: &event.profile,
            partition: self.partition,
            position: self.entry.unwrap_or(StreamId::MAX),
            until: self.until,
        };
        let (_, (answer, _)) = self.calls.answer(&asker, vec![wanted]).await.pop_first()?;
        let Answer::History(Ok(mut events)) = answer else { return Some(answer) };
        if self.entry.is_none() {
            let own = itself(event).filter(|own| {
                own.time >= query.since && (query.types.is_empty() || query.types.contains(&own.event_type))
            });
            events.extend(own);
            let surplus = events.len().saturating_sub(query.limit);
            events.drain(..surplus);
        }
        Some(Answer::History(Ok(events)))
    }
}

/// The event as one of its profile's past.
fn itself(event: &Subject) -> Option<PastEvent> {
    let documents = event.documents()?;
    let view = event.view(&documents);
    Some(PastEvent {
        id: view.id.to_owned(),
        event_type: view.event_type.to_owned(),
        time: view.time,
        properties: view.properties.clone(),
    })
}
