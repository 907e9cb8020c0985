//! The stream protocol: every hand-over of an event between the stages, on Redis (docs/protocol.md).
//!
//! Writes and reads every key of [`keys`]; no stage speaks to Redis otherwise. Each hand-over is one Lua script, atomic
//! within its partition and safe to send again, so that a process may die between any two calls.
//! Start at [`keys`] for the map, [`append`](Append) for how events come to exist, [`commit`](Effect) for how owners finish
//! them, [`after_flush`](Publication) for what the collector does once Postgres has committed, and [`Endings`] for how
//! somebody waits for all of it.

mod after_flush;
mod append;
mod bindings;
mod commit;
mod configuration;
mod connection;
mod dead;
mod effect;
mod endings;
mod entry;
mod error;
mod follow;
mod group;
mod hot_read;
mod journal;
pub mod keys;
mod lag;
mod news;
mod owners;
mod ownership;
mod paused;
mod reached;
mod reader;
mod reply;
mod requirements;
mod resume;
mod script;
mod seen;
mod tail;
mod timers;
mod watch;

pub use after_flush::{Publication, Retention};
pub use append::{Append, AppendLimits, Appended, AppendedEvent, EventUnit, OpenVisit, Unit};
pub use commit::{Committed, Gate, RunCommit, RunCommitted, timer_id, timer_parts};
pub use configuration::{Live, LiveError, Prepared, StageReport};
pub use connection::Redis;
pub use effect::{Effect, Ending};
pub use endings::{Endings, Expectation};
pub use entry::{Awaited, Entry};
pub use error::StreamsError;
pub use follow::{FollowError, Follower};
pub use group::{From, Group, Handed};
pub use hot_read::{Found, HotRead, Installed, Known};
pub use keys::{Stream, Subject};
pub use lag::ReaderLag;
pub use news::News;
pub use owners::Fence;
pub use ownership::{Held, Ownership, own};
pub use paused::{HandedOut, Paused, PausedTimer};
pub use reached::{Delivered, DeliveredMark};
pub use reader::{MAX_HOPS, ReadError, Reader, Reading, Rows};
pub use requirements::{ConnectError, Durability};
pub use resume::TokenError;
pub use seen::Progress;
pub use timers::{Due, Settlement, Timer};
pub use watch::{Watch, Watching};
