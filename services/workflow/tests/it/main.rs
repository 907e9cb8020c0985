//! The whole stage against a private Redis: events are appended as preprocess appends them, and a programmed receiver is
//! what workflows call.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as the tests do")]

mod asked;
mod calls;
mod events;
mod lanes;
mod pauses;
mod revisions;
mod stage;
