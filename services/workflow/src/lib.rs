//! workflow: the only runner. The owner of a partition runs each profile's events through the tenant's workflows, in
//! their order.
//!
//! Reads `{p}:events` and `{p}:forward`; writes `{p}:changes`, `{p}:forward`, `{p}:dead`, timers of runs that pause and
//! deliveries, and hands derived events to preprocess. Serves `WorkflowService`. What runs decide is `tributary-engine`'s and
//! pure. Start reading at `events.rs`, the story of an event; `desk.rs` answers what its runs ask for, [`effects`] says what
//! they come to, `firing.rs` lets paused runs go on, and `worker.rs` is the life of a partition around it all.

mod calls;
mod desk;
pub mod effects;
mod error;
mod events;
mod firing;
mod forward;
mod grpc;
mod lanes;
mod letter;
pub mod paused;
mod resumable;
mod revisions;
mod run;
pub mod settings;
mod spans;
pub mod subject;
pub mod told;
mod worker;

pub use calls::CallSettings;
pub use forward::outcome as derived_outcome;
pub use settings::Settings;

use anyhow::Context as _;
use calls::Calls;
use revisions::Revisions;
use run::Runner;
use secrecy::ExposeSecret;
use std::net::SocketAddr;
use std::sync::Arc;
use tonic::service::Routes;
use tributary_config::Config;
use tributary_proto::v1::preprocess_service_client::PreprocessServiceClient;
use tributary_runtime::client::mesh;
use tributary_runtime::settings::Durability;
use tributary_runtime::{Context, MAX_HOP_BYTES, Server, bind, load_stage};
use tributary_storage::Storage;
use tributary_streams::{Live, Ownership, Prepared, Reader, Redis, StreamsError, Watch, own};
use worker::Worker;

/// Starts the stage with the settings of the environment.
///
/// # Errors
/// See [`start_with`]; and settings that cannot be used.
pub async fn start(context: Context) -> anyhow::Result<()> {
    let settings: Settings = load_stage("workflow")?;
    start_with(context, settings).await?;
    Ok(())
}

/// Starts the stage: binds, connects, waits for a configuration, spawns, returns. Answers where it listens.
///
/// # Errors
/// A port that is taken, a Redis that is not what the mesh needs, settings that cannot be used.
pub async fn start_with(context: Context, settings: Settings) -> anyhow::Result<SocketAddr> {
    let shared = context.shared.clone();
    let listener = bind("workflow", settings.listen).await?;
    let address = listener.local_addr()?;
    let redis =
        Redis::connect(shared.redis_url.expose_secret(), shared.durability == Durability::Relaxed).await?;
    let storage = Storage::connect_lazy(shared.database_url.expose_secret(), settings.connections)?;
    let channel =
        mesh(&settings.preprocess, &shared.mesh_credential).context("TRIBUTARY_WORKFLOW__PREPROCESS")?;
    let config = Live::start(redis.clone(), "workflow", |revision| {
        let config = Config::from_bytes(revision)?;
        Ok(Prepared::whole(config.revision.clone(), config))
    });
    let config = config.await?;
    let following = config.clone().follow(context.tasks.stopping());
    context.tasks.spawn("configuration", async {
        following.await;
        Ok(())
    });
    let watch = Arc::new(Watch::default());
    let revisions = Arc::new(Revisions::new(config.clone(), storage.clone()));
    let worker = Arc::new(Worker {
        reader: Reader::new(redis.clone(), storage.clone(), shared.partitions, settings.snapshot_life),
        redis: redis.clone(),
        revisions,
        calls: Arc::new(Calls::new(&settings.calls, redis.clone(), storage.clone())?),
        watch: watch.clone(),
        preprocess: PreprocessServiceClient::new(channel).max_decoding_message_size(MAX_HOP_BYTES),
        settings,
        dedup_window: shared.dedup_window,
        lease: shared.lease,
    });
    let runner = Runner {
        redis: redis.clone(),
        reader: worker.reader.clone(),
        config,
        preprocess: worker.preprocess.clone(),
        calls: worker.calls.clone(),
        partitions: shared.partitions,
    };
    let routes = Routes::new(grpc::service(runner, shared.admin_keys.clone()));
    let server = Server::new().names([grpc::NAME]);
    server.serve(listener, routes, tributary_proto::DESCRIPTORS, &context.tasks)?;

    let stopping = context.tasks.stopping();
    let watching = watch.run(redis.clone(), stopping.clone());
    context.tasks.spawn("watch", async {
        watching.await;
        Ok(())
    });
    let ownership = Ownership { stage: "workflow", partitions: shared.partitions, lease: shared.lease };
    context.tasks.spawn("ownership", async move {
        let no_rows = async |_| Ok::<i64, StreamsError>(0);
        own(redis, ownership, stopping, no_rows, |held| worker::run(worker.clone(), held)).await;
        Ok(())
    });
    Ok(address)
}
