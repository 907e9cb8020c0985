//! What a new owner finds to publish.

use crate::support::{HERE, at, batch, profile_row, session_row, storage};

#[tokio::test]
async fn rows_above_the_published_versions_come_ascending_in_pages_with_their_position() {
    let storage = storage().await;
    storage.take_epoch(HERE, 1).await.unwrap();
    let mut batch = batch(1, Default::default(), at(20, 0));
    batch.profiles = (1..=5).rev().map(|n| profile_row(&format!("p{n}"), at(n * 2, 0), 1)).collect();
    batch.sessions = vec![session_row("s1", "p1", "p1", at(3, 0))];
    storage.flush(&mut batch).await.unwrap();

    let first = storage.published_behind(HERE, at(2, 0), at(0, 0), 2).await.unwrap();
    assert_eq!(first.positions, batch.to);
    assert_eq!(first.profiles.iter().map(|row| row.version).collect::<Vec<_>>(), [at(4, 0), at(6, 0)]);
    assert_eq!(first.sessions.len(), 1);

    let last = storage.published_behind(HERE, at(6, 0), at(3, 0), 10).await.unwrap();
    assert_eq!(last.profiles.iter().map(|row| row.version).collect::<Vec<_>>(), [at(8, 0), at(10, 0)]);
    assert!(last.sessions.is_empty());
}
