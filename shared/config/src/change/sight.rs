//! What a rule sees.

use std::cell::OnceCell;

use tributary_expressions::Scope;

use crate::event_view::EventView;

/// An event, and the scope over it that conditions, expressions and templates are evaluated on.
pub struct Sight<'a> {
    event: EventView<'a>,
    scope: Scoped<'a>,
}

enum Scoped<'a> {
    /// Made when something asks for it: most mappings never do, and it costs more than they do.
    Own(OnceCell<Scope>),
    Given(&'a Scope),
}

impl<'a> Sight<'a> {
    /// The event alone, as mappings see it.
    #[must_use]
    pub fn of_event(event: EventView<'a>) -> Sight<'a> {
        Sight { event, scope: Scoped::Own(OnceCell::new()) }
    }

    /// The event with a scope that shows more than it.
    #[must_use]
    pub fn with_scope(event: EventView<'a>, scope: &'a Scope) -> Sight<'a> {
        Sight { event, scope: Scoped::Given(scope) }
    }

    /// The event.
    #[must_use]
    pub fn event(&self) -> &EventView<'a> {
        &self.event
    }

    /// How much was evaluated, in the steps of [`Scope::steps_taken`].
    pub(crate) fn steps_taken(&self) -> usize {
        match &self.scope {
            Scoped::Own(own) => own.get().map_or(0, Scope::steps_taken),
            Scoped::Given(given) => given.steps_taken(),
        }
    }

    pub(crate) fn scope(&self) -> &Scope {
        match &self.scope {
            Scoped::Own(own) => own.get_or_init(|| Scope::of_event(&self.event.document())),
            Scoped::Given(given) => given,
        }
    }
}
