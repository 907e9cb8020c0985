//! Rows of the table as events.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use sqlx::{Row as _, postgres::PgRow, types::Json};
use tributary_model::{EventId, ProfileId, SessionId, SourceName, TenantId};

use super::{EventRow, problems};
use crate::{StorageError, convert};

/// The columns that [`event`] reads, of a table called `event`.
macro_rules! columns {
    () => {
        "event.id, event.type, event.source, event.profile_id, event.session_id, event.time, event.received, \
         event.properties, event.context, event.revision, event.request_id, event.cause, event.depth, event.entry, \
         event.problems, event.invalid, event.historical, event.workflow"
    };
}
pub(super) use columns;

/// Reads the columns of an event of `tenant`.
pub(super) fn event(row: &PgRow, tenant: &TenantId) -> Result<EventRow, StorageError> {
    let text = |column: &str| row.try_get::<&str, _>(column);
    let maybe = |column: &str| row.try_get::<Option<&str>, _>(column);
    let document = |column: &str| row.try_get::<Json<Map<String, Value>>, _>(column);
    let moment = |column: &str| row.try_get::<DateTime<Utc>, _>(column);
    Ok(EventRow {
        tenant: tenant.clone(),
        id: convert::id(EventId::new(text("id")?))?,
        event_type: text("type")?.to_owned(),
        source: convert::id(SourceName::new(text("source")?))?,
        profile_id: convert::id(ProfileId::new(text("profile_id")?))?,
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
        workflow: maybe("workflow")?.unwrap_or_default().to_owned(),
        entry: convert::stream_id(text("entry")?)?,
    })
}
