//! What expressions are shown, kept up with what runs change and remember. Converting documents is the costly part, so it is
//! done when something is evaluated, and once for all runs of an event that no call interrupts.

use serde_json::Value;
use tributary_expressions::Scope;

use crate::board::Board;
use crate::event::EventView;
use crate::memory::Memory;

/// The world as the runs of one event see it.
pub(crate) struct Shown<'a> {
    event: EventView<'a>,
    /// None until something is evaluated.
    scope: Option<Scope>,
    /// The board's version that is shown.
    version: u64,
    /// Whether some run's memory is shown.
    has_memory: bool,
}

impl<'a> Shown<'a> {
    pub(crate) fn new(event: EventView<'a>) -> Shown<'a> {
        Shown { event, scope: None, version: 0, has_memory: false }
    }

    /// The scope, with the profile and the memory as they are now.
    pub(crate) fn scope(&mut self, board: &Board<'_>, memory: &mut Memory) -> &Scope {
        self.with_memory(board, memory)
    }

    /// The scope for what does not look at memory.
    pub(crate) fn without_memory(&mut self, board: &Board<'_>) -> &Scope {
        self.current(board, None)
    }

    /// What `look` finds of each of these, shown as `event` in place of the run's own.
    pub(crate) fn over<R>(
        &mut self,
        board: &Board<'_>,
        memory: &mut Memory,
        events: impl IntoIterator<Item = Value>,
        look: impl Fn(&Scope) -> R,
    ) -> Vec<R> {
        let own = self.event;
        let scope = self.with_memory(board, memory);
        let mut found = Vec::new();
        for event in events {
            scope.set_event(&event);
            found.push(look(scope));
        }
        scope.set_event(&own.document());
        found
    }

    fn with_memory(&mut self, board: &Board<'_>, memory: &mut Memory) -> &mut Scope {
        let is_old = !memory.is_shown && (self.has_memory || !memory.is_empty());
        self.has_memory = !memory.is_empty();
        memory.is_shown = true;
        self.current(board, is_old.then(|| memory.values()))
    }

    fn current(&mut self, board: &Board<'_>, memory: Option<&Value>) -> &mut Scope {
        let version = std::mem::replace(&mut self.version, board.version());
        let scope = match &mut self.scope {
            Some(scope) => {
                if version != board.version() {
                    scope.set_profile(&board.profile_document());
                }
                scope
            }
            none => none.insert(Scope::new(
                &self.event.document(),
                &board.profile_document(),
                &board.session_document(),
                board.ground.now,
            )),
        };
        if let Some(memory) = memory {
            scope.set_memory(memory);
        }
        scope
    }
}
