//! What is written in the demo world's telemetry: why a call failed, and what people and programs remark.
//!
//! Words only; when they are said stands in `traffic.rs`.

use crate::domain::feedback::{Signal, Source};

/// How a call fails.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failure {
    /// What the provider says.
    pub text: &'static str,
    /// How long it takes to fail, on average.
    pub milliseconds: f64,
}

impl Failure {
    /// The failure of a prompt that asks for too much.
    pub const OF_PROMPT: Failure = Failure {
        text: "context_length_exceeded: the input is longer than the model accepts",
        milliseconds: 140.0,
    };

    /// The failures of providers, by share.
    pub fn of_model(share: f64) -> Failure {
        let (text, milliseconds) = match share {
            s if s < 0.55 => ("rate_limit_exceeded: too many requests", 60.0),
            s if s < 0.80 => ("timeout: no answer within 30 s", 30_000.0),
            s if s < 0.93 => ("overloaded: try again later", 400.0),
            _ => ("internal_error: the provider failed", 900.0),
        };
        Failure { text, milliseconds }
    }
}

/// What people and programs write beside a signal.
pub(super) fn remarks(signal: Signal, source: Source) -> &'static [&'static str] {
    match (signal, source) {
        (Signal::Positive, Source::User) => {
            &["exactly what I needed", "thanks, sent as it is", "clear and short"]
        }
        (Signal::Positive, _) => &["schema valid, all fields grounded", "judge: 5 of 5", "high confidence"],
        (Signal::Negative, Source::User) => &[
            "wrong case",
            "it ignored half of my question",
            "this is not our policy",
            "I wanted a table, not this",
        ],
        (Signal::Negative, _) => &["schema check failed", "judge: 1 of 5", "statement without source"],
        (Signal::Rephrase, _) => {
            &["asked again with more detail", "same question, other words", "had to name the format"]
        }
        (Signal::Correction, _) => &["amount corrected by hand", "label changed", "two sentences rewritten"],
    }
}
