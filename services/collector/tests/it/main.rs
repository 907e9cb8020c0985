//! The collector in this process, with a private Redis and a database of its own; the tests append what preprocess would.

mod crashes;
mod flow;
mod sharing;
mod support;
