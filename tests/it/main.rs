//! What only a whole mesh can show: five real processes, as they are deployed, on a Redis and a database of the test's own.
//!
//! Reads the built programs (`cargo build --workspace --bins`), `tests/config`, `tests/data` and `deploy/example`. Writes
//! below the system's temporary folder. Each file is one claim; start at `cdnow.rs`, the way of real purchases into
//! profiles. `world.rs` is what every test stands on.

mod applying;
mod awaiting;
mod bad_input;
mod cdnow;
mod customers;
mod deliveries;
mod house;
mod kills;
mod newcomer;
mod pausing;
mod payloads;
mod postgres_away;
mod python;
mod run;
mod scenarios;
mod sending;
mod sessions;
mod several;
mod starting;
mod trace;
mod workflows;
mod world;
