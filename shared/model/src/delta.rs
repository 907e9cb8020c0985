//! What changes did to what is shown.

use crate::{Change, Kinds, Path, State, Time, Value, View};
use std::collections::BTreeSet;

/// What a list of changes did to one path, net.
#[derive(Clone, Debug, PartialEq)]
pub struct Delta {
    /// The path.
    pub path: Path,
    /// As shown before; absent where nothing was shown.
    pub before: Option<Value>,
    /// As shown with the changes; absent where nothing is shown.
    pub after: Option<Value>,
    /// Whether the two differ.
    pub changed: bool,
    /// The changes of this path, in order; none where another path's change altered it.
    pub changes: Vec<Change>,
}

/// The state with the changes, and what they did to each path: to the touched ones, and to others that show something else
/// because of them (docs/algebra.md §9). In path order.
pub fn deltas(before: &State, changes: &[Change], now: Time) -> (State, Vec<Delta>) {
    deltas_of(before, changes, |state| state.view(now))
}

/// As [`deltas`], of what is shown where these kinds are configured: see [`State::view_as`].
pub fn deltas_as(before: &State, changes: &[Change], kinds: &Kinds, now: Time) -> (State, Vec<Delta>) {
    deltas_of(before, changes, |state| state.view_as(kinds, now))
}

fn deltas_of(before: &State, changes: &[Change], view: impl Fn(&State) -> View) -> (State, Vec<Delta>) {
    let mut after = before.clone();
    for change in changes {
        after.apply(change);
    }
    let (old, new) = (view(before), view(&after));
    let touched = changes.iter().map(|change| &change.path);
    let altered = old.keys().chain(new.keys()).filter(|path| old.get(*path) != new.get(*path));
    let paths: BTreeSet<&Path> = touched.chain(altered).collect();
    let deltas = paths
        .into_iter()
        .map(|path| Delta {
            path: path.clone(),
            before: old.get(path).cloned(),
            after: new.get(path).cloned(),
            changed: old.get(path) != new.get(path),
            changes: changes.iter().filter(|change| change.path == *path).cloned().collect(),
        })
        .collect();
    (after, deltas)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Amount, ChangeId, EventId, Kind, Op};

    #[test]
    fn a_path_of_two_kinds_tells_of_the_one_that_is_configured() {
        let change = |event: &str, op: Op| Change {
            id: ChangeId::new(format!("{event}/1/0/0000")).unwrap(),
            event: EventId::new(event).unwrap(),
            time: Time::from_micros(1),
            path: Path::new("points").unwrap(),
            op,
        };
        let more = |event: &str| {
            let by = Amount::from_json(&1.into()).unwrap();
            change(event, Op::Increment { by, tag: String::new() })
        };
        let before = State::fold(&[change("a", Op::Set("many".into())), more("b")]);
        let kinds = Kinds::new([(Path::new("points").unwrap(), Kind::Counter)].into()).unwrap();
        let (_, found) = deltas_as(&before, &[more("c")], &kinds, Time::MAX);
        let [delta] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((delta.before.clone(), delta.after.clone()), (Some(1.into()), Some(2.into())));
        assert!(!deltas(&before, &[more("c")], Time::MAX).1[0].changed, "by itself the register is shown");
    }
}
