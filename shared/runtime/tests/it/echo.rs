//! A small service behind the server under test. Its request and its answer are a string; the request says what to do.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::uri::PathAndQuery;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::codec::CompressionEncoding;
use tonic::server::{NamedService, UnaryService};
use tonic::service::Routes;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};
use tonic_health::pb::HealthCheckRequest as Text;
use tonic_prost::ProstCodec;
use tributary_runtime::telemetry::propagation;
use tributary_runtime::{MAX_MESSAGE_BYTES, Server, StreamEnd, Tasks, bind, deadline};

/// A running server, what stops it, and a way to call it.
pub(crate) struct Running {
    pub(crate) tasks: Tasks,
    pub(crate) health: tributary_runtime::Health,
    pub(crate) channel: Channel,
    /// Lets a call that asked to "wait" go on.
    pub(crate) go_on: Arc<Notify>,
    /// Told when such a call has begun.
    pub(crate) begun: Arc<Notify>,
}

pub(crate) async fn start(server: Server) -> Running {
    let listener = bind("echo", ([127, 0, 0, 1], 0).into()).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let tasks = Tasks::new();
    let echo = Echo { go_on: Arc::default(), begun: Arc::default() };
    let (go_on, begun) = (Arc::clone(&echo.go_on), Arc::clone(&echo.begun));
    let descriptors = tonic_health::pb::FILE_DESCRIPTOR_SET;
    let health = server.serve(listener, Routes::new(echo), descriptors, &tasks).unwrap();
    let channel = Channel::from_shared(url).unwrap().connect_lazy();
    Running { tasks, health, channel, go_on, begun }
}

impl Running {
    pub(crate) async fn call(&self, request: Request<Text>) -> Result<String, Status> {
        self.call_compressed(request, None).await
    }

    pub(crate) async fn call_compressed(
        &self,
        request: Request<Text>,
        encoding: Option<CompressionEncoding>,
    ) -> Result<String, Status> {
        let mut client = tonic::client::Grpc::new(self.channel.clone());
        if let Some(encoding) = encoding {
            client = client.send_compressed(encoding);
        }
        client.ready().await.unwrap();
        let path = PathAndQuery::from_static("/echo.v1.EchoService/Echo");
        let answer: Response<Text> = client.unary(request, path, ProstCodec::<Text, Text>::default()).await?;
        Ok(answer.into_inner().service)
    }
}

pub(crate) fn text(text: &str) -> Request<Text> {
    Request::new(Text { service: text.to_owned() })
}

#[derive(Clone)]
struct Echo {
    go_on: Arc<Notify>,
    begun: Arc<Notify>,
}

impl Echo {
    async fn answer(self, request: Request<Text>) -> Result<Response<Text>, Status> {
        let answer = match request.get_ref().service.as_str() {
            "trace" => propagation::current().traceparent,
            "deadline" => format!("{:?}", deadline::remaining(&request)),
            "panic" => panic!("the secret is hunter2"),
            "end" => StreamEnd::of(&request, CancellationToken::new()).reached().await.reason.to_owned(),
            "hang" => std::future::pending().await,
            "wait" => {
                self.begun.notify_one();
                self.go_on.notified().await;
                "waited".to_owned()
            }
            other => other.to_owned(),
        };
        Ok(Response::new(Text { service: answer }))
    }
}

impl NamedService for Echo {
    const NAME: &'static str = "echo.v1.EchoService";
}

type Answer<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl UnaryService<Text> for Echo {
    type Response = Text;
    type Future = Answer<Result<Response<Text>, Status>>;

    fn call(&mut self, request: Request<Text>) -> Self::Future {
        Box::pin(self.clone().answer(request))
    }
}

impl tower::Service<http::Request<Body>> for Echo {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answer<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let echo = self.clone();
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(ProstCodec::<Text, Text>::default())
                .apply_max_message_size_config(Some(MAX_MESSAGE_BYTES), None);
            for encoding in [CompressionEncoding::Gzip, CompressionEncoding::Zstd] {
                grpc = grpc.accept_compressed(encoding);
            }
            Ok(grpc.unary(echo, request).await)
        })
    }
}

/// Long enough for anything that happens at all.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// Fails instead of hanging.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, what).await.expect("it happens within ten seconds")
}
