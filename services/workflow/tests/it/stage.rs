//! The workflow stage in a runtime of its own, which can die; a Redis; and preprocess's part played by hand.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tonic::transport::Endpoint;
use tributary_config::{Revision, read_directory};
use tributary_model::{
    EventId, PartitionId, ProfileId, State, StreamId, TenantId, TraceContext, partition_of,
};
use tributary_proto::convert::time_to_wire;
use tributary_proto::raw::RawStruct;
use tributary_proto::v1;
use tributary_proto::v1::workflow_service_client::WorkflowServiceClient;
use tributary_runtime::{Context, SharedSettings, Tasks, now};
use tributary_servers::RedisOptions;
use tributary_streams::{
    Append, AppendLimits, Appended, AppendedEvent, Awaited, Due, Effect, Ending, EventUnit, Fence, Found,
    From, Gate, Group, HotRead, Known, Progress, Redis, RunCommit, Stream, Subject, Unit, timer_id,
};
use tributary_testkit::{Authorised, Bearer, eventually};
use tributary_workflow::{CallSettings, Settings, start_with};

pub(crate) const PARTITIONS: u16 = 4;
/// Longer than anything here takes.
pub(crate) const SOON: Duration = Duration::from_secs(30);
const LONG: Duration = Duration::from_secs(3600);
const ADMIN_KEY: &str = "an-admin-key-of-tests";
/// Nobody is there.
pub(crate) const NO_DATABASE: &str = "postgres://nobody@127.0.0.1:1/none";

/// Redis, and the stage while it runs.
pub(crate) struct Running {
    pub(crate) redis: Redis,
    shared: Arc<SharedSettings>,
    collector: Vec<Fence>,
    /// Where the stage's own differ from what they are by themselves.
    settings: Settings,
    process: Option<Process>,
    // Dropped last, in this order: the server, then its data.
    server: tributary_servers::Redis,
    _folder: TempDir,
}

/// The stage, as a process of its own would be.
struct Process {
    runtime: Runtime,
    tasks: Tasks,
    address: SocketAddr,
}

impl Running {
    /// Starts Redis and the stage, with these workflows of the tenant `t`. Profiles are all in Redis.
    pub(crate) async fn start(documents: &str) -> Running {
        Running::start_with(documents, NO_DATABASE).await
    }

    pub(crate) async fn start_with(documents: &str, database: &str) -> Running {
        Running::start_as(documents, database, Settings::default()).await
    }

    /// With these settings; where it listens and whom it calls is the test's.
    pub(crate) async fn start_as(documents: &str, database: &str, settings: Settings) -> Running {
        Running::start_remembering(documents, database, settings, "1h").await
    }

    /// `window` is how long the end of an event is remembered.
    pub(crate) async fn start_remembering(
        documents: &str,
        database: &str,
        settings: Settings,
        window: &str,
    ) -> Running {
        let folder = tempfile::Builder::new().permissions(world_readable()).tempdir().unwrap();
        let data = folder.path().join("redis");
        let server = tributary_servers::Redis::start(&data, RedisOptions::default()).await.unwrap();
        let url = server.url();
        let shared = SharedSettings::from_lookup(|name| match name {
            "REDIS_URL" => Some(url.clone()),
            "DATABASE_URL" => Some(database.to_owned()),
            "TRIBUTARY_MESH_CREDENTIAL" | "TRIBUTARY_ID_KEY" => Some("a secret for tests".into()),
            "TRIBUTARY_ADMIN_KEYS" => Some(format!("t:{ADMIN_KEY}")),
            "TRIBUTARY_PARTITIONS" => Some(PARTITIONS.to_string()),
            "TRIBUTARY_LEASE" => Some("1s".into()),
            "TRIBUTARY_DEDUP_WINDOW" => Some(window.into()),
            _ => None,
        });
        let redis = Redis::connect(&url, false).await.unwrap();
        let mut collector = Vec::new();
        for p in 0..PARTITIONS {
            collector.push(redis.acquire(PartitionId(p), "collector", 0, LONG).await.unwrap().unwrap());
        }
        let mut running = Running {
            redis,
            shared: Arc::new(shared.unwrap()),
            collector,
            settings,
            process: None,
            server,
            _folder: folder,
        };
        running.apply(1, documents).await;
        running.revive().await;
        running
    }

    /// Publishes a revision: these workflows and no others. Answers its name.
    pub(crate) async fn apply(&self, number: u64, documents: &str) -> String {
        let revision = revision(number, documents);
        assert!(self.redis.publish_config(number, &revision.to_bytes()).await.unwrap());
        revision.id()
    }

    /// The stage dies where it stands: nothing is finished, no lease is given up.
    pub(crate) fn kill(&mut self) {
        self.process.take().unwrap().runtime.shutdown_background();
    }

    /// The stage starts anew.
    pub(crate) async fn revive(&mut self) {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let tasks = Tasks::new();
        let context = Context { stage: "workflow", shared: self.shared.clone(), tasks: tasks.clone() };
        let calls = CallSettings { allowed_hosts: "127.0.0.1".into(), ..self.settings.calls.clone() };
        let settings = Settings {
            listen: ([127, 0, 0, 1], 0).into(),
            preprocess: "http://127.0.0.1:1".into(),
            calls,
            ..self.settings.clone()
        };
        let address = runtime.spawn(start_with(context, settings)).await.unwrap().unwrap();
        self.process = Some(Process { runtime, tasks, address });
    }

    /// The stage finishes what it has in hand, and starts anew.
    pub(crate) async fn restart(&mut self) {
        let process = self.process.take().unwrap();
        process.tasks.drain(SOON).await.unwrap();
        assert_eq!(process.tasks.failure(), None);
        process.runtime.shutdown_background();
        self.revive().await;
    }

    /// Appends an event, as preprocess does.
    pub(crate) async fn append(&self, event: Event<'_>) -> StreamId {
        let (tenant, profile) = (TenantId::new(event.tenant).unwrap(), profile(event.profile));
        self.make_known(&tenant, event.profile).await;
        let id = EventId::new(event.id).unwrap();
        let time = now();
        let message = v1::Event {
            tenant: tenant.to_string(),
            id: event.id.into(),
            r#type: event.event_type.into(),
            source: "web".into(),
            profile_id: event.profile.into(),
            time: Some(time_to_wire(time)),
            received: Some(time_to_wire(time)),
            properties: event.properties.as_object().map(RawStruct::from_object),
            revision: event.revision.into(),
            ..v1::Event::default()
        };
        let changes = v1::ChangeSet {
            tenant: tenant.to_string(),
            target: v1::Target::Profile.into(),
            id: event.profile.into(),
            origin: event.profile.into(),
            cause_event_id: event.id.into(),
            cause_stage: v1::Stage::Preprocess.into(),
            received: Some(time_to_wire(time)),
            ..v1::ChangeSet::default()
        };
        let unit = Unit {
            id,
            event: message.encode_to_vec(),
            profile_changes: changes.encode_to_vec(),
            session_changes: None,
            awaited: event.awaited,
        };
        let append = Append {
            partition: partition_of(&tenant, event.profile, PARTITIONS),
            tenant: &tenant,
            profile: &profile,
            session: None,
            may_open_visit: false,
            handed_visit: None,
            not_after: time.plus(SOON),
            created: None,
            events: &[EventUnit { unit, time, visit_started: None }],
            trace: &TraceContext::default(),
        };
        let limits = AppendLimits { dedup_window: LONG, visit_timeout: LONG, pending: 1000, stream: 100_000 };
        match self.redis.append(&append, &limits).await.unwrap() {
            Appended::Done { events, .. } => match events.as_slice() {
                [AppendedEvent::Accepted { entry, .. }] => *entry,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    /// Nothing is recorded of the profile, and that is in Redis.
    async fn make_known(&self, tenant: &TenantId, id: &str) {
        let p = usize::from(partition_of(tenant, id, PARTITIONS).0);
        let row = (tenant.clone(), Subject::Profile(profile(id)), Known::default());
        self.redis.set_snapshots(&self.collector[p], StreamId::default(), &[row], LONG).await.unwrap();
    }

    /// Waits until the event was handled, and answers what is kept of that.
    pub(crate) async fn handled(&self, profile: &str, event: &str) -> v1::Outcome {
        eventually(SOON, async || match self.progress(profile, event).await {
            Progress::Ended { ending: Ending::Done, outcome, .. } => {
                Ok(v1::Outcome::decode(outcome.as_slice()).unwrap())
            }
            other => Err(format!("{event}: {other:?}")),
        })
        .await
    }

    pub(crate) async fn progress(&self, profile: &str, event: &str) -> Progress {
        self.progress_of(&tenant(), profile, event).await
    }

    pub(crate) async fn progress_of(&self, tenant: &TenantId, profile: &str, event: &str) -> Progress {
        let id = EventId::new(event).unwrap();
        let p = partition_of(tenant, profile, PARTITIONS);
        self.redis.progress(p, tenant, &id).await.unwrap()
    }

    /// What the profile shows, its kinds being those of undeclared paths.
    pub(crate) async fn shows(&self, id: &str) -> Value {
        let subject = Subject::Profile(profile(id));
        let read = self.redis.hot_read(partition(id), &tenant(), &profile(id), &[subject]).await.unwrap();
        let state = match read {
            HotRead::Found(found) => match found.into_iter().next() {
                Some(Found::Hot(known)) => known.state,
                _ => State::default(),
            },
            other => panic!("{other:?}"),
        };
        Value::Object(state.view(now()).document())
    }

    /// Waits until the profile shows this at `path`, as `/a/b`.
    pub(crate) async fn eventually_shows(&self, profile: &str, path: &str, value: Value) {
        eventually(SOON, async || {
            let shown = self.shows(profile).await;
            if shown.pointer(path).unwrap_or(&Value::Null) == &value {
                Ok(())
            } else {
                Err(shown.to_string())
            }
        })
        .await;
    }

    /// The timers of the profile's paused runs.
    pub(crate) async fn paused(&self, id: &str) -> Vec<String> {
        let paused = self.redis.paused(partition(id), &tenant(), &profile(id)).await.unwrap();
        paused.into_iter().map(|paused| paused.timer).collect()
    }

    /// Waits until so many runs of the profile are paused.
    pub(crate) async fn eventually_paused(&self, profile: &str, many: usize) {
        eventually(SOON, async || {
            let paused = self.paused(profile).await;
            if paused.len() == many { Ok(()) } else { Err(format!("{paused:?}")) }
        })
        .await;
    }

    /// While the stage is away: the partition is the test's.
    async fn take_over(&self, p: PartitionId) -> Fence {
        eventually(SOON, async || {
            let fence = self.redis.acquire(p, "workflow", 0, Duration::from_millis(500)).await.unwrap();
            fence.ok_or_else(|| "somebody owns the partition".to_owned())
        })
        .await
    }

    /// While the stage is away: what is due in the profile's partition, and when more is.
    pub(crate) async fn due(&self, id: &str) -> Due {
        let fence = self.take_over(partition(id)).await;
        self.redis.due_timers(&fence, 100).await.unwrap()
    }

    /// While the stage is away: the oldest event of the partition is handled, and leaves a timer that carries no run, but these
    /// fields.
    pub(crate) async fn pause_nothing(&self, id: &str, carrying: &[(&'static str, &str)]) {
        let (p, tenant, profile) = (partition(id), tenant(), profile(id));
        let fence = self.take_over(p).await;
        self.redis.ensure_group(p, Group::Workflow).await.unwrap();
        let handed = self.redis.read_group(&fence, Group::Workflow, From::New, 1).await.unwrap();
        let entry = &handed[0].entry;
        let timer = timer_id("workflow", &tenant, &[id, &entry.event_id, "w", "1"]);
        let effects = [Effect::Pause {
            timer,
            profile: profile.clone(),
            delay: Duration::ZERO,
            awaits: Vec::new(),
            fields: carrying.iter().map(|(name, value)| (*name, value.as_bytes().to_vec())).collect(),
        }];
        let commit = RunCommit {
            gate: Gate::Entry { group: Group::Workflow, entry: entry.id },
            tenant: &tenant,
            profile: &profile,
            looked: true,
            event_type: "buy",
            effects: &effects,
            trace: &TraceContext::default(),
        };
        self.redis.commit_run(&fence, &commit).await.unwrap();
    }

    /// The types of the derived events on their way, of a partition.
    pub(crate) async fn forwarded(&self, profile: &str) -> Vec<String> {
        let entries = self.redis.tail(partition(profile), Stream::Forward, StreamId::default(), 1000).await;
        let event_type = |data: Vec<u8>| {
            let request = v1::ProcessRequest::decode(data.as_slice()).unwrap();
            request.payload.unwrap().events[0].r#type.clone()
        };
        entries.unwrap().into_iter().map(|entry| event_type(entry.data)).collect()
    }

    /// The reasons of the dead letters of a partition.
    pub(crate) async fn dead(&self, profile: &str) -> Vec<v1::DeadLetter> {
        let letters = self.redis.dead_letters(partition(profile), StreamId::default(), 1000).await.unwrap();
        letters.into_iter().map(|entry| v1::DeadLetter::decode(entry.data.as_slice()).unwrap()).collect()
    }

    /// A command of Redis's own, where something is to be damaged.
    pub(crate) async fn raw(&self, command: &[&str]) {
        let client = redis::Client::open(self.server.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut line = redis::cmd(command[0]);
        line.arg(&command[1..]);
        line.exec_async(&mut connection).await.unwrap();
    }

    /// A client with the tenant's admin key.
    pub(crate) fn client(&self) -> WorkflowServiceClient<Authorised> {
        let address = self.process.as_ref().unwrap().address;
        let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
        WorkflowServiceClient::with_interceptor(channel, Bearer::new(ADMIN_KEY))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            process.runtime.shutdown_background();
        }
    }
}

/// An event to be appended.
pub(crate) struct Event<'e> {
    pub(crate) tenant: &'e str,
    pub(crate) id: &'e str,
    pub(crate) event_type: &'e str,
    pub(crate) profile: &'e str,
    pub(crate) properties: Value,
    pub(crate) awaited: Awaited,
    pub(crate) revision: &'e str,
}

/// An event that nobody waits for, under whatever runs.
pub(crate) fn event<'e>(id: &'e str, event_type: &'e str, profile: &'e str) -> Event<'e> {
    let properties = json!({});
    Event { tenant: "t", id, event_type, profile, properties, awaited: Awaited::No, revision: "" }
}

/// A workflow document that `event_type` triggers, with these nodes, each in one line.
pub(crate) fn workflow(name: &str, event_type: &str, nodes: &[&str]) -> String {
    let nodes: String = nodes.iter().map(|node| format!("    - {node}\n")).collect();
    format!(
        "---\nkind: Workflow\nname: {name}\ntenant: t\nspec:\n  trigger: {{events: [{event_type}]}}\n  nodes:\n{nodes}"
    )
}

/// A revision of these documents of the tenant `t`, and a source.
pub(crate) fn revision(number: u64, documents: &str) -> Revision {
    let folder = tempfile::tempdir().unwrap();
    let source = "kind: Source\nname: web\ntenant: t\nspec:\n  write_keys: [{env: KEY}]\n---\n\
                  kind: Fields\nname: all\ntenant: t\nspec:\n  fields: {count: counter, last: register}\n";
    std::fs::write(folder.path().join("all.yaml"), format!("{source}{documents}")).unwrap();
    let documents = read_directory(folder.path()).unwrap_or_else(|errors| panic!("{errors}"));
    if let Err(errors) = tributary_config::Config::from_documents(&documents) {
        panic!("{errors}");
    }
    Revision::new(number, documents)
}

/// Another profile of the same partition.
pub(crate) fn neighbour(profile: &str) -> String {
    neighbours(profile, "t").next().unwrap()
}

/// Further profiles of a tenant in the partition of this profile of `t`.
pub(crate) fn neighbours(profile: &str, tenant: &str) -> impl Iterator<Item = String> {
    let tenant = TenantId::new(tenant).unwrap();
    let others = (0..).map(move |number| format!("{profile}{number}"));
    others.filter(move |other| partition_of(&tenant, other, PARTITIONS) == partition(profile))
}

pub(crate) fn partition(profile: &str) -> PartitionId {
    partition_of(&tenant(), profile, PARTITIONS)
}

pub(crate) fn tenant() -> TenantId {
    TenantId::new("t").unwrap()
}

fn profile(id: &str) -> ProfileId {
    ProfileId::new(id).unwrap()
}

/// Redis runs as another user when the tests run as root.
fn world_readable() -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::Permissions::from_mode(0o711)
}
