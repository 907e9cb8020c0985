//! A profile's stored events, newest first, a page at a time.

use chrono::{DateTime, Utc};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value};
use sqlx::{Row as _, postgres::PgRow, types::Json};
use tributary_model::{EventId, ProfileId, SessionId, SourceName, TenantId, Time};

use super::{EventRow, problems};
use crate::{Storage, StorageError, convert, pool::within};

/// One page.
#[derive(Debug, Clone, PartialEq)]
pub struct EventPage {
    /// Newest first by event time.
    pub events: Vec<EventRow>,
    /// Where the next page begins; `None` on the last one.
    pub next_page_token: Option<String>,
}

impl Storage {
    /// The stored events that were accepted under a profile id, newest first; `page_size` 1 to 1000. The token is that of
    /// the page before, empty for the first; events that arrive meanwhile neither repeat nor hide others.
    pub async fn list_events(
        &self,
        tenant: &TenantId,
        profile: &ProfileId,
        page_size: u16,
        page_token: &str,
    ) -> Result<EventPage, StorageError> {
        let page_size = usize::from(page_size.clamp(1, 1000));
        let below = if page_token.is_empty() { None } else { Some(Key::from_token(page_token)?) };
        within(async {
            // The whole key is compared, as one row value: several events may share a time, and an id used again after
            // the dedup window may share time and id.
            let rows = sqlx::query(
                "SELECT id, type, source, session_id, time, received, properties, context, revision, request_id, cause, \
                 depth, entry, problems, invalid, historical FROM events \
                 WHERE tenant = $1 AND profile_id = $2 AND ($3::timestamptz IS NULL OR (time, id, received) < ($3, $4, $5)) \
                 ORDER BY time DESC, id DESC, received DESC LIMIT $6",
            )
            .bind(tenant.as_str())
            .bind(profile.as_str())
            .bind(below.as_ref().map(|key| convert::timestamp(key.time)).transpose()?)
            .bind(below.as_ref().map(|key| key.id.as_str()))
            .bind(below.as_ref().map(|key| convert::timestamp(key.received)).transpose()?)
            .bind(i64::try_from(page_size + 1).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await?;
            let more = rows.len() > page_size;
            let events = rows
                .iter()
                .take(page_size)
                .map(|row| event(row, tenant, profile))
                .collect::<Result<Vec<_>, _>>()?;
            let next_page_token = events.last().filter(|_| more).map(|last| Key::of(last).token());
            Ok(EventPage { events, next_page_token })
        })
        .await
    }
}

/// The place of an event in its profile's history.
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

fn event(row: &PgRow, tenant: &TenantId, profile: &ProfileId) -> Result<EventRow, StorageError> {
    let text = |column: &str| row.try_get::<&str, _>(column);
    let maybe = |column: &str| row.try_get::<Option<&str>, _>(column);
    let document = |column: &str| row.try_get::<Json<Map<String, Value>>, _>(column);
    let moment = |column: &str| row.try_get::<DateTime<Utc>, _>(column);
    Ok(EventRow {
        tenant: tenant.clone(),
        id: convert::id(EventId::new(text("id")?))?,
        event_type: text("type")?.to_owned(),
        source: convert::id(SourceName::new(text("source")?))?,
        profile_id: profile.clone(),
        session_id: maybe("session_id")?.map(|id| convert::id(SessionId::new(id))).transpose()?,
        time: convert::time(moment("time")?),
        received: convert::time(moment("received")?),
        properties: document("properties")?.0,
        context: document("context")?.0,
        revision: text("revision")?.to_owned(),
        request_id: maybe("request_id")?.unwrap_or_default().to_owned(),
        cause: maybe("cause")?.map(|id| convert::id(EventId::new(id))).transpose()?,
        depth: u32::try_from(row.try_get::<i32, _>("depth")?).unwrap_or_default(),
        problems: problems::of_column(row.try_get::<Option<Value>, _>("problems")?)?,
        invalid: row.try_get("invalid")?,
        historical: row.try_get("historical")?,
        entry: convert::stream_id(text("entry")?)?,
    })
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
