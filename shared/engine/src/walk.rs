//! A run's way through its graph.
//!
//! One pass over the nodes in their order is enough: every edge leads forward, so when a node's place is reached, everything
//! that leads there has been left, waits, or can never be entered. A for-each's body is passed once for each item.

use std::collections::BTreeMap;

use tributary_model::Time;

use crate::advance::{Advanced, Effect, Input, Run};
use crate::board::Board;
use crate::call::{Answer, Wanted};
use crate::event::EventView;
use crate::limits::MAX_STEPS;
use crate::memory::Memory;
use crate::node::{News, Wait};
use crate::record::NodeRecord;
use crate::shown::Shown;
use crate::state::RunState;

mod each;
mod place;
mod turns;

use place::{Coming, Place};

/// The port by which a for-each is left, and that by which its items go into its body, for the record.
const DONE: &str = "done";
const EACH: &str = "each";

/// A run under way.
pub(crate) struct Walk<'w, 'a> {
    run: Run<'w>,
    shown: &'w mut Shown<'a>,
    board: &'w mut Board<'a>,
    /// By node. The state's own map is empty meanwhile.
    places: Vec<Place>,
    /// What has come for nodes that waited.
    came: BTreeMap<usize, Came<'w>>,
    state: RunState,
    memory: Memory,
    wanted: Vec<Wanted>,
    effects: Vec<Effect>,
    records: Vec<NodeRecord>,
}

enum Came<'w> {
    Answer(Answer),
    Due,
    Event(EventView<'w>),
}

impl<'w, 'a> Walk<'w, 'a> {
    /// A run in `state`.
    ///
    /// # Errors
    /// The state names nodes that the graph does not have.
    pub(crate) fn new(
        run: Run<'w>,
        mut state: RunState,
        shown: &'w mut Shown<'a>,
        board: &'w mut Board<'a>,
    ) -> Result<Walk<'w, 'a>, String> {
        Ok(Walk {
            places: place::load(run.graph, std::mem::take(&mut state.nodes))?,
            memory: Memory::new(std::mem::take(&mut state.memory)),
            came: BTreeMap::new(),
            run,
            shown,
            board,
            state,
            wanted: Vec::new(),
            effects: Vec::new(),
            records: Vec::new(),
        })
    }

    pub(crate) fn go(mut self, input: Input<'w>) -> Advanced {
        let graph = self.run.graph;
        self.take_in(input);
        if let Err(reason) = self.pass(graph.order()).and_then(|()| self.rest()) {
            self.effects = vec![Effect::Fail(reason)];
        }
        let Walk { run, places, memory, mut state, effects, records, .. } = self;
        if matches!(effects.last(), Some(Effect::Call(_) | Effect::Pause { .. })) {
            state.nodes = place::save(run.graph, places);
            state.memory = memory.into_values();
        }
        Advanced { state, effects, records }
    }

    /// Gives what has come to the nodes that waited for it.
    fn take_in(&mut self, input: Input<'w>) {
        match input {
            Input::Start => {}
            Input::Answers(mut answers) => {
                for (index, placed) in self.run.graph.nodes().iter().enumerate() {
                    if matches!(self.places[index], Place::Calling)
                        && let Some(answer) = answers.remove(&placed.name)
                    {
                        self.came.insert(index, Came::Answer(answer));
                    }
                }
            }
            Input::Due => {
                let now = self.board.ground.now;
                let due = |place: &Place| matches!(place, Place::Waiting(wait) if is_due(wait, now));
                let due = (0..self.places.len()).filter(|index| due(&self.places[*index]));
                self.came = due.map(|index| (index, Came::Due)).collect();
            }
            Input::Event(event, nodes) => {
                self.came = nodes.into_iter().map(|index| (index, Came::Event(event))).collect();
            }
        }
    }

    /// Goes through these nodes once: resumes those for which something has come, enters those to which a way leads.
    fn pass(&mut self, order: &'w [usize]) -> Result<(), String> {
        for &index in order {
            if self.state.stopped {
                break;
            }
            match &self.places[index] {
                Place::Ahead => match place::coming(self.run.graph, index, &self.places) {
                    Coming::Now(from) => self.enter(index, from)?,
                    Coming::Never => self.places[index] = Place::Passed,
                    Coming::Later => {}
                },
                Place::Calling | Place::Waiting(_) => {
                    if let Some(came) = self.came.remove(&index) {
                        self.resume(index, &came)?;
                    }
                }
                Place::Passed | Place::Looping | Place::Left(_) | Place::Ended => {}
            }
            if matches!(self.places[index], Place::Looping) {
                self.each(index)?;
            }
        }
        Ok(())
    }

    fn enter(&mut self, index: usize, from: Option<(usize, usize)>) -> Result<(), String> {
        if self.state.steps >= MAX_STEPS {
            return Err(format!("a run enters at most {MAX_STEPS} nodes, and this would be one more"));
        }
        self.state.steps += 1;
        self.turn(index, from, |node, turn| node.enter(turn))
    }

    fn resume(&mut self, index: usize, came: &Came<'w>) -> Result<(), String> {
        self.turn(index, self.led_by(index), |node, turn| {
            let news = match came {
                Came::Answer(answer) => News::Answer(answer),
                Came::Due => News::Due,
                Came::Event(event) => News::Event(event),
            };
            node.resume(turn, news)
        })
    }

    /// Says how the run goes on.
    fn rest(&mut self) -> Result<(), String> {
        if self.state.stopped {
            self.effects.push(Effect::Finish);
            return Ok(());
        }
        let calling = self.places.iter().filter(|place| matches!(place, Place::Calling)).count();
        if calling != self.wanted.len() {
            return Err("a call was not answered".to_owned());
        }
        if calling > 0 {
            self.effects.extend(self.wanted.drain(..).map(Effect::Call));
            return Ok(());
        }
        let waits = || {
            self.places.iter().filter_map(|place| match place {
                Place::Waiting(wait) => Some(wait),
                _ => None,
            })
        };
        if waits().next().is_none() {
            self.effects.push(Effect::Finish);
            return Ok(());
        }
        let until = waits().filter_map(|wait| wait.until).min();
        let mut events: Vec<String> = waits().flat_map(|wait| wait.events.iter().cloned()).collect();
        events.sort_unstable();
        events.dedup();
        self.state.pauses += 1;
        self.effects.push(Effect::Pause { until, events });
        Ok(())
    }

    /// The way by which a node was entered.
    fn led_by(&self, index: usize) -> Option<(usize, usize)> {
        match place::coming(self.run.graph, index, &self.places) {
            Coming::Now(from) => from,
            Coming::Never | Coming::Later => None,
        }
    }
}

fn is_due(wait: &Wait, now: Time) -> bool {
    wait.until.is_some_and(|until| until <= now)
}
