//! Admission: everything that may refuse or rewrite happens here, before a change exists (docs/algebra.md §7). What is
//! admitted folds without fail.

use crate::{
    Amount, AmountError, Bound, Cause, Change, ChangeId, Intent, IntentOp, Kind, Kinds, Op, Path, Refusal,
    Resource, State, Time, Value, canonical, canonical_text,
    cells::{Cell, CounterCell},
    state::cell_bytes,
    value::{is_exact, nesting},
};

/// How much a profile or session may hold, and a value may measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Paths that were ever written, removed ones included.
    pub paths: usize,
    /// About so many bytes of state.
    pub bytes: usize,
    /// Bytes of one value as JSON.
    pub value_bytes: usize,
    /// Incarnations of one counter that were ended.
    pub resets: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { paths: 1000, bytes: 65_536, value_bytes: 8192, resets: 32 }
    }
}

/// The circumstances of an admission: one event, handled by one stage.
#[derive(Clone, Copy, Debug)]
pub struct Admission<'a> {
    /// The kinds of paths.
    pub kinds: &'a Kinds,
    /// The state as read before: tells a counter's incarnation, and how full the profile or session is.
    pub state: &'a State,
    /// The event and the stage.
    pub cause: &'a Cause,
    /// `0`; for what a run commits after a pause `<workflow>.<number of the pause>`.
    pub commit_key: &'a str,
    /// The event's time, not after its receipt.
    pub time: Time,
    /// Changes that the same cause and commit made before: ids count on from here.
    pub first_ordinal: u16,
    /// The bounds.
    pub limits: &'a Limits,
}

/// Ordinals have four digits, so that ids sort as they count.
const MAX_ORDINAL: u16 = 9999;
/// How deeply objects and arrays may lie within each other in the shown document: readers refuse more.
const MAX_NESTING: usize = 32;

/// Makes the changes that the intents of one event ask for, in their order; all of them or none.
///
/// # Errors
/// The first intent that cannot be admitted, or a limit that the changes would exceed.
pub fn admit(intents: &[Intent], admission: &Admission<'_>) -> Result<Vec<Change>, Refusal> {
    let mut desk = Desk { admission, made: State::default(), changes: Vec::new() };
    for intent in intents {
        desk.take(intent)?;
    }
    desk.check_size()?;
    Ok(desk.changes)
}

struct Desk<'a> {
    admission: &'a Admission<'a>,
    /// What was admitted so far: a later intent of the same event builds on it.
    made: State,
    changes: Vec<Change>,
}

impl Desk<'_> {
    fn take(&mut self, intent: &Intent) -> Result<(), Refusal> {
        use IntentOp as I;
        let (path, op) = (&intent.path, intent.op);
        let kind = self.admission.kinds.kind_of(path)?;
        let value = intent.value.as_ref().filter(|value| !value.is_null());
        match (kind, op, value) {
            (Kind::Register, I::Unset, _) => self.push(path, Op::Unset),
            (Kind::Counter, I::Reset, _) => self.reset(path),
            (Kind::Set, I::Clear, _) => self.push(path, Op::ClearSet),
            (Kind::List, I::Clear, _) => self.push(path, Op::ClearList),
            (Kind::Flag, I::Grant, value) => self.push(path, Op::Grant { expires: expiry(path, value)? }),
            (Kind::Flag, I::Revoke, _) => self.push(path, Op::Revoke),
            (Kind::Flag, I::Enter, _) => self.push(path, Op::Enter),
            (Kind::Flag, I::Leave, _) => self.push(path, Op::Leave),
            _ if !takes_value(kind, op) => Err(Refusal::WrongOperation { path: path.clone(), op, kind }),
            // Null means "not known", and what is not known changes nothing.
            (_, _, None) => Ok(()),
            (_, I::Set | I::SetIfAbsent, Some(value)) => self.write(path, op, value),
            (_, I::Replace, Some(value)) => self.replace(path, value),
            (_, I::Increment, Some(value)) => {
                let (by, tag) = (number(path, value)?, self.tag(path));
                self.push(path, Op::Increment { by, tag })
            }
            (_, I::Decrement, Some(value)) => {
                let (by, tag) = (number(path, value)?, self.tag(path));
                self.push(path, Op::Decrement { by, tag })
            }
            (_, I::Min, Some(value)) => self.push(path, Op::Min(bound(path, value)?)),
            (_, I::Max, Some(value)) => self.push(path, Op::Max(bound(path, value)?)),
            (_, I::AddToSet, Some(value)) => {
                let element = self.scalar(path, value)?;
                self.push(path, Op::AddToSet(element))
            }
            (_, I::RemoveFromSet, Some(value)) => {
                let element = self.scalar(path, value)?;
                self.push(path, Op::RemoveFromSet(element))
            }
            (_, I::Append, Some(value)) => {
                let entry = self.kept(path, value, 1)?;
                self.push(path, Op::Append(entry))
            }
            _ => Err(Refusal::WrongOperation { path: path.clone(), op, kind }),
        }
    }

    /// An object stands for its leaves; other leaves stay as they are.
    fn write(&mut self, path: &Path, op: IntentOp, value: &Value) -> Result<(), Refusal> {
        match value {
            Value::Object(fields) if fields.is_empty() => Err(Refusal::EmptyObject { path: path.clone() }),
            _ => self.leaves(path, op, value),
        }
    }

    /// The object as a whole: what was there goes, then the leaves come, later in the order of ids.
    fn replace(&mut self, path: &Path, value: &Value) -> Result<(), Refusal> {
        if !value.is_object() {
            return Err(Refusal::NotAnObject { path: path.clone() });
        }
        self.push(path, Op::Unset)?;
        self.leaves(path, IntentOp::Replace, value)
    }

    fn leaves(&mut self, path: &Path, op: IntentOp, value: &Value) -> Result<(), Refusal> {
        let Value::Object(fields) = value else {
            if value.is_null() {
                return Ok(());
            }
            let kind = self.admission.kinds.kind_of(path)?;
            if kind != Kind::Register {
                return Err(Refusal::WrongOperation { path: path.clone(), op, kind });
            }
            let value = self.kept(path, value, 0)?;
            let absent = op == IntentOp::SetIfAbsent;
            return self.push(path, if absent { Op::SetIfAbsent(value) } else { Op::Set(value) });
        };
        // In name order, whatever order the map keeps: a retry must make the same ids.
        let mut fields: Vec<_> = fields.iter().collect();
        fields.sort_unstable_by_key(|(name, _)| *name);
        for (name, field) in fields {
            let below = path.child(name).map_err(|error| Refusal::BadPath { path: path.clone(), error })?;
            self.leaves(&below, op, field)?;
        }
        Ok(())
    }

    /// Ends every incarnation that is visible now.
    fn reset(&mut self, path: &Path) -> Result<(), Refusal> {
        let counter = self.counter(path);
        let ended = counter.seen_tags();
        let limit = self.admission.limits.resets;
        if counter.ended.len() + ended.len() > limit {
            return Err(Refusal::Exhausted { what: Resource::Resets, limit });
        }
        self.push(path, Op::Reset { ended })
    }

    fn tag(&self, path: &Path) -> String {
        self.counter(path).current_tag().to_owned()
    }

    fn counter(&self, path: &Path) -> CounterCell {
        let mut counter = CounterCell::default();
        for state in [self.admission.state, &self.made] {
            if let Some(Cell::Counter(cell)) = state.get(path, Kind::Counter) {
                counter.plus(cell.clone());
            }
        }
        counter
    }

    fn scalar(&self, path: &Path, value: &Value) -> Result<Value, Refusal> {
        if value.is_object() || value.is_array() {
            return Err(Refusal::NotScalar { path: path.clone() });
        }
        self.kept(path, value, 1)
    }

    /// The value as it is kept. `around`: how many arrays it is shown in.
    fn kept(&self, path: &Path, value: &Value, around: usize) -> Result<Value, Refusal> {
        if path.parts().count() + around + nesting(value) > MAX_NESTING {
            return Err(Refusal::TooDeep { path: path.clone(), limit: MAX_NESTING });
        }
        let (bytes, limit) = (canonical_text(value).len(), self.admission.limits.value_bytes);
        if bytes > limit {
            return Err(Refusal::TooLarge { path: path.clone(), bytes, limit });
        }
        if !is_exact(value) {
            return Err(Refusal::NumberTooBig { path: path.clone() });
        }
        Ok(canonical(value.clone()))
    }

    fn push(&mut self, path: &Path, op: Op) -> Result<(), Refusal> {
        let Admission { cause, commit_key, time, first_ordinal, .. } = *self.admission;
        let ordinal = usize::from(first_ordinal) + self.changes.len();
        let ordinal = u16::try_from(ordinal).ok().filter(|ordinal| *ordinal <= MAX_ORDINAL);
        let ordinal = ordinal.ok_or(Refusal::TooManyChanges { limit: usize::from(MAX_ORDINAL) + 1 })?;
        let id = ChangeId::derive(&cause.event, cause.stage, commit_key, ordinal);
        let change = Change { id, event: cause.event.clone(), time, path: path.clone(), op };
        self.made.apply(&change);
        self.changes.push(change);
        Ok(())
    }

    /// Only growth is refused: a full profile still takes new values for old paths, and removals.
    fn check_size(&self) -> Result<(), Refusal> {
        let Admission { state, limits, .. } = *self.admission;
        let (mut new_paths, mut added, mut removed) = (0, 0, 0);
        for (path, cell) in self.made.cells() {
            match state.get(path, cell.kind()) {
                None => {
                    new_paths += 1;
                    added += cell_bytes(path, cell);
                }
                Some(known) => {
                    let mut both = known.clone();
                    both.plus(cell.clone());
                    added += both.bytes();
                    removed += known.bytes();
                }
            }
        }
        if new_paths > 0 && state.paths().len() + new_paths > limits.paths {
            return Err(Refusal::Exhausted { what: Resource::Paths, limit: limits.paths });
        }
        if added > removed && state.bytes() + added - removed > limits.bytes {
            return Err(Refusal::Exhausted { what: Resource::Bytes, limit: limits.bytes });
        }
        Ok(())
    }
}

fn takes_value(kind: Kind, op: IntentOp) -> bool {
    use IntentOp as I;
    match kind {
        Kind::Register => matches!(op, I::Set | I::SetIfAbsent | I::Replace),
        Kind::Counter => matches!(op, I::Increment | I::Decrement),
        Kind::Min => op == I::Min,
        Kind::Max => op == I::Max,
        Kind::Set => matches!(op, I::AddToSet | I::RemoveFromSet),
        Kind::List => op == I::Append,
        Kind::Flag | Kind::Visits => false,
    }
}

fn number(path: &Path, value: &Value) -> Result<Amount, Refusal> {
    Amount::from_json(value).map_err(|error| match error {
        AmountError::NotANumber => Refusal::NotANumber { path: path.clone() },
        AmountError::TooBig => Refusal::NumberTooBig { path: path.clone() },
    })
}

/// A number, or a moment written as RFC 3339.
fn bound(path: &Path, value: &Value) -> Result<Bound, Refusal> {
    match value.as_str().map(str::parse::<Time>) {
        Some(Ok(time)) => Ok(Bound { value: Amount::from_time(time), is_time: true }),
        _ => Ok(Bound { value: number(path, value)?, is_time: false }),
    }
}

fn expiry(path: &Path, value: Option<&Value>) -> Result<Option<Time>, Refusal> {
    let bad = || Refusal::BadExpiry { path: path.clone() };
    let Some(value) = value else { return Ok(None) };
    let fields = value.as_object().ok_or_else(bad)?;
    match (fields.len(), fields.get("expires")) {
        (0, _) | (1, Some(Value::Null)) => Ok(None),
        (1, Some(Value::String(text))) => text.parse().map(Some).map_err(|_| bad()),
        _ => Err(bad()),
    }
}
