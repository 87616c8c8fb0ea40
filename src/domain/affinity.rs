//! How well a model serves a prompt: the seed's `PromptModelAffinity`, with the evidence behind it.
//!
//! Shapes only; the numbers are computed in `engine::affinity`.

use serde::Serialize;

use super::prompt::PromptUri;
use super::snapshot::{Rate, Verdict};

/// What was measured of a prompt on a model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AffinityStats {
    /// Mean duration in milliseconds.
    pub avg_latency_ms: Option<f64>,
    /// Mean cost in US dollars.
    pub avg_cost_usd: Option<f64>,
    /// Calls answered among the calls; `None` without calls.
    pub success_rate: Option<f64>,
    /// Positive among the signals; `None` without signals.
    pub positive_signal_rate: Option<f64>,
    /// Negative among the signals; `None` without signals.
    pub negative_signal_rate: Option<f64>,
}

/// The rates of [`AffinityStats`] with their intervals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AffinityRates {
    /// Calls answered among the calls.
    pub success: Rate,
    /// Positive among the signals.
    pub positive: Rate,
    /// Negative among the signals.
    pub negative: Rate,
}

/// How well a model serves a prompt (the seed's record, field for field, and the evidence behind it).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PromptModelAffinity {
    /// The prompt.
    pub prompt_uri: PromptUri,
    /// The model.
    pub model_id: String,
    /// Signals.
    pub sample_size: u64,
    /// What was measured.
    pub stats: AffinityStats,
    /// The same rates with intervals.
    pub rates: AffinityRates,
    /// Quality-weighted, cost-adjusted score in \[0, 1\].
    pub affinity_score: f64,
    /// Central 90 % interval of the score.
    pub interval: [f64; 2],
    /// The probability that this is the best of the prompt's models.
    pub probability_best: f64,
    /// Whether the model's own feedback is enough; below, the score leans on its peers.
    pub verdict: Verdict,
    /// What the score is made of.
    #[serde(skip)]
    pub worth: Worth,
}

/// A model's worth for a prompt: `discount · Q`, `Q ~ Beta(alpha, beta)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Worth {
    /// First shape parameter of the quality.
    pub alpha: f64,
    /// Second shape parameter.
    pub beta: f64,
    /// The share of calls that are answered, few calls leaning on the model's others.
    pub success: f64,
    /// What its cost leaves, 1 for the cheapest.
    pub cost: f64,
    /// What its latency leaves, 1 for the fastest.
    pub latency: f64,
}

impl Default for Worth {
    /// Of a model of which nothing is known.
    fn default() -> Self {
        Worth { alpha: 1.0, beta: 1.0, success: 1.0, cost: 1.0, latency: 1.0 }
    }
}
