//! The self-improving prompt loop, governed by humans, in a terminal.
#![doc = ""]

pub mod domain;
pub mod engine;
pub mod store;
