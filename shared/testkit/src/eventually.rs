//! Waiting for what the background does.

use std::time::Duration;
use tributary_servers::poll;

/// Asks, at first every 10 ms and then every 200 ms, until the answer is `Ok`, and returns it.
///
/// # Panics
/// With the last reason, when `within` is over.
pub async fn eventually<T, F, A>(within: Duration, ask: F) -> T
where
    F: FnMut() -> A,
    A: Future<Output = Result<T, String>>,
{
    match poll(within, ask).await {
        Ok(value) => value,
        Err(reason) => panic!("still not so after {within:?}: {reason}"),
    }
}
