//! The tests' own tools, really used.

mod otlp;
mod receiver;
mod servers;
