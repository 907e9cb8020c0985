//! The engine: what the workflows of a tenant do with one event. Pure: states and an event in, runs out; no
//! clock, no I/O, and the same input gives the same runs, down to every id. So an event that is handled twice
//! does nothing twice.
//!
//! [`run_all`] is the whole of it. Workflows run in the order of their names; each step sees the profile with
//! everything that earlier steps and earlier workflows changed. What is refused is recorded with its step and
//! never fails the event; a run that fails leaves nothing, and the others go on.

mod record;
mod run;
mod work;

pub use record::{Emit, Run, StepRecord};
pub use run::{MAX_CHANGES, MAX_EMITS, RunInput, run_all};

#[cfg(test)]
mod tests;
