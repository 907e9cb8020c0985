//! Table `deployment`: the number of partitions, fixed by the first start.

use crate::{Storage, StorageError, pool::within};

impl Storage {
    /// Lays the database out for `partitions` partitions at the first call, and refuses any other number from then on.
    pub async fn ensure_deployment(&self, partitions: u16) -> Result<(), StorageError> {
        within(async {
            let mut tx = self.pool.begin().await?;
            sqlx::query("INSERT INTO deployment (partitions) VALUES ($1) ON CONFLICT DO NOTHING")
                .bind(i32::from(partitions))
                .execute(&mut *tx)
                .await?;
            let stored: i32 =
                sqlx::query_scalar("SELECT partitions FROM deployment").fetch_one(&mut *tx).await?;
            if stored != i32::from(partitions) {
                return Err(StorageError::OtherDeployment {
                    stored: u16::try_from(stored).unwrap_or(u16::MAX),
                    asked: partitions,
                });
            }
            let start = tributary_model::StreamId::default().sortable();
            sqlx::query(
                "INSERT INTO partitions (p, changes_pos, events_pos, published_profiles, published_sessions) \
                 SELECT p, $2, $2, $2, $2 FROM generate_series(0, $1 - 1) AS p ON CONFLICT DO NOTHING",
            )
            .bind(i32::from(partitions))
            .bind(start)
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
            Ok(())
        })
        .await
    }
}
