//! gRPC: decodes, calls, encodes.

use crate::process::{Processor, Request};
use tonic::{Response, Status};
use tributary_model::{SourceName, TenantId};
use tributary_proto::v1;
use tributary_proto::v1::preprocess_service_server::PreprocessService;
use tributary_runtime::{MeshCredential, Problem, deadline, into_status, now};

/// `PreprocessService`, for the mesh's own stages.
pub(crate) struct Grpc {
    pub(crate) processor: Processor,
    pub(crate) credential: MeshCredential,
}

#[tonic::async_trait]
impl PreprocessService for Grpc {
    async fn process(
        &self,
        request: tonic::Request<v1::ProcessRequest>,
    ) -> Result<Response<v1::ProcessResponse>, Status> {
        self.credential.check(request.metadata()).map_err(|problem| into_status(&problem))?;
        let patience = deadline::require(&request).map_err(|problem| into_status(&problem))?;
        let request = decode(request.into_inner(), patience).map_err(|problem| into_status(&problem))?;
        let answer = self.processor.process(request).await.map_err(|error| into_status(&error))?;
        Ok(Response::new(v1::ProcessResponse { answer: Some(answer) }))
    }
}

fn decode(request: v1::ProcessRequest, patience: std::time::Duration) -> Result<Request, Problem> {
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
