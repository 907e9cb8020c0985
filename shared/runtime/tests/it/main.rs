//! A real server on a real port, called as a stranger would call it.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as the tests do")]

mod beside_the_stage;
mod echo;
mod life_of_a_call;
mod refused_messages;
