//! The CDNOW text: one purchase a line, `id in the full data  id in the sample  YYYYMMDD  CDs  dollars`. Pure.

use data_encoding::HEXLOWER;
use serde_json::{Map, Number, Value};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use tributary_model::Time;
use tributary_proto::convert::time_to_wire;
use tributary_proto::raw::RawStruct;
use tributary_proto::v1;

/// Turns lines into payloads, one event each. The id of an event is the hash of customer, date, and the line's ordinal
/// within that customer's day: equal lines are purchases of their own, and a file sent again has the ids it had before.
#[derive(Default)]
pub(super) struct Reader {
    ordinals: HashMap<(String, String), u32>,
}

impl Reader {
    /// The payload of the next line; `None` for an empty one.
    ///
    /// # Errors
    /// The line is not a purchase.
    pub(super) fn read(&mut self, line: &str) -> Result<Option<v1::TrackRequest>, String> {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [_, customer, date, cds, value] = columns[..] else {
            return if columns.is_empty() { Ok(None) } else { Err(refused("not five columns")) };
        };
        let time = day(date).ok_or_else(|| refused("the third column is not a day"))?;
        let cds: u32 = cds.parse().map_err(|_| refused("the fourth column is not a number of CDs"))?;
        let value: Number = value
            .parse()
            .ok()
            .and_then(Number::from_f64)
            .ok_or_else(|| refused("the fifth column is not an amount"))?;
        let ordinal = self.ordinals.entry((customer.to_owned(), date.to_owned())).or_default();
        let id = event_id(customer, date, *ordinal);
        *ordinal += 1;
        let properties = Map::from_iter([
            ("cds".to_owned(), Value::from(cds)),
            ("value".to_owned(), Value::Number(value)),
        ]);
        let event = v1::EventInput {
            id,
            r#type: "purchase".to_owned(),
            time: Some(time_to_wire(time)),
            properties: Some(RawStruct::from_object(&properties)),
            ..v1::EventInput::default()
        };
        Ok(Some(v1::TrackRequest {
            profile_id: customer.to_owned(),
            events: vec![event],
            ..v1::TrackRequest::default()
        }))
    }
}

fn refused(reason: &str) -> String {
    format!("{reason}; a line is like ` 00004 0001 19970101  2   29.33`")
}

fn event_id(customer: &str, date: &str, ordinal: u32) -> String {
    let digest = Sha256::digest(format!("cdnow/{customer}/{date}/{ordinal}"));
    HEXLOWER.encode(&digest[..16])
}

fn day(date: &str) -> Option<Time> {
    if date.len() != 8 || !date.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    format!("{}-{}-{}T00:00:00Z", &date[..4], &date[4..6], &date[6..]).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reader: &mut Reader, line: &str) -> v1::TrackRequest {
        reader.read(line).unwrap().unwrap()
    }

    #[test]
    fn a_line_is_a_purchase_of_its_customer_on_its_day() {
        let payload = read(&mut Reader::default(), " 00004 0001 19970101  2   29.33");
        assert_eq!(payload.profile_id, "0001");
        let event = &payload.events[0];
        assert_eq!(event.r#type, "purchase");
        assert_eq!(event.time.unwrap().seconds, 852_076_800);
        let properties = Value::Object(event.properties.as_ref().unwrap().to_object().unwrap());
        assert_eq!(properties, serde_json::json!({"cds": 2, "value": 29.33}));
    }

    #[test]
    fn equal_lines_are_events_of_their_own_and_a_file_read_again_has_the_same_ids() {
        let line = " 00004 0001 19970101  2   29.33";
        let ids = || {
            let mut reader = Reader::default();
            [line, line].map(|line| read(&mut reader, line).events[0].id.clone())
        };
        assert_ne!(ids()[0], ids()[1]);
        assert_eq!(ids(), ids());
    }

    #[test]
    fn what_is_no_purchase_is_told_with_what_one_looks_like() {
        let mut reader = Reader::default();
        assert_eq!(reader.read("   "), Ok(None));
        for wrong in
            ["1 2 3", "1 1 19971301 1 1.0", "1 1 19970101 x 1.0", "1 1 19970101 1 NaN", "1 1 ١٩٩٧٠١ 1 1"]
        {
            assert!(reader.read(wrong).is_err(), "{wrong}");
        }
        assert!(reader.read("x").unwrap_err().starts_with("not five columns; a line is like"));
    }
}
