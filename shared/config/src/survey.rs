//! What a mapping or a workflow evaluates, writes, makes and names: all that the checks between documents go by. Kinds of
//! nodes say it of themselves.

mod formula;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;
use tributary_expressions::{Condition, Expression, Template};
use tributary_model::{IntentOp, Path};

use crate::at::At;
use crate::change::{ChangeRule, ChangeValue};
use crate::documents::workflow::operand::{Operand, Operands};
use crate::error::{Origin, Place};
use crate::names::Events;
use crate::sources::Sources;

pub(crate) use formula::{Formula, Guard, Text};

/// What more conditions than these decide about is not judged by examples: each would be evaluated for it on every one.
pub(crate) const MAX_GUARDS: usize = 64;

/// What one document says, node by node.
pub(crate) struct Survey<'d> {
    /// The document.
    pub(crate) origin: &'d Origin,
    /// What is evaluated.
    pub(crate) formulas: Vec<Formula<'d>>,
    /// What is written.
    pub(crate) writes: Vec<Write<'d>>,
    /// The types of the events that are made.
    pub(crate) emits: Vec<&'d At<String>>,
    /// The destinations that something is sent to.
    pub(crate) destinations: Vec<&'d At<String>>,
    /// The types of the events that are waited for, or looked for in the past.
    pub(crate) awaited: Vec<&'d At<String>>,
    /// The operands that stand for themselves, by what each is called where it is written.
    pub(crate) literals: Vec<(String, Place, &'d Value)>,
    pub(crate) guards: Vec<Guard<'d>>,
    /// Whether `guards` are all that there are.
    pub(crate) judged: bool,
    /// What must have come out how where the node was left by a port.
    pub(crate) leads: BTreeMap<String, Vec<Guard<'d>>>,
    events: Cow<'d, Events>,
    sources: &'d Sources,
}

/// Something that is written.
#[derive(Clone, Copy)]
pub(crate) struct Write<'d> {
    pub(crate) path: &'d Path,
    pub(crate) place: Place,
    pub(crate) how: How<'d>,
}

/// How a path is written.
#[derive(Clone, Copy)]
pub(crate) enum How<'d> {
    /// By a change as mappings have them.
    Rule(&'d ChangeRule),
    /// By this operation.
    Op(IntentOp),
    /// What fits the path's kind: an element is added to a set or a list.
    Add,
    /// Everything is removed, as the path's kind does that.
    Remove,
}

impl<'d> Survey<'d> {
    /// Of a document that is about these events.
    pub(crate) fn new(origin: &'d Origin, events: &'d Events, sources: &'d Sources) -> Survey<'d> {
        Survey {
            origin,
            formulas: Vec::new(),
            writes: Vec::new(),
            emits: Vec::new(),
            destinations: Vec::new(),
            awaited: Vec::new(),
            literals: Vec::new(),
            guards: Vec::new(),
            judged: true,
            leads: BTreeMap::new(),
            events: Cow::Borrowed(events),
            sources,
        }
    }

    /// A condition, by what it is called where it is written.
    pub(crate) fn condition(&mut self, what: &str, condition: &'d At<Condition>) {
        self.add(what, condition.place, Text::Condition(&condition.value));
    }

    /// An expression.
    pub(crate) fn expression(&mut self, what: &str, expression: &'d At<Expression>) {
        self.add(what, expression.place, Text::Expression(&expression.value));
    }

    /// A template.
    pub(crate) fn template(&mut self, what: &str, template: &'d At<Template>) {
        self.add(what, template.place, Text::Template(&template.value));
    }

    /// An operand.
    pub(crate) fn operand(&mut self, what: &str, operand: &'d At<Operand>) {
        match &operand.value {
            Operand::Literal(value) => self.literals.push((what.to_string(), operand.place, value)),
            Operand::Computed(expression) => {
                self.add(&format!("{what}: expr"), operand.place, Text::Expression(expression));
            }
            Operand::Filled(template) => {
                self.add(&format!("{what}: template"), operand.place, Text::Template(template));
            }
        }
    }

    /// Operands by name.
    pub(crate) fn operands(&mut self, operands: &'d Operands) {
        for (name, operand) in &operands.0 {
            self.operand(name, operand);
        }
    }

    /// Changes as mappings have them: what they evaluate and what they write.
    pub(crate) fn rules(&mut self, rules: &'d [ChangeRule]) {
        for rule in rules {
            self.writes.push(Write { path: &rule.path, place: rule.place, how: How::Rule(rule) });
            let before = self.guards.len();
            if let Some(when) = &rule.when {
                self.add("when", rule.when_place, Text::Condition(when));
                self.guards.push((when, true));
            }
            let what = match &rule.value {
                ChangeValue::None | ChangeValue::Literal(_) => None,
                ChangeValue::From(_) => Some("from"),
                ChangeValue::Each(_) => Some("each"),
                ChangeValue::Filled(_) => Some("template"),
                ChangeValue::Computed(_) => Some("expr"),
            };
            if let Some(what) = what {
                self.add(what, rule.value_place, Text::Operand(rule));
            }
            self.guards.truncate(before);
        }
    }

    /// A path of the profile that is read.
    pub(crate) fn reads(&mut self, path: &'d At<Path>) {
        self.add(path.value.as_str(), path.place, Text::Path(&path.value));
    }

    /// A path that is written in a way of the node's own.
    pub(crate) fn writes(&mut self, path: &'d At<Path>, how: How<'d>) {
        self.writes.push(Write { path: &path.value, place: path.place, how });
    }

    /// An event of this type is made.
    pub(crate) fn emits(&mut self, event_type: &'d At<String>) {
        self.emits.push(event_type);
    }

    /// Something is sent to this destination.
    pub(crate) fn destination(&mut self, name: &'d At<String>) {
        self.destinations.push(name);
    }

    /// An event of this type is waited for, or looked for in the past.
    pub(crate) fn waits_for(&mut self, event_type: &'d At<String>) {
        self.awaited.push(event_type);
    }

    /// A condition over other events than the workflow's own: those of these types, of all when there are none.
    pub(crate) fn condition_of(&mut self, what: &str, condition: &'d At<Condition>, types: &[At<String>]) {
        self.of_events(types, |survey| survey.condition(what, condition));
    }

    /// An expression over other events than the workflow's own, likewise.
    pub(crate) fn expression_of(&mut self, what: &str, expression: &'d At<Expression>, types: &[At<String>]) {
        self.of_events(types, |survey| survey.expression(what, expression));
    }

    /// What `survey` tells is evaluated for other events than the workflow's own, likewise.
    pub(crate) fn of_events(&mut self, types: &[At<String>], survey: impl FnOnce(&mut Self)) {
        static EVERY: Sources = Sources::every();
        let events = match types {
            [] => Events::Any,
            types => Events::Types(types.iter().map(|event_type| event_type.value.clone()).collect()),
        };
        let own = std::mem::replace(&mut self.events, Cow::Owned(events));
        let sources = std::mem::replace(&mut self.sources, &EVERY);
        let (guards, judged) = (std::mem::take(&mut self.guards), std::mem::replace(&mut self.judged, true));
        survey(self);
        (self.events, self.sources, self.guards, self.judged) = (own, sources, guards, judged);
    }

    /// What `survey` tells is evaluated only where the condition came out so.
    pub(crate) fn guarded(&mut self, guard: Guard<'d>, survey: impl FnOnce(&mut Self)) {
        self.guards.push(guard);
        survey(self);
        self.guards.pop();
    }

    /// By `port` the node is left only where these came out so.
    pub(crate) fn leads(&mut self, port: &str, guards: impl IntoIterator<Item = Guard<'d>>) {
        self.leads.entry(port.to_string()).or_default().extend(guards);
    }

    pub(crate) fn add(&mut self, what: &str, place: Place, text: Text<'d>) {
        let judged = self.judged && self.guards.len() <= MAX_GUARDS;
        let (origin, events, sources) = (self.origin, self.events.clone(), self.sources);
        let guards = if judged { self.guards.clone() } else { Vec::new() };
        let what = what.to_string();
        self.formulas.push(Formula { origin, place, what, events, sources, guards, judged, text });
    }
}
