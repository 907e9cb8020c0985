//! What the runs of one event share: the profile as it has become, and how much was made so far.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use tributary_model::{
    Admission, Cause, Change, EventId, Intent, Kinds, Limits, ProfileId, Refusal, State, Time, admit,
};

use crate::bytes::json_bytes;
use crate::limits::{MAX_CHANGES, MAX_DELIVERIES, MAX_DELIVERY_BYTES, MAX_EMITS, MAX_RESPONSE_BYTES};

/// What is known when an event, or a timer, is handled.
#[derive(Debug, Clone)]
pub struct Ground<'a> {
    /// The kinds of the profile's paths.
    pub kinds: &'a Kinds,
    /// Whose events these are.
    pub profile_id: &'a ProfileId,
    /// The profile, with the changes that preprocessing made of this event.
    pub profile: State,
    /// The session of the event that is handled, likewise; empty when it has none.
    pub session: State,
    /// What is seen as `now`, what decides whether a flag has expired, and from when pauses count.
    pub now: Time,
    /// Whether records hold what nodes saw and remembered.
    pub details: bool,
}

/// The profile under the hands of runs. A run changes it and is kept, or is undone.
#[derive(Debug, Clone)]
pub(crate) struct Board<'a> {
    /// What was known at first.
    pub(crate) ground: Ground<'a>,
    /// The profile with everything that was changed since; none until something is.
    changed: Option<State>,
    /// Counts what happens to the profile, for whoever shows it.
    version: u64,
    /// Of the runs that are complete.
    kept: Made,
    /// Of the run under way.
    made: Made,
}

/// How much runs made, and what they answer.
#[derive(Debug, Clone, Default, PartialEq)]
struct Made {
    changes: usize,
    /// Of these changes, the ones that are committed under the event's own key.
    of_event: usize,
    emits: usize,
    deliveries: usize,
    response: Map<String, Value>,
}

/// Who changes: the ids of what a run makes follow from it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Author {
    /// The event that the run is for, and this stage.
    pub(crate) cause: Cause,
    /// [`EVENT_KEY`] for what is committed with the run's own event; after a pause `<workflow>.<number of the pause>`.
    pub(crate) commit_key: String,
    /// The time of its changes.
    pub(crate) time: Time,
    pub(crate) workflow: String,
}

/// The commit key of an event: its runs share it, and number their changes on.
pub(crate) const EVENT_KEY: &str = "0";

/// Why a change is not made.
pub(crate) enum NotMade {
    /// The profile does not take it.
    Refused(Refusal),
    /// A limit: the run fails.
    Limit(String),
}

impl Author {
    pub(crate) fn event(&self) -> &EventId {
        &self.cause.event
    }

    fn is_event(&self) -> bool {
        self.commit_key == EVENT_KEY
    }
}

impl<'a> Board<'a> {
    pub(crate) fn new(ground: Ground<'a>) -> Board<'a> {
        Board { ground, changed: None, version: 0, kept: Made::default(), made: Made::default() }
    }

    /// The profile as it has become.
    pub(crate) fn profile(&self) -> &State {
        self.changed.as_ref().unwrap_or(&self.ground.profile)
    }

    /// The profile as expressions see it.
    pub(crate) fn profile_document(&self) -> Value {
        self.document(self.profile())
    }

    /// The session as expressions see it.
    pub(crate) fn session_document(&self) -> Value {
        self.document(&self.ground.session)
    }

    /// Another one whenever the profile is.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Changes the profile, at once: an increment after a reset counts from the reset.
    pub(crate) fn change(&mut self, intent: Intent, author: &Author) -> Result<Vec<Change>, NotMade> {
        let so_far = self.kept.changes + self.made.changes;
        let too_many = || {
            let told = "the workflows of one event can make";
            NotMade::Limit(format!("{told} {MAX_CHANGES} changes, and this would be one more"))
        };
        let before = if author.is_event() { self.kept.of_event } else { 0 };
        let admission = Admission {
            kinds: self.ground.kinds,
            state: self.profile(),
            cause: &author.cause,
            commit_key: &author.commit_key,
            time: author.time,
            first_ordinal: u16::try_from(before + self.made.changes).map_err(|_| too_many())?,
            limits: &Limits::default(),
        };
        let changes = admit(&[intent], &admission).map_err(NotMade::Refused)?;
        if so_far + changes.len() > MAX_CHANGES {
            return Err(too_many());
        }
        if !changes.is_empty() {
            let profile = self.changed.get_or_insert_with(|| self.ground.profile.clone());
            changes.iter().for_each(|change| profile.apply(change));
            self.version += 1;
            self.made.changes += changes.len();
            self.made.of_event += if author.is_event() { changes.len() } else { 0 };
        }
        Ok(changes)
    }

    /// Counts an event that is made.
    pub(crate) fn emit(&mut self) -> Result<(), String> {
        if self.kept.emits + self.made.emits >= MAX_EMITS {
            let told = "the workflows of one event can make";
            return Err(format!("{told} {MAX_EMITS} events, and this would be one more"));
        }
        self.made.emits += 1;
        Ok(())
    }

    /// Counts something that is sent.
    pub(crate) fn deliver(&mut self, body: &Map<String, Value>) -> Result<(), String> {
        if self.kept.deliveries + self.made.deliveries >= MAX_DELIVERIES {
            let told = "the workflows of one event can send";
            return Err(format!("{told} {MAX_DELIVERIES} deliveries, and this would be one more"));
        }
        if json_bytes(body) > MAX_DELIVERY_BYTES {
            return Err(format!(
                "a delivery's body has at most {MAX_DELIVERY_BYTES} bytes, and this one has more"
            ));
        }
        self.made.deliveries += 1;
        Ok(())
    }

    /// Adds to what is answered.
    pub(crate) fn respond(&mut self, content: &Map<String, Value>) -> Result<(), String> {
        self.made.response.extend(content.iter().map(|(name, value)| (name.clone(), value.clone())));
        let kept = self.kept.response.iter().filter(|(name, _)| !self.made.response.contains_key(*name));
        let all: BTreeMap<&String, &Value> = kept.chain(&self.made.response).collect();
        if json_bytes(&all) > MAX_RESPONSE_BYTES {
            let told = "what is answered to one event has at most";
            return Err(format!("{told} {MAX_RESPONSE_BYTES} bytes, and this would be more"));
        }
        Ok(())
    }

    /// Keeps what the run under way made. What it answers is given back.
    pub(crate) fn keep(&mut self) -> Map<String, Value> {
        let made = std::mem::take(&mut self.made);
        self.kept.changes += made.changes;
        self.kept.of_event += made.of_event;
        self.kept.emits += made.emits;
        self.kept.deliveries += made.deliveries;
        self.kept.response.extend(made.response.clone());
        made.response
    }

    /// Takes back what the run under way made, so that later ones do not build on it. `kept` are the changes of those before it.
    pub(crate) fn undo<'c>(&mut self, kept: impl Iterator<Item = &'c Change>) {
        if self.made.changes > 0 {
            let mut profile = None;
            for change in kept {
                profile.get_or_insert_with(|| self.ground.profile.clone()).apply(change);
            }
            self.changed = profile;
            self.version += 1;
        }
        self.made = Made::default();
    }

    /// What all runs that were kept answer.
    pub(crate) fn response(&self) -> &Map<String, Value> {
        &self.kept.response
    }

    fn document(&self, state: &State) -> Value {
        Value::Object(state.view_as(self.ground.kinds, self.ground.now).document())
    }
}
