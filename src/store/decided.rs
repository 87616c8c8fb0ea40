//! What a decision did, as [`Docket`](super::decide::Docket) answers.

use semver::Version;

use crate::domain::prompt::PromptUri;
use crate::domain::proposal::{ProposalId, Risk};
use crate::engine::bump::Change;

/// A proposal that was applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// Which.
    pub proposal: ProposalId,
    /// The prompt with the version that is active now.
    pub uri: PromptUri,
    /// The version active before, which a rollback goes back to.
    pub previous: Version,
    /// What differs.
    pub change: Change,
    /// Whether an earlier version is active again; else a new one was published.
    pub rolled_back: bool,
    /// The share of the sessions that the version is served to first; absent where it is active.
    pub canary: Option<f64>,
    /// The ledger entry.
    pub entry: u64,
}

/// What an acceptance did.
#[derive(Debug, Clone, PartialEq)]
pub enum Accepted {
    /// Enough have signed.
    Applied(Applied),
    /// The signature is recorded, and more are needed: so many of so many.
    Signed(u32, u32),
}

/// What the agent did of itself with a proposal.
#[derive(Debug, Clone, PartialEq)]
pub enum Automatic {
    /// Applied it, because.
    Applied(Applied, String),
    /// Left it to a steward, because.
    Left(String),
}

/// A proposal moved onto the version that is active now.
#[derive(Debug, Clone, PartialEq)]
pub struct Moved {
    /// The active version.
    pub base_version: Version,
    /// The new content over it.
    pub text: String,
    /// How much can go wrong with it.
    pub risk: Risk,
    /// The run that moved it.
    pub run: Option<u64>,
}
