//! How each generation of Jaeger is told its ports: version 2 by a file, version 1 by flags.

use anyhow::Context as _;
use std::{fs, path::Path};

use super::Ports;

/// The arguments for this program; writes the file that version 2 needs. Version 1 is known by its name.
pub(super) fn arguments(program: &Path, ports: &Ports, file: &Path) -> anyhow::Result<Vec<String>> {
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    if name.contains("all-in-one") {
        return Ok(flags(ports));
    }
    fs::write(file, document(ports)).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(vec!["--config".into(), file.display().to_string()])
}

fn document(ports: &Ports) -> String {
    let Ports { otlp, ui, others: [grpc, ..] } = ports;
    format!(
        "\
service:
  extensions: [jaeger_storage, jaeger_query]
  pipelines:
    traces: {{receivers: [otlp], processors: [batch], exporters: [jaeger_storage_exporter]}}
  telemetry:
    metrics: {{level: none}}
    logs: {{level: warn}}
extensions:
  jaeger_query:
    storage: {{traces: memory}}
    http: {{endpoint: '127.0.0.1:{ui}'}}
    grpc: {{endpoint: '127.0.0.1:{grpc}'}}
  jaeger_storage:
    backends:
      memory: {{memory: {{max_traces: 50000}}}}
receivers:
  otlp:
    protocols:
      grpc: {{endpoint: '127.0.0.1:{otlp}'}}
processors:
  batch: {{}}
exporters:
  jaeger_storage_exporter: {{trace_storage: memory}}
"
    )
}

fn flags(ports: &Ports) -> Vec<String> {
    let Ports { otlp, ui, others } = ports;
    let addresses = [
        ("collector.otlp.grpc.host-port", otlp),
        ("query.http-server.host-port", ui),
        ("query.grpc-server.host-port", &others[0]),
        ("collector.grpc-server.host-port", &others[1]),
        ("collector.http-server.host-port", &others[2]),
        ("admin.http.host-port", &others[3]),
        ("collector.otlp.http.host-port", &others[4]),
    ];
    let mut flags: Vec<String> =
        addresses.into_iter().map(|(name, port)| format!("--{name}=127.0.0.1:{port}")).collect();
    flags.push("--collector.otlp.enabled=true".into());
    flags.push("--log-level=warn".into());
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORTS: Ports = Ports { otlp: 4001, ui: 4002, others: [4003, 4004, 4005, 4006, 4007] };

    #[test]
    fn version_2_gets_a_file_and_version_1_flags() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jaeger.yaml");
        let second = arguments(Path::new("/opt/jaeger"), &PORTS, &file).unwrap();
        assert_eq!(second[0], "--config");
        assert!(fs::read_to_string(&file).unwrap().contains("grpc: {endpoint: '127.0.0.1:4001'}"));
        let first = arguments(Path::new("/opt/jaeger-all-in-one"), &PORTS, &file).unwrap();
        assert!(first.contains(&"--collector.otlp.grpc.host-port=127.0.0.1:4001".to_owned()));
    }
}
