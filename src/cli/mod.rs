//! The command line: one file per family of verbs, one way to print text and JSON.
//!
//! Start with [`report`]. Whatever came from outside goes through [`plain::shown`] before it is printed.

pub mod board;
pub mod models;
pub mod number;
pub mod plain;
pub mod prompts;
pub mod report;
pub mod table;
