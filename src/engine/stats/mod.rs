//! The mathematics, by its textbook names. Knows no domain type.
//!
//! Start with [`proportion`] (how sure a rate is), then [`shrink`] and
//! [`hierarchy`] (what peers say about a thin cell); [`preference`] makes routing of it.
//!
//! What is worth a finding: [`threshold`], [`peers`] and [`gain`] judge one, [`discovery`] a list of them. What changed
//! from one version to the next: [`odds`] side by side, [`before_after`] one after the other, [`ratio`] for means,
//! [`split`] as their guard, [`calibration`] of what was predicted.

pub mod before_after;
pub mod beta;
pub mod calibration;
pub mod detector;
pub mod discovery;
pub mod gain;
pub mod hierarchy;
pub mod incomplete;
pub mod logit;
pub mod moments;
pub mod odds;
pub mod peers;
pub mod preference;
pub mod proportion;
pub mod ratio;
pub mod shrink;
pub mod sketch;
pub mod split;
pub mod threshold;

#[cfg(test)]
mod coverage;
