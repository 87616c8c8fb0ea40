//! The six models of the demo world: prices, speed, and how good they are in general.
//!
//! Plausible list prices for the demo, not a price table: billing in earnest uses the one that `models import` reads.

use crate::domain::call::NanoUsd;

/// How many models the world has.
pub const COUNT: usize = 6;

/// `gpt-4o`
pub const GPT_4O: usize = 0;
/// `gpt-4o-mini`
pub const GPT_4O_MINI: usize = 1;
/// `claude-sonnet-4-5`
pub const SONNET: usize = 2;
/// `claude-haiku-4-5`
pub const HAIKU: usize = 3;
/// `gemini-2.5-pro`
pub const GEMINI: usize = 4;
/// `llama3.1-70b`
pub const LLAMA: usize = 5;

/// One model.
#[derive(Debug, Clone, Copy)]
pub struct Model {
    /// The provider's name for it.
    pub name: &'static str,
    /// Who serves it.
    pub provider: &'static str,
    /// Price of an input token.
    pub input: NanoUsd,
    /// Price of an input token read from the cache.
    pub cached: NanoUsd,
    /// Price of an output token.
    pub output: NanoUsd,
    /// Mean milliseconds to the first token.
    pub first_ms: f64,
    /// Mean milliseconds for each output token.
    pub token_ms: f64,
    /// Share of calls that fail for the model's own reasons.
    pub errors: f64,
    /// Odds that an answer displeases, relative to `gpt-4o`.
    pub odds: f64,
}

/// The models, in the order of the constants above.
pub const MODELS: [Model; COUNT] = [
    model("gpt-4o", "openai", [2_500, 1_250, 10_000], [260.0, 1.75], 0.007, 1.0),
    model("gpt-4o-mini", "openai", [150, 75, 600], [180.0, 1.2], 0.006, 1.35),
    model("claude-sonnet-4-5", "anthropic", [3_000, 300, 15_000], [380.0, 2.2], 0.008, 0.9),
    model("claude-haiku-4-5", "anthropic", [1_000, 100, 5_000], [210.0, 1.4], 0.007, 1.2),
    model("gemini-2.5-pro", "google", [1_250, 125, 10_000], [450.0, 1.9], 0.010, 1.05),
    model("llama3.1-70b", "together", [880, 880, 880], [160.0, 1.6], 0.012, 1.4),
];

const fn model(
    name: &'static str,
    provider: &'static str,
    [input, cached, output]: [NanoUsd; 3],
    [first_ms, token_ms]: [f64; 2],
    errors: f64,
    odds: f64,
) -> Model {
    Model { name, provider, input, cached, output, first_ms, token_ms, errors, odds }
}

/// The model of that name.
pub fn by_name(name: &str) -> Option<usize> {
    MODELS.iter().position(|m| m.name == name)
}
