//! ingest: the door for clients.
//!
//! Serves `IngestService.Track`. Checks write keys and the shape of payloads, and hands them to preprocess with the tenant
//! and source it has verified; reads and writes nothing itself. Start reading at [`accept`].

pub mod accept;
mod error;
mod grpc;
pub mod settings;

use anyhow::Context as _;
use settings::Settings;
use std::sync::Arc;
use tonic::codec::CompressionEncoding;
use tonic::service::Routes;
use tributary_config::Config;
use tributary_proto::v1::ingest_service_server::{IngestServiceServer, SERVICE_NAME};
use tributary_proto::v1::preprocess_service_client::PreprocessServiceClient;
use tributary_runtime::client::mesh;
use tributary_runtime::{Context, MAX_HOP_BYTES, Server, bind, load_stage, standard_service};

/// Starts the stage: binds, spawns, returns.
pub async fn start(context: Context) -> anyhow::Result<()> {
    let settings: Settings = load_stage("ingest")?;
    let listener = bind("ingest", settings.listen).await?;
    let config = Arc::new(Config::load(context.shared.config_dir()?)?);
    let keys = Arc::new(config.write_keys()?);
    let channel = mesh(&settings.preprocess, &context.shared.mesh_credential)
        .context("TRIBUTARY_INGEST__PREPROCESS")?;
    let preprocess = PreprocessServiceClient::new(channel)
        .accept_compressed(CompressionEncoding::Zstd)
        .max_decoding_message_size(MAX_HOP_BYTES);
    let service = grpc::Grpc { config, keys, preprocess, patience: settings.patience };
    let service = standard_service!(IngestServiceServer::new(service));
    Server::new().max_concurrent(settings.max_concurrent).names([SERVICE_NAME]).serve(
        listener,
        Routes::new(service),
        tributary_proto::DESCRIPTORS,
        &context.tasks,
    )?;
    Ok(())
}
