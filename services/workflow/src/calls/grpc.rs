//! A call of `tributary.v1.NodeService`, which users serve.

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;
use rustls::ClientConfig;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tributary_engine::{CallError, NodeAnswer, NodeCall, Wanted};
use tributary_model::TenantId;
use tributary_proto::convert::time_to_wire;
use tributary_proto::raw::{DocumentError, RawStruct};
use tributary_proto::v1::node_service_client::NodeServiceClient;
use tributary_proto::v1::{CallRequest, CallResponse};
use tributary_runtime::{now, telemetry::propagation};

use super::breaker::Health;
use super::hosts::AllowedHosts;
use super::nesting::{self, MAX_NESTING};
use super::place::Place;
use super::resolver::{Lookup, Resolver, is_forbidden};
use super::retries::{Attempt, Bounds, Missed, with_retries};
use super::server::Servers;
use super::{Asker, connector, failure};

/// What a node may find out, as JSON.
const MAX_OUTPUT_BYTES: usize = 65_536;
/// What is received at most: the output is larger as a message than as JSON.
const MAX_MESSAGE_BYTES: usize = 4 * MAX_OUTPUT_BYTES;
/// So many places have a connection; those that were not called for longest lose theirs.
const CHANNELS: NonZeroUsize = NonZeroUsize::new(256).expect("it is more than nothing");

/// The client of all users' nodes.
pub(super) struct Nodes {
    /// By tenant and address: what one has under way takes no place of another on the same connection.
    channels: Mutex<LruCache<(TenantId, String), Channel>>,
    strict: Resolver,
    open: Resolver,
    tls: Arc<ClientConfig>,
    allowed: Arc<AllowedHosts>,
}

/// A call, ready to be sent as often as needed.
pub(super) struct Prepared {
    tenant: TenantId,
    place: Place,
    channel: Channel,
    request: CallRequest,
}

impl Prepared {
    /// Where it goes.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }
}

impl Nodes {
    pub(super) fn new(allowed: Arc<AllowedHosts>, lookup: &Arc<dyn Lookup>) -> Result<Self, rustls::Error> {
        Ok(Self {
            channels: Mutex::new(LruCache::new(CHANNELS)),
            strict: Resolver::new(lookup.clone(), false),
            open: Resolver::new(lookup.clone(), true),
            tls: connector::tls()?,
            allowed,
        })
    }

    /// Reads what is to be called.
    ///
    /// # Errors
    /// `INVALID_URL`, `FORBIDDEN_ADDRESS`.
    pub(super) fn prepare(
        &self,
        call: &NodeCall,
        wanted: &Wanted,
        asker: &Asker<'_>,
    ) -> Result<Prepared, CallError> {
        let request = CallRequest {
            key: wanted.key.clone(),
            tenant: asker.tenant.to_string(),
            workflow: asker.workflow.name.clone(),
            node: wanted.node.clone(),
            event_id: asker.event_id.to_string(),
            event_type: asker.event_type.to_owned(),
            profile_id: asker.profile.to_string(),
            time: Some(time_to_wire(now())),
            input: Some(RawStruct::from_object(&call.input)),
        };
        self.ready(&call.url, asker.tenant, request)
    }

    fn ready(&self, url: &str, tenant: &TenantId, request: CallRequest) -> Result<Prepared, CallError> {
        let place = Place::read(url, &self.allowed)?;
        if !matches!(place.url.path(), "" | "/") || place.url.query().is_some() {
            return Err(failure::invalid_url(
                "a node is served at http://host:port or https://host:port, without a path",
            ));
        }
        let channel = self.channel(tenant, &place)?;
        Ok(Prepared { tenant: tenant.clone(), channel, place, request })
    }

    /// Calls it until there is an answer. `made` counts the attempts.
    ///
    /// # Errors
    /// There is none in time, or none that can be taken.
    pub(super) async fn call(
        &self,
        prepared: &Prepared,
        servers: &Servers,
        bounds: Bounds,
        made: &AtomicU32,
    ) -> Result<NodeAnswer, CallError> {
        let server = servers.of(&prepared.tenant, &prepared.place.name());
        with_retries(&server, bounds, made, || attempt(prepared, bounds)).await
    }

    fn channel(&self, tenant: &TenantId, place: &Place) -> Result<Channel, CallError> {
        let key = (tenant.clone(), format!("{}://{}", place.url.scheme(), place.name()));
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        let resolver = if place.allowed { &self.open } else { &self.strict };
        let made = channels.try_get_or_insert(key, || connector::channel(place, resolver, &self.tls));
        made.cloned().map_err(|_| failure::invalid_url("the address to call cannot be called by gRPC"))
    }
}

async fn attempt(prepared: &Prepared, bounds: Bounds) -> Attempt<NodeAnswer> {
    let mut request = Request::new(prepared.request.clone());
    request.set_timeout(bounds.attempt());
    propagation::inject(&propagation::current(), request.metadata_mut());
    let client = NodeServiceClient::new(prepared.channel.clone());
    let answer = client.max_decoding_message_size(MAX_MESSAGE_BYTES).call(request).await;
    let host = prepared.place.name();
    match answer {
        Ok(answer) => read(answer.into_inner(), &host),
        Err(status) => Err(missed(&status, &host)),
    }
}

/// What the node said, if it can be taken.
fn read(answer: CallResponse, host: &str) -> Attempt<NodeAnswer> {
    let well = |error| Missed { health: Health::Well, ..Missed::final_with(error) };
    let output = answer.output.unwrap_or_default().to_object();
    let output = output.map_err(|error| {
        well(match error {
            DocumentError::TooDeep => failure::too_deep(host),
            error => failure::refused(format!("{host} answered with an output that {error}")),
        })
    })?;
    // It is one level itself.
    if !output.values().all(|value| nesting::fits(value, MAX_NESTING - 1)) {
        return Err(well(failure::too_deep(host)));
    }
    let bytes = serde_json::to_vec(&output).map_or(usize::MAX, |json| json.len());
    if bytes > MAX_OUTPUT_BYTES {
        return Err(well(too_large(host)));
    }
    Ok(NodeAnswer { port: answer.port, output })
}

/// What a status says. Its message is the node's own and may hold values: it is not repeated.
fn missed(status: &Status, host: &str) -> Missed<NodeAnswer> {
    if is_forbidden(status) {
        return Missed::final_with(failure::forbidden(host));
    }
    let answered = || failure::refused(format!("{host} answered with {}", code_name(status.code())));
    let well = |passing, error| Missed { passing, health: Health::Well, ..Missed::final_with(error) };
    match status.code() {
        Code::Unavailable => Missed::ill(failure::unreachable(format!("{host} could not be reached"))),
        Code::ResourceExhausted | Code::Aborted => well(true, answered()),
        // Here or there: both measure the same time. Whether it was worked on is not known.
        Code::DeadlineExceeded | Code::Cancelled => {
            let error = failure::timed_out(format!("{host} did not answer in time"));
            Missed { passing: false, ..Missed::ill(error) }
        }
        Code::OutOfRange if status.message().starts_with("Error, decoded message length too large") => {
            well(false, too_large(host))
        }
        _ => well(false, answered()),
    }
}

fn too_large(host: &str) -> CallError {
    failure::too_large(format!("{host} answered with more than {} KiB", MAX_OUTPUT_BYTES / 1024))
}

/// The code as gRPC calls it, like `INVALID_ARGUMENT`.
fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests;
