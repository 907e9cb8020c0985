//! The life of an owned partition: two loops that share nothing but Redis and a nudge.

use std::{sync::Arc, time::Duration};

use reqwest::Client;
use tokio::sync::Notify;
use tributary_storage::Storage;
use tributary_streams::{Held, Live, Reader, Redis, StreamsError, Watch};

use crate::{destinations::Destinations, entries, firing};

/// What the owners of all partitions share.
pub(crate) struct Dispatcher {
    pub(crate) redis: Redis,
    pub(crate) reader: Reader<Storage>,
    pub(crate) destinations: Arc<Live<Destinations>>,
    pub(crate) client: Client,
    pub(crate) watch: Arc<Watch>,
    /// How long what was delivered is remembered for those who wait: the dedup window.
    pub(crate) marks: Duration,
    /// How long requests under way may take to finish at the end.
    pub(crate) finish: Duration,
}

/// Works on a partition until it is to be handed over. An error ends both loops at once and breaks off what is under
/// way: nothing in memory is trusted after one, and whoever is owner next finds all of it in Redis.
pub(crate) async fn run(dispatcher: Arc<Dispatcher>, held: Held) -> Result<(), StreamsError> {
    let scheduled = Notify::new();
    let entries = entries::schedule(&dispatcher, &held, &scheduled);
    let firing = firing::fire_due(&dispatcher, &held, &scheduled);
    tokio::try_join!(entries, firing)?;
    Ok(())
}
