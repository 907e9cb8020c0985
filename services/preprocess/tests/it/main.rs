//! Calls that wait, on a real Redis and Postgres; what the other stages do is done by hand.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as the tests do")]

mod stages;
mod waiting;
