//! Configuration as code: YAML documents that say who may send events, what kind each field is, what an event
//! changes, which workflows run and where profiles go.
//!
//! [`read_directory`] gives a directory's [`Document`]s, [`plan`] says what applying them to others changes, and a
//! [`Revision`] is what is configured afterwards. [`Config::from_documents`] checks every document against its own rules
//! and against the others, and gives one immutable [`Config`], or every error there is, each with file, line, column and
//! reason; [`Config::of`] does that for a revision and [`Config::load`] for a directory. Secrets stay references until
//! [`Config::write_keys`] or [`Destination::headers`] resolves them.
//!
//! Start reading at `config.rs`; `documents/mod.rs` is the one place that lists the kinds of documents, `check/mod.rs`
//! lists what is checked between them. What the documents mean is described in `docs/configuration.md`.

mod at;
mod change;
mod check;
mod compiler;
mod config;
mod diff;
mod document;
mod documents;
mod error;
mod event_view;
mod files;
mod names;
mod plan;
mod revision;
mod schema;
mod secrets;
mod shape;
mod sources;
mod survey;
mod suspicious;
mod yaml;

pub use change::{ChangeRule, ChangeValue, Conversion, Failure, MAX_EACH, Made, Sight};
pub use compiler::Compiler;
pub use config::{Config, Tenant, required_env};
pub use document::{Document, read_directory};
pub use documents::destination::{Delivery, Destination, HeaderValue, Retry, Webhook};
pub use documents::kinds;
pub use documents::mapping::{Mapping, Target};
pub use documents::scenario::{
    Answers, Clock, Expectation, Given, NodeAnswers, Scenario, ScenarioAnswer, ScenarioEvent,
    ScenarioPayload, ScenarioStep, changes_showing,
};
pub use documents::schema::{Example, Schema};
pub use documents::source::{Source, WaitFor};
pub use documents::workflow::nodes::{WHEN_DOES_NOT_HOLD, WHEN_HOLDS, node_kinds};
pub use documents::workflow::{Trigger, Workflow};
pub use error::{ConfigError, ConfigErrors};
pub use event_view::{EventView, SourcePath};
pub use names::{BOOKKEEPING, Events};
pub use plan::{Action, DocumentChange, FieldChange, Plan, plan, plan_for};
pub use revision::{Revision, number_of};
pub use schema::json_schema;
pub use secrets::{SecretError, SecretErrors, SecretRef, WriteKeys};
pub use shape::Misfit;
pub use sources::Sources;

#[cfg(test)]
mod tests;
