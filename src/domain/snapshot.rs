//! How a prompt performs in a window: the seed's `PromptPerformanceSnapshot`, with the interval and the sample size
//! of every rate.
//!
//! Shapes only; the numbers are computed in `engine::performance`. Start with [`PromptPerformanceSnapshot`].

use semver::Version;
use serde::{Serialize, Serializer};

use super::feedback::Source;
use super::prompt::PromptUri;
use super::window::Window;

/// Whether there is enough evidence to read a number as a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Enough to compare.
    Sufficient,
    /// Too little: the estimate is only shown with its interval, and ranks after those that have enough.
    Insufficient,
}

/// A share of `sample_size`, with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rate {
    /// How many.
    pub count: u64,
    /// `count / sample_size`; `None` of nothing.
    pub rate: Option<f64>,
    /// Modified Jeffreys interval at 95 %.
    pub interval: [f64; 2],
    /// Of how many.
    pub sample_size: u64,
    /// Whether that is enough.
    pub verdict: Verdict,
}

/// The score of the feedback in \[0, 1\]: positive 1, rephrase ½, correction ¼, negative 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FeedbackScore {
    /// Posterior mean. Without feedback it is the prior's, which is why `verdict` stands beside it.
    pub feedback_score: f64,
    /// Central 95 % interval of the posterior.
    pub interval: [f64; 2],
    /// Signals.
    pub sample_size: u64,
    /// Whether that is enough.
    pub verdict: Verdict,
}

/// The window of a snapshot, as the seed writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotWindow(pub Window);

impl Serialize for SnapshotWindow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([("start", self.0.start()), ("end", self.0.end())])
    }
}

/// Totals and averages. An average is `None` where no call reports the number, and is of the calls that do.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotStats {
    /// Calls, each counted once.
    pub total_calls: u64,
    /// Mean of input and output tokens.
    pub avg_tokens: Option<f64>,
    /// Mean cost in US dollars.
    pub avg_cost_usd: Option<f64>,
    /// Mean duration in milliseconds.
    pub avg_duration_ms: Option<f64>,
    /// Positive signals.
    pub positive_signals: u64,
    /// Negative signals.
    pub negative_signals: u64,
    /// Rephrase signals.
    pub rephrases: u64,
    /// Correction signals.
    pub corrections: u64,
    /// Calls that the provider did not answer.
    pub failed_calls: u64,
    /// Calls with token counts: the base of `avg_tokens`.
    pub metered_calls: u64,
    /// Calls with a cost: the base of `avg_cost_usd`.
    pub priced_calls: u64,
    /// Those whose cost was estimated from a price table.
    pub estimated_calls: u64,
    /// Calls with a duration: the base of `avg_duration_ms`.
    pub timed_calls: u64,
    /// Sum of input tokens, as reported: with the cached ones where the provider counts them in.
    pub input_tokens: u64,
    /// Sum of output tokens.
    pub output_tokens: u64,
    /// Sum of input tokens read from a cache.
    pub cached_tokens: u64,
    /// Sum of costs in US dollars.
    pub total_cost_usd: f64,
    /// Median duration in milliseconds, within 1 %.
    pub p50_duration_ms: Option<f64>,
    /// 95th percentile of durations in milliseconds, within 1 %.
    pub p95_duration_ms: Option<f64>,
}

/// The rates of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotRates {
    /// Positive among the signals.
    pub positive: Rate,
    /// Negative among the signals.
    pub negative: Rate,
    /// Rephrases among the signals.
    pub rephrase: Rate,
    /// Corrections among the signals.
    pub correction: Rate,
    /// Calls that failed among the calls.
    pub error: Rate,
    /// Evidence units (the first signal per prompt version, session or user, and hour of arrival) to calls, at most 1: everything above is about the calls that got feedback.
    pub feedback_coverage: Rate,
}

/// Performance of a part of the calls.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    /// Calls.
    pub call_count: u64,
    /// Mean duration in milliseconds.
    pub avg_latency_ms: Option<f64>,
    /// 95th percentile of durations in milliseconds.
    pub p95_latency_ms: Option<f64>,
    /// Mean cost in US dollars.
    pub avg_cost_usd: Option<f64>,
    /// Mean of input and output tokens.
    pub avg_tokens: Option<f64>,
    /// Calls that failed among the calls.
    pub error: Rate,
    /// The score of its feedback.
    #[serde(flatten)]
    pub score: FeedbackScore,
}

/// One model's part.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelPart {
    /// The model.
    pub model_id: String,
    /// Its calls.
    #[serde(flatten)]
    pub part: Part,
}

/// One version's part.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionPart {
    /// The version.
    pub version: Version,
    /// Its calls.
    #[serde(flatten)]
    pub part: Part,
}

/// The part of the calls in which the prompt was a certain layer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LayerPart {
    /// `direct`, `core`, `org` or `user`.
    pub layer: &'static str,
    /// Its calls.
    #[serde(flatten)]
    pub part: Part,
}

/// The signals of one source.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SourcePart {
    /// Who gave them.
    pub source: Source,
    /// Positive signals.
    pub positive_signals: u64,
    /// Negative signals.
    pub negative_signals: u64,
    /// Rephrase signals.
    pub rephrases: u64,
    /// Correction signals.
    pub corrections: u64,
    /// Their score.
    #[serde(flatten)]
    pub score: FeedbackScore,
}

/// A comprehensive view of how a prompt performs (the seed's record, field for field, and the evidence behind it).
///
/// A signal counts in the window of its call.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PromptPerformanceSnapshot {
    /// The prompt's key.
    pub prompt_key: String,
    /// The prompt; with a version where the snapshot is of one version.
    pub prompt_uri: PromptUri,
    /// The window.
    pub window: SnapshotWindow,
    /// Totals and averages.
    pub stats: SnapshotStats,
    /// Rates with intervals.
    pub rates: SnapshotRates,
    /// The score over all models.
    pub feedback: FeedbackScore,
    /// By model, most calls first.
    pub model_breakdown: Vec<ModelPart>,
    /// By version, newest first.
    pub version_breakdown: Vec<VersionPart>,
    /// By layer.
    pub layer_breakdown: Vec<LayerPart>,
    /// By source of feedback; sources without a signal are left out.
    pub source_breakdown: Vec<SourcePart>,
    /// The model that is best with a probability of at least .8 on at least 20 signals; absent where none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recommended_model: Option<String>,
}
