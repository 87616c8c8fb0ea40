//! The self-improving prompt loop, governed by humans, in a terminal.
#![doc = ""]

pub mod cli;
pub mod domain;
pub mod engine;
pub mod store;
