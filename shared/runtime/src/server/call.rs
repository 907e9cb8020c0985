//! The life of one call.

use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt;
use http::{Request, Response};
use tokio::time::Instant;
use tonic::body::Body;
use tower::{Layer, Service};
use tracing::Instrument;

use super::admission::Admission;
use super::{normalise, trace};
use crate::deadline::{self, Deadline};
use crate::fault::{Fault, Problem, into_status, problem_status};
use crate::lifecycle::panic_text;

/// What all calls of one server share.
struct Gate {
    admission: Admission,
    default_deadline: Duration,
}

/// What a call passes through, from the outside to the stage's own service. The order is the point: each step says why it
/// is where it is.
async fn handle<S>(gate: Arc<Gate>, mut service: S, mut request: Request<Body>) -> Response<Body>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    // Health and reflection pass everything by: an overloaded server is alive and must be able to say so, and a probe
    // every few seconds would drown the traces that matter.
    if is_operational(request.uri().path()) {
        return answered(service.call(request).await);
    }

    // The trace is outermost, so that each refusal below, and a panic too, is seen in the span and names its trace.
    let span = trace::open(&request);
    let inside = async {
        // Admission comes before anything is read: refusing has to be much cheaper than doing.
        let _permit = match gate.admission.enter() {
            Ok(permit) => permit,
            Err(problem) => return refusal(&problem),
        };

        // The deadline runs inside admission: a refused call needs none.
        let deadline = deadline_of(&request, gate.default_deadline);
        request.extensions_mut().insert(deadline);

        // A panic is caught right around the stage's code: it is one failed call, and not a broken connection with
        // all the other calls on it.
        let work = AssertUnwindSafe(async move { service.call(request).await }).catch_unwind();
        match tokio::time::timeout_at(deadline.at, work).await {
            // Innermost, the answer: what tonic itself refused gets the details that ours have.
            Ok(Ok(answer)) => normalise::response(answered(answer)),
            Ok(Err(panic)) => {
                into_status(&Problem::internal(format!("panic: {}", panic_text(&*panic)))).into_http()
            }
            Err(_) => refusal(&Problem::new(
                Fault::DeadlineExceeded,
                "DEADLINE_EXCEEDED",
                "the deadline of this call passed before its answer was known",
            )),
        }
    };
    let response = inside.instrument(span.clone()).await;
    trace::observe(span, response)
}

/// A caller's own deadline holds; the default is for those that have none.
fn deadline_of(request: &Request<Body>, default: Duration) -> Deadline {
    let header = request.headers().get("grpc-timeout").and_then(|header| header.to_str().ok());
    let by_caller = header.and_then(deadline::parse);
    let now = Instant::now();
    // The longest that gRPC can say is some eleven thousand years, and more than an instant can hold on some systems.
    let at = now.checked_add(by_caller.unwrap_or(default)).unwrap_or(now + Duration::from_secs(86_400 * 365));
    Deadline { at, by_caller: by_caller.is_some() }
}

fn is_operational(path: &str) -> bool {
    path.starts_with("/grpc.health.v1.") || path.starts_with("/grpc.reflection.")
}

fn refusal(problem: &Problem) -> Response<Body> {
    problem_status(problem).into_http()
}

fn answered(answer: Result<Response<Body>, Infallible>) -> Response<Body> {
    answer.unwrap_or_else(|never| match never {})
}

/// [`handle`] as a tower layer, which is how tonic takes it.
#[derive(Clone)]
pub(super) struct CallLayer {
    gate: Arc<Gate>,
}

impl CallLayer {
    pub(super) fn new(max_concurrent: usize, default_deadline: Duration) -> Self {
        Self { gate: Arc::new(Gate { admission: Admission::new(max_concurrent), default_deadline }) }
    }
}

impl<S> Layer<S> for CallLayer {
    type Service = Call<S>;

    fn layer(&self, service: S) -> Call<S> {
        Call { gate: Arc::clone(&self.gate), service }
    }
}

#[derive(Clone)]
pub(super) struct Call<S> {
    gate: Arc<Gate>,
    service: S,
}

impl<S> Service<Request<Body>> for Call<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // The service that was found ready is the one to use; its clone need not be ready.
        let clone = self.service.clone();
        let ready = std::mem::replace(&mut self.service, clone);
        let handled = handle(Arc::clone(&self.gate), ready, request);
        Box::pin(handled.map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use tonic::Status;
    use tower::ServiceExt;

    use super::*;
    use crate::fault::reason_of;

    async fn status_of(default: Duration, request: Request<Body>) -> (Status, Duration) {
        let hanging = tower::service_fn(|_: Request<Body>| std::future::pending());
        let begun = Instant::now();
        let response = CallLayer::new(1, default).layer(hanging).oneshot(request).await.unwrap();
        (Status::from_header_map(response.headers()).unwrap(), begun.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_passes_is_answered_as_such_whoever_set_it() {
        let default = Duration::from_secs(30);
        for (header, expected) in
            [(None, default), (Some("2S"), Duration::from_secs(2)), (Some("5M"), default * 10)]
        {
            let mut request = Request::new(Body::empty());
            if let Some(header) = header {
                request.headers_mut().insert("grpc-timeout", header.parse().unwrap());
            }
            let (status, after) = status_of(default, request).await;
            assert_eq!(status.code(), tonic::Code::DeadlineExceeded);
            assert_eq!(reason_of(&status).as_deref(), Some("DEADLINE_EXCEEDED"));
            assert!(after.abs_diff(expected) < Duration::from_millis(10), "{after:?}, {expected:?} expected");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_deadline_is_too_long_to_be_understood() {
        let mut request = Request::new(Body::empty());
        request.headers_mut().insert("grpc-timeout", "99999999H".parse().unwrap());
        assert!(deadline_of(&request, Duration::ZERO).by_caller);
    }
}
