//! What was wrong with an event, as its column holds it.

use serde_json::{Value, json};
use tributary_proto::v1::EventProblem;

use crate::{StorageError, convert};

/// The text of the column; `None` where nothing was wrong.
pub(super) fn to_text(problems: &[EventProblem]) -> Option<String> {
    let object = |problem: &EventProblem| {
        let EventProblem { document, path, reason, description } = problem;
        json!({"document": document, "path": path, "reason": reason, "description": description})
    };
    let list: Value = problems.iter().map(object).collect();
    (!problems.is_empty()).then(|| convert::shown_value(&list))
}

/// What the column holds.
pub(super) fn of_column(column: Option<Value>) -> Result<Vec<EventProblem>, StorageError> {
    let Some(column) = column else { return Ok(Vec::new()) };
    let list = column.as_array().ok_or_else(|| StorageError::data("a problems column holds no list"))?;
    let text = |problem: &Value, name: &str| problem[name].as_str().unwrap_or_default().to_owned();
    let problem = |problem: &Value| EventProblem {
        document: text(problem, "document"),
        path: text(problem, "path"),
        reason: text(problem, "reason"),
        description: text(problem, "description"),
    };
    Ok(list.iter().map(problem).collect())
}
