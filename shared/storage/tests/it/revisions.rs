//! Revisions of the configuration.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tributary_storage::{NewRevision, RevisionRow, Storage, StorageError};

use crate::support::{database_url, storage};

fn revision(number: u64, tenants: &[&str], changes: Value) -> NewRevision {
    NewRevision {
        row: RevisionRow {
            number,
            id: format!("{number}-abc"),
            documents: json!([{"text": format!("ä\n{number}")}]),
        },
        note: format!("note {number}"),
        tenants: tenants.iter().map(|tenant| (*tenant).to_owned()).collect(),
        changes,
    }
}

#[tokio::test]
async fn a_revision_is_read_back_by_its_number_and_as_the_newest() {
    let storage = storage().await;
    assert_eq!(storage.newest_revision_number().await.unwrap(), None);
    assert_eq!(storage.newest_revision().await.unwrap(), None);
    for number in 1..=2 {
        let new = revision(number, &["demo"], json!([]));
        assert!(storage.append_revision(number - 1, &new).await.unwrap());
        assert_eq!(storage.newest_revision_number().await.unwrap(), Some(number));
        assert_eq!(storage.newest_revision().await.unwrap().as_ref(), Some(&new.row));
    }
    let first = storage.revision(1).await.unwrap().unwrap();
    assert_eq!(first, revision(1, &[], json!([])).row);
    let names = storage.revision_ids(&[2, 3, u64::MAX]).await.unwrap();
    assert_eq!(names, [(2, "2-abc".to_owned())].into());
    for unknown in [0, 3, u64::MAX] {
        assert_eq!(storage.revision(unknown).await.unwrap(), None);
    }
}

#[tokio::test]
async fn what_was_built_on_an_older_revision_is_not_appended() {
    let storage = storage().await;
    assert!(storage.append_revision(0, &revision(1, &["demo"], json!([]))).await.unwrap());
    assert!(!storage.append_revision(0, &revision(1, &["demo"], json!([]))).await.unwrap());
    assert!(!storage.append_revision(0, &revision(7, &["demo"], json!([]))).await.unwrap());
    // A number may be skipped: Redis may know of one that this database has lost.
    assert!(storage.append_revision(1, &revision(7, &["demo"], json!([]))).await.unwrap());
    assert!(!storage.append_revision(1, &revision(8, &["demo"], json!([]))).await.unwrap());
    assert_eq!(storage.newest_revision_number().await.unwrap(), Some(7));
}

#[tokio::test]
async fn appends_at_once_all_land_one_after_the_other() {
    let url = database_url().await;
    let append = async |storage: Storage, who: usize| {
        loop {
            let base = storage.newest_revision_number().await.unwrap().unwrap_or_default();
            let mut new = revision(base + 1, &["demo"], json!([]));
            new.note = who.to_string();
            if storage.append_revision(base, &new).await.unwrap() {
                return base + 1;
            }
        }
    };
    let mut connected = Vec::new();
    for _ in 0..4 {
        connected.push(Storage::connect(&url, 2).await.unwrap());
    }
    let [a, b, c, d] = <[Storage; 4]>::try_from(connected.clone()).unwrap();
    let numbers = tokio::join!(append(a, 0), append(b, 1), append(c, 2), append(d, 3));
    let numbers = BTreeSet::from([numbers.0, numbers.1, numbers.2, numbers.3]);
    assert_eq!(numbers, (1..=4).collect());
    let page = connected[0].list_revisions(&["demo".to_owned()], 10, "").await.unwrap();
    let notes: BTreeSet<String> = page.revisions.into_iter().map(|past| past.note).collect();
    assert_eq!(notes, ["0", "1", "2", "3"].map(str::to_owned).into());
}

#[tokio::test]
async fn the_history_of_a_tenant_leaves_out_what_changed_only_others() {
    let storage = storage().await;
    let tenants: [&[&str]; 5] = [&["a"], &["b"], &["a", "b"], &["c"], &["a"]];
    for (base, tenants) in (0..).zip(tenants) {
        // jsonb cannot hold the one character; for people a mark of it is enough.
        let new = revision(base + 1, tenants, json!([{"after": "x\u{0}y"}]));
        assert!(storage.append_revision(base, &new).await.unwrap());
    }
    let of = |tenants: &[&str]| tenants.iter().map(|tenant| (*tenant).to_owned()).collect::<Vec<_>>();
    let first = storage.list_revisions(&of(&["a"]), 2, "").await.unwrap();
    let numbers =
        |page: &[tributary_storage::PastRevision]| page.iter().map(|past| past.number).collect::<Vec<_>>();
    assert_eq!(numbers(&first.revisions), [5, 3]);
    assert_eq!(first.revisions[0].changes, json!([{"after": "x\u{fffd}y"}]));
    assert_eq!((first.revisions[0].id.as_str(), first.revisions[0].note.as_str()), ("5-abc", "note 5"));
    let second = storage.list_revisions(&of(&["a"]), 2, &first.next_page_token.unwrap()).await.unwrap();
    assert_eq!((numbers(&second.revisions), second.next_page_token), (vec![1], None));
    let both = storage.list_revisions(&of(&["c", "b"]), 10, "").await.unwrap();
    assert_eq!(numbers(&both.revisions), [4, 3, 2]);
    let forged = storage.list_revisions(&of(&["a"]), 2, "?").await.unwrap_err();
    assert!(matches!(forged, StorageError::PageToken));
}
