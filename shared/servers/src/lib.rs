//! Processes on this machine: a private Redis, a private Postgres, and the five stages.
//!
//! Reads `PATH`, `TRIBUTARY_TOOLS` and `.tributary/tools` to find programs. Writes data, sockets and logs below the
//! directories it is given, and nowhere else. It never touches a server that it did not start.
//!
//! Start at [`Redis`] and [`Postgres`]; both are a [`Process`], which is where starting, killing and dying with the
//! parent are settled. [`Stage`] knows the five stages' names, ports and environment, for `tributary up` and for tests.

mod account;
mod error;
mod poll;
mod ports;
mod postgres;
mod process;
mod programs;
mod redis;
mod secret;
mod stage;

pub use crate::{
    error::ServerError,
    poll::poll,
    ports::{free_port, is_free},
    postgres::{Postgres, PostgresOptions},
    process::{Launch, Process, tail},
    programs::find_program,
    redis::{EvictionPolicy, Fsync, Redis, RedisOptions},
    secret::random_secret,
    stage::{Stage, check_serving, wait_serving},
};
