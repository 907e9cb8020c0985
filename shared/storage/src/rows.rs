//! The rows behind hot reads.

use crate::{MemberRow, Storage, StorageError};
use tributary_model::{PartitionId, StreamId, TenantId};
use tributary_streams::{Known, Rows, Subject};

impl Rows for Storage {
    type Error = StorageError;

    async fn row(
        &self,
        p: PartitionId,
        tenant: &TenantId,
        subject: &Subject,
    ) -> Result<(Known, StreamId), StorageError> {
        let (row, position) = match subject {
            Subject::Profile(profile) => self.load_profile_with_position(tenant, profile, p).await?,
            Subject::Session { session, origin } => {
                self.load_session_with_position(tenant, session, origin, p).await?
            }
        };
        let known = row.map(|MemberRow { version, state, .. }| Known { version, state }).unwrap_or_default();
        Ok((known, position))
    }
}
