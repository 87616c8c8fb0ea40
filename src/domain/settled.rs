//! What a change promised beside what it did: of a proposal that was applied.
//!
//! Shapes only; `engine::outcome::realised` fills them in.

use semver::Version;
use serde::{Deserialize, Serialize};

use super::outcome::{Basis, Delivery, Judgement, Measure, OddsEffect, Outcome};

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
    /// What the judgement rests on; absent from what was settled before it was kept.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub measured: Option<Measured>,
}

/// What a judgement rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Measured {
    /// What was compared.
    pub basis: Basis,
    /// When the verdict was reached, RFC 3339; absent without one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub decided_at: Option<String>,
    /// The odds of a negative unit of feedback.
    pub negative: OddsEffect,
}

impl Settled {
    /// An outcome as it is settled, beside what was promised. What has not come by then is not decided any more.
    pub fn of(outcome: Outcome, effects: Vec<Realised>) -> Settled {
        let judgement = match outcome.judgement {
            Judgement::Running => Judgement::Inconclusive,
            judgement => judgement,
        };
        Settled {
            old_version: outcome.old_version,
            new_version: outcome.new_version,
            judgement,
            effects,
            measured: Some(Measured {
                basis: outcome.basis,
                decided_at: outcome.decided_at,
                negative: outcome.negative,
            }),
        }
    }
}
