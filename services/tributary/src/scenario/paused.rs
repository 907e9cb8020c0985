//! Runs that wait, in memory.

use std::collections::HashMap;

use tributary_engine::NodeState;
use tributary_model::{ProfileId, Time};
use tributary_workflow::paused::Kept;

/// All of them, the oldest first.
#[derive(Debug, Default)]
pub(super) struct PausedRuns(Vec<Waiting>);

/// One run that waits.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) timer: String,
    pub(super) due: Time,
    pub(super) run: Kept,
    profile: ProfileId,
    awaits: Vec<String>,
}

impl PausedRuns {
    /// A run pauses.
    pub(super) fn pause(
        &mut self,
        timer: String,
        profile: ProfileId,
        due: Time,
        awaits: Vec<String>,
        fields: Vec<(&'static str, Vec<u8>)>,
    ) {
        let fields: HashMap<String, Vec<u8>> =
            fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let run = Kept::from_fields(&fields).expect("the workflow stage keeps what it can read");
        self.take(&timer);
        self.0.push(Waiting { timer, due, run, profile, awaits });
    }

    /// It goes on, or has ended.
    pub(super) fn take(&mut self, timer: &str) -> Option<Waiting> {
        let index = self.0.iter().position(|waiting| waiting.timer == timer)?;
        Some(self.0.remove(index))
    }

    /// How many runs of the profile wait.
    pub(super) fn count(&self, profile: &ProfileId) -> usize {
        self.0.iter().filter(|waiting| waiting.profile == *profile).count()
    }

    /// Those that may go on by an event of this type, the oldest first.
    pub(super) fn awaiting(&self, profile: &ProfileId, event_type: &str) -> Vec<Waiting> {
        let waits = |waiting: &&Waiting| {
            waiting.profile == *profile && waiting.awaits.iter().any(|one| one == event_type)
        };
        self.0.iter().filter(waits).cloned().collect()
    }

    /// What they wait at, in words: where something was expected of a run that has not come so far, that is why.
    pub(super) fn told(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|waiting| {
            let Kept { workflow, state, .. } = &waiting.run;
            let waits = |state: &NodeState| matches!(state, NodeState::Waiting(_));
            let nodes = state.nodes.iter().filter(|(_, state)| waits(state)).map(|(node, _)| node.as_str());
            let nodes = nodes.collect::<Vec<_>>().join(" and ");
            format!("workflow {workflow}: still paused at {nodes} until {}", waiting.due)
        })
    }

    /// When the first one goes on by itself.
    pub(super) fn first_due(&self) -> Option<Time> {
        self.0.iter().map(|waiting| waiting.due).min()
    }

    /// Takes the one that goes on first.
    pub(super) fn take_first(&mut self) -> Option<Waiting> {
        let first = self.0.iter().min_by_key(|waiting| waiting.due)?.timer.clone();
        self.take(&first)
    }
}
