//! What every call gets, whatever the stage does with it.

use std::sync::Once;
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tonic::Code;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_types::StatusExt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tributary_model::TraceContext;
use tributary_runtime::telemetry::propagation;
use tributary_runtime::{Server, deadline, fault, reason_of};

use crate::beside_the_stage;
use crate::echo::{SOON, soon, start, text};

fn traced() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tracer = SdkTracerProvider::builder().build().tracer("it");
        tracing_subscriber::registry().with(tracing_opentelemetry::layer().with_tracer(tracer)).init();
    });
}

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn parent() -> TraceContext {
    TraceContext { traceparent: format!("00-{TRACE}-b7ad6b7169203331-01"), tracestate: String::new() }
}

#[tokio::test]
async fn a_call_runs_in_the_trace_of_its_caller() {
    traced();
    let running = start(Server::new()).await;
    let mut request = text("trace");
    propagation::inject(&parent(), request.metadata_mut());
    let seen = running.call(request).await.unwrap();
    assert!(seen.contains(TRACE), "{seen}");
    assert_ne!(seen, parent().traceparent, "in a span of its own");
}

#[tokio::test]
async fn a_panic_is_one_failed_call_that_names_its_trace_and_nothing_else() {
    traced();
    let running = start(Server::new()).await;
    let mut request = text("panic");
    propagation::inject(&parent(), request.metadata_mut());
    let status = running.call(request).await.unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    assert_eq!(status.get_details_request_info().unwrap().request_id, TRACE);
    assert!(!format!("{status:?}").contains("hunter2"));
    assert_eq!(running.call(text("next")).await.unwrap(), "next");
}

#[tokio::test]
async fn one_call_too_many_is_refused_at_once_and_health_is_not() {
    let running = start(Server::new().max_concurrent(1)).await;
    let (first, second) = tokio::join!(running.call(text("wait")), async {
        soon(running.begun.notified()).await;
        let refused = running.call(text("second")).await.unwrap_err();
        assert_eq!(beside_the_stage::check(&running, "").await.unwrap(), ServingStatus::Serving);
        running.go_on.notify_one();
        refused
    });
    assert_eq!(first.unwrap(), "waited");
    assert_eq!(second.code(), Code::ResourceExhausted);
    assert_eq!(reason_of(&second).as_deref(), Some("OVERLOADED"));
    assert!(fault::retry_after_of(&second).is_some());
    assert_eq!(running.call(text("third")).await.unwrap(), "third");
}

#[tokio::test]
async fn a_call_without_a_deadline_gets_the_servers() {
    let running = start(Server::new().default_deadline(Duration::from_millis(200))).await;
    let status = soon(running.call(text("hang"))).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(reason_of(&status).as_deref(), Some("DEADLINE_EXCEEDED"));
    assert_eq!(running.call(text("deadline")).await.unwrap(), "None", "it is not the caller's");
}

#[tokio::test]
async fn a_callers_deadline_holds_and_is_known_to_the_stage() {
    let running = start(Server::new().default_deadline(Duration::from_millis(200))).await;
    let request = deadline::with_deadline(text("deadline"), SOON);
    let seen = running.call(request).await.unwrap();
    assert!(seen.starts_with("Some(9."), "{seen}");
}
