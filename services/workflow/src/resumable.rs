//! Paused runs of a profile that an event may make go on, with all that they need for it.

use crate::desk::{Caller, Resumed};
use crate::error::Trouble;
use crate::paused::Kept;
use crate::revisions::Exactly;
use crate::subject::{Documents, Subject};
use crate::worker::Worker;
use std::collections::BTreeMap;
use std::sync::Arc;
use tributary_config::{Config, Workflow};
use tributary_engine::PausedRun;
use tributary_streams::{Held, Paused};

/// The paused runs at hand.
#[derive(Default)]
pub(crate) struct Resumable {
    /// How many runs of the profile are paused in all.
    pub(crate) paused: usize,
    /// Those that may go on, by their timers.
    pub(crate) kept: BTreeMap<String, Kept>,
    /// What they need, the oldest first.
    needs: Vec<Needs>,
}

struct Needs {
    timer: String,
    config: Arc<Config>,
    documents: Documents,
}

impl Resumable {
    /// The paused runs that wait for events of this one's type. What cannot be read, or has lost its workflow, is left to its
    /// timer.
    pub(crate) async fn by(event: &Subject, worker: &Worker, held: &Held) -> Result<Self, Trouble> {
        let all = worker.redis.paused(held.fence.partition, &event.tenant, &event.profile).await?;
        let mut found = Self { paused: all.len(), ..Self::default() };
        if !event.resumes() {
            return Ok(found);
        }
        let waits = |paused: &&Paused| paused.awaits.contains(&event.message.r#type);
        let timers: Vec<&str> = all.iter().filter(waits).map(|paused| paused.timer.as_str()).collect();
        let carried = worker.redis.paused_runs(&held.fence, &timers).await?;
        for (timer, carried) in timers.into_iter().zip(carried) {
            if let Some(kept) = carried.and_then(|carried| Kept::from_fields(&carried.fields)) {
                found.take(timer.to_owned(), kept, worker).await?;
            }
        }
        Ok(found)
    }

    async fn take(&mut self, timer: String, kept: Kept, worker: &Worker) -> Result<(), Trouble> {
        let Exactly::Here(config) = worker.revisions.exactly(&kept.revision).await? else { return Ok(()) };
        if workflow_of(&config, &kept).is_none() {
            return Ok(());
        }
        if let Some(documents) = kept.event.documents() {
            self.needs.push(Needs { timer: timer.clone(), config, documents });
            self.kept.insert(timer, kept);
        }
        Ok(())
    }

    /// As the engine takes them.
    pub(crate) fn runs(&self) -> Vec<PausedRun<'_>> {
        self.each()
            .map(|(needs, kept, workflow)| kept.run(&needs.timer, &workflow.graph, &needs.documents))
            .collect()
    }

    /// Who may call something on their behalf.
    pub(crate) fn callers(&self) -> impl Iterator<Item = Caller<'_>> {
        self.each().map(|(needs, kept, workflow)| Caller {
            workflow,
            event: &kept.event,
            resumed: Some(Resumed { timer: &needs.timer, trace: &kept.trace }),
        })
    }

    fn each(&self) -> impl Iterator<Item = (&Needs, &Kept, &Workflow)> {
        self.needs.iter().filter_map(|needs| {
            let kept = self.kept.get(&needs.timer)?;
            Some((needs, kept, workflow_of(&needs.config, kept)?))
        })
    }
}

/// The workflow of a run's own revision.
pub(crate) fn workflow_of<'c>(config: &'c Config, kept: &Kept) -> Option<&'c Workflow> {
    let tenant = config.tenant(&kept.event.tenant)?;
    tenant.workflows.iter().find(|workflow| workflow.name == kept.workflow)
}
