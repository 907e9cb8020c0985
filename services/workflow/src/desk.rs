//! Runs go as far as they come. What they ask for is answered, and each answer kept before they go on, so that a crash asks
//! nothing again that was answered (docs/protocol.md §6).

use crate::calls::Asker;
use crate::error::Trouble;
use crate::lanes::Seat;
use crate::spans::Spans;
use crate::subject::Subject;
use crate::told::Took;
use crate::worker::Worker;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use tracing::Instrument;
use tributary_config::Workflow;
use tributary_engine::{
    Answer, Call, Finished, Handling, MAX_CALLING, Proceeding, RunName, RunOutcome, Undecided, Wanted,
};
use tributary_model::{EventId, StreamId, TraceContext};
use tributary_runtime::now;
use tributary_streams::Held;

/// Who may ask for something: a run of `workflow` for `event`.
#[derive(Clone, Copy)]
pub(crate) struct Caller<'a> {
    pub(crate) workflow: &'a Workflow,
    pub(crate) event: &'a Subject,
    /// Of a run that had paused.
    pub(crate) resumed: Option<Resumed<'a>>,
}

/// What a run came out of.
#[derive(Clone, Copy)]
pub(crate) struct Resumed<'a> {
    /// The timer of its pause.
    pub(crate) timer: &'a str,
    /// The trace of its event.
    pub(crate) trace: &'a TraceContext,
}

/// Where an event, or a timer, is handled.
pub(crate) struct Desk<'a> {
    pub(crate) worker: &'a Worker,
    pub(crate) held: &'a Held,
    /// Given back while answers are waited for.
    pub(crate) seat: &'a Seat<'a>,
    /// The event under which answers are kept.
    pub(crate) event: &'a Subject,
    /// What history is read up to.
    pub(crate) position: StreamId,
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
        let mut calling = Calling::default();
        loop {
            match handling.proceed() {
                Proceeding::Finished(finished) => {
                    for Undecided { run, node, reason } in &finished.undecided {
                        let (workflow, event) = (run.workflow.as_str(), run.event.as_str());
                        tracing::warn!(workflow, event, node, %reason, "a paused run waits on: whether this event is the one cannot be decided");
                    }
                    for run in &finished.runs {
                        let caller = self.callers.iter().find(|caller| caller.is_of(run));
                        spans.end(run, caller, self.event);
                    }
                    return Ok(Handled { finished, took });
                }
                Proceeding::Calls { run, wanted } => {
                    let kept = match &mut journal {
                        Some(kept) => kept,
                        none => none.insert(self.journaled().await?),
                    };
                    let until = calling.until(&run);
                    let answers = self.answers(&run, until, wanted, kept, &mut spans, &mut took).await?;
                    handling.answer(answers, now());
                }
            }
        }
    }

    /// Answers to all of these calls, by node: those that are kept, and those that are there by `until`.
    async fn answers(
        &self,
        run: &RunName,
        until: Instant,
        wanted: Vec<Wanted>,
        journal: &mut HashMap<String, Kept>,
        spans: &mut Spans,
        took: &mut Took,
    ) -> Result<BTreeMap<String, Answer>, Trouble> {
        let mut answers = BTreeMap::new();
        let mut open = Vec::new();
        for wanted in wanted {
            match journal.remove(&kept_as(run, &wanted.key)) {
                Some(kept) => {
                    took.insert(wanted.key, kept.took);
                    answers.insert(wanted.node, kept.answer);
                }
                None => open.push(wanted),
            }
        }
        if open.is_empty() {
            return Ok(answers);
        }
        let Some(caller) = self.callers.iter().find(|caller| caller.made(run)) else {
            // Unanswered calls have failed, for the engine.
            tracing::error!(workflow = run.workflow, event = %run.event, "calls belong to no run at hand");
            return Ok(answers);
        };
        let keys: BTreeMap<String, (String, bool)> = open
            .iter()
            .map(|wanted| (wanted.node.clone(), (wanted.key.clone(), is_kept(&wanted.call))))
            .collect();
        let span = spans.of(caller, self.event);
        for (node, (answer, lasted)) in self.ask(caller, until, open).instrument(span).await? {
            let Some((key, is_kept)) = keys.get(&node) else { continue };
            if *is_kept {
                self.keep(&kept_as(run, key), &answer, lasted).await?;
            }
            took.insert(key.clone(), lasted);
            answers.insert(node, answer);
        }
        Ok(answers)
    }

    async fn ask(
        &self,
        caller: &Caller<'_>,
        until: Instant,
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
            until,
        };
        // Whoever is asked has begun to do it: it is waited for a while, or the next owner asks again.
        let finish = self.worker.settings.finish;
        let broken_off = async {
            self.held.stop.cancelled().await;
            sleep_until(self.seat.stopped() + finish).await;
        };
        let answered = async {
            tokio::select! {
                // First: what begins after that time is not begun.
                biased;
                () = broken_off => Err(Trouble::Stopped),
                answers = self.worker.calls.answer(&asker, wanted) => Ok(answers),
            }
        };
        self.seat.resting(answered).await
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
    /// Whether calls of this run are its.
    fn made(&self, run: &RunName) -> bool {
        self.is(&run.workflow, &run.event, run.resumed.as_deref())
    }

    fn is_of(&self, run: &RunOutcome) -> bool {
        self.is(&run.workflow, &run.event, run.resumed.as_deref())
    }

    /// Two runs of one workflow may be at hand for events of one id: one of them came out of a pause.
    fn is(&self, workflow: &str, event: &EventId, timer: Option<&str>) -> bool {
        let own = self.resumed.map(|resumed| resumed.timer);
        self.workflow.name == workflow && self.event.id == *event && own == timer
    }
}

/// Until when the calls of each run are waited for: so long from its first on, however long those of other runs took.
#[derive(Default)]
struct Calling(Vec<(RunName, Instant)>);

impl Calling {
    fn until(&mut self, run: &RunName) -> Instant {
        if let Some((_, until)) = self.0.iter().find(|(known, _)| known == run) {
            return *until;
        }
        let until = Instant::now() + MAX_CALLING;
        self.0.push((run.clone(), until));
        until
    }
}

/// The name under which an answer is kept. A run that came out of a pause may ask as one of the event's own does, where an id
/// is used again.
fn kept_as(run: &RunName, key: &str) -> String {
    run.resumed.as_ref().map_or_else(|| key.to_owned(), |timer| format!("{timer} {key}"))
}

/// What can be asked again with nobody noticing is not kept: it may be large.
fn is_kept(call: &Call) -> bool {
    !matches!(call, Call::History(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::sleep;

    fn run(workflow: &str, resumed: Option<&str>) -> RunName {
        let event = EventId::new("e").unwrap();
        RunName { workflow: workflow.to_owned(), event, resumed: resumed.map(str::to_owned) }
    }

    #[tokio::test(start_paused = true)]
    async fn each_run_has_the_whole_time_for_its_calls_from_its_first_on() {
        let (begun, mut calling) = (Instant::now(), Calling::default());
        assert_eq!(calling.until(&run("a", None)), begun + MAX_CALLING);
        sleep(MAX_CALLING).await;
        assert_eq!(calling.until(&run("a", None)), begun + MAX_CALLING, "it does not begin anew");
        for another in [run("b", None), run("a", Some("t"))] {
            assert_eq!(calling.until(&another), begun + 2 * MAX_CALLING);
        }
    }

    #[test]
    fn answers_of_two_runs_that_ask_alike_are_kept_apart() {
        let names =
            [run("w", None), run("w", Some("t1")), run("w", Some("t2"))].map(|run| kept_as(&run, "e/w/ask"));
        assert_eq!(names, ["e/w/ask", "t1 e/w/ask", "t2 e/w/ask"]);
    }
}
