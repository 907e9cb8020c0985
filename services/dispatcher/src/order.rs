//! What a timer asks for: the profile as it is when it is sent, or something that a workflow said. Pure.

use serde_json::{Map, Value};
use tracing::{Span, field::Empty, info_span};
use tributary_model::{ProfileId, TenantId, TraceContext};
use tributary_runtime::telemetry::{names, propagation};
use tributary_streams::{Fence, Timer};

use crate::message;

/// What is to be delivered, to whom.
pub(crate) struct Order<'a> {
    pub(crate) tenant: Option<TenantId>,
    pub(crate) profile: Option<ProfileId>,
    pub(crate) destination: &'a str,
    /// Set where a workflow says what is sent.
    pub(crate) direct: Option<Direct<'a>>,
}

/// What a workflow sends by itself.
#[derive(Clone, Copy)]
pub(crate) struct Direct<'a> {
    /// The same for each attempt, and for no other delivery of the tenant.
    pub(crate) key: &'a str,
    /// A JSON object.
    pub(crate) body: &'a str,
}

impl<'a> Order<'a> {
    pub(crate) fn of(timer: &'a Timer) -> Self {
        let field = |name: &str| timer.fields.get(name).map(String::as_str).unwrap_or_default();
        let direct = timer.fields.get("key").map(|key| Direct { key, body: field("body") });
        Self {
            tenant: TenantId::new(field("tenant")).ok(),
            profile: ProfileId::new(field("profile")).ok(),
            destination: field("destination"),
            direct,
        }
    }

    /// By which name whoever waits for the delivery finds it.
    pub(crate) fn name(&self) -> &'a str {
        self.direct.map_or(self.destination, |direct| direct.key)
    }

    /// What a dead letter has to keep, so that it can be sent again: nothing of a profile, which is made anew then.
    pub(crate) fn kept(&self) -> Vec<u8> {
        let (Some(direct), Some(tenant), Some(profile)) = (self.direct, &self.tenant, &self.profile) else {
            return Vec::new();
        };
        match direct.said() {
            Some(said) => message::direct(tenant, self.destination, profile, direct.key, said),
            None => direct.body.as_bytes().to_vec(),
        }
    }

    /// Continues the trace of the newest version and links those that went before it.
    pub(crate) fn span(&self, timer: &Timer, fence: &Fence) -> Span {
        let span = info_span!(
            names::DELIVER,
            { names::OTEL_KIND } = "client",
            { names::TENANT } = self.tenant.as_ref().map(TenantId::as_str),
            { names::DESTINATION } = self.destination,
            { names::PARTITION } = names::number(fence.partition.0),
            { names::ATTEMPT } = names::number(timer.attempts.saturating_add(1)),
            { names::OUTCOME } = Empty,
            { names::REASON } = Empty,
            { names::OTEL_STATUS_CODE } = Empty,
        );
        propagation::set_parent(&span, &timer.trace);
        for link in &timer.links {
            let cause = TraceContext { traceparent: link.clone(), tracestate: String::new() };
            propagation::add_link(&span, &cause);
        }
        span
    }
}

impl Direct<'_> {
    /// The body; `None` where it is no JSON object.
    pub(crate) fn said(&self) -> Option<Map<String, Value>> {
        serde_json::from_str(self.body).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use tributary_model::StreamId;

    fn timer(fields: &[(&str, &str)]) -> Timer {
        let fields: HashMap<_, _> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Timer {
            id: "dispatcher:t:crm:p".to_owned(),
            seq: String::new(),
            version: StreamId::default(),
            attempts: 0,
            fields,
            trace: TraceContext::default(),
            links: Vec::new(),
        }
    }

    const PROFILE: [(&str, &str); 3] = [("tenant", "t"), ("destination", "crm"), ("profile", "p")];

    #[test]
    fn a_delivery_of_a_profile_is_found_by_its_destination_and_keeps_nothing() {
        let timer = timer(&PROFILE);
        let order = Order::of(&timer);
        assert_eq!((order.name(), order.direct.is_none(), order.kept()), ("crm", true, Vec::new()));
    }

    #[test]
    fn what_a_workflow_sends_is_found_by_its_key_and_kept_as_it_would_be_sent() {
        let with = |body| timer(&[&PROFILE[..], &[("key", "e/w/n"), ("body", body)]].concat());
        let sent = with("{\"text\":\"hello\"}");
        let order = Order::of(&sent);
        assert_eq!(order.name(), "e/w/n");
        let kept: Value = serde_json::from_slice(&order.kept()).unwrap();
        assert_eq!((&kept["body"]["text"], &kept["key"]), (&"hello".into(), &"e/w/n".into()));
        let broken = with("[1]");
        assert_eq!(Order::of(&broken).kept(), b"[1]", "what cannot be sent is kept as it was found");
    }
}
