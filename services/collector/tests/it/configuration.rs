//! Applying: from documents to a revision, and what a caller sees of it.

use tonic::Code;
use tonic_types::StatusExt as _;
use tributary_proto::v1;
use tributary_runtime::reason_of;
use tributary_testkit::eventually;

use crate::{
    configured::{document, mapping, request, short, source, with_both},
    support::{SOON, World, admin, with_key},
};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_applied_is_planned_recorded_published_and_can_be_gone_back_to() {
    let world = World::new().await;
    let collector = world.collector().await;
    let before = collector.documents("").await.unwrap();
    assert_eq!((before.revision.as_str(), before.documents.len()), ("", 0));

    let first = collector.apply(request(&[source("demo"), mapping("demo", "a", 1)])).await.unwrap();
    assert_eq!(short(&first.changes), ["Mapping a Create", "Source website Create"]);
    assert!(first.revision.starts_with("1-"), "{}", first.revision);
    assert_eq!(world.redis.newest_config().await.unwrap(), Some(1));

    let two = [mapping("demo", "a", 2), mapping("demo", "b", 1)];
    let dry = collector.apply(v1::ApplyRequest { dry_run: true, ..request(&two) }).await.unwrap();
    assert_eq!(short(&dry.changes), ["Mapping a Change", "Mapping b Create"]);
    assert_eq!((dry.revision.as_str(), dry.kept), (first.revision.as_str(), 1));
    let field = &dry.changes[0].fields[0];
    assert_eq!(field.path, "spec.changes[0].value");
    let value = |value: &Option<tributary_proto::raw::RawValue>| value.as_ref().unwrap().to_json().unwrap();
    assert_eq!((value(&field.before), value(&field.after)), (1.into(), 2.into()));
    assert_eq!(world.redis.newest_config().await.unwrap(), Some(1), "a dry run changes nothing");

    let noted = v1::ApplyRequest { note: "for the sale".to_owned(), ..request(&two) };
    let second = collector.apply(noted).await.unwrap();
    assert_eq!(second.changes, dry.changes);
    // Equal to what is configured: nothing is made of it, however often.
    let again = collector.apply(request(&two)).await.unwrap();
    assert_eq!((again.changes.len(), again.unchanged, again.kept), (0, 2, 1));
    assert_eq!(again.revision, second.revision);

    let pruned = [source("demo"), mapping("demo", "b", 1)];
    let third = collector.apply(v1::ApplyRequest { prune: true, ..request(&pruned) }).await.unwrap();
    assert_eq!(short(&third.changes), ["Mapping a Delete"]);

    let back = collector.roll_back("1").await.unwrap();
    assert_eq!(short(&back.changes), ["Mapping a Create", "Mapping b Delete"]);
    assert!(back.revision.starts_with("4-"), "{}", back.revision);
    assert_eq!(back.revision.split_once('-').unwrap().1, first.revision.split_once('-').unwrap().1);
    let texts = |listed: &v1::ConfigServiceListResponse| {
        listed.documents.iter().map(|document| document.text.clone()).collect::<Vec<_>>()
    };
    let (now, then) =
        (collector.documents("").await.unwrap(), collector.documents(&first.revision).await.unwrap());
    assert_eq!(texts(&now), texts(&then));
    assert_eq!((now.revision.as_str(), then.revision.as_str()), (&*back.revision, &*first.revision));

    let history = collector.history().await;
    let told: Vec<(&str, &str)> =
        history.iter().map(|revision| (revision.revision.as_str(), revision.note.as_str())).collect();
    let expected = [
        (back.revision.as_str(), &*format!("back to revision {}", first.revision)),
        (third.revision.as_str(), ""),
        (second.revision.as_str(), "for the sale"),
        (first.revision.as_str(), ""),
    ];
    assert_eq!(told, expected);
    assert_eq!(history[2].changes, second.changes);
    assert!(history.iter().all(|revision| revision.created.is_some()));
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_document_is_refused_with_its_place_and_nothing_is_applied() {
    let world = World::new().await;
    let collector = world.collector().await;
    let wrong =
        document("demo", "Mapping", "bad", "{events: [purchase], changes: [{path: a, op: mni, value: 1}]}");
    for dry_run in [true, false] {
        let documents = [source("demo"), mapping("demo", "a", 1), wrong.clone()];
        let refused = collector.apply(v1::ApplyRequest { dry_run, ..request(&documents) }).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason_of(&refused).as_deref()),
            (Code::InvalidArgument, Some("CONFIG_INVALID"))
        );
        let details = refused.get_error_details();
        let violation = &details.bad_request().unwrap().field_violations[0];
        assert!(violation.field.starts_with("demo/bad.yaml:4:"), "{violation:?}");
        assert!(violation.description.starts_with("Mapping bad: "), "{violation:?}");
    }
    let scenario = [source("demo"), document("demo", "Scenario", "buys", "{}")];
    let refused = collector.apply(request(&scenario)).await.unwrap_err();
    assert_eq!(reason_of(&refused).as_deref(), Some("CONFIG_INVALID"));
    assert_eq!(collector.documents("").await.unwrap().revision, "");
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn applies_at_once_over_two_collectors_all_land() {
    let world = World::new().await;
    let (one, two) = (world.collector().await, world.collector().await);
    one.apply(request(&[source("demo")])).await.unwrap();
    let applied = (0..12).map(|n| {
        let collector = if n % 2 == 0 { &one } else { &two };
        collector.apply(request(&[mapping("demo", &format!("m{n}"), n)]))
    });
    let applied = futures::future::join_all(applied).await;
    let mut numbers: Vec<u64> = applied
        .into_iter()
        .map(|answer| tributary_config::number_of(&answer.unwrap().revision).unwrap())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (2..=13).collect::<Vec<u64>>());
    let documents = two.documents("").await.unwrap().documents;
    assert_eq!(documents.len(), 13, "each was built on what the others had made");
    eventually(SOON, async || match world.redis.newest_config().await.unwrap() {
        Some(13) => Ok(()),
        other => Err(format!("{other:?} is published")),
    })
    .await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_builds_on_another_revision_than_the_one_in_force_is_told() {
    let world = World::new().await;
    let collector = world.collector().await;
    let on = |base: &str, value| v1::ApplyRequest {
        base_revision: base.to_owned(),
        ..request(&[source("demo"), mapping("demo", "a", value)])
    };
    let refused = collector.apply(on("1", 1)).await.unwrap_err();
    assert_eq!((refused.code(), reason_of(&refused).as_deref()), (Code::Aborted, Some("REVISION_CHANGED")));
    let first = collector.apply(on("", 1)).await.unwrap().revision;
    collector.apply(on(&first, 2)).await.unwrap();
    let refused = collector.apply(on(&first, 3)).await.unwrap_err();
    assert_eq!(reason_of(&refused).as_deref(), Some("REVISION_CHANGED"));
    collector.apply(on("2", 3)).await.unwrap();

    for unknown in ["4", "1-00000000", "x", "-1"] {
        let refused = collector.roll_back(unknown).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason_of(&refused).as_deref()),
            (Code::NotFound, Some("REVISION_NOT_FOUND")),
            "{unknown}"
        );
    }
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_sees_and_changes_its_own_alone_unless_it_shows_the_others_key() {
    let world = World::new().await;
    let collector = world.collector().await;
    let mut client = collector.configuration().await;
    let both = [source("demo"), source("other"), mapping("other", "theirs", 1)];
    let refused = client.apply(admin(request(&both))).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason_of(&refused).as_deref()),
        (Code::PermissionDenied, Some("TENANT_NOT_AUTHORISED"))
    );
    assert_eq!(refused.get_error_details().resource_info().unwrap().resource_name, "other");
    let mut unknown = with_both(request(&both));
    unknown.metadata_mut().append("tributary-tenant-key", "nobodys-admin-key".parse().unwrap());
    assert_eq!(client.apply(unknown).await.unwrap_err().code(), Code::Unauthenticated);

    let first = client.apply(with_both(request(&both))).await.unwrap().into_inner();
    assert_eq!(first.changes.len(), 3);
    // Prune does not reach over to the other tenant.
    let own = v1::ApplyRequest { prune: true, ..request(&[source("demo"), mapping("demo", "m", 1)]) };
    let second = client.apply(admin(own)).await.unwrap().into_inner();
    assert_eq!(short(&second.changes), ["Mapping m Create"]);

    let listed = collector.documents("").await.unwrap().documents;
    assert!(listed.len() == 2 && listed.iter().all(|document| document.tenant == "demo"), "{listed:?}");
    let get = |name: &str| v1::ConfigServiceGetRequest {
        kind: "Mapping".to_owned(),
        name: name.to_owned(),
        ..Default::default()
    };
    let refused = client.get(admin(get("theirs"))).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason_of(&refused).as_deref()),
        (Code::NotFound, Some("DOCUMENT_NOT_FOUND"))
    );
    let theirs = client.get(with_both(get("theirs"))).await.unwrap().into_inner();
    assert_eq!(
        (theirs.document.unwrap().tenant, theirs.revision),
        ("other".to_owned(), second.revision.clone())
    );

    let theirs = v1::ListRevisionsRequest::default();
    let theirs =
        client.list_revisions(with_key(theirs, crate::configured::OTHER_KEY)).await.unwrap().into_inner();
    assert_eq!(theirs.revisions.len(), 1);
    assert_eq!(short(&theirs.revisions[0].changes), ["Mapping theirs Create", "Source website Create"]);
    assert!(theirs.revisions[0].changes.iter().all(|change| change.tenant == "other"));

    // Going back is for the caller's tenant too: before its first document it has none.
    let back = v1::RollbackRequest {
        revision: "1".to_owned(),
        wait: Some(prost_types::Duration::default()),
        ..Default::default()
    };
    let back = client.rollback(admin(back)).await.unwrap().into_inner().applied.unwrap();
    assert_eq!(short(&back.changes), ["Mapping m Delete"]);
    let all = v1::ConfigServiceListRequest::default();
    assert_eq!(client.list(with_both(all)).await.unwrap().into_inner().documents.len(), 3);
    collector.stop().await;
}
