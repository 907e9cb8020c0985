//! The collector: folds changes into profiles and sessions, stores events, publishes what has changed, answers reads.
//!
//! Reads `{p}:changes` and `{p}:events` of the partitions it owns. Writes Postgres (one transaction a flush), then
//! snapshots, `{p}:profiles` and `{p}:sessions`, and trims. Keeps the configuration in Postgres and gives it to all stages.
//! Serves `ProfileService` and `ConfigService`.
//!
//! Start at [`start`]; then `ownership.rs` (which partitions), `owner.rs` (the life of one), `flush/` (one flush, step by
//! step, docs/protocol.md §7), `configuration/` (revisions), `grpc/` and `sessions.rs` (reads). `recover.rs` is what makes a crash between commit and
//! publication harmless.

mod cache;
mod configuration;
mod error;
mod flush;
mod grpc;
mod housekeeping;
mod owner;
mod ownership;
mod recover;
mod sessions;
mod settings;
mod spans;
mod wire;

pub use settings::Settings;

use std::{net::SocketAddr, sync::Arc};

use secrecy::ExposeSecret as _;
use tonic::service::Routes;
use tributary_runtime::{Context, Server, bind, load_stage, settings::Durability};
use tributary_storage::Storage;
use tributary_streams::{Ownership, Reader, Redis};

use crate::{
    configuration::{Configuration, Running},
    owner::Partitions,
    sessions::Sessions,
};

/// The stage's name in leases.
const STAGE: &str = "collector";

/// Starts the stage with the settings of its environment.
///
/// # Errors
/// Wrong settings, and those of [`start_with`].
pub async fn start(context: Context) -> anyhow::Result<()> {
    let settings: Settings = load_stage(context.stage)?;
    let address = start_with(&context, settings).await?;
    tracing::info!(%address, "listening");
    Ok(())
}

/// Starts the stage: its server, whose address is answered, and the tasks that own partitions.
///
/// # Errors
/// A taken port, a Redis that is away or not set up as it must be. Postgres may be away: reads and flushes begin when it
/// is there.
pub async fn start_with(context: &Context, settings: Settings) -> anyhow::Result<SocketAddr> {
    let Context { stage, shared, tasks } = context;
    let listener = bind(stage, settings.listen).await?;
    let address = listener.local_addr()?;

    let relaxed = shared.durability == Durability::Relaxed;
    let redis = Redis::connect(shared.redis_url.expose_secret(), relaxed).await?;
    let storage = Storage::connect_lazy(shared.database_url.expose_secret(), settings.connections)?;

    let configuration = Configuration::new(redis.clone(), storage.clone());
    let first = match &shared.config {
        Some(dir) => configuration::first(&configuration, dir).await?,
        None => None,
    };
    let running = Running::default();
    let sessions = Sessions {
        redis: redis.clone(),
        reader: Reader::new(redis.clone(), storage.clone(), shared.partitions, settings.snapshot_life),
        partitions: shared.partitions,
        binding_life: shared.dedup_window + shared.visit_timeout,
        running: running.clone(),
    };
    let places = grpc::Places::new(settings.watchers, shared.admin_keys.tenants());
    let watchers = grpc::Watchers::new(redis.clone(), shared.partitions, places, tasks.stopping());
    let service = grpc::service(sessions, watchers, shared.admin_keys.clone());
    let config_service = grpc::config::service(configuration.clone(), shared.admin_keys.clone());
    let routes = Routes::new(service).add_service(config_service);
    let names = [grpc::NAME, grpc::config::NAME];
    let server = Server::new().max_concurrent(settings.max_concurrent).names(names);
    server.serve(listener, routes, tributary_proto::DESCRIPTORS, tasks)?;

    let retention = settings.event_retention;
    let ownership = Ownership { stage: STAGE, partitions: shared.partitions, lease: shared.lease };
    tasks.spawn("configuration", configuration::keep_published(configuration, first, tasks.stopping()));
    tasks.spawn("running configuration", running.clone().follow(redis.clone(), tasks.stopping()));
    let partitions = Arc::new(Partitions::new(redis, storage.clone(), settings, running));
    let database = shared.database_url.clone();
    tasks.spawn("ownership", ownership::run(partitions, ownership, database, tasks.stopping()));
    tasks.spawn("housekeeping", housekeeping::run(storage, retention, tasks.stopping()));
    Ok(address)
}
