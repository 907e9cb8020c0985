//! What is asked of preprocess: to record an event, or only what it would make of it.

use super::Runner;
use super::error::RunError;
use std::future::Future;
use std::time::Duration;
use tokio::time::Instant;
use tonic::{Request, Response, Status};
use tracing::Instrument;
use tributary_proto::v1;
use tributary_runtime::client::{call_span, record_end};
use tributary_runtime::deadline;

impl Runner {
    /// Records the event, or finds it recorded by an earlier attempt.
    pub(super) async fn process(
        &self,
        request: v1::ProcessRequest,
        until: Instant,
    ) -> Result<v1::TrackResponse, RunError> {
        let request = deadline::with_deadline(Request::new(request), left(until));
        let mut preprocess = self.preprocess.clone();
        let call = preprocess.process(request);
        let answer = call_of("tributary.v1.PreprocessService/Process", call).await;
        let answer = answer.map_err(|status| RunError::Preprocess(Box::new(status)))?;
        answer.answer.ok_or(RunError::Incomplete("an answer"))
    }

    /// What would become of the event.
    pub(super) async fn preview(
        &self,
        request: v1::PreviewRequest,
        until: Instant,
    ) -> Result<v1::PreviewResponse, RunError> {
        let request = deadline::with_deadline(Request::new(request), left(until));
        let mut preprocess = self.preprocess.clone();
        let call = preprocess.preview(request);
        let answer = call_of("tributary.v1.PreprocessService/Preview", call).await;
        answer.map_err(|status| RunError::Preview(Box::new(status)))
    }
}

fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now())
}

/// In a span of its own.
async fn call_of<T>(
    method: &'static str,
    call: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, Status> {
    let span = call_span(method);
    let answered = call.instrument(span.clone()).await;
    record_end(&span, &answered);
    answered.map(Response::into_inner)
}
