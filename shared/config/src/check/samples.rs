//! A profile and a session to evaluate expressions on: what the examples of events make of them, and values of the right
//! kind where no example says more.

use serde_json::{Map, Value, json};
use tributary_model::{
    Admission, Cause, Change, EventId, Intent, IntentOp, Kind, Kinds, Limits, Path, Refusal, Stage, State,
    Time,
};

use super::Surveys;
use crate::change::{ChangeValue, Sight};
use crate::documents::Draft;
use crate::documents::mapping::Target;
use crate::event_view::EventView;
use crate::survey::How;

/// What a profile and its session hold.
#[derive(Clone, Default)]
pub(super) struct Sample {
    profile: State,
    session: State,
}

impl Sample {
    /// What most profiles of the tenant may hold: the literal values that documents write, and for other paths that are
    /// written or declared a value of their kind. Registers without a literal, bounds and lists are left out: what they
    /// hold is not known.
    pub(super) fn of_kinds(draft: &Draft, surveys: &Surveys<'_>, kinds: &Kinds, time: Time) -> Sample {
        let mut sample = Sample::default();
        for (_, mapping) in &draft.mappings {
            for rule in &mapping.changes {
                sample.literal(mapping.target, &rule.path, rule.op, &rule.value, kinds, time);
            }
        }
        for write in surveys.workflows.iter().flat_map(|(_, survey)| &survey.writes) {
            match write.how {
                How::Rule(rule) => {
                    sample.literal(Target::Profile, &rule.path, rule.op, &rule.value, kinds, time);
                }
                _ => {
                    if let Ok(kind) = kinds.kind_of(write.path) {
                        sample.of_kind(Target::Profile, write.path, kind, kinds, time);
                    }
                }
            }
        }
        for (path, kind, _) in draft.fields.iter().flat_map(|(_, fields)| &fields.kinds) {
            for target in [Target::Profile, Target::Session] {
                sample.of_kind(target, path, *kind, kinds, time);
            }
        }
        sample
    }

    /// Adds what the mappings make of an event, and the mesh of its session. Returns how many steps evaluations took.
    pub(super) fn add(&mut self, draft: &Draft, kinds: &Kinds, event: &EventView<'_>) -> usize {
        let sight = Sight::of_event(*event);
        for (_, mapping) in &draft.mappings {
            for intent in mapping.make(&sight).intents {
                self.take(mapping.target, intent, kinds, event.time);
            }
        }
        let time = Value::from(event.time.to_string());
        let of_mesh = [
            ("lows.first_event", IntentOp::Min, time.clone()),
            ("highs.last_event", IntentOp::Max, time),
            ("stats.counters.events", IntentOp::Increment, json!(1)),
            ("context", IntentOp::Set, Value::Object(event.context.clone())),
        ];
        for (path, op, value) in of_mesh {
            let path = Path::new(path).expect("a constant path is valid");
            self.take(Target::Session, Intent { path, op, value: Some(value) }, kinds, event.time);
        }
        sight.steps_taken()
    }

    /// The profile and the session as expressions see them.
    pub(super) fn documents(&self, kinds: &Kinds, now: Time) -> (Value, Value) {
        let document = |state: &State| Value::Object(state.view_as(kinds, now).document());
        (document(&self.profile), document(&self.session))
    }

    fn literal(
        &mut self,
        target: Target,
        path: &Path,
        op: IntentOp,
        value: &ChangeValue,
        kinds: &Kinds,
        time: Time,
    ) {
        let value = match value {
            ChangeValue::Literal(value) => Some(value.clone()),
            ChangeValue::None if matches!(op, IntentOp::Enter | IntentOp::Grant) => None,
            _ => {
                if let Ok(kind) = kinds.kind_of(path) {
                    self.of_kind(target, path, kind, kinds, time);
                }
                return;
            }
        };
        self.take(target, Intent { path: path.clone(), op, value }, kinds, time);
    }

    fn of_kind(&mut self, target: Target, path: &Path, kind: Kind, kinds: &Kinds, time: Time) {
        let (op, value) = match kind {
            Kind::Counter => (IntentOp::Increment, Some(json!(1))),
            Kind::Flag => (IntentOp::Enter, None),
            // What elements are, nobody has said: an expression over them is judged where an example fills them.
            Kind::Register | Kind::Min | Kind::Max | Kind::Set | Kind::List | Kind::Visits => return,
        };
        self.take(target, Intent { path: path.clone(), op, value }, kinds, time);
    }

    /// Takes what can be taken: what cannot is told where it is written.
    fn take(&mut self, target: Target, intent: Intent, kinds: &Kinds, time: Time) {
        let state = match target {
            Target::Profile => &mut self.profile,
            Target::Session => &mut self.session,
        };
        for change in admitted(intent, state, kinds, time).unwrap_or_default() {
            state.apply(&change);
        }
    }
}

/// The changes that an intent asks for, beside what is there already.
pub(super) fn admitted(
    intent: Intent,
    state: &State,
    kinds: &Kinds,
    time: Time,
) -> Result<Vec<Change>, Refusal> {
    let event = EventId::new("check").expect("a constant id is valid");
    let cause = Cause { event, stage: Stage::Workflow };
    // However many samples there are: bounds of real profiles say nothing about them.
    let limits = Limits { paths: usize::MAX, bytes: usize::MAX, ..Limits::default() };
    let admission =
        Admission { kinds, state, cause: &cause, commit_key: "0", time, first_ordinal: 0, limits: &limits };
    tributary_model::admit(&[intent], &admission)
}

/// The parts of an event that an example does not say.
pub(super) fn event<'a>(
    event_type: &'a str,
    source: &'a str,
    time: Time,
    properties: &'a Map<String, Value>,
    context: &'a Map<String, Value>,
) -> EventView<'a> {
    EventView {
        id: "example",
        event_type,
        time,
        received: time,
        source,
        session_id: Some("example-session"),
        properties,
        context,
    }
}
