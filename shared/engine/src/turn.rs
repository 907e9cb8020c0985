//! A node's turn: what it can see, and what it can do.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tributary_expressions::{Condition, EvaluationError, Expression, ReadPath, Scope, Template, Verdict};
use tributary_model::{Intent, Kinds, ProfileId, State, Time, derived_event_id};

use crate::advance::Effect;
use crate::board::{Author, Board, NotMade};
use crate::event::EventView;
use crate::memory::Memory;
use crate::record::{Delivery, Emit, NodeRecord};
use crate::shown::Shown;
use crate::state::Counts;
use crate::values;

/// What a condition came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It holds.
    Yes,
    /// It does not; also when a path is missing, which is recorded.
    No,
    /// It cannot be decided, for this reason.
    Undecided(String),
}

/// One node, at one place of one run.
pub struct Turn<'t, 'a> {
    pub(crate) board: &'t mut Board<'a>,
    pub(crate) author: &'t Author,
    /// The event that the run is for, not one that it waited for.
    pub(crate) event: EventView<'t>,
    pub(crate) shown: &'t mut Shown<'a>,
    pub(crate) memory: &'t mut Memory,
    pub(crate) counts: &'t mut Counts,
    pub(crate) effects: &'t mut Vec<Effect>,
    pub(crate) record: &'t mut NodeRecord,
    /// A limit that was passed: the run fails after this turn, whatever the node says.
    pub(crate) broken: Option<String>,
}

impl<'t> Turn<'t, '_> {
    /// What expressions see: `event`, `profile` with everything changed so far, `session`, `memory`, `now`.
    #[must_use]
    pub fn scope(&mut self) -> &Scope {
        self.shown.scope(self.board, self.memory)
    }

    /// The event that the run is for.
    #[must_use]
    pub fn event(&self) -> EventView<'t> {
        self.event
    }

    /// The kinds of the profile's paths.
    #[must_use]
    pub fn kinds(&self) -> &Kinds {
        self.board.ground.kinds
    }

    /// The profile, with everything changed so far.
    #[must_use]
    pub fn profile(&self) -> &State {
        self.board.profile()
    }

    /// Whose profile it is.
    #[must_use]
    pub fn profile_id(&self) -> &ProfileId {
        self.board.ground.profile_id
    }

    /// The moment of this turn.
    #[must_use]
    pub fn now(&self) -> Time {
        self.board.ground.now
    }

    /// The workflow's name.
    #[must_use]
    pub fn workflow(&self) -> &str {
        &self.author.workflow
    }

    /// The node's name.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.record.node
    }

    /// The time of what this turn changes and makes.
    #[must_use]
    pub fn time(&self) -> Time {
        self.author.time
    }

    /// A number from 0 to 1, without 1: the same for this workflow, node and profile, always.
    #[must_use]
    pub fn share(&self) -> f64 {
        let mut hash = Sha256::new();
        for part in [self.workflow(), self.node(), self.profile_id().as_str()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut head = [0; 8];
        head.copy_from_slice(&hash.finalize()[..8]);
        // As many bits as a double holds exactly.
        (u64::from_be_bytes(head) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Decides a condition, and records what is missing and what it saw.
    pub fn decide(&mut self, condition: &Condition) -> Decision {
        let verdict = condition.evaluate(self.scope());
        self.looked_at(condition.reads());
        match verdict {
            Verdict::True => Decision::Yes,
            Verdict::False => Decision::No,
            Verdict::Missing { what } => {
                self.missing(what);
                Decision::No
            }
            Verdict::Failed { reason } => Decision::Undecided(reason),
        }
    }

    /// Computes a value, and records what is missing and what it saw.
    ///
    /// # Errors
    /// As [`Expression::evaluate`] says.
    pub fn compute(&mut self, expression: &Expression) -> Result<Value, EvaluationError> {
        let value = expression.evaluate(self.scope());
        self.looked_at(expression.reads());
        value.inspect_err(|error| self.note_missing(error))
    }

    /// Fills a template, and records what is missing and what it saw.
    ///
    /// # Errors
    /// As [`Template::render`] says.
    pub fn fill(&mut self, template: &Template) -> Result<String, EvaluationError> {
        let text = template.render(self.scope());
        self.looked_at(template.reads());
        text.inspect_err(|error| self.note_missing(error))
    }

    /// What `look` finds of each of these, shown as `event` in place of the run's own. Nothing of it is recorded.
    pub fn over<R>(&mut self, events: impl IntoIterator<Item = Value>, look: impl Fn(&Scope) -> R) -> Vec<R> {
        self.shown.over(self.board, self.memory, events, look)
    }

    /// Records that a path is missing.
    pub fn missing(&mut self, path: impl Into<String>) {
        self.record.missing.push(path.into());
    }

    /// Records what could not be done: names paths and types, never values.
    pub fn refuse(&mut self, told: impl Into<String>) {
        self.record.refused.push(told.into());
    }

    /// Records why the node is left as it is.
    pub fn explain(&mut self, why: impl Into<String>) {
        self.record.why = Some(why.into());
    }

    /// Records a value that was looked at, where details are asked for.
    pub fn saw(&mut self, name: impl Into<String>, value: Value) {
        if self.board.ground.details {
            self.record.saw.insert(name.into(), values::shown(&value));
        }
    }

    /// Changes the profile at once: what is evaluated next sees it. `false`, and recorded, where the change is not admitted.
    pub fn change(&mut self, intent: Intent) -> bool {
        if let Some(fault) = intent.value.as_ref().and_then(values::unkept) {
            self.refuse(format!("`{}`: {fault}", intent.path));
            return false;
        }
        match self.board.change(intent, self.author) {
            Ok(changes) => {
                self.record.changes += changes.len();
                self.effects.extend(changes.into_iter().map(Effect::Change));
                true
            }
            Err(NotMade::Refused(refusal)) => {
                self.refuse(refusal.to_string());
                false
            }
            Err(NotMade::Limit(limit)) => {
                self.break_off(limit);
                false
            }
        }
    }

    /// Makes an event. Several of one node have ids of their own, by their order. A property that no event may have is left out
    /// and recorded; `false` says that one was.
    pub fn emit(&mut self, event_type: &str, mut properties: Map<String, Value>) -> bool {
        if let Err(limit) = self.board.emit() {
            self.break_off(limit);
            return false;
        }
        let mut bytes = 0;
        let all = self.keep_fit(&mut properties, ("property ", event_type), |name, value| {
            let with = bytes + values::encoded_bytes(name, value);
            let fault = values::fault_of_property(value).or_else(|| values::too_many_bytes(with));
            bytes = if fault.is_none() { with } else { bytes };
            fault
        });
        let (item, nth) = (self.record.item.to_string(), self.counts.emits.to_string());
        let event = self.author.event().as_str();
        let id = derived_event_id(&["emit", event, self.workflow(), self.node(), &item, &nth]);
        self.counts.emits += 1;
        let (event_type, time) = (event_type.to_owned(), self.author.time);
        self.effects.push(Effect::Emit(Emit { id, event_type, time, properties }));
        all
    }

    /// Adds to what is answered to the event; what is said under the same name before is replaced. What no reader takes is left
    /// out and recorded; `false` says that something was.
    pub fn respond(&mut self, mut content: Map<String, Value>) -> bool {
        let all = self.keep_fit(&mut content, ("", "the response"), |_, value| values::fault(value));
        match self.board.respond(&content) {
            Ok(()) => self.effects.push(Effect::Respond(content)),
            Err(limit) => self.break_off(limit),
        }
        all
    }

    /// Sends something to a destination. What no reader takes is left out and recorded; `false` says that something was.
    pub fn deliver(&mut self, destination: &str, mut body: Map<String, Value>) -> bool {
        let all = self.keep_fit(&mut body, ("", "the body"), |_, value| values::fault(value));
        if let Err(limit) = self.board.deliver(&body) {
            self.break_off(limit);
            return false;
        }
        let key = key(self.author, self.record, self.counts.deliveries);
        self.counts.deliveries += 1;
        let destination = destination.to_owned();
        self.effects.push(Effect::Deliver(Delivery { key, destination, body }));
        all
    }

    /// Remembers what the node has found out, as `memory.<node>`; what it remembered before is replaced.
    ///
    /// # Errors
    /// It is too much or too deep to be kept, and nothing is remembered: why, to be told as the node's error.
    pub fn remember(&mut self, value: Value) -> Result<(), String> {
        let output = self.board.ground.details.then(|| values::shown(&value));
        self.memory.set(&self.record.node, value)?;
        self.record.output = output.or(self.record.output.take());
        Ok(())
    }

    /// What the node has remembered in this run.
    #[must_use]
    pub fn remembered(&self) -> Option<&Value> {
        self.memory.get(self.node())
    }

    fn looked_at(&mut self, reads: &[ReadPath]) {
        if !self.board.ground.details {
            return;
        }
        let scope = self.shown.scope(self.board, self.memory);
        for read in reads {
            if let Some(value) = scope.lookup(&read.parts) {
                self.record.saw.insert(read.parts.join("."), values::shown(value));
            }
        }
    }

    /// Takes out the fields in which there is a fault, and records it. `of` is what is said before their names and what they
    /// are the parts of. `false` says that one was.
    fn keep_fit(
        &mut self,
        fields: &mut Map<String, Value>,
        (before, of): (&str, &str),
        mut fault: impl FnMut(&str, &Value) -> Option<String>,
    ) -> bool {
        let all = fields.len();
        fields.retain(|name, value| {
            let fault = fault(name, value);
            self.record.refused.extend(fault.iter().map(|fault| format!("{before}{name} of {of}: {fault}")));
            fault.is_none()
        });
        fields.len() == all
    }

    fn note_missing(&mut self, error: &EvaluationError) {
        if let EvaluationError::Missing { what } = error {
            self.missing(what.as_str());
        }
    }

    /// The first limit is the one that is told.
    fn break_off(&mut self, limit: String) {
        self.broken.get_or_insert(limit);
    }
}

/// Names what a node asks or sends, the same whenever this is run again: `<event id>/<workflow>/<node>`, `/<item>` in a for-each
/// and, for a node that does it more than once, `#<number>`.
pub(crate) fn key(author: &Author, record: &NodeRecord, before: u32) -> String {
    let mut key = format!("{}/{}/{}", author.event(), author.workflow, record.node);
    if record.item > 0 {
        key.push_str(&format!("/{}", record.item));
    }
    if before > 0 {
        key.push_str(&format!("#{}", before + 1));
    }
    key
}
