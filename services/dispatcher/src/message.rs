//! What a destination is sent: the document, and the key by which it recognises a repetition. Pure.

use serde_json::{Map, Value};
use tributary_config::BOOKKEEPING;
use tributary_model::{Kinds, Members, ProfileId, StreamId, TenantId, Time};
use tributary_proto::convert::version_to_wire;
use tributary_streams::Known;

/// The body of a delivery: the profile as it is shown at `now`, without what workflows remember for themselves.
#[must_use]
pub fn body(
    tenant: &TenantId,
    destination: &str,
    profile: &ProfileId,
    known: &Known,
    kinds: &Kinds,
    now: Time,
) -> Vec<u8> {
    let members = Members::one(profile.clone(), known.version, known.state.clone());
    let mut fields = members.total().view_as(kinds, now).document();
    // What workflows remember for themselves says nothing of the customer.
    fields.remove(BOOKKEEPING);
    let document = serde_json::json!({
        "type": "profile",
        "tenant": tenant.as_str(),
        "destination": destination,
        "profile": {
            "id": profile.as_str(),
            "version": version_to_wire(known.version),
            "fields": fields,
        },
    });
    document.to_string().into_bytes()
}

/// The body of what a workflow sends by itself.
#[must_use]
pub fn direct(
    tenant: &TenantId,
    destination: &str,
    profile: &ProfileId,
    key: &str,
    said: Map<String, Value>,
) -> Vec<u8> {
    let document = serde_json::json!({
        "type": "direct",
        "tenant": tenant.as_str(),
        "destination": destination,
        "key": key,
        "profile_id": profile.as_str(),
        "body": said,
    });
    document.to_string().into_bytes()
}

/// The key of such a delivery as a header has it, behind its tenant's name: several tenants may send to one server with the
/// same ids. Only what a header cannot have is escaped.
pub(crate) fn direct_key(tenant: &TenantId, key: &str) -> String {
    let mut out = String::new();
    push_escaped(tenant.as_str(), |byte| matches!(byte, b'/' | b'%'), &mut out);
    out.push('/');
    push_escaped(key, |byte| byte == b'%', &mut out);
    out
}

/// Equal for every attempt at one version of a profile, and for no other delivery of any tenant. Printable ASCII, as a
/// header has to be, whatever the ids hold.
pub(crate) fn idempotency_key(
    tenant: &TenantId,
    destination: &str,
    profile: &ProfileId,
    version: StreamId,
) -> String {
    let mut key = String::new();
    let parts = [tenant.as_str(), destination, profile.as_str(), &version_to_wire(version)];
    for (place, part) in parts.into_iter().enumerate() {
        if place > 0 {
            key.push('/');
        }
        push_escaped(part, |byte| matches!(byte, b'/' | b'%'), &mut key);
    }
    key
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
    use tributary_model::{Change, ChangeId, EventId, Op, Path, State};

    #[test]
    fn the_body_shows_the_profile_with_its_version() {
        let event = EventId::new("e").unwrap();
        let now = Time::from_micros(1_000_000);
        let change = Change {
            id: ChangeId::new("e/1/0/0000").unwrap(),
            event,
            time: now,
            path: Path::new("traits.city").unwrap(),
            op: Op::Set("Berlin".into()),
        };
        let known = Known { version: StreamId::new(17, 3), state: State::one(&change) };
        let (tenant, profile) = (TenantId::new("t").unwrap(), ProfileId::new("p").unwrap());
        let body = body(&tenant, "crm", &profile, &known, &Kinds::default(), now);
        let sent: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let expected = serde_json::json!({
            "type": "profile", "tenant": "t", "destination": "crm",
            "profile": {
                "id": "p",
                "version": "000000000000017-0000000003",
                "fields": {"traits": {"city": "Berlin"}},
            },
        });
        assert_eq!(sent, expected);
    }

    #[test]
    fn what_workflows_remember_for_themselves_is_not_sent() {
        let change = |path, value: &str| Change {
            id: ChangeId::new(format!("e/1/0/{path}")).unwrap(),
            event: EventId::new("e").unwrap(),
            time: Time::from_micros(1_000_000),
            path: Path::new(path).unwrap(),
            op: Op::Set(value.into()),
        };
        let state = State::fold(&[change("workflows.values.w.once", "x"), change("traits.city", "Berlin")]);
        let known = Known { version: StreamId::new(17, 3), state };
        let (tenant, profile) = (TenantId::new("t").unwrap(), ProfileId::new("p").unwrap());
        let now = Time::from_micros(1_000_000);
        let sent: Value =
            serde_json::from_slice(&body(&tenant, "crm", &profile, &known, &Kinds::default(), now)).unwrap();
        assert_eq!(sent["profile"]["fields"], serde_json::json!({"traits": {"city": "Berlin"}}));
    }

    #[test]
    fn what_a_workflow_sends_says_whose_it_is_and_its_key_stays_as_it_is() {
        let (tenant, profile) = (TenantId::new("t").unwrap(), ProfileId::new("p").unwrap());
        let said = serde_json::json!({"text": "hello"}).as_object().cloned().unwrap();
        let sent: Value = serde_json::from_slice(&direct(&tenant, "crm", &profile, "e/w/n", said)).unwrap();
        let expected = serde_json::json!({
            "type": "direct", "tenant": "t", "destination": "crm", "key": "e/w/n", "profile_id": "p",
            "body": {"text": "hello"},
        });
        assert_eq!(sent, expected);
        assert_eq!(direct_key(&tenant, "e-1/w/n"), "t/e-1/w/n");
        assert_eq!(direct_key(&tenant, "ä 1%/w"), "t/%C3%A4%201%25/w");
        assert_ne!(direct_key(&TenantId::new("u").unwrap(), "e-1/w/n"), "t/e-1/w/n");
    }

    proptest! {
        #[test]
        fn keys_fit_into_a_header_and_differ_where_the_parts_do(
            a in ("[a-z/%-]{1,9}", "\\PC{1,20}", 0_u64..3),
            b in ("[a-z/%-]{1,9}", "\\PC{1,20}", 0_u64..3),
        ) {
            let key = |(destination, profile, version): &(String, String, u64)| {
                let tenant = TenantId::new("t").unwrap();
                idempotency_key(&tenant, destination, &ProfileId::new(profile.as_str()).unwrap(), StreamId::new(*version, 1))
            };
            prop_assert!(http::HeaderValue::from_str(&key(&a)).unwrap().to_str().is_ok());
            prop_assert_eq!(key(&a) == key(&b), a == b);
        }
    }
}
