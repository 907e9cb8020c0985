//! A published profile becomes one timer for each destination of its tenant (docs/protocol.md §6).
//!
//! Only the entry's own fields are read: what is delivered is the profile as it is then, not as it was published.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::sync::Notify;
use tracing::{Instrument as _, Span, info_span};
use tributary_model::{PartitionId, ProfileId, StreamId, TenantId, Time};
use tributary_runtime::{
    now,
    telemetry::{names, propagation},
};
use tributary_streams::{Committed, Effect, Entry, From, Group, Handed, Held, Stream, StreamsError};

use crate::{
    decide::Reason, destinations::Destinations, letter::DeadDelivery, partition::Dispatcher, schedule,
};

/// Entries read at once.
const PAGE: usize = 200;
/// Commits under way at once. Their order does not matter: a timer keeps the newest version.
const COMMITS: usize = 16;
/// A partition looks by itself after this time, should it never be told.
const LOOK: Duration = Duration::from_secs(1);

/// Schedules until the partition is to be handed over: first what a former owner left unfinished, then what is new.
pub(crate) async fn schedule(
    dispatcher: &Dispatcher,
    held: &Held,
    scheduled: &Notify,
) -> Result<(), StreamsError> {
    let redis = &dispatcher.redis;
    let p = held.fence.partition;
    redis.ensure_group(p, Group::Dispatcher).await?;

    let mut above = StreamId::default();
    loop {
        let left = redis.read_group(&held.fence, Group::Dispatcher, From::Pending(above), PAGE).await?;
        let Some(last) = left.last() else { break };
        above = last.entry.id;
        commit_all(dispatcher, held, left).await?;
        scheduled.notify_one();
    }

    // Taken up before the first read: an entry that comes in between is read, or is news.
    let position = redis.last_id(&held.fence, Stream::Profiles).await?;
    let news = dispatcher.watch.watch(p, Stream::Profiles, position);
    while !held.stop.is_cancelled() {
        let new = redis.read_group(&held.fence, Group::Dispatcher, From::New, PAGE).await?;
        if new.is_empty() {
            held.stop.run_until_cancelled(news.news(LOOK)).await;
            continue;
        }
        commit_all(dispatcher, held, new).await?;
        scheduled.notify_one();
    }
    Ok(())
}

async fn commit_all(dispatcher: &Dispatcher, held: &Held, entries: Vec<Handed>) -> Result<(), StreamsError> {
    let commits = entries.into_iter().map(|handed| commit(dispatcher, held, handed.entry));
    stream::iter(commits).buffer_unordered(COMMITS).try_collect().await
}

async fn commit(dispatcher: &Dispatcher, held: &Held, entry: Entry) -> Result<(), StreamsError> {
    let p = held.fence.partition;
    if entry.lost {
        tracing::error!(partition = p.0, entry = %entry.id, "a published profile was trimmed before it was handled: lost");
    }
    let (tenant, effects) = effects(&entry, &dispatcher.destinations.current(), now());
    let span = span(&entry, p);
    // The timer continues this span, or the entry's own trace where nothing is recorded.
    let trace = Some(propagation::context_of(&span)).filter(|own| own.trace_id().is_some());
    let trace = trace.unwrap_or_else(|| entry.trace.clone());
    let commit = dispatcher.redis.commit(&held.fence, Group::Dispatcher, entry.id, &tenant, &effects, &trace);
    if commit.instrument(span).await? == Committed::Already {
        tracing::debug!(partition = p.0, entry = %entry.id, "was handled before");
    }
    Ok(())
}

/// What an entry leads to. Nothing for one that was trimmed: it is only taken off the list.
fn effects(entry: &Entry, destinations: &Destinations, now: Time) -> (TenantId, Vec<Effect>) {
    let ids = (TenantId::new(entry.tenant.as_str()), ProfileId::new(entry.profile.as_str()));
    let (tenant, profile) = match ids {
        (Ok(tenant), Ok(profile)) if !entry.lost => (tenant, profile),
        (tenant, _) => {
            let tenant = tenant.unwrap_or_else(|_| nobody());
            let effects = if entry.lost { Vec::new() } else { vec![unreadable(entry, &tenant, now)] };
            return (tenant, effects);
        }
    };
    if entry.historical {
        // An import is no news. What changes later is, and then the whole profile is delivered.
        return (tenant, Vec::new());
    }
    let known = destinations.of(&tenant).iter().map(|lane| &lane.destination);
    let debounces = schedule::of_profile(&tenant, &profile, entry.id, known);
    (tenant, debounces)
}

fn unreadable(entry: &Entry, tenant: &TenantId, now: Time) -> Effect {
    let letter = DeadDelivery {
        tenant: tenant.as_str(),
        profile: &entry.profile,
        destination: "",
        reason: Reason::Unreadable,
        message: "an entry of the profiles stream names no tenant or no profile".to_owned(),
        attempts: 0,
        data: Vec::new(),
    };
    Effect::Dead(letter.encode(now))
}

/// Owns what no tenant can be found for.
pub(crate) fn nobody() -> TenantId {
    TenantId::new("unknown").expect("a word is an id")
}

fn span(entry: &Entry, p: PartitionId) -> Span {
    if !entry.trace.is_sampled() {
        return Span::none();
    }
    let span = info_span!(
        names::PROCESS_PROFILES,
        { names::OTEL_KIND } = "consumer",
        { names::MESSAGING_SYSTEM } = names::MESSAGING_REDIS,
        { names::MESSAGING_OPERATION_TYPE } = "process",
        { names::MESSAGING_OPERATION_NAME } = names::PROCESS_PROFILES,
        { names::MESSAGING_DESTINATION_NAME } = Stream::Profiles.name(),
        { names::MESSAGING_DESTINATION_PARTITION_ID } = %p.0,
        { names::MESSAGING_CONSUMER_GROUP_NAME } = Group::Dispatcher.name(),
        { names::MESSAGING_MESSAGE_ID } = %entry.id,
        { names::TENANT } = entry.tenant,
        { names::PARTITION } = names::number(p.0),
    );
    propagation::set_parent(&span, &entry.trace);
    span
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::permits::AllPermits;
    use tributary_config::Config;

    fn destinations() -> Destinations {
        let folder = tempfile::tempdir().unwrap();
        let documents = "kind: Source\nname: web\ntenant: t\nspec:\n  write_keys: [{env: KEY}]\n---\n\
            kind: Destination\nname: crm\ntenant: t\nspec:\n  webhook: {url: 'http://localhost'}\n  \
            profiles: {quiet: 1s, longest_wait: 5s}\n---\n\
            kind: Destination\nname: mail\ntenant: t\nspec:\n  webhook: {url: 'http://localhost'}\n";
        std::fs::write(folder.path().join("all.yaml"), documents).unwrap();
        Destinations::new(&Config::load(folder.path()).unwrap(), &AllPermits::default()).0
    }

    fn entry(tenant: &str, profile: &str) -> Entry {
        Entry { id: StreamId::new(9, 0), tenant: tenant.into(), profile: profile.into(), ..Entry::default() }
    }

    fn of(entry: &Entry) -> Vec<Effect> {
        effects(entry, &destinations(), Time::from_micros(0)).1
    }

    #[test]
    fn a_profile_waits_for_each_destination_by_itself() {
        let effects = of(&entry("t", "p"));
        let [
            Effect::Debounce { timer, quiet, longest, version, fields },
            Effect::Debounce { timer: other, .. },
        ] = effects.as_slice()
        else {
            panic!("{effects:?}")
        };
        assert_ne!(timer, other);
        assert_eq!((*quiet, *longest), (Duration::from_secs(1), Duration::from_secs(5)));
        assert_eq!(*version, StreamId::new(9, 0));
        assert!(fields.contains(&("destination", "crm".to_owned())));
    }

    #[test]
    fn without_destinations_an_entry_is_only_acknowledged() {
        assert!(of(&entry("someone else", "p")).is_empty());
    }

    #[test]
    fn a_profile_that_only_an_import_has_changed_is_only_acknowledged() {
        assert!(of(&Entry { historical: true, ..entry("t", "p") }).is_empty());
        let nameless = Entry { historical: true, ..entry("t", "") };
        assert!(matches!(of(&nameless).as_slice(), [Effect::Dead(_)]), "it is unreadable all the same");
    }

    #[test]
    fn an_entry_that_names_nobody_is_a_dead_letter_and_one_that_was_trimmed_is_not() {
        assert!(matches!(of(&entry("t", "")).as_slice(), [Effect::Dead(_)]));
        assert!(matches!(of(&entry("", "p")).as_slice(), [Effect::Dead(_)]));
        assert!(of(&Entry { lost: true, ..Entry::default() }).is_empty());
    }
}
