//! Events into their table by binary COPY: nothing to escape, and the fastest way in.

use sqlx::PgConnection;
use tributary_model::{PartitionId, Time};

use super::{EventRow, problems};
use crate::{StorageError, convert, partitions};

const STATEMENT: &str = "COPY events (tenant, id, type, source, profile_id, session_id, time, received, properties, \
                         context, revision, request_id, cause, depth, p, entry, problems, invalid, historical, workflow) \
                         FROM STDIN (FORMAT binary)";
const COLUMNS: i16 = 20;

/// The format's signature, then no flags and no header extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();

/// Postgres counts microseconds from the year 2000.
const POSTGRES_EPOCH_US: i64 = 946_684_800_000_000;

/// A message of the protocol holds this much; larger ones only cost memory at the server.
const CHUNK: usize = 256 * 1024;

/// Writes all rows by one COPY.
pub(super) async fn rows(
    conn: &mut PgConnection,
    partition: PartitionId,
    rows: &[EventRow],
) -> Result<(), StorageError> {
    let mut bytes = Vec::with_capacity(rows.len() * 512);
    bytes.extend_from_slice(HEADER);
    for row in rows {
        encode(row, partition, &mut bytes)?;
    }
    bytes.extend_from_slice(&TRAILER);

    let mut copy = conn.copy_in_raw(STATEMENT).await?;
    for chunk in bytes.chunks(CHUNK) {
        copy.send(chunk).await?;
    }
    copy.finish().await?;
    Ok(())
}

/// One tuple: the number of columns, then each as its length and bytes, in the order of [`STATEMENT`].
fn encode(row: &EventRow, partition: PartitionId, out: &mut Vec<u8>) -> Result<(), StorageError> {
    out.extend_from_slice(&COLUMNS.to_be_bytes());
    text(row.tenant.as_str(), out);
    text(row.id.as_str(), out);
    text(&row.event_type, out);
    text(row.source.as_str(), out);
    text(row.profile_id.as_str(), out);
    optional(row.session_id.as_ref().map(|id| id.as_str()), out);
    time(row.time, out)?;
    time(row.received, out)?;
    json(&row.properties, out)?;
    json(&row.context, out)?;
    text(&row.revision, out);
    optional(Some(row.request_id.as_str()).filter(|id| !id.is_empty()), out);
    optional(row.cause.as_ref().map(|id| id.as_str()), out);
    field(&i32::try_from(row.depth).unwrap_or(i32::MAX).to_be_bytes(), out);
    field(&partitions::number(partition).to_be_bytes(), out);
    text(&row.entry.sortable(), out);
    match problems::to_text(&row.problems) {
        Some(problems) => jsonb(&problems, out),
        None => optional(None, out),
    }
    field(&[u8::from(row.invalid)], out);
    field(&[u8::from(row.historical)], out);
    optional(Some(row.workflow.as_str()).filter(|name| !name.is_empty()), out);
    Ok(())
}

fn field(bytes: &[u8], out: &mut Vec<u8>) {
    // Payloads are limited to megabytes long before the four bytes of a length are exhausted.
    out.extend_from_slice(&i32::try_from(bytes.len()).unwrap_or(i32::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}

fn text(value: &str, out: &mut Vec<u8>) {
    field(value.as_bytes(), out);
}

fn optional(value: Option<&str>, out: &mut Vec<u8>) {
    match value {
        Some(value) => text(value, out),
        None => out.extend_from_slice(&(-1_i32).to_be_bytes()),
    }
}

fn time(value: Time, out: &mut Vec<u8>) -> Result<(), StorageError> {
    let since_2000 = value
        .as_micros()
        .checked_sub(POSTGRES_EPOCH_US)
        .ok_or_else(|| StorageError::data("a time is outside of what Postgres holds"))?;
    field(&since_2000.to_be_bytes(), out);
    Ok(())
}

fn json(
    document: &serde_json::Map<String, serde_json::Value>,
    out: &mut Vec<u8>,
) -> Result<(), StorageError> {
    let text = convert::exact_text(document).ok_or_else(|| StorageError::data("a document holds U+0000"))?;
    jsonb(&text, out);
    Ok(())
}

/// jsonb's binary form: the version 1, then its text.
fn jsonb(text: &str, out: &mut Vec<u8>) {
    let mut bytes = Vec::with_capacity(text.len() + 1);
    bytes.push(1);
    bytes.extend_from_slice(text.as_bytes());
    field(&bytes, out);
}
