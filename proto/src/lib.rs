//! The contract: the messages and services of `tributary.v1`, generated from `proto/tributary/v1`.
//!
//! Reads nothing, writes nothing. Documents (`google.protobuf.Struct` and `Value`) are carried as the bytes they came in
//! ([`raw`]): a hop that does not look inside does not pay for decoding them. [`convert`] is the only place where wire
//! becomes domain and back. Start at `tributary/v1/ingest_service.proto`.

pub mod convert;
pub mod raw;

/// Messages, clients and servers of package `tributary.v1`.
#[allow(
    missing_docs,
    clippy::all,
    clippy::allow_attributes_without_reason,
    unreachable_pub,
    reason = "generated; the documentation is in the .proto files"
)]
pub mod v1 {
    tonic::include_proto!("tributary.v1");
}

/// The compiled descriptors, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
