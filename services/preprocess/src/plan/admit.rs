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
        self.all(wishes, admission).unwrap_or_else(|| self.one_by_one(wishes, admission, marks))
    }

    /// All at once, without a state of their own: what nearly every event comes to.
    fn all(&mut self, wishes: &[Wish<'_>], admission: &Admission<'_>) -> Option<Vec<Change>> {
        let intents: Vec<_> = wishes.iter().map(|wish| wish.intent.clone()).collect();
        let changes = tributary_model::admit(&intents, admission).ok()?;
        // The mesh's own are few, and counted with the rest: who is near the limit goes one by one.
        self.0 = self.0.checked_sub(changes.len())?;
        Some(changes)
    }

    fn one_by_one(
        &mut self,
        wishes: &[Wish<'_>],
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
                Err(refusal) => {
                    let path = wish.intent.path.as_str();
                    marks.add(wish.by, path, refusal.reason(), &refusal.to_string());
                }
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
