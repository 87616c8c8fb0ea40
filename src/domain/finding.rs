//! Which prompts underperform, by which detector, on what evidence; and which have too little of it.
//!
//! Shapes only; the numbers are computed in `engine::detect`. Start with [`Findings`].

use serde::{Deserialize, Serialize};

use super::prompt::PromptUri;
use super::snapshot::{SnapshotWindow, Verdict};

/// What a prompt can be found for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Detector {
    /// More than a tolerated share of its evidence units is negative.
    HighNegative,
    /// Fewer of its calls are answered than its peers' are.
    LowSuccess,
    /// Its calls need several times the tokens of its peers'.
    TokenOutlier,
    /// Its calls cost several times what its peers' do.
    CostOutlier,
    /// Most of its calls go to a model that serves it worse than another does.
    AffinityMismatch,
}

impl Detector {
    /// The word used in reports and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Detector::HighNegative => "high-negative",
            Detector::LowSuccess => "low-success",
            Detector::TokenOutlier => "token-outlier",
            Detector::CostOutlier => "cost-outlier",
            Detector::AffinityMismatch => "affinity-mismatch",
        }
    }
}

/// What the detectors ask for (`statistics.md` section 3).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Thresholds {
    /// The tolerated share of negative evidence units.
    pub negative_rate: f64,
    /// A success rate is low from this far below the peers' median on, at least.
    pub success_margin: f64,
    /// How many times the peers' median a mean of tokens or costs must be.
    pub cost_ratio: f64,
    /// The least gain in affinity that is worth a change of model.
    pub gain: f64,
    /// The share of a list that may be false (q).
    pub false_discovery: f64,
    /// How many peers a comparison with peers needs.
    pub peers: u64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Thresholds {
            negative_rate: 0.2,
            success_margin: 0.03,
            cost_ratio: 3.0,
            gain: 0.03,
            false_discovery: 0.1,
            peers: 8,
        }
    }
}

impl Thresholds {
    /// What is wrong with them, if anything: the key as configuration writes it, and its bounds.
    pub fn fault(&self) -> Option<String> {
        let bounds = [
            ("negative_rate", self.negative_rate, 0.0, 1.0),
            ("success_margin", self.success_margin, 0.0, 1.0),
            ("cost_ratio", self.cost_ratio, 1.0, 1e6),
            ("gain", self.gain, 0.0, 1.0),
            ("false_discovery", self.false_discovery, 0.0, 1.0),
        ];
        let outside = bounds.into_iter().find(|(_, value, low, high)| !(value > low && value < high));
        outside.map(|(key, value, low, high)| format!("{key} = {value}: it must be between {low} and {high}"))
    }
}

/// How strong the evidence is, by the detector's kind of statistic.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Evidence {
    /// An e-value: at most a share 1/e of healthy prompts ever shows it, however often one looks.
    EValue {
        /// ln e.
        ln_e: f64,
        /// e, at most the largest number.
        e: f64,
        /// Posterior probability that the rate is on the wrong side of the threshold.
        probability: f64,
    },
    /// A p-value of one look.
    PValue {
        /// Against "at most twice the peers' median".
        p: f64,
        /// Adjusted for the number of prompts of the organization.
        adjusted: f64,
        /// Mean to the peers' median.
        ratio: f64,
        /// ln of that in robust standard deviations of the peers.
        robust_z: f64,
    },
    /// A posterior probability.
    Probability {
        /// That the gain is at least the threshold.
        probability: f64,
    },
}

/// What a detector says of a prompt, with all that it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Assessment {
    /// The prompt; with the version that the evidence is of, where one is active.
    pub prompt_uri: PromptUri,
    /// The detector.
    pub detector: Detector,
    /// The prompts that it is compared with.
    pub task_type: String,
    /// How many of them had evidence, itself not counted.
    pub peers: u64,
    /// A share of units or calls, a mean of tokens or dollars, or a gain in affinity.
    pub estimate: f64,
    /// Rates: the 95 % confidence sequence, which may be watched. Means: the large-sample 95 % interval of one look.
    /// Gains: the central 90 % of the posterior.
    pub interval: [f64; 2],
    /// What the estimate is held against.
    pub threshold: f64,
    /// Evidence units, or calls.
    pub sample_size: u64,
    /// How strong the evidence is.
    pub evidence: Evidence,
    /// What would be won, in the unit of the estimate, if the prompt were as its peers usually are, or ran on the
    /// better model. Shrunk where the estimate is a rate: a raw difference would promise too much.
    pub expected_gain: f64,
    /// The model that most calls go to, where models are compared.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub model: Option<String>,
    /// The one that would serve better.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub better_model: Option<String>,
}

/// What there is too little of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Lack {
    /// Evidence units: the first signal per prompt, session or user, and hour.
    Units,
    /// Calls, or calls that report the number.
    Calls,
    /// Prompts of the task type with evidence.
    Peers,
    /// Models that the prompt ran on.
    Models,
}

/// Why a detector says nothing of a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shortfall {
    /// The detector.
    pub detector: Detector,
    /// Always [`Verdict::Insufficient`]: not enough evidence is a value.
    pub verdict: Verdict,
    /// Of what there is too little.
    pub of: Lack,
    /// How many there are.
    pub have: u64,
    /// How many more are needed.
    pub missing: u64,
}

/// A prompt of which some detectors say nothing yet.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Thin {
    /// The prompt; with the version that the evidence is of, where one is active.
    pub prompt_uri: PromptUri,
    /// Why, by detector.
    pub shortfalls: Vec<Shortfall>,
}

/// What the detectors say of all prompts in a window. A prompt in none of the lists is unremarkable.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Findings {
    /// The window.
    pub window: SnapshotWindow,
    /// How many prompts were looked at.
    pub prompts: u64,
    /// What was asked for.
    pub thresholds: Thresholds,
    /// The lists: of each detector's, at most a share `falseDiscovery` is expected to be false. By detector, strongest
    /// first.
    pub findings: Vec<Assessment>,
    /// More likely than not beyond their threshold, but not sure enough to be on a list: not findings. Most probable
    /// first.
    pub watch: Vec<Assessment>,
    /// By prompt.
    pub insufficient: Vec<Thin>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_have_bounds() {
        let usual = Thresholds::default();
        assert_eq!(usual.fault(), None);
        for wrong in [
            Thresholds { negative_rate: 0.0, ..usual },
            Thresholds { false_discovery: 1.0, ..usual },
            Thresholds { cost_ratio: f64::NAN, ..usual },
            Thresholds { gain: -0.1, ..usual },
        ] {
            assert!(wrong.fault().is_some_and(|fault| fault.contains("between")));
        }
    }
}
