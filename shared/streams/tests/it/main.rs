//! The stream protocol on a real Redis: each rule of docs/protocol.md has a test here that fails without it.
//!
//! Every test starts a Redis of its own. `world.rs` is that server and the keys that tests damage or look into by hand,
//! `payload.rs` builds what is appended, `rows.rs` plays Postgres and the collector.

mod aliases;
mod append;
mod awaited;
mod bindings;
mod cluster;
mod commit;
mod configuration;
mod connection;
mod delivered;
mod effects;
mod endings;
mod fences;
mod follow;
mod foresee;
mod full;
mod groups;
mod handed_out;
mod hot_read;
mod journal;
mod leases;
mod news;
mod oracle;
mod ownership;
mod paused;
mod payload;
mod publish;
mod refusals;
mod rows;
mod runs;
mod timers;
mod trim;
mod visits;
mod world;
