//! The self-improving prompt loop, governed by humans, in a terminal.

pub mod cli;
pub mod config;
pub mod demo;
pub mod domain;
pub mod engine;
pub mod intake;
pub mod service;
pub mod store;
