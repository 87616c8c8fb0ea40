//! What came of a change of version, and what a proposer's predictions are worth.
//!
//! Shapes only; the numbers are computed in `engine::outcome`. Start with [`Outcome`].

use std::fmt;

use semver::Version;
use serde::{Deserialize, Serialize};

use super::prompt::PromptUri;
use super::snapshot::{SnapshotWindow, Verdict};

/// What the evidence says so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Judgement {
    /// The new version gets more negative signals.
    Regressed,
    /// It gets fewer, and both versions ran side by side.
    Improved,
    /// It gets fewer, as far as a comparison of before and after can tell.
    LikelyImproved,
    /// Whatever the difference, it is small: the odds are between .8 and 1.25 times what they were.
    NoMaterialChange,
    /// Not decided yet.
    Running,
    /// Not decided in the time that there was.
    Inconclusive,
    /// Too few signals to say anything.
    Insufficient,
}

impl Judgement {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Judgement::Regressed => "regressed",
            Judgement::Improved => "improved",
            Judgement::LikelyImproved => "likely improved",
            Judgement::NoMaterialChange => "no material change",
            Judgement::Running => "no difference yet",
            Judgement::Inconclusive => "inconclusive",
            Judgement::Insufficient => "insufficient",
        }
    }
}

/// What was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Basis {
    /// Both versions in the same hours: hour, drift and rate cancel exactly.
    Concurrent,
    /// The old version before the change, the new one after it: whatever else changed is in the difference.
    BeforeAfter,
}

impl Basis {
    /// The words that stand beside every number of it.
    pub fn label(self) -> &'static str {
        match self {
            Basis::Concurrent => "side by side",
            Basis::BeforeAfter => "before/after (confounded)",
        }
    }
}

/// How the odds of something bad changed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OddsEffect {
    /// The odds with the new version to those with the old one: side by side the most likely ratio; before and after
    /// the mean one, the old version shrunk to its peers and moved by what moved these. `None` where nothing can be compared.
    pub odds_ratio: Option<f64>,
    /// Its 95 % confidence sequence, which may be looked at at any time. It ends at .14 and 7.4: an end there means "or
    /// beyond".
    pub interval: Option<[f64; 2]>,
    /// What the old version was judged by: units of feedback, or calls.
    pub old_units: u64,
    /// What the new version was judged by.
    pub new_units: u64,
    /// ln of the e-value against "not worse".
    pub ln_e_regressed: f64,
    /// ln of the e-value against "not better".
    pub ln_e_improved: f64,
}

/// How a mean of calls changed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RatioEffect {
    /// The mean with the new version to that with the old one, model by model; `None` below 50 calls of each.
    pub ratio: Option<f64>,
    /// Its 95 % confidence sequence, asymptotic.
    pub interval: Option<[f64; 2]>,
    /// Calls of the old version.
    pub old_calls: u64,
    /// Calls of the new version.
    pub new_calls: u64,
    /// Whether that is enough.
    pub verdict: Verdict,
}

/// Something that is to be known before the verdict is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Guard {
    /// Traffic is not split as configured, so something chooses who gets which version.
    SplitMismatch,
    /// Calls get feedback more often or more seldom than with the old version.
    ResponseRateChanged,
    /// More calls fail.
    MoreErrors,
}

impl Guard {
    /// In words, as a clause.
    pub fn words(self) -> &'static str {
        match self {
            Guard::SplitMismatch => "traffic is not split as configured",
            Guard::ResponseRateChanged => "response rate changed",
            Guard::MoreErrors => "more calls fail",
        }
    }
}

/// What came of a change from one version of a prompt to another.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// The prompt.
    pub prompt_uri: PromptUri,
    /// The version before.
    pub old_version: Version,
    /// The version since.
    pub new_version: Version,
    /// From the change to the last hour that was counted: at most the horizon.
    pub window: SnapshotWindow,
    /// Days since the change.
    pub active_days: f64,
    /// What was compared.
    pub basis: Basis,
    /// The same in words.
    pub label: &'static str,
    /// What the evidence says.
    pub judgement: Judgement,
    /// Whether it is bad enough, and sure enough, to go back.
    pub suggest_rollback: bool,
    /// When the verdict was reached; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<String>,
    /// The odds of a negative unit of feedback: what the verdict is about.
    pub negative: OddsEffect,
    /// The odds of a failed call.
    pub errors: OddsEffect,
    /// Mean tokens of a call.
    pub tokens: RatioEffect,
    /// Mean cost of a call.
    pub cost: RatioEffect,
    /// Mean duration of a call.
    pub latency: RatioEffect,
    /// What to know before believing it.
    pub guards: Vec<Guard>,
}

/// What a proposal promises to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Measure {
    /// Odds of a negative signal.
    Negative,
    /// Tokens of a call.
    Tokens,
    /// Cost of a call.
    Cost,
    /// Duration of a call.
    Latency,
}

impl Measure {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Measure::Negative => "odds of a negative signal",
            Measure::Tokens => "tokens",
            Measure::Cost => "cost",
            Measure::Latency => "latency",
        }
    }
}

/// What to expect of a prediction, by what became of the proposer's earlier ones. Effects are relative: −0.18 is
/// 18 % less.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Expectation {
    /// What is predicted of.
    pub measure: Measure,
    /// The prediction.
    pub predicted: f64,
    /// What to expect.
    pub expected: f64,
    /// The 80 % interval of what will be measured.
    pub interval: [f64; 2],
    /// The share of its predictions that this proposer realises.
    pub realises: f64,
    /// Its finished proposals.
    pub sample_size: u64,
    /// How many of them missed their own interval.
    pub missed: u64,
    /// Whether they miss more often than an 80 % interval may.
    pub overconfident: bool,
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Rounded first, so that nothing is written as minus nought.
        let percent = |share: f64| (share * 100.0).round() + 0.0;
        let signed = |share: f64| match percent(share) {
            0.0 => "0".to_owned(),
            n => format!("{n:+.0}"),
        };
        write!(f, "predicted {} % {}; ", signed(self.predicted), self.measure.words())?;
        match self.sample_size {
            0 => write!(f, "this proposer has no finished proposals")?,
            n => write!(
                f,
                "this proposer realises {:.0} % of what it predicts (n={n})",
                percent(self.realises)
            )?,
        }
        let [low, high] = self.interval.map(signed);
        write!(f, " -> expect {} % [{low}, {high}]", signed(self.expected))?;
        if self.overconfident {
            write!(f, "; {} of its {} proposals missed their 80 % interval", self.missed, self.sample_size)?;
        }
        Ok(())
    }
}

/// What became of a prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Delivery {
    /// There is an effect, and it may be as large as expected, or is larger.
    Delivered,
    /// It is smaller than expected.
    UnderDelivered,
    /// The version regressed, or the effect is the other way.
    Backfired,
    /// It may be as expected, and it may be nothing.
    Open,
}
