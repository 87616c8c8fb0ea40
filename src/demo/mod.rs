//! A seeded, living world for demos, tests and benchmarks.
//!
//! An organization of sixty prompts, six models and thirty-two users, whose calls and feedback follow from a [`Plan`]
//! alone: the same plan gives the same world to the byte. Must not write anywhere: what it makes goes in through the
//! ordinary intake. Start with [`World::new`], then [`World::prompts`] and [`World::traffic`].
//!
//! # The planted stories
//!
//! Moments are fractions of the plan's time, rounded down to the full hour; 0.9 of 30 days is three days before the end.
//!
//! | prompt or model | what is planted | when | where it shows |
//! | --- | --- | --- | --- |
//! | `legal.contract-analysis` | the first example of the product: 72 % positive, 12 % negative, 16 % rephrase, 1,203 tokens, $0.006, 1.2 s; best on `gpt-4o` (affinity about 0.9), then sonnet (0.87), mostly run on `gemini-2.5-pro`; 0.9.0 → 1.0.0 improved it | 0.35 | report, affinity, mismatch |
//! | `support.refund-reply` | 2.1.0 drops cases from the policy: unhappy signals 11 % → 34 % | 0.91 | degradation, on call |
//! | `extraction.invoice-fields` | 1.3.0 takes the latest date and rounds: 10 % → 25 % | 0.80 | degradation, verdict |
//! | `summarize.call-notes` | traffic moves from sonnet to haiku, which is worse at it; text unchanged | 0.70 | degradation whose cause is the mix |
//! | `support.order-status` | 1.2.0 improves it: 28 % → 10 % | 0.50 | verdict |
//! | `code.review-pull-request`, `analysis.market-brief` | about four times the tokens of their peers | always | cost outlier |
//! | `support.triage-intake`, `draft.release-notes` | vague texts: a third of the signals is rephrase | always | high rephrase rate |
//! | `analysis.vendor-risk` | scores without a scale that people share: a third of the signals is negative | always | negative rate |
//! | `finance.variance-note` | sums that do not add up: three signals in ten are corrections | always | correction rate |
//! | `code.explain-diff` | runs on `gpt-4o-mini` (33 % unhappy), is good on sonnet (5 %) | always | affinity mismatch |
//! | `extraction.resume-profile` | runs on gemini (27 %), is good on the cheap `gpt-4o-mini` (6 %) | always | affinity mismatch |
//! | `extraction.shipping-manifest` | 9 % of its calls exceed the context | always | success below peers |
//! | `classify.email-intent` | agents give 65 % of the signals instead of 30 %; nothing got worse | 0.60 | must *not* alarm |
//! | `llama3.1-70b` | changes silently: odds of displeasing × 2.9, 20 % faster; carries `classify.ticket-priority`, `.content-risk`, `.expense-category`, `summarize.ticket-history` and more | 0.87 | model incident over several prompts |
//! | `gemini-2.5-pro` | an outage of one hour: 55 % errors | 0.62 | error burst |
//! | `claude-haiku-4-5` | six slow hours: durations × 2.3 | 0.95 | latency |
//! | `analysis.churn-drivers`, `support.warranty-claim`, `extraction.lab-results`, `draft.policy-update` | 17, 14, 9 and 4 calls | always | "insufficient" |
//! | all others | healthy: 6–15 % unhappy, small habits of their own | | |
//!
//! Beside the stories, people decide: [`Release`]s of planned versions are proposed and accepted, the agent gets one trial
//! after another, and what it applies or a steward accepts is followed by the traffic; `decisions.rs` has the list. So
//! `extraction.resume-profile` moves to the cheap model at 0.63, and `extraction.shipping-manifest` declares its carrier at
//! 0.96, in a store that the world is made in; [`World::traffic`] alone knows nothing of it.
//!
//! A prompt's story touches what layers on it: the patch `extraction.invoice-eu` suffers with `extraction.invoice-fields`.

mod arrivals;
mod decisions;
mod dice;
mod models;
mod prompts;
mod stories;
mod traffic;
mod words;
mod world;

#[cfg(test)]
mod parse_tests;
#[cfg(test)]
mod tests;

pub use decisions::{Decision, OWNER, Release, SECOND, Step};
pub use traffic::Traffic;
pub use world::{Plan, Publication, World};
