//! What an answer's body comes to, without reading more of it than anybody can use.

use reqwest::Response;
use serde_json::Value;
use tributary_engine::CallError;

use super::failure;

/// The bytes of an answer that are read at most.
pub(super) const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// Why a body is not there.
pub(super) enum Unread {
    /// It is larger than [`MAX_ANSWER_BYTES`].
    TooLarge(CallError),
    /// The connection broke.
    Broken(CallError),
}

/// Reads a body and says what it is.
pub(super) async fn read(mut response: Response, host: &str) -> Result<Value, Unread> {
    let too_large = || {
        let message = format!("{host} answered with more than {} KiB", MAX_ANSWER_BYTES / 1024);
        Unread::TooLarge(failure::too_large(message))
    };
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
    Ok(meaning(bytes))
}

/// JSON as it is, another text as a text, and null for nothing or what is no text.
fn meaning(bytes: Vec<u8>) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    match serde_json::from_slice(&bytes) {
        Ok(json) => json,
        Err(_) => String::from_utf8(bytes).map_or(Value::Null, Value::String),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_stays_json_a_text_a_text_and_the_rest_is_null() {
        let of = |bytes: &[u8]| meaning(bytes.to_vec());
        assert_eq!(of(b" {\"a\": [1, null]} "), json!({"a": [1, null]}));
        assert_eq!(of(b"12.5"), json!(12.5));
        assert_eq!(of(b"null"), Value::Null);
        assert_eq!(of("grün".as_bytes()), json!("grün"));
        assert_eq!(of(b"{\"a\": "), json!("{\"a\": "));
        assert_eq!(of(b""), Value::Null);
        assert_eq!(of(&[0xff, 0xfe]), Value::Null);
        let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
        assert_eq!(of(deep.as_bytes()), json!(deep), "nothing is read so deep that it could end the process");
    }
}
