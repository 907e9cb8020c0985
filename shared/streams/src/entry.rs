//! An entry of a stream, with the fields that lie beside its `data`.

use crate::{StreamsError, reply::Reply};
use redis::Value;
use tributary_model::{StreamId, TraceContext};

/// What somebody waits for when an event is appended: recorded with it, for whoever handles it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Awaited {
    /// Nobody waits.
    #[default]
    No,
    /// Somebody waits for its end, which is announced.
    Waits,
    /// Somebody waits for its end and for what its workflows did, which is kept with the end.
    Runs,
}

impl Awaited {
    /// As it stands in the entry; nothing stands there for [`Awaited::No`].
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::No => "",
            Self::Waits => "waits",
            Self::Runs => "runs",
        }
    }

    fn from_code(code: &str) -> Self {
        match code {
            "waits" => Self::Waits,
            "runs" => Self::Runs,
            _ => Self::No,
        }
    }
}

/// One entry. Fields that the stream does not have are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// Its position.
    pub id: StreamId,
    /// The encoded message.
    pub data: Vec<u8>,
    /// Who owns it.
    pub tenant: String,
    /// `{p}:events`: the event's id.
    pub event_id: String,
    /// `{p}:changes`: event id and stage digit, as `id/digit`.
    pub cause: String,
    /// The profile it concerns.
    pub profile: String,
    /// `{p}:changes`, `{p}:sessions`: the session it concerns.
    pub session: String,
    /// `{p}:events`: the last changes entry appended with it.
    pub change: StreamId,
    /// The trace that it belongs to.
    pub trace: TraceContext,
    /// `{p}:profiles`, `{p}:sessions`: all that changed was recorded after the fact. Nothing is delivered because of it.
    pub historical: bool,
    /// `{p}:events`: what somebody waited for when it was appended.
    pub awaited: Awaited,
    /// Trimmed while it was pending: only the position is left. Count it as a loss.
    pub lost: bool,
}

impl Entry {
    /// `[id, [field, value, …]]`, or `[id, nil]` for an entry trimmed while pending.
    pub(crate) fn parse(mut reply: Reply) -> Result<Self, StreamsError> {
        let mut entry = Self { id: reply.id()?, ..Self::default() };
        let mut fields = match reply.next()? {
            Value::Nil | Value::Boolean(false) => {
                entry.lost = true;
                return Ok(entry);
            }
            fields => Reply::new(fields),
        };
        while fields.remaining() > 0 {
            match fields.text()?.as_str() {
                "data" => entry.data = fields.bytes()?,
                "tenant" => entry.tenant = fields.text()?,
                "event_id" => entry.event_id = fields.text()?,
                "cause" => entry.cause = fields.text()?,
                "profile" => entry.profile = fields.text()?,
                "session" => entry.session = fields.text()?,
                "change" => entry.change = fields.id()?,
                "historical" => entry.historical = fields.text()? == "1",
                "awaited" => entry.awaited = Awaited::from_code(&fields.text()?),
                "traceparent" => entry.trace.traceparent = fields.text()?,
                "tracestate" => entry.trace.tracestate = fields.text()?,
                _ => drop(fields.next()?),
            }
        }
        Ok(entry)
    }

    pub(crate) fn parse_all(mut reply: Reply) -> Result<Vec<Self>, StreamsError> {
        let mut entries = Vec::with_capacity(reply.remaining());
        while reply.remaining() > 0 {
            entries.push(Self::parse(reply.list()?)?);
        }
        Ok(entries)
    }
}
