//! `WorkflowService`: decode, call, encode.

use crate::run::Runner;
use crate::run::asked::Asked;
use crate::run::error::RunError;
use crate::run::explain::Question;
use std::time::Duration;
use tonic::{Request, Response, Status};
use tributary_model::TenantId;
use tributary_proto::v1;
use tributary_proto::v1::workflow_service_server::{WorkflowService, WorkflowServiceServer};
use tributary_runtime::{AdminKeys, deadline, standard_service};

/// The service's full name.
pub(crate) const NAME: &str = "tributary.v1.WorkflowService";

/// For a call that nothing limits.
const PATIENCE: Duration = Duration::from_secs(30);

/// The service, ready to be served.
pub(crate) fn service(runner: Runner, admins: AdminKeys) -> WorkflowServiceServer<Grpc> {
    standard_service!(WorkflowServiceServer::new(Grpc { runner, admins }))
}

/// The methods.
pub(crate) struct Grpc {
    runner: Runner,
    admins: AdminKeys,
}

#[tonic::async_trait]
impl WorkflowService for Grpc {
    async fn run(&self, request: Request<v1::RunRequest>) -> Result<Response<v1::RunResponse>, Status> {
        self.answer(request).await.map(Response::new).map_err(RunError::into_status)
    }

    async fn explain(
        &self,
        request: Request<v1::ExplainRequest>,
    ) -> Result<Response<v1::ExplainResponse>, Status> {
        self.explanation(request).await.map(Response::new).map_err(RunError::into_status)
    }
}

impl Grpc {
    async fn answer(&self, request: Request<v1::RunRequest>) -> Result<v1::RunResponse, RunError> {
        let (tenant, patience) = self.caller(&request)?;
        self.runner.run(Asked::of(tenant, request.into_inner())?, patience).await
    }

    async fn explanation(
        &self,
        request: Request<v1::ExplainRequest>,
    ) -> Result<v1::ExplainResponse, RunError> {
        let (tenant, patience) = self.caller(&request)?;
        self.runner.explain(Question::of(tenant, request.into_inner())?, patience).await
    }

    /// Whose admin key the call shows, and how much time it has.
    fn caller<T>(&self, request: &Request<T>) -> Result<(TenantId, Duration), RunError> {
        let tenant = self.admins.authenticate(request.metadata())?;
        let tenant = TenantId::new(tenant).map_err(|error| RunError::Id { field: "tenant", error })?;
        Ok((tenant, deadline::until_cut(request).unwrap_or(PATIENCE)))
    }
}
