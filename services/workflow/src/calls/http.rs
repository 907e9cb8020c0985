//! An HTTP request of a workflow.
//!
//! A redirect is followed for GET alone, and only to where the first request went: the same host and port, or from http to
//! https of the same host. What the configuration says to one server is said to no other. Every other redirect is an answer
//! like any other.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use reqwest::{Client, Response, redirect};
use tributary_engine::{CallError, HttpAnswer, HttpCall};
use tributary_model::TenantId;
use tributary_runtime::{now, retry_after, telemetry::propagation};
use url::Url;

use super::breaker::Health;
use super::hosts::AllowedHosts;
use super::place::Place;
use super::resolver::{Lookup, Resolver, is_forbidden};
use super::retries::{Attempt, Bounds, Missed, with_retries};
use super::server::Servers;
use super::{answer_body, failure, key};

/// A call is redirected this often at most; the next redirect is the answer.
const REDIRECTS: usize = 5;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The client of all HTTP calls.
pub(super) struct Http {
    /// Connects to the open Internet alone.
    strict: Client,
    /// Connects to any address: for the hosts that operators allow.
    open: Client,
    allowed: Arc<AllowedHosts>,
}

/// A call, ready to be sent as often as needed.
pub(super) struct Prepared {
    tenant: TenantId,
    method: Method,
    place: Place,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
}

impl Http {
    pub(super) fn new(allowed: Arc<AllowedHosts>, lookup: &Arc<dyn Lookup>) -> reqwest::Result<Self> {
        // Chosen here and not by a feature of some dependency. An error says that one was chosen before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = |any| {
            Client::builder()
                .dns_resolver(Resolver::new(lookup.clone(), any))
                .redirect(redirect::Policy::none())
                .connect_timeout(CONNECT_TIMEOUT)
                .pool_idle_timeout(Duration::from_secs(30))
                .user_agent(concat!("tributary/", env!("CARGO_PKG_VERSION")))
                .no_proxy()
                .build()
        };
        Ok(Self { strict: client(false)?, open: client(true)?, allowed })
    }

    /// Reads what is to be called.
    ///
    /// # Errors
    /// `INVALID_URL`, `FORBIDDEN_ADDRESS`, `REFUSED`.
    pub(super) fn prepare(
        &self,
        call: &HttpCall,
        headers: HeaderMap,
        tenant: &TenantId,
        key: &str,
    ) -> Result<Prepared, CallError> {
        let place = Place::read(&call.url, &self.allowed)?;
        let method = Method::from_bytes(call.method.as_bytes())
            .map_err(|_| failure::refused("the method is none that HTTP has"))?;
        let body = call.body.as_ref().map(|body| body.to_string().into_bytes());
        let headers = complete(headers, key::as_header(tenant, key), body.is_some());
        Ok(Prepared { tenant: tenant.clone(), method, place, headers, body })
    }

    /// Sends it until there is an answer. `made` counts the attempts.
    ///
    /// # Errors
    /// There is none in time, or none that can be taken.
    pub(super) async fn call(
        &self,
        prepared: &Prepared,
        servers: &Servers,
        bounds: Bounds,
        made: &AtomicU32,
    ) -> Result<HttpAnswer, CallError> {
        let server = servers.of(&prepared.tenant, &prepared.place.name());
        with_retries(&server, bounds, made, || self.attempt(prepared)).await
    }

    async fn attempt(&self, prepared: &Prepared) -> Attempt<HttpAnswer> {
        let mut place = prepared.place.clone();
        for followed in 0.. {
            let response = self.send(prepared, &place).await?;
            let to = redirected(&prepared.method, &place, response.status(), response.headers());
            match to.filter(|_| followed < REDIRECTS) {
                // Judged as the first one: a host may be allowed with http alone.
                Some(url) => place = Place::of(url, &self.allowed).map_err(Missed::final_with)?,
                None => return read(response, &place).await,
            }
        }
        unreachable!("the loop ends with the last redirect that is followed")
    }

    async fn send(&self, prepared: &Prepared, place: &Place) -> Result<Response, Missed<HttpAnswer>> {
        let client = if place.allowed { &self.open } else { &self.strict };
        let mut request = client.request(prepared.method.clone(), place.url.clone());
        request = request.headers(prepared.headers.clone());
        if let Some(body) = &prepared.body {
            request = request.body(body.clone());
        }
        request.send().await.map_err(|error| missed(&error, place))
    }
}

impl Prepared {
    /// Where it goes first.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }
}

/// The configured headers, and over them those that every call has.
fn complete(mut headers: HeaderMap, key: HeaderValue, has_body: bool) -> HeaderMap {
    if has_body {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    headers.insert(IDEMPOTENCY_KEY, key);
    propagation::inject_http(&propagation::current(), &mut headers);
    headers
}

/// Where the call is redirected to, if that is to be followed.
fn redirected(method: &Method, from: &Place, status: StatusCode, headers: &HeaderMap) -> Option<Url> {
    let redirects = [
        StatusCode::MOVED_PERMANENTLY,
        StatusCode::FOUND,
        StatusCode::SEE_OTHER,
        StatusCode::TEMPORARY_REDIRECT,
        StatusCode::PERMANENT_REDIRECT,
    ];
    if *method != Method::GET || !redirects.contains(&status) {
        return None;
    }
    let to = headers.get(header::LOCATION)?.to_str().ok()?;
    let to = from.url.join(to).ok()?;
    let (schemes, ports) = ((from.url.scheme(), to.scheme()), (from.port, to.port_or_known_default()?));
    let is_same_server = schemes.0 == schemes.1 && ports.0 == ports.1;
    let is_upgrade = schemes == ("http", "https") && ports == (80, 443);
    let is_same_host = to.host().map(|host| host.to_owned()).as_ref() == Some(&from.host);
    (is_same_host && (is_same_server || is_upgrade)).then_some(to)
}

/// Takes the answer. One that says that the host is overloaded or broken may be another one later.
async fn read(response: Response, place: &Place) -> Attempt<HttpAnswer> {
    let status = response.status();
    let asked = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let after = asked.and_then(|value| retry_after::parse(value, now()));
    let passing = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
    let health = if status.is_server_error() { Health::Ill } else { Health::Well };
    let missed = |answer| Missed { answer, passing, after, health };
    match answer_body::read(response, &place.name()).await {
        Ok(body) => {
            let answer = HttpAnswer { status: status.as_u16(), body };
            if passing { Err(missed(Ok(answer))) } else { Ok(answer) }
        }
        Err(answer_body::Unread::Unfit(error)) => Err(missed(Err(error))),
        Err(answer_body::Unread::Broken(error)) => Err(Missed::ill(error)),
    }
}

/// The client's own words name the whole address, which may hold values, and are not repeated.
fn missed(error: &reqwest::Error, place: &Place) -> Missed<HttpAnswer> {
    let host = place.name();
    if is_forbidden(error) {
        Missed::final_with(failure::forbidden(&host))
    } else if error.is_builder() {
        Missed::final_with(failure::invalid_url("the request cannot be sent as it is configured"))
    } else if error.is_timeout() {
        Missed::ill(failure::timed_out(format!("{host} could not be connected to in time")))
    } else if error.is_connect() {
        Missed::ill(failure::unreachable(format!("{host} could not be connected to")))
    } else {
        Missed::ill(failure::unreachable(format!("the connection to {host} broke before it answered")))
    }
}

#[cfg(test)]
mod tests;
