//! An event that was recorded, found again.

use super::Runner;
use super::error::RunError;
use prost::Message as _;
use tributary_model::{EventId, ProfileId, SessionId, StreamId, TenantId, partition_of};
use tributary_proto::convert::time_to_wire;
use tributary_proto::raw::RawStruct;
use tributary_proto::v1;
use tributary_storage::EventRow;
use tributary_streams::{Progress, Stream};

/// An event, and what is remembered of it.
pub(super) struct Stored {
    pub(super) event: v1::Event,
    /// Its place in the stream.
    pub(super) entry: StreamId,
    pub(super) progress: Progress,
}

impl Runner {
    /// The event of this id. With its profile it is looked for in the streams first: there it is from the moment on that it is
    /// accepted.
    pub(super) async fn stored(
        &self,
        tenant: &TenantId,
        id: &EventId,
        profile: Option<&ProfileId>,
    ) -> Result<Stored, RunError> {
        if let Some(profile) = profile
            && let Some(found) = self.remembered(tenant, id, profile).await?
        {
            return Ok(found);
        }
        let row = self.reader.rows().find_event(tenant, id).await.map_err(RunError::Rows)?;
        let row = row.ok_or(RunError::UnknownEvent)?;
        let p = partition_of(tenant, row.profile_id.as_str(), self.partitions);
        let progress = self.redis.progress(p, tenant, id).await?;
        Ok(Stored { event: event_of(&row), entry: row.entry, progress })
    }

    async fn remembered(
        &self,
        tenant: &TenantId,
        id: &EventId,
        profile: &ProfileId,
    ) -> Result<Option<Stored>, RunError> {
        let p = partition_of(tenant, profile.as_str(), self.partitions);
        let progress = self.redis.progress(p, tenant, id).await?;
        let Some(entry) = place(&progress) else { return Ok(None) };
        let Some(found) = self.redis.entry(p, Stream::Events, entry).await? else { return Ok(None) };
        let event = v1::Event::decode(found.data.as_slice()).ok();
        // The partition is shared, and with it what is remembered of ids.
        let event = event.filter(|event| event.profile_id == profile.as_str() && event.id == id.as_str());
        Ok(event.map(|event| Stored { event, entry, progress }))
    }
}

fn place(progress: &Progress) -> Option<StreamId> {
    match progress {
        Progress::Unknown => None,
        Progress::Waiting { entry } | Progress::Ended { entry, .. } => Some(*entry),
    }
}

/// A row as it was on the stream, as far as workflows see it.
fn event_of(row: &EventRow) -> v1::Event {
    let document =
        |object: &serde_json::Map<_, _>| (!object.is_empty()).then(|| RawStruct::from_object(object));
    let derivation = row
        .cause
        .as_ref()
        .map(|cause| v1::Derivation { cause_event_id: cause.to_string(), depth: row.depth });
    v1::Event {
        tenant: row.tenant.to_string(),
        id: row.id.to_string(),
        r#type: row.event_type.clone(),
        source: row.source.to_string(),
        profile_id: row.profile_id.to_string(),
        session_id: row.session_id.as_ref().map(SessionId::to_string).unwrap_or_default(),
        time: Some(time_to_wire(row.time)),
        received: Some(time_to_wire(row.received)),
        properties: document(&row.properties),
        context: document(&row.context),
        revision: row.revision.clone(),
        request_id: row.request_id.clone(),
        derivation,
        problems: Vec::new(),
        invalid: row.invalid,
        historical: row.historical,
        workflow: row.workflow.clone(),
    }
}
