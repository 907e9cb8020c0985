//! `DispatchService`: decode, call, encode.

use tonic::{Request, Response, Status};
use tributary_model::TenantId;
use tributary_proto::v1::{
    ListDeadLettersRequest, ListDeadLettersResponse,
    dispatch_service_server::{DispatchService, DispatchServiceServer},
};
use tributary_runtime::{AdminKeys, Problem, into_status, standard_service};
use tributary_streams::Redis;

use crate::{dead_letters, error::CallError};

/// The service's full name.
pub(crate) const NAME: &str = "tributary.v1.DispatchService";

const DEFAULT_PAGE: u32 = 100;
const LARGEST_PAGE: u32 = 1000;

/// The service, ready to be served.
pub(crate) fn service(
    redis: Redis,
    partitions: u16,
    admins: AdminKeys,
) -> DispatchServiceServer<DispatchApi> {
    standard_service!(DispatchServiceServer::new(DispatchApi { redis, partitions, admins }))
}

/// The methods.
pub(crate) struct DispatchApi {
    redis: Redis,
    partitions: u16,
    admins: AdminKeys,
}

#[tonic::async_trait]
impl DispatchService for DispatchApi {
    async fn list_dead_letters(
        &self,
        request: Request<ListDeadLettersRequest>,
    ) -> Result<Response<ListDeadLettersResponse>, Status> {
        self.dead_letters(request).await.map(Response::new).map_err(|error| into_status(&error))
    }
}

impl DispatchApi {
    async fn dead_letters(
        &self,
        request: Request<ListDeadLettersRequest>,
    ) -> Result<ListDeadLettersResponse, CallError> {
        let tenant = self.admins.authenticate(request.metadata())?;
        let tenant = TenantId::new(tenant).map_err(|_| Problem::internal("an admin key names no tenant"))?;
        let ListDeadLettersRequest { page_size, page_token } = request.into_inner();
        let size = match page_size {
            0 => DEFAULT_PAGE,
            1..=LARGEST_PAGE => page_size,
            _ => return Err(CallError::PageSize { most: LARGEST_PAGE }),
        };
        let after = match page_token.as_str() {
            "" => None,
            token => Some(token.parse().map_err(|()| CallError::PageToken)?),
        };
        let page = dead_letters::list(&self.redis, self.partitions, &tenant, after, size as usize).await?;
        Ok(ListDeadLettersResponse {
            dead_letters: page.letters,
            next_page_token: page.next.map(|place| place.to_string()).unwrap_or_default(),
        })
    }
}
