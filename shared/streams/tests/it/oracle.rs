//! Random appends, flushes, crashes, expiries and reads against an oracle that is a set: whatever the order, a read shows
//! every change acknowledged before it exactly once (§5, §7).

use crate::payload::{Payload, change, id, session_id};
use crate::rows::{Collector, Committed, SNAPSHOT_LIFE, Table};
use crate::world::{P, World, key, tenant};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use std::collections::{BTreeMap, BTreeSet};
use tributary_model::{State, StreamId};
use tributary_streams::{Installed, Known, Reader, Subject};

/// Two profiles, each with a member of the same session: few, so that steps meet.
const PROFILES: usize = 2;

#[derive(Debug, Clone)]
enum Step {
    Append {
        profile: usize,
        event: u8,
        in_session: bool,
    },
    /// The collector's transaction; what follows it in Redis is left to the next steps.
    Commit,
    /// The scripts after it.
    AfterCommit,
    /// The same scripts once more, as after a lost reply.
    Repeat,
    /// The owner dies; the next one recovers before it flushes.
    Takeover,
    /// Snapshots may expire at any time.
    Expire {
        profile: usize,
        session: bool,
    },
    Read {
        profile: usize,
    },
    /// A reader takes the row and is paused.
    Load {
        profile: usize,
        session: bool,
    },
    /// Paused readers go on.
    Install,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let profile = || 0..PROFILES;
    let step = prop_oneof![
        6 => (profile(), 0..40_u8, any::<bool>())
            .prop_map(|(profile, event, in_session)| Step::Append { profile, event, in_session }),
        3 => Just(Step::Commit),
        3 => Just(Step::AfterCommit),
        1 => Just(Step::Repeat),
        1 => Just(Step::Takeover),
        2 => (profile(), any::<bool>()).prop_map(|(profile, session)| Step::Expire { profile, session }),
        3 => profile().prop_map(|profile| Step::Read { profile }),
        2 => (profile(), any::<bool>()).prop_map(|(profile, session)| Step::Load { profile, session }),
        2 => Just(Step::Install),
    ];
    proptest::collection::vec(step, 30..90)
}

#[test]
fn a_read_shows_every_acknowledged_change_exactly_once() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let world = runtime.block_on(World::start())?;
    let config = Config { cases: 100, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&steps(), |steps| {
        let played = runtime.block_on(play(&world, steps));
        played.map_err(|error| TestCaseError::fail(format!("{error:#}")))
    });
    outcome.map_err(|error| anyhow::anyhow!("{error}"))
}

async fn play(world: &World, steps: Vec<Step>) -> anyhow::Result<()> {
    world.raw::<()>(&["FLUSHALL"]).await?;
    let mut game = Game::start(world).await?;
    for step in steps {
        game.step(step).await?;
    }
    for profile in 0..PROFILES {
        game.read(profile).await?;
    }
    Ok(())
}

struct Game<'a> {
    world: &'a World,
    collector: Collector,
    reader: Reader<Table>,
    /// What was acknowledged, by subject.
    told: BTreeMap<Subject, BTreeSet<String>>,
    /// Committed, and not followed up in Redis yet.
    open: Option<Committed>,
    last: Option<Committed>,
    paused: Vec<(Subject, Known, StreamId)>,
}

impl<'a> Game<'a> {
    async fn start(world: &'a World) -> anyhow::Result<Self> {
        let table = Table::default();
        let fence = world.own("collector").await?;
        let collector = Collector { redis: world.redis.clone(), fence, table: table.clone() };
        let reader = Reader::new(world.redis.clone(), table, 1, SNAPSHOT_LIFE);
        Ok(Self {
            world,
            collector,
            reader,
            told: BTreeMap::new(),
            open: None,
            last: None,
            paused: Vec::new(),
        })
    }

    async fn step(&mut self, step: Step) -> anyhow::Result<()> {
        match step {
            Step::Append { profile, event, in_session } => self.append(profile, event, in_session).await?,
            Step::Commit => {
                // One flush at a time: the next begins when the last one is through.
                self.follow_up().await?;
                self.open = Some(self.collector.commit().await?);
            }
            Step::AfterCommit => self.follow_up().await?,
            Step::Repeat => {
                if let Some(last) = &self.last {
                    self.collector.after_commit(last).await?;
                }
            }
            Step::Takeover => {
                self.collector.fence = self.world.take_over(&self.collector.fence).await?;
                self.open = None;
                self.collector.after_commit(&self.collector.recover()).await?;
            }
            Step::Expire { profile, session } => {
                let name =
                    if session { format!("s:demo:s:p{profile}") } else { format!("p:demo:p{profile}") };
                self.world.raw::<()>(&["DEL", &key(&format!("snap:{name}"))]).await?;
            }
            Step::Read { profile } => self.read(profile).await?,
            Step::Load { profile, session } => {
                let subject = subject(profile, session);
                let (row, stamp) = self.collector.table.get(&tenant(), &subject);
                self.paused.push((subject, row, stamp));
            }
            Step::Install => self.install().await?,
        }
        Ok(())
    }

    async fn append(&mut self, profile: usize, event: u8, in_session: bool) -> anyhow::Result<()> {
        let name = format!("e{event}");
        let payload = Payload::of(&format!("p{profile}"), &[&name]);
        // Without the visit's own event, whose changes the oracle would have to know.
        let payload = Payload { bound: false, ..if in_session { payload.in_session("s") } else { payload } };
        if crate::payload::accepted(&payload.outcomes(&self.world.redis).await?) == [true] {
            self.told.entry(subject(profile, false)).or_default().insert(name.clone());
            if in_session {
                self.told.entry(subject(profile, true)).or_default().insert(name);
            }
        }
        Ok(())
    }

    async fn follow_up(&mut self) -> anyhow::Result<()> {
        if let Some(open) = self.open.take() {
            self.collector.after_commit(&open).await?;
            self.last = Some(open);
        }
        Ok(())
    }

    async fn read(&self, profile: usize) -> anyhow::Result<()> {
        let origin = id(&format!("p{profile}"));
        let reading = self.reader.read(&tenant(), &origin, Some(&session_id("s"))).await?;
        self.check(&subject(profile, false), &reading.profile.state)?;
        let member = reading.session.get(&origin).map(|(_, state)| state.clone()).unwrap_or_default();
        self.check(&subject(profile, true), &member)
    }

    async fn install(&mut self) -> anyhow::Result<()> {
        for (subject, row, stamp) in std::mem::take(&mut self.paused) {
            let installed =
                self.world.redis.install(P, &tenant(), &subject, &row, stamp, SNAPSHOT_LIFE).await?;
            if let Installed::Known(known) = installed {
                self.check(&subject, &known.state)?;
            }
        }
        Ok(())
    }

    fn check(&self, subject: &Subject, shown: &State) -> anyhow::Result<()> {
        let changes: Vec<_> =
            self.told.get(subject).into_iter().flatten().map(|event| change(event)).collect();
        let expected = State::fold(&changes);
        anyhow::ensure!(*shown == expected, "{subject:?} shows {shown:?}, acknowledged was {expected:?}");
        Ok(())
    }
}

fn subject(profile: usize, session: bool) -> Subject {
    let origin = id(&format!("p{profile}"));
    if session { Subject::Session { session: session_id("s"), origin } } else { Subject::Profile(origin) }
}
