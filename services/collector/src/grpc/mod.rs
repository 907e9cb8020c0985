//! `ProfileService`: decode, call, encode.

pub(crate) mod config;
mod lag;
mod places;
mod watch;
mod watched;

use tonic::{Request, Response, Status, metadata::MetadataMap};
use tributary_model::{EventId, Members, ProfileId, SessionId, StreamId, TenantId};
use tributary_proto::{
    convert,
    v1::{
        self, GetLagRequest, GetLagResponse, GetProfileRequest, GetProfileResponse, GetSessionRequest,
        GetSessionResponse, ListEventsRequest, ListEventsResponse,
        profile_service_server::{ProfileService, ProfileServiceServer},
    },
};
use tributary_runtime::{AdminKeys, into_status, standard_service};
use tributary_storage::Wanted;
use tributary_streams::Reading;

use self::watch::Watching;

use crate::{
    error::ReadError,
    sessions::{SessionRead, Sessions},
    wire,
};

/// The service's full name.
pub(crate) const NAME: &str = "tributary.v1.ProfileService";

const DEFAULT_PAGE: u16 = 100;
const LARGEST_PAGE: u16 = 1000;
/// How many types a list of events is asked for by.
const MOST_TYPES: usize = 16;

pub(crate) use self::{places::Places, watch::Watchers};

/// The service, ready to be served.
pub(crate) fn service(
    sessions: Sessions,
    watchers: Watchers,
    admins: AdminKeys,
) -> ProfileServiceServer<ProfileApi> {
    standard_service!(ProfileServiceServer::new(ProfileApi { sessions, watchers, admins }))
}

/// The methods.
pub(crate) struct ProfileApi {
    sessions: Sessions,
    watchers: Watchers,
    admins: AdminKeys,
}

#[tonic::async_trait]
impl ProfileService for ProfileApi {
    async fn get_profile(
        &self,
        request: Request<GetProfileRequest>,
    ) -> Result<Response<GetProfileResponse>, Status> {
        answer(self.profile(request).await)
    }

    async fn get_session(
        &self,
        request: Request<GetSessionRequest>,
    ) -> Result<Response<GetSessionResponse>, Status> {
        answer(self.session(request).await)
    }

    async fn list_events(
        &self,
        request: Request<ListEventsRequest>,
    ) -> Result<Response<ListEventsResponse>, Status> {
        answer(self.events(request).await)
    }

    type WatchEventsStream = Watching<v1::WatchEventsResponse>;
    type WatchProfilesStream = Watching<v1::WatchProfilesResponse>;
    type WatchSessionsStream = Watching<v1::WatchSessionsResponse>;

    async fn watch_events(
        &self,
        request: Request<v1::WatchEventsRequest>,
    ) -> Result<Response<Self::WatchEventsStream>, Status> {
        answer(self.watched_events(request).await)
    }

    async fn watch_profiles(
        &self,
        request: Request<v1::WatchProfilesRequest>,
    ) -> Result<Response<Self::WatchProfilesStream>, Status> {
        answer(self.watched_profiles(request).await)
    }

    async fn watch_sessions(
        &self,
        request: Request<v1::WatchSessionsRequest>,
    ) -> Result<Response<Self::WatchSessionsStream>, Status> {
        answer(self.watched_sessions(request).await)
    }

    async fn get_lag(&self, request: Request<GetLagRequest>) -> Result<Response<GetLagResponse>, Status> {
        answer(self.lag(request).await)
    }
}

impl ProfileApi {
    async fn profile(&self, request: Request<GetProfileRequest>) -> Result<GetProfileResponse, ReadError> {
        let tenant = self.tenant(request.metadata())?;
        let id = profile_id(request.into_inner().profile_id)?;
        let Reading { profile_id: id, profile, .. } = self.sessions.reader.read(&tenant, &id, None).await?;
        if profile.version == StreamId::default() {
            return Err(ReadError::NotFound { kind: "profile", id: id.to_string() });
        }
        let members = Members::one(id.clone(), profile.version, profile.state);
        let view = self.sessions.running.view(wire::now()).of(&tenant, &members.total());
        Ok(GetProfileResponse { profile: Some(convert::profile_to_wire(&tenant, &id, &members, &view)) })
    }

    async fn session(&self, request: Request<GetSessionRequest>) -> Result<GetSessionResponse, ReadError> {
        let tenant = self.tenant(request.metadata())?;
        let id = session_id(request.into_inner().session_id)?;
        match self.sessions.read(&tenant, &id).await? {
            Some(SessionRead { bound, members }) if !members.is_empty() => {
                let view = self.sessions.running.view(wire::now()).of(&tenant, &members.total());
                let session = convert::session_to_wire(&tenant, &id, &bound, &members, &view);
                Ok(GetSessionResponse { session: Some(session) })
            }
            _ => Err(ReadError::NotFound { kind: "session", id: id.to_string() }),
        }
    }

    async fn events(&self, request: Request<ListEventsRequest>) -> Result<ListEventsResponse, ReadError> {
        let tenant = self.tenant(request.metadata())?;
        let ListEventsRequest { profile_id: id, page_size, page_token, types } = request.into_inner();
        if types.len() > MOST_TYPES {
            return Err(ReadError::TooManyTypes { most: MOST_TYPES });
        }
        for (index, name) in types.iter().enumerate() {
            // The same bounds as for an id.
            EventId::new(name.as_str()).map_err(|error| ReadError::Type { index, error })?;
        }
        // Without a profile the types say what is asked for.
        let id = if types.is_empty() { Some(profile_id(id)?) } else { optional(&id, profile_id)? };
        let size = size(page_size)?;
        let wanted = Wanted { profile: id.as_ref(), types: &types };
        let page = self.sessions.reader.rows().list_events(&tenant, wanted, size, &page_token).await?;
        Ok(ListEventsResponse {
            events: page.events.iter().map(wire::event).collect(),
            next_page_token: page.next_page_token.unwrap_or_default(),
        })
    }

    async fn lag(&self, request: Request<GetLagRequest>) -> Result<GetLagResponse, ReadError> {
        self.tenant(request.metadata())?;
        let Sessions { redis, reader, .. } = &self.sessions;
        Ok(GetLagResponse { readers: lag::of_all_readers(redis, reader.rows()).await? })
    }

    /// Whose administrator is calling; everything is read within that tenant.
    fn tenant(&self, metadata: &MetadataMap) -> Result<TenantId, ReadError> {
        let name = self.admins.authenticate(metadata)?;
        TenantId::new(name).map_err(|error| ReadError::Id { field: "tenant", error })
    }
}

fn answer<T>(outcome: Result<T, ReadError>) -> Result<Response<T>, Status> {
    outcome.map(Response::new).map_err(|error| into_status(&error))
}

fn profile_id(text: String) -> Result<ProfileId, ReadError> {
    ProfileId::new(text).map_err(|error| ReadError::Id { field: "profile_id", error })
}

fn session_id(text: String) -> Result<SessionId, ReadError> {
    SessionId::new(text).map_err(|error| ReadError::Id { field: "session_id", error })
}

/// Empty asks for none in particular.
fn optional<T>(text: &str, read: fn(String) -> Result<T, ReadError>) -> Result<Option<T>, ReadError> {
    if text.is_empty() { Ok(None) } else { read(text.to_owned()).map(Some) }
}

/// 0 asks for the default.
fn size(asked: u32) -> Result<u16, ReadError> {
    match u16::try_from(asked) {
        Ok(0) => Ok(DEFAULT_PAGE),
        Ok(asked @ 1..=LARGEST_PAGE) => Ok(asked),
        _ => Err(ReadError::PageSize { most: LARGEST_PAGE.into() }),
    }
}
