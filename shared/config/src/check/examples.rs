//! Formulas are evaluated on the examples of their events. CEL as it is used here has no types to check before an event
//! comes; an example that is as good as an event stands in for that.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use tributary_expressions::{Condition, EvaluationError, Scope, Verdict, nearest};
use tributary_model::{Kinds, State, Time};

use super::Surveys;
use super::samples::{self, Sample};
use crate::change::{ChangeRule, ChangeValue, Sight};
use crate::documents::Draft;
use crate::documents::schema::{Example, Schema};
use crate::error::{Origin, Problems};
use crate::event_view::EventView;
use crate::names::Events;
use crate::shape::parts;
use crate::survey::{Formula, Text};

/// When samples were made, when examples happen, and when they are looked at, in microseconds.
const BEFORE: i64 = 1_767_225_600_000_000;
const HAPPENED: i64 = BEFORE + 3_600_000_000;
const NOW: i64 = HAPPENED + 1_000_000;

/// The most events that the examples of a tenant may make: a revision is checked wherever it is taken.
const MAX_SCENES: usize = 4096;
/// How much all evaluations of a tenant may take together, in steps of some 100 ns. Counted and not measured: whoever
/// checks a revision must come to the same.
const MAX_WORK: usize = 20_000_000;
/// What one evaluation, one rule of a mapping and one part of a profile cost whatever they hold, in such steps.
const TRIAL: usize = 50;
const RULE: usize = 10;
const PART: usize = 10;
const TOO_MUCH: &str = "too many or too large examples for so many expressions: from this one on they would take too long to \
                        be tried; fewer and smaller examples say as much";
/// How many errors guess what was meant: each guess looks at everything there is.
const MAX_SUGGESTIONS: usize = 32;

/// Tells every formula that fails on an example of its events, or that reads a part of the event which no example has.
pub(super) fn check(
    draft: &Draft,
    surveys: &Surveys<'_>,
    kinds: &Kinds,
    formulas: &[Formula<'_>],
    problems: &mut Problems,
) {
    let scenes = scenes(draft);
    let Some(first) = scenes.first() else { return };
    if scenes.len() > MAX_SCENES {
        let reason = format!(
            "the examples of all schemas, for each of their types and sources, are more than {MAX_SCENES} events: fewer \
             examples say as much"
        );
        return problems.add(first.origin, first.example.place, reason);
    }
    let mut common = Sample::of_kinds(draft, surveys, kinds, Time::from_micros(BEFORE));
    let mut left = Left(MAX_WORK);
    let rules: usize = draft.mappings.iter().map(|(_, mapping)| 1 + mapping.changes.len()).sum();
    let too_much = |scene: &Scene<'_>, problems: &mut Problems| {
        problems.add(scene.origin, scene.example.place, TOO_MUCH);
    };
    for scene in &scenes {
        let taken = common.add(draft, kinds, &scene.event(BEFORE));
        if !left.take(scene.parts() + rules * RULE + taken) {
            return too_much(scene, problems);
        }
    }
    let mut trials: Vec<Trial<'_, '_>> = {
        let told = problems.places();
        let untold = formulas.iter().filter(|formula| {
            let Origin { file, .. } = formula.origin;
            formula.judged
                && !reads_memory(formula)
                && !told.contains(&(&**file, formula.origin.line_of(formula.place), formula.place.column))
        });
        untold.map(Trial::of).collect()
    };
    for scene in &scenes {
        let event = scene.event(HAPPENED);
        let mut sample = common.clone();
        let taken = sample.add(draft, kinds, &event);
        let (profile, session) = sample.documents(kinds, Time::from_micros(NOW));
        let held = scene.parts() + parts(&profile) + parts(&session);
        if !left.take(held * PART + rules * RULE + trials.len() + taken) {
            return too_much(scene, problems);
        }
        let scope = Scope::new(&event.document(), &profile, &session, Time::from_micros(NOW));
        let stage = Stage { scene, event, scope, kinds };
        for trial in trials.iter_mut().filter(|trial| scene.is_for(trial.formula)) {
            let before = stage.scope.steps_taken();
            trial.run(&stage, problems);
            if !left.take(TRIAL + stage.scope.steps_taken() - before) {
                return too_much(scene, problems);
            }
        }
    }
    let mut suggestions = MAX_SUGGESTIONS;
    trials.iter().for_each(|trial| trial.tell_missing(&mut suggestions, problems));
}

/// How much may still be done, in steps of some 100 ns.
struct Left(usize);

impl Left {
    fn take(&mut self, steps: usize) -> bool {
        match self.0.checked_sub(steps) {
            Some(left) => {
                self.0 = left;
                true
            }
            None => false,
        }
    }
}

/// An example as an event of one type from one source.
struct Scene<'d> {
    origin: &'d Origin,
    schema: &'d Schema,
    example: &'d Example,
    /// Its place among the schema's examples, from 1.
    number: usize,
    /// `None` for an example of all types.
    event_type: Option<&'d str>,
    source: &'d str,
}

fn scenes(draft: &Draft) -> Vec<Scene<'_>> {
    let all: Vec<&str> = draft.sources.iter().map(|(_, source)| source.name.as_str()).collect();
    let told_apart = draft.mappings.iter().any(|(_, mapping)| mapping.sources.names().next().is_some())
        || draft.workflows.iter().any(|(_, workflow)| workflow.trigger.sources.names().next().is_some());
    let mut scenes = Vec::new();
    for (origin, schema) in &draft.schemas {
        let meant = all.iter().copied().filter(|source| schema.sources.matches(source));
        let sources: Vec<&str> = meant.take(if told_apart { usize::MAX } else { 1 }).collect();
        let types: Vec<Option<&str>> = match &schema.events {
            Events::Any => vec![None],
            Events::Types(types) => types.iter().map(|event_type| Some(event_type.as_str())).collect(),
        };
        for (index, example) in schema.examples.iter().enumerate() {
            for event_type in &types {
                for source in &sources {
                    if scenes.len() > MAX_SCENES {
                        return scenes;
                    }
                    let (event_type, number) = (*event_type, index + 1);
                    scenes.push(Scene { origin, schema, example, number, event_type, source });
                }
            }
        }
    }
    scenes
}

impl Scene<'_> {
    fn event(&self, micros: i64) -> EventView<'_> {
        let event_type = self.event_type.unwrap_or("example");
        let (properties, context) = (&self.example.properties, &self.example.context);
        samples::event(event_type, self.source, Time::from_micros(micros), properties, context)
    }

    fn parts(&self) -> usize {
        let of = |object: &Map<String, Value>| object.values().map(parts).sum::<usize>();
        of(&self.example.properties) + of(&self.example.context)
    }

    fn named(&self) -> String {
        let (file, line) = (&self.origin.file, self.origin.line_of(self.example.place));
        format!("example {} of Schema {} ({file}:{line})", self.number, self.schema.name)
    }

    /// Whether the formula would be evaluated for such an event. An example of all types says nothing about one of them.
    fn is_for(&self, formula: &Formula<'_>) -> bool {
        let types = match self.event_type {
            Some(event_type) => formula.events.matches(event_type),
            None => *formula.events == Events::Any,
        };
        types && formula.sources.matches(self.source)
    }
}

/// A scene with everything that formulas see.
struct Stage<'s, 'd> {
    scene: &'s Scene<'d>,
    event: EventView<'s>,
    scope: Scope,
    kinds: &'s Kinds,
}

/// What one evaluation came to.
enum Outcome {
    Fine,
    /// A path that is not there.
    Missing(String),
    Failed(String),
}

/// A formula and how it fared on the examples so far.
struct Trial<'f, 'd> {
    formula: &'f Formula<'d>,
    failed: bool,
    tried: usize,
    types: BTreeSet<&'f str>,
    missing: BTreeMap<String, usize>,
    /// Those it was tried on.
    scenes: Vec<&'f Scene<'f>>,
}

impl<'f, 'd> Trial<'f, 'd> {
    fn of(formula: &'f Formula<'d>) -> Self {
        Trial {
            formula,
            failed: false,
            tried: 0,
            types: BTreeSet::new(),
            missing: BTreeMap::new(),
            scenes: Vec::new(),
        }
    }

    fn run(&mut self, stage: &Stage<'f, 'f>, problems: &mut Problems) {
        let guarded_out =
            |(condition, wanted): &(&Condition, bool)| decided(condition, &stage.scope) == Some(!wanted);
        if self.failed {
            return;
        }
        self.types.extend(stage.scene.event_type);
        if self.formula.guards.iter().any(guarded_out) {
            return;
        }
        self.tried += 1;
        self.scenes.push(stage.scene);
        match evaluate(self.formula, stage) {
            Outcome::Fine => {}
            Outcome::Missing(what) => *self.missing.entry(what).or_default() += 1,
            Outcome::Failed(reason) => {
                self.failed = true;
                let reason = format!("{}: on {}: {reason}", self.formula.what, stage.scene.named());
                problems.add(self.formula.origin, self.formula.place, reason);
            }
        }
    }

    /// What every example of every type lacks is misspelt, or the examples say too little.
    fn tell_missing(&self, suggestions: &mut usize, problems: &mut Problems) {
        let Events::Types(types) = &*self.formula.events else { return };
        let every = types.iter().all(|event_type| self.types.contains(event_type.as_str()));
        let has_context = self.scenes.iter().any(|scene| !scene.example.context.is_empty());
        let what = self.missing.iter().find(|(what, count)| {
            let judged = has_context || !what.starts_with("event.context");
            **count == self.tried && what.starts_with("event.") && judged
        });
        let Some((what, _)) = what.filter(|_| every && !self.failed) else { return };
        let meant = if *suggestions > 0 { self.meant(what) } else { String::new() };
        *suggestions = suggestions.saturating_sub(1);
        let types: Vec<&str> = types.iter().map(String::as_str).collect();
        let reason = format!(
            "{}: no example of {} has {what}: give one to its Schema if events can have it{meant}",
            self.formula.what,
            types.join(" or ")
        );
        problems.add(self.formula.origin, self.formula.place, reason);
    }
}

impl Trial<'_, '_> {
    /// Which part of its examples `what` was probably meant to be.
    fn meant(&self, what: &str) -> String {
        let mut known = BTreeSet::new();
        for Example { properties, context, .. } in self.scenes.iter().map(|scene| scene.example) {
            list_paths("event.properties", properties, &mut known);
            list_paths("event.context", context, &mut known);
        }
        let near = nearest(what, known.iter().map(String::as_str));
        near.map_or_else(String::new, |near| format!("; did you mean {near}?"))
    }
}

/// Whether it reads what nodes find out: no example says what that is.
fn reads_memory(formula: &Formula<'_>) -> bool {
    formula.reads().iter().any(|read| read.parts.first().is_some_and(|root| root == "memory"))
}

/// How a condition comes out, when the event alone decides: a sample of a profile decides nothing.
fn decided(condition: &Condition, scope: &Scope) -> Option<bool> {
    let of_event =
        condition.reads().iter().all(|read| read.parts.first().is_some_and(|root| root == "event"));
    match condition.evaluate(scope) {
        _ if !of_event => None,
        Verdict::True => Some(true),
        Verdict::False | Verdict::Missing { .. } => Some(false),
        Verdict::Failed { .. } => None,
    }
}

fn evaluate(formula: &Formula<'_>, stage: &Stage<'_, '_>) -> Outcome {
    match formula.text {
        Text::Condition(condition) => match condition.evaluate(&stage.scope) {
            Verdict::True | Verdict::False => Outcome::Fine,
            Verdict::Missing { what } => Outcome::Missing(what),
            Verdict::Failed { reason } => Outcome::Failed(reason),
        },
        Text::Expression(expression) => outcome(expression.evaluate(&stage.scope)),
        Text::Path(_) => Outcome::Fine,
        Text::Template(template) => outcome(template.render(&stage.scope)),
        Text::Operand(rule) => operand(rule, stage),
    }
}

fn outcome<T>(evaluated: Result<T, EvaluationError>) -> Outcome {
    match evaluated {
        Ok(_) => Outcome::Fine,
        Err(EvaluationError::Missing { what }) => Outcome::Missing(what),
        Err(EvaluationError::Failed { reason }) => Outcome::Failed(reason),
    }
}

fn operand(rule: &ChangeRule, stage: &Stage<'_, '_>) -> Outcome {
    // Its condition is a formula of its own, and a guard of this one.
    let rule = ChangeRule { when: None, ..rule.clone() };
    let made = rule.make(&Sight::with_scope(stage.event, &stage.scope));
    if let Some(failure) = made.failures.into_iter().next() {
        return Outcome::Failed(failure.description);
    }
    if let Some(what) = made.missing.into_iter().next() {
        return Outcome::Missing(what);
    }
    let nothing_there = made.intents.is_empty() && rule.default.is_none();
    if let ChangeValue::From(paths) | ChangeValue::Each(paths) = &rule.value
        && nothing_there
        && paths.iter().all(|path| path.read(&stage.event).is_none())
        && let Some(first) = paths.first()
    {
        return Outcome::Missing(format!("event.{}", first.parts().collect::<Vec<_>>().join(".")));
    }
    let time = Time::from_micros(HAPPENED);
    for intent in made.intents {
        if let Err(refusal) = samples::admitted(intent, &State::default(), stage.kinds, time) {
            return Outcome::Failed(refusal.to_string());
        }
    }
    Outcome::Fine
}

/// The dotted paths of an object's parts, below `prefix`.
fn list_paths(prefix: &str, object: &Map<String, Value>, paths: &mut BTreeSet<String>) {
    for (name, value) in object {
        let path = format!("{prefix}.{name}");
        if let Value::Object(below) = value {
            list_paths(&path, below, paths);
        }
        paths.insert(path);
    }
}
