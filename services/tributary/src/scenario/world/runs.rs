//! Workflows, as the owner of a partition runs them (docs/protocol.md §6): here everything is answered at once.

use std::collections::BTreeMap;

use tributary_config::Tenant;
use tributary_engine::{Answer, Call, Finished, Ground, Handling, PausedRun, Proceeding, Wanted};
use tributary_model::ProfileId;
use tributary_preprocess::slots::Slots as _;
use tributary_streams::{Awaited, Reading};
use tributary_workflow::{
    effects::{self, Circumstances, Place},
    paused::Kept,
    settings::KeepRuns,
    subject::{Documents, Subject},
};

use super::{LIMITS, MOST_EVENTS, World, at_once};
use crate::scenario::{answering, paused::Waiting, slot::Stored};

impl World<'_> {
    /// An event that was appended: the runs that waited for it, then those that it triggers.
    pub(super) fn handle(&mut self, stored: &Stored) {
        let event =
            Subject::decode(&stored.data).expect("preprocess writes what the workflow stage can read");
        self.events_made += 1;
        self.happened.stored(&event.message);
        self.past.add(&event.profile, &event.message);
        let (Some(known), Some(documents)) = (self.read(&event), event.documents()) else { return };
        let waiting = match event.resumes() {
            true => self.paused.awaiting(&event.profile, &event.message.r#type),
            false => Vec::new(),
        };
        let kept: Vec<(&Waiting, Documents)> =
            waiting.iter().filter_map(|waiting| Some((waiting, waiting.run.event.documents()?))).collect();
        let tenant = self.tenant;
        let runs =
            kept.iter().filter_map(|(waiting, documents)| as_kept(tenant, waiting, documents)).collect();
        let paused = self.paused.count(&event.profile);
        let mut handling = event.begin(&documents, tenant, &known, runs, paused, self.now, true);
        let finished = self.finish(&mut handling, &event.profile, Some(event.id.as_str()));
        if event.message.derivation.is_none() {
            self.happened.responded(finished.response.clone());
        }
        let kept = waiting.into_iter().map(|waiting| (waiting.timer, waiting.run)).collect();
        let place = Place {
            entry: stored.entry,
            awaited: Awaited::No,
            // What happened is told by the runs themselves.
            keep_runs: KeepRuns::Awaited,
            life: LIMITS.dedup_window,
        };
        let effects = effects::of_event(&event, place, &finished, &self.around(&kept));
        self.commit(effects);
    }

    /// The paused run whose time has come first goes on.
    pub(super) fn resume(&mut self) {
        let Some(waiting) = self.paused.take_first() else { return };
        if self.events_made >= MOST_EVENTS {
            return self.gave_up(&format!("a run of workflow {}", waiting.run.workflow));
        }
        self.events_made += 1;
        let event = &waiting.run.event;
        let (Some(known), Some(documents)) = (self.read(event), event.documents()) else { return };
        let Some(run) = as_kept(self.tenant, &waiting, &documents) else { return };
        let ground = Ground {
            kinds: &self.tenant.kinds,
            profile_id: &event.profile,
            profile: known.profile.state.clone(),
            session: known.session.total(),
            now: self.now,
            details: false,
        };
        // It is not among those that wait any more, and is for the engine.
        let paused = self.paused.count(&event.profile) + 1;
        let mut handling = Handling::of_timer(ground, run, paused);
        let finished = self.finish(&mut handling, &event.profile, None);
        let kept = BTreeMap::from([(waiting.timer.clone(), waiting.run.clone())]);
        let effects = effects::of_timer(&waiting.run, &finished, &self.around(&kept));
        self.commit(effects);
    }

    /// Answers everything that the runs ask for, until they are through.
    fn finish(&mut self, handling: &mut Handling<'_>, profile: &ProfileId, event: Option<&str>) -> Finished {
        loop {
            match handling.proceed() {
                Proceeding::Finished(finished) => {
                    self.happened.runs(&finished.runs);
                    self.happened.not_triggered(&finished.not_triggered);
                    return finished;
                }
                Proceeding::Calls { wanted: calls, .. } => {
                    let answers = calls
                        .into_iter()
                        .map(|wanted| (wanted.node.clone(), self.answer(&wanted, profile, event)));
                    let answers = answers.collect();
                    handling.answer(answers, self.now);
                }
            }
        }
    }

    fn answer(&mut self, wanted: &Wanted, profile: &ProfileId, event: Option<&str>) -> Answer {
        if let Call::History(query) = &wanted.call {
            return match event {
                Some(event) => self.past.answer_up_to(profile, event, query),
                None => self.past.answer(profile, query),
            };
        }
        let node = answering::caller(wanted);
        self.happened.calls.push(answering::told(&node, &wanted.call));
        match self.answering.next(&node) {
            Some(answer) => answering::answer(&wanted.call, answer),
            None => {
                self.happened.unanswered(&node);
                answering::not_called(&wanted.call)
            }
        }
    }

    fn read(&self, event: &Subject) -> Option<Reading> {
        let slots = &self.processor.slots;
        at_once(slots.read(&event.tenant, &event.profile, event.session.as_ref())).ok()
    }

    fn around<'k>(&'k self, kept: &'k BTreeMap<String, Kept>) -> Circumstances<'k> {
        Circumstances {
            revision: &self.config.revision,
            kept,
            took: &self.took,
            trace: &self.trace,
            now: self.now,
        }
    }
}

/// The run as the engine takes it. There is one configuration, so its own revision is this one.
fn as_kept<'r>(tenant: &'r Tenant, waiting: &'r Waiting, documents: &'r Documents) -> Option<PausedRun<'r>> {
    let workflow = tenant.workflows.iter().find(|one| one.name == waiting.run.workflow)?;
    Some(waiting.run.run(&waiting.timer, &workflow.graph, documents))
}
