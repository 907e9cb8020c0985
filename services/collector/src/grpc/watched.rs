//! What each kind of watcher is shown: which stream, and which of its entries.

use std::collections::HashSet;

use tonic::Request;
use tributary_proto::v1;
use tributary_streams::{Entry, Stream};

use super::{
    ProfileApi, optional, profile_id, session_id,
    watch::{Wanted, Watching},
};
use crate::{error::ReadError, wire::Unreadable};

impl ProfileApi {
    pub(super) async fn watched_events(
        &self,
        request: Request<v1::WatchEventsRequest>,
    ) -> Result<Watching<v1::WatchEventsResponse>, ReadError> {
        let tenant = self.tenant(request.metadata())?;
        let asked = request.get_ref();
        let profile = optional(&asked.profile_id, profile_id)?;
        let types: HashSet<String> = asked.types.iter().cloned().collect();
        let wanted = Wanted {
            tenant,
            stream: Stream::Events,
            resume_token: &asked.resume_token,
            pick: Box::new(move |entry| {
                if profile.as_ref().is_some_and(|profile| profile.as_str() != entry.profile) {
                    return Ok(None);
                }
                let event: v1::Event = decoded(entry)?;
                Ok((types.is_empty() || types.contains(&event.r#type)).then_some(event))
            }),
            answer: |event, resume_token| v1::WatchEventsResponse { event, resume_token },
        };
        self.watchers.watch(&request, wanted).await
    }

    pub(super) async fn watched_profiles(
        &self,
        request: Request<v1::WatchProfilesRequest>,
    ) -> Result<Watching<v1::WatchProfilesResponse>, ReadError> {
        let tenant = self.tenant(request.metadata())?;
        let asked = request.get_ref();
        let profile = optional(&asked.profile_id, profile_id)?;
        let wanted = Wanted {
            tenant,
            stream: Stream::Profiles,
            resume_token: &asked.resume_token,
            pick: Box::new(move |entry| match &profile {
                Some(profile) if profile.as_str() != entry.profile => Ok(None),
                _ => decoded(entry).map(Some),
            }),
            answer: |profile, resume_token| v1::WatchProfilesResponse { profile, resume_token },
        };
        self.watchers.watch(&request, wanted).await
    }

    pub(super) async fn watched_sessions(
        &self,
        request: Request<v1::WatchSessionsRequest>,
    ) -> Result<Watching<v1::WatchSessionsResponse>, ReadError> {
        let tenant = self.tenant(request.metadata())?;
        let asked = request.get_ref();
        let session = optional(&asked.session_id, session_id)?;
        let wanted = Wanted {
            tenant,
            stream: Stream::Sessions,
            resume_token: &asked.resume_token,
            pick: Box::new(move |entry| match &session {
                Some(session) if session.as_str() != entry.session => Ok(None),
                _ => decoded(entry).map(Some),
            }),
            answer: |session, resume_token| v1::WatchSessionsResponse { session, resume_token },
        };
        self.watchers.watch(&request, wanted).await
    }
}

fn decoded<M: prost::Message + Default>(entry: &Entry) -> Result<M, Unreadable> {
    M::decode(entry.data.as_slice())
        .map_err(|_| Unreadable::because("the entry is not what its stream carries"))
}
