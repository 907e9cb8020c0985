//! Calling another stage: a channel that reconnects by itself, and what every internal call carries.

use std::time::Duration;

use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status};
use tracing::Span;
use tracing::field::Empty;

use crate::auth::MeshCredential;
use crate::telemetry::{names, propagation};

/// A channel whose calls carry the mesh credential and the current trace.
pub type MeshChannel = InterceptedService<Channel, MeshInterceptor>;

/// Why there is no channel. Being unreachable is not a reason: that is learnt by calling.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// An entry of the list is no URL.
    #[error("\"{url}\" is not a URL like http://127.0.0.1:7702")]
    NotAUrl {
        /// The entry.
        url: String,
        /// What is wrong with it.
        source: tonic::transport::Error,
    },
    /// The list is empty.
    #[error("no URL is given")]
    NoUrl,
}

/// A channel to one or several instances of a stage, separated by commas. Connects when it is first used and again
/// whenever a connection is lost; with several, calls go to those that are connected. Needs the runtime.
///
/// # Errors
/// A list that is empty or has an entry that is no URL.
pub fn mesh_channel(urls: &str) -> Result<Channel, ClientError> {
    let mut endpoints = Vec::new();
    for url in urls.split(',').map(str::trim).filter(|url| !url.is_empty()) {
        endpoints.push(endpoint(url)?);
    }
    match endpoints.len() {
        0 => Err(ClientError::NoUrl),
        1 => Ok(endpoints.remove(0).connect_lazy()),
        _ => Ok(Channel::balance_list(endpoints.into_iter())),
    }
}

/// As [`mesh_channel`], with calls that carry the credential and the trace.
///
/// # Errors
/// As [`mesh_channel`].
pub fn mesh(urls: &str, credential: &MeshCredential) -> Result<MeshChannel, ClientError> {
    Ok(InterceptedService::new(mesh_channel(urls)?, MeshInterceptor::new(credential.clone())))
}

/// Adds the mesh credential and the trace of the span that is current when the call is made.
#[derive(Debug, Clone)]
pub struct MeshInterceptor {
    credential: MeshCredential,
}

impl MeshInterceptor {
    /// Calls in the name of the mesh.
    pub fn new(credential: MeshCredential) -> Self {
        Self { credential }
    }
}

impl Interceptor for MeshInterceptor {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        self.credential.attach(request.metadata_mut());
        propagation::inject(&propagation::current(), request.metadata_mut());
        Ok(request)
    }
}

/// The span of a call to another stage; the call has to be made within it. The path is like
/// `tributary.v1.PreprocessService/Process`.
pub fn call_span(path: &str) -> Span {
    let (service, method) = path.split_once('/').unwrap_or((path, ""));
    tracing::info_span!(
        "call",
        { names::OTEL_NAME } = path,
        { names::OTEL_KIND } = "client",
        { names::OTEL_STATUS_CODE } = Empty,
        { names::RPC_SYSTEM } = "grpc",
        { names::RPC_SERVICE } = service,
        { names::RPC_METHOD } = method,
        { names::RPC_GRPC_STATUS_CODE } = Empty,
    )
}

/// Records on a [`call_span`] how the call ended, once. To a caller every answer but OK is an error, as the conventions say.
pub fn record_end<T>(span: &Span, answer: &Result<Response<T>, Status>) {
    let code = answer.as_ref().err().map_or(Code::Ok, Status::code);
    span.record(names::RPC_GRPC_STATUS_CODE, i32::from(code));
    if code != Code::Ok {
        span.record(names::OTEL_STATUS_CODE, "ERROR");
    }
}

fn endpoint(url: &str) -> Result<Endpoint, ClientError> {
    let endpoint = Endpoint::from_shared(url.to_owned())
        .map_err(|source| ClientError::NotAUrl { url: url.to_owned(), source })?;
    Ok(endpoint
        // An instance that is gone is noticed within the deadline of most calls.
        .connect_timeout(Duration::from_secs(1))
        .tcp_nodelay(true)
        .http2_keep_alive_interval(Duration::from_secs(10))
        .keep_alive_timeout(Duration::from_secs(5))
        .keep_alive_while_idle(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_and_several_urls_make_a_channel_without_anybody_listening() {
        for urls in ["http://127.0.0.1:1", "http://127.0.0.1:1, http://127.0.0.1:2,"] {
            assert!(mesh_channel(urls).is_ok(), "{urls}");
        }
    }

    #[tokio::test]
    async fn what_is_no_url_is_named() {
        let error = mesh_channel("http://127.0.0.1:1,not a url").unwrap_err();
        assert!(error.to_string().contains("not a url"));
        assert!(matches!(mesh_channel(" , "), Err(ClientError::NoUrl)));
    }

    #[test]
    fn a_call_carries_the_credential_and_the_trace() {
        crate::telemetry::testing::recorded(|| {
            let credential = MeshCredential::new("mesh-secret".to_owned());
            let mut interceptor = MeshInterceptor::new(credential.clone());
            let span = tracing::info_span!("caller");
            let request = span.in_scope(|| interceptor.call(Request::new(()))).unwrap();
            assert!(credential.check(request.metadata()).is_ok());
            assert_eq!(propagation::extract(request.metadata()), propagation::context_of(&span));
        });
    }

    #[test]
    fn the_span_of_a_call_says_whom_it_called_and_how_it_ended() {
        let spans = crate::telemetry::testing::recorded(|| {
            let span = call_span("a.v1.S/M");
            record_end::<()>(&span, &Err(Status::not_found("")));
            record_end(&call_span("a.v1.S/N"), &Ok(Response::new(())));
        });
        let (failed, fine) = (spans.span("a.v1.S/M"), spans.span("a.v1.S/N"));
        assert_eq!(failed.span_kind, opentelemetry::trace::SpanKind::Client);
        let has = |key: &'static str, value: opentelemetry::Value| {
            failed.attributes.contains(&opentelemetry::KeyValue::new(key, value))
        };
        assert!(has(names::RPC_SERVICE, "a.v1.S".into()) && has(names::RPC_METHOD, "M".into()));
        assert!(has(names::RPC_GRPC_STATUS_CODE, 5.into()));
        assert!(matches!(failed.status, opentelemetry::trace::Status::Error { .. }));
        assert_eq!(fine.status, opentelemetry::trace::Status::Unset);
    }
}
