//! Documents to apply, calls that apply them, and stages that take them or do not.

use std::{sync::Arc, time::Duration};

use tonic::{Request, Status, transport::Channel};
use tributary_config::Revision;
use tributary_proto::v1::{self, DocumentAction, config_service_client::ConfigServiceClient};
use tributary_runtime::Tasks;
use tributary_streams::{Live, Prepared, Redis};

use crate::support::{Collector, admin};

pub(crate) const OTHER_KEY: &str = "admin-key-of-other";

pub(crate) fn document(tenant: &str, kind: &str, name: &str, spec: &str) -> v1::Document {
    v1::Document {
        tenant: tenant.to_owned(),
        kind: kind.to_owned(),
        name: name.to_owned(),
        file: format!("{tenant}/{name}.yaml"),
        line: 1,
        text: format!("kind: {kind}\nname: {name}\ntenant: {tenant}\nspec: {spec}\n"),
    }
}

pub(crate) fn source(tenant: &str) -> v1::Document {
    let key = tenant.to_uppercase();
    document(tenant, "Source", "website", &format!("{{write_keys: [{{env: {key}_KEY}}]}}"))
}

/// A mapping that sets a path to a number.
pub(crate) fn mapping(tenant: &str, name: &str, value: u32) -> v1::Document {
    let spec = format!("{{events: [purchase], changes: [{{path: a.of-{name}, op: set, value: {value}}}]}}");
    document(tenant, "Mapping", name, &spec)
}

/// Applies these documents and waits for nobody.
pub(crate) fn request(documents: &[v1::Document]) -> v1::ApplyRequest {
    v1::ApplyRequest {
        documents: documents.to_vec(),
        wait: Some(prost_types::Duration::default()),
        ..Default::default()
    }
}

/// What happened to a document, in short: `Mapping a Create`.
pub(crate) fn short(changes: &[v1::DocumentChange]) -> Vec<String> {
    let short = |change: &v1::DocumentChange| {
        let action = DocumentAction::try_from(change.action).unwrap();
        format!("{} {} {action:?}", change.kind, change.name)
    };
    changes.iter().map(short).collect()
}

/// Shows the key of the tenant `other` beside the caller's.
pub(crate) fn with_both<T>(message: T) -> Request<T> {
    let mut request = admin(message);
    request.metadata_mut().append("tributary-tenant-key", OTHER_KEY.parse().unwrap());
    request
}

/// Applies these documents and waits that many seconds for the stages.
pub(crate) fn waiting(documents: &[v1::Document], seconds: i64) -> v1::ApplyRequest {
    let wait = Some(prost_types::Duration { seconds, nanos: 0 });
    v1::ApplyRequest { wait, ..request(documents) }
}

/// All stages but the collector, which is a real one.
pub(crate) const OTHERS: [&str; 4] = ["ingest", "preprocess", "workflow", "dispatcher"];

impl Collector {
    pub(crate) async fn configuration(&self) -> ConfigServiceClient<Channel> {
        ConfigServiceClient::connect(self.uri()).await.unwrap()
    }

    pub(crate) async fn apply(&self, request: v1::ApplyRequest) -> Result<v1::ApplyResponse, Status> {
        Ok(self.configuration().await.apply(admin(request)).await?.into_inner())
    }

    pub(crate) async fn roll_back(&self, revision: &str) -> Result<v1::ApplyResponse, Status> {
        let request = v1::RollbackRequest {
            revision: revision.to_owned(),
            wait: Some(prost_types::Duration::default()),
            ..Default::default()
        };
        let answer = self.configuration().await.rollback(admin(request)).await?;
        Ok(answer.into_inner().applied.unwrap())
    }

    pub(crate) async fn documents(&self, revision: &str) -> Result<v1::ConfigServiceListResponse, Status> {
        let request = v1::ConfigServiceListRequest { revision: revision.to_owned(), ..Default::default() };
        Ok(self.configuration().await.list(admin(request)).await?.into_inner())
    }

    pub(crate) async fn history(&self) -> Vec<v1::Revision> {
        let request = v1::ListRevisionsRequest::default();
        self.configuration().await.list_revisions(admin(request)).await.unwrap().into_inner().revisions
    }
}

/// A process that says it is one of a stage.
pub(crate) struct FakeStage {
    tasks: Tasks,
}

impl FakeStage {
    /// Takes revisions up to a number.
    pub(crate) fn start(redis: &Redis, stage: &'static str, up_to: u64) -> Self {
        Self::with(redis, stage, move |revision| match revision {
            revision if revision.number <= up_to => Ok(Vec::new()),
            _ => Err("a.yaml:4:1: Mapping theirs of tenant other is wrong".to_owned()),
        })
    }

    /// Takes every revision, and lacks something for it.
    pub(crate) fn lacking(redis: &Redis, stage: &'static str, lines: &[&str]) -> Self {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        Self::with(redis, stage, move |_| Ok(lines.clone()))
    }

    fn with(
        redis: &Redis,
        stage: &'static str,
        problems: impl Fn(&Revision) -> Result<Vec<String>, String> + Send + Sync + 'static,
    ) -> Self {
        let (tasks, redis) = (Tasks::new(), redis.clone());
        let stopping = tasks.stopping();
        tasks.spawn("fake stage", async move {
            let prepare = move |bytes: &[u8]| {
                let revision = Revision::from_bytes(bytes)?;
                let problems = problems(&revision)?;
                Ok(Prepared { revision: revision.id(), value: revision.number, problems })
            };
            let started = stopping.run_until_cancelled(Live::start(redis, stage, prepare)).await;
            if let Some(live) = started {
                Arc::clone(&live?).follow(stopping).await;
            }
            Ok(())
        });
        Self { tasks }
    }

    pub(crate) async fn stop(self) {
        self.tasks.drain(Duration::from_secs(10)).await.unwrap();
    }
}
