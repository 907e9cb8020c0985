//! The tests' own tools, really used.

mod mesh;
mod otlp;
mod receiver;
mod servers;
