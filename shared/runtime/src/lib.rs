//! What every stage's process needs, so that a stage itself holds nothing but its own work.
//!
//! Reads: the environment (once, at start), signals, gRPC metadata. Writes: log lines to stderr, spans to an OTLP
//! endpoint, gRPC answers. Knows neither Redis nor Postgres nor any message of the contract.
//!
//! Start reading at [`run()`], the life of a process from settings to the last flushed span; then [`server`], the life of
//! one call; then [`fault`], the one place where an error becomes an answer.

pub mod auth;
pub mod client;
mod clock;
pub mod deadline;
pub mod fault;
pub mod lifecycle;
pub mod retry_after;
pub mod run;
pub mod server;
pub mod settings;
pub mod telemetry;

pub use auth::{AdminKeys, MeshCredential};
pub use clock::now;
pub use fault::{Fault, Problem, ServiceError, into_status, reason_of};
pub use lifecycle::Tasks;
pub use run::{Context, run};
pub use server::{Health, MAX_HOP_BYTES, MAX_MESSAGE_BYTES, Server, StartError, StreamEnd, bind};
pub use settings::{SettingsError, SharedSettings, load_stage};
