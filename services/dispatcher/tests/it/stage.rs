//! A dispatcher in this process, a Redis of its own, and the collector's part played by hand.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};
use tributary_config::{Revision, read_directory};
use tributary_dispatcher::{Settings, start_with};
use tributary_model::{
    Change, ChangeId, EventId, Op, Path, ProfileId, State, StreamId, TenantId, Time, TraceContext,
    partition_of,
};
use tributary_proto::v1::{
    DeadLetter, ListDeadLettersRequest, dispatch_service_client::DispatchServiceClient,
};
use tributary_runtime::{Context, SharedSettings, Tasks};
use tributary_servers::RedisOptions;
use tributary_streams::{
    Append, AppendLimits, Awaited, Committed, Delivered, Effect, EventUnit, Fence, From, Group, Known,
    Publication, Redis, Stream, Subject, Unit, timer_id,
};
use tributary_testkit::{Authorised, Bearer, Receiver, eventually};

pub(crate) const PARTITIONS: u16 = 4;
/// Longer than anything here takes.
pub(crate) const SOON: Duration = Duration::from_secs(20);
const ADMIN_KEY: &str = "an-admin-key-of-tests";
const OTHER_ADMIN_KEY: &str = "another-admin-key-of-tests";

pub(crate) struct Running {
    pub(crate) redis: Redis,
    address: SocketAddr,
    shared: Arc<SharedSettings>,
    tasks: Tasks,
    collector: Vec<Fence>,
    versions: AtomicU64,
    // Dropped last, in this order: the server, then its data.
    _server: tributary_servers::Redis,
    _folder: TempDir,
}

/// A destination document.
pub(crate) fn destination(name: &str, receiver: &Receiver, more: &str) -> String {
    let url = receiver.url();
    format!(
        "---\nkind: Destination\nname: {name}\ntenant: t\nspec:\n  webhook: {{url: '{url}', timeout: 20s}}\n{more}"
    )
}

impl Running {
    /// Starts Redis and the stage, with these destinations of the tenant `t`.
    pub(crate) async fn start(destinations: &[String]) -> Running {
        let folder = tempfile::Builder::new().permissions(world_readable()).tempdir().unwrap();
        let server = tributary_servers::Redis::start(&folder.path().join("redis"), RedisOptions::default())
            .await
            .unwrap();
        let url = server.url();
        let shared = SharedSettings::from_lookup(|name| match name {
            "REDIS_URL" => Some(url.clone()),
            // Profiles here are all in Redis.
            "DATABASE_URL" => Some("postgres://nobody@127.0.0.1:1/none".into()),
            "TRIBUTARY_MESH_CREDENTIAL" | "TRIBUTARY_ID_KEY" => Some("a secret for tests".into()),
            "TRIBUTARY_ADMIN_KEYS" => Some(format!("t:{ADMIN_KEY} u:{OTHER_ADMIN_KEY}")),
            "TRIBUTARY_PARTITIONS" => Some(PARTITIONS.to_string()),
            "TRIBUTARY_LEASE" => Some("2s".into()),
            _ => None,
        });
        let shared = Arc::new(shared.unwrap());
        let redis = Redis::connect(&url, false).await.unwrap();
        let mut collector = Vec::new();
        for p in 0..PARTITIONS {
            let p = tributary_model::PartitionId(p);
            collector
                .push(redis.acquire(p, "collector", 0, Duration::from_secs(3600)).await.unwrap().unwrap());
        }
        configure(&redis, 1, destinations).await;
        let (tasks, address) = dispatcher(&shared).await;
        let versions = AtomicU64::new(1);
        Running { redis, address, shared, tasks, collector, versions, _server: server, _folder: folder }
    }

    /// Publishes the next revision: these destinations and no others.
    pub(crate) async fn configure(&self, number: u64, destinations: &[String]) {
        configure(&self.redis, number, destinations).await;
    }

    /// Waits until the stage says that it runs this revision, or why not.
    pub(crate) async fn reports(&self, number: u64, problem: &str) {
        eventually(SOON, async || match self.redis.stage_reports().await.unwrap().as_slice() {
            [report] if report.number == number && problem.is_empty() == report.problem.is_none() => {
                let said = report.problem.as_deref().unwrap_or_default();
                if said.contains(problem) { Ok(()) } else { Err(said.to_owned()) }
            }
            reports => Err(format!("{reports:?}")),
        })
        .await;
    }

    /// Stops the stage in order and starts it again.
    pub(crate) async fn restart(&mut self) {
        self.tasks.drain(SOON).await.unwrap();
        assert_eq!(self.tasks.failure(), None);
        (self.tasks, self.address) = dispatcher(&self.shared).await;
    }

    /// Folds a city into the profile and publishes it, as the collector does after a flush. Answers the version.
    pub(crate) async fn publish(&self, profile: &str, city: &str) -> StreamId {
        self.publish_traced(profile, city, TraceContext::default()).await
    }

    pub(crate) async fn publish_traced(&self, profile: &str, city: &str, trace: TraceContext) -> StreamId {
        let version = self.next_version();
        self.fold(profile, city, version).await;
        self.announce(profile, version, trace).await;
        version
    }

    pub(crate) fn next_version(&self) -> StreamId {
        StreamId::new(self.versions.fetch_add(1, Ordering::Relaxed), 0)
    }

    /// Makes the profile known in Redis.
    pub(crate) async fn fold(&self, profile: &str, city: &str, version: StreamId) {
        let change = Change {
            id: ChangeId::new("e/1/0/0000").unwrap(),
            event: EventId::new("e").unwrap(),
            time: Time::from_micros(1),
            path: Path::new("traits.city").unwrap(),
            op: Op::Set(city.into()),
        };
        let known = Known { version, state: State::one(&change) };
        let row = (tenant(), Subject::Profile(ProfileId::new(profile).unwrap()), known);
        let life = Duration::from_secs(3600);
        self.redis.set_snapshots(self.collector(profile), version, &[row], life).await.unwrap();
    }

    /// Puts the profile on its partition's stream.
    pub(crate) async fn announce(&self, profile: &str, version: StreamId, trace: TraceContext) {
        self.put(profile, version, trace, false).await;
    }

    /// The same, of a profile that only an import has changed.
    pub(crate) async fn announce_import(&self, profile: &str, version: StreamId) {
        self.put(profile, version, TraceContext::default(), true).await;
    }

    async fn put(&self, profile: &str, version: StreamId, trace: TraceContext, historical: bool) {
        let (id, data) = (profile.to_owned(), Vec::new());
        let publication = Publication { version, tenant: tenant(), id, data, trace, historical };
        self.redis.publish(self.collector(profile), Stream::Profiles, &[publication]).await.unwrap();
    }

    /// Lets a workflow send something, as the owner of its partition does when it commits an event.
    pub(crate) async fn send(&self, profile: &str, destination: &str, key: &str, body: &str) {
        let p = partition_of(&tenant(), profile, PARTITIONS);
        let id = ProfileId::new(profile).unwrap();
        let unit = Unit {
            id: EventId::new(key).unwrap(),
            event: Vec::new(),
            profile_changes: Vec::new(),
            session_changes: None,
            awaited: Awaited::No,
        };
        let append = Append {
            partition: p,
            tenant: &tenant(),
            profile: &id,
            session: None,
            may_open_visit: false,
            handed_visit: None,
            not_after: Time::from_micros(i64::MAX / 2),
            created: None,
            events: &[EventUnit { unit, time: Time::from_micros(0), visit_started: None }],
            trace: &TraceContext::default(),
        };
        let hour = Duration::from_secs(3600);
        let limits = AppendLimits { dedup_window: hour, visit_timeout: hour, pending: 1000, stream: 1000 };
        self.redis.append(&append, &limits).await.unwrap();

        let fence = self.redis.acquire(p, "workflow", 0, hour).await.unwrap().unwrap();
        self.redis.ensure_group(p, Group::Workflow).await.unwrap();
        let handed = self.redis.read_group(&fence, Group::Workflow, From::New, 1).await.unwrap();
        let fields = [("profile", profile), ("destination", destination), ("key", key), ("body", body)];
        let fields = fields.map(|(name, value)| (name, value.to_owned()));
        let effects = [Effect::Deliver {
            timer: timer_id("dispatcher", &tenant(), &[destination, profile, key]),
            fields: fields.into_iter().chain([("tenant", tenant().to_string())]).collect(),
        }];
        let entry = handed[0].entry.id;
        let trace = TraceContext::default();
        let committed =
            self.redis.commit(&fence, Group::Workflow, entry, &tenant(), &effects, &trace).await.unwrap();
        assert_eq!(committed, Committed::Done);
        self.redis.release(&fence).await.unwrap();
    }

    /// What whoever waits for deliveries of a profile finds.
    pub(crate) async fn delivered(&self, profile: &str) -> HashMap<String, Delivered> {
        let p = partition_of(&tenant(), profile, PARTITIONS);
        self.redis.delivered(p, &tenant(), &ProfileId::new(profile).unwrap()).await.unwrap()
    }

    /// The dead letters of the tenant `t`.
    pub(crate) async fn letters(&self) -> Vec<DeadLetter> {
        let request = tonic::Request::new(ListDeadLettersRequest::default());
        self.client().list_dead_letters(request).await.unwrap().into_inner().dead_letters
    }

    fn collector(&self, profile: &str) -> &Fence {
        &self.collector[usize::from(partition_of(&tenant(), profile, PARTITIONS).0)]
    }

    /// A client with the admin key of the tenant `t`.
    pub(crate) fn client(&self) -> DispatchServiceClient<Authorised> {
        DispatchServiceClient::with_interceptor(self.channel(), Bearer::new(ADMIN_KEY))
    }

    /// A client with the admin key of another tenant.
    pub(crate) fn stranger(&self) -> DispatchServiceClient<Authorised> {
        DispatchServiceClient::with_interceptor(self.channel(), Bearer::new(OTHER_ADMIN_KEY))
    }

    pub(crate) fn channel(&self) -> Channel {
        Endpoint::from_shared(format!("http://{}", self.address)).unwrap().connect_lazy()
    }
}

/// Another profile of the same partition.
pub(crate) fn neighbour(profile: &str) -> String {
    let partition = |profile: &str| partition_of(&tenant(), profile, PARTITIONS);
    let mut others = (0..).map(|number| format!("{profile}{number}"));
    others.find(|other| partition(other) == partition(profile)).unwrap()
}

fn tenant() -> TenantId {
    TenantId::new("t").unwrap()
}

/// Publishes a revision of these destinations of the tenant `t`, as the collector does after a commit.
async fn configure(redis: &Redis, number: u64, destinations: &[String]) {
    let folder = tempfile::tempdir().unwrap();
    let source = "kind: Source\nname: web\ntenant: t\nspec:\n  write_keys: [{env: KEY}]\n";
    std::fs::write(folder.path().join("all.yaml"), format!("{source}{}", destinations.concat())).unwrap();
    let documents = read_directory(folder.path()).unwrap_or_else(|errors| panic!("{errors}"));
    let bytes = Revision::new(number, documents).to_bytes();
    assert!(redis.publish_config(number, &bytes).await.unwrap());
}

async fn dispatcher(shared: &Arc<SharedSettings>) -> (Tasks, SocketAddr) {
    let settings = Settings { listen: ([127, 0, 0, 1], 0).into(), ..Settings::default() };
    let tasks = Tasks::new();
    let context = Context { stage: "dispatcher", shared: shared.clone(), tasks: tasks.clone() };
    let address = start_with(context, settings).await.unwrap();
    (tasks, address)
}

/// Redis runs as another user when the tests run as root.
fn world_readable() -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::Permissions::from_mode(0o711)
}

/// The city that a request carries.
pub(crate) fn city(request: &tributary_testkit::Request) -> &str {
    request.json["profile"]["fields"]["traits"]["city"].as_str().unwrap_or_default()
}
