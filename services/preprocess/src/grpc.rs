//! gRPC: decodes, calls, encodes.

use crate::error::ProcessError;
use crate::preview::preview;
use crate::process::{Processor, Request};
use crate::slots::Stored;
use std::sync::Arc;
use std::time::Duration;
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
}

#[tonic::async_trait]
impl PreprocessService for Grpc {
    async fn process(
        &self,
        request: tonic::Request<v1::ProcessRequest>,
    ) -> Result<Response<v1::ProcessResponse>, Status> {
        let (request, patience) = self.admitted(request)?;
        // Empty for a derived event: whatever is in force.
        let verified_under = number_of(&request.revision).unwrap_or_default();
        let request = decode(request, patience).map_err(|problem| into_status(&problem))?;
        let config = self.config.at_least(verified_under).await;
        let answer = self.processor.process(&config, request).await;
        let answer = Some(answer.map_err(|error| told(error, &config, verified_under))?);
        Ok(Response::new(v1::ProcessResponse { answer }))
    }

    async fn preview(
        &self,
        request: tonic::Request<v1::PreviewRequest>,
    ) -> Result<Response<v1::PreviewResponse>, Status> {
        let (v1::PreviewRequest { tenant, source, payload, revision }, patience) = self.admitted(request)?;
        let verified_under = number_of(&revision).unwrap_or_default();
        let request = v1::ProcessRequest { tenant, source, payload, derivation: None, revision };
        let request = decode(request, patience).map_err(|problem| into_status(&problem))?;
        let config = self.config.at_least(verified_under).await;
        let answer = preview(&self.processor, &config, request).await;
        answer.map(Response::new).map_err(|error| told(error, &config, verified_under))
    }
}

impl Grpc {
    /// What one of the mesh's own stages asks, and how long it waits.
    fn admitted<T>(&self, request: tonic::Request<T>) -> Result<(T, Duration), Status> {
        self.credential.check(request.metadata()).map_err(|problem| into_status(&problem))?;
        let patience = deadline::require(&request).map_err(|problem| into_status(&problem))?;
        Ok((request.into_inner(), patience))
    }
}

fn told(error: ProcessError, config: &Config, verified_under: u64) -> Status {
    match error {
        // One that this process does not run; a retry may come later than its preparation.
        ProcessError::UnknownSource if config.number < verified_under => into_status(&ProcessError::Behind),
        error => into_status(&error),
    }
}

fn decode(request: v1::ProcessRequest, patience: Duration) -> Result<Request, Problem> {
    let named = |path: &'static str| {
        move |error: tributary_model::IdError| Problem::invalid("INVALID_ID", path, error.to_string())
    };
    Ok(Request {
        tenant: TenantId::new(request.tenant).map_err(named("tenant"))?,
        source: SourceName::new(request.source).map_err(named("source"))?,
        payload: request
            .payload
            .ok_or_else(|| Problem::invalid("PAYLOAD_REQUIRED", "payload", "a payload is needed"))?,
        derivation: request.derivation,
        received: now(),
        patience,
    })
}
