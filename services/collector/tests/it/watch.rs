//! Watching what is accepted and published.

use std::time::Duration;

use tokio::time::timeout;
use tonic::{Code, Request, Status, Streaming};
use tributary_collector::Settings;
use tributary_model::StreamId;
use tributary_proto::v1;
use tributary_runtime::{fault::retry_after_of, reason_of};
use tributary_streams::{Retention, Stream};
use tributary_testkit::eventually;

use crate::support::{Collector, SOON, World, admin, partition, profile_in, views, with_key};

/// Long enough to see that nothing comes.
const MOMENT: Duration = Duration::from_millis(300);

async fn events(
    collector: &Collector,
    request: Request<v1::WatchEventsRequest>,
) -> Result<Streaming<v1::WatchEventsResponse>, Status> {
    Ok(collector.client().await.watch_events(request).await?.into_inner())
}

async fn next<A>(answers: &mut Streaming<A>) -> Result<A, Status> {
    let answer = timeout(SOON, answers.message()).await.expect("an answer comes soon")?;
    Ok(answer.expect("a watch does not end by itself without a word"))
}

/// The ids of the next events.
async fn ids(answers: &mut Streaming<v1::WatchEventsResponse>, count: usize) -> Vec<String> {
    let mut found = Vec::new();
    while found.len() < count {
        found.extend(next(answers).await.unwrap().event.map(|event| event.id));
    }
    found
}

async fn nothing_comes<A>(answers: &mut Streaming<A>) -> bool {
    timeout(MOMENT, answers.message()).await.is_err()
}

fn from_now() -> v1::WatchEventsRequest {
    v1::WatchEventsRequest::default()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_shown_from_all_partitions_each_profiles_in_order_and_to_their_own_tenant() {
    let world = World::new().await;
    let collector = world.collector().await;
    world.append("before", "p1", "").await;
    let mut ours = events(&collector, admin(from_now())).await.unwrap();
    let mut theirs = events(&collector, with_key(from_now(), "admin-key-of-other")).await.unwrap();
    let (here, there) = (profile_in(0), profile_in(1));
    for n in 0..20 {
        world.append(&format!("here-{n:02}"), &here, "").await;
        world.append(&format!("there-{n:02}"), &there, "s1").await;
    }
    let found = ids(&mut ours, 40).await;
    for place in ["here", "there"] {
        let of_one: Vec<&String> = found.iter().filter(|id| id.starts_with(place)).collect();
        assert!(of_one.len() == 20 && of_one.is_sorted(), "{of_one:?}");
    }
    assert!(nothing_comes(&mut theirs).await);

    let unknown = with_key(from_now(), "somebody's key of nothing");
    let refused = events(&collector, unknown).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_sees_what_it_asked_for() {
    let world = World::new().await;
    let collector = world.collector().await;
    let of_type = |event_type: &str| v1::WatchEventsRequest { types: vec![event_type.into()], ..from_now() };
    let of_profile = |id: &str| v1::WatchEventsRequest { profile_id: id.into(), ..from_now() };
    let mut views_only = events(&collector, admin(of_type("page-view"))).await.unwrap();
    let mut purchases = events(&collector, admin(of_type("purchase"))).await.unwrap();
    let mut of_ann = events(&collector, admin(of_profile("ann"))).await.unwrap();
    world.append("e1", "bob", "").await;
    world.append("e2", "ann", "").await;
    let mut both = ids(&mut views_only, 2).await;
    both.sort();
    assert_eq!(both, ["e1", "e2"]);
    assert_eq!(ids(&mut of_ann, 1).await, ["e2"]);
    assert!(nothing_comes(&mut purchases).await);
    let refused = events(&collector, admin(of_profile(&"x".repeat(129)))).await.unwrap_err();
    assert_eq!(reason_of(&refused).as_deref(), Some("INVALID_ID"));
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_goes_on_where_it_stopped_also_at_another_process() {
    let world = World::new().await;
    let first = world.collector().await;
    let mut answers = events(&first, admin(from_now())).await.unwrap();
    world.append_all(&["e1", "e2", "e3"], "ann", "").await;
    assert_eq!(next(&mut answers).await.unwrap().event.unwrap().id, "e1");
    let resume_token = next(&mut answers).await.unwrap().resume_token;
    first.stop().await;

    world.append("e4", "ann", "").await;
    let second = world.collector().await;
    let request = v1::WatchEventsRequest { resume_token: resume_token.clone(), ..from_now() };
    let mut answers = events(&second, admin(request)).await.unwrap();
    assert_eq!(ids(&mut answers, 2).await, ["e3", "e4"]);

    for damaged in ["x", &resume_token[1..], &resume_token.to_uppercase()] {
        let request = v1::WatchEventsRequest { resume_token: damaged.to_owned(), ..from_now() };
        let refused = events(&second, admin(request)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(reason_of(&refused).as_deref(), Some("RESUME_TOKEN_INVALID"));
    }
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn profiles_and_sessions_are_shown_as_they_are_published() {
    let world = World::new().await;
    let collector = world.collector().await;
    let profiles = v1::WatchProfilesRequest { profile_id: "ann".into(), ..Default::default() };
    let mut profiles = collector.client().await.watch_profiles(admin(profiles)).await.unwrap().into_inner();
    let sessions = v1::WatchSessionsRequest { session_id: "s1".into(), ..Default::default() };
    let mut sessions = collector.client().await.watch_sessions(admin(sessions)).await.unwrap().into_inner();
    world.append("e0", "bob", "s0").await;
    world.append_all(&["e1", "e2"], "ann", "s1").await;
    loop {
        let answer = next(&mut profiles).await.unwrap();
        let profile = answer.profile.expect("nothing is quiet yet");
        assert_eq!(profile.id, "ann");
        if views(profile.fields.as_ref()) == Some(2) {
            break;
        }
    }
    let session = next(&mut sessions).await.unwrap().session.unwrap();
    assert_eq!((session.id.as_str(), session.profile_id.as_str()), ("s1", "ann"));
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_watcher_too_many_is_refused_until_another_leaves() {
    let world = World::new().await;
    let settings = Settings { listen: ([127, 0, 0, 1], 0).into(), watchers: 1, ..Settings::default() };
    let collector = world.collector_with(settings).await;
    let only = events(&collector, admin(from_now())).await.unwrap();
    let refused = events(&collector, admin(from_now())).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(reason_of(&refused).as_deref(), Some("TOO_MANY_WATCHERS"));
    assert!(retry_after_of(&refused).is_some());
    drop(only);
    eventually(SOON, async || {
        events(&collector, admin(from_now())).await.map(drop).map_err(|e| e.to_string())
    })
    .await;
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_tenant_does_not_take_the_places_of_all() {
    let world = World::new().await;
    let settings = Settings { listen: ([127, 0, 0, 1], 0).into(), watchers: 4, ..Settings::default() };
    let collector = world.collector_with(settings).await;
    let mut ours = Vec::new();
    for _ in 0..2 {
        ours.push(events(&collector, admin(from_now())).await.unwrap());
    }
    let refused = events(&collector, admin(from_now())).await.unwrap_err();
    assert_eq!(reason_of(&refused).as_deref(), Some("TOO_MANY_WATCHERS"));
    assert!(refused.message().contains("tenant"), "{}", refused.message());
    let theirs = || with_key(from_now(), "admin-key-of-other");
    let _theirs = (events(&collector, theirs()).await.unwrap(), events(&collector, theirs()).await.unwrap());
    let refused = events(&collector, admin(from_now())).await.unwrap_err();
    assert!(refused.message().contains("this process already has the 4"), "{}", refused.message());
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_ends_with_its_deadline_and_with_the_process() {
    let world = World::new().await;
    let collector = world.collector().await;
    let mut endless = events(&collector, admin(from_now())).await.unwrap();
    let mut request = admin(from_now());
    // The client's own clock is not asked: the server has to end it.
    request.metadata_mut().insert("grpc-timeout", "200m".parse().unwrap());
    let mut short = events(&collector, request).await.unwrap();
    assert_eq!(next(&mut short).await.unwrap_err().code(), Code::DeadlineExceeded);

    let (ended, ()) = tokio::join!(next(&mut endless), collector.stop());
    let ended = ended.unwrap_err();
    assert_eq!((ended.code(), reason_of(&ended).as_deref()), (Code::Unavailable, Some("STREAM_ENDED")));
    assert!(retry_after_of(&ended).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_too_late_is_told_and_so_is_who_knows_more_than_there_is() {
    let world = World::new().await;
    let collector = world.collector().await;
    let mut answers = events(&collector, admin(from_now())).await.unwrap();
    world.append_all(&["e1", "e2", "e3"], "ann", "").await;
    let first = next(&mut answers).await.unwrap().resume_token;
    ids(&mut answers, 1).await;
    let last = next(&mut answers).await.unwrap().resume_token;
    drop(answers);
    collector.stop().await;

    let p = partition("ann");
    let all = world.redis.tail(p, Stream::Events, StreamId::default(), 10).await.unwrap();
    trim_up_to(&world, all[1].id).await;
    let collector = world.collector().await;
    let resumed =
        |token: &str| admin(v1::WatchEventsRequest { resume_token: token.to_owned(), ..from_now() });
    let refused = events(&collector, resumed(&first)).await.unwrap_err();
    assert_eq!((refused.code(), reason_of(&refused).as_deref()), (Code::OutOfRange, Some("WATCH_TRIMMED")));
    assert!(events(&collector, resumed(&last)).await.is_ok(), "nothing behind it is gone");

    let stream = format!("{{{}}}:events", p.0);
    redis::cmd("DEL").arg(stream).query_async::<()>(&mut world.raw().await).await.unwrap();
    let refused = events(&collector, resumed(&last)).await.unwrap_err();
    assert_eq!((refused.code(), reason_of(&refused).as_deref()), (Code::DataLoss, Some("WATCH_AHEAD")));
    collector.stop().await;
}

/// As the collector does once all have read it.
async fn trim_up_to(world: &World, last: StreamId) {
    let p = partition("ann");
    let fence = eventually(SOON, async || {
        let lease = Duration::from_secs(60);
        world.redis.acquire(p, "collector", 0, lease).await.unwrap().ok_or("held".to_owned())
    })
    .await;
    let nothing = Retention { age: Duration::ZERO, entries: 0 };
    world.redis.trim(&fence, Stream::Events, Some(last), nothing, &[]).await.unwrap();
    world.redis.release(&fence).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_watch_renews_its_token_so_that_it_is_not_trimmed_past() {
    let world = World::new().await;
    let collector = world.collector().await;
    let of_nobody = v1::WatchEventsRequest { profile_id: "nobody".into(), ..from_now() };
    let mut answers = events(&collector, admin(of_nobody)).await.unwrap();
    world.append("e1", "ann", "").await;
    let quiet = next(&mut answers).await.unwrap();
    assert_eq!(quiet.event, None);
    let request = v1::WatchEventsRequest { resume_token: quiet.resume_token, ..from_now() };
    let mut resumed = events(&collector, admin(request)).await.unwrap();
    world.append("e2", "ann", "").await;
    assert_eq!(ids(&mut resumed, 1).await, ["e2"], "the token has moved on behind what was not asked for");
    collector.stop().await;
}
