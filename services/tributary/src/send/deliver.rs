//! One payload until it has an answer: retried with the same ids for as long as that can help.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::time::{Instant, sleep};
use tonic::{Request, Status, transport::Channel};
use tributary_proto::v1::{self, ingest_service_client::IngestServiceClient};

use super::lanes::Job;
use crate::errors;

/// How long one attempt may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// An answer, or why there is none; with the number of attempts after the first.
pub(super) struct Delivered {
    pub(super) answer: Result<v1::TrackResponse, Status>,
    pub(super) retries: u64,
}

/// Sends until answered, or until `give_up` has passed: well within the dedup window, so that no retry counts twice.
pub(super) async fn deliver(
    client: &mut IngestServiceClient<Channel>,
    job: &Job,
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
        let mut request = Request::new(job.payload.clone());
        request.metadata_mut().insert("authorization", job.key.clone());
        request.set_timeout(PATIENCE);
        let status = match client.track(request).await {
            Ok(answer) => return Delivered { answer: Ok(answer.into_inner()), retries },
            Err(status) => status,
        };
        let backoff = delays.next().unwrap_or(PATIENCE);
        let delay = errors::retry_after(&status).map_or(backoff, |asked| asked.max(backoff));
        if !errors::is_worth_a_retry(&status) || began.elapsed() + delay > give_up {
            return Delivered { answer: Err(status), retries };
        }
        sleep(delay).await;
        retries += 1;
    }
}
