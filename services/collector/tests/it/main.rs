//! The collector in this process, with a private Redis and a database of its own; the tests append what preprocess would.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod configuration;
mod configured;
mod crashes;
mod flow;
mod lacking;
mod lag;
mod sessions;
mod set_back;
mod sharing;
mod spreading;
mod support;
mod watch;
