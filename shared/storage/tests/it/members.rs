//! Reading members of profiles and sessions.

use tributary_model::TenantId;

use crate::support::{HERE, at, batch, profile, profile_row, session, session_row, storage, tenant};

#[tokio::test]
async fn a_profile_without_a_row_is_empty_as_of_the_position() {
    let storage = storage().await;
    storage.take_epoch(HERE, 1).await.unwrap();
    storage.flush(&mut batch(1, Default::default(), at(3, 1))).await.unwrap();
    let read = storage.load_profile_with_position(&tenant(), &profile("nobody"), HERE).await.unwrap();
    assert_eq!(read, (None, at(3, 1)));
    let read =
        storage.load_session_with_position(&tenant(), &session("s"), &profile("p"), HERE).await.unwrap();
    assert_eq!(read, (None, at(3, 1)));
}

#[tokio::test]
async fn batches_return_what_exists_and_keep_tenants_apart() {
    let storage = storage().await;
    storage.take_epoch(HERE, 1).await.unwrap();
    let mut batch = batch(1, Default::default(), at(3, 0));
    batch.profiles = vec![profile_row("p1", at(1, 0), 1), profile_row("p2", at(2, 0), 2)];
    batch.sessions = vec![session_row("s1", "p1", "p1", at(3, 0))];
    storage.flush(&mut batch).await.unwrap();

    let other = TenantId::new("other").unwrap();
    let keys = [(tenant(), profile("p2")), (tenant(), profile("p3")), (other.clone(), profile("p1"))];
    let found = storage.load_profiles(&keys).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[&keys[0]].version, at(2, 0));

    let keys = [(tenant(), session("s1"), profile("p1")), (other, session("s1"), profile("p1"))];
    let found = storage.load_sessions(&keys).await.unwrap();
    assert_eq!((found.len(), found[&keys[0]].bound.clone()), (1, profile("p1")));
}

#[tokio::test]
async fn a_session_is_all_its_members_and_knows_what_it_was_bound_to() {
    let storage = storage().await;
    storage.take_epoch(HERE, 1).await.unwrap();
    assert_eq!(storage.bound_of(&tenant(), &session("s1")).await.unwrap(), None);
    let mut batch = batch(1, Default::default(), at(3, 0));
    batch.sessions = vec![session_row("s1", "p2", "p1", at(3, 0)), session_row("s1", "p1", "p1", at(2, 0))];
    storage.flush(&mut batch).await.unwrap();

    assert_eq!(storage.bound_of(&tenant(), &session("s1")).await.unwrap(), Some(profile("p1")));
    let members = storage.session_members(&tenant(), &session("s1")).await.unwrap();
    let members: Vec<_> = members.iter().map(|m| (m.origin.as_str(), m.member.version)).collect();
    assert_eq!(members, [("p1", at(2, 0)), ("p2", at(3, 0))]);
}
