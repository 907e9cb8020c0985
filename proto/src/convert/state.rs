//! States: the form in which folds are stored and published. Decoding gives back exactly what was encoded.

use super::{ConvertError, id_error, needed, value_from_wire};
use crate::{
    raw::RawValue,
    v1::{self, cell::Kind},
};
use std::collections::BTreeSet;
use tributary_model::{
    Amount, Bound, BoundCell, Cell, ChangeId, CounterCell, FlagCell, ListCell, Path, RegisterCell, SessionId,
    SetCell, SetEntry, Stamp, State, Time, Visit, VisitsCell, canonical_text,
};

impl From<&State> for v1::State {
    fn from(state: &State) -> Self {
        let cell = |(path, cell): (&Path, &Cell)| v1::Cell { path: path.to_string(), kind: Some(kind(cell)) };
        Self { cells: state.cells().map(cell).collect() }
    }
}

impl TryFrom<&v1::State> for State {
    type Error = ConvertError;

    fn try_from(wire: &v1::State) -> Result<Self, ConvertError> {
        let cells: Result<Vec<_>, ConvertError> = wire
            .cells
            .iter()
            .map(|c| Ok((Path::new(c.path.as_str())?, cell(needed(&c.kind, "kind")?)?)))
            .collect();
        Ok(Self::from_cells(cells?))
    }
}

fn kind(cell: &Cell) -> Kind {
    match cell {
        Cell::Register(cell) => Kind::Register(register_to_wire(cell)),
        Cell::Counter(cell) => Kind::Counter(v1::CounterCell {
            sums: cell.sums.iter().map(|(tag, sum)| counter_sum(tag, *sum)).collect(),
            ended_tags: cell.ended.iter().cloned().collect(),
        }),
        Cell::Min(cell) => Kind::Min(bound_to_wire(cell)),
        Cell::Max(cell) => Kind::Max(bound_to_wire(cell)),
        Cell::Set(cell) => Kind::Set(set_to_wire(cell)),
        Cell::List(cell) => Kind::List(list_to_wire(cell)),
        Cell::Flag(cell) => Kind::Flag(v1::FlagCell {
            stamp: Some(stamp_to_wire(&cell.stamp)),
            on: cell.on,
            expires_us: cell.expires.map(Time::as_micros),
        }),
        Cell::Visits(cell) => Kind::Visits(v1::VisitsCell {
            count: cell.count,
            first: Some(visit_to_wire(&cell.first)),
            newest: cell.newest.iter().rev().map(visit_to_wire).collect(),
        }),
    }
}

fn cell(kind: &Kind) -> Result<Cell, ConvertError> {
    Ok(match kind {
        Kind::Register(cell) => Cell::Register(register(cell)?),
        Kind::Counter(cell) => Cell::Counter(CounterCell {
            sums: cell.sums.iter().map(|s| (s.tag.clone(), amount(s.sum.as_ref()))).collect(),
            ended: cell.ended_tags.iter().cloned().collect(),
        }),
        Kind::Min(cell) => Cell::Min(bound(cell)?),
        Kind::Max(cell) => Cell::Max(bound(cell)?),
        Kind::Set(cell) => Cell::Set(set(cell)?),
        Kind::List(cell) => Cell::List(list(cell)?),
        Kind::Flag(cell) => Cell::Flag(FlagCell {
            stamp: stamp(needed(&cell.stamp, "stamp")?)?,
            on: cell.on,
            expires: cell.expires_us.map(|micros| time(micros, "expires_us")).transpose()?,
        }),
        Kind::Visits(cell) => Cell::Visits(VisitsCell {
            count: cell.count,
            first: visit(needed(&cell.first, "first")?)?,
            newest: cell.newest.iter().map(visit).collect::<Result<BTreeSet<_>, _>>()?,
        }),
    })
}

fn register_to_wire(cell: &RegisterCell) -> v1::RegisterCell {
    let removed = matches!(cell.main, Some((_, None)));
    v1::RegisterCell {
        main_stamp: cell.main.as_ref().map(|(stamp, _)| stamp_to_wire(stamp)),
        main_value: cell.main.as_ref().and_then(|(_, value)| value.as_ref()).map(RawValue::from_json),
        default_stamp: cell.default.as_ref().map(|(stamp, _)| stamp_to_wire(stamp)),
        default_value: cell.default.as_ref().map(|(_, value)| RawValue::from_json(value)),
        // Where a value shows, its stamp is the newest set's.
        newest_set: cell.newest_set.as_ref().filter(|_| removed).map(stamp_to_wire),
    }
}

fn register(wire: &v1::RegisterCell) -> Result<RegisterCell, ConvertError> {
    let value = wire.main_value.as_ref().map(|value| value_from_wire(value, "main_value")).transpose()?;
    let main = wire.main_stamp.as_ref().map(stamp).transpose()?;
    let newest_set = match (&main, &value) {
        (Some(stamp), Some(_)) => Some(stamp.clone()),
        _ => wire.newest_set.as_ref().map(stamp).transpose()?,
    };
    let default = match &wire.default_stamp {
        None => None,
        Some(at) => {
            let value = needed(&wire.default_value, "default_value")?;
            Some((stamp(at)?, value_from_wire(value, "default_value")?))
        }
    };
    Ok(RegisterCell { main: main.map(|stamp| (stamp, value)), default, newest_set })
}

fn set_to_wire(cell: &SetCell) -> v1::SetCell {
    let entry = |entry: &SetEntry| v1::SetEntry {
        value: Some(RawValue::from_json(&entry.value)),
        stamp: Some(stamp_to_wire(&entry.stamp)),
        present: entry.present,
    };
    v1::SetCell {
        floor: cell.floor.as_ref().map(stamp_to_wire),
        entries: cell.entries.values().map(entry).collect(),
    }
}

fn set(wire: &v1::SetCell) -> Result<SetCell, ConvertError> {
    let mut cell = SetCell { floor: wire.floor.as_ref().map(stamp).transpose()?, ..SetCell::default() };
    for entry in &wire.entries {
        let value = value_from_wire(needed(&entry.value, "value")?, "value")?;
        let stamp = stamp(needed(&entry.stamp, "stamp")?)?;
        cell.entries.insert(canonical_text(&value), SetEntry { value, stamp, present: entry.present });
    }
    Ok(cell)
}

fn list_to_wire(cell: &ListCell) -> v1::ListCell {
    let entry = |(stamp, value)| v1::ListEntry {
        stamp: Some(stamp_to_wire(stamp)),
        value: Some(RawValue::from_json(value)),
    };
    v1::ListCell {
        floor: cell.floor.as_ref().map(stamp_to_wire),
        entries: cell.entries.iter().map(entry).collect(),
    }
}

fn list(wire: &v1::ListCell) -> Result<ListCell, ConvertError> {
    let mut cell = ListCell { floor: wire.floor.as_ref().map(stamp).transpose()?, ..ListCell::default() };
    for entry in &wire.entries {
        let value = value_from_wire(needed(&entry.value, "value")?, "value")?;
        cell.entries.insert(stamp(needed(&entry.stamp, "stamp")?)?, value);
    }
    Ok(cell)
}

fn bound_to_wire(cell: &BoundCell) -> v1::BoundCell {
    v1::BoundCell {
        value: Some(amount_to_wire(cell.bound.value)),
        stamp: Some(stamp_to_wire(&cell.stamp)),
        time_value: cell.bound.is_time,
    }
}

fn bound(wire: &v1::BoundCell) -> Result<BoundCell, ConvertError> {
    let bound = Bound { value: amount(wire.value.as_ref()), is_time: wire.time_value };
    Ok(BoundCell { bound, stamp: stamp(needed(&wire.stamp, "stamp")?)? })
}

fn counter_sum(tag: &str, sum: Amount) -> v1::CounterSum {
    v1::CounterSum { tag: tag.to_owned(), sum: Some(amount_to_wire(sum)) }
}

fn amount_to_wire(amount: Amount) -> v1::Amount {
    // The high half with its sign, and the low half as it is: together all 128 bits.
    v1::Amount { high: (amount.millionths() >> 64) as i64, low: amount.millionths() as u64 }
}

fn amount(wire: Option<&v1::Amount>) -> Amount {
    let wire = wire.copied().unwrap_or_default();
    Amount::from_millionths((i128::from(wire.high) << 64) | i128::from(wire.low))
}

fn stamp_to_wire(stamp: &Stamp) -> v1::Stamp {
    v1::Stamp { time_us: stamp.time.as_micros(), change_id: stamp.change.to_string() }
}

fn stamp(wire: &v1::Stamp) -> Result<Stamp, ConvertError> {
    let change = ChangeId::new(wire.change_id.as_str()).map_err(id_error("change_id"))?;
    Ok(Stamp { time: time(wire.time_us, "time_us")?, change })
}

fn visit_to_wire(visit: &Visit) -> v1::Visit {
    v1::Visit { opened_at_us: visit.opened_at.as_micros(), session_id: visit.session.to_string() }
}

fn visit(wire: &v1::Visit) -> Result<Visit, ConvertError> {
    let session = SessionId::new(wire.session_id.as_str()).map_err(id_error("session_id"))?;
    Ok(Visit { opened_at: time(wire.opened_at_us, "opened_at_us")?, session })
}

fn time(micros: i64, field: &'static str) -> Result<Time, ConvertError> {
    Time::try_from_micros(micros).ok_or(ConvertError::Time { field })
}
