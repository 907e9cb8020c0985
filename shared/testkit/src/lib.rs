//! What whole-mesh tests stand on: private servers, a mesh of real processes, receivers for what leaves it.
//!
//! Reads the stages' programs beside the test's own (`cargo build --workspace --bins` puts them there). Writes below
//! the system's temporary folder, and removes it again; folders of test runs that were killed go at the next run.
//!
//! Start at [`Mesh`]: it starts everything else. [`eventually`] waits for what happens in the background, [`Receiver`]
//! plays an external system, [`OtlpSink`] collects the spans of all processes.

mod clients;
mod eventually;
mod mesh;
pub mod otlp;
mod receiver;
mod scratch;
mod servers;

pub use crate::{
    clients::{Authorised, Bearer},
    eventually::eventually,
    mesh::{Another, Mesh, MeshOptions, program},
    otlp::{OtlpSink, Span, SpanRef},
    receiver::{Answer, Receiver, Request},
    servers::{Servers, ServersOptions},
};
pub use nix::sys::signal::Signal;
pub use tributary_servers::{EvictionPolicy, Fsync, Postgres, PostgresOptions, Redis, RedisOptions, Stage};
