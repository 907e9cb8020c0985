//! One stored event, by its id.

use tributary_model::{EventId, TenantId};

use super::EventRow;
use super::read::{columns, event};
use crate::{Storage, StorageError, pool::within};

impl Storage {
    /// The stored event of this id; the one received last, where the id was used again after the dedup window.
    ///
    /// # Errors
    /// Postgres does not answer.
    pub async fn find_event(
        &self,
        tenant: &TenantId,
        id: &EventId,
    ) -> Result<Option<EventRow>, StorageError> {
        within(async {
            let row = sqlx::query(concat!(
                "SELECT ",
                columns!(),
                " FROM events AS event WHERE tenant = $1 AND id = $2 ORDER BY received DESC LIMIT 1",
            ))
            .bind(tenant.as_str())
            .bind(id.as_str())
            .fetch_optional(&self.pool)
            .await?;
            row.map(|row| event(&row, tenant)).transpose()
        })
        .await
    }
}
