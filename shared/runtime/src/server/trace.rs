//! The span of a call: a child of the caller's, from its arrival to the last byte of its answer.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Frame, SizeHint};
use tonic::body::Body;
use tonic::{Code, Status};
use tracing::Span;
use tracing::field::Empty;

use crate::telemetry::{names, propagation};

/// Paths come from strangers, and a span's name is kept by systems that count names.
const MAX_NAME_BYTES: usize = 128;

/// The span of a call that has just arrived.
pub(super) fn open(request: &Request<Body>) -> Span {
    let path = request.uri().path().trim_start_matches('/');
    let path = &path[..path.floor_char_boundary(MAX_NAME_BYTES)];
    let (service, method) = path.split_once('/').unwrap_or((path, ""));
    let span = tracing::info_span!(
        "call",
        { names::OTEL_NAME } = path,
        { names::OTEL_KIND } = "server",
        { names::OTEL_STATUS_CODE } = Empty,
        { names::RPC_SYSTEM } = "grpc",
        { names::RPC_SERVICE } = service,
        { names::RPC_METHOD } = method,
        { names::RPC_GRPC_STATUS_CODE } = Empty,
    );
    propagation::set_parent(&span, &propagation::extract_http(request.headers()));
    span
}

/// Records how the call ended, now or when its answer has been sent.
pub(super) fn observe(span: Span, response: Response<Body>) -> Response<Body> {
    if span.is_disabled() {
        return response;
    }
    // An answer without messages has its status among the headers.
    if record(&span, response.headers()) {
        return response;
    }
    response.map(|body| Body::new(Observed { body, span }))
}

fn record(span: &Span, headers: &HeaderMap) -> bool {
    let Some(code) = headers.get(Status::GRPC_STATUS).map(|code| Code::from_bytes(code.as_bytes())) else {
        return false;
    };
    span.record(names::RPC_GRPC_STATUS_CODE, i32::from(code));
    if is_servers_fault(code) {
        span.record(names::OTEL_STATUS_CODE, "ERROR");
    }
    true
}

/// A server's span is an error only where the server is to blame, as the conventions say.
fn is_servers_fault(code: Code) -> bool {
    matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    )
}

/// An answer on its way: it keeps the span open, and its trailers tell how the call ended.
struct Observed {
    body: Body,
    span: Span,
}

impl http_body::Body for Observed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        // A stream's messages are made while its body is polled, and belong to the call.
        let frame = this.span.in_scope(|| Pin::new(&mut this.body).poll_frame(context));
        let frame = ready!(frame);
        if let Some(Ok(frame)) = &frame
            && let Some(trailers) = frame.trailers_ref()
        {
            record(&this.span, trailers);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use http_body_util::{BodyExt, StreamBody};
    use opentelemetry::{Key, Value};

    use super::*;
    use crate::telemetry::testing::recorded;

    fn attribute(span: &opentelemetry_sdk::trace::SpanData, key: &'static str) -> Option<Value> {
        span.attributes
            .iter()
            .find(|pair| pair.key == Key::from_static_str(key))
            .map(|pair| pair.value.clone())
    }

    #[test]
    fn a_call_continues_its_callers_trace_and_says_how_it_ended() {
        let spans = recorded(|| {
            let mut request = Request::new(Body::empty());
            *request.uri_mut() = "/tributary.v1.IngestService/Track".parse().unwrap();
            let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
            request.headers_mut().insert("traceparent", parent.parse().unwrap());
            let span = open(&request);
            drop(observe(span, Status::unavailable("away").into_http()));
        });
        let span = spans.span("tributary.v1.IngestService/Track");
        assert_eq!(span.span_context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(span.parent_span_id.to_string(), "b7ad6b7169203331");
        assert_eq!(span.span_kind, opentelemetry::trace::SpanKind::Server);
        assert_eq!(attribute(&span, names::RPC_SERVICE), Some("tributary.v1.IngestService".into()));
        assert_eq!(attribute(&span, names::RPC_METHOD), Some("Track".into()));
        assert_eq!(attribute(&span, names::RPC_GRPC_STATUS_CODE), Some(14.into()));
        assert!(matches!(span.status, opentelemetry::trace::Status::Error { .. }));
    }

    #[test]
    fn the_span_of_an_answer_with_messages_ends_with_its_trailers() {
        let spans = recorded(|| {
            let mut request = Request::new(Body::empty());
            *request.uri_mut() = "/a.v1.S/M".parse().unwrap();
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", "0".parse().unwrap());
            let frames = [Frame::data(Bytes::from_static(b"message")), Frame::trailers(trailers)];
            let body = StreamBody::new(futures::stream::iter(frames.map(Ok::<_, Status>)));
            let mut answer = observe(open(&request), Response::new(Body::new(body))).into_body();
            while let Some(frame) = answer.frame().now_or_never().expect("nothing to wait for") {
                frame.unwrap();
            }
        });
        let span = spans.span("a.v1.S/M");
        assert_eq!(attribute(&span, names::RPC_GRPC_STATUS_CODE), Some(0.into()));
        assert_eq!(span.status, opentelemetry::trace::Status::Unset);
    }

    #[test]
    fn a_callers_mistake_is_no_error_of_the_server() {
        assert!(!is_servers_fault(Code::InvalidArgument));
        assert!(!is_servers_fault(Code::ResourceExhausted));
        assert!(is_servers_fault(Code::Internal));
    }
}
