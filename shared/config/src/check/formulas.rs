//! Everything of a tenant's documents that is evaluated for events, with its place and what decides about it.

use tributary_expressions::{Condition, Expression, ReadPath};

use crate::change::{ChangeRule, ChangeValue};
use crate::documents::Draft;
use crate::documents::mapping::Mapping;
use crate::documents::workflow::{PropertyValue, Workflow};
use crate::error::{Origin, Place};
use crate::names::Events;
use crate::sources::Sources;

/// Something that is evaluated for events of some types and sources.
#[derive(Clone)]
pub(super) struct Formula<'d> {
    pub(super) origin: &'d Origin,
    pub(super) place: Place,
    /// What it is called where it is written, such as `when`.
    pub(super) what: String,
    pub(super) events: &'d Events,
    pub(super) sources: &'d Sources,
    /// It is evaluated only where these came out so.
    pub(super) guards: Vec<(&'d Condition, bool)>,
    pub(super) text: Text<'d>,
}

#[derive(Clone, Copy)]
pub(super) enum Text<'d> {
    Condition(&'d Condition),
    Expression(&'d Expression),
    /// The operand of a change, and what becomes of it.
    Operand(&'d ChangeRule),
}

impl Formula<'_> {
    /// The paths that it reads.
    pub(super) fn reads(&self) -> Vec<ReadPath> {
        match self.text {
            Text::Condition(condition) => condition.reads().to_vec(),
            Text::Expression(expression) => expression.reads().to_vec(),
            Text::Operand(rule) => match &rule.value {
                ChangeValue::Computed(expression) => expression.reads().to_vec(),
                ChangeValue::Filled(template) => template.reads().to_vec(),
                ChangeValue::From(paths) | ChangeValue::Each(paths) => {
                    let parts =
                        |path: &crate::SourcePath| path.parts().map(str::to_string).collect::<Vec<_>>();
                    let event = |path| ["event".to_string()].into_iter().chain(parts(path)).collect();
                    paths.iter().map(|path| ReadPath { parts: event(path), guarded: true }).collect()
                }
                ChangeValue::None | ChangeValue::Literal(_) => Vec::new(),
            },
        }
    }
}

/// All formulas of mappings and workflows.
pub(super) fn of(draft: &Draft) -> Vec<Formula<'_>> {
    let mut formulas = Vec::new();
    draft.mappings.iter().for_each(|(origin, mapping)| of_mapping(origin, mapping, &mut formulas));
    draft.workflows.iter().for_each(|(origin, workflow)| of_workflow(origin, workflow, &mut formulas));
    formulas
}

fn of_mapping<'d>(origin: &'d Origin, mapping: &'d Mapping, formulas: &mut Vec<Formula<'d>>) {
    let mut desk =
        Desk { origin, events: &mapping.events, sources: &mapping.sources, guards: Vec::new(), formulas };
    if let Some(when) = &mapping.when {
        desk.condition("when", mapping.when_place, when);
        desk.guards.push((when, true));
    }
    desk.rules(&mapping.changes);
}

fn of_workflow<'d>(origin: &'d Origin, workflow: &'d Workflow, formulas: &mut Vec<Formula<'d>>) {
    let trigger = &workflow.trigger;
    let mut desk =
        Desk { origin, events: &trigger.events, sources: &trigger.sources, guards: Vec::new(), formulas };
    if let Some(condition) = &trigger.condition {
        desk.condition("condition", trigger.condition_place, condition);
        desk.guards.push((condition, true));
    }
    for step in &workflow.steps {
        let before = desk.guards.len();
        if let Some(when) = &step.when {
            desk.condition("when", step.when_place, when);
            desk.guards.push((when, false));
            desk.rules(&step.otherwise);
            desk.guards.truncate(before);
            desk.guards.push((when, true));
        }
        desk.rules(&step.then);
        for rule in &step.emit {
            for (name, value) in &rule.properties {
                if let PropertyValue::Computed(expression) = value {
                    let place = rule.places.get(name).copied().unwrap_or_default();
                    desk.add(format!("{name}: expr"), place, Text::Expression(expression));
                }
            }
        }
        desk.guards.truncate(before);
    }
}

/// Collects the formulas of one document.
struct Desk<'d, 'f> {
    origin: &'d Origin,
    events: &'d Events,
    sources: &'d Sources,
    guards: Vec<(&'d Condition, bool)>,
    formulas: &'f mut Vec<Formula<'d>>,
}

impl<'d> Desk<'d, '_> {
    fn condition(&mut self, what: &str, place: Place, condition: &'d Condition) {
        self.add(what.to_string(), place, Text::Condition(condition));
    }

    fn rules(&mut self, rules: &'d [ChangeRule]) {
        for rule in rules {
            let before = self.guards.len();
            if let Some(when) = &rule.when {
                self.condition("when", rule.when_place, when);
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
                self.add(what.to_string(), rule.value_place, Text::Operand(rule));
            }
            self.guards.truncate(before);
        }
    }

    fn add(&mut self, what: String, place: Place, text: Text<'d>) {
        let (origin, events, sources) = (self.origin, self.events, self.sources);
        self.formulas.push(Formula {
            origin,
            place,
            what,
            events,
            sources,
            guards: self.guards.clone(),
            text,
        });
    }
}
