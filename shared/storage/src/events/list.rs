//! Stored events of a profile or of some types, newest first, a page at a time.

use data_encoding::BASE64URL_NOPAD;
use tributary_model::{EventId, ProfileId, TenantId, Time};

use super::EventRow;
use super::read::{columns, event};
use crate::{Storage, StorageError, convert, pool::within};

/// One page.
#[derive(Debug, Clone, PartialEq)]
pub struct EventPage {
    /// Newest first by event time.
    pub events: Vec<EventRow>,
    /// Where the next page begins; `None` on the last one.
    pub next_page_token: Option<String>,
}

/// Which events are listed.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The profile at which they were accepted; `None`: whichever.
    pub profile: Option<&'a ProfileId>,
    /// What happened; empty: whatever. Not empty where there is no profile.
    pub types: &'a [String],
}

impl Storage {
    /// The stored events of a profile, of some types, or both, newest first; `page_size` 1 to 1000. The token is that of the
    /// page before, empty for the first; events that arrive meanwhile neither repeat nor hide others. Where neither a
    /// profile nor a type is named, there are none.
    ///
    /// # Errors
    /// Postgres does not answer, or no page gave that token.
    pub async fn list_events(
        &self,
        tenant: &TenantId,
        wanted: Wanted<'_>,
        page_size: u16,
        page_token: &str,
    ) -> Result<EventPage, StorageError> {
        let page_size = usize::from(page_size.clamp(1, 1000));
        let below = if page_token.is_empty() { None } else { Some(Key::from_token(page_token)?) };
        let types = (!wanted.types.is_empty()).then_some(wanted.types);
        within(async {
            let rows = sqlx::query(if wanted.profile.is_some() { OF_PROFILE } else { OF_TYPES })
                .bind(tenant.as_str())
                .bind(wanted.profile.map(ProfileId::as_str))
                .bind(types)
                .bind(below.as_ref().map(|key| convert::timestamp(key.time)).transpose()?)
                .bind(below.as_ref().map(|key| key.id.as_str()))
                .bind(below.as_ref().map(|key| convert::timestamp(key.received)).transpose()?)
                .bind(i64::try_from(page_size + 1).unwrap_or(i64::MAX))
                .fetch_all(&self.pool)
                .await?;
            let more = rows.len() > page_size;
            let events =
                rows.iter().take(page_size).map(|row| event(row, tenant)).collect::<Result<Vec<_>, _>>()?;
            let next_page_token = events.last().filter(|_| more).map(|last| Key::of(last).token());
            Ok(EventPage { events, next_page_token })
        })
        .await
    }
}

/// The whole key is compared, as one row value: several events may share a time, and an id used again after the dedup
/// window may share time and id.
const OF_PROFILE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM events AS event WHERE tenant = $1 AND profile_id = $2 AND ($3::text[] IS NULL OR type = ANY ($3)) \
     AND ($4::timestamptz IS NULL OR (time, id, received) < ($4, $5, $6)) \
     ORDER BY time DESC, id DESC, received DESC LIMIT $7",
);

/// Each type's page by itself, in the order of its index, and of those the newest: asked for together, all events of all
/// types would be sorted for each page.
const OF_TYPES: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM (SELECT DISTINCT type FROM UNNEST($3::text[]) AS wanted(type)) AS wanted CROSS JOIN LATERAL (\
         SELECT id, received, time FROM events WHERE tenant = $1 AND type = wanted.type AND $2::text IS NULL \
         AND ($4::timestamptz IS NULL OR (time, id, received) < ($4, $5, $6)) \
         ORDER BY time DESC, id DESC, received DESC LIMIT $7\
     ) AS place JOIN events AS event ON event.tenant = $1 AND event.id = place.id AND event.received = place.received \
     ORDER BY event.time DESC, event.id DESC, event.received DESC LIMIT $7",
);

/// The place of an event in such a list.
#[derive(Debug, PartialEq)]
struct Key {
    time: Time,
    received: Time,
    id: String,
}

impl Key {
    fn of(event: &EventRow) -> Self {
        Self { time: event.time, received: event.received, id: event.id.to_string() }
    }

    fn token(&self) -> String {
        let text = format!("{} {} {}", self.time.as_micros(), self.received.as_micros(), self.id);
        BASE64URL_NOPAD.encode(text.as_bytes())
    }

    fn from_token(token: &str) -> Result<Self, StorageError> {
        Self::parse(token).ok_or(StorageError::PageToken)
    }

    fn parse(token: &str) -> Option<Self> {
        let text = String::from_utf8(BASE64URL_NOPAD.decode(token.as_bytes()).ok()?).ok()?;
        let mut parts = text.splitn(3, ' ');
        let time = Time::try_from_micros(parts.next()?.parse().ok()?)?;
        let received = Time::try_from_micros(parts.next()?.parse().ok()?)?;
        let id = EventId::new(parts.next()?).ok()?.to_string();
        Some(Self { time, received, id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_the_place_it_was_made_of_and_a_forged_one_names_none() {
        let key = Key { time: Time::from_micros(5), received: Time::from_micros(7), id: "e 1".to_owned() };
        assert_eq!(Key::from_token(&key.token()).ok(), Some(key));
        for forged in [
            "x",
            "AAAA",
            "ÄÖ",
            &BASE64URL_NOPAD.encode(b"1 2"),
            &BASE64URL_NOPAD.encode(b"9223372036854775807 1 a"),
        ] {
            assert!(matches!(Key::from_token(forged), Err(StorageError::PageToken)), "{forged}");
        }
    }
}
