use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server as GrpcServer;
use tonic::{Response, Status};
use tributary_proto::v1::node_service_server::{NodeService, NodeServiceServer};

use super::*;
use crate::calls::resolver::System;
use crate::calls::resolver::testing::Scripted;

/// A node that answers by what its input asks for.
#[derive(Clone, Default)]
struct Node {
    calls: Arc<AtomicUsize>,
}

#[tonic::async_trait]
impl NodeService for Node {
    async fn call(&self, request: Request<CallRequest>) -> Result<Response<CallResponse>, Status> {
        let nth = self.calls.fetch_add(1, Ordering::Relaxed);
        let timeout = request.metadata().contains_key("grpc-timeout");
        let request = request.into_inner();
        let input = request.input.unwrap_or_default().to_object().unwrap();
        let code =
            |name: &str| input.get(name).and_then(Value::as_i64).map(|code| Code::from_i32(code as i32));
        if let Some(code) = code("always") {
            return Err(Status::new(code, "says a secret"));
        }
        if let Some(code) = code("once").filter(|_| nth == 0) {
            return Err(Status::new(code, "says a secret"));
        }
        if input.contains_key("hang") {
            std::future::pending::<()>().await;
        }
        let bytes = input.get("bytes").and_then(Value::as_u64).unwrap_or_default();
        let levels = input.get("levels").and_then(Value::as_u64).unwrap_or(1);
        let deep = (1..levels).fold(json!("x".repeat(bytes as usize)), |inner, _| json!([inner]));
        let said = json!({"key": request.key, "timeout": timeout, "x": deep});
        let output = said.as_object().map(RawStruct::from_object);
        Ok(Response::new(CallResponse { port: "high".into(), output }))
    }
}

struct Served {
    node: Node,
    port: u16,
    _serving: JoinSet<()>,
}

async fn serve() -> Served {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let (node, port) = (Node::default(), listener.local_addr().unwrap().port());
    let service = NodeServiceServer::new(node.clone());
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let incoming = TcpListenerStream::new(listener);
        GrpcServer::builder().add_service(service).serve_with_incoming(incoming).await.unwrap();
    });
    Served { node, port, _serving: serving }
}

fn nodes(lookup: Arc<dyn Lookup>, allowed: &str) -> Nodes {
    Nodes::new(Arc::new(AllowedHosts::read(allowed).unwrap()), &lookup).unwrap()
}

/// Calls it as a run does; answers the port and the output, or the reason, and how many attempts there were.
async fn call(nodes: &Nodes, url: &str, input: Value) -> (Result<NodeAnswer, CallError>, u32) {
    let made = AtomicU32::new(0);
    let input: Map<String, Value> = input.as_object().cloned().unwrap();
    let call = NodeCall { url: url.to_owned(), input, timeout: Duration::from_millis(500), retries: 2 };
    let bounds = Bounds {
        timeout: call.timeout,
        retries: call.retries,
        until: Instant::now() + Duration::from_secs(10),
    };
    let request = CallRequest {
        key: "e/w/n".into(),
        input: Some(RawStruct::from_object(&call.input)),
        ..CallRequest::default()
    };
    let answer = match nodes.ready(url, &TenantId::new("t").unwrap(), request) {
        Ok(prepared) => nodes.call(&prepared, &Servers::new(8), bounds, &made).await,
        Err(error) => Err(error),
    };
    (answer, made.into_inner())
}

fn reason((answer, made): (Result<NodeAnswer, CallError>, u32)) -> (String, u32) {
    let said = answer.map_or_else(
        |error| {
            assert!(!error.message.contains("secret"), "{error}");
            error.reason
        },
        |answer| answer.port,
    );
    (said, made)
}

#[tokio::test]
async fn a_node_is_called_with_its_key_and_deadline_and_says_port_and_output() {
    let served = serve().await;
    let nodes = nodes(Arc::new(System::default()), "127.0.0.1,localhost");
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("http://{host}:{}", served.port);
        let (answer, made) = call(&nodes, &url, json!({})).await;
        let answer = answer.unwrap();
        assert_eq!((answer.port.as_str(), made), ("high", 1));
        assert_eq!(Value::from(answer.output), json!({"key": "e/w/n", "timeout": true, "x": ""}));
    }
    assert_eq!(nodes.channels.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn three_codes_are_tried_again_and_no_other() {
    let nodes = nodes(Arc::new(System::default()), "127.0.0.1");
    for (code, expected, attempts) in [
        (Code::Unavailable, "high", 2),
        (Code::ResourceExhausted, "high", 2),
        (Code::Aborted, "high", 2),
        (Code::Internal, "REFUSED", 1),
        (Code::InvalidArgument, "REFUSED", 1),
        (Code::Unknown, "REFUSED", 1),
        (Code::DeadlineExceeded, "TIMED_OUT", 1),
    ] {
        let served = serve().await;
        let url = format!("http://127.0.0.1:{}", served.port);
        let told = reason(call(&nodes, &url, json!({"once": code as i32})).await);
        assert_eq!(told, (expected.to_owned(), attempts), "{code:?}");
    }
    let served = serve().await;
    let url = format!("http://127.0.0.1:{}", served.port);
    let always = call(&nodes, &url, json!({"always": Code::Unavailable as i32})).await;
    assert_eq!(reason(always), ("UNREACHABLE".to_owned(), 3));
    assert_eq!(served.node.calls.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn who_hangs_is_not_waited_for_and_not_asked_again() {
    let served = serve().await;
    let nodes = nodes(Arc::new(System::default()), "127.0.0.1");
    let url = format!("http://127.0.0.1:{}", served.port);
    let begun = Instant::now();
    let told = reason(call(&nodes, &url, json!({"hang": true})).await);
    assert_eq!(told.0, "TIMED_OUT");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn an_output_that_is_too_large_is_refused() {
    let served = serve().await;
    let nodes = nodes(Arc::new(System::default()), "127.0.0.1");
    let url = format!("http://127.0.0.1:{}", served.port);
    for (bytes, expected) in [(60_000, "high"), (66_000, "TOO_LARGE"), (400_000, "TOO_LARGE")] {
        assert_eq!(
            reason(call(&nodes, &url, json!({"bytes": bytes})).await),
            (expected.to_owned(), 1),
            "{bytes}"
        );
    }
}

#[tokio::test]
async fn an_output_that_is_nested_too_deeply_is_refused() {
    let served = serve().await;
    let nodes = nodes(Arc::new(System::default()), "127.0.0.1");
    let url = format!("http://127.0.0.1:{}", served.port);
    for (levels, expected) in [(MAX_NESTING, "high"), (MAX_NESTING + 1, "TOO_DEEP"), (40, "TOO_DEEP")] {
        let told = reason(call(&nodes, &url, json!({"levels": levels})).await);
        assert_eq!(told, (expected.to_owned(), 1), "{levels}");
    }
}

#[tokio::test]
async fn tenants_share_no_connection() {
    let nodes = nodes(Arc::new(System::default()), "");
    for tenant in ["one", "other", "one"] {
        let tenant = TenantId::new(tenant).unwrap();
        assert!(nodes.ready("http://nodes.example:7710", &tenant, CallRequest::default()).is_ok());
    }
    assert_eq!(nodes.channels.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_private_address_is_not_called_written_or_looked_up() {
    let served = serve().await;
    let names = Scripted::new(&[&["127.0.0.1"]]);
    let nodes = nodes(names, "allowed.example");
    for host in ["127.0.0.1", "[::1]", "rebound.example"] {
        let url = format!("http://{host}:{}", served.port);
        assert_eq!(reason(call(&nodes, &url, json!({})).await).0, "FORBIDDEN_ADDRESS", "{host}");
    }
    assert_eq!(served.node.calls.load(Ordering::Relaxed), 0);
    let url = format!("http://allowed.example:{}", served.port);
    assert_eq!(reason(call(&nodes, &url, json!({})).await).0, "high");
    for odd in [
        "http://allowed.example/path",
        "ftp://allowed.example",
        "allowed.example:80",
        // A URL, and nothing that HTTP/2 can name.
        "http://a\"b:7710",
        "https://a`b:7710",
    ] {
        assert_eq!(reason(call(&nodes, odd, json!({})).await).0, "INVALID_URL", "{odd}");
    }
}

#[tokio::test]
async fn over_tls_a_server_that_nobody_vouches_for_is_not_spoken_to() {
    let served = serve().await;
    let nodes = nodes(Arc::new(System::default()), "127.0.0.1");
    let url = format!("https://127.0.0.1:{}", served.port);
    assert_eq!(reason(call(&nodes, &url, json!({})).await).0, "UNREACHABLE");
    assert_eq!(served.node.calls.load(Ordering::Relaxed), 0);
}
