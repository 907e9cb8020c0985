//! What is given up on, as operators find it.

use prost::Message;
use tributary_model::Time;
use tributary_proto::convert::time_to_wire;
use tributary_proto::v1;
use tributary_streams::Entry;

/// The encoded dead letter of an entry of `{p}:events` or `{p}:forward`, with the entry's data for a replay.
pub(crate) fn of_entry(
    entry: &Entry,
    kind: &str,
    reason: &str,
    message: &str,
    attempts: u64,
    now: Time,
) -> Vec<u8> {
    v1::DeadLetter {
        id: String::new(),
        tenant: entry.tenant.clone(),
        stage: "workflow".to_owned(),
        kind: kind.to_owned(),
        subject: entry.event_id.clone(),
        destination: String::new(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
        time: Some(time_to_wire(now)),
        data: entry.data.clone().into(),
    }
    .encode_to_vec()
}
