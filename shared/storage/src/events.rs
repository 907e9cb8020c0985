//! Table `events`: immutable facts, written by COPY, read newest first.

mod copy;
mod find;
mod history;
mod list;
mod problems;
mod read;

pub use history::{Asked, Happened, History};
pub use list::{EventPage, Wanted};

use serde_json::{Map, Value};
use sqlx::PgConnection;
use tributary_model::{EventId, PartitionId, ProfileId, SessionId, SourceName, StreamId, TenantId, Time};
use tributary_proto::v1::EventProblem;

use crate::{DeadRow, StorageError, convert, flush::Writable};

/// A stored event.
#[derive(Debug, Clone, PartialEq)]
pub struct EventRow {
    /// Who owns it.
    pub tenant: TenantId,
    /// Unique within the dedup window.
    pub id: EventId,
    /// What happened.
    pub event_type: String,
    /// Whose payload carried it.
    pub source: SourceName,
    /// The profile at which it was accepted.
    pub profile_id: ProfileId,
    /// The session that the payload named.
    pub session_id: Option<SessionId>,
    /// When it happened.
    pub time: Time,
    /// When the mesh accepted it; decides the day table.
    pub received: Time,
    /// The client's facts.
    pub properties: Map<String, Value>,
    /// Facts about the session.
    pub context: Map<String, Value>,
    /// The configuration revision under which it was processed.
    pub revision: String,
    /// The client's id of the call; may be empty.
    pub request_id: String,
    /// Derived events: the event that caused it.
    pub cause: Option<EventId>,
    /// Derivations between a client's event and this one; 0 for a client's.
    pub depth: u32,
    /// What was found wrong with it; it counts all the same.
    pub problems: Vec<EventProblem>,
    /// It does not fit the Schema of its type: no mapping and no workflow saw it.
    pub invalid: bool,
    /// Recorded after the fact, by an import.
    pub historical: bool,
    /// The one workflow that it was recorded to run; empty where its type decides.
    pub workflow: String,
    /// Its entry in the stream.
    pub entry: StreamId,
}

impl EventRow {
    /// True where every text fits a Postgres column.
    fn is_storable(&self) -> bool {
        let texts = [&self.event_type, &self.revision, &self.request_id, &self.workflow];
        texts.iter().all(|text| !text.contains('\0'))
            && convert::exact_text(&self.properties).is_some()
            && convert::exact_text(&self.context).is_some()
    }
}

/// Moves events that Postgres cannot hold to the dead rows: found before the transaction, they cost it nothing.
pub(crate) fn bury_unstorable(events: &mut Vec<EventRow>, dead: &mut Vec<DeadRow>) -> usize {
    let before = events.len();
    events.retain(|event| {
        let storable = event.is_storable();
        if !storable {
            let message = "Postgres cannot hold the character U+0000".to_owned();
            dead.push(DeadRow { reason: "NUL_CHARACTER", ..event.dead(message) });
        }
        storable
    });
    before - events.len()
}

impl Writable for EventRow {
    async fn write(
        conn: &mut PgConnection,
        partition: PartitionId,
        rows: &[Self],
    ) -> Result<(), StorageError> {
        copy::rows(conn, partition, rows).await
    }

    fn dead(&self, message: String) -> DeadRow {
        let content = serde_json::json!({
            "id": self.id.as_str(), "type": self.event_type, "source": self.source.as_str(),
            "profile_id": self.profile_id.as_str(),
            "session_id": self.session_id.as_ref().map(|id| id.as_str().to_owned()),
            "time": self.time.to_string(), "received": self.received.to_string(),
            "properties": self.properties, "context": self.context,
        });
        DeadRow {
            tenant: self.tenant.to_string(),
            kind: "event",
            subject: self.id.to_string(),
            entry: self.entry,
            reason: "ROW_REFUSED",
            message,
            data: content.to_string().into_bytes(),
        }
    }
}
