//! The mathematics, by its textbook names. Knows no domain type.
//!
//! Start with [`proportion`] (how sure a rate is), then [`shrink`] and
//! [`hierarchy`] (what peers say about a thin cell); [`preference`] makes routing of it.

pub mod beta;
pub mod hierarchy;
pub mod preference;
pub mod proportion;
pub mod shrink;
pub mod sketch;

#[cfg(test)]
mod coverage;
