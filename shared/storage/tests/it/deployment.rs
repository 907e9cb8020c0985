//! Layout and epochs.

use tributary_model::PartitionId;
use tributary_storage::{Positions, Storage, StorageError};

use crate::support::{HERE, PARTITIONS, database_url, storage};

#[tokio::test]
async fn every_partition_starts_at_zero_and_a_second_start_changes_nothing() {
    let storage = storage().await;
    storage.take_epoch(HERE, 7).await.unwrap();
    storage.ensure_deployment(PARTITIONS).await.unwrap();
    let rows = storage.partitions().await.unwrap();
    assert_eq!(rows.len(), usize::from(PARTITIONS));
    assert!(rows.iter().all(|row| row.positions == Positions::default()));
    assert_eq!(rows[1].epoch, 7);
}

#[tokio::test]
async fn another_number_of_partitions_is_refused_and_both_numbers_are_said() {
    let error = storage().await.ensure_deployment(8).await.unwrap_err();
    assert!(matches!(error, StorageError::OtherDeployment { stored: PARTITIONS, asked: 8 }), "{error}");
    assert!(error.to_string().contains("TRIBUTARY_PARTITIONS=4"), "{error}");
}

#[tokio::test]
async fn several_processes_may_start_on_an_empty_database_at_once() {
    let url = database_url().await;
    let start = || async {
        tributary_storage::migrate(&url).await?;
        Storage::connect(&url, 2).await?.ensure_deployment(PARTITIONS).await
    };
    let (a, b, c) = tokio::join!(start(), start(), start());
    a.and(b).and(c).unwrap();
}

#[tokio::test]
async fn an_epoch_is_taken_only_if_it_is_the_newest() {
    let storage = storage().await;
    assert_eq!(storage.take_epoch(HERE, 2).await.unwrap(), Some(Positions::default()));
    assert_eq!(storage.take_epoch(HERE, 2).await.unwrap(), None);
    assert_eq!(storage.take_epoch(HERE, 1).await.unwrap(), None);
    assert_eq!(storage.read_epoch(HERE).await.unwrap(), 2);
    let unknown = storage.read_epoch(PartitionId(99)).await.unwrap_err();
    assert!(matches!(unknown, StorageError::UnknownPartition { partition: 99 }));
}

#[tokio::test]
async fn a_stage_starts_without_postgres_and_is_told_that_it_is_away() {
    let storage = Storage::connect_lazy("postgres://tributary@localhost/x?host=/nowhere", 1).unwrap();
    assert!(storage.ping().await.unwrap_err().is_unavailable());
    let error = Storage::connect_lazy("redis://localhost", 1).unwrap_err();
    assert!(matches!(error, StorageError::Address { .. }), "{error:?}");
}
