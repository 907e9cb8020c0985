//! tributary-workflow

pub mod engine;
