//! One model call, in the units that the product counts in: milliseconds since the epoch, micro-seconds of
//! duration, nano-dollars. Integers, so that sums are exact and taking one back leaves nothing behind.

use std::sync::Arc;

use super::prompt::PromptCallMetadata;

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type Millis = i64;
/// Billionths of a US dollar.
pub type NanoUsd = i64;

/// Milliseconds in an hour.
pub const HOUR_MS: i64 = 3_600_000;

/// A model call that is complete: it was answered, or it failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The caller's id of this call; unique within a store.
    pub provenance_id: String,
    /// When the call began.
    pub at: Millis,
    /// The prompts it used; `None` where the telemetry names none.
    pub prompts: Option<Arc<PromptCallMetadata>>,
    /// The model that answered, else the one asked for, as the provider names it.
    pub model: String,
    /// The provider, as the telemetry names it.
    pub provider: Option<String>,
    /// Input tokens, cached ones included; `None` where not reported.
    pub input_tokens: Option<u32>,
    /// Output tokens.
    pub output_tokens: Option<u32>,
    /// Input tokens that were read from the provider's cache.
    pub cached_tokens: Option<u32>,
    /// What the call cost.
    pub cost: Option<NanoUsd>,
    /// Whether `cost` was computed here from a price table.
    pub cost_estimated: bool,
    /// Wall time of the call in microseconds.
    pub duration_us: Option<u64>,
    /// Time to the first token in microseconds.
    pub ttft_us: Option<u64>,
    /// Whether the provider answered.
    pub ok: bool,
    /// The error, where `ok` is false.
    pub error: Option<String>,
    /// The agent that made the call.
    pub agent: Option<String>,
    /// The session it belongs to.
    pub session: Option<String>,
    /// The user it was made for.
    pub user: Option<String>,
}
