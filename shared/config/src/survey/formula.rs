//! Something that is evaluated for events, with its place and what decides about it.

use std::borrow::Cow;

use tributary_expressions::{Condition, Expression, ReadPath, Template};
use tributary_model::Path;

use crate::change::{ChangeRule, ChangeValue};
use crate::error::{Origin, Place};
use crate::names::Events;
use crate::sources::Sources;

/// Something that is evaluated for events of some types and sources.
#[derive(Clone)]
pub(crate) struct Formula<'d> {
    pub(crate) origin: &'d Origin,
    pub(crate) place: Place,
    /// What it is called where it is written, such as `when`.
    pub(crate) what: String,
    pub(crate) events: Cow<'d, Events>,
    pub(crate) sources: &'d Sources,
    /// It is evaluated only where these came out so.
    pub(crate) guards: Vec<Guard<'d>>,
    /// Whether examples say something about it.
    pub(crate) judged: bool,
    pub(crate) text: Text<'d>,
}

/// A condition, and how it must have come out.
pub(crate) type Guard<'d> = (&'d Condition, bool);

#[derive(Clone, Copy)]
pub(crate) enum Text<'d> {
    Condition(&'d Condition),
    Expression(&'d Expression),
    Template(&'d Template),
    /// A path of the profile that is looked at as it is.
    Path(&'d Path),
    /// The operand of a change, and what becomes of it.
    Operand(&'d ChangeRule),
}

impl Formula<'_> {
    /// The paths that it reads.
    pub(crate) fn reads(&self) -> Vec<ReadPath> {
        match self.text {
            Text::Condition(condition) => condition.reads().to_vec(),
            Text::Expression(expression) => expression.reads().to_vec(),
            Text::Template(template) => template.reads().to_vec(),
            Text::Path(path) => {
                let parts = std::iter::once("profile").chain(path.parts()).map(str::to_string).collect();
                vec![ReadPath { parts, guarded: true }]
            }
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
