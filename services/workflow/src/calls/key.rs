//! The key of a call as a header: whoever is called tells repeats by it. Pure.

use http::HeaderValue;
use tributary_model::TenantId;

/// `<tenant>/<key>`: several tenants may call one server with the same ids. Printable ASCII, whatever ids hold; different for
/// different keys.
pub(super) fn as_header(tenant: &TenantId, key: &str) -> HeaderValue {
    let mut text = String::with_capacity(tenant.as_str().len() + 1 + key.len());
    push_escaped(tenant.as_str(), |byte| matches!(byte, b'/' | b'%'), &mut text);
    text.push('/');
    push_escaped(key, |byte| byte == b'%', &mut text);
    HeaderValue::from_str(&text).expect("it is printable ASCII")
}

/// Appends a text as printable ASCII: `reserved` and everything else are escaped.
fn push_escaped(text: &str, reserved: impl Fn(u8) -> bool, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'!'..=b'~' if !reserved(byte) => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(tenant: &str, key: &str) -> HeaderValue {
        as_header(&TenantId::new(tenant).unwrap(), key)
    }

    proptest! {
        #[test]
        fn every_key_fits_and_different_ones_differ(
            a in "\\PC{0,40}",
            b in ("[%a/]{1,3}", "[%a-zé /]{0,6}"),
            c in ("[%a/]{1,3}", "[%a-zé /]{0,6}"),
        ) {
            prop_assert!(of("t", &a).to_str().is_ok());
            prop_assert_eq!(of(&b.0, &b.1) == of(&c.0, &c.1), b == c);
        }
    }

    #[test]
    fn a_usual_key_is_sent_as_it_is_behind_its_tenant() {
        assert_eq!(of("shop", "ord-1/welcome/ask/2"), "shop/ord-1/welcome/ask/2");
    }
}
