//! Limits that more than one stage keeps, so that they say the same.

/// Events in one payload.
pub const MAX_EVENTS: usize = 100;

/// Derivations between a client's event and a derived one. More in a row are a loop in somebody's configuration.
pub const MAX_DEPTH: u32 = 8;
