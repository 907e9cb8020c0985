//! Every key that Tributary keeps in Redis. No other file of the project spells one.
//!
//! All keys of a partition share the hash tag `{p}`, so they lie in one cluster slot and one script over them is atomic.
//! An id in a key is written `<tenant>:<id>`, both escaped. Writers, readers and lifetimes:
//!
//! | key | type, life | written by | read by |
//! |---|---|---|---|
//! | `{p}:boot` | string, no TTL | (not built) | every script (carried, not compared yet) |
//! | `{p}:owner:<stage>` | hash, lease in a field | owners | every fenced script |
//! | `{p}:events` | stream, public | preprocess | workflow, collector, anyone |
//! | `{p}:changes` | stream | preprocess, workflow | collector |
//! | `{p}:profiles`, `{p}:sessions` | streams, public | collector | dispatcher, anyone |
//! | `{p}:forward` | stream | workflow | the workflow owner, who calls `Process` |
//! | `{p}:dead` | stream | workflow, dispatcher | operators |
//! | `{p}:seen:<event>` | string, TTL = dedup window | preprocess, then workflow | preprocess, whoever waits |
//! | `{p}:once:<key>` | string, TTL ≥ window + visit timeout | preprocess | preprocess |
//! | `{p}:visit:<profile>:<session>` | hash, TTL = visit timeout + window | preprocess | preprocess |
//! | `{p}:pending:<kind>:<id>` | list, no TTL | every writer of changes | hot reads; popped by the collector |
//! | `{p}:snap:<kind>:<id>` | hash, TTL allowed | collector, hot reads | hot reads |
//! | `{p}:trimmed` | string, no TTL | collector | every writer of snapshots |
//! | `{p}:alias:<profile>` | hash, no TTL | (not built) | appends, hot reads |
//! | `{p}:timers:<stage>`, `{p}:timer:<id>` | zset and hash | the stage's owner; the workflow owner for the dispatcher's | the stage's owner |
//! | `{p}:paused:<profile>` | hash: timer to place and awaited types, no TTL | the workflow owner | the workflow owner |
//! | `{p}:journal:<event>` | hash: call to answer, TTL, removed by the commit | the workflow owner | the workflow owner |
//! | `{p}:ended` | sharded channel, not a key: names of events that ended | the workflow owner | whoever waits |
//! | `{p}:stored` | string, no TTL | collector | whoever waits |
//! | `{p}:delivered:<profile>` | hash: destination or delivery to version, TTL = dedup window | dispatcher | whoever waits |
//! | `{p}:gone:<stream>` | string | collector | public readers |
//! | `{s}:bind:<session>` | hash tag of the session's own hash | preprocess | preprocess, collector |
//! | `{mesh}:live:<stage>` | zset of instances | processes | processes of the same stage |
//! | `{mesh}:config` | hash: number to bytes, and the newest number; the newest 32, no TTL | collector | every process |
//! | `{mesh}:config:stages` | hash of reports, each removed a minute after its last renewal | every process | collector |
//!
//! A session's pending list and snapshot are named by session *and* origin: two profiles of one partition can both hold
//! a member of one session, and members never mix.

use tributary_model::{EventId, PartitionId, ProfileId, SessionId, TenantId};

/// A stream of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Immutable events.
    Events,
    /// Changes of profiles and sessions, for the collector.
    Changes,
    /// Profiles as last folded.
    Profiles,
    /// Session members as last folded.
    Sessions,
    /// Derived events on their way to preprocess.
    Forward,
    /// What was given up on.
    Dead,
}

impl Stream {
    /// The stream's name within its partition.
    pub fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Changes => "changes",
            Self::Profiles => "profiles",
            Self::Sessions => "sessions",
            Self::Forward => "forward",
            Self::Dead => "dead",
        }
    }
}

/// What is folded: a profile, or a session's member at one origin.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// The member recorded under a profile id.
    Profile(ProfileId),
    /// What a session recorded while its events were accepted at `origin`.
    Session {
        /// The client's session id.
        session: SessionId,
        /// The profile at which the events were accepted.
        origin: ProfileId,
    },
}

pub(crate) fn boot(p: PartitionId) -> String {
    format!("{{{}}}:boot", p.0)
}

pub(crate) fn owner(p: PartitionId, stage: &str) -> String {
    format!("{{{}}}:owner:{stage}", p.0)
}

pub(crate) fn stream(p: PartitionId, stream: Stream) -> String {
    format!("{{{}}}:{}", p.0, stream.name())
}

pub(crate) fn seen(p: PartitionId, tenant: &TenantId, event: &EventId) -> String {
    format!("{{{}}}:seen:{}", p.0, named(tenant, event.as_str()))
}

pub(crate) fn once_created(p: PartitionId, tenant: &TenantId, profile: &ProfileId) -> String {
    format!("{{{}}}:once:created/{}", p.0, named(tenant, profile.as_str()))
}

pub(crate) fn visit(p: PartitionId, tenant: &TenantId, profile: &ProfileId, session: &SessionId) -> String {
    format!("{{{}}}:visit:{}:{}", p.0, named(tenant, profile.as_str()), escaped(session.as_str()))
}

pub(crate) fn pending(p: PartitionId, tenant: &TenantId, subject: &Subject) -> String {
    format!("{{{}}}:pending:{}", p.0, subject_name(tenant, subject))
}

pub(crate) fn snapshot(p: PartitionId, tenant: &TenantId, subject: &Subject) -> String {
    format!("{{{}}}:snap:{}", p.0, subject_name(tenant, subject))
}

pub(crate) fn trimmed(p: PartitionId) -> String {
    format!("{{{}}}:trimmed", p.0)
}

pub(crate) fn alias(p: PartitionId, tenant: &TenantId, profile: &ProfileId) -> String {
    format!("{{{}}}:alias:{}", p.0, named(tenant, profile.as_str()))
}

/// A key of the slot that never exists: ids are not empty.
pub(crate) fn no_alias(p: PartitionId) -> String {
    format!("{{{}}}:alias:", p.0)
}

pub(crate) fn timers(p: PartitionId, stage: &str) -> String {
    format!("{{{}}}:timers:{stage}", p.0)
}

pub(crate) fn timer(p: PartitionId, id: &str) -> String {
    format!("{{{}}}:timer:{id}", p.0)
}

/// A timer's id: unique within its stage and partition.
pub(crate) fn timer_id(stage: &str, tenant: &TenantId, parts: &[&str]) -> String {
    let parts: Vec<String> = parts.iter().map(|part| escaped(part)).collect();
    format!("{stage}:{}:{}", escaped(tenant.as_str()), parts.join(":"))
}

/// What a timer's id was made of.
pub(crate) fn timer_parts(id: &str) -> Option<Vec<String>> {
    let parts: Vec<String> = id.split(':').map(unescaped).collect::<Option<_>>()?;
    (parts.len() > 2).then_some(parts)
}

pub(crate) fn paused(p: PartitionId, tenant: &TenantId, profile: &ProfileId) -> String {
    format!("{{{}}}:paused:{}", p.0, named(tenant, profile.as_str()))
}

/// A key of the slot that never exists: ids are not empty.
pub(crate) fn no_paused(p: PartitionId) -> String {
    format!("{{{}}}:paused:", p.0)
}

pub(crate) fn journal(p: PartitionId, tenant: &TenantId, event: &EventId) -> String {
    format!("{{{}}}:journal:{}", p.0, named(tenant, event.as_str()))
}

/// The channel on which the ends of a partition's events are announced.
pub(crate) fn endings(p: PartitionId) -> String {
    format!("{{{}}}:ended", p.0)
}

/// Whose channel it is.
pub(crate) fn partition_of_endings(channel: &str) -> Option<PartitionId> {
    channel.strip_prefix('{')?.strip_suffix("}:ended")?.parse().ok().map(PartitionId)
}

/// How an event is called on that channel.
pub(crate) fn ending(tenant: &TenantId, event: &EventId) -> String {
    named(tenant, event.as_str())
}

pub(crate) fn stored(p: PartitionId) -> String {
    format!("{{{}}}:stored", p.0)
}

pub(crate) fn delivered(p: PartitionId, tenant: &TenantId, profile: &ProfileId) -> String {
    format!("{{{}}}:delivered:{}", p.0, named(tenant, profile.as_str()))
}

pub(crate) fn gone(p: PartitionId, stream: Stream) -> String {
    format!("{{{}}}:gone:{}", p.0, stream.name())
}

/// `s` is the partition of the session's own hash, not that of a profile.
pub(crate) fn binding(s: PartitionId, tenant: &TenantId, session: &SessionId) -> String {
    format!("{{{}}}:bind:{}", s.0, named(tenant, session.as_str()))
}

pub(crate) fn live(stage: &str) -> String {
    format!("{{mesh}}:live:{stage}")
}

pub(crate) fn config() -> String {
    "{mesh}:config".to_owned()
}

pub(crate) fn config_stages() -> String {
    "{mesh}:config:stages".to_owned()
}

fn subject_name(tenant: &TenantId, subject: &Subject) -> String {
    match subject {
        Subject::Profile(profile) => format!("p:{}", named(tenant, profile.as_str())),
        Subject::Session { session, origin } => {
            format!("s:{}:{}", named(tenant, session.as_str()), escaped(origin.as_str()))
        }
    }
}

fn named(tenant: &TenantId, id: &str) -> String {
    format!("{}:{}", escaped(tenant.as_str()), escaped(id))
}

/// Keeps separators and hash tags out of ids, so that no two things share a key and no id moves a key to another slot.
fn escaped(id: &str) -> String {
    let mut out = String::with_capacity(id.len());
    for character in id.chars() {
        match character {
            ':' | '%' | '{' | '}' | '/' | ' ' => {
                out.push('%');
                out.push_str(&format!("{:02x}", character as u32));
            }
            _ => out.push(character),
        }
    }
    out
}

/// What was escaped; `None` where an escape is not one of ours.
fn unescaped(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_at_checked(2)?;
        out.push(char::from(u8::from_str_radix(code, 16).ok().filter(u8::is_ascii)?));
        out.push_str(rest);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_timers_id_leads_back_to_what_it_was_made_of(tenant in "[^\\p{Cc}]{1,12}", parts in proptest::collection::vec("[a-z:%{}/ 0-9é]{0,12}", 1..5)) {
            let tenant = TenantId::new(tenant).unwrap();
            let named: Vec<&str> = parts.iter().map(String::as_str).collect();
            let id = timer_id("workflow", &tenant, &named);
            let mut expected = vec!["workflow".to_owned(), tenant.to_string()];
            expected.extend(parts);
            prop_assert_eq!(timer_parts(&id), Some(expected));
        }

        #[test]
        fn no_text_is_too_odd_for_a_timers_id(text in any::<String>()) {
            let _ = timer_parts(&text);
        }
    }

    #[test]
    fn ids_cannot_leave_their_place_in_a_key() {
        let tenant = TenantId::new("a:b").unwrap();
        let other = TenantId::new("a").unwrap();
        let p = PartitionId(3);
        let one = alias(p, &tenant, &ProfileId::new("c").unwrap());
        let two = alias(p, &other, &ProfileId::new("b:c").unwrap());
        assert_ne!(one, two);
        let hostile = alias(p, &other, &ProfileId::new("x}:{9}").unwrap());
        assert_eq!(hostile.matches('{').count(), 1);
    }

    #[test]
    fn the_members_of_one_session_have_lists_of_their_own() {
        let tenant = TenantId::new("t").unwrap();
        let session = SessionId::new("s").unwrap();
        let at = |origin: &str| Subject::Session {
            session: session.clone(),
            origin: ProfileId::new(origin).unwrap(),
        };
        assert_ne!(pending(PartitionId(0), &tenant, &at("a")), pending(PartitionId(0), &tenant, &at("b")));
    }
}
