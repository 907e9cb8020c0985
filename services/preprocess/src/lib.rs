//! preprocess: the only writer of events. Every event, a client's or a derived one, enters here.
//!
//! Serves `PreprocessService` to the mesh. Reads snapshots and pending changes in Redis, and rows in Postgres
//! where those are cold; writes `{p}:events` and `{p}:changes`. Start reading at [`process`], the story of a payload; what
//! its answer may wait for is in [`waiting`].

mod answer;
mod error;
mod grpc;
pub mod payload;
pub mod plan;
mod preview;
pub mod process;
pub mod settings;
pub mod slots;
pub mod start;
pub mod waiting;

pub use error::{PayloadError, ProcessError};

use anyhow::Context as _;
use process::Processor;
use secrecy::ExposeSecret;
use settings::Settings;
use slots::Stored;
use std::sync::Arc;
use std::time::Duration;
use tonic::service::Routes;
use tributary_config::Config;
use tributary_model::IdKey;
use tributary_proto::v1::preprocess_service_server::{PreprocessServiceServer, SERVICE_NAME};
use tributary_runtime::settings::Durability;
use tributary_runtime::{Context, MAX_HOP_BYTES, Server, bind, load_stage, standard_service};
use tributary_storage::Storage;
use tributary_streams::{AppendLimits, Live, Prepared, Reader, Redis};
use waiting::{Stages, Waiting};

/// How long Redis or Postgres may be away before the stage calls itself not ready.
const READINESS: Duration = Duration::from_secs(2);

/// How often to look whether the database has been laid out.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Starts the stage: binds, connects, waits for a configuration, spawns, returns.
pub async fn start(context: Context) -> anyhow::Result<()> {
    let settings: Settings = load_stage("preprocess")?;
    let shared = &context.shared;
    let listener = bind("preprocess", settings.listen).await?;
    let redis =
        Redis::connect(shared.redis_url.expose_secret(), shared.durability == Durability::Relaxed).await?;
    let storage = database(&redis, shared.database_url.expose_secret(), settings.connections).await?;
    let config = Live::start(redis.clone(), "preprocess", |revision| {
        let config = Config::from_bytes(revision)?;
        Ok(Prepared::whole(config.revision.clone(), config))
    });
    let config = config.await?;
    let following = config.clone().follow(context.tasks.stopping());
    context.tasks.spawn("configuration", async {
        following.await;
        Ok(())
    });
    let limits = AppendLimits {
        dedup_window: shared.dedup_window,
        visit_timeout: shared.visit_timeout,
        pending: settings.pending_limit,
        stream: settings.stream_limit,
    };
    let processor = Processor {
        slots: Stored {
            reader: Reader::new(redis.clone(), storage, shared.partitions, settings.snapshot_life),
            redis: redis.clone(),
            partitions: shared.partitions,
        },
        key: Arc::new(IdKey::new(shared.id_key.expose_secret().as_bytes()).context("TRIBUTARY_ID_KEY")?),
        partitions: shared.partitions,
        limits,
    };
    let endings = redis.endings();
    let hearing = endings.clone().run(context.tasks.stopping());
    context.tasks.spawn("endings", async {
        hearing.await;
        Ok(())
    });
    let stages = Stages { redis: redis.clone(), endings, config: config.clone() };
    let waiting = Waiting::new(stages, settings.waiting, context.tasks.stopping());
    let service = grpc::Grpc { processor, config, credential: shared.mesh_credential.clone(), waiting };
    let service = standard_service!(PreprocessServiceServer::new(service), MAX_HOP_BYTES);
    let health = Server::new().names([SERVICE_NAME]).serve(
        listener,
        Routes::new(service),
        tributary_proto::DESCRIPTORS,
        &context.tasks,
    )?;
    let stopping = context.tasks.stopping();
    context.tasks.spawn("readiness", async move {
        let watching = async {
            loop {
                health.set_serving(redis.ping().await.is_ok()).await;
                tokio::time::sleep(READINESS).await;
            }
        };
        // A ping under way at the stop must not call the stage ready again.
        stopping.run_until_cancelled(watching).await;
        Ok(())
    });
    Ok(())
}

/// On a deployment's first start Postgres must be there: before a collector has laid it out no profile can be looked up.
/// A configuration in Redis proves that this has happened. From then on a Postgres that is away is no reason not to start:
/// profiles that Redis holds are served without it.
async fn database(redis: &Redis, url: &str, connections: u32) -> anyhow::Result<Storage> {
    if redis.newest_config().await?.is_some() {
        let storage = Storage::connect_lazy(url, connections)?;
        if let Err(error) = storage.ping().await {
            tracing::warn!(%error, "Postgres is away: profiles that Redis does not hold have to wait for it");
        }
        return Ok(storage);
    }
    let storage = Storage::connect(url, connections)
        .await
        .context("DATABASE_URL: preprocess needs Postgres when a deployment starts for the first time")?;
    laid_out(&storage).await;
    Ok(storage)
}

async fn laid_out(storage: &Storage) {
    let mut told = false;
    while !matches!(storage.partitions().await, Ok(rows) if !rows.is_empty()) {
        if !told {
            tracing::info!("waiting for a collector to lay out the database");
            told = true;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
