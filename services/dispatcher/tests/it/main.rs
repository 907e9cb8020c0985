//! The whole stage against a private Redis: profiles are published as the collector publishes them, and a programmed
//! receiver is the destination.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as the tests do")]

mod configuration;
mod dead_letters;
mod deliveries;
mod direct;
mod stage;
