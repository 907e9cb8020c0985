//! A stream that goes on: after a lost connection from where it was, and where that is not possible it says so.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use tonic::{Code, Status, Streaming};
use tributary_proto::v1;

use crate::{errors, mesh::Place, out};

/// An answer of a watch.
pub(super) trait Notice {
    /// To go on from here; empty: unknown.
    fn resume_token(&self) -> &str;
}

impl Notice for v1::WatchEventsResponse {
    fn resume_token(&self) -> &str {
        &self.resume_token
    }
}

impl Notice for v1::WatchProfilesResponse {
    fn resume_token(&self) -> &str {
        &self.resume_token
    }
}

impl Notice for v1::WatchSessionsResponse {
    fn resume_token(&self) -> &str {
        &self.resume_token
    }
}

/// A watch and where it is.
pub(super) struct Follow<'u, O> {
    place: &'u Place,
    token: String,
    open: O,
}

impl<'u, O> Follow<'u, O> {
    /// Begins at `token`, or now if that is empty. `open` calls the mesh.
    pub(super) fn new(place: &'u Place, token: String, open: O) -> Self {
        Follow { place, token, open }
    }

    /// To go on later from what was handled last.
    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// Gives every answer to `each`, for ever.
    ///
    /// # Errors
    /// The mesh does not answer at first, or refuses; or `each` fails. A mesh that goes away later is waited for.
    pub(super) async fn run<N, E>(&mut self, mut each: E) -> anyhow::Result<()>
    where
        N: Notice,
        O: AsyncFnMut(String) -> Result<Streaming<N>, Status>,
        E: AsyncFnMut(N) -> anyhow::Result<()>,
    {
        let mut connected_before = false;
        // Said once, however many attempts it takes.
        let mut lost = false;
        let mut delays = delays();
        loop {
            let ended = match (self.open)(self.token.clone()).await {
                Err(status) => status,
                Ok(mut stream) => {
                    connected_before = true;
                    if std::mem::take(&mut lost) {
                        out::note("the connection is back");
                    }
                    loop {
                        match stream.message().await {
                            Ok(Some(notice)) => {
                                delays = self::delays();
                                let token = notice.resume_token().to_owned();
                                each(notice).await?;
                                if !token.is_empty() {
                                    self.token = token;
                                }
                            }
                            // A stage that stops ends its watches.
                            Ok(None) => break Status::unavailable("the mesh has ended the watch"),
                            Err(status) => break status,
                        }
                    }
                }
            };
            if ended.code() == Code::OutOfRange {
                out::note(format_args!(
                    "some entries were trimmed before they could be shown: {}; going on from now. What was missed is in \
                     `tributary events` and `tributary profile`",
                    ended.message()
                ));
                self.token.clear();
            } else if !connected_before || !errors::is_worth_a_retry(&ended) {
                return Err(errors::of_call(self.place, &ended));
            } else {
                let delay = delays.next().unwrap_or(LONGEST);
                if !std::mem::replace(&mut lost, true) {
                    out::note("the connection is lost; trying again until it is back, or Ctrl-C");
                }
                tokio::time::sleep(delay).await;
            }
        }
    }
}

const LONGEST: Duration = Duration::from_secs(5);

fn delays() -> impl Iterator<Item = Duration> + Send {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(LONGEST)
        .without_max_times()
        .with_jitter()
        .build()
}

#[cfg(test)]
mod tests;
