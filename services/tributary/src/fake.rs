//! A mesh that answers what a test tells it to, to call over a real connection.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::task::JoinSet;
use tonic::{
    Request, Response, Status,
    metadata::MetadataMap,
    transport::{Server, server::TcpIncoming},
};
use tributary_proto::v1::{
    self, config_service_server::ConfigServiceServer, profile_service_server::ProfileServiceServer,
    workflow_service_server::WorkflowServiceServer,
};

type Answer<T> = Result<Response<T>, Status>;
type Notices = Vec<Result<v1::WatchEventsResponse, Status>>;

/// What was asked, and what is to be answered.
#[derive(Default)]
pub(crate) struct Script {
    /// The tokens with which events were watched.
    pub(crate) tokens: Mutex<Vec<String>>,
    /// What each watch gives; the last one goes on without giving anything.
    pub(crate) watches: Mutex<VecDeque<Notices>>,
    /// What was to be applied, and the keys that were shown.
    pub(crate) applied: Mutex<Vec<(v1::ApplyRequest, Vec<String>)>>,
    /// What each apply answers.
    pub(crate) applies: Mutex<VecDeque<Result<v1::ApplyResponse, Status>>>,
    /// What is configured.
    pub(crate) documents: Vec<v1::Document>,
    /// What is stored, newest first; a page holds two.
    pub(crate) events: Vec<v1::Event>,
    /// The profiles that there are.
    pub(crate) profiles: Vec<v1::Profile>,
    /// What was to be explained.
    pub(crate) asked: Mutex<Vec<v1::ExplainRequest>>,
}

/// The server; it ends when it is dropped.
pub(crate) struct Fake {
    pub(crate) script: Arc<Script>,
    address: SocketAddr,
    _serving: JoinSet<()>,
}

impl Fake {
    pub(crate) fn start(script: Script) -> Fake {
        let script = Arc::new(script);
        let incoming = TcpIncoming::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = incoming.local_addr().unwrap();
        let router = Server::builder()
            .add_service(ProfileServiceServer::from_arc(script.clone()))
            .add_service(ConfigServiceServer::from_arc(script.clone()))
            .add_service(WorkflowServiceServer::from_arc(script.clone()));
        let mut serving = JoinSet::new();
        serving.spawn(async move { router.serve_with_incoming(incoming).await.unwrap() });
        Fake { script, address, _serving: serving }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn keys(metadata: &MetadataMap) -> Vec<String> {
    let further = metadata.get_all("tributary-tenant-key");
    let all = metadata.get("authorization").into_iter().chain(further.iter());
    all.map(|key| key.to_str().unwrap().to_owned()).collect()
}

fn unused<T>() -> Answer<T> {
    Err(Status::unimplemented("no test needs it"))
}

type Stream<T> = std::pin::Pin<Box<dyn futures::Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl v1::profile_service_server::ProfileService for Script {
    type WatchEventsStream = Stream<v1::WatchEventsResponse>;
    type WatchProfilesStream = Stream<v1::WatchProfilesResponse>;
    type WatchSessionsStream = Stream<v1::WatchSessionsResponse>;

    async fn watch_events(
        &self,
        request: Request<v1::WatchEventsRequest>,
    ) -> Answer<Self::WatchEventsStream> {
        self.tokens.lock().unwrap().push(request.into_inner().resume_token);
        let notices = self.watches.lock().unwrap().pop_front();
        Ok(Response::new(match notices {
            Some(notices) => Box::pin(futures::stream::iter(notices)),
            None => Box::pin(futures::stream::pending()),
        }))
    }

    async fn get_profile(&self, request: Request<v1::GetProfileRequest>) -> Answer<v1::GetProfileResponse> {
        let id = request.into_inner().profile_id;
        let profile = self.profiles.iter().find(|profile| profile.id == id).cloned();
        let profile = profile.ok_or_else(|| Status::not_found("there is no such profile"))?;
        Ok(Response::new(v1::GetProfileResponse { profile: Some(profile) }))
    }

    async fn get_session(&self, _: Request<v1::GetSessionRequest>) -> Answer<v1::GetSessionResponse> {
        unused()
    }

    async fn list_events(&self, request: Request<v1::ListEventsRequest>) -> Answer<v1::ListEventsResponse> {
        let v1::ListEventsRequest { page_token, types, .. } = request.into_inner();
        let from = page_token.parse().unwrap_or(0);
        let wanted = self.events.iter().filter(|event| types.contains(&event.r#type));
        let events: Vec<v1::Event> = wanted.clone().skip(from).take(2).cloned().collect();
        let more = wanted.count() > from + 2;
        let next_page_token = if more { (from + 2).to_string() } else { String::new() };
        Ok(Response::new(v1::ListEventsResponse { events, next_page_token }))
    }

    async fn watch_profiles(
        &self,
        _: Request<v1::WatchProfilesRequest>,
    ) -> Answer<Self::WatchProfilesStream> {
        unused()
    }

    async fn watch_sessions(
        &self,
        _: Request<v1::WatchSessionsRequest>,
    ) -> Answer<Self::WatchSessionsStream> {
        unused()
    }

    async fn get_lag(&self, _: Request<v1::GetLagRequest>) -> Answer<v1::GetLagResponse> {
        unused()
    }
}

#[tonic::async_trait]
impl v1::config_service_server::ConfigService for Script {
    async fn apply(&self, request: Request<v1::ApplyRequest>) -> Answer<v1::ApplyResponse> {
        let keys = keys(request.metadata());
        self.applied.lock().unwrap().push((request.into_inner(), keys));
        self.applies.lock().unwrap().pop_front().expect("no more is applied").map(Response::new)
    }

    async fn get(&self, _: Request<v1::ConfigServiceGetRequest>) -> Answer<v1::ConfigServiceGetResponse> {
        unused()
    }

    async fn list(&self, _: Request<v1::ConfigServiceListRequest>) -> Answer<v1::ConfigServiceListResponse> {
        let (revision, documents) = ("3-aa".into(), self.documents.clone());
        Ok(Response::new(v1::ConfigServiceListResponse { revision, documents, stages: Vec::new() }))
    }

    async fn list_revisions(
        &self,
        _: Request<v1::ListRevisionsRequest>,
    ) -> Answer<v1::ListRevisionsResponse> {
        unused()
    }

    async fn rollback(&self, _: Request<v1::RollbackRequest>) -> Answer<v1::RollbackResponse> {
        unused()
    }
}

#[tonic::async_trait]
impl v1::workflow_service_server::WorkflowService for Script {
    async fn run(&self, _: Request<v1::RunRequest>) -> Answer<v1::RunResponse> {
        unused()
    }

    async fn explain(&self, request: Request<v1::ExplainRequest>) -> Answer<v1::ExplainResponse> {
        self.asked.lock().unwrap().push(request.into_inner());
        Ok(Response::new(v1::ExplainResponse::default()))
    }
}
