//! Which models a prompt's calls may go to, and with which probability.
//!
//! Shapes only; the table is made, and a call's model picked from it, in `engine::route`.

use serde::Serialize;

use super::prompt::PromptUri;
use super::snapshot::{SnapshotWindow, Verdict};

/// The mean of a quantity with its central 90 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// Mean.
    pub mean: f64,
    /// Central 90 % interval.
    pub interval: [f64; 2],
}

/// What lowers a score, each factor in (0, 1]; 1 takes nothing away.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Discount {
    /// The share of calls that are answered.
    pub success: f64,
    /// Against the cheapest of the eligible models.
    pub cost: f64,
    /// Against the fastest of them.
    pub latency: f64,
}

/// A model that calls may go to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RankedModel {
    /// The model.
    pub model_id: String,
    /// The share of the calls that it is to get: the propensity of a call that goes to it.
    pub weight: f64,
    /// The probability that it is the best of the eligible models.
    pub probability: f64,
    /// Why it stands where it stands, in words.
    pub reason: String,
    /// The registry's own preference, 1 where it has none.
    pub base: f64,
    /// Quality, discounted.
    pub score: Estimate,
    /// Quality in \[0, 1\].
    pub quality: Estimate,
    /// What discounts the quality.
    pub discount: Discount,
    /// Signals of the prompt's calls on it.
    pub sample_size: u64,
    /// What is left of their weight by source and age.
    pub evidence_mass: f64,
    /// The prompt's calls on it.
    pub calls: u64,
    /// Mean cost of those in US dollars.
    pub avg_cost_usd: Option<f64>,
    /// 95th percentile of their duration in milliseconds.
    pub p95_latency_ms: Option<f64>,
    /// Whether the prompt's own feedback on it is enough; below, the score leans on peers.
    pub verdict: Verdict,
}

/// A model that calls must not go to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FilteredModel {
    /// The model.
    pub model_id: String,
    /// Everything that stands against it, in words.
    pub reasons: Vec<String>,
}

/// Where a prompt's calls go until the next table.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteTable {
    /// The prompt.
    pub prompt_uri: PromptUri,
    /// Digest of models and weights: with a call's id it says where the call goes.
    pub snapshot_id: String,
    /// The window of the evidence.
    pub window: SnapshotWindow,
    /// What a model had to be able to do.
    pub needs: Vec<String>,
    /// The model to recommend, once that is sure enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recommended_model: Option<String>,
    /// The best so far, while that is not sure enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaning: Option<String>,
    /// The eligible models, most calls first.
    pub models: Vec<RankedModel>,
    /// The others.
    pub filtered: Vec<FilteredModel>,
}

/// Where one call goes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Choice {
    /// The call.
    pub provenance_id: String,
    /// The table that it was picked from.
    pub snapshot_id: String,
    /// The model.
    pub model_id: String,
    /// The probability with which it was picked.
    pub propensity: f64,
}
