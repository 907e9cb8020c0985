//! From an append to the row, the streams and the answer.

use prost::Message as _;
use tonic::Code;
use tributary_model::{PartitionId, ProfileId, StreamId, TraceContext};
use tributary_proto::v1;
use tributary_streams::{Effect, Found, Group, HotRead, Stream, Subject};
use tributary_testkit::eventually;

use crate::support::{SOON, World, admin, partition, tenant, views, with_key};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_appended_is_read_at_once_and_stored_and_published_soon() {
    let world = World::new().await;
    let collector = world.collector().await;
    for n in 1..=3 {
        world.append(&format!("e{n}"), "p1", "s1").await;
        // Not a wait: the read sees what no flush has seen yet.
        assert_eq!(collector.views("p1").await, Ok(n));
    }

    let page = eventually(SOON, async || match collector.events("p1").await {
        events if events.len() == 3 => Ok(events),
        events => Err(format!("{} events stored", events.len())),
    })
    .await;
    assert!(page.iter().all(|event| event.session_id == "s1" && event.properties.is_some()));

    let p = partition("p1");
    let published = eventually(SOON, async || {
        let profiles = world.redis.tail(p, Stream::Profiles, StreamId::default(), 100).await.unwrap();
        let newest = profiles.last().map(|entry| v1::Profile::decode(entry.data.as_slice()).unwrap());
        newest.filter(|profile| views(profile.fields.as_ref()) == Some(3)).ok_or("not published".to_owned())
    })
    .await;
    assert_eq!((published.id.as_str(), published.members.len()), ("p1", 1));
    let sessions = world.redis.tail(p, Stream::Sessions, StreamId::default(), 100).await.unwrap();
    let session = v1::Session::decode(sessions.last().unwrap().data.as_slice()).unwrap();
    assert_eq!((session.id.as_str(), session.profile_id.as_str()), ("s1", "p1"));

    let session = collector.session("s1").await.unwrap();
    assert_eq!(views(session.fields.as_ref()), Some(3));
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_events_in_many_flushes_count_once_each() {
    let world = World::new().await;
    let settings = tributary_collector::Settings {
        listen: ([127, 0, 0, 1], 0).into(),
        flush_interval: std::time::Duration::from_millis(10),
        // Less than one append brings, and odd: cuts fall between the two entries of an event if anything lets them.
        flush_changes: 7,
        cached_rows: 1,
        ..Default::default()
    };
    let collector = world.collector_with(settings).await;
    for batch in 0..50 {
        let ids: Vec<String> = (0..20).map(|n| format!("e{batch}-{n}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let profile = format!("p{}", batch % 5);
        world.append_all(&ids, &profile, &format!("s{}", batch % 5)).await;
    }
    for n in 0..5 {
        let profile = format!("p{n}");
        eventually(SOON, async || match collector.events(&profile).await.len() {
            200 => Ok(()),
            stored => Err(format!("{stored} of 200 events of {profile} stored")),
        })
        .await;
        assert_eq!(collector.views(&profile).await, Ok(200));
        // The row alone, without what Redis holds.
        let id = ProfileId::new(profile.as_str()).unwrap();
        eventually(SOON, async || {
            let (row, _) =
                world.storage.load_profile_with_position(&tenant(), &id, partition(&profile)).await.unwrap();
            let fields = row.unwrap().state.view(crate::support::now()).document();
            let stored = views(Some(&tributary_proto::raw::RawStruct::from_object(&fields)));
            if stored == Some(200) { Ok(()) } else { Err(format!("{stored:?} in the row")) }
        })
        .await;
    }
    collector.stop().await;
    for p in 0..crate::support::PARTITIONS {
        let changes =
            world.redis.tail(tributary_model::PartitionId(p), Stream::Changes, StreamId::default(), 10);
        assert!(changes.await.unwrap().is_empty(), "changes are trimmed behind the committed position");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_cannot_be_read_is_set_aside_and_stops_nothing() {
    let world = World::new().await;
    let p = partition("p1");
    let mut raw = world.raw().await;
    let key = format!("{{{}}}:changes", p.0);
    redis::cmd("XADD")
        .arg(&[
            key.as_str(),
            "*",
            "data",
            "\u{1}not protobuf",
            "tenant",
            "demo",
            "profile",
            "p1",
            "cause",
            "x/1",
        ])
        .query_async::<()>(&mut raw)
        .await
        .unwrap();
    world.append("e1", "p1", "").await;
    let collector = world.collector().await;
    eventually(SOON, async || match collector.events("p1").await.len() {
        1 => Ok(()),
        _ => Err("not stored".to_owned()),
    })
    .await;
    let pool = sqlx::PgPool::connect(world.servers.database_url()).await.unwrap();
    let dead: (String, String) =
        sqlx::query_as("SELECT kind, subject FROM dead_letters").fetch_one(&pool).await.unwrap();
    assert_eq!(dead, ("change".to_owned(), "p1".to_owned()));
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_of_marks_alone_moves_the_position_trims_and_publishes_nothing() {
    let world = World::new().await;
    let collector = world.collector().await;
    let p = partition("p1");
    world.append("e1", "p1", "").await;
    let before = eventually(SOON, async || folded(&world, p, StreamId::default()).await).await;

    // A workflow was run for the event, and changed nothing.
    let redis = &world.redis;
    redis.ensure_group(p, Group::Workflow).await.unwrap();
    let fence = redis.acquire(p, "workflow", 0, SOON).await.unwrap().unwrap();
    let handed = redis.read_group(&fence, Group::Workflow, tributary_streams::From::New, 1).await.unwrap();
    let mut set = v1::ChangeSet { tenant: "demo".into(), cause_event_id: "e1".into(), ..Default::default() };
    set.set_cause_stage(v1::Stage::Workflow);
    let mark = Effect::Mark { cause: "e1/2".to_owned(), set: set.encode_to_vec() };
    let entry = handed[0].entry.id;
    let trace = TraceContext::default();
    redis.commit(&fence, Group::Workflow, entry, &tenant(), &[mark], &trace).await.unwrap();

    let after = eventually(SOON, async || folded(&world, p, before).await).await;
    assert!(after > before);
    let published = redis.tail(p, Stream::Profiles, StreamId::default(), 10).await.unwrap();
    assert!(published.iter().map(|entry| entry.id).eq([before]), "{published:?}");
    let id = ProfileId::new("p1").unwrap();
    let (row, position) = world.storage.load_profile_with_position(&tenant(), &id, p).await.unwrap();
    assert_eq!((row.unwrap().version, position), (before, after));
    let pool = sqlx::PgPool::connect(world.servers.database_url()).await.unwrap();
    let dead: i64 = sqlx::query_scalar("SELECT count(*) FROM dead_letters").fetch_one(&pool).await.unwrap();
    assert_eq!(dead, 0);
    collector.stop().await;
}

/// The position, once it is beyond `before` and everything up to it is trimmed, which is the last step of a flush.
async fn folded(world: &World, p: PartitionId, before: StreamId) -> Result<StreamId, String> {
    let position = world.storage.partitions().await.unwrap()[usize::from(p.0)].positions.changes;
    let waiting = world.redis.tail(p, Stream::Changes, StreamId::default(), 10).await.unwrap();
    if position > before && waiting.is_empty() { Ok(position) } else { Err(format!("at {position}")) }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_need_a_credential_and_stay_within_its_tenant() {
    let world = World::new().await;
    let collector = world.collector().await;
    world.append("e1", "p1", "").await;
    let mut client = collector.client().await;
    let ask = || v1::GetProfileRequest { profile_id: "p1".to_owned() };
    assert_eq!(client.get_profile(ask()).await.unwrap_err().code(), Code::Unauthenticated);
    let other = client.get_profile(with_key(ask(), "admin-key-of-other")).await.unwrap_err();
    assert_eq!(other.code(), Code::NotFound);
    let nobody = admin(v1::GetProfileRequest { profile_id: String::new() });
    let refused = client.get_profile(nobody).await.unwrap_err();
    assert_eq!(
        (refused.code(), tributary_runtime::reason_of(&refused).as_deref()),
        (Code::InvalidArgument, Some("INVALID_ID"))
    );
    let page =
        |page_size| v1::ListEventsRequest { profile_id: "p1".to_owned(), page_size, ..Default::default() };
    let refused = client.list_events(admin(page(1001))).await.unwrap_err();
    assert_eq!(
        (refused.code(), tributary_runtime::reason_of(&refused).as_deref()),
        (Code::InvalidArgument, Some("PAGE_SIZE_INVALID"))
    );
    for size in [0, 1000] {
        client.list_events(admin(page(size))).await.unwrap();
    }
    let of_types = |types: &[&str]| v1::ListEventsRequest {
        types: types.iter().map(|name| (*name).to_owned()).collect(),
        ..Default::default()
    };
    client.list_events(admin(of_types(&["a"; 16]))).await.unwrap();
    let refusals =
        [(vec!["a"; 17], "TOO_MANY_TYPES"), (vec!["a", "b\0"], "INVALID_TYPE"), (vec![], "INVALID_ID")];
    for (types, reason) in refusals {
        let refused = client.list_events(admin(of_types(&types))).await.unwrap_err();
        assert_eq!(
            (refused.code(), tributary_runtime::reason_of(&refused).as_deref()),
            (Code::InvalidArgument, Some(reason))
        );
    }
    let lag = client.get_lag(admin(v1::GetLagRequest {})).await.unwrap().into_inner();
    assert!(lag.readers.iter().any(|reader| reader.reader == "collector"));
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flushed_profile_leaves_nothing_pending_and_a_snapshot() {
    let world = World::new().await;
    let collector = world.collector().await;
    world.append("e1", "p1", "").await;
    let p = partition("p1");
    eventually(SOON, async || {
        let id = ProfileId::new("p1").unwrap();
        let read = world.redis.hot_read(p, &tenant(), &id, &[Subject::Profile(id.clone())]).await.unwrap();
        match read {
            HotRead::Found(found) if matches!(found[0], Found::Hot(_)) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    let mut raw = world.raw().await;
    let pending: Vec<String> = redis::cmd("KEYS").arg("*:pending:*").query_async(&mut raw).await.unwrap();
    assert!(pending.is_empty(), "{pending:?}");
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_folded_and_stored_like_anything_and_published_as_no_news() {
    let world = World::new().await;
    world.import("e1", "imported", "s1").await;
    world.import("e2", "both", "").await;
    world.append("e3", "both", "").await;
    let collector = world.collector().await;
    let mark = async |stream, name: &str| {
        eventually(SOON, async || {
            let p = partition(name);
            let entries = world.redis.tail(p, stream, StreamId::default(), 100).await.unwrap();
            let newest = entries.into_iter().rfind(|entry| {
                let named = if stream == Stream::Sessions { "s1" } else { name };
                entry.profile == named || entry.session == named
            });
            newest.map(|entry| entry.historical).ok_or("not published".to_owned())
        })
        .await
    };
    assert!(mark(Stream::Profiles, "imported").await);
    assert!(mark(Stream::Sessions, "imported").await);
    assert!(!mark(Stream::Profiles, "both").await, "a live change is among them");
    assert_eq!((collector.views("imported").await, collector.views("both").await), (Ok(1), Ok(2)));
    eventually(SOON, async || match collector.stored("imported").await? {
        1 => Ok(()),
        stored => Err(format!("{stored} stored")),
    })
    .await;
    assert!(collector.events("imported").await[0].historical);

    world.append("e4", "imported", "").await;
    eventually(SOON, async || match mark(Stream::Profiles, "imported").await {
        false => Ok(()),
        true => Err("the live change is not published".to_owned()),
    })
    .await;
    collector.stop().await;
}
