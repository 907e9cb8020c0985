//! An external system that a test can program: it records what it is sent and answers as it is told.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{
    collections::VecDeque,
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// Such as `POST`.
    pub method: String,
    /// With the query, if there is one.
    pub path: String,
    /// The names are lower-case.
    pub headers: HeaderMap,
    /// The body's bytes.
    pub body: Bytes,
    /// The body as JSON; null if it is none.
    pub json: serde_json::Value,
}

impl Request {
    /// A header's text, if it is there.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// What the receiver does with a request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status to answer with.
    pub status: u16,
    /// How long to wait first; longer than any client's patience for a receiver that hangs.
    pub delay: Duration,
    /// Headers of the answer, such as `retry-after`.
    pub headers: Vec<(String, String)>,
    /// The body, sent as JSON; null for none.
    pub body: serde_json::Value,
}

impl From<u16> for Answer {
    fn from(status: u16) -> Answer {
        Answer { status, delay: Duration::ZERO, headers: Vec::new(), body: serde_json::Value::Null }
    }
}

impl From<serde_json::Value> for Answer {
    fn from(body: serde_json::Value) -> Answer {
        Answer { body, ..Answer::from(200) }
    }
}

/// A receiver on a port of 127.0.0.1. Dropping it closes the port and every connection.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    _accepting: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Shared {
    requests: Mutex<Vec<Request>>,
    script: Mutex<VecDeque<Answer>>,
    fallback: Mutex<Option<Answer>>,
    /// While it is true, what was received is not answered yet.
    held: watch::Sender<bool>,
}

impl Receiver {
    /// Listens on a free port and answers 200 to everything.
    ///
    /// # Errors
    /// When no port can be listened on.
    pub async fn start() -> anyhow::Result<Receiver> {
        Receiver::start_on(0).await
    }

    /// Listens on this port, to be there again after having been away.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start_on(port: u16) -> anyhow::Result<Receiver> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, Arc::clone(&shared)));
        Ok(Receiver { address, shared, _accepting: accepting })
    }

    /// Where to send to, as `http://127.0.0.1:PORT/`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The next requests are answered so, one each; those after them as before.
    pub fn script(&self, answers: impl IntoIterator<Item = impl Into<Answer>>) {
        locked(&self.shared.script).extend(answers.into_iter().map(Into::into));
    }

    /// Every request for which the script has no answer is answered so from now on.
    pub fn always(&self, answer: impl Into<Answer>) {
        *locked(&self.shared.fallback) = Some(answer.into());
    }

    /// From now on requests are received and not answered, until [`Receiver::release`].
    pub fn hold(&self) {
        self.shared.held.send_replace(true);
    }

    /// Answers what was held back, and what comes.
    pub fn release(&self) {
        self.shared.held.send_replace(false);
    }

    /// All requests so far, in the order in which their bodies were complete.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        locked(&self.shared.requests).clone()
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let service = service_fn(|request| answer(request, &shared));
            // A client that breaks off is no news to a test; what matters is what was received.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(
    request: http::Request<Incoming>,
    shared: &Shared,
) -> Result<http::Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    if let Ok(body) = body.collect().await {
        let body = body.to_bytes();
        locked(&shared.requests).push(Request {
            method: head.method.to_string(),
            path: head.uri.to_string(),
            headers: head.headers,
            json: serde_json::from_slice(&body).unwrap_or_default(),
            body,
        });
    }
    let answer = shared.next();
    tokio::time::sleep(answer.delay).await;
    // The sender lives as long as `shared`.
    let _ = shared.held.subscribe().wait_for(|held| !held).await;
    let body = if answer.body.is_null() { Bytes::new() } else { Bytes::from(answer.body.to_string()) };
    let mut response = http::Response::new(Full::new(body));
    if !answer.body.is_null() {
        let json = http::HeaderValue::from_static("application/json");
        response.headers_mut().insert(http::header::CONTENT_TYPE, json);
    }
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (http::HeaderName::try_from(name), http::HeaderValue::try_from(value))
        {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

impl Shared {
    fn next(&self) -> Answer {
        let scripted = locked(&self.script).pop_front();
        scripted.or_else(|| locked(&self.fallback).clone()).unwrap_or_else(|| Answer::from(200))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
