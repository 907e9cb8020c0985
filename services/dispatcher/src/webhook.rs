//! One request to one destination: what is sent beside the body, and what its answer comes down to.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use reqwest::{Client, Response, redirect};
use tributary_config::Webhook;
use tributary_model::TraceContext;
use tributary_runtime::{now, retry_after, telemetry::propagation};

use crate::decide::Answer;

/// How much of an answer is read: enough to use the connection again after a usual one.
const ANSWER_BYTES: usize = 4096;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A client for all destinations. Redirects are answers like any other: following one would send a profile to an
/// address that nobody configured. Destinations are reached directly, not by a proxy that the environment names.
pub(crate) fn client() -> reqwest::Result<Client> {
    // Chosen here and not by a feature of some dependency. An error says that one was chosen before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(Duration::from_secs(30))
        .user_agent(concat!("tributary/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .build()
}

/// Posts a body with [`headers`]. Never fails: what cannot be sent is an answer too.
pub(crate) async fn post(client: &Client, webhook: &Webhook, headers: HeaderMap, body: Vec<u8>) -> Answer {
    let request = client.post(webhook.url.clone()).headers(headers).timeout(webhook.timeout).body(body);
    match request.send().await {
        Ok(response) => read(response).await,
        // The error itself names the address, and is not repeated anywhere.
        Err(error) if error.is_timeout() => Answer::Timeout,
        Err(error) if error.is_connect() => Answer::Unreachable,
        Err(_) => Answer::Broken,
    }
}

/// The configured headers, and over them those that the protocol needs.
pub(crate) fn headers(configured: &HeaderMap, key: &str, trace: &TraceContext) -> HeaderMap {
    let mut headers = configured.clone();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Ok(key) = HeaderValue::from_str(key) {
        headers.insert(IDEMPOTENCY_KEY, key);
    }
    propagation::inject_http(trace, &mut headers);
    headers
}

async fn read(mut response: Response) -> Answer {
    let asked = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = asked.and_then(|value| retry_after::parse(value, now()));
    let code = response.status().as_u16();
    // The status has decided; whatever becomes of the rest changes nothing.
    let mut read = 0;
    while read < ANSWER_BYTES {
        match response.chunk().await {
            Ok(Some(chunk)) => read += chunk.len(),
            Ok(None) | Err(_) => break,
        }
    }
    Answer::Status { code, retry_after }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_protocol_needs_goes_over_what_is_configured() {
        let mut configured = HeaderMap::new();
        for name in ["authorization", "content-type", "idempotency-key", "traceparent"] {
            configured.insert(name, HeaderValue::from_static("configured"));
        }
        let trace = TraceContext {
            traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into(),
            tracestate: "vendor=1".into(),
        };
        let sent = headers(&configured, "crm/p/1", &trace);
        assert_eq!(sent["authorization"], "configured");
        assert_eq!(sent["content-type"], "application/json");
        assert_eq!(sent["idempotency-key"], "crm/p/1");
        assert_eq!(sent["traceparent"], trace.traceparent.as_str());
        assert_eq!(sent["tracestate"], "vendor=1");
    }
}
