//! A random game of events that pause runs and make them go on: timers, lost replies, crashes, owners that were replaced and
//! wake, and commits that come late. Whatever the order, each run goes on exactly once from each of its pauses (§6).

use crate::payload::{Payload, id};
use crate::world::{P, World, key, tenant};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use std::collections::BTreeMap;
use std::time::Duration;
use tributary_model::{EventId, StreamId, TraceContext};
use tributary_streams::{
    Effect, Ending, Fence, From, Gate, Group, Progress, RunCommit, RunCommitted, Stream, StreamsError,
    timer_id, timer_parts,
};

const LONG: Duration = Duration::from_secs(3600);

/// What becomes of a commit's reply.
#[derive(Debug, Clone, Copy)]
enum Reply {
    Arrives,
    /// It is lost, and the owner sends the commit again.
    Lost,
    /// The owner dies with it, and the next one starts.
    Dies,
    /// The commit is held up, and sent at some later step.
    HeldUp,
}

#[derive(Debug, Clone)]
enum Step {
    Append,
    /// The owner handles the oldest event that is not finished, having looked at what is paused or not.
    Handle {
        looks: bool,
        reply: Reply,
    },
    /// The owner lets the first due timer go on.
    Fire(Reply),
    /// All timers become due.
    Pass,
    /// The lease ends, and another process takes the partition. The former sends what it has in hand all the same.
    Takeover,
    /// Whatever was held up is sent, the newest first.
    Release,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let reply = || {
        prop_oneof![
            3 => Just(Reply::Arrives),
            2 => Just(Reply::Lost),
            1 => Just(Reply::Dies),
            2 => Just(Reply::HeldUp),
        ]
    };
    let step = prop_oneof![
        4 => Just(Step::Append),
        6 => (any::<bool>(), reply()).prop_map(|(looks, reply)| Step::Handle { looks, reply }),
        3 => reply().prop_map(Step::Fire),
        1 => Just(Step::Pass),
        1 => Just(Step::Takeover),
        2 => Just(Step::Release),
    ];
    proptest::collection::vec(step, 20..70)
}

#[test]
fn each_run_goes_on_exactly_once_from_each_of_its_pauses() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let world = runtime.block_on(World::start())?;
    let config = Config { cases: 150, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&steps(), |steps| {
        let played = runtime.block_on(play(&world, steps));
        played.map_err(|error| TestCaseError::fail(format!("{error:#}")))
    });
    outcome.map_err(|error| anyhow::anyhow!("{error}"))
}

async fn play(world: &World, steps: Vec<Step>) -> anyhow::Result<()> {
    world.raw::<()>(&["FLUSHALL"]).await?;
    world.redis.ensure_group(P, Group::Workflow).await?;
    let fence = world.own("workflow").await?;
    let mut game = Game { world, fence, appended: 0, held_up: Vec::new() };
    for step in steps {
        game.step(step).await?;
    }
    game.end().await?;
    game.check().await
}

struct Game<'a> {
    world: &'a World,
    fence: Fence,
    appended: usize,
    held_up: Vec<(Fence, Prepared)>,
}

/// A commit, ready to be sent as often as it takes.
struct Prepared {
    /// An entry, or a timer.
    of: Result<StreamId, String>,
    looked: bool,
    event_type: &'static str,
    effects: Vec<Effect>,
}

impl Game<'_> {
    async fn step(&mut self, step: Step) -> anyhow::Result<()> {
        match step {
            Step::Append => {
                self.appended += 1;
                Payload::of("ann", &[&format!("e{}", self.appended)]).outcomes(&self.world.redis).await?;
            }
            Step::Handle { looks, reply } => self.handle(looks, reply).await.map(drop)?,
            Step::Fire(reply) => self.fire(reply).await.map(drop)?,
            Step::Pass => self.pass().await?,
            Step::Takeover => self.fence = self.world.take_over(&self.fence).await?,
            Step::Release => {
                for (fence, prepared) in std::mem::take(&mut self.held_up).iter().rev() {
                    self.send(fence, prepared).await?;
                }
            }
        }
        Ok(())
    }

    /// Answers whether there was anything to handle.
    async fn handle(&mut self, looks: bool, reply: Reply) -> anyhow::Result<bool> {
        let redis = &self.world.redis;
        let pending = From::Pending(StreamId::default());
        let mut handed = redis.read_group(&self.fence, Group::Workflow, pending, 1).await?;
        if handed.is_empty() {
            handed = redis.read_group(&self.fence, Group::Workflow, From::New, 1).await?;
        }
        let Some(handed) = handed.pop() else { return Ok(false) };
        let number: usize = handed.entry.event_id[1..].parse()?;
        let waiting: Vec<String> = self.waiting(type_of(number)).await?;
        let mut looked = looks;
        loop {
            let paused = if looked { self.waiting(type_of(number)).await? } else { Vec::new() };
            let mut effects = vec![mark(format!("handled {}", handed.entry.event_id))];
            let event_type = type_of(number);
            for timer in paused {
                effects.extend(goes_on(&timer));
                effects.push(Effect::Resume { timer, profile: id("ann") });
            }
            effects.extend(pauses(number, 0));
            effects.push(seen(&handed.entry.event_id, handed.entry.id)?);
            let prepared = Prepared { of: Ok(handed.entry.id), looked, event_type, effects };
            let outcome = self.finish(prepared, reply).await?;
            if let Some(RunCommitted::Done { .. }) = outcome {
                let still = self.waiting(event_type).await?;
                let missed: Vec<_> = waiting.iter().filter(|timer| still.contains(timer)).collect();
                anyhow::ensure!(missed.is_empty(), "missed their event: {missed:?}");
            }
            if outcome != Some(RunCommitted::Waiters) {
                return Ok(true);
            }
            anyhow::ensure!(!looked, "an owner that looked has to look again, with nobody else there");
            looked = true;
        }
    }

    /// The runs that wait for events of a type.
    async fn waiting(&self, event_type: &str) -> anyhow::Result<Vec<String>> {
        let paused = self.world.redis.paused(P, &tenant(), &id("ann")).await?;
        let waits = paused.into_iter().filter(|paused| paused.awaits == [event_type]);
        Ok(waits.map(|paused| paused.timer).collect())
    }

    async fn fire(&mut self, reply: Reply) -> anyhow::Result<bool> {
        let due = self.world.redis.due_timers(&self.fence, 1).await?;
        let Some(timer) = due.timers.into_iter().next() else { return Ok(false) };
        anyhow::ensure!(
            self.world.redis.paused_run(&self.fence, &timer).await?.is_some(),
            "{timer} is empty"
        );
        let effects = goes_on(&timer);
        let prepared = Prepared { of: Err(timer), looked: true, event_type: "", effects };
        self.finish(prepared, reply).await?;
        Ok(true)
    }

    /// What the owner learns of its commit, if anything.
    async fn finish(&mut self, prepared: Prepared, reply: Reply) -> anyhow::Result<Option<RunCommitted>> {
        if matches!(reply, Reply::HeldUp) {
            self.held_up.push((self.fence.clone(), prepared));
            return Ok(None);
        }
        let mut outcome = self.send(&self.fence, &prepared).await?;
        match reply {
            Reply::Lost => {
                let again = self.send(&self.fence, &prepared).await?;
                let repeats = matches!(
                    (outcome, again),
                    (Some(RunCommitted::Done { .. } | RunCommitted::Already), Some(RunCommitted::Already))
                        | (Some(RunCommitted::Waiters), Some(RunCommitted::Waiters))
                );
                anyhow::ensure!(repeats, "{outcome:?}, then {again:?}");
            }
            Reply::Dies => {
                self.fence = self.world.take_over(&self.fence).await?;
                outcome = None;
            }
            Reply::Arrives | Reply::HeldUp => {}
        }
        Ok(outcome)
    }

    /// `None` from an owner that was replaced.
    async fn send(&self, fence: &Fence, prepared: &Prepared) -> anyhow::Result<Option<RunCommitted>> {
        let Prepared { of, looked, event_type, effects } = prepared;
        let gate = match of {
            Ok(entry) => Gate::Entry { group: Group::Workflow, entry: *entry },
            Err(timer) => Gate::Timer(timer),
        };
        let (tenant, profile, trace) = (&tenant(), &id("ann"), &TraceContext::default());
        let commit = RunCommit { gate, tenant, profile, looked: *looked, event_type, effects, trace };
        match self.world.redis.commit_run(fence, &commit).await {
            Ok(committed) => Ok(Some(committed)),
            Err(StreamsError::Fenced) if *fence != self.fence => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn pass(&self) -> anyhow::Result<()> {
        let timers = key("timers:workflow");
        for timer in self.world.raw::<Vec<String>>(&["ZRANGE", &timers, "0", "-1"]).await? {
            self.world.raw::<()>(&["ZADD", &timers, "0", &timer]).await?;
        }
        Ok(())
    }

    /// Everything comes to its end.
    async fn end(&mut self) -> anyhow::Result<()> {
        self.step(Step::Release).await?;
        loop {
            self.pass().await?;
            let handled = self.handle(false, Reply::Arrives).await?;
            if !self.fire(Reply::Arrives).await? && !handled {
                return Ok(());
            }
        }
    }

    async fn check(&self) -> anyhow::Result<()> {
        let mut told: BTreeMap<String, usize> = BTreeMap::new();
        for entry in self.world.redis.tail(P, Stream::Changes, StreamId::default(), 100_000).await? {
            *told.entry(entry.cause).or_default() += 1;
        }
        told.retain(|cause, _| !cause.ends_with("/1"));
        let twice: Vec<_> = told.iter().filter(|(_, times)| **times != 1).collect();
        anyhow::ensure!(twice.is_empty(), "not once: {twice:?}");
        let of = |kind: &str| -> Vec<String> {
            told.keys().filter_map(|cause| cause.strip_prefix(kind)).map(str::to_owned).collect()
        };
        anyhow::ensure!(of("handled ").len() == self.appended, "handled: {:?}", of("handled "));
        anyhow::ensure!(of("paused ") == of("resumed "), "{:?} and {:?}", of("paused "), of("resumed "));
        for number in 1..=self.appended {
            let event = EventId::new(format!("e{number}"))?;
            let progress = self.world.redis.progress(P, &tenant(), &event).await?;
            anyhow::ensure!(matches!(progress, Progress::Ended { .. }), "{event}: {progress:?}");
        }
        let left: Vec<String> = self.world.raw(&["KEYS", &key("timer*")]).await?;
        anyhow::ensure!(left.is_empty(), "left: {left:?}");
        anyhow::ensure!(self.world.redis.paused(P, &tenant(), &id("ann")).await?.is_empty(), "still paused");
        Ok(())
    }
}

fn type_of(number: usize) -> &'static str {
    if number.is_multiple_of(2) { "even" } else { "odd" }
}

/// The pause of that number of the event's run, if it comes to it.
fn pauses(event: usize, number: usize) -> Vec<Effect> {
    if number >= event % 4 {
        return Vec::new();
    }
    let event = event.to_string();
    let timer = timer_id("workflow", &tenant(), &["ann", &event, "flow", &number.to_string()]);
    let marked = mark(format!("paused {timer}"));
    let delay = if number == 1 { Duration::ZERO } else { LONG };
    // Also for events of its own type.
    let awaits = if number == 2 { Vec::new() } else { vec![type_of(event.len() + number).to_owned()] };
    let pause =
        Effect::Pause { timer, profile: id("ann"), delay, awaits, fields: vec![("state", vec![0, 255])] };
    vec![marked, pause]
}

fn goes_on(timer: &str) -> Vec<Effect> {
    let parts = timer_parts(timer).expect("the game made it");
    let (event, number) = (parts[3].parse().expect("a number"), parts[5].parse::<usize>().expect("a number"));
    let mut effects = vec![mark(format!("resumed {timer}"))];
    effects.extend(pauses(event, number + 1));
    effects
}

fn mark(cause: String) -> Effect {
    Effect::Mark { cause, set: Vec::new() }
}

fn seen(event: &str, entry: StreamId) -> anyhow::Result<Effect> {
    let (event, outcome) = (EventId::new(event)?, event.as_bytes().to_vec());
    Ok(Effect::Seen { event, entry, ending: Ending::Done, outcome, announce: true, life: LONG })
}
