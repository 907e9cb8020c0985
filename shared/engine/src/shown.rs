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
    /// How many steps evaluations have together, while there is no scope that counts them.
    left: usize,
    /// None until something is evaluated.
    scope: Option<Scope>,
    /// The board's version that is shown.
    version: u64,
    /// Whether some run's memory is shown.
    has_memory: bool,
}

impl<'a> Shown<'a> {
    /// Evaluations have `left` steps together.
    pub(crate) fn new(event: EventView<'a>, left: usize) -> Shown<'a> {
        Shown { event, left, scope: None, version: 0, has_memory: false }
    }

    /// How many steps are left.
    pub(crate) fn left(&self) -> usize {
        self.scope.as_ref().map_or(self.left, Scope::steps_left)
    }

    /// Gives evaluations so many steps from here on, and says how many were left.
    pub(crate) fn allow(&mut self, steps: usize) -> usize {
        let left = self.left();
        self.left = steps;
        if left == 0 {
            // It was not kept up any more.
            self.scope = None;
        }
        if let Some(scope) = &mut self.scope {
            scope.allow(steps);
        }
        left
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
            // Where nothing is left, what is evaluated fails, whatever is shown.
            if scope.steps_left() > 0 {
                scope.set_event(&event);
            }
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
        let is_new = self.scope.is_none();
        let scope = self.scope.get_or_insert_with(|| {
            let (event, profile) = (self.event.document(), board.profile_document());
            let mut scope = Scope::new(&event, &profile, &board.session_document(), board.ground.now);
            scope.allow(self.left);
            scope.charge_shown();
            scope
        });
        if scope.steps_left() == 0 {
            // All that is evaluated fails.
            return scope;
        }
        if !is_new && version != board.version() {
            scope.set_profile(&board.profile_document());
        }
        if let Some(memory) = memory {
            scope.set_memory(memory);
        }
        scope
    }
}
