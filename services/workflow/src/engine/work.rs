//! The steps of one run.

use serde_json::{Map, Value};
use tributary_config::{ChangeRule, EmitRule, PropertyValue, Sight, Step};
use tributary_expressions::Verdict;
use tributary_model::{Admission, Change, Intent, Limits, admit, derived_event_id};

use super::record::{Emit, StepRecord};
use super::run::{Desk, MAX_CHANGES, MAX_EMITS};

/// A run under way.
pub(super) struct Work<'d, 'a> {
    desk: &'d mut Desk<'a>,
    workflow: &'d str,
    changes: Vec<Change>,
    emits: Vec<Emit>,
}

/// The event's workflows wanted to make too much.
#[derive(Debug, thiserror::Error)]
pub(super) enum LimitReached {
    #[error("the workflows of one event can make {MAX_CHANGES} changes, and this would be one more")]
    Changes,
    #[error("the workflows of one event can make {MAX_EMITS} events, and this would be one more")]
    Emits,
}

impl<'d, 'a> Work<'d, 'a> {
    pub(super) fn new(desk: &'d mut Desk<'a>, workflow: &'d str) -> Work<'d, 'a> {
        Work { desk, workflow, changes: Vec::new(), emits: Vec::new() }
    }

    /// Takes one step: decides, changes, then makes events, which see the profile with the step's changes.
    pub(super) fn step(
        &mut self,
        index: usize,
        step: &Step,
        record: &mut StepRecord,
    ) -> Result<(), LimitReached> {
        match step.when.as_ref().map(|condition| condition.evaluate(&self.desk.scope)) {
            None | Some(Verdict::True) => record.taken = true,
            Some(Verdict::False) => {}
            Some(Verdict::Missing { what }) => record.missing = Some(what),
            Some(Verdict::Failed { reason }) => {
                // Neither branch: which one is right is exactly what is not known.
                record.refused.push(format!("when: {reason}"));
                return Ok(());
            }
        }
        let before = self.changes.len();
        for rule in if record.taken { &step.then } else { &step.otherwise } {
            self.change(rule, record)?;
        }
        if self.changes.len() > before {
            self.desk.refresh();
        }
        if record.taken {
            for (ordinal, rule) in step.emit.iter().enumerate() {
                self.emit(index, ordinal, rule, record)?;
            }
        }
        Ok(())
    }

    pub(super) fn finish(self) -> (Vec<Change>, Vec<Emit>) {
        (self.changes, self.emits)
    }

    fn change(&mut self, rule: &ChangeRule, record: &mut StepRecord) -> Result<(), LimitReached> {
        let made = rule.make(&Sight::with_scope(self.desk.input.event, &self.desk.scope));
        let missing = made.missing.iter().map(|what| format!("{what} is missing"));
        let left_out = made.failures.into_iter().map(|failure| failure.description).chain(missing);
        record.refused.extend(left_out.map(|told| format!("{} of {}: {told}", rule.op, rule.path)));
        made.intents.into_iter().try_for_each(|intent| self.admit(intent, record))
    }

    fn admit(&mut self, intent: Intent, record: &mut StepRecord) -> Result<(), LimitReached> {
        let made = self.desk.kept().0 + self.changes.len();
        let admission = Admission {
            kinds: self.desk.kinds,
            state: &self.desk.state,
            cause: &self.desk.cause,
            commit_key: "0",
            time: self.desk.input.event.time,
            first_ordinal: u16::try_from(made).map_err(|_| LimitReached::Changes)?,
            limits: &Limits::default(),
        };
        let admitted = match admit(&[intent], &admission) {
            Ok(changes) => changes,
            Err(refusal) => {
                record.refused.push(refusal.to_string());
                return Ok(());
            }
        };
        if made + admitted.len() > MAX_CHANGES {
            return Err(LimitReached::Changes);
        }
        for change in admitted {
            // At once, so that an increment after a reset in the same step counts from the reset.
            self.desk.state.apply(&change);
            self.changes.push(change);
        }
        Ok(())
    }

    fn emit(
        &mut self,
        step: usize,
        ordinal: usize,
        rule: &EmitRule,
        record: &mut StepRecord,
    ) -> Result<(), LimitReached> {
        if self.desk.kept().1 + self.emits.len() >= MAX_EMITS {
            return Err(LimitReached::Emits);
        }
        let (step, ordinal) = (step.to_string(), ordinal.to_string());
        let id =
            derived_event_id(&["emit", self.desk.input.event_id.as_str(), self.workflow, &step, &ordinal]);
        let properties = self.properties(rule, record);
        self.emits.push(Emit { id, event_type: rule.event_type.clone(), properties });
        Ok(())
    }

    fn properties(&self, rule: &EmitRule, record: &mut StepRecord) -> Map<String, Value> {
        let mut properties = Map::new();
        for (name, value) in &rule.properties {
            let value = match value {
                PropertyValue::Literal(value) => value.clone(),
                PropertyValue::Computed(expression) => match expression.evaluate(&self.desk.scope) {
                    Ok(value) => value,
                    Err(error) => {
                        record.refused.push(format!("property {name} of {}: {error}", rule.event_type));
                        continue;
                    }
                },
            };
            properties.insert(name.clone(), value);
        }
        properties
    }
}
