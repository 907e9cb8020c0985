//! One payload until it has an answer: retried with the same ids for as long as that can help.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
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

/// Sends until answered, or until `give_up` has passed, calls in flight included: well within the dedup window, so that no
/// retry counts twice. Once it is `stopping` nothing is tried again.
pub(super) async fn deliver(
    client: &mut IngestServiceClient<Channel>,
    job: &Job,
    give_up: Duration,
    stopping: &CancellationToken,
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
        let patience = PATIENCE.min(give_up.saturating_sub(began.elapsed()));
        request.set_timeout(patience);
        // The call's own time begins when there is a connection.
        let status = match timeout(patience, client.track(request)).await {
            Ok(Ok(answer)) => return Delivered { answer: Ok(answer.into_inner()), retries },
            Ok(Err(status)) => status,
            Err(_) => Status::deadline_exceeded("no answer within the time"),
        };
        let backoff = delays.next().unwrap_or(PATIENCE);
        let delay = errors::retry_after(&status).map_or(backoff, |asked| asked.max(backoff));
        if !errors::is_worth_a_retry(&status) || began.elapsed() + delay >= give_up {
            return Delivered { answer: Err(status), retries };
        }
        tokio::select! {
            () = sleep(delay) => {}
            () = stopping.cancelled() => return Delivered { answer: Err(status), retries },
        }
        retries += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_in_flight_ends_when_the_payload_is_given_up() {
        // Connections are made, and nobody ever takes them.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        let channel = tonic::transport::Endpoint::from_shared(url).unwrap().connect_lazy();
        let payload = v1::TrackRequest::default();
        let job = Job { payload, key: "Bearer key".parse().unwrap(), key_from: "nowhere".into(), line: 1 };
        let (began, stopping) = (Instant::now(), CancellationToken::new());
        let mut client = IngestServiceClient::new(channel);
        let delivered = deliver(&mut client, &job, Duration::from_secs(3), &stopping).await;
        assert!(delivered.answer.is_err());
        assert!(began.elapsed() < Duration::from_millis(3100), "{:?}", began.elapsed());
    }
}
