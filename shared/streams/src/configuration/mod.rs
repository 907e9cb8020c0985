//! How a configuration revision gets to the stages, and how it is known who runs which (docs/protocol.md §12).
//!
//! Postgres holds every revision. The collector puts the newest into Redis (`published`), and each process of a stage
//! keeps a [`Live`] one: prepared, replaced by a newer one within a second, and kept when Redis or Postgres is away.

mod live;
mod memory;
mod prepared;
mod problems;
mod published;

pub use live::{Live, LiveError};
pub use prepared::Prepared;
pub use published::StageReport;
