//! Postgres: the rows that outlive Redis.
//!
//! Holds profiles and sessions (one row a member), events (one table a received day), births, dead rows, revisions of the
//! configuration, and per partition the epoch and positions that fence the collector. Reads and writes Postgres alone. One file a table.
//!
//! Start at [`Storage`], then [`Storage::flush`]: the one transaction that moves a partition forward. The tables and the
//! reasons for them are in `migrations/`.

mod convert;
mod days;
mod dead_letters;
mod deployment;
mod error;
mod events;
mod flush;
mod origins;
mod partitions;
mod pool;
mod profiles;
mod recovery;
mod revisions;
mod rows;
mod sessions;

pub use dead_letters::DeadRow;
pub use error::StorageError;
pub use events::{Asked, EventPage, EventRow, Happened, History, Wanted};
pub use flush::{FlushBatch, FlushOutcome};
pub use origins::OriginRow;
pub use partitions::{PartitionRow, Positions};
pub use pool::{Storage, migrate};
pub use profiles::{MemberRow, ProfileKey, ProfileRow};
pub use recovery::Behind;
pub use revisions::{NewRevision, PastRevision, RevisionPage, RevisionRow};
pub use sessions::{SessionKey, SessionMember, SessionRow};
