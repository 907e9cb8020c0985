//! What each effect of a commit looks like to the reader that it is for (§6).

use crate::commit::{Owner, all_effects, seen_as};
use crate::payload::{change, change_set, id, session_id};
use crate::rows::{SNAPSHOT_LIFE, Table};
use crate::world::{P, tenant};
use tributary_model::{EventId, State, StreamId, TraceContext};
use tributary_streams::{Effect, Ending, Entry, Progress, Reader, Stream, Subject};

async fn entries(owner: &Owner, stream: Stream) -> anyhow::Result<Vec<Entry>> {
    Ok(owner.world.redis.tail(P, stream, StreamId::default(), 100).await?)
}

#[tokio::test]
async fn every_effect_arrives_where_it_belongs_with_its_trace() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let trace = TraceContext { traceparent: "00-aa-bb-01".into(), tracestate: "x=1".into() };
    owner.commit_entry(owner.entry, &all_effects("e1", owner.entry), &trace).await?;

    let changes = entries(&owner, Stream::Changes).await?;
    let [_, of_profile, mark] = changes.as_slice() else { anyhow::bail!("{changes:?}") };
    assert_eq!((of_profile.cause.as_str(), of_profile.profile.as_str()), ("e1/2", "ann"));
    assert_eq!(of_profile.trace, trace);
    assert_eq!(
        (mark.cause.as_str(), mark.profile.as_str(), mark.data.as_slice()),
        ("e1/2", "", &b"nothing"[..])
    );

    let forward = entries(&owner, Stream::Forward).await?;
    let [forward] = forward.as_slice() else { anyhow::bail!("{forward:?}") };
    assert_eq!((forward.event_id.as_str(), forward.profile.as_str()), ("e1-derived", "bob"));
    assert_eq!((forward.data.as_slice(), &forward.trace), (&b"a request"[..], &trace));

    let dead = owner.world.redis.dead_letters(P, StreamId::default(), 9).await?;
    let [dead] = dead.as_slice() else { anyhow::bail!("{dead:?}") };
    assert_eq!((dead.data.as_slice(), dead.tenant.as_str()), (&b"a letter"[..], "demo"));

    let timer = owner.world.redis.timer(&owner.fence, "timer").await?.expect("it was scheduled");
    assert_eq!((timer.version, timer.trace, timer.attempts), (owner.entry, trace, 0));
    assert_eq!(timer.fields.get("profile").map(String::as_str), Some("ann"));
    Ok(())
}

#[tokio::test]
async fn committed_changes_are_read_at_once() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let change_of = |subject, event: &str| Effect::Changes {
        subject,
        cause: "e1/2".into(),
        set: change_set(event, &id("ann")),
    };
    let member = Subject::Session { session: session_id("s"), origin: id("ann") };
    let effects = [change_of(Subject::Profile(id("ann")), "w1"), change_of(member, "w2")];
    owner.commit(&effects).await?;

    let reader = Reader::new(owner.world.redis.clone(), Table::default(), 1, SNAPSHOT_LIFE);
    let reading = reader.read(&tenant(), &id("ann"), Some(&session_id("s"))).await?;
    assert_eq!(reading.profile.state, State::fold(&[change("e1"), change("w1")]));
    assert_eq!(reading.session.total().cells().count(), 1);
    let changes = entries(&owner, Stream::Changes).await?;
    assert_eq!(changes.last().map(|entry| entry.session.as_str()), Some("s"));
    Ok(())
}

#[tokio::test]
async fn a_commit_without_effects_finishes_its_entry() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    owner.commit(&[]).await?;
    let lag = owner.world.redis.group_lag(P, Stream::Events).await?;
    assert_eq!((lag[0].behind, lag[0].pending), (0, 0));
    Ok(())
}

#[tokio::test]
async fn a_waiter_finds_how_its_event_ended() -> anyhow::Result<()> {
    for ending in [Ending::Done, Ending::Dead] {
        let owner = Owner::with_event("e1").await?;
        let event = EventId::new("e1").expect("a short id");
        let progress = async || owner.world.redis.progress(P, &tenant(), &event).await;
        assert_eq!(progress().await?, Progress::Waiting { entry: owner.entry });
        owner.commit(&[seen_as(event.clone(), owner.entry, ending)]).await?;
        let version = owner.world.ids(Stream::Changes).await?[0];
        let outcome = b"an outcome".to_vec();
        assert_eq!(progress().await?, Progress::Ended { entry: owner.entry, ending, version, outcome });
        let other = EventId::new("e2").expect("a short id");
        assert_eq!(owner.world.redis.progress(P, &tenant(), &other).await?, Progress::Unknown);
    }
    Ok(())
}
