//! An event is appended once, with its own changes, however often and in whatever company it is sent (§4.3).

use crate::payload::{Payload, accepted, created, unit};
use crate::world::{P, World, key, seen};
use futures::future::try_join_all;
use tributary_model::{StreamId, TraceContext};
use tributary_streams::{Appended, AppendedEvent, Stream};

#[tokio::test]
async fn a_payload_sent_twice_is_there_once() -> anyhow::Result<()> {
    let world = World::start().await?;
    let payload = Payload::of("ann", &["e1", "e2", "e3"]);
    assert_eq!(accepted(&payload.outcomes(&world.redis).await?), [true, true, true]);
    let before = world.everything().await?;

    assert_eq!(accepted(&payload.outcomes(&world.redis).await?), [false; 3]);

    assert_eq!(world.everything().await?, before);
    assert_eq!(world.length(Stream::Events).await?, 3);
    assert_eq!(world.length(Stream::Changes).await?, 3);
    Ok(())
}

#[tokio::test]
async fn a_batch_of_which_half_is_known_adds_the_other_half_with_its_own_changes() -> anyhow::Result<()> {
    let world = World::start().await?;
    Payload::of("ann", &["e1", "e3"]).in_session("s").outcomes(&world.redis).await?;
    let changes_before = world.length(Stream::Changes).await?;

    let whole = Payload::of("ann", &["e1", "e2", "e3", "e4"]).in_session("s");
    assert_eq!(accepted(&whole.outcomes(&world.redis).await?), [false, true, false, true]);

    let causes: Vec<String> = world
        .redis
        .tail(P, Stream::Changes, StreamId::default(), 100)
        .await?
        .into_iter()
        .skip(changes_before)
        .map(|entry| entry.cause)
        .collect();
    assert_eq!(causes, ["e2/1", "e2/1", "e4/1", "e4/1"], "one entry for the profile and one for the session");
    Ok(())
}

#[tokio::test]
async fn an_append_says_which_version_it_follows_on() -> anyhow::Result<()> {
    let world = World::start().await?;
    let followed = async |events: &[&str]| match Payload::of("ann", events)
        .in_session("s")
        .append(&world.redis)
        .await?
    {
        Appended::Done { events, followed, followed_session } => Ok((events, followed, followed_session)),
        other => anyhow::bail!("not appended: {other:?}"),
    };
    let nothing = StreamId::default();
    let (first, before, session_before) = followed(&["e1"]).await?;
    assert_eq!((before, session_before), (nothing, nothing));
    let AppendedEvent::Accepted { profile_version, last_change, .. } = first[0] else {
        anyhow::bail!("{first:?}")
    };
    let (_, before, session_before) = followed(&["e2"]).await?;
    assert_eq!((before, session_before), (profile_version, last_change), "of the profile and of the session");
    Ok(())
}

#[tokio::test]
async fn an_id_that_comes_twice_in_one_payload_is_one_event() -> anyhow::Result<()> {
    let world = World::start().await?;
    let outcomes = Payload::of("ann", &["e1", "e1", "e2"]).outcomes(&world.redis).await?;
    assert_eq!(accepted(&outcomes), [true, false, true]);
    assert_eq!(world.length(Stream::Events).await?, 2);
    Ok(())
}

#[tokio::test]
async fn an_entry_says_whose_it_is_and_which_changes_came_with_it() -> anyhow::Result<()> {
    let world = World::start().await?;
    let trace = TraceContext { traceparent: "00-aa-bb-01".into(), tracestate: "x=1".into() };
    let payload = Payload { trace: trace.clone(), ..Payload::of("ann", &["e1"]).in_session("s") };
    let outcomes = payload.outcomes(&world.redis).await?;
    let [AppendedEvent::Accepted { entry, profile_version, last_change, .. }] = outcomes.as_slice() else {
        anyhow::bail!("{outcomes:?}");
    };

    let events = world.redis.tail(P, Stream::Events, StreamId::default(), 100).await?;
    let event = events.last().expect("it was appended");
    assert_eq!((event.id, event.change, &event.trace), (*entry, *last_change, &trace));
    assert_eq!(
        (event.tenant.as_str(), event.event_id.as_str(), event.profile.as_str()),
        ("demo", "e1", "ann")
    );
    assert_eq!(event.data, b"the event e1");

    let changes = world.redis.tail(P, Stream::Changes, StreamId::default(), 100).await?;
    let [.., of_profile, of_session] = changes.as_slice() else { anyhow::bail!("{changes:?}") };
    assert_eq!((of_profile.id, of_profile.profile.as_str()), (*profile_version, "ann"));
    assert_eq!((of_session.id, of_session.session.as_str()), (*last_change, "s"));
    assert_eq!((&of_profile.trace, &of_session.trace), (&trace, &trace));
    Ok(())
}

#[tokio::test]
async fn sixty_four_first_events_at_once_create_one_profile() -> anyhow::Result<()> {
    let world = World::start().await?;
    let processes = [world.redis.clone(), world.another_process().await?];
    let payloads: Vec<Payload> =
        (0..64).map(|n| Payload::of("ann", &[&format!("e{n}")]).creating()).collect();
    let appends = payloads.iter().enumerate().map(|(n, payload)| payload.outcomes(&processes[n % 2]));
    let outcomes = try_join_all(appends).await?;

    assert_eq!(created(&outcomes.concat()), 1);
    assert_eq!(world.length(Stream::Events).await?, 65);
    assert!(world.raw::<bool>(&["EXISTS", &seen("ann-created")]).await?, "it is deduplicated like any other");
    Ok(())
}

#[tokio::test]
async fn a_repeat_never_creates_the_profile_by_itself() -> anyhow::Result<()> {
    let world = World::start().await?;
    Payload::of("ann", &["e1"]).outcomes(&world.redis).await?;
    let repeat = Payload::of("ann", &["e1"]).creating();
    assert_eq!(created(&repeat.outcomes(&world.redis).await?), 0);
    assert_eq!(world.length(Stream::Events).await?, 1);
    Ok(())
}

#[tokio::test]
async fn tenants_do_not_see_each_others_ids() -> anyhow::Result<()> {
    let world = World::start().await?;
    let ours = Payload::of("ann", &["e1"]);
    let theirs = Payload { tenant: tributary_model::TenantId::new("other")?, ..ours.clone() };
    ours.outcomes(&world.redis).await?;
    assert_eq!(accepted(&theirs.outcomes(&world.redis).await?), [true]);
    Ok(())
}

#[tokio::test]
async fn what_an_append_leaves_behind_lives_as_long_as_it_is_needed() -> anyhow::Result<()> {
    let world = World::start().await?;
    let mut payload = Payload::of("ann", &["e1"]).in_session("s").creating();
    payload.created = Some(unit("created", &payload.profile, None));
    payload.outcomes(&world.redis).await?;
    let window = 3_600_000;
    let with_visit = window + 1_800_000;
    for (name, life) in [
        ("seen:demo:e1", window),
        ("once:created/demo:ann", with_visit),
        ("visit:demo:ann:s", with_visit),
        ("pending:p:demo:ann", -1),
        ("pending:s:demo:s:ann", -1),
    ] {
        let found: i64 = world.raw(&["PTTL", &key(name)]).await?;
        let close = if life > 0 { found > life - 60_000 && found <= life } else { found == life };
        assert!(close, "{name} lives for {found} ms, not {life}");
    }
    Ok(())
}
