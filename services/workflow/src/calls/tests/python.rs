//! The example of a node of one's own, in Python, called as workflows call it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Map, Value};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::*;

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_in_python_decides_for_a_workflow() {
    let (_node, port) = serve().await;
    let world = World::start().await;
    let calls = calls(&world, "127.0.0.1");
    for (input, expected) in [
        (json!({"pages": 12, "company": "ACME"}), ("hot", json!({"score": 54}))),
        (json!({"pages": 12}), ("cold", json!({"score": 24}))),
        (json!({}), ("cold", json!({"score": 0}))),
    ] {
        let answer = ask(&calls, port, &input).await;
        let Answer::Node(Ok(answer)) = answer else { panic!("{answer:?}") };
        assert_eq!((answer.port.as_str(), Value::from(answer.output)), expected, "{input}");
    }
    let Answer::Node(Err(error)) = ask(&calls, port, &json!({"pages": "many"})).await else { panic!() };
    assert_eq!(error.reason, "REFUSED");
    assert_eq!(error.message, format!("127.0.0.1:{port} answered with INVALID_ARGUMENT"));
}

async fn ask(calls: &Calls, port: u16, input: &Value) -> Answer {
    let input: Map<String, Value> = input.as_object().cloned().unwrap();
    let url = format!("http://127.0.0.1:{port}");
    let call = NodeCall { url, input, timeout: Duration::from_secs(20), retries: 2 };
    let answers = answer(calls, &workflow(), PATIENCE, vec![("rate", Call::Node(call))]).await;
    answers["rate"].0.clone()
}

/// Starts the example on a free port, with what `tributary schema --proto` prints.
async fn serve() -> (Child, u16) {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = tempfile::tempdir().unwrap();
    let descriptors = folder.path().join("tributary.binpb");
    std::fs::write(&descriptors, tributary_proto::DESCRIPTORS).unwrap();
    let mut node = Command::new(interpreter(&project))
        .arg(project.join("deploy/example/nodes/scoring_node.py"))
        .arg(descriptors)
        .args(["--listen", "127.0.0.1:0"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(node.stdout.take().unwrap()).lines();
    let said = timeout(PATIENCE, lines.next_line()).await.expect("the node does not begin").unwrap();
    let said = said.expect("the node ended");
    let port = said.strip_prefix("listening on port ").and_then(|port| port.parse().ok());
    (node, port.unwrap_or_else(|| panic!("{said}")))
}

/// The interpreter that has what the node needs.
fn interpreter(project: &Path) -> PathBuf {
    let installed = project.join(".tributary/tools/python/bin/python");
    let python = std::env::var_os("TRIBUTARY_PYTHON").map_or(installed, PathBuf::from);
    assert!(python.exists(), "{} is missing: `deploy/test` installs it", python.display());
    python
}
