//! Pure functions over [`crate::domain`]: no I/O, no clock (`now` is a parameter), no async.
//!
//! Start with [`rollup`]: every number on a screen is a fold of its cells.

pub mod affinity;
pub mod evidence;
pub mod performance;
pub mod price;
pub mod rank;
pub mod rollup;
pub mod stats;
