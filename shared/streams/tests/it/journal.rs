//! What was answered while an event is handled is not asked again (§6).

use crate::commit::Owner;
use crate::world::{LONG, P, key, tenant};
use std::collections::HashMap;
use tributary_model::EventId;
use tributary_streams::{Effect, Gate};

fn event(id: &str) -> EventId {
    EventId::new(id).expect("tests use short ids")
}

#[tokio::test]
async fn an_answer_is_found_again_whatever_is_in_it_and_the_first_one_stays() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let redis = &owner.world.redis;
    let bytes: Vec<u8> = (0..=255).collect();
    for (key, answer) in [("a", bytes.as_slice()), ("b", b""), ("a", b"another")] {
        redis.journal(&owner.fence, &tenant(), &event("e1"), key, answer, LONG).await?;
    }
    let kept = redis.journaled(P, &tenant(), &event("e1")).await?;
    assert_eq!(kept, HashMap::from([("a".to_owned(), bytes), ("b".to_owned(), Vec::new())]));
    assert!(redis.journaled(P, &tenant(), &event("e2")).await?.is_empty());
    let life: i64 = owner.world.raw(&["PTTL", &key("journal:demo:e1")]).await?;
    assert!(life > 0 && life <= 600_000, "{life}");
    Ok(())
}

#[tokio::test]
async fn the_commit_that_ends_the_handling_forgets_the_answers() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let redis = &owner.world.redis;
    let forget = |id: &str| Effect::Forget { event: event(id) };
    for id in ["e1", "e2"] {
        redis.journal(&owner.fence, &tenant(), &event(id), "call", b"answer", LONG).await?;
    }
    let pause = crate::paused::pause("t", LONG, &[]);
    owner.commit_run(Owner::gate(owner.entry), None, &[forget("e1"), pause]).await?;
    assert!(redis.journaled(P, &tenant(), &event("e1")).await?.is_empty());
    assert_eq!(redis.journaled(P, &tenant(), &event("e2")).await?.len(), 1, "another event's stay");
    owner.commit_run(Gate::Timer("t"), None, &[forget("e2")]).await?;
    assert!(redis.journaled(P, &tenant(), &event("e2")).await?.is_empty());
    Ok(())
}
