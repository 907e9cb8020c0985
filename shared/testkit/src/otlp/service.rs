//! The receiving end of OTLP over gRPC.

use opentelemetry_proto::tonic::collector::{
    metrics::v1::{
        ExportMetricsServiceRequest, ExportMetricsServiceResponse,
        metrics_service_server::{MetricsService, MetricsServiceServer},
    },
    trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
};
use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    net::Ipv4Addr,
    path::Path,
    sync::{Mutex, PoisonError},
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

use super::Span;

/// Listens on a free port of 127.0.0.1, prints `http://ADDRESS` on standard output, and appends every span received to
/// `file`, one line of JSON each, until the process ends.
///
/// # Errors
/// When the file cannot be opened or the port not be served.
pub async fn serve(file: &Path) -> anyhow::Result<()> {
    let file = OpenOptions::new().create(true).append(true).open(file)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("http://{}", listener.local_addr()?);
    tonic::transport::Server::builder()
        .add_service(
            TraceServiceServer::new(Spans { file: Mutex::new(file) }).max_decoding_message_size(64 << 20),
        )
        .add_service(MetricsServiceServer::new(IgnoredMetrics))
        .serve_with_incoming(TcpListenerStream::new(listener))
        .await?;
    Ok(())
}

struct Spans {
    file: Mutex<File>,
}

impl Spans {
    fn append(&self, request: ExportTraceServiceRequest) -> io::Result<()> {
        let mut lines = Vec::new();
        for span in Span::all(request) {
            serde_json::to_writer(&mut lines, &span)?;
            lines.push(b'\n');
        }
        self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&lines)
    }
}

#[tonic::async_trait]
impl TraceService for Spans {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.append(request.into_inner()).map_err(|error| Status::internal(error.to_string()))?;
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

/// Taken and thrown away: an exporter that is refused fills the log of the process under test.
struct IgnoredMetrics;

#[tonic::async_trait]
impl MetricsService for IgnoredMetrics {
    async fn export(
        &self,
        _: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}
