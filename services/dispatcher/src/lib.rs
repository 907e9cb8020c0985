//! The dispatcher: sends changed profiles, and what workflows say, to external systems, sparing them.
//!
//! Reads `{p}:profiles` of the partitions it owns, and profiles as they are when they are sent. Writes its own timers
//! (one per profile and destination; those of what workflows send are made by these), requests to destinations, what was
//! delivered for those who wait, and `{p}:dead`. Serves `DispatchService`.
//!
//! Start at [`start`]; then `partition.rs` (the life of an owned partition), `entries.rs` (a changed profile becomes
//! timers), `firing.rs` (due timers become deliveries, each destination at its own pace) and `delivery.rs` (one of them).
//! `decide.rs` is the whole judgement on an attempt. The hand-overs are in docs/protocol.md §6.

mod dead_letters;
mod decide;
mod delivery;
mod destinations;
mod entries;
mod error;
mod firing;
mod grpc;
mod letter;
pub mod message;
mod order;
mod partition;
mod permits;
pub mod schedule;
mod settings;
mod webhook;

pub use settings::Settings;

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use tributary_config::Compiler;
use tributary_runtime::{Context, Server, bind, load_stage, settings::Durability};
use tributary_storage::Storage;
use tributary_streams::{Live, Ownership, Reader, Redis, StreamsError, Watch, own};

use crate::{destinations::Destinations, partition::Dispatcher, permits::AllPermits};

/// The stage's name, in leases, timers and dead letters.
const STAGE: &str = "dispatcher";

/// Starts the stage: its server, and the tasks that own partitions.
///
/// # Errors
/// Wrong settings, a taken port, a Redis that is away or not set up as it must be. A configuration is waited for.
/// Postgres may be away: profiles that are in Redis are delivered without it.
pub async fn start(context: Context) -> anyhow::Result<()> {
    let settings: Settings = load_stage(context.stage)?;
    start_with(context, settings).await.map(drop)
}

/// As [`start`], with settings from elsewhere. Answers where it listens.
///
/// # Errors
/// As [`start`].
pub async fn start_with(context: Context, settings: Settings) -> anyhow::Result<SocketAddr> {
    let shared = &context.shared;
    let listener = bind(context.stage, settings.listen).await?;
    let address = listener.local_addr()?;
    tracing::info!(%address, "listening");

    let client = webhook::client().context("the client for deliveries")?;

    let redis =
        Redis::connect(shared.redis_url.expose_secret(), shared.durability == Durability::Relaxed).await?;
    let storage = Storage::connect_lazy(shared.database_url.expose_secret(), settings.connections)
        .context("DATABASE_URL")?;
    let permits = AllPermits::default();
    let compiler = Compiler::default();
    let prepare = move |revision: &[u8]| Destinations::prepare(revision, &compiler, &permits);
    let destinations = Live::start(redis.clone(), STAGE, prepare).await?;
    let following = destinations.clone().follow(context.tasks.stopping());
    context.tasks.spawn("configuration", async {
        following.await;
        Ok(())
    });

    let service = grpc::service(redis.clone(), shared.partitions, shared.admin_keys.clone());
    let routes = tonic::service::Routes::new(service);
    let server = Server::new().max_concurrent(settings.max_concurrent).names([grpc::NAME]);
    server.serve(listener, routes, tributary_proto::DESCRIPTORS, &context.tasks)?;

    let stopping = context.tasks.stopping();
    let watch = Arc::new(Watch::default());
    let watching = watch.clone().run(redis.clone(), stopping.clone());
    context.tasks.spawn("watch", async {
        watching.await;
        Ok(())
    });

    let ownership = Ownership { stage: STAGE, partitions: shared.partitions, lease: shared.lease };
    let reader = Reader::new(redis.clone(), storage, shared.partitions, settings.snapshot_life);
    let finish = settings.finish;
    let marks = shared.dedup_window;
    let dispatcher =
        Arc::new(Dispatcher { redis: redis.clone(), reader, destinations, client, watch, marks, finish });
    context.tasks.spawn("ownership", async move {
        // Nothing here is written to Postgres, so no epoch there has to be exceeded.
        let least_epoch = |_| async { Ok::<i64, StreamsError>(0) };
        own(redis, ownership, stopping, least_epoch, |held| partition::run(dispatcher.clone(), held)).await;
        Ok(())
    });
    Ok(address)
}
