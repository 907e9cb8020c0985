//! A refused append leaves nothing behind, so that its repeat is the first (§4.3).

use crate::payload::{Payload, accepted};
use crate::world::{World, key, now, seen};
use std::time::Duration;
use tributary_streams::{AppendLimits, Appended, Stream, StreamsError};

#[tokio::test]
async fn a_damaged_key_refuses_the_whole_append_and_the_repaired_slot_takes_it_once() -> anyhow::Result<()> {
    let world = World::start().await?;
    let payload = Payload::of("ann", &["e1", "e2"]).in_session("s").creating();
    for name in [
        "changes",
        "events",
        "pending:p:demo:ann",
        "pending:s:demo:s:ann",
        "visit:demo:ann:s",
        "alias:demo:ann",
    ] {
        world.raw::<()>(&["SET", &key(name), "damaged"]).await?;
        let before = world.everything().await?;
        let refused = payload.append(&world.redis).await;
        assert!(matches!(refused, Err(StreamsError::Broken(_))), "{name}: {refused:?}");
        assert_eq!(world.everything().await?, before, "{name}");
        world.raw::<()>(&["DEL", &key(name)]).await?;
    }
    for name in ["once:created/demo:ann", "seen:demo:e2"] {
        world.raw::<()>(&["RPUSH", &key(name), "damaged"]).await?;
        let before = world.everything().await?;
        assert!(payload.append(&world.redis).await.is_err(), "{name}");
        assert_eq!(world.everything().await?, before, "{name}");
        world.raw::<()>(&["DEL", &key(name)]).await?;
    }

    assert_eq!(accepted(&payload.outcomes(&world.redis).await?), [true, true]);
    assert_eq!(accepted(&payload.outcomes(&world.redis).await?), [false, false]);
    assert_eq!(world.length(Stream::Events).await?, 4, "two, profile-created and visit-started");
    Ok(())
}

#[tokio::test]
async fn what_comes_too_late_is_not_written() -> anyhow::Result<()> {
    let world = World::start().await?;
    let in_time = Payload::of("ann", &["e1"]).in_session("s").creating();
    let late = Payload { not_after: now().minus(Duration::from_secs(5)), ..in_time.clone() };
    assert_eq!(late.append(&world.redis).await?, Appended::Expired);
    assert_eq!(world.everything().await?, []);
    assert_eq!(accepted(&in_time.outcomes(&world.redis).await?), [true]);
    Ok(())
}

#[tokio::test]
async fn a_profile_with_too_many_pending_changes_takes_no_more_but_knows_what_it_has() -> anyhow::Result<()> {
    let world = World::start().await?;
    let limited =
        |payload: Payload| Payload { limits: AppendLimits { pending: 2, ..payload.limits }, ..payload };
    limited(Payload::of("ann", &["e1", "e2"])).outcomes(&world.redis).await?;
    let before = world.everything().await?;

    let mixed = limited(Payload::of("ann", &["e1", "e3"]).creating());
    assert_eq!(mixed.append(&world.redis).await?, Appended::Full("pending"));
    let repeat = limited(Payload::of("ann", &["e1", "e2"]));
    assert_eq!(accepted(&repeat.outcomes(&world.redis).await?), [false; 2]);

    assert_eq!(world.everything().await?, before);
    let other = limited(Payload::of("bob", &["e3"]));
    assert_eq!(
        accepted(&other.outcomes(&world.redis).await?),
        [true],
        "one profile's flood stops nobody else"
    );
    Ok(())
}

#[tokio::test]
async fn a_session_counts_towards_the_limit_too() -> anyhow::Result<()> {
    let world = World::start().await?;
    world.raw::<()>(&["RPUSH", &key("pending:s:demo:s:ann"), "1-0 a", "2-0 b"]).await?;
    let payload = Payload::of("ann", &["e1"]).in_session("s");
    let limited = Payload { limits: AppendLimits { pending: 2, ..payload.limits }, ..payload };
    assert_eq!(limited.append(&world.redis).await?, Appended::Full("pending"));
    Ok(())
}

#[tokio::test]
async fn a_full_stream_takes_no_more_but_knows_what_it_has() -> anyhow::Result<()> {
    let world = World::start().await?;
    let limited =
        |payload: Payload| Payload { limits: AppendLimits { stream: 2, ..payload.limits }, ..payload };
    limited(Payload::of("ann", &["e1", "e2"])).outcomes(&world.redis).await?;
    let before = world.everything().await?;
    assert_eq!(limited(Payload::of("bob", &["e3"])).append(&world.redis).await?, Appended::Full("stream"));
    assert_eq!(accepted(&limited(Payload::of("ann", &["e2"])).outcomes(&world.redis).await?), [false]);
    assert_eq!(world.everything().await?, before);
    Ok(())
}

#[tokio::test]
async fn a_redis_without_memory_refuses_whole_payloads() -> anyhow::Result<()> {
    let world = World::start().await?;
    let first = Payload::of("ann", &["e0"]).in_session("s");
    first.outcomes(&world.redis).await?;
    let before = world.everything().await?;
    world.raw::<()>(&["CONFIG", "SET", "maxmemory", "1"]).await?;

    let payload = Payload::of("ann", &["e1", "e2"]).in_session("s");
    let refused = payload.append(&world.redis).await;
    assert!(matches!(refused, Err(StreamsError::OutOfMemory)), "{refused:?}");
    assert_eq!(accepted(&first.outcomes(&world.redis).await?), [false], "what needs no memory is answered");

    world.raw::<()>(&["CONFIG", "SET", "maxmemory", "0"]).await?;
    assert_eq!(world.everything().await?, before);
    assert_eq!(accepted(&payload.outcomes(&world.redis).await?), [true, true]);
    Ok(())
}

#[tokio::test]
async fn memory_that_runs_out_in_the_middle_of_traffic_never_leaves_half_an_event() -> anyhow::Result<()> {
    let world = World::start().await?;
    let used: String = world.raw(&["INFO", "memory"]).await?;
    let used = used.lines().find_map(|line| line.strip_prefix("used_memory:")).expect("Redis says so");
    let limit = used.parse::<u64>()? + 300_000;
    world.raw::<()>(&["CONFIG", "SET", "maxmemory", &limit.to_string()]).await?;
    let mut taken = 0;
    let refused = loop {
        let events: Vec<String> = (0..20).map(|n| format!("e{taken}-{n}")).collect();
        let names: Vec<&str> = events.iter().map(String::as_str).collect();
        match Payload::of("ann", &names).append(&world.redis).await {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
        anyhow::ensure!(taken < 10_000, "it never ran out");
    };
    assert!(matches!(refused, StreamsError::OutOfMemory), "{refused:?}");
    world.raw::<()>(&["CONFIG", "SET", "maxmemory", "0"]).await?;
    assert!(taken > 0);
    assert_eq!(world.length(Stream::Events).await?, taken * 20);
    assert_eq!(world.length(Stream::Changes).await?, taken * 20);
    assert!(!world.raw::<bool>(&["EXISTS", &seen(&format!("e{taken}-0"))]).await?);
    Ok(())
}
