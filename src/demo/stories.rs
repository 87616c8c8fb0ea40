//! What is planted in the demo world: which prompts degrade, cost too much, are unclear, run on the wrong model.
//!
//! One table for prompts and one for models; `mod.rs` tells them as prose. Must not make events: a story only changes
//! the [`Character`] of a prompt or names a moment at which something turns. Start with [`STORIES`].

use super::dice::Dice;
use super::models::{self, COUNT, GEMINI, GPT_4O, GPT_4O_MINI, HAIKU, LLAMA, MODELS, SONNET};

/// How a prompt behaves when called: the truth behind the telemetry.
#[derive(Debug, Clone)]
pub struct Character {
    /// Share of signals that are not positive, with its newest version on its usual models.
    pub unhappy: f64,
    /// How complaints divide into negative, rephrase and correction.
    pub complaints: [f64; 3],
    /// Mean input tokens with its newest version.
    pub input: f64,
    /// Mean output tokens.
    pub output: f64,
    /// Share of calls that fail because of the prompt, beyond what the models fail.
    pub errors: f64,
    /// Share of answered calls that get a signal.
    pub feedback: f64,
    /// How signals divide over user, agent and system.
    pub sources: [f64; 3],
    /// How calls divide over the models.
    pub models: [f64; COUNT],
    /// Odds of displeasing on each model, relative to `unhappy`.
    pub odds: [f64; COUNT],
    /// Odds of displeasing with any earlier version, relative to the newest.
    pub earlier: f64,
    /// When the newest version became active, where a story says so: a fraction of the world's time.
    pub newest_at: Option<f64>,
    /// Models and signals follow even sequences instead of chance.
    pub even: bool,
    /// A fixed share of all calls, instead of one by rank.
    pub share: Option<f64>,
    /// A fixed number of calls.
    pub thin: Option<u32>,
}

/// What happens to a prompt. Rates are shares of signals, moments are fractions of the world's time.
#[derive(Debug, Clone, Copy)]
pub enum Plot {
    /// The newest version becomes active at `at`; the share of unhappy signals goes from `before` to `after`.
    NewVersion { before: f64, after: f64, at: f64 },
    /// Needs this many tokens in and out, on average.
    Tokens([f64; 2]),
    /// This share of the signals is unhappy always, and divides like this into negative, rephrase and correction.
    Poor { unhappy: f64, complaints: [f64; 3] },
    /// Per model: its share of calls and the share of unhappy signals there.
    OnModels(&'static [(usize, f64, f64)]),
    /// From `at` on, calls divide differently over the models; the text is the same.
    MovesTo { models: &'static [(usize, f64)], at: f64 },
    /// From `at` on, agents give this share of the signals; the quality is the same.
    JudgedByAgents { share: f64, at: f64 },
    /// This share of its calls fails.
    Fails(f64),
    /// How complaints divide, and the share of calls that get a signal. Its models and signals come evenly, by
    /// no luck, mood or source, so that a hundred signals already show the planned shares.
    Judged { complaints: [f64; 3], feedback: f64 },
    /// Gets exactly this share of all calls.
    Share(f64),
    /// Gets exactly this many calls, fewer than any statement needs.
    Thin(u32),
}

/// The planted stories of prompts. A key may have several.
pub const STORIES: &[(&str, Plot)] = &[
    // The prompt of the product's first example.
    ("legal.contract-analysis", Plot::Share(0.003_7)),
    ("legal.contract-analysis", Plot::Tokens([760.0, 443.0])),
    ("legal.contract-analysis", Plot::Judged { complaints: [0.43, 0.57, 0.0], feedback: 0.12 }),
    ("legal.contract-analysis", Plot::NewVersion { before: 0.38, after: 0.28, at: 0.35 }),
    (
        "legal.contract-analysis",
        Plot::OnModels(&[(GEMINI, 0.52, 0.50), (GPT_4O, 0.30, 0.03), (SONNET, 0.18, 0.12)]),
    ),
    // Degrading.
    ("support.refund-reply", Plot::NewVersion { before: 0.11, after: 0.34, at: 0.91 }),
    ("extraction.invoice-fields", Plot::NewVersion { before: 0.10, after: 0.25, at: 0.80 }),
    (
        "summarize.call-notes",
        Plot::OnModels(&[(SONNET, 0.85, 0.08), (HAIKU, 0.10, 0.34), (GPT_4O, 0.05, 0.09)]),
    ),
    (
        "summarize.call-notes",
        Plot::MovesTo { models: &[(SONNET, 0.18), (HAIKU, 0.77), (GPT_4O, 0.05)], at: 0.70 },
    ),
    // Improving.
    ("support.order-status", Plot::NewVersion { before: 0.28, after: 0.10, at: 0.50 }),
    // Costly.
    ("code.review-pull-request", Plot::Tokens([4_700.0, 1_750.0])),
    ("analysis.market-brief", Plot::Tokens([3_900.0, 1_900.0])),
    // Unclear.
    ("support.triage-intake", Plot::Poor { unhappy: 0.48, complaints: [0.10, 0.85, 0.05] }),
    ("draft.release-notes", Plot::Poor { unhappy: 0.50, complaints: [0.10, 0.85, 0.05] }),
    // Poor, and poor in need of correction.
    ("analysis.vendor-risk", Plot::Poor { unhappy: 0.42, complaints: [0.80, 0.12, 0.08] }),
    ("finance.variance-note", Plot::Poor { unhappy: 0.36, complaints: [0.15, 0.05, 0.80] }),
    // On the wrong model.
    (
        "code.explain-diff",
        Plot::OnModels(&[(GPT_4O_MINI, 0.76, 0.33), (SONNET, 0.14, 0.05), (GPT_4O, 0.10, 0.14)]),
    ),
    (
        "extraction.resume-profile",
        Plot::OnModels(&[(GEMINI, 0.70, 0.27), (GPT_4O_MINI, 0.18, 0.06), (HAIKU, 0.12, 0.16)]),
    ),
    // Failing more than its peers.
    ("extraction.shipping-manifest", Plot::Fails(0.09)),
    // Judged differently, but no worse.
    ("classify.email-intent", Plot::JudgedByAgents { share: 0.65, at: 0.60 }),
    // On the model that changes silently.
    ("classify.ticket-priority", Plot::OnModels(&[(LLAMA, 0.88, 0.11), (GPT_4O_MINI, 0.12, 0.11)])),
    ("classify.content-risk", Plot::OnModels(&[(LLAMA, 0.90, 0.12), (HAIKU, 0.10, 0.12)])),
    ("classify.expense-category", Plot::OnModels(&[(LLAMA, 0.85, 0.10), (GPT_4O_MINI, 0.15, 0.10)])),
    ("summarize.ticket-history", Plot::OnModels(&[(LLAMA, 0.80, 0.10), (GPT_4O_MINI, 0.20, 0.10)])),
    // Too little to say anything.
    ("analysis.churn-drivers", Plot::Thin(17)),
    ("support.warranty-claim", Plot::Thin(14)),
    ("extraction.lab-results", Plot::Thin(9)),
    ("draft.policy-update", Plot::Thin(4)),
];

/// What happens to a model between two moments, for every prompt that it serves.
#[derive(Debug, Clone, Copy)]
pub struct Drift {
    /// The model.
    pub model: usize,
    /// From here, a fraction of the world's time,
    pub from: f64,
    /// to here; `None` for good.
    pub hours: Option<i64>,
    /// Odds of displeasing, times this.
    pub odds: f64,
    /// Durations, times this.
    pub slower: f64,
    /// Share of calls that fail in addition.
    pub errors: f64,
}

/// The planted stories of models.
pub const DRIFTS: &[Drift] = &[
    Drift { model: LLAMA, from: 0.87, hours: None, odds: 2.9, slower: 0.8, errors: 0.0 },
    Drift { model: GEMINI, from: 0.62, hours: Some(1), odds: 1.0, slower: 2.5, errors: 0.55 },
    Drift { model: HAIKU, from: 0.95, hours: Some(6), odds: 1.0, slower: 2.3, errors: 0.0 },
];

/// Pairs that callers join: the first is composed with the second.
pub const JOINED: &[(&str, &str)] =
    &[("summarize.board-pack", "style.plain-language"), ("analysis.survey-themes", "style.plain-language")];

/// Odds of a probability.
pub fn odds(p: f64) -> f64 {
    p / (1.0 - p)
}

/// Mean tokens in and out of a task type.
fn tokens(task: &str) -> [f64; 2] {
    match task {
        "analysis" => [900.0, 420.0],
        "support" => [520.0, 160.0],
        "extraction" => [1_050.0, 220.0],
        "summarize" => [1_400.0, 180.0],
        "code" => [1_150.0, 420.0],
        "draft" => [420.0, 330.0],
        _ => [300.0, 8.0],
    }
}

impl Character {
    /// A healthy prompt of that task type, recommended for `model`.
    pub fn healthy(task: &str, model: &str, dice: &mut Dice) -> Character {
        let [input, output] = tokens(task).map(|mean| mean * dice.between(0.75, 1.35));
        let own = models::by_name(model).unwrap_or(GPT_4O);
        let mut share = [0.0; COUNT];
        share[own] = dice.between(0.52, 0.72);
        for _ in 0..3 {
            share[dice.below(COUNT)] += (1.0 - share[own].min(0.9)) / 3.0;
        }
        // The recommendation was a good one: elsewhere the prompt does no better.
        let mut on: [f64; COUNT] = std::array::from_fn(|m| MODELS[m].odds * dice.between(0.9, 1.3));
        on[own] = MODELS[own].odds.min(1.0) * 0.85;
        let mean = on.iter().zip(share).map(|(o, s)| o * s).sum::<f64>() / share.iter().sum::<f64>();
        Character {
            unhappy: dice.between(0.06, 0.15),
            complaints: [dice.between(0.35, 0.5), dice.between(0.25, 0.4), dice.between(0.15, 0.3)],
            input,
            output,
            errors: 0.0,
            feedback: dice.between(0.02, 0.12),
            sources: [0.55, 0.30, 0.15],
            models: share,
            odds: on.map(|o| o / mean),
            earlier: dice.between(1.0, 1.12),
            newest_at: None,
            even: false,
            share: None,
            thin: None,
        }
    }

    /// Lets a story happen to this prompt. What happens at a moment is not told here but in the world's turns.
    pub fn tell(&mut self, plot: Plot) {
        match plot {
            Plot::NewVersion { before, after, at } => {
                self.unhappy = after;
                self.earlier = odds(before) / odds(after);
                self.newest_at = Some(at);
                self.feedback = self.feedback.max(0.10);
            }
            Plot::Tokens([input, output]) => (self.input, self.output) = (input, output),
            Plot::Poor { unhappy, complaints } => {
                (self.unhappy, self.complaints) = (unhappy, complaints);
                // People complain; a check by the platform cannot rephrase.
                self.sources = [0.75, 0.17, 0.08];
                self.feedback = self.feedback.max(0.09);
            }
            Plot::OnModels(on) => {
                self.feedback = self.feedback.max(0.10);
                self.models = [0.0; COUNT];
                let overall = on.iter().map(|(_, share, unhappy)| share * unhappy).sum::<f64>();
                if self.newest_at.is_none() {
                    self.unhappy = overall;
                }
                for (model, share, unhappy) in on {
                    self.models[*model] = *share;
                    self.odds[*model] = odds(*unhappy) / odds(self.unhappy);
                }
            }
            Plot::Fails(errors) => self.errors = errors,
            Plot::Judged { complaints, feedback } => {
                (self.complaints, self.feedback, self.even) = (complaints, feedback, true);
            }
            Plot::Share(share) => self.share = Some(share),
            Plot::Thin(calls) => self.thin = Some(calls),
            Plot::MovesTo { .. } | Plot::JudgedByAgents { .. } => {}
        }
    }
}

/// Shares over all models from a list of some.
pub fn shares(some: &[(usize, f64)]) -> [f64; COUNT] {
    let mut all = [0.0; COUNT];
    for (model, share) in some {
        all[*model] = *share;
    }
    all
}
