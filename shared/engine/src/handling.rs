//! One event, or one timer, through all the runs that it concerns: those that waited for it, then those that it triggers, in
//! the order of the workflows' names. Each sees what those before it changed.

use std::collections::{BTreeMap, VecDeque};

use tributary_expressions::{Condition, MAX_SCOPE_STEPS, MAX_STEPS, Verdict};
use tributary_model::{Cell, EventId, Kind, Path, Time};

use crate::advance::{self, Effect, Input, Run};
use crate::board::{Board, Ground};
use crate::call::{Answer, Call, CallError, Wanted};
use crate::event::EventView;
use crate::graph::Graph;
use crate::limits::MAX_PAUSED;
use crate::record::Ending;
use crate::shown::Shown;
use crate::state::{NodeState, RunState};

mod outcome;
mod under_way;

pub use outcome::{Finished, NotTriggered, Proceeding, RunName, RunOutcome, Undecided};

use under_way::{Next, UnderWay};

/// A workflow that an event triggers.
#[derive(Debug, Clone, Copy)]
pub struct Triggered<'a> {
    /// Its name.
    pub workflow: &'a str,
    /// Its nodes.
    pub graph: &'a Graph,
    /// What must hold besides, asked once.
    pub condition: Option<&'a Condition>,
    /// Consents that the profile must have given, by name, at the moment of the run.
    pub consents: &'a [String],
}

/// A run that paused, as it was kept.
#[derive(Debug, Clone)]
pub struct PausedRun<'a> {
    /// The id of its timer: names it for whoever commits.
    pub timer: String,
    /// The workflow.
    pub workflow: &'a str,
    /// Its nodes, of the revision that it started on.
    pub graph: &'a Graph,
    /// The id of the event that it is for.
    pub event_id: EventId,
    /// The event that it is for.
    pub event: EventView<'a>,
    /// Its state.
    pub state: RunState,
}

/// One event, or timer, under way. It may be held while calls are answered.
#[derive(Debug)]
pub struct Handling<'a> {
    board: Board<'a>,
    /// The event that is handled; none for a timer.
    event: Option<(EventId, EventView<'a>)>,
    /// Runs that may go on.
    paused: VecDeque<PausedRun<'a>>,
    /// Workflows that may run.
    triggered: VecDeque<Triggered<'a>>,
    /// The run that waits for answers.
    under_way: Option<UnderWay<'a>>,
    /// How many runs of the profile are paused.
    places: usize,
    done: Vec<RunOutcome>,
    undecided: Vec<Undecided>,
    not_triggered: Vec<NotTriggered>,
    left: Left,
}

/// How many steps evaluations still have, each of these together and over all calls: so none of them takes from another one.
#[derive(Debug)]
struct Left {
    /// Triggers, and the runs that the event triggers.
    triggered: usize,
    /// Runs that go on.
    resumed: usize,
}

impl Left {
    const ALL: Left = Left { triggered: MAX_SCOPE_STEPS, resumed: MAX_SCOPE_STEPS };
}

impl<'a> Handling<'a> {
    /// An event: `waiting` are the paused runs of the profile that wait for its type, the oldest first; `triggered` the
    /// workflows that mean it, by name. `paused` is how many runs of the profile are paused in all.
    #[must_use]
    pub fn of_event(
        ground: Ground<'a>,
        event_id: EventId,
        event: EventView<'a>,
        waiting: Vec<PausedRun<'a>>,
        triggered: Vec<Triggered<'a>>,
        paused: usize,
    ) -> Handling<'a> {
        Handling {
            board: Board::new(ground),
            event: Some((event_id, event)),
            paused: waiting.into(),
            triggered: triggered.into(),
            under_way: None,
            places: paused,
            done: Vec::new(),
            undecided: Vec::new(),
            not_triggered: Vec::new(),
            left: Left::ALL,
        }
    }

    /// A paused run whose time has come. `paused` is how many runs of the profile are paused in all, this one included.
    ///
    /// Should the clock that `ground.now` comes from be behind the one that the timer went by, then it is as late as the run
    /// waited for.
    #[must_use]
    pub fn of_timer(mut ground: Ground<'a>, run: PausedRun<'a>, paused: usize) -> Handling<'a> {
        let until = |state: &NodeState| match state {
            NodeState::Waiting(wait) => wait.until,
            _ => None,
        };
        ground.now = ground.now.max(run.state.nodes.values().filter_map(until).min().unwrap_or(ground.now));
        Handling {
            board: Board::new(ground),
            event: None,
            paused: VecDeque::from([run]),
            triggered: VecDeque::new(),
            under_way: None,
            places: paused,
            done: Vec::new(),
            undecided: Vec::new(),
            not_triggered: Vec::new(),
            left: Left::ALL,
        }
    }

    /// Goes as far as it can. Without an answer to the calls of the last time, it comes to them again.
    pub fn proceed(&mut self) -> Proceeding {
        // What the event's own runs are shown. Not kept over calls: `now` is another one then.
        let mut shown = self.event.as_ref().map(|(_, event)| Shown::new(*event, self.left.triggered));
        let calls = self.proceed_over(&mut shown);
        self.left.triggered = shown.map_or(self.left.triggered, |shown| shown.left());
        if let Some((run, wanted)) = calls {
            return Proceeding::Calls { run, wanted };
        }
        let response = self.board.response().clone();
        let (runs, undecided) = (std::mem::take(&mut self.done), std::mem::take(&mut self.undecided));
        let not_triggered = std::mem::take(&mut self.not_triggered);
        Proceeding::Finished(Finished { runs, response, undecided, not_triggered })
    }

    /// Goes on until a run calls.
    fn proceed_over(&mut self, shown: &mut Option<Shown<'a>>) -> Option<(RunName, Vec<Wanted>)> {
        while let Some(run) = self.under_way.take().or_else(|| self.next(shown)) {
            let calls = self.go_on(run, shown);
            if calls.is_some() {
                return calls;
            }
        }
        None
    }

    /// Takes the answers to the calls of the last [`Proceeding::Calls`], by node; a call without one failed. `now` is the
    /// moment at which they were there.
    pub fn answer(&mut self, mut answers: BTreeMap<String, Answer>, now: Time) {
        let Some(run) = &mut self.under_way else { return };
        if let Next::Answers(wanted) = &run.next {
            for wanted in wanted {
                answers.entry(wanted.node.clone()).or_insert_with(|| no_answer(&wanted.call));
            }
            run.next = Next::Go(Input::Answers(answers));
            self.board.ground.now = self.board.ground.now.max(now);
        }
    }

    /// The next run: one that waited for this, or else one that the event triggers.
    fn next(&mut self, shown: &mut Option<Shown<'a>>) -> Option<UnderWay<'a>> {
        let (Some((id, event)), Some(shown)) = (self.event.clone(), shown) else {
            let run = self.paused.pop_front()?;
            let now = self.board.ground.now;
            return Some(self.resumed(run, Input::Due, now));
        };
        while let Some(mut run) = self.paused.pop_front() {
            let nodes = self.awaiting(&mut run, event, shown);
            if !nodes.is_empty() {
                return Some(self.resumed(run, Input::Event(event, nodes), event.time));
            }
        }
        while let Some(triggered) = self.triggered.pop_front() {
            if let Some(consent) = self.not_given(&triggered) {
                self.pass_over(triggered.workflow, || format!("the consent {consent} is not given"));
                continue;
            }
            let verdict = triggered
                .condition
                .map_or(Verdict::True, |condition| condition.evaluate(shown.without_memory(&self.board)));
            if let Verdict::False | Verdict::Missing { .. } = verdict {
                self.pass_over(triggered.workflow, || match verdict {
                    Verdict::Missing { what } => format!("{what} is missing"),
                    _ => "its condition does not hold".to_owned(),
                });
                continue;
            }
            let run = UnderWay::started(triggered.workflow, triggered.graph, id.clone(), event);
            let Verdict::Failed { reason } = verdict else { return Some(run) };
            self.end(run, Ending::Failed(format!("the trigger's condition: {reason}")));
        }
        None
    }

    /// The nodes of a paused run that waited for the event. What that takes is each run's own: however much those before it
    /// wanted to know, it is asked.
    fn awaiting(
        &mut self,
        run: &mut PausedRun<'a>,
        event: EventView<'a>,
        shown: &mut Shown<'a>,
    ) -> Vec<usize> {
        // Made before, so that no run has to pay for it.
        let _ = shown.without_memory(&self.board);
        let left = shown.allow(MAX_STEPS);
        let (nodes, undecided) = advance::awaiting(run.graph, &mut run.state, event, shown, &self.board);
        shown.allow(left);
        let told = undecided.into_iter().map(|(node, reason)| {
            let (workflow, event, resumed) =
                (run.workflow.to_owned(), run.event_id.clone(), Some(run.timer.clone()));
            Undecided { run: RunName { workflow, event, resumed }, node, reason }
        });
        self.undecided.extend(told);
        nodes
    }

    fn resumed(&mut self, run: PausedRun<'a>, input: Input<'a>, time: Time) -> UnderWay<'a> {
        self.places = self.places.saturating_sub(1);
        UnderWay::resumed(run, input, time)
    }

    /// The first consent of a trigger that is not given, on the profile as it has become.
    fn not_given(&self, triggered: &Triggered<'a>) -> Option<&'a String> {
        let given = |consent: &String| {
            let path = Path::new(format!("consents.{consent}")).ok()?;
            match self.board.profile().get(&path, Kind::Flag) {
                Some(Cell::Flag(flag)) => Some(flag.is_on(self.board.ground.now)),
                _ => None,
            }
        };
        triggered.consents.iter().find(|consent| !given(consent).unwrap_or(false))
    }

    /// Says why a workflow does not run, where details are asked for.
    fn pass_over(&mut self, workflow: &str, why: impl FnOnce() -> String) {
        if self.board.ground.details {
            self.not_triggered.push(NotTriggered { workflow: workflow.to_owned(), why: why() });
        }
    }

    /// Goes on with one run: until it has to wait for answers to these calls, or is through.
    fn go_on(
        &mut self,
        mut run: UnderWay<'a>,
        shown: &mut Option<Shown<'a>>,
    ) -> Option<(RunName, Vec<Wanted>)> {
        let name = run.name();
        let input = match std::mem::replace(&mut run.next, Next::Answers(Vec::new())) {
            Next::Go(input) => input,
            Next::Answers(wanted) => {
                run.next = Next::Answers(wanted.clone());
                self.under_way = Some(run);
                return Some((name, wanted));
            }
        };
        // A run that paused is for an event of its own.
        let mut own = Shown::new(run.event, self.left.resumed);
        let shown = shown.as_mut().filter(|_| run.resumed.is_none()).unwrap_or(&mut own);
        let way = Run { graph: run.graph, author: &run.author, event: run.event };
        let state = std::mem::take(&mut run.state);
        let advanced = advance::advance(way, state, input, shown, &mut self.board);
        self.left.resumed = own.left();
        run.state = advanced.state;
        run.records.extend(advanced.records);
        let mut wanted = Vec::new();
        let mut ending = Ending::Done;
        for effect in advanced.effects {
            match effect {
                Effect::Change(change) => run.changes.push(change),
                Effect::Emit(emit) => run.emits.push(emit),
                Effect::Deliver(delivery) => run.deliveries.push(delivery),
                // The board has it, and gives it back when the run is kept.
                Effect::Respond(_) | Effect::Finish => {}
                Effect::Call(call) => wanted.push(call),
                Effect::Pause { until, events } => ending = Ending::Paused { until, events },
                Effect::Fail(reason) => ending = Ending::Failed(reason),
            }
        }
        if wanted.is_empty() {
            self.end(run, ending);
            return None;
        }
        run.next = Next::Answers(wanted.clone());
        self.under_way = Some(run);
        Some((name, wanted))
    }

    /// Keeps what a run did, or undoes it.
    fn end(&mut self, run: UnderWay<'a>, mut ending: Ending) {
        if matches!(ending, Ending::Paused { .. }) {
            if self.places >= MAX_PAUSED {
                let told = format!("a profile has at most {MAX_PAUSED} paused runs");
                ending = Ending::Failed(format!("{told}, and this would be one more"));
            } else {
                self.places += 1;
            }
        }
        let mut outcome = run.outcome(ending);
        if let Ending::Failed(_) = outcome.ending {
            self.board.undo(self.done.iter().flat_map(|run| &run.changes));
        } else {
            outcome.response = self.board.keep();
        }
        self.done.push(outcome);
    }
}

fn no_answer(call: &Call) -> Answer {
    let error = CallError { reason: "NOT_CALLED".to_owned(), message: "there was no answer".to_owned() };
    match call {
        Call::Http(_) => Answer::Http(Err(error)),
        Call::Node(_) => Answer::Node(Err(error)),
        Call::History(_) => Answer::History(Err(error)),
    }
}
