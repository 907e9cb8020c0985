//! From wishes to changes: whoever wishes what cannot be had goes without, and costs the others nothing.

use super::marks::Marks;
use super::wishes::Wish;
use tributary_model::{Admission, Change, Refusal, State};

/// The most changes that mappings make of one event.
const MAX_MAPPED: usize = 256;

/// The changes that mappings may still make of an event.
pub(super) struct Allowance(usize);

impl Default for Allowance {
    fn default() -> Self {
        Self(MAX_MAPPED)
    }
}

impl Allowance {
    /// Makes the changes that `wishes` ask for, in their order; each sees what those before it changed. What is refused is
    /// left out and marked.
    pub(super) fn admit(
        &mut self,
        wishes: &[Wish<'_>],
        admission: &Admission<'_>,
        marks: &mut Marks,
    ) -> Vec<Change> {
        let wishes: Vec<&Wish<'_>> = wishes.iter().collect();
        if let Some(changes) = self.all(&wishes, admission) {
            return changes;
        }
        // What can never be had must not decide over the others: together they may fit where one by one they do not.
        let sound = sound(&wishes, admission, marks);
        let without = if sound.len() < wishes.len() { self.all(&sound, admission) } else { None };
        without.unwrap_or_else(|| self.one_by_one(&sound, admission, marks))
    }

    /// All at once, without a state of their own: what nearly every event comes to.
    fn all(&mut self, wishes: &[&Wish<'_>], admission: &Admission<'_>) -> Option<Vec<Change>> {
        let intents: Vec<_> = wishes.iter().map(|wish| wish.intent.clone()).collect();
        let changes = tributary_model::admit(&intents, admission).ok()?;
        // The mesh's own are few, and counted with the rest: who is near the limit goes one by one.
        self.0 = self.0.checked_sub(changes.len())?;
        Some(changes)
    }

    fn one_by_one(
        &mut self,
        wishes: &[&Wish<'_>],
        admission: &Admission<'_>,
        marks: &mut Marks,
    ) -> Vec<Change> {
        let mut state: State = admission.state.clone();
        let mut changes = Vec::new();
        for wish in wishes {
            let made = u16::try_from(changes.len()).unwrap_or(u16::MAX);
            let first_ordinal = admission.first_ordinal.saturating_add(made);
            let admission = Admission { state: &state, first_ordinal, ..*admission };
            let admitted = tributary_model::admit(std::slice::from_ref(&wish.intent), &admission);
            match admitted.and_then(|admitted| self.pay(wish, admitted)) {
                Ok(admitted) => {
                    admitted.iter().for_each(|change| state.apply(change));
                    changes.extend(admitted);
                }
                Err(refusal) => mark(marks, wish, &refusal),
            }
        }
        changes
    }

    fn pay(&mut self, wish: &Wish<'_>, admitted: Vec<Change>) -> Result<Vec<Change>, Refusal> {
        if wish.by.is_some() {
            self.0 =
                self.0.checked_sub(admitted.len()).ok_or(Refusal::TooManyChanges { limit: MAX_MAPPED })?;
        }
        Ok(admitted)
    }
}

/// The wishes that are not at fault themselves; the others are marked. How full the profile or session is does not count here.
fn sound<'w, 'm>(wishes: &[&'w Wish<'m>], admission: &Admission<'_>, marks: &mut Marks) -> Vec<&'w Wish<'m>> {
    let mut sound = Vec::with_capacity(wishes.len());
    for wish in wishes {
        match tributary_model::admit(std::slice::from_ref(&wish.intent), admission) {
            Err(refusal) if !refusal.is_exhausted() => mark(marks, wish, &refusal),
            _ => sound.push(*wish),
        }
    }
    sound
}

fn mark(marks: &mut Marks, wish: &Wish<'_>, refusal: &Refusal) {
    marks.add(wish.by, wish.intent.path.as_str(), refusal.reason(), &refusal.to_string());
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tributary_model::{Cause, EventId, Intent, IntentOp, Kinds, Limits, Path, Stage, Time, Value};

    fn wish(path: &str, op: IntentOp, value: Option<Value>) -> Wish<'static> {
        Wish { by: None, intent: Intent { path: Path::new(path).unwrap(), op, value } }
    }

    #[test]
    fn what_fits_together_is_made_though_another_change_can_never_be_had() {
        let cause = Cause { event: EventId::new("e").unwrap(), stage: Stage::Preprocess };
        let (kinds, limits, mut state) = (Kinds::default(), Limits::default(), State::default());
        let at = |state| Admission {
            kinds: &kinds,
            state,
            cause: &cause,
            commit_key: "0",
            time: Time::from_micros(0),
            first_ordinal: 0,
            limits: &limits,
        };
        let text = |bytes| Some(json!("x".repeat(bytes)));
        let full: Vec<Intent> =
            (0..8).map(|n| wish(&format!("full{n}"), IntentOp::Set, text(8_000)).intent).collect();
        let empty = State::default();
        let filled = tributary_model::admit(&full, &at(&empty)).unwrap();
        filled.iter().for_each(|change| state.apply(change));
        let wishes = [
            wish("large", IntentOp::Set, text(5_000)),
            wish("full0", IntentOp::Unset, None),
            wish("interests.x", IntentOp::Increment, Some(json!("free"))),
        ];
        let mut marks = Marks::default();
        let made = Allowance::default().admit(&wishes, &at(&state), &mut marks);
        assert_eq!(made.iter().map(|change| change.path.as_str()).collect::<Vec<_>>(), ["large", "full0"]);
        let problems = marks.finish();
        assert_eq!(problems.iter().map(|p| p.reason.as_str()).collect::<Vec<_>>(), ["NOT_A_NUMBER"]);
        let alone = Allowance::default().admit(&wishes[..1], &at(&state), &mut Marks::default());
        assert_eq!(alone, [], "by itself it is too large");
    }
}
