//! ingest: the door for clients.
//!
//! Serves `IngestService.Track`. Checks write keys and the shape of payloads, and hands them to preprocess with the tenant
//! and source it has verified, and the configuration revision that said so. Reads the configuration from Redis (`door.rs`)
//! and nothing else; writes nothing. Start reading at [`accept`].

pub mod accept;
mod door;
mod error;
mod grpc;
mod room;
pub mod settings;

use anyhow::Context as _;
use door::Door;
use room::Room;
use secrecy::ExposeSecret;
use settings::Settings;
use tonic::codec::CompressionEncoding;
use tonic::service::Routes;
use tributary_config::Compiler;
use tributary_proto::v1::ingest_service_server::{IngestServiceServer, SERVICE_NAME};
use tributary_proto::v1::preprocess_service_client::PreprocessServiceClient;
use tributary_runtime::client::mesh;
use tributary_runtime::settings::Durability;
use tributary_runtime::{Context, MAX_HOP_BYTES, Server, bind, load_stage, standard_service};
use tributary_streams::{Live, Redis};

/// Starts the stage: binds, connects, waits for a configuration, spawns, returns.
pub async fn start(context: Context) -> anyhow::Result<()> {
    let settings: Settings = load_stage("ingest")?;
    let listener = bind("ingest", settings.listen).await?;
    let shared = &context.shared;
    let channel =
        mesh(&settings.preprocess, &shared.mesh_credential).context("TRIBUTARY_INGEST__PREPROCESS")?;
    let preprocess = PreprocessServiceClient::new(channel)
        .accept_compressed(CompressionEncoding::Zstd)
        .max_decoding_message_size(MAX_HOP_BYTES);
    let redis =
        Redis::connect(shared.redis_url.expose_secret(), shared.durability == Durability::Relaxed).await?;
    let compiler = Compiler::default();
    let door = Live::start(redis, "ingest", move |revision| Door::prepare(revision, &compiler)).await?;
    let following = door.clone().follow(context.tasks.stopping());
    context.tasks.spawn("configuration", async {
        following.await;
        Ok(())
    });
    let room = Room::beside(settings.max_concurrent);
    let service = grpc::Grpc { door, preprocess, patience: settings.patience, room };
    let service = standard_service!(IngestServiceServer::new(service));
    Server::new().max_concurrent(settings.max_concurrent).names([SERVICE_NAME]).serve(
        listener,
        Routes::new(service),
        tributary_proto::DESCRIPTORS,
        &context.tasks,
    )?;
    Ok(())
}
