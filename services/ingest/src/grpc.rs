//! gRPC: decodes, calls, encodes.

use crate::accept::accept;
use crate::door::Door;
use crate::error::{out_of_time, unreachable};
use crate::room::Room;
use std::sync::Arc;
use std::time::Duration;
use tonic::{Code, Request, Response, Status};
use tracing::Instrument;
use tributary_proto::v1;
use tributary_proto::v1::ingest_service_server::IngestService;
use tributary_proto::v1::preprocess_service_client::PreprocessServiceClient;
use tributary_runtime::auth::bearer;
use tributary_runtime::client::{MeshChannel, call_span, record_end};
use tributary_runtime::{Problem, deadline, into_status, reason_of};
use tributary_streams::Live;

/// What this stage, and the way to the caller, still need after preprocess has answered: preprocess waits as long as it may
/// where a payload asks for that, and its answer must not come as the caller gives up.
fn own_time(patience: Duration) -> Duration {
    (patience / 20).clamp(Duration::from_millis(5), Duration::from_millis(100))
}

/// `IngestService`, for clients.
pub(crate) struct Grpc {
    pub(crate) door: Arc<Live<Door>>,
    pub(crate) preprocess: PreprocessServiceClient<MeshChannel>,
    pub(crate) patience: Duration,
    pub(crate) room: Room,
}

#[tonic::async_trait]
impl IngestService for Grpc {
    async fn track(&self, request: Request<v1::TrackRequest>) -> Result<Response<v1::TrackResponse>, Status> {
        let door = self.door.current();
        let knows = |tenant: &_, source: &str| door.knows(tenant, source);
        let verified = accept(bearer(request.metadata()), request.get_ref(), &door.keys, knows)
            .map_err(|refusal| into_status(&refusal))?;
        let source = door.wait_for(&verified.tenant, &verified.source);
        let _room = self.room.enter(request.get_ref(), source).map_err(|full| into_status(&full))?;
        let patience = deadline::remaining(&request).unwrap_or(self.patience);
        let patience = patience.saturating_sub(own_time(patience));
        if patience.is_zero() {
            return Err(into_status(&out_of_time()));
        }
        let hop = v1::ProcessRequest {
            tenant: verified.tenant.to_string(),
            source: verified.source.to_string(),
            payload: Some(request.into_inner()),
            derivation: None,
            // preprocess must not be behind what the key was checked under.
            revision: door.config.revision.clone(),
            workflow: String::new(),
            with_runs: false,
        };
        let span = call_span("tributary.v1.PreprocessService/Process");
        let hop = deadline::with_deadline(Request::new(hop), patience);
        let mut preprocess = self.preprocess.clone();
        // The interceptor takes the trace from the span that is current when the call is made.
        let answered = async { preprocess.process(hop).await }.instrument(span.clone()).await;
        record_end(&span, &answered);
        let answer = answered.map_err(passed_on)?.into_inner().answer;
        answer
            .map(Response::new)
            .ok_or_else(|| into_status(&Problem::internal("preprocess answered nothing")))
    }
}

/// preprocess speaks to the caller in the caller's terms already; anything else is the hop's own failure.
fn passed_on(status: Status) -> Status {
    match status.code() {
        _ if reason_of(&status).is_some() => status,
        Code::DeadlineExceeded | Code::Cancelled => into_status(&out_of_time()),
        _ => {
            tracing::debug!(code = ?status.code(), "preprocess did not answer");
            into_status(&unreachable())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preprocess_is_given_less_time_than_the_caller_gave_and_most_of_it() {
        let kept = |patience| own_time(Duration::from_millis(patience)).as_millis();
        assert_eq!([50, 100, 1_000, 60_000].map(kept), [5, 5, 50, 100]);
    }
}
