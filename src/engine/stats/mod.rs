//! The mathematics, by its textbook names. Knows no domain type.
//!
//! Start with [`proportion`] (how sure a rate is), then [`shrink`] and
//! [`hierarchy`] (what peers say about a thin cell).

pub mod beta;
pub mod detector;
pub mod hierarchy;
pub mod proportion;
pub mod shrink;
pub mod sketch;

#[cfg(test)]
mod coverage;
#[cfg(test)]
pub(crate) mod vectors;
