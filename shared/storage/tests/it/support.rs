//! A database of one's own, and rows to put into it.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;
use tokio::sync::OnceCell;
use tributary_model::{
    Amount, Change, ChangeId, EventId, Op, PartitionId, Path, ProfileId, SessionId, SourceName, Stage, State,
    StreamId, TenantId, Time,
};
use tributary_servers::{Postgres, PostgresOptions};
use tributary_storage::{
    EventRow, FlushBatch, OriginRow, Positions, ProfileRow, SessionRow, Storage, Wanted,
};

pub(crate) const PARTITIONS: u16 = 4;
pub(crate) const HERE: PartitionId = PartitionId(1);
/// 2026-01-05 10:00 UTC.
pub(crate) const NOW_US: i64 = 1_767_607_200_000_000;

struct Server {
    postgres: Postgres,
    _dir: tempfile::TempDir,
}

/// Started by the first test and ended with the process: the kernel stops it when its parent is gone.
static SERVER: OnceCell<Server> = OnceCell::const_new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// A migrated database without a deployment.
pub(crate) async fn database_url() -> String {
    let server = SERVER
        .get_or_init(|| async {
            let dir = tempfile::tempdir().expect("a directory for the server");
            let options = PostgresOptions { fsync: false, ..Default::default() };
            let postgres = Postgres::start(dir.path(), options).await.expect("a private Postgres");
            Server { postgres, _dir: dir }
        })
        .await;
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let url = server.postgres.create_database(&name).await.expect("a database");
    tributary_storage::migrate(&url).await.expect("migrations");
    url
}

/// A storage laid out for [`PARTITIONS`].
pub(crate) async fn storage() -> Storage {
    let storage = Storage::connect(&database_url().await, 4).await.expect("a connection");
    storage.ensure_deployment(PARTITIONS).await.expect("a deployment");
    storage
}

/// A pool beside the storage's, to look at tables.
pub(crate) async fn raw(url: &str) -> sqlx::PgPool {
    sqlx::PgPool::connect(url).await.expect("a connection")
}

pub(crate) fn at(ms: u64, seq: u64) -> StreamId {
    StreamId::new(ms, seq)
}

pub(crate) fn tenant() -> TenantId {
    TenantId::new("demo").expect("a tenant")
}

pub(crate) fn profile(id: &str) -> ProfileId {
    ProfileId::new(id).expect("a profile id")
}

pub(crate) fn session(id: &str) -> SessionId {
    SessionId::new(id).expect("a session id")
}

/// The fold of `n` increments.
pub(crate) fn counted(n: i64) -> State {
    let event = EventId::new("e").expect("an event id");
    let mut state = State::default();
    for ordinal in 0..n {
        state.apply(&Change {
            id: ChangeId::derive(&event, Stage::Preprocess, "0", u16::try_from(ordinal).expect("few")),
            event: event.clone(),
            time: Time::from_micros(NOW_US),
            path: Path::new("stats.counters.views").expect("a path"),
            op: Op::Increment { by: Amount::from_json(&json!(1)).expect("an amount"), tag: String::new() },
        });
    }
    state
}

pub(crate) fn profile_row(id: &str, version: StreamId, count: i64) -> ProfileRow {
    ProfileRow {
        tenant: tenant(),
        id: profile(id),
        version,
        state: counted(count),
        fields: json!({"views": count}).as_object().cloned().unwrap_or_default(),
    }
}

pub(crate) fn session_row(id: &str, origin: &str, bound: &str, version: StreamId) -> SessionRow {
    SessionRow {
        tenant: tenant(),
        id: session(id),
        origin: profile(origin),
        bound: profile(bound),
        version,
        state: counted(1),
        fields: Default::default(),
    }
}

pub(crate) fn event_row(id: &str, profile_id: &str, time_us: i64) -> EventRow {
    EventRow {
        tenant: tenant(),
        id: EventId::new(id).expect("an event id"),
        event_type: "purchase".to_owned(),
        source: SourceName::new("website").expect("a source"),
        profile_id: profile(profile_id),
        session_id: Some(session("s1")),
        time: Time::from_micros(time_us),
        received: Time::from_micros(NOW_US),
        properties: json!({"value": 29.33, "name": "Ä\t\"x\"\\", "n": null})
            .as_object()
            .cloned()
            .unwrap_or_default(),
        context: json!({"page": {"url": "/"}}).as_object().cloned().unwrap_or_default(),
        revision: "r1".to_owned(),
        request_id: String::new(),
        cause: None,
        depth: 0,
        problems: Vec::new(),
        invalid: false,
        historical: false,
        workflow: String::new(),
        entry: at(5, 0),
    }
}

pub(crate) fn birth(id: &str, born_us: i64) -> OriginRow {
    OriginRow { tenant: tenant(), id: profile(id), born: Time::from_micros(born_us) }
}

/// A batch of `HERE` with nothing in it but its positions.
pub(crate) fn batch(epoch: i64, from: StreamId, to: StreamId) -> FlushBatch {
    FlushBatch::new(HERE, epoch, from, Positions { changes: to, events: to, ..Default::default() })
}

/// All events of a profile.
pub(crate) fn of(profile: &ProfileId) -> Wanted<'_> {
    Wanted { profile: Some(profile), types: &[] }
}
