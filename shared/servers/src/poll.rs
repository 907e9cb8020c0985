//! Waiting for something outside this process to become true.

use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// Asks until the answer is `Ok` or `within` is over; then the last reason is the error. The pause between two
/// questions grows from 10 to 200 ms. A question that hangs is cut off by the same bound.
///
/// # Errors
/// The last reason given, or that the question was not answered in time.
pub async fn poll<T, F, A>(within: Duration, mut ask: F) -> Result<T, String>
where
    F: FnMut() -> A,
    A: Future<Output = Result<T, String>>,
{
    let end = Instant::now() + within;
    let mut pause = FIRST_PAUSE;
    let mut reason = String::from("not asked even once");
    loop {
        match timeout_at(end, ask()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(why)) => reason = why,
            Err(_) if reason == "not asked even once" => return Err("the question was never answered".into()),
            Err(_) => return Err(reason),
        }
        if Instant::now() + pause >= end {
            return Err(reason);
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_last_reason_is_reported_when_the_time_is_over() {
        let mut asked = 0;
        let outcome: Result<(), String> = poll(Duration::from_secs(1), || {
            asked += 1;
            let reason = format!("attempt {asked}");
            async move { Err(reason) }
        })
        .await;
        assert!(asked > 5, "asked {asked} times");
        assert_eq!(outcome, Err(format!("attempt {asked}")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_that_hangs_is_cut_off() {
        let outcome: Result<(), String> = poll(Duration::from_secs(1), std::future::pending).await;
        assert_eq!(outcome, Err("the question was never answered".into()));
    }
}
