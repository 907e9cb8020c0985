//! `ConfigService`: decode, call, encode. Everything is read and changed within the tenants whose keys the call shows.

use tokio::time::Instant;
use tonic::{Request, Response, Status};
use tributary_proto::v1::{
    ApplyRequest, ApplyResponse, ConfigServiceGetRequest, ConfigServiceGetResponse, ConfigServiceListRequest,
    ConfigServiceListResponse, ListRevisionsRequest, ListRevisionsResponse, RollbackRequest,
    RollbackResponse,
    config_service_server::{ConfigService, ConfigServiceServer},
};
use tributary_runtime::{AdminKeys, deadline::until_cut, into_status, standard_service};

use super::size;
use crate::configuration::{self, Configuration, ConfigurationError, Intent, Until, wire};

/// The service's full name.
pub(crate) const NAME: &str = "tributary.v1.ConfigService";

/// What is left of a call's time for its answer.
const TO_ANSWER: std::time::Duration = std::time::Duration::from_millis(250);

/// The service, ready to be served.
pub(crate) fn service(configuration: Configuration, admins: AdminKeys) -> ConfigServiceServer<ConfigApi> {
    standard_service!(ConfigServiceServer::new(ConfigApi { configuration, admins }))
}

/// The methods.
pub(crate) struct ConfigApi {
    configuration: Configuration,
    admins: AdminKeys,
}

#[tonic::async_trait]
impl ConfigService for ConfigApi {
    async fn apply(&self, request: Request<ApplyRequest>) -> Result<Response<ApplyResponse>, Status> {
        answer(self.applied(request).await)
    }

    async fn get(
        &self,
        request: Request<ConfigServiceGetRequest>,
    ) -> Result<Response<ConfigServiceGetResponse>, Status> {
        answer(self.one(request).await)
    }

    async fn list(
        &self,
        request: Request<ConfigServiceListRequest>,
    ) -> Result<Response<ConfigServiceListResponse>, Status> {
        answer(self.all(request).await)
    }

    async fn list_revisions(
        &self,
        request: Request<ListRevisionsRequest>,
    ) -> Result<Response<ListRevisionsResponse>, Status> {
        answer(self.history(request).await)
    }

    async fn rollback(
        &self,
        request: Request<RollbackRequest>,
    ) -> Result<Response<RollbackResponse>, Status> {
        answer(self.rolled_back(request).await)
    }
}

impl ConfigApi {
    async fn applied(&self, request: Request<ApplyRequest>) -> Result<ApplyResponse, ConfigurationError> {
        let tenants = self.tenants(&request)?;
        let end = end(&request);
        let request = request.into_inner();
        let wait = configuration::wait(request.wait)?;
        self.carry_out(configuration::intent(request, &tenants)?, &tenants, wait, end).await
    }

    async fn rolled_back(
        &self,
        request: Request<RollbackRequest>,
    ) -> Result<RollbackResponse, ConfigurationError> {
        let tenants = self.tenants(&request)?;
        let end = end(&request);
        let request = request.into_inner();
        let wait = configuration::wait(request.wait)?;
        let intent = self.configuration.back_to(request, &tenants).await?;
        let applied = self.carry_out(intent, &tenants, wait, end).await?;
        Ok(RollbackResponse { applied: Some(applied) })
    }

    async fn carry_out(
        &self,
        intent: Intent,
        tenants: &[String],
        wait: std::time::Duration,
        end: Option<Instant>,
    ) -> Result<ApplyResponse, ConfigurationError> {
        let dry_run = intent.dry_run;
        let applied = self.configuration.apply(intent).await?;
        if dry_run {
            return Ok(wire::applied(&applied, None, tenants));
        }
        // Also where nothing changed: the call that changed it may have ended before anybody took it.
        let until = Until::after(wait, end);
        let spread = self.configuration.spread(&applied.revision, tenants, until).await;
        Ok(wire::applied(&applied, Some(&spread), tenants))
    }

    async fn one(
        &self,
        request: Request<ConfigServiceGetRequest>,
    ) -> Result<ConfigServiceGetResponse, ConfigurationError> {
        let tenants = self.tenants(&request)?;
        let ConfigServiceGetRequest { kind, name, revision } = request.into_inner();
        let kept = self.configuration.at(&revision).await?;
        // The caller's own tenant comes first.
        let found = tenants.iter().find_map(|tenant| {
            kept.documents
                .iter()
                .find(|document| document.tenant == *tenant && document.kind == kind && document.name == name)
        });
        let document = found.map(wire::document).ok_or(ConfigurationError::NoDocument { kind, name })?;
        Ok(ConfigServiceGetResponse { document: Some(document), revision: kept.id })
    }

    async fn all(
        &self,
        request: Request<ConfigServiceListRequest>,
    ) -> Result<ConfigServiceListResponse, ConfigurationError> {
        let tenants = self.tenants(&request)?;
        let ConfigServiceListRequest { kind, revision } = request.into_inner();
        let kept = self.configuration.at(&revision).await?;
        let documents = kept.of_tenants(&tenants).into_iter();
        let documents = documents.filter(|document| kind.is_empty() || document.kind == kind);
        let spread = self.configuration.running().await?;
        Ok(ConfigServiceListResponse {
            documents: documents.map(wire::document).collect(),
            stages: wire::stages(&spread, &tenants),
            revision: kept.id.clone(),
        })
    }

    async fn history(
        &self,
        request: Request<ListRevisionsRequest>,
    ) -> Result<ListRevisionsResponse, ConfigurationError> {
        let tenants = self.tenants(&request)?;
        let ListRevisionsRequest { page_size, page_token } = request.into_inner();
        let (past, next) = self.configuration.past(&tenants, size(page_size)?, &page_token).await?;
        Ok(ListRevisionsResponse {
            revisions: past.iter().map(wire::past).collect(),
            next_page_token: next.unwrap_or_default(),
        })
    }

    /// Whose administrator is calling: that of one tenant first, then those whose keys are shown beside it.
    fn tenants<T>(&self, request: &Request<T>) -> Result<Vec<String>, ConfigurationError> {
        Ok(self.admins.authenticate_all(request.metadata())?)
    }
}

/// When the answer has to be ready.
fn end<T>(request: &Request<T>) -> Option<Instant> {
    until_cut(request).map(|left| Instant::now() + left.saturating_sub(TO_ANSWER))
}

fn answer<T>(outcome: Result<T, ConfigurationError>) -> Result<Response<T>, Status> {
    outcome.map(Response::new).map_err(|error| into_status(&error))
}
