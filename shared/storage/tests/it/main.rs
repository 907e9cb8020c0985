//! The storage against a private Postgres: one server for all tests, a database each.

mod deployment;
mod events;
mod flush;
mod members;
mod recovery;
mod revisions;
mod support;
