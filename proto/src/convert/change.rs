//! Changes.

use super::{
    ConvertError, id_error, needed, optional_time_from_wire, time_from_wire, time_to_wire, value_from_wire,
};
use crate::{
    raw::RawValue,
    v1::{self, Operation},
};
use tributary_model::{Amount, Bound, Change, ChangeId, EventId, Op, Path, SessionId, Stage, Time, Value};

/// Operands of `clear`: the operation alone does not tell which kind of field it empties, and whoever folds a change must
/// not need configuration.
const CLEAR_SET: &str = "set";
const CLEAR_LIST: &str = "list";

/// Changes as messages.
pub fn changes_to_wire(changes: &[Change]) -> Vec<v1::Change> {
    changes.iter().map(v1::Change::from).collect()
}

/// Messages as changes.
///
/// # Errors
/// The first message that is not a change.
pub fn changes_from_wire(changes: &[v1::Change]) -> Result<Vec<Change>, ConvertError> {
    changes.iter().map(Change::try_from).collect()
}

/// The stage's number.
pub fn stage_to_wire(stage: Stage) -> v1::Stage {
    match stage {
        Stage::Preprocess => v1::Stage::Preprocess,
        Stage::Workflow => v1::Stage::Workflow,
        Stage::Dispatcher => v1::Stage::Dispatcher,
    }
}

/// The stage of a number, as in `cause_stage`.
///
/// # Errors
/// Unspecified and unknown numbers.
pub fn stage_from_wire(stage: i32) -> Result<Stage, ConvertError> {
    match v1::Stage::try_from(stage) {
        Ok(v1::Stage::Preprocess) => Ok(Stage::Preprocess),
        Ok(v1::Stage::Workflow) => Ok(Stage::Workflow),
        Ok(v1::Stage::Dispatcher) => Ok(Stage::Dispatcher),
        Ok(v1::Stage::Unspecified) | Err(_) => Err(ConvertError::Unknown { field: "cause_stage" }),
    }
}

impl From<&Change> for v1::Change {
    fn from(change: &Change) -> Self {
        let mut wire = Self {
            id: change.id.to_string(),
            path: change.path.to_string(),
            event_id: change.event.to_string(),
            event_time: Some(time_to_wire(change.time)),
            ..Self::default()
        };
        let mut value = |value: &Value| wire.value = Some(RawValue::from_json(value));
        let operation = match &change.op {
            Op::Set(operand) => {
                value(operand);
                Operation::Set
            }
            Op::Unset => Operation::Unset,
            Op::SetIfAbsent(operand) => {
                value(operand);
                Operation::SetIfAbsent
            }
            Op::Increment { by, tag } => {
                value(&by.to_json());
                wire.tag.clone_from(tag);
                Operation::Increment
            }
            Op::Decrement { by, tag } => {
                value(&by.to_json());
                wire.tag.clone_from(tag);
                Operation::Decrement
            }
            Op::Reset { ended } => {
                wire.ended_tags = ended.iter().cloned().collect();
                Operation::Reset
            }
            Op::Min(bound) => {
                value(&bound.to_json());
                wire.time_value = bound.is_time;
                Operation::Min
            }
            Op::Max(bound) => {
                value(&bound.to_json());
                wire.time_value = bound.is_time;
                Operation::Max
            }
            Op::AddToSet(operand) => {
                value(operand);
                Operation::AddToSet
            }
            Op::RemoveFromSet(operand) => {
                value(operand);
                Operation::RemoveFromSet
            }
            Op::ClearSet => {
                value(&CLEAR_SET.into());
                Operation::Clear
            }
            Op::ClearList => {
                value(&CLEAR_LIST.into());
                Operation::Clear
            }
            Op::Append(operand) => {
                value(operand);
                Operation::Append
            }
            Op::Grant { expires } => {
                wire.expires = expires.map(time_to_wire);
                Operation::Grant
            }
            Op::Revoke => Operation::Revoke,
            Op::Enter => Operation::Enter,
            Op::Leave => Operation::Leave,
            Op::OpenVisit { session } => {
                value(&session.as_str().into());
                Operation::OpenVisit
            }
        };
        wire.set_operation(operation);
        wire
    }
}

impl TryFrom<&v1::Change> for Change {
    type Error = ConvertError;

    fn try_from(wire: &v1::Change) -> Result<Self, ConvertError> {
        Ok(Self {
            id: ChangeId::new(wire.id.as_str()).map_err(id_error("id"))?,
            event: EventId::new(wire.event_id.as_str()).map_err(id_error("event_id"))?,
            time: time_from_wire(needed(&wire.event_time, "event_time")?, "event_time")?,
            path: Path::new(wire.path.as_str())?,
            op: op(wire)?,
        })
    }
}

fn op(wire: &v1::Change) -> Result<Op, ConvertError> {
    let value = || value_from_wire(needed(&wire.value, "value")?, "value");
    let amount = || Amount::from_json(&value()?).map_err(|_| ConvertError::Unknown { field: "value" });
    let tag = || wire.tag.clone();
    let operation = Operation::try_from(wire.operation).unwrap_or_default();
    Ok(match operation {
        Operation::Unspecified => return Err(ConvertError::Unknown { field: "operation" }),
        Operation::Set => Op::Set(value()?),
        Operation::Unset => Op::Unset,
        Operation::SetIfAbsent => Op::SetIfAbsent(value()?),
        Operation::Increment => Op::Increment { by: amount()?, tag: tag() },
        Operation::Decrement => Op::Decrement { by: amount()?, tag: tag() },
        Operation::Reset => Op::Reset { ended: wire.ended_tags.iter().cloned().collect() },
        Operation::Min => Op::Min(bound(&value()?, wire.time_value)?),
        Operation::Max => Op::Max(bound(&value()?, wire.time_value)?),
        Operation::AddToSet => Op::AddToSet(value()?),
        Operation::RemoveFromSet => Op::RemoveFromSet(value()?),
        Operation::Clear => match value()?.as_str() {
            Some(CLEAR_SET) => Op::ClearSet,
            Some(CLEAR_LIST) => Op::ClearList,
            _ => return Err(ConvertError::Unknown { field: "value" }),
        },
        Operation::Append => Op::Append(value()?),
        Operation::Grant => Op::Grant { expires: optional_time_from_wire(wire.expires.as_ref(), "expires")? },
        Operation::Revoke => Op::Revoke,
        Operation::Enter => Op::Enter,
        Operation::Leave => Op::Leave,
        Operation::OpenVisit => {
            let session = value()?.as_str().unwrap_or_default().to_owned();
            Op::OpenVisit { session: SessionId::new(session).map_err(id_error("value"))? }
        }
    })
}

fn bound(value: &Value, is_time: bool) -> Result<Bound, ConvertError> {
    let amount = if is_time {
        let time = value.as_str().and_then(|text| text.parse::<Time>().ok());
        Amount::from_time(time.ok_or(ConvertError::Time { field: "value" })?)
    } else {
        Amount::from_json(value).map_err(|_| ConvertError::Unknown { field: "value" })?
    };
    Ok(Bound { value: amount, is_time })
}
