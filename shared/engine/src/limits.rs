//! How much runs may do. Each limit is of one run, unless it says otherwise; a run that would exceed one fails.

use std::time::Duration;

/// Nodes entered, each item of a for-each counting its own.
pub const MAX_STEPS: u32 = 1000;
/// Calls made, questions about history included.
pub const MAX_CALLS: u32 = 32;
/// What calls may take together between two pauses; kept by whoever makes them.
pub const MAX_CALLING: Duration = Duration::from_secs(30);
/// Bytes of a run's memory as JSON, what its nodes have found out; and of the items that it goes through at one time.
pub const MAX_MEMORY_BYTES: usize = 65_536;
/// How deep objects and lists lie within each other in what a run remembers, makes, asks and answers: readers of documents take
/// no more.
pub const MAX_NESTING: usize = 32;
/// Bytes of what is answered to one event, all its runs together, as JSON.
pub const MAX_RESPONSE_BYTES: usize = 16_384;
/// Changes that the runs of one event make together.
pub const MAX_CHANGES: usize = 64;
/// Events that the runs of one event make together.
pub const MAX_EMITS: usize = 16;
/// Bytes of the properties of an event that a run makes, as they are encoded.
pub const MAX_EVENT_BYTES: usize = 256 * 1024;
/// Bytes of a text in an event that a run makes.
pub const MAX_TEXT_BYTES: usize = 8 * 1024;
/// Bytes of a name in an event that a run makes.
pub const MAX_NAME_BYTES: usize = 256;
/// Bytes of one value that a record shows, as JSON.
pub const MAX_SHOWN_BYTES: usize = 8 * 1024;
/// Deliveries that the runs of one event ask for together.
pub const MAX_DELIVERIES: usize = 16;
/// Bytes of one delivery's body as JSON.
pub const MAX_DELIVERY_BYTES: usize = 65_536;
/// Items that one for-each goes through.
pub const MAX_ITEMS: usize = 64;
/// Paused runs that one profile may have.
pub const MAX_PAUSED: usize = 64;
/// The longest pause.
pub const MAX_PAUSE: Duration = Duration::from_secs(366 * 24 * 3600);
/// Events that a question about history may answer with.
pub const MAX_HISTORY: usize = 1000;
