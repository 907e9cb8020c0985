//! What is read of the mesh: the configuration in force, stored events, and the profiles and sessions that they are about.

use std::collections::HashMap;

use anyhow::Context as _;
use futures::{StreamExt as _, TryStreamExt as _};
use indicatif::ProgressBar;
use serde_json::{Map, Value};
use tonic::{Code, Request};
use tributary_config::Document;
use tributary_model::{ProfileId, SessionId};
use tributary_proto::{
    raw::RawStruct,
    v1::{self, profile_service_client::ProfileServiceClient},
};
use tributary_workflow::subject::Subject;

use super::Asked;
use crate::{
    errors,
    explain::PATIENCE,
    mesh::{Authorized, Mesh, Place},
};

/// The most that one answer may hold.
const PAGE: u32 = 1000;
/// Reads under way at once.
const AT_ONCE: usize = 8;

/// What a profile or session shows.
pub(super) type Fields = Map<String, Value>;

/// The revision in force, and its documents of one tenant.
pub(super) async fn configuration(mesh: &Mesh) -> anyhow::Result<(String, Vec<Document>)> {
    let (place, mut client) = mesh.configuration(None, &[mesh.admin_key()?])?;
    let answer = client.list(patient(v1::ConfigServiceListRequest::default())).await;
    let answer = answer.map_err(|status| errors::of_call(&place, &status))?.into_inner();
    let document = |document: v1::Document| {
        let v1::Document { tenant, kind, name, file, line, text } = document;
        Document { tenant, kind, name, file, line, text }
    };
    Ok((answer.revision, answer.documents.into_iter().map(document).collect()))
}

/// Where profiles are read.
pub(super) struct Reads {
    place: Place,
    client: ProfileServiceClient<Authorized>,
}

/// What is known now of whom the events are about.
#[derive(Default)]
pub(super) struct Known {
    /// Those that are there.
    pub(super) profiles: HashMap<ProfileId, Fields>,
    pub(super) sessions: HashMap<SessionId, Fields>,
}

impl Known {
    /// What the event's profile and session show; nothing, where there are none any more.
    pub(super) fn of(&self, event: &Subject) -> (Fields, Fields) {
        let session = event.session.as_ref().and_then(|session| self.sessions.get(session));
        (self.profiles.get(&event.profile).cloned().unwrap_or_default(), session.cloned().unwrap_or_default())
    }
}

impl Reads {
    pub(super) fn new(mesh: &Mesh) -> anyhow::Result<Reads> {
        let (place, client) = mesh.profiles(None)?;
        Ok(Reads { place, client })
    }

    /// The newest events that are asked for, oldest first.
    pub(super) async fn events(&self, asked: &Asked<'_>) -> anyhow::Result<Vec<Subject>> {
        let limit = usize::try_from(asked.limit)?;
        let (mut client, mut events, mut page_token) = (self.client.clone(), Vec::new(), String::new());
        loop {
            let message = v1::ListEventsRequest {
                profile_id: asked.profile.unwrap_or_default().to_owned(),
                page_size: asked.limit.min(PAGE),
                page_token,
                types: vec![asked.event_type.to_owned()],
            };
            let answer = client.list_events(patient(message)).await;
            let page = answer.map_err(|status| errors::of_call(&self.place, &status))?.into_inner();
            events.extend(page.events.into_iter().filter_map(Subject::of).take(limit - events.len()));
            page_token = page.next_page_token;
            if page_token.is_empty() || events.len() == limit {
                events.reverse();
                return Ok(events);
            }
        }
    }

    /// Everybody whom they are about, each once.
    pub(super) async fn known(&self, events: &[Subject], bar: &ProgressBar) -> anyhow::Result<Known> {
        let mut known = Known::default();
        let mut wanted: Vec<(&ProfileId, usize)> = Vec::new();
        for event in events {
            match wanted.iter_mut().find(|(profile, _)| *profile == &event.profile) {
                Some((_, events)) => *events += 1,
                None => wanted.push((&event.profile, 1)),
            }
        }
        let profiles = futures::stream::iter(wanted).map(async |(id, events)| {
            let fields = self.profile(id).await?;
            bar.inc(u64::try_from(events)?);
            anyhow::Ok((id.clone(), fields))
        });
        let profiles: Vec<_> = profiles.buffer_unordered(AT_ONCE).try_collect().await?;
        known.profiles.extend(profiles.into_iter().filter_map(|(id, fields)| Some((id, fields?))));
        let mut sessions: Vec<&SessionId> =
            events.iter().filter_map(|event| event.session.as_ref()).collect();
        sessions.sort();
        sessions.dedup();
        let sessions =
            futures::stream::iter(sessions).map(async |id| anyhow::Ok((id.clone(), self.session(id).await?)));
        let sessions: Vec<_> = sessions.buffer_unordered(AT_ONCE).try_collect().await?;
        known.sessions.extend(sessions.into_iter().filter_map(|(id, fields)| Some((id, fields?))));
        Ok(known)
    }

    async fn profile(&self, id: &ProfileId) -> anyhow::Result<Option<Fields>> {
        let message = v1::GetProfileRequest { profile_id: id.to_string() };
        match self.client.clone().get_profile(patient(message)).await {
            Ok(answer) => fields(answer.into_inner().profile.and_then(|profile| profile.fields)).map(Some),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(errors::of_call(&self.place, &status)),
        }
    }

    async fn session(&self, id: &SessionId) -> anyhow::Result<Option<Fields>> {
        let message = v1::GetSessionRequest { session_id: id.to_string() };
        match self.client.clone().get_session(patient(message)).await {
            Ok(answer) => fields(answer.into_inner().session.and_then(|session| session.fields)).map(Some),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(errors::of_call(&self.place, &status)),
        }
    }
}

fn fields(document: Option<RawStruct>) -> anyhow::Result<Fields> {
    let fields = document.as_ref().map(RawStruct::to_object).transpose();
    Ok(fields.context("what the mesh answered cannot be read")?.unwrap_or_default())
}

fn patient<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(PATIENCE);
    request
}
