//! A profile that is there already, expressed as the changes that make it.

use serde_json::{Map, Value};
use tributary_model::{
    Admission, Cause, Change, EventId, Intent, IntentOp, Kind, Kinds, Limits, Path, Stage, State, Time, admit,
};

use super::Given;

impl Given {
    /// The changes that make a profile show these fields. They are older than everything that a scenario does.
    ///
    /// # Errors
    /// In words: a path that cannot be, or a value that does not fit the kind of its path.
    pub fn changes(&self, kinds: &Kinds) -> Result<Vec<Change>, String> {
        let (changes, mut wrong) = changes_showing(&self.fields, kinds);
        if wrong.is_empty() { Ok(changes) } else { Err(wrong.swap_remove(0)) }
    }
}

/// The changes that make a profile or session show `fields`, older than everything else; and in words what cannot be shown:
/// a path that cannot be, a value that does not fit the kind of its path, visits, which are opened by events only. Flags
/// never expire.
#[must_use]
pub fn changes_showing(fields: &Map<String, Value>, kinds: &Kinds) -> (Vec<Change>, Vec<String>) {
    let mut making = Making { kinds, changes: Vec::new(), wrong: Vec::new() };
    making.object("", fields);
    (making.changes, making.wrong)
}

struct Making<'k> {
    kinds: &'k Kinds,
    changes: Vec<Change>,
    wrong: Vec<String>,
}

impl Making<'_> {
    fn object(&mut self, above: &str, fields: &Map<String, Value>) {
        for (name, value) in fields {
            let path = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
            match value {
                Value::Object(inner) => self.object(&path, inner),
                value => {
                    if let Err(reason) = self.leaf(path, value) {
                        self.wrong.push(reason);
                    }
                }
            }
        }
    }

    fn leaf(&mut self, path: String, value: &Value) -> Result<(), String> {
        let path = Path::new(path).map_err(|error| error.to_string())?;
        let kind = self.kinds.kind_of(&path).map_err(|refusal| refusal.to_string())?;
        match (kind, value) {
            (Kind::Register, value) => self.add(&path, IntentOp::Set, Some(value)),
            (Kind::Counter, value) => self.add(&path, IntentOp::Increment, Some(value)),
            (Kind::Min, value) => self.add(&path, IntentOp::Min, Some(value)),
            (Kind::Max, value) => self.add(&path, IntentOp::Max, Some(value)),
            (Kind::Set, Value::Array(items)) => self.each(&path, IntentOp::AddToSet, items),
            (Kind::List, Value::Array(items)) => self.each(&path, IntentOp::Append, items),
            (Kind::Flag, Value::Bool(true)) => self.add(&path, IntentOp::Enter, None),
            (Kind::Flag, Value::Bool(false)) => self.add(&path, IntentOp::Leave, None),
            (Kind::Set | Kind::List, _) => Err(format!("`{path}` is a {kind}: write a list")),
            (Kind::Flag, _) => Err(format!("`{path}` is a flag: write true or false")),
            (Kind::Visits, _) => Err(format!("`{path}`: visits are opened by events only")),
        }
    }

    fn each(&mut self, path: &Path, op: IntentOp, items: &[Value]) -> Result<(), String> {
        items.iter().try_for_each(|item| self.add(path, op, Some(item)))
    }

    /// One by one: what is there already may be more than one event can change.
    fn add(&mut self, path: &Path, op: IntentOp, value: Option<&Value>) -> Result<(), String> {
        let event = EventId::new("given").expect("a word is an id");
        let first_ordinal = u16::try_from(self.changes.len()).unwrap_or(u16::MAX);
        let admission = Admission {
            kinds: self.kinds,
            state: &State::default(),
            cause: &Cause { event, stage: Stage::Preprocess },
            commit_key: "0",
            time: Time::MIN,
            first_ordinal,
            limits: &Limits::default(),
        };
        let intent = Intent { path: path.clone(), op, value: value.cloned() };
        self.changes.extend(admit(&[intent], &admission).map_err(|refusal| refusal.to_string())?);
        Ok(())
    }
}
