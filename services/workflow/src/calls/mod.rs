//! What runs ask of the world, answered: HTTP requests, nodes that users serve, the profile's past.
//!
//! [`Calls::answer`] is all that the rest of the stage sees. A call goes to the open Internet or to a host that an operator
//! allows (`place.rs` judges addresses that are written, `resolver.rs` those that names stand for); its attempts are made in
//! `retries.rs`, within what `server.rs` knows of the host: a circuit breaker, a budget for further attempts, places.
//! Nothing here says a value aloud: messages, logs and spans name hosts and codes.

mod address;
mod answer_body;
mod breaker;
mod budget;
mod connector;
mod failure;
mod grpc;
mod headers;
mod history;
mod hosts;
mod http;
mod key;
mod nesting;
mod place;
mod resolver;
mod retries;
mod server;
mod settings;
mod span;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::future::{join, join_all};
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument as _, Span};
use tributary_config::Workflow;
use tributary_engine::{Answer, Call, CallError, HttpAnswer, HttpCall, NodeAnswer, NodeCall, Wanted};
use tributary_model::{EventId, PartitionId, ProfileId, StreamId, TenantId};
use tributary_storage::Storage;
use tributary_streams::Redis;

pub use settings::CallSettings;

use self::grpc::Nodes;
use self::hosts::{AllowedHosts, HostError};
use self::http::Http;
use self::resolver::{Lookup, System};
use self::retries::Bounds;
use self::server::Servers;

/// Answers the calls of runs.
pub(crate) struct Calls {
    http: Http,
    nodes: Nodes,
    servers: Servers,
    redis: Redis,
    storage: Storage,
}

/// The run that calls.
pub(crate) struct Asker<'a> {
    /// Whose event it is.
    pub(crate) tenant: &'a TenantId,
    /// The workflow, of the revision that the run runs on.
    pub(crate) workflow: &'a Workflow,
    /// The event that the run is for.
    pub(crate) event_id: &'a EventId,
    /// Its type.
    pub(crate) event_type: &'a str,
    /// The profile.
    pub(crate) profile: &'a ProfileId,
    /// Its partition.
    pub(crate) partition: PartitionId,
    /// The event's own entry, up to which the past is told; for a timer [`StreamId::MAX`]: up to the newest.
    pub(crate) position: StreamId,
    /// When all answers must be there.
    pub(crate) until: Instant,
}

/// Why calls cannot be made at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallsError {
    /// The list of allowed hosts.
    #[error("TRIBUTARY_WORKFLOW__CALLS__ALLOWED_HOSTS: {0}")]
    AllowedHosts(#[from] HostError),
    /// The client for HTTP.
    #[error("the client for HTTP calls: {0}")]
    Http(#[from] reqwest::Error),
    /// TLS for users' nodes.
    #[error("TLS for gRPC calls: {0}")]
    Tls(#[from] rustls::Error),
}

impl Calls {
    /// Gets ready to call.
    ///
    /// # Errors
    /// Settings that say nothing sensible, or a system without certificates.
    pub(crate) fn new(settings: &CallSettings, redis: Redis, storage: Storage) -> Result<Self, CallsError> {
        Self::looking_up(Arc::new(System::default()), settings, redis, storage)
    }

    fn looking_up(
        lookup: Arc<dyn Lookup>,
        settings: &CallSettings,
        redis: Redis,
        storage: Storage,
    ) -> Result<Self, CallsError> {
        let allowed = Arc::new(AllowedHosts::read(&settings.allowed_hosts)?);
        let http = Http::new(allowed.clone(), &lookup)?;
        let nodes = Nodes::new(allowed, &lookup)?;
        Ok(Self { http, nodes, servers: Servers::new(settings.concurrency), redis, storage })
    }

    /// Answers all that is wanted, at once, by node, each with how long it took. Never fails, and is through by the asker's
    /// time: what is not answered by then has timed out.
    pub(crate) async fn answer(
        &self,
        asker: &Asker<'_>,
        wanted: Vec<Wanted>,
    ) -> BTreeMap<String, (Answer, Duration)> {
        let (pasts, calls): (Vec<_>, Vec<_>) =
            wanted.into_iter().partition(|wanted| matches!(wanted.call, Call::History(_)));
        let calls = calls.into_iter().map(async |wanted| self.timed(asker, wanted, &mut 0).await);
        // One after the other: so it does not depend on who is faster which of them there is room for.
        let pasts = async {
            let (mut answers, mut room) = (Vec::new(), history::ROOM);
            for wanted in pasts {
                answers.push(self.timed(asker, wanted, &mut room).await);
            }
            answers
        };
        let (calls, pasts) = join(join_all(calls), pasts).await;
        calls.into_iter().chain(pasts).collect()
    }

    async fn timed(
        &self,
        asker: &Asker<'_>,
        wanted: Wanted,
        room: &mut usize,
    ) -> (String, (Answer, Duration)) {
        let begun = Instant::now();
        let answer = self.one(asker, &wanted, room).await;
        (wanted.node, (answer, begun.elapsed()))
    }

    /// `room` is what is left for questions about the past.
    async fn one(&self, asker: &Asker<'_>, wanted: &Wanted, room: &mut usize) -> Answer {
        let span = span::of(asker, wanted);
        match &wanted.call {
            Call::Http(call) => {
                let answer = self.http(asker, wanted, call, &span).instrument(span.clone());
                Answer::Http(within(asker, answer, &span).await)
            }
            Call::Node(call) => {
                let answer = self.node(asker, wanted, call, &span).instrument(span.clone());
                Answer::Node(within(asker, answer, &span).await)
            }
            Call::History(query) => {
                let answer = history::read(&self.redis, &self.storage, asker, query, room);
                Answer::History(within(asker, answer.instrument(span.clone()), &span).await)
            }
        }
    }

    async fn http(
        &self,
        asker: &Asker<'_>,
        wanted: &Wanted,
        call: &HttpCall,
        span: &Span,
    ) -> Result<HttpAnswer, CallError> {
        let headers = headers::of(asker.workflow, &wanted.node)?;
        let prepared = self.http.prepare(call, headers, asker.tenant, &wanted.key)?;
        span::to(span, prepared.place());
        let made = AtomicU32::new(0);
        let bounds = Bounds { timeout: call.timeout, retries: call.retries, until: asker.until };
        let answer = self.http.call(&prepared, &self.servers, bounds, &made).await;
        span::made(span, made.load(Ordering::Relaxed));
        if let Ok(answer) = &answer {
            span::status(span, answer.status);
        }
        answer
    }

    async fn node(
        &self,
        asker: &Asker<'_>,
        wanted: &Wanted,
        call: &NodeCall,
        span: &Span,
    ) -> Result<NodeAnswer, CallError> {
        let prepared = self.nodes.prepare(call, wanted, asker)?;
        span::to(span, prepared.place());
        let made = AtomicU32::new(0);
        let bounds = Bounds { timeout: call.timeout, retries: call.retries, until: asker.until };
        let answer = self.nodes.call(&prepared, &self.servers, bounds, &made).await;
        span::made(span, made.load(Ordering::Relaxed));
        answer
    }
}

/// An answer by the asker's time.
async fn within<T>(
    asker: &Asker<'_>,
    answer: impl Future<Output = Result<T, CallError>>,
    span: &Span,
) -> Result<T, CallError> {
    let in_time = timeout_at(asker.until, answer).await;
    let answer = in_time.unwrap_or_else(|_| Err(failure::timed_out("there was no answer in the run's time")));
    span::ended(span, answer.as_ref().err());
    answer
}

#[cfg(test)]
mod tests;
