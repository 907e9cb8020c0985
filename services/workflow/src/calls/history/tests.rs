use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Map, json};
use tempfile::TempDir;
use tokio::time::{Instant, timeout};
use tributary_model::{EventId, PartitionId, ProfileId, SourceName, TenantId, TraceContext};
use tributary_proto::convert::time_to_wire;
use tributary_proto::raw::RawStruct;
use tributary_servers::{Postgres, PostgresOptions, RedisOptions};
use tributary_storage::{EventRow, FlushBatch, Positions};
use tributary_streams::{
    Append, AppendLimits, Appended, AppendedEvent, Awaited, EventUnit, Fence, Retention, Unit,
};

use super::*;

const HERE: PartitionId = PartitionId(0);
const NOW: Time = Time::from_micros(1_767_607_200_000_000);

/// A Redis and a Postgres with one partition, and its collector.
pub(in crate::calls) struct World {
    pub(in crate::calls) redis: Redis,
    pub(in crate::calls) storage: Storage,
    fence: Fence,
    epoch: i64,
    /// Where the collector is, of both streams.
    flushed: Positions,
    _servers: (tributary_servers::Redis, Postgres),
    _folder: TempDir,
}

impl World {
    pub(in crate::calls) async fn start() -> World {
        // The account under which the servers may run has to pass the folder.
        let folder = tempfile::Builder::new().permissions(Permissions::from_mode(0o711)).tempdir().unwrap();
        let args = vec!["--appendonly".to_owned(), "no".to_owned()];
        let options = RedisOptions { args, ..RedisOptions::default() };
        let server = tributary_servers::Redis::start(&folder.path().join("redis"), options).await.unwrap();
        let redis = Redis::connect(&server.url(), true).await.unwrap();
        let options = PostgresOptions { fsync: false, ..PostgresOptions::default() };
        let postgres = Postgres::start(&folder.path().join("postgres"), options).await.unwrap();
        let url = postgres.create_database("test").await.unwrap();
        tributary_storage::migrate(&url).await.unwrap();
        let storage = Storage::connect(&url, 4).await.unwrap();
        storage.ensure_deployment(1).await.unwrap();
        let lease = Duration::from_secs(600);
        let fence = redis.acquire(HERE, "collector", 0, lease).await.unwrap().unwrap();
        storage.take_epoch(HERE, 1).await.unwrap();
        let flushed = Positions::default();
        World { redis, storage, fence, epoch: 1, flushed, _servers: (server, postgres), _folder: folder }
    }

    /// Events are accepted, in one payload; answers their places.
    pub(in crate::calls) async fn append(
        &self,
        tenant: &str,
        profile: &str,
        events: Vec<v1::Event>,
    ) -> Vec<StreamId> {
        let (tenant, profile) = (TenantId::new(tenant).unwrap(), ProfileId::new(profile).unwrap());
        let units: Vec<EventUnit> = events
            .into_iter()
            .map(|event| EventUnit {
                time: NOW,
                visit_started: None,
                unit: Unit {
                    id: EventId::new(event.id.as_str()).unwrap(),
                    event: event.encode_to_vec(),
                    profile_changes: v1::ChangeSet::default().encode_to_vec(),
                    session_changes: None,
                    awaited: Awaited::No,
                },
            })
            .collect();
        let append = Append {
            partition: HERE,
            tenant: &tenant,
            profile: &profile,
            session: None,
            may_open_visit: false,
            handed_visit: None,
            not_after: Time::from_micros(i64::MAX / 2),
            created: None,
            events: &units,
            trace: &TraceContext::default(),
        };
        let hour = Duration::from_secs(3600);
        let limits =
            AppendLimits { dedup_window: hour, visit_timeout: hour, pending: 100_000, stream: 100_000 };
        match self.redis.append(&append, &limits).await.unwrap() {
            Appended::Done { events, .. } => events
                .into_iter()
                .map(|event| match event {
                    AppendedEvent::Accepted { entry, .. } => entry,
                    other => panic!("{other:?}"),
                })
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    /// The collector stores what lies up to there.
    async fn flush(&mut self, upto: StreamId) {
        let entries = self.redis.tail(HERE, Stream::Events, self.flushed.events, 100_000).await.unwrap();
        let to = Positions { events: upto, ..self.flushed };
        let mut batch = FlushBatch::new(HERE, self.epoch, self.flushed.changes, to);
        batch.events = entries.iter().filter(|entry| entry.id <= upto).map(row).collect();
        self.storage.flush(&mut batch).await.unwrap();
        self.flushed = to;
    }

    /// And then trims it, as far as nothing holds it.
    async fn trim(&self) {
        let nothing_stays = Retention { age: Duration::ZERO, entries: 0 };
        let (fence, upto) = (&self.fence, Some(self.flushed.events));
        self.redis.trim(fence, Stream::Events, upto, nothing_stays, &[]).await.unwrap();
    }
}

/// The row of an entry, as the collector makes it.
fn row(entry: &Entry) -> EventRow {
    let event = v1::Event::decode(entry.data.as_slice()).unwrap();
    EventRow {
        tenant: TenantId::new(entry.tenant.as_str()).unwrap(),
        id: EventId::new(event.id.as_str()).unwrap(),
        event_type: event.r#type,
        source: SourceName::new("web").unwrap(),
        profile_id: ProfileId::new(entry.profile.as_str()).unwrap(),
        session_id: None,
        time: time_from_wire(&event.time.unwrap(), "time").unwrap(),
        received: NOW,
        properties: event.properties.unwrap().to_object().unwrap(),
        context: Map::new(),
        revision: String::new(),
        request_id: String::new(),
        cause: None,
        depth: 0,
        problems: Vec::new(),
        invalid: event.invalid,
        historical: event.historical,
        workflow: String::new(),
        entry: entry.id,
    }
}

/// An event of a profile, so many seconds after the first.
pub(in crate::calls) fn event(id: &str, event_type: &str, seconds: i64) -> v1::Event {
    let properties = json!({"n": id}).as_object().map(RawStruct::from_object);
    let time = Time::from_micros(NOW.as_micros() + seconds * 1_000_000);
    v1::Event {
        id: id.to_owned(),
        r#type: event_type.to_owned(),
        time: Some(time_to_wire(time)),
        properties,
        ..v1::Event::default()
    }
}

/// One with so many KiB of properties.
pub(in crate::calls) fn large(id: &str, event_type: &str, kib: usize) -> v1::Event {
    let properties = json!({"text": "x".repeat(kib * 1024)}).as_object().map(RawStruct::from_object);
    v1::Event { properties, ..event(id, event_type, 0) }
}

fn query(types: &[&str], after: i64, limit: usize) -> HistoryQuery {
    let types = types.iter().map(|name| (*name).to_owned()).collect();
    let since = Time::from_micros(NOW.as_micros() + after * 1_000_000);
    HistoryQuery { types, since, limit, properties: true }
}

/// The ids of what is told, or the reason.
async fn told(world: &World, position: StreamId, query: &HistoryQuery) -> Result<Vec<String>, String> {
    let asked = ask(&world.redis, &world.storage, position, query).await;
    asked.map(|events| events.into_iter().map(|event| event.id).collect()).map_err(|error| error.reason)
}

async fn ask(
    redis: &Redis,
    storage: &Storage,
    position: StreamId,
    query: &HistoryQuery,
) -> Result<Vec<PastEvent>, CallError> {
    let workflow = crate::calls::tests::workflow();
    let asker = Asker {
        tenant: &TenantId::new("t").unwrap(),
        workflow: &workflow,
        event_id: &EventId::new("e").unwrap(),
        event_type: "any",
        profile: &ProfileId::new("p").unwrap(),
        partition: HERE,
        position,
        until: Instant::now() + Duration::from_secs(30),
    };
    read(redis, storage, &asker, query, &mut ROOM.clone()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_past_is_whole_before_a_flush_between_flush_and_trim_and_after_it() {
    let mut world = World::start().await;
    let mut misfit = event("misfit", "view", 3);
    misfit.invalid = true;
    // Equal times in one payload: they happened in the order in which they were sent.
    let first = vec![event("z", "view", 1), event("a", "buy", 1), misfit];
    let mut places = world.append("t", "p", first).await;
    world.append("t", "other", vec![event("o", "view", 1)]).await;
    world.append("u", "p", vec![event("u", "view", 1)]).await;
    places.extend(world.append("t", "p", vec![event("c", "view", 9), event("late", "view", 0)]).await);
    let [z, a, _, c, late] = places[..] else { panic!("{places:?}") };

    for moment in ["in the stream", "half stored", "stored and not trimmed", "half trimmed", "trimmed"] {
        match moment {
            "half stored" => world.flush(a).await,
            "half trimmed" => world.trim().await,
            "stored and not trimmed" => world.flush(late).await,
            _ => {}
        }
        let told = async |position, query| told(&world, position, &query).await.unwrap();
        assert_eq!(told(late, query(&[], -9, 100)).await, ["late", "z", "a", "c"], "{moment}");
        assert_eq!(told(StreamId::MAX, query(&[], -9, 100)).await, ["late", "z", "a", "c"], "{moment}");
        assert_eq!(told(c, query(&[], -9, 100)).await, ["z", "a", "c"], "{moment}");
        assert_eq!(told(z, query(&[], -9, 100)).await, ["z"], "{moment}");
        assert_eq!(told(late, query(&["view"], -9, 100)).await, ["late", "z", "c"], "{moment}");
        assert_eq!(told(late, query(&[], 1, 100)).await, ["z", "a", "c"], "{moment}");
        assert_eq!(told(late, query(&[], -9, 2)).await, ["a", "c"], "{moment}");
        assert_eq!(told(late, query(&["none"], -9, 2)).await, [""; 0], "{moment}");
    }
    let events = ask(&world.redis, &world.storage, a, &query(&["buy"], -9, 1)).await.unwrap();
    assert_eq!(events[0].properties, json!({"n": "a"}).as_object().cloned().unwrap());
    assert_eq!((events[0].event_type.as_str(), events[0].time), ("buy", query(&[], 1, 1).since));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_while_events_come_are_stored_and_trimmed_is_told_each_once() {
    let mut world = World::start().await;
    let (redis, storage) = (world.redis.clone(), world.storage.clone());
    let (told, mut known) = tokio::sync::watch::channel(Vec::<StreamId>::new());
    let writer = async move {
        for n in 0_i64..150 {
            world.append("t", "other", vec![event(&format!("o{n}"), "view", n)]).await;
            let place = world.append("t", "p", vec![event(&format!("e{n:03}"), "view", n)]).await;
            told.send_modify(|places| places.push(place[0]));
            if n % 3 == 0 {
                world.flush(place[0]).await;
                world.trim().await;
            }
        }
        world
    };
    let reader = async {
        let mut asked = 0;
        while known.changed().await.is_ok() {
            let places = known.borrow_and_update().clone();
            for upto in [places.len(), places.len().div_ceil(2)] {
                let events = ask(&redis, &storage, places[upto - 1], &query(&[], 0, 1000)).await.unwrap();
                let ids: Vec<_> = events.into_iter().map(|event| event.id).collect();
                let expected: Vec<_> = (0..upto).map(|n| format!("e{n:03}")).collect();
                assert_eq!(ids, expected);
                asked += 1;
            }
        }
        asked
    };
    let (_world, asked) = tokio::join!(writer, reader);
    assert!(asked > 20, "{asked}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_far_behind_is_waited_for() {
    let mut world = World::start().await;
    let own = world.append("t", "p", vec![event("first", "view", 0)]).await[0];
    for payload in 0..51 {
        let events = (0..100).map(|n| event(&format!("o{payload}-{n}"), "view", 0)).collect();
        world.append("t", "other", events).await;
    }
    let last = world.append("t", "p", vec![event("last", "view", 1)]).await[0];
    let everything = query(&[], 0, 10);
    let early = timeout(PAUSE * 5, told(&world, last, &everything)).await;
    assert!(early.is_err(), "{early:?}");
    assert_eq!(told(&world, own, &everything).await.unwrap(), ["first"], "what lies near is told at once");
    world.flush(own).await;
    let early = timeout(PAUSE * 5, told(&world, last, &everything)).await;
    assert!(early.is_err(), "{early:?}");
    world.flush(last).await;
    assert_eq!(told(&world, last, &everything).await.unwrap(), ["first", "last"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_are_looked_at_is_told_and_not_cut() {
    let mut world = World::start().await;
    let mut last = StreamId::default();
    for payload in 0..10 {
        let events = (0..100).map(|n| event(&format!("e{payload}-{n}"), "view", 0)).collect();
        last = *world.append("t", "p", events).await.last().unwrap();
    }
    assert_eq!(told(&world, last, &query(&[], 0, 1000)).await.unwrap().len(), 1000);
    world.flush(last).await;
    last = world.append("t", "p", vec![event("more", "view", 5)]).await[0];
    assert_eq!(told(&world, last, &query(&[], 0, 1000)).await, Err("TOO_MANY_EVENTS".to_owned()));
    assert_eq!(told(&world, last, &query(&[], 0, 999)).await.unwrap().len(), 999);
    assert_eq!(told(&world, last, &query(&[], 0, 1)).await.unwrap(), ["more"], "the newest are asked for");
    assert_eq!(told(&world, last, &query(&["none"], 0, 1000)).await.unwrap(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_there_is_room_for_is_not_held_wherever_it_lies() {
    let mut world = World::start().await;
    let mut places = Vec::new();
    for n in 0..44 {
        places.extend(world.append("t", "p", vec![large(&format!("e{n:02}"), "view", 200)]).await);
    }
    let last = places[43];
    for stored in [0, 20, 43] {
        world.flush(places[stored]).await;
        let all = query(&[], -9, 1000);
        assert_eq!(told(&world, last, &all).await, Err("TOO_LARGE".to_owned()), "{stored}");
        let bare = HistoryQuery { properties: false, ..all.clone() };
        let events = ask(&world.redis, &world.storage, last, &bare).await.unwrap();
        assert!(events.len() == 44 && events.iter().all(|event| event.properties.is_empty()), "{stored}");
        assert_eq!(told(&world, last, &query(&[], -9, 1)).await.unwrap(), ["e43"], "{stored}");
        assert_eq!(told(&world, places[39], &all).await.unwrap().len(), 40, "{stored}");
    }
}
