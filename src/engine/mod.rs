//! Pure functions over [`crate::domain`]: no I/O, no clock (`now` is a parameter), no async.
//!
//! Start with [`rollup`]: every number on a screen is a fold of its cells.

pub mod rollup;
pub mod stats;
