//! When a stream of answers ends although its caller would listen for ever.
//!
//! The deadline that every call has ends with the beginning of its answer (`call.rs`): nothing cuts a stream behind that,
//! so the method that answers one looks to its end itself, by [`StreamEnd`]. A caller that does not read what it is sent
//! is not asked for its stream's end either; its connection ends by age.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tonic::Request;

use super::age::ConnectionEnd;
use crate::deadline::Deadline;
use crate::fault::{Fault, Problem};

/// Whoever comes back finds another process, or another connection, at once.
const RETRY_AFTER: Duration = Duration::from_millis(250);

/// What ends a stream.
#[derive(Debug, Clone)]
pub struct StreamEnd {
    deadline: Option<Instant>,
    connection: Option<Instant>,
    stopping: CancellationToken,
}

impl StreamEnd {
    /// Of the stream that answers `call`. `stopping` is that of the process's [`Tasks`](crate::Tasks).
    pub fn of<T>(call: &Request<T>, stopping: CancellationToken) -> Self {
        let deadline = call.extensions().get::<Deadline>();
        let connection = call.extensions().get::<ConnectionEnd>();
        Self {
            // The server's default limits the time to the beginning of an answer: a stream may go on.
            deadline: deadline.filter(|deadline| deadline.by_caller).map(|deadline| deadline.at),
            connection: connection.map(|connection| connection.of_streams),
            stopping,
        }
    }

    /// Waits until the stream has to end, and says how it does: DEADLINE_EXCEEDED by the caller's own wish; UNAVAILABLE with
    /// reason STREAM_ENDED where the process stops or the connection is old, and the caller should begin again.
    pub async fn reached(&self) -> Problem {
        tokio::select! {
            () = passed(self.deadline) => {
                Problem::new(Fault::DeadlineExceeded, "DEADLINE_EXCEEDED", "the deadline of this stream has passed")
            }
            () = passed(self.connection) => ended("its connection has reached its age"),
            () = self.stopping.cancelled() => ended("this process is stopping"),
        }
    }
}

fn ended(why: &str) -> Problem {
    let message = format!("this stream ends because {why}; begin again where it ended");
    Problem::new(Fault::Unavailable, "STREAM_ENDED", message).retry_after(RETRY_AFTER)
}

async fn passed(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn end(deadline: Option<(u64, bool)>, connection: Option<u64>, stop: bool) -> (Problem, Duration) {
        let begun = Instant::now();
        let mut call = Request::new(());
        let at = |seconds| begun + Duration::from_secs(seconds);
        if let Some((seconds, by_caller)) = deadline {
            call.extensions_mut().insert(Deadline { at: at(seconds), by_caller });
        }
        if let Some(seconds) = connection {
            call.extensions_mut().insert(ConnectionEnd { of_streams: at(seconds) });
        }
        let stopping = CancellationToken::new();
        if stop {
            stopping.cancel();
        }
        (StreamEnd::of(&call, stopping).reached().await, begun.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn whichever_comes_first_ends_the_stream_and_the_default_deadline_does_not() {
        for (deadline, connection, stop, reason, after) in [
            (Some((5, true)), Some(60), false, "DEADLINE_EXCEEDED", 5),
            (Some((5, false)), Some(60), false, "STREAM_ENDED", 60),
            (None, Some(60), false, "STREAM_ENDED", 60),
            (Some((5, true)), Some(60), true, "STREAM_ENDED", 0),
            (Some((5, true)), None, false, "DEADLINE_EXCEEDED", 5),
        ] {
            let (problem, elapsed) = end(deadline, connection, stop).await;
            assert_eq!(problem.reason, reason);
            assert!(problem.is_retryable());
            assert!(elapsed.abs_diff(Duration::from_secs(after)) < Duration::from_millis(10), "{elapsed:?}");
        }
    }
}
