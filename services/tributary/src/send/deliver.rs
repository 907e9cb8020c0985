//! One payload until it has an answer: retried with the same ids for as long as that can help.

use crate::mesh::Authorized;
use backon::{BackoffBuilder, ExponentialBuilder};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;
use tributary_proto::v1;
use tributary_proto::v1::ingest_service_client::IngestServiceClient;

/// How long one attempt may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// An answer, or why there is none; with the number of attempts after the first.
pub(super) struct Delivered {
    pub(super) answer: Result<v1::TrackResponse, Status>,
    pub(super) retries: u64,
}

/// Sends until answered, or until `give_up` has passed: well within the dedup window, so that no retry counts twice.
pub(super) async fn deliver(
    client: &mut IngestServiceClient<Authorized>,
    payload: &v1::TrackRequest,
    give_up: Duration,
) -> Delivered {
    let began = Instant::now();
    let mut delays = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(50))
        .with_max_delay(Duration::from_secs(2))
        .with_jitter()
        .without_max_times()
        .build();
    let mut retries = 0;
    loop {
        let mut request = Request::new(payload.clone());
        request.set_timeout(PATIENCE);
        let status = match client.track(request).await {
            Ok(answer) => return Delivered { answer: Ok(answer.into_inner()), retries },
            Err(status) => status,
        };
        let backoff = delays.next().unwrap_or(PATIENCE);
        let asked = status.get_details_retry_info().and_then(|info| info.retry_delay);
        let delay = asked.map_or(backoff, |asked| asked.max(backoff));
        if !may_help(&status) || began.elapsed() + delay > give_up {
            return Delivered { answer: Err(status), retries };
        }
        sleep(delay).await;
        retries += 1;
    }
}

/// A limit is worth another try only where the mesh says when.
fn may_help(status: &Status) -> bool {
    match status.code() {
        Code::Unavailable | Code::DeadlineExceeded | Code::Aborted | Code::Cancelled => true,
        Code::ResourceExhausted => status.get_details_retry_info().is_some(),
        // A connection that breaks in the middle of an answer surfaces as Unknown or Internal, without details.
        Code::Unknown | Code::Internal => status.details().is_empty(),
        _ => false,
    }
}
