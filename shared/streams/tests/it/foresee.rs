//! What an append would come to is what it comes to; asking for it leaves nothing behind (§4.3).

use crate::payload::{Payload, VISIT_TIMEOUT, session_id};
use crate::world::{World, now, tenant};
use std::time::Duration;
use tributary_model::{StreamId, Time};
use tributary_streams::{Appended, AppendedEvent};

/// Without the places of what is only foreseen.
fn without_places(appended: Appended) -> Appended {
    let Appended::Done { mut events, followed, followed_session } = appended else { return appended };
    for event in &mut events {
        match event {
            AppendedEvent::Accepted { entry, profile_version, last_change, .. } => {
                (*entry, *profile_version, *last_change) = Default::default();
            }
            AppendedEvent::Duplicate { entry, version } => (*entry, *version) = Default::default(),
        }
    }
    Appended::Done { events, followed, followed_session }
}

#[tokio::test]
async fn what_is_foreseen_is_what_happens_and_leaves_nothing_behind() -> anyhow::Result<()> {
    let world = World::start().await?;
    let later = now().plus(VISIT_TIMEOUT + Duration::from_secs(2));
    let mut late = Payload::of("ann", &["e5"]).in_session("s");
    late.not_after = Time::from_micros(0);
    let mut full = Payload::of("ann", &["e6"]);
    full.limits.pending = 1;
    let mut elsewhere = Payload::of("ann", &["e7"]).in_session("t");
    elsewhere.bound = false;
    for (payload, about) in [
        (Payload::of("ann", &["e1", "e2"]).in_session("s").creating(), "the first"),
        (Payload::of("ann", &["e1", "e2"]).in_session("s").creating(), "a repeat"),
        (Payload::of("ann", &["e2", "e3", "e3"]).in_session("s"), "half of it known, and one twice"),
        (Payload::of("ann", &["e4"]).in_session("s").at(later), "the next visit"),
        (late, "too late"),
        (full, "too much waits"),
        (elsewhere, "of a session that is bound elsewhere"),
    ] {
        let before = world.everything().await?;
        let foreseen = payload.foresee(&world.redis).await?;
        assert_eq!(payload.foresee(&world.redis).await?, foreseen, "{about}, again");
        assert_eq!(world.everything().await?, before, "{about}");
        if let Appended::Done { events, .. } = &foreseen {
            let nowhere = |event: &AppendedEvent| match event {
                AppendedEvent::Accepted { entry, .. } => *entry == StreamId::default(),
                AppendedEvent::Duplicate { .. } => true,
            };
            assert!(events.iter().all(nowhere), "{about}: {events:?}");
        }
        assert_eq!(without_places(payload.append(&world.redis).await?), without_places(foreseen), "{about}");
    }
    Ok(())
}

#[tokio::test]
async fn to_look_for_a_binding_changes_nothing_about_it() -> anyhow::Result<()> {
    let world = World::start().await?;
    let (tenant, session) = (tenant(), session_id("s"));
    assert_eq!(world.redis.bound(&tenant, &session, 1).await?, None);
    let ann = crate::payload::id("ann");
    world.redis.bind(&tenant, &session, &ann, 1, Duration::from_secs(50)).await?;
    let before = world.everything().await?;
    assert_eq!(world.redis.bound(&tenant, &session, 1).await?, Some(ann));
    assert_eq!(world.everything().await?, before);
    Ok(())
}
