//! The life of an owned partition: its events and the timers of their runs, and the derived events that they led to.

use crate::calls::Calls;
use crate::events::Events;
use crate::forward::Forwards;
use crate::lanes;
use crate::revisions::Revisions;
use crate::settings::Settings;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tributary_proto::v1::preprocess_service_client::PreprocessServiceClient;
use tributary_runtime::client::MeshChannel;
use tributary_storage::Storage;
use tributary_streams::{Group, Held, Reader, Redis, StreamsError, Watch};

/// What the owners of all partitions share.
pub(crate) struct Worker {
    pub(crate) redis: Redis,
    pub(crate) reader: Reader<Storage>,
    pub(crate) revisions: Arc<Revisions>,
    pub(crate) calls: Arc<Calls>,
    pub(crate) watch: Arc<Watch>,
    pub(crate) preprocess: PreprocessServiceClient<MeshChannel>,
    pub(crate) settings: Settings,
    pub(crate) dedup_window: Duration,
    pub(crate) lease: Duration,
}

/// Works on a partition until it is to be handed over. An error ends both loops at once: nothing in memory is trusted
/// after one, and whoever is owner next finds everything in Redis.
pub(crate) async fn run(worker: Arc<Worker>, held: Held) -> Result<(), StreamsError> {
    let Worker { redis, watch, settings, .. } = &*worker;
    let events = Events { worker: &worker, held: &held, soon: Notify::new() };
    let forwards = Forwards { worker: &worker, held: &held };
    let events = lanes::run(redis, watch, &held, Group::Workflow, settings.bounds(), &events);
    let forwards = lanes::run(redis, watch, &held, Group::Forwarder, settings.bounds(), &forwards);
    tokio::try_join!(events, forwards)?;
    Ok(())
}
