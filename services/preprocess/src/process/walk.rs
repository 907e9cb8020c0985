//! A payload on its way from slot to slot.

use super::Bound;
use crate::payload::Payload;
use crate::plan::Ground;
use tracing::{Span, info_span};
use tributary_config::Tenant;
use tributary_model::{Kinds, PartitionId, ProfileId, SessionId, SourceName, State, TenantId, Time, Version};
use tributary_proto::v1;
use tributary_runtime::telemetry::names;
use tributary_streams::Reading;

/// What stays the same from slot to slot.
pub(crate) struct Walk<'a> {
    pub(super) tenant_id: &'a TenantId,
    pub(super) tenant: &'a Tenant,
    pub(super) revision: &'a str,
    pub(super) source: &'a SourceName,
    pub(super) derivation: Option<&'a v1::Derivation>,
    pub(super) received: Time,
    pub(super) not_after: Time,
    pub(super) payload: &'a Payload,
    pub(super) bound: Option<&'a Bound>,
    pub(super) workflow: &'a str,
    pub(super) with_runs: bool,
}

impl Walk<'_> {
    pub(crate) fn tenant_id(&self) -> &TenantId {
        self.tenant_id
    }

    /// The kinds of the tenant's paths, which decide what is shown.
    pub(crate) fn kinds(&self) -> &Kinds {
        &self.tenant.kinds
    }

    /// Whether the answer is to say what workflows did.
    pub(crate) fn with_runs(&self) -> bool {
        self.with_runs
    }

    pub(crate) fn received(&self) -> Time {
        self.received
    }

    /// The session, and the profile that it is bound to.
    pub(crate) fn session(&self) -> Option<(&SessionId, &ProfileId)> {
        self.bound.map(|bound| (&bound.session, &bound.profile))
    }

    /// The span of an append.
    pub(super) fn span(&self, partition: PartitionId, events: usize) -> Span {
        info_span!(
            "append",
            { names::OTEL_NAME } = names::SEND_EVENTS,
            { names::OTEL_KIND } = "producer",
            { names::MESSAGING_SYSTEM } = names::MESSAGING_REDIS,
            { names::MESSAGING_OPERATION_TYPE } = "send",
            { names::MESSAGING_OPERATION_NAME } = names::SEND_EVENTS,
            { names::MESSAGING_DESTINATION_NAME } = "events",
            { names::MESSAGING_DESTINATION_PARTITION_ID } = %partition.0,
            { names::MESSAGING_BATCH_MESSAGE_COUNT } = names::number(events),
            { names::TENANT } = self.tenant_id.as_str(),
            { names::SOURCE } = self.source.as_str(),
            { names::REVISION } = self.revision,
        )
    }

    /// What a plan at `at` is made on.
    pub(super) fn ground<'g>(
        &'g self,
        at: &'g ProfileId,
        reading: &'g Reading,
        empty: &'g State,
    ) -> Ground<'g> {
        Ground {
            tenant: self.tenant_id,
            config: self.tenant,
            revision: self.revision,
            source: self.source,
            received: self.received,
            derivation: self.derivation,
            profile: at,
            session: self.session(),
            profile_state: &reading.profile.state,
            session_state: reading.session.get(at).map_or(empty, |(_, state)| state),
            is_new: reading.profile.version == Version::default(),
            workflow: self.workflow,
            with_runs: self.with_runs,
        }
    }
}
