//! Secrets that are written out by mistake: a document is kept for ever, and shown to whoever may read it.

/// Whether a header of this name and value is one that nobody else may know.
pub(super) fn is_secret(name: &str, value: &str) -> bool {
    names_a_secret(name) || is_credential(value)
}

/// Whether a header of this name carries what nobody else may know.
fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let anywhere = ["token", "secret", "password", "credential", "cookie"];
    let whole = ["auth", "authorization", "authentication", "signature"];
    let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
    anywhere.iter().any(|part| name.contains(part))
        || words.any(|word| whole.contains(&word) || word.ends_with("key") || word.ends_with("keys"))
}

/// Whether the value itself says that it is a credential.
fn is_credential(value: &str) -> bool {
    let scheme = value.split_whitespace().next().unwrap_or_default();
    ["bearer", "basic", "digest"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
        && value.split_whitespace().nth(1).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_its_name_or_by_itself() {
        for name in [
            "Authorization",
            "proxy-authorization",
            "Cookie",
            "X-API-Key",
            "apikey",
            "X-Shop-Token",
            "x_client_secret",
            "Ocp-Apim-Subscription-Key",
            "X-Auth",
        ] {
            assert!(is_secret(name, "sk_live_123"), "{name}");
        }
        assert!(is_secret("X-Sender", "Bearer sk_live_123"));
    }

    #[test]
    fn what_is_no_secret_can_be_written_out() {
        for (name, value) in
            [("X-Sender", "tributary"), ("X-Author", "us"), ("X-Keyspace", "a"), ("X-Level", "basic")]
        {
            assert!(!is_secret(name, value), "{name}");
        }
    }
}
