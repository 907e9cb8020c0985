//! What an answer's body comes to, without reading more of it than anybody can use.

use reqwest::Response;
use serde_json::Value;
use tributary_engine::{CallError, MAX_MEMORY_BYTES};

use super::failure;
use super::nesting::{self, MAX_NESTING};

/// The bytes of an answer that are read at most: JSON may be written more widely than it is kept.
pub(super) const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// Why a body is not there.
pub(super) enum Unread {
    /// It is more than can be kept.
    Unfit(CallError),
    /// The connection broke.
    Broken(CallError),
}

/// Reads a body and says what it is.
pub(super) async fn read(mut response: Response, host: &str) -> Result<Value, Unread> {
    let too_large = || Unread::Unfit(too_large(host, MAX_ANSWER_BYTES));
    let broken =
        |_| Unread::Broken(failure::unreachable(format!("the connection to {host} broke within its answer")));
    if response.content_length().is_some_and(|length| length > MAX_ANSWER_BYTES as u64) {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if bytes.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    meaning(bytes, host).map_err(Unread::Unfit)
}

/// JSON as it is, another text as a text, and null for nothing or what is no text; if the run can remember it.
fn meaning(bytes: Vec<u8>, host: &str) -> Result<Value, CallError> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    let meaning: Value = match serde_json::from_slice(&bytes) {
        Ok(json) => json,
        // The reader stops long before its stack would end.
        Err(error) if error.to_string().starts_with("recursion limit exceeded") => {
            return Err(failure::too_deep(host));
        }
        Err(_) => String::from_utf8(bytes).map_or(Value::Null, Value::String),
    };
    if !nesting::fits(&meaning, MAX_NESTING) {
        return Err(failure::too_deep(host));
    }
    if meaning.to_string().len() > MAX_MEMORY_BYTES {
        return Err(too_large(host, MAX_MEMORY_BYTES));
    }
    Ok(meaning)
}

fn too_large(host: &str, most: usize) -> CallError {
    failure::too_large(format!("{host} answered with more than {} KiB", most / 1024))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(bytes: &[u8]) -> Value {
        meaning(bytes.to_vec(), "a:80").unwrap()
    }

    #[test]
    fn json_stays_json_a_text_a_text_and_the_rest_is_null() {
        assert_eq!(of(b" {\"a\": [1, null]} "), json!({"a": [1, null]}));
        assert_eq!(of(b"12.5"), json!(12.5));
        assert_eq!(of(b"null"), Value::Null);
        assert_eq!(of("grün".as_bytes()), json!("grün"));
        assert_eq!(of(b"{\"a\": "), json!("{\"a\": "));
        assert_eq!(of(b""), Value::Null);
        assert_eq!(of(&[0xff, 0xfe]), Value::Null);
    }

    #[test]
    fn what_is_nested_deeper_than_events_may_be_is_refused() {
        let lists = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let objects = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
        for levels in [1, MAX_NESTING] {
            assert_eq!(of(lists(levels).as_bytes()).to_string(), lists(levels));
            assert_eq!(of(objects(levels).as_bytes()).to_string(), objects(levels));
        }
        for levels in [MAX_NESTING + 1, 126, 127, 128, 200, 5_000] {
            for body in [lists(levels), objects(levels)] {
                let error = meaning(body.into_bytes(), "a:80").unwrap_err();
                assert_eq!(error.reason, "TOO_DEEP", "{levels}");
            }
        }
    }
}
