//! Conditions and expressions in CEL, the Common Expression Language, and templates: compiled once when
//! configuration is loaded, evaluated for every event.
//!
//! What is written in a workflow as `profile.purchases.count >= 3` becomes a [`Condition`]; what computes a
//! value becomes an [`Expression`]; a text with holes is a [`Template`]. All read a [`Scope`]: `event`, `profile`, `session` and
//! `memory` (JSON documents) and `now` (a CEL timestamp). Nothing here does I/O, reads a clock or can end the process on bad input.
//!
//! Three rules make CEL fit event data:
//!
//! - Every JSON number is a CEL double, and arithmetic between doubles and whole literals works
//!   (`event.properties.value * 2`), so that an expression cannot depend on whether a price happened to be
//!   whole. Results that are whole come back as JSON integers.
//! - `null` in data means "not known": such a field is absent.
//! - A path that is absent makes a condition false, and the verdict says which path it was.
//!
//! Start reading at [`Condition`], then [`Scope`]; `compile.rs` says what is refused at load.

mod arithmetic;
mod charge;
mod checks;
mod compile;
mod condition;
mod expression;
mod failure;
mod json;
mod order;
mod reads;
mod scope;
mod spelling;
mod syntax;
mod template;
mod variables;
mod work;

pub use compile::{ExpressionError, MAX_SOURCE_BYTES};
pub use condition::{Condition, Verdict};
pub use expression::{EvaluationError, Expression};
pub use reads::ReadPath;
pub use scope::Scope;
pub use spelling::{did_you_mean, nearest};
pub use template::{MAX_OUTPUT_BYTES, Template, TemplateError};
pub use variables::Variables;
pub use work::{MAX_SCOPE_STEPS, MAX_STEPS};
