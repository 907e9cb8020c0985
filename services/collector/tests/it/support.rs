//! A collector, and the appends it lives on.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use prost::Message as _;
use serde_json::json;
use tonic::{Request, Status, transport::Channel};
use tributary_collector::{Settings, start_with};
use tributary_model::{
    Amount, Change, ChangeId, EventId, Op, PartitionId, Path, ProfileId, SessionId, Stage, TenantId, Time,
    TraceContext, partition_of,
};
use tributary_proto::{
    convert,
    raw::RawStruct,
    v1::{self, profile_service_client::ProfileServiceClient},
};
use tributary_runtime::{SharedSettings, Tasks, run::Context};
use tributary_storage::Storage;
use tributary_streams::{Append, AppendLimits, Appended, Awaited, EventUnit, Redis, Unit};
use tributary_testkit::{Servers, ServersOptions};

pub(crate) const PARTITIONS: u16 = 2;
pub(crate) const SOON: Duration = Duration::from_secs(20);
const ADMIN_KEY: &str = "admin-key-of-demo";

/// A test's servers and its hands on them.
pub(crate) struct World {
    pub(crate) servers: Servers,
    pub(crate) redis: Redis,
    pub(crate) storage: Storage,
}

/// A running collector.
pub(crate) struct Collector {
    pub(crate) tasks: Tasks,
    address: SocketAddr,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(ServersOptions::default()).await
    }

    /// With a Postgres that the test may kill.
    pub(crate) async fn with_own_postgres() -> Self {
        Self::with(ServersOptions { own_postgres: true, ..Default::default() }).await
    }

    async fn with(options: ServersOptions) -> Self {
        let servers = Servers::start_with(options).await.unwrap();
        let redis = Redis::connect(&servers.redis_url(), false).await.unwrap();
        let storage = Storage::connect(servers.database_url(), 4).await.unwrap();
        storage.ensure_deployment(PARTITIONS).await.unwrap();
        Self { servers, redis, storage }
    }

    pub(crate) async fn collector(&self) -> Collector {
        let settings = Settings {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            flush_interval: Duration::from_millis(50),
            ..Settings::default()
        };
        self.collector_with(settings).await
    }

    pub(crate) async fn collector_with(&self, settings: Settings) -> Collector {
        self.try_collector(settings, None).await.unwrap()
    }

    /// With a first configuration.
    pub(crate) async fn collector_from(&self, config: PathBuf) -> anyhow::Result<Collector> {
        let settings = Settings { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..Settings::default() };
        self.try_collector(settings, Some(config)).await
    }

    async fn try_collector(&self, settings: Settings, config: Option<PathBuf>) -> anyhow::Result<Collector> {
        let tasks = Tasks::new();
        let shared = Arc::new(SharedSettings { config, ..self.shared_settings() });
        let context = Context { stage: "collector", shared, tasks: tasks.clone() };
        let address = start_with(&context, settings).await?;
        Ok(Collector { tasks, address })
    }

    fn shared_settings(&self) -> SharedSettings {
        SharedSettings::from_lookup(|name| {
            Some(match name {
                "REDIS_URL" => self.servers.redis_url(),
                "DATABASE_URL" => self.servers.database_url().to_owned(),
                "TRIBUTARY_MESH_CREDENTIAL" | "TRIBUTARY_ID_KEY" => "0123456789abcdef".to_owned(),
                "TRIBUTARY_ADMIN_KEYS" => format!("demo:{ADMIN_KEY} other:admin-key-of-other"),
                "TRIBUTARY_PARTITIONS" => PARTITIONS.to_string(),
                "TRIBUTARY_LEASE" => "2s".to_owned(),
                _ => return None,
            })
        })
        .unwrap()
    }

    /// Appends one event of `profile` that adds one to a counter, in `session` if that is not empty.
    pub(crate) async fn append(&self, event: &str, profile: &str, session: &str) {
        self.append_all(&[event], profile, session).await;
    }

    /// Appends events of one profile in one call.
    pub(crate) async fn append_all(&self, events: &[&str], profile: &str, session: &str) {
        let units: Vec<EventUnit> = events
            .iter()
            .map(|event| EventUnit { unit: unit(event, profile, session), time: now(), visit_started: None })
            .collect();
        self.append_units(units, profile, session).await;
    }

    /// Appends one event of `profile` as an import does.
    pub(crate) async fn import(&self, event: &str, profile: &str, session: &str) {
        let marked = |set: Vec<u8>| {
            let set = v1::ChangeSet::decode(set.as_slice()).unwrap();
            v1::ChangeSet { historical: true, ..set }.encode_to_vec()
        };
        let mut unit = unit(event, profile, session);
        unit.profile_changes = marked(unit.profile_changes);
        unit.session_changes = unit.session_changes.map(marked);
        let event = v1::Event::decode(unit.event.as_slice()).unwrap();
        unit.event = v1::Event { historical: true, ..event }.encode_to_vec();
        self.append_units(vec![EventUnit { unit, time: now(), visit_started: None }], profile, session).await;
    }

    async fn append_units(&self, units: Vec<EventUnit>, profile: &str, session: &str) {
        let profile = ProfileId::new(profile).unwrap();
        let session = (!session.is_empty()).then(|| SessionId::new(session).unwrap());
        let append = Append {
            partition: partition(profile.as_str()),
            tenant: &tenant(),
            profile: &profile,
            session: session.as_ref(),
            may_open_visit: true,
            handed_visit: None,
            not_after: now().plus(Duration::from_secs(60)),
            created: None,
            events: &units,
            trace: &TraceContext::default(),
        };
        let limits = AppendLimits {
            dedup_window: Duration::from_secs(3600),
            visit_timeout: Duration::from_secs(1800),
            pending: 100_000,
            stream: 1_000_000,
        };
        assert!(matches!(self.redis.append(&append, &limits).await.unwrap(), Appended::Done { .. }));
    }

    /// Binds a session, as the first payload that names it does.
    pub(crate) async fn bind(&self, session: &str, profile: &str) {
        let (session, profile) = (SessionId::new(session).unwrap(), ProfileId::new(profile).unwrap());
        let life = Duration::from_secs(3600);
        let bound = self.redis.bind(&tenant(), &session, &profile, PARTITIONS, life).await.unwrap();
        assert_eq!(bound, profile);
    }

    /// Makes one profile an alias of another, as the last step of a merge does.
    pub(crate) async fn merge(&self, from: &str, to: &str) {
        let alias = format!("{{{}}}:alias:demo:{from}", partition(from).0);
        let alias = redis::cmd("HSET").arg(alias).arg(&["to", to, "state", "DONE"]).to_owned();
        alias.query_async::<()>(&mut self.raw().await).await.unwrap();
    }

    /// A raw connection, for what no API of the mesh does.
    pub(crate) async fn raw(&self) -> redis::aio::MultiplexedConnection {
        let client = redis::Client::open(self.servers.redis_url()).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }
}

impl Collector {
    pub(crate) async fn client(&self) -> ProfileServiceClient<Channel> {
        ProfileServiceClient::connect(self.uri()).await.unwrap()
    }

    pub(crate) fn uri(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) async fn profile(&self, id: &str) -> Result<v1::Profile, Status> {
        let request = admin(v1::GetProfileRequest { profile_id: id.to_owned() });
        let answer = self.client().await.get_profile(request).await?;
        Ok(answer.into_inner().profile.unwrap())
    }

    pub(crate) async fn session(&self, id: &str) -> Result<v1::Session, Status> {
        let request = admin(v1::GetSessionRequest { session_id: id.to_owned() });
        let answer = self.client().await.get_session(request).await?;
        Ok(answer.into_inner().session.unwrap())
    }

    /// The counter that every appended event adds one to.
    pub(crate) async fn views(&self, id: &str) -> Result<i64, String> {
        let profile = self.profile(id).await.map_err(|status| status.to_string())?;
        views(profile.fields.as_ref()).ok_or_else(|| "no counter".to_owned())
    }

    pub(crate) async fn events(&self, profile: &str) -> Vec<v1::Event> {
        self.list(profile).await.unwrap()
    }

    /// How many events of a profile are stored, if Postgres can say.
    pub(crate) async fn stored(&self, profile: &str) -> Result<usize, String> {
        self.list(profile).await.map(|events| events.len()).map_err(|status| status.to_string())
    }

    async fn list(&self, profile: &str) -> Result<Vec<v1::Event>, Status> {
        let request =
            v1::ListEventsRequest { profile_id: profile.to_owned(), page_size: 1000, ..Default::default() };
        Ok(self.client().await.list_events(admin(request)).await?.into_inner().events)
    }

    /// Asks it to stop and waits until it has handed everything over.
    pub(crate) async fn stop(&self) {
        self.tasks.drain(Duration::from_secs(10)).await.unwrap();
        assert_eq!(self.tasks.failure(), None);
    }
}

pub(crate) fn views(fields: Option<&RawStruct>) -> Option<i64> {
    let fields = serde_json::Value::Object(fields?.to_object().ok()?);
    fields.pointer("/stats/counters/views")?.as_i64()
}

pub(crate) fn admin<T>(message: T) -> Request<T> {
    with_key(message, ADMIN_KEY)
}

pub(crate) fn with_key<T>(message: T, key: &str) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    request
}

pub(crate) fn tenant() -> TenantId {
    TenantId::new("demo").unwrap()
}

pub(crate) fn partition(profile: &str) -> PartitionId {
    partition_of(&tenant(), profile, PARTITIONS)
}

/// An id whose partition is `wanted`.
pub(crate) fn profile_in(wanted: u16) -> String {
    (0..).map(|n| format!("p{n}")).find(|id| partition(id).0 == wanted).unwrap()
}

pub(crate) fn now() -> Time {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Time::from_micros(i64::try_from(since_1970.as_micros()).unwrap())
}

fn unit(id: &str, profile: &str, session: &str) -> Unit {
    let time = Some(convert::time_to_wire(now()));
    let event = v1::Event {
        tenant: "demo".into(),
        id: id.into(),
        r#type: "page-view".into(),
        source: "website".into(),
        profile_id: profile.into(),
        session_id: session.into(),
        time,
        received: time,
        properties: json!({"n": 1}).as_object().map(RawStruct::from_object),
        ..Default::default()
    };
    let session_changes = (!session.is_empty()).then(|| changes(id, session, profile, v1::Target::Session));
    Unit {
        id: EventId::new(id).unwrap(),
        event: event.encode_to_vec(),
        profile_changes: changes(id, profile, profile, v1::Target::Profile),
        session_changes,
        awaited: Awaited::No,
    }
}

fn changes(event: &str, id: &str, origin: &str, target: v1::Target) -> Vec<u8> {
    let event = EventId::new(event).unwrap();
    let change = Change {
        id: ChangeId::derive(&event, Stage::Preprocess, "0", target as u16),
        event: event.clone(),
        time: now(),
        path: Path::new("stats.counters.views").unwrap(),
        op: Op::Increment { by: Amount::from_json(&json!(1)).unwrap(), tag: String::new() },
    };
    let mut set = v1::ChangeSet {
        tenant: "demo".into(),
        id: id.into(),
        origin: origin.into(),
        bound_profile_id: origin.into(),
        cause_event_id: event.to_string(),
        received: Some(convert::time_to_wire(now())),
        changes: convert::changes_to_wire(&[change]),
        ..Default::default()
    };
    set.set_target(target);
    set.set_cause_stage(v1::Stage::Preprocess);
    set.encode_to_vec()
}
