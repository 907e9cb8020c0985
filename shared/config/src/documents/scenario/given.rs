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
        let mut intents = Vec::new();
        collect("", &self.fields, kinds, &mut intents)?;
        let event = EventId::new("given").expect("a word is an id");
        let admission = Admission {
            kinds,
            state: &State::default(),
            cause: &Cause { event, stage: Stage::Preprocess },
            commit_key: "0",
            time: Time::MIN,
            first_ordinal: 0,
            limits: &Limits::default(),
        };
        admit(&intents, &admission).map_err(|refusal| refusal.to_string())
    }
}

fn collect(
    above: &str,
    fields: &Map<String, Value>,
    kinds: &Kinds,
    intents: &mut Vec<Intent>,
) -> Result<(), String> {
    for (name, value) in fields {
        let path = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
        if let Value::Object(inner) = value {
            collect(&path, inner, kinds, intents)?;
            continue;
        }
        let path = Path::new(path).map_err(|error| error.to_string())?;
        let kind = kinds.kind_of(&path).map_err(|refusal| refusal.to_string())?;
        let mut add = |op, value| intents.push(Intent { path: path.clone(), op, value });
        match (kind, value) {
            (Kind::Register, value) => add(IntentOp::Set, Some(value.clone())),
            (Kind::Counter, value) => add(IntentOp::Increment, Some(value.clone())),
            (Kind::Min, value) => add(IntentOp::Min, Some(value.clone())),
            (Kind::Max, value) => add(IntentOp::Max, Some(value.clone())),
            (Kind::Set, Value::Array(items)) => {
                items.iter().for_each(|item| add(IntentOp::AddToSet, Some(item.clone())));
            }
            (Kind::List, Value::Array(items)) => {
                items.iter().for_each(|item| add(IntentOp::Append, Some(item.clone())));
            }
            (Kind::Flag, Value::Bool(on)) => add(if *on { IntentOp::Enter } else { IntentOp::Leave }, None),
            (Kind::Set | Kind::List, _) => return Err(format!("`{path}` is a {kind}: write a list")),
            (Kind::Flag, _) => return Err(format!("`{path}` is a flag: write true or false")),
            (Kind::Visits, _) => return Err(format!("`{path}`: visits are opened by events only")),
        }
    }
    Ok(())
}
