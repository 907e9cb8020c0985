//! preprocess in this process, and hands that do what workflow, collector and dispatcher do.

use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tributary_config::{Config, Revision, read_directory};
use tributary_model::{
    Change, ChangeId, EventId, IdKey, Op, PartitionId, Path, ProfileId, SourceName, Stage, StreamId,
    TenantId, Time, TraceContext,
};
use tributary_preprocess::ProcessError;
use tributary_preprocess::process::{Processor, Request};
use tributary_preprocess::slots::Stored;
use tributary_preprocess::waiting::{Stages, Waiting};
use tributary_proto::convert::{changes_to_wire, time_to_wire};
use tributary_proto::raw::RawStruct;
use tributary_proto::v1;
use tributary_runtime::now;
use tributary_storage::Storage;
use tributary_streams::{
    AppendLimits, DeliveredMark, Effect, Ending, Entry, Fence, From, Gate, Group, Live, Prepared, Reader,
    Redis, RunCommit, RunCommitted, Settlement, Stream, Subject, timer_id,
};
use tributary_testkit::{Servers, ServersOptions, eventually};

pub(crate) const SOON: Duration = Duration::from_secs(20);
const HOUR: Duration = Duration::from_secs(3600);
const HERE: PartitionId = PartitionId(0);

const DOCUMENTS: &str = "
kind: Source
name: web
tenant: t
spec: {write_keys: [{env: KEY}], trust_profile_ids: true}
---
kind: Destination
name: crm
tenant: t
spec:
  webhook: {url: 'http://127.0.0.1:1/'}
";

pub(crate) struct World {
    pub(crate) redis: Redis,
    pub(crate) waiting: Waiting<Stages>,
    pub(crate) stopping: CancellationToken,
    processor: Processor<Stored>,
    config: Arc<Live<Config>>,
    workflow: Fence,
    collector: Fence,
    dispatcher: Fence,
    _servers: Servers,
}

impl World {
    /// With an hour in which ids are remembered, or less.
    pub(crate) async fn new(dedup_window: Duration) -> World {
        let servers = Servers::start_with(ServersOptions::default()).await.unwrap();
        let redis = Redis::connect(&servers.redis_url(), false).await.unwrap();
        let storage = Storage::connect(servers.database_url(), 4).await.unwrap();
        storage.ensure_deployment(1).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("all.yaml"), DOCUMENTS).unwrap();
        let documents = read_directory(folder.path()).unwrap_or_else(|errors| panic!("{errors}"));
        assert!(redis.publish_config(1, &Revision::new(1, documents).to_bytes()).await.unwrap());
        let config = Live::start(redis.clone(), "preprocess", |revision| {
            let config = Config::from_bytes(revision)?;
            Ok(Prepared::whole(config.revision.clone(), config))
        });
        let config = config.await.unwrap();

        let (endings, stopping) = (redis.endings(), CancellationToken::new());
        let tasks = tributary_runtime::Tasks::new();
        tasks.spawn_short("endings", endings.clone().run(stopping.clone()));
        let stages = Stages { redis: redis.clone(), endings, config: config.clone() };
        redis.ensure_group(HERE, Group::Workflow).await.unwrap();
        let own = async |stage| redis.acquire(HERE, stage, 0, HOUR).await.unwrap().unwrap();
        World {
            waiting: Waiting::new(stages, 4, stopping.clone()),
            stopping,
            processor: Processor {
                slots: Stored {
                    redis: redis.clone(),
                    reader: Reader::new(redis.clone(), storage, 1, HOUR),
                    partitions: 1,
                },
                key: Arc::new(IdKey::new("a secret for tests").unwrap()),
                partitions: 1,
                limits: AppendLimits { dedup_window, visit_timeout: HOUR, pending: 1000, stream: 1000 },
            },
            config,
            workflow: own("workflow").await,
            collector: own("collector").await,
            dispatcher: own("dispatcher").await,
            redis,
            _servers: servers,
        }
    }

    /// Processes a payload of the profile `p` with one event, and waits for it.
    pub(crate) async fn track(
        &self,
        id: &str,
        level: v1::WaitFor,
        patience: Duration,
    ) -> Result<v1::TrackResponse, ProcessError> {
        let event = v1::EventInput { id: id.into(), r#type: "look".into(), ..v1::EventInput::default() };
        let request = Request {
            tenant: tenant(),
            source: SourceName::new("web").unwrap(),
            payload: v1::TrackRequest {
                profile_id: "p".into(),
                events: vec![event],
                options: Some(v1::TrackOptions { wait_for: level.into(), ..v1::TrackOptions::default() }),
                ..v1::TrackRequest::default()
            },
            derivation: None,
            received: now(),
            patience,
            workflow: String::new(),
            with_runs: false,
        };
        self.processor.process_and_wait(&self.config.current(), request, &self.waiting).await
    }

    /// The next event of a client that the workflow stage would handle.
    pub(crate) async fn handed(&self) -> Entry {
        let handed = eventually(SOON, async || {
            let handed = self.redis.read_group(&self.workflow, Group::Workflow, From::New, 1).await.unwrap();
            let of_client = handed.into_iter().find(|handed| !handed.entry.event_id.starts_with("drv_"));
            of_client.ok_or("no event".to_owned())
        });
        handed.await.entry
    }

    /// Handles an event: a workflow sets the city, says something, and sends something.
    pub(crate) async fn handle(&self, entry: &Entry, city: &str) -> StreamId {
        let event = EventId::new(entry.event_id.as_str()).unwrap();
        let change = Change {
            id: ChangeId::derive(&event, Stage::Workflow, "0", 0),
            event: event.clone(),
            time: Time::from_micros(1),
            path: Path::new("traits.city").unwrap(),
            op: Op::Set(city.into()),
        };
        let set = v1::ChangeSet {
            tenant: "t".into(),
            target: v1::Target::Profile.into(),
            id: "p".into(),
            origin: "p".into(),
            cause_event_id: event.to_string(),
            cause_stage: v1::Stage::Workflow.into(),
            received: Some(time_to_wire(Time::from_micros(1))),
            changes: changes_to_wire(&[change]),
            ..v1::ChangeSet::default()
        };
        let key = format!("{event}/w/n");
        let outcome = v1::Outcome {
            response: json!({"city": city}).as_object().map(RawStruct::from_object),
            delivery_keys: vec![key.clone()],
            ..v1::Outcome::default()
        };
        let timer = timer_id("dispatcher", &tenant(), &["crm", "p", &key]);
        let effects = [
            Effect::Changes {
                subject: Subject::Profile(profile()),
                cause: format!("{event}/2"),
                set: set.encode_to_vec(),
            },
            Effect::Deliver { timer, fields: vec![("key", key)] },
            self.seen(entry, Ending::Done, outcome.encode_to_vec()),
        ];
        self.commit(entry, &effects).await
    }

    /// Gives an event up.
    pub(crate) async fn give_up(&self, entry: &Entry) {
        self.commit(entry, &[self.seen(entry, Ending::Dead, Vec::new())]).await;
    }

    fn seen(&self, entry: &Entry, ending: Ending, outcome: Vec<u8>) -> Effect {
        Effect::Seen {
            event: EventId::new(entry.event_id.as_str()).unwrap(),
            entry: entry.id,
            ending,
            outcome,
            announce: true,
            life: self.processor.limits.dedup_window,
        }
    }

    async fn commit(&self, entry: &Entry, effects: &[Effect]) -> StreamId {
        let commit = RunCommit {
            gate: Gate::Entry { group: Group::Workflow, entry: entry.id },
            tenant: &tenant(),
            profile: &profile(),
            looked: true,
            event_type: "look",
            effects,
            trace: &TraceContext::default(),
        };
        match self.redis.commit_run(&self.workflow, &commit).await.unwrap() {
            RunCommitted::Done { version } => version,
            other => panic!("{other:?}"),
        }
    }

    /// Stores everything up to the last change.
    pub(crate) async fn store(&self) {
        let last = self.redis.last_id(&self.collector, Stream::Changes).await.unwrap();
        self.redis.trim_changes(&self.collector, last).await.unwrap();
    }

    /// Sends what the workflow sent, under this name and version in place of its own, or gives it up.
    pub(crate) async fn deliver(&self, event: &str, name: &str, version: StreamId, dead: bool) {
        let key = format!("{event}/w/n");
        let timer = timer_id("dispatcher", &tenant(), &["crm", "p", &key]);
        let timer = self.redis.timer(&self.dispatcher, &timer).await.unwrap().unwrap();
        let (tenant, profile) = (tenant(), profile());
        let mark = Some(DeliveredMark { tenant: &tenant, profile: &profile, name, version, life: HOUR });
        let trace = &TraceContext::default();
        let settlement = if dead {
            Settlement::Dead { tenant: &tenant, letter: Vec::new(), trace, mark }
        } else {
            Settlement::Done { mark }
        };
        self.redis.settle(&self.dispatcher, &timer, &settlement).await.unwrap();
    }
}

fn tenant() -> TenantId {
    TenantId::new("t").unwrap()
}

fn profile() -> ProfileId {
    ProfileId::new("p").unwrap()
}
