//! The key of a call as a header: whoever is called tells repeats by it. Pure.

use http::HeaderValue;

/// Printable ASCII, whatever ids hold; different for different keys.
pub(super) fn as_header(key: &str) -> HeaderValue {
    let mut text = String::with_capacity(key.len());
    for byte in key.bytes() {
        match byte {
            b'%' => text.push_str("%25"),
            b'!'..=b'~' => text.push(char::from(byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    HeaderValue::from_str(&text).expect("it is printable ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_key_fits_and_different_ones_differ(a in "\\PC{0,40}", b in "[%a-zé /]{0,6}", c in "[%a-zé /]{0,6}") {
            prop_assert!(as_header(&a).to_str().is_ok());
            prop_assert_eq!(as_header(&b) == as_header(&c), b == c);
        }
    }

    #[test]
    fn a_usual_key_is_sent_as_it_is() {
        assert_eq!(as_header("ord-1/welcome/ask/2"), "ord-1/welcome/ask/2");
    }
}
