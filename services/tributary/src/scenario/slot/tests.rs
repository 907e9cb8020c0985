//! The slots in memory say what the real script says: the same payloads, in random order, to both.

use std::{collections::HashMap, fs::Permissions, os::unix::fs::PermissionsExt as _};

use futures::FutureExt as _;
use tributary_model::TraceContext;
use tributary_servers::RedisOptions;
use tributary_streams::{Awaited, Redis};

use super::*;

const P: PartitionId = PartitionId(0);
const VISIT_TIMEOUT: Duration = Duration::from_secs(1800);
const LIMITS: AppendLimits = AppendLimits {
    dedup_window: Duration::from_secs(3600),
    visit_timeout: VISIT_TIMEOUT,
    pending: 10_000,
    stream: 1_000_000,
};

/// A payload, owned.
#[derive(Debug)]
struct Payload {
    profile: ProfileId,
    session: Option<SessionId>,
    may_open: bool,
    handed: Option<OpenVisit>,
    created: bool,
    /// Number of the event, and its time in seconds.
    events: Vec<(u64, i64)>,
}

fn unit(id: String, session: bool) -> Unit {
    let set = v1::ChangeSet::default().encode_to_vec();
    Unit {
        id: EventId::new(id).unwrap(),
        event: Vec::new(),
        profile_changes: set.clone(),
        session_changes: session.then_some(set),
        awaited: Awaited::No,
    }
}

impl Payload {
    /// Few of everything, so that all of it meets.
    fn random(draw: &mut Draw) -> Payload {
        let session = draw.one_in(4).then_some(()).map_or_else(|| Some(draw.below(2)), |()| None);
        let handed = draw.one_in(5).then(|| OpenVisit {
            opening_event: "handed".into(),
            opened_at: "5".into(),
            last: micros(Time::from_micros(draw.below(12) as i64 * 600_000_000)),
        });
        Payload {
            profile: ProfileId::new(format!("p{}", draw.below(2))).unwrap(),
            session: session.map(|number| SessionId::new(format!("s{number}")).unwrap()),
            may_open: !draw.one_in(4),
            handed,
            created: draw.one_in(2),
            events: (0..=draw.below(3)).map(|_| (draw.below(40), draw.below(12) as i64 * 600)).collect(),
        }
    }

    /// profile-created, and the events, as they are appended.
    fn units(&self) -> (Option<Unit>, Vec<EventUnit>) {
        let in_session = self.session.is_some();
        let event = |(number, seconds): &(u64, i64)| EventUnit {
            unit: unit(format!("e{number}"), in_session),
            time: Time::from_micros(seconds * 1_000_000),
            visit_started: in_session.then(|| unit(format!("v{number}"), true)),
        };
        let created = self.created.then(|| unit(format!("created-{}", self.profile), in_session));
        (created, self.events.iter().map(event).collect())
    }
}

/// What an append decided, without the positions, which are the clock's.
type Decided = Vec<Option<(bool, bool)>>;

fn decided(appended: &Appended) -> Decided {
    let Appended::Done { events, .. } = appended else { panic!("{appended:?}") };
    let of_event = |event: &AppendedEvent| match event {
        AppendedEvent::Accepted { created_profile, opened_visit, .. } => {
            Some((*created_profile, *opened_visit))
        }
        AppendedEvent::Duplicate { .. } => None,
    };
    events.iter().map(of_event).collect()
}

/// Small and repeatable.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }
}

async fn redis() -> (Redis, tributary_servers::Redis, tempfile::TempDir) {
    // Passable for the account without rights under which the server runs.
    let mut builder = tempfile::Builder::new();
    let dir = builder.prefix("tributary-slot-").permissions(Permissions::from_mode(0o711)).tempdir().unwrap();
    let args = ["--appendonly", "no"].map(str::to_owned).into();
    let options = RedisOptions { args, ..RedisOptions::default() };
    let server = tributary_servers::Redis::start(&dir.path().join("redis"), options).await.unwrap();
    let redis = Redis::connect(&server.url(), true).await.unwrap();
    (redis, server, dir)
}

#[tokio::test]
async fn the_slots_in_memory_decide_as_the_script_does() {
    let (redis, _server, _dir) = redis().await;
    let mut outcomes: HashMap<Option<(bool, bool)>, usize> = HashMap::new();
    for seed in 0..40 {
        let mut draw = Draw(seed);
        let memory = Memory::default();
        memory.set_clock(Time::from_micros(1_700_000_000_000_000));
        // Its own for each seed: nothing is remembered from the one before.
        let tenant = TenantId::new(format!("t{seed}")).unwrap();
        for number in 0..25 {
            let payload = Payload::random(&mut draw);
            let (created, events) = payload.units();
            let append = Append {
                partition: P,
                tenant: &tenant,
                profile: &payload.profile,
                session: payload.session.as_ref(),
                may_open_visit: payload.may_open,
                handed_visit: payload.handed.clone(),
                not_after: Time::MAX,
                created: created.as_ref(),
                events: &events,
                trace: &TraceContext::default(),
            };
            let in_memory = memory.append(&append, &LIMITS).now_or_never().unwrap().unwrap();
            let in_redis = redis.append(&append, &LIMITS).await.unwrap();
            assert_eq!(decided(&in_memory), decided(&in_redis), "seed {seed}, payload {number}: {payload:?}");
            decided(&in_redis).into_iter().for_each(|outcome| *outcomes.entry(outcome).or_default() += 1);
        }
    }
    // Every decision has come up, or nothing was compared.
    for outcome in [None, Some((false, false)), Some((true, false)), Some((false, true)), Some((true, true))]
    {
        assert!(outcomes.get(&outcome).is_some_and(|count| *count > 5), "{outcome:?}: {outcomes:?}");
    }
}
