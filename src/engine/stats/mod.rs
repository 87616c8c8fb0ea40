//! The mathematics, by its textbook names. Knows no domain type.
//!
//! Start with [`proportion`] (how sure a rate is), then [`shrink`] and
//! [`hierarchy`] (what peers say about a thin cell), [`threshold`] and [`discovery`] (what is worth a finding).

pub mod beta;
pub mod discovery;
pub mod gain;
pub mod hierarchy;
pub mod incomplete;
pub mod peers;
pub mod proportion;
pub mod shrink;
pub mod sketch;
pub mod threshold;

#[cfg(test)]
mod coverage;
#[cfg(test)]
pub(crate) mod vectors;
