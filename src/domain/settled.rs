//! What a change promised beside what it did: of a proposal that was applied.
//!
//! Shapes only; `engine::outcome::realised` fills them in.

use semver::Version;
use serde::{Deserialize, Serialize};

use super::outcome::{Delivery, Judgement, Measure};

/// A promise, and what was measured. Effects are relative: −0.18 is 18 % less.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Realised {
    /// Of what.
    pub measure: Measure,
    /// What was promised.
    pub predicted: f64,
    /// What was measured; absent where that is too little.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub realised: Option<f64>,
    /// Its 95 % confidence sequence.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub interval: Option<[f64; 2]>,
    /// What became of the promise.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub delivery: Option<Delivery>,
}

/// The outcome of an applied proposal, settled once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settled {
    /// The version before.
    pub old_version: Version,
    /// The version that the proposal made active.
    pub new_version: Version,
    /// What the evidence says.
    pub judgement: Judgement,
    /// Promise by promise.
    pub effects: Vec<Realised>,
}
