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

/// 1970 to 2199: a time outside was stamped by a broken clock, and no door takes it.
pub const PLAUSIBLE_MS: std::ops::Range<Millis> = 0..7_258_118_400_000;

/// The most that one call may cost: 10,000 dollars. More is a mistaken unit, and the sums of cells are `i64`.
pub const MAX_COST: NanoUsd = 10_000_000_000_000;

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
    /// Input tokens, as reported: with the cached ones where the provider counts them in (most do), without them
    /// where it does not. `None` where not reported.
    pub input_tokens: Option<u32>,
    /// Output tokens.
    pub output_tokens: Option<u32>,
    /// Input tokens that were read from the provider's cache.
    pub cached_tokens: Option<u32>,
    /// What the call cost, at most [`MAX_COST`].
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

impl Call {
    /// A call that was answered and of which nothing else is known.
    pub fn bare(provenance_id: impl Into<String>, at: Millis, model: impl Into<String>) -> Call {
        Call {
            provenance_id: provenance_id.into(),
            at,
            prompts: None,
            model: model.into(),
            provider: None,
            input_tokens: None,
            output_tokens: None,
            cached_tokens: None,
            cost: None,
            cost_estimated: false,
            duration_us: None,
            ttft_us: None,
            ok: true,
            error: None,
            agent: None,
            session: None,
            user: None,
        }
    }
}
