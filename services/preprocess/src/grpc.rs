//! gRPC: decodes, calls, encodes.

use crate::error::ProcessError;
use crate::preview::preview;
use crate::process::{Processor, Request};
use crate::slots::Stored;
use crate::waiting::{Stages, Waiting};
use std::sync::Arc;
use tokio::time::Instant;
use tonic::{Response, Status};
use tributary_config::{Config, number_of};
use tributary_model::{SourceName, TenantId};
use tributary_proto::v1;
use tributary_proto::v1::preprocess_service_server::PreprocessService;
use tributary_runtime::{MeshCredential, Problem, deadline, into_status, now};
use tributary_streams::Live;

/// `PreprocessService`, for the mesh's own stages.
pub(crate) struct Grpc {
    pub(crate) processor: Processor<Stored>,
    pub(crate) config: Arc<Live<Config>>,
    pub(crate) credential: MeshCredential,
    pub(crate) waiting: Waiting<Stages>,
}

#[tonic::async_trait]
impl PreprocessService for Grpc {
    async fn process(
        &self,
        request: tonic::Request<v1::ProcessRequest>,
    ) -> Result<Response<v1::ProcessResponse>, Status> {
        let (request, until) = self.admitted(request)?;
        // Empty for a derived event: whatever is in force.
        let verified_under = number_of(&request.revision).unwrap_or_default();
        let config = self.config.at_least(verified_under).await;
        let request = decode(request, until).map_err(|problem| into_status(&problem))?;
        let answer = self.processor.process_and_wait(&config, request, &self.waiting).await;
        let answer = Some(answer.map_err(|error| told(error, &config, verified_under))?);
        Ok(Response::new(v1::ProcessResponse { answer }))
    }

    async fn preview(
        &self,
        request: tonic::Request<v1::PreviewRequest>,
    ) -> Result<Response<v1::PreviewResponse>, Status> {
        let (v1::PreviewRequest { tenant, source, payload, revision, workflow }, until) =
            self.admitted(request)?;
        let verified_under = number_of(&revision).unwrap_or_default();
        let request = v1::ProcessRequest {
            tenant,
            source,
            payload,
            derivation: None,
            revision,
            workflow,
            ..v1::ProcessRequest::default()
        };
        let config = self.config.at_least(verified_under).await;
        let request = decode(request, until).map_err(|problem| into_status(&problem))?;
        let answer = preview(&self.processor, &config, request).await;
        answer.map(Response::new).map_err(|error| told(error, &config, verified_under))
    }
}

impl Grpc {
    /// What one of the mesh's own stages asks, and until when it waits.
    fn admitted<T>(&self, request: tonic::Request<T>) -> Result<(T, Instant), Status> {
        self.credential.check(request.metadata()).map_err(|problem| into_status(&problem))?;
        let patience = deadline::require(&request).map_err(|problem| into_status(&problem))?;
        Ok((request.into_inner(), Instant::now() + patience))
    }
}

fn told(error: ProcessError, config: &Config, verified_under: u64) -> Status {
    match error {
        // One that this process does not run; a retry may come later than its preparation.
        ProcessError::UnknownSource if config.number < verified_under => into_status(&ProcessError::Behind),
        error => into_status(&error),
    }
}

fn decode(request: v1::ProcessRequest, until: Instant) -> Result<Request, Problem> {
    let named = |path: &'static str| {
        move |error: tributary_model::IdError| Problem::invalid("INVALID_ID", path, error.to_string())
    };
    let events = request.payload.as_ref().map_or(0, |payload| payload.events.len());
    if !request.workflow.is_empty() && (events != 1 || request.derivation.is_some()) {
        let text = "a workflow is run for exactly one event, which is not a derived one";
        return Err(Problem::invalid("WORKFLOW_NEEDS_ONE_EVENT", "workflow", text));
    }
    Ok(Request {
        tenant: TenantId::new(request.tenant).map_err(named("tenant"))?,
        source: SourceName::new(request.source).map_err(named("source"))?,
        payload: request
            .payload
            .ok_or_else(|| Problem::invalid("PAYLOAD_REQUIRED", "payload", "a payload is needed"))?,
        derivation: request.derivation,
        received: now(),
        patience: until.saturating_duration_since(Instant::now()),
        workflow: request.workflow,
        with_runs: request.with_runs,
    })
}
