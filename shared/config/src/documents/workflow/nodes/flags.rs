//! Flags of the profile, such as segments and consents.

use serde_json::Value;
use tributary_engine::Turn;
use tributary_model::{Cell, Kind, Path};

use super::Reading;
use crate::at::At;

/// The path of `name` in a namespace; what is wrong with it is told.
pub(super) fn path(
    namespace: &str,
    what: &str,
    name: At<String>,
    reading: &mut Reading<'_>,
) -> Option<At<Path>> {
    let At { value, place } = reading.part(what, name)?;
    let path = Path::new(format!("{namespace}.{value}"));
    let path = path.map_err(|error| reading.tell(place, format!("{what}: {error}"))).ok()?;
    Some(At { value: path, place })
}

/// Whether the flag is on now.
pub(super) fn is_on(path: &Path, turn: &mut Turn<'_, '_>) -> bool {
    let on = match turn.profile().get(path, Kind::Flag) {
        Some(Cell::Flag(flag)) => flag.is_on(turn.now()),
        _ => false,
    };
    turn.saw(format!("profile.{path}"), Value::from(on));
    on
}
