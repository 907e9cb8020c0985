//! Runs go as far as they come. What they ask for is answered, and each answer kept before they go on, so that a crash asks
//! nothing again that was answered (docs/protocol.md §6).

use crate::calls::Asker;
use crate::error::Trouble;
use crate::spans::Spans;
use crate::subject::Subject;
use crate::told::Took;
use crate::worker::Worker;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tracing::Instrument;
use tributary_config::Workflow;
use tributary_engine::{Answer, Call, Finished, Handling, Proceeding, Wanted};
use tributary_model::{StreamId, TraceContext};
use tributary_runtime::now;
use tributary_streams::Held;

/// Who may ask for something: a run of `workflow` for `event`.
#[derive(Clone, Copy)]
pub(crate) struct Caller<'a> {
    pub(crate) workflow: &'a Workflow,
    pub(crate) event: &'a Subject,
    /// Of a run that had paused: the trace of its event.
    pub(crate) resumed: Option<&'a TraceContext>,
}

/// Where an event, or a timer, is handled.
pub(crate) struct Desk<'a> {
    pub(crate) worker: &'a Worker,
    pub(crate) held: &'a Held,
    /// The event under which answers are kept.
    pub(crate) event: &'a Subject,
    /// What history is read up to.
    pub(crate) position: StreamId,
    /// When no call may be under way any more.
    pub(crate) until: Instant,
    pub(crate) callers: Vec<Caller<'a>>,
}

/// What a handling came to.
pub(crate) struct Handled {
    pub(crate) finished: Finished,
    pub(crate) took: Took,
}

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    answer: Answer,
    took: Duration,
}

impl Desk<'_> {
    /// Takes the handling to its end.
    pub(crate) async fn finish(&self, handling: &mut Handling<'_>) -> Result<Handled, Trouble> {
        let mut spans = Spans::default();
        let mut took = Took::new();
        let mut journal = None;
        loop {
            match handling.proceed() {
                Proceeding::Finished(finished) => {
                    for run in &finished.runs {
                        let caller = self.callers.iter().find(|caller| caller.is_of(run));
                        spans.end(run, caller, self.event);
                    }
                    return Ok(Handled { finished, took });
                }
                Proceeding::Calls(wanted) => {
                    let kept = match &mut journal {
                        Some(kept) => kept,
                        none => none.insert(self.journaled().await?),
                    };
                    let answers = self.answers(wanted, kept, &mut spans, &mut took).await?;
                    handling.answer(answers, now());
                }
            }
        }
    }

    /// Answers to all of these calls, by node: those that are kept, and those that are there now.
    async fn answers(
        &self,
        wanted: Vec<Wanted>,
        journal: &mut HashMap<String, Kept>,
        spans: &mut Spans,
        took: &mut Took,
    ) -> Result<BTreeMap<String, Answer>, Trouble> {
        let mut answers = BTreeMap::new();
        let mut open = Vec::new();
        for wanted in wanted {
            match journal.remove(&wanted.key) {
                Some(kept) => {
                    took.insert(wanted.key, kept.took);
                    answers.insert(wanted.node, kept.answer);
                }
                None => open.push(wanted),
            }
        }
        let Some(first) = open.first() else { return Ok(answers) };
        let Some(caller) = self.callers.iter().find(|caller| caller.made(first)) else {
            // Unanswered calls have failed, for the engine.
            tracing::error!(key = first.key, "a call belongs to no run at hand");
            return Ok(answers);
        };
        let keys: BTreeMap<String, (String, bool)> = open
            .iter()
            .map(|wanted| (wanted.node.clone(), (wanted.key.clone(), is_kept(&wanted.call))))
            .collect();
        let span = spans.of(caller, self.event);
        for (node, (answer, lasted)) in self.ask(caller, open).instrument(span).await? {
            let Some((key, is_kept)) = keys.get(&node) else { continue };
            if *is_kept {
                self.keep(key, &answer, lasted).await?;
            }
            took.insert(key.clone(), lasted);
            answers.insert(node, answer);
        }
        Ok(answers)
    }

    async fn ask(
        &self,
        caller: &Caller<'_>,
        wanted: Vec<Wanted>,
    ) -> Result<BTreeMap<String, (Answer, Duration)>, Trouble> {
        let asker = Asker {
            tenant: &caller.event.tenant,
            workflow: caller.workflow,
            event_id: &caller.event.id,
            event_type: &caller.event.message.r#type,
            profile: &caller.event.profile,
            partition: self.held.fence.partition,
            position: self.position,
            until: self.until,
        };
        // Whoever is asked has begun to do it: it is waited for a while, or the next owner asks again.
        let finish = self.worker.settings.finish;
        let broken_off = async {
            self.held.stop.cancelled().await;
            sleep(finish).await;
        };
        tokio::select! {
            answers = self.worker.calls.answer(&asker, wanted) => Ok(answers),
            () = broken_off => Err(Trouble::Stopped),
        }
    }

    async fn keep(&self, key: &str, answer: &Answer, took: Duration) -> Result<(), Trouble> {
        let kept = Kept { answer: answer.clone(), took };
        let kept = serde_json::to_vec(&kept).expect("texts, numbers and documents are always JSON");
        let Subject { tenant, id, .. } = self.event;
        let (redis, life) = (&self.worker.redis, self.worker.dedup_window);
        Ok(redis.journal(&self.held.fence, tenant, id, key, &kept, life).await?)
    }

    /// The answers that an earlier attempt kept. One that cannot be read is none.
    async fn journaled(&self) -> Result<HashMap<String, Kept>, Trouble> {
        let Subject { tenant, id, .. } = self.event;
        let journaled = self.worker.redis.journaled(self.held.fence.partition, tenant, id).await?;
        let read = |(key, kept): (String, Vec<u8>)| Some((key, serde_json::from_slice(&kept).ok()?));
        Ok(journaled.into_iter().filter_map(read).collect())
    }
}

impl Caller<'_> {
    /// Whether the call is of its run: its key begins with what names that.
    fn made(&self, wanted: &Wanted) -> bool {
        let of_node = format!("{}/{}/{}", self.event.id, self.workflow.name, wanted.node);
        wanted.key.strip_prefix(&of_node).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    fn is_of(&self, run: &tributary_engine::RunOutcome) -> bool {
        self.workflow.name == run.workflow
            && self.event.id == run.event
            && self.resumed.is_some() == run.resumed.is_some()
    }
}

/// What can be asked again with nobody noticing is not kept: it may be large.
fn is_kept(call: &Call) -> bool {
    !matches!(call, Call::History(_))
}
