//! What a new owner does first: publish the rows that a crash left between commit and stream (docs/protocol.md §7, step 6).
//!
//! Without it a profile that never changes again would never be published, and its pending list would stay for ever.

use tributary_model::StreamId;
use tributary_storage::Positions;
use tributary_streams::{Fence, Stream};

use crate::{
    flush::{Folded, publish},
    owner::{Lost, Partitions},
    wire,
};

/// Rows of each kind handled at once.
const PAGE: u32 = 500;

/// Publishes what is behind; answers the positions to flush from.
pub(crate) async fn publish_what_is_behind(
    partitions: &Partitions,
    fence: &Fence,
    taken: Positions,
) -> Result<Positions, Lost> {
    let Partitions { redis, storage, .. } = partitions;
    // A stream that is younger than the row says has been wiped; what it held is not published again.
    let mut profiles = redis.last_id(fence, Stream::Profiles).await?.max(taken.published_profiles);
    let mut sessions = redis.last_id(fence, Stream::Sessions).await?.max(taken.published_sessions);
    let mut recovered = 0;
    loop {
        let behind = storage.published_behind(fence.partition, profiles, sessions, PAGE).await?;
        if behind.profiles.is_empty() && behind.sessions.is_empty() {
            break;
        }
        profiles = last(behind.profiles.iter().map(|row| row.version), profiles);
        sessions = last(behind.sessions.iter().map(|row| row.version), sessions);
        let viewpoint = partitions.running.view(wire::now());
        let profiles_behind = behind.profiles.into_iter().map(Folded::of_profile_row);
        let sessions_behind = behind.sessions.into_iter().map(Folded::of_session_row);
        let folded: Vec<Folded> =
            profiles_behind.chain(sessions_behind).map(|row| row.rendered(&viewpoint)).collect();
        recovered += folded.len();
        // The traces of these changes are over, and whether all of them were historical is not known any more: the entries
        // go out without a trace, and as live. At worst a destination is told what it could have been spared.
        publish::after_commit(partitions, fence, behind.positions.changes, folded, |_| Default::default())
            .await?;
    }
    if recovered > 0 {
        tracing::info!(
            partition = fence.partition.0,
            rows = recovered,
            "published what a former owner left behind"
        );
    }
    redis.trim_changes(fence, taken.changes).await?;
    Ok(Positions { published_profiles: profiles, published_sessions: sessions, ..taken })
}

fn last(versions: impl Iterator<Item = StreamId>, before: StreamId) -> StreamId {
    versions.last().unwrap_or(before)
}
