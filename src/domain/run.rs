//! What a run of the Prompt Refinement Agent did: what it looked at, what it found, what it proposed, what it left alone
//! and why, and what it spent.
//!
//! Shapes only. Start with [`Run`].

use std::fmt;

use semver::Version;
use serde::{Deserialize, Serialize};

use super::call::Millis;
use super::identity::Identity;
use super::prompt::PromptUri;
use super::proposal::{ProposalId, RiskLevel};

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// Who ran.
    pub agent: Identity,
    /// When, RFC 3339.
    pub at: String,
    /// Whether nothing was to be written.
    pub dry: bool,
    /// Why it did nothing, where its grant did not allow it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub refused: Option<String>,
    /// Why rules drafted, where a model is configured.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub without_model: Option<String>,
    /// The window looked at, from and to.
    pub window: [String; 2],
    /// What it looked at.
    pub looked: Looked,
    /// What it did, finding by finding.
    pub steps: Vec<Step>,
    /// What it spent on drafting.
    pub spent: Spent,
}

/// How long it takes until a run is due, ms: so long after the newest, which may be of a clock that went ahead.
pub fn due_in(newest: Millis, every: Millis, now: Millis) -> Millis {
    newest.saturating_add(every).saturating_sub(now).clamp(0, every)
}

/// What a run looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Looked {
    /// Prompts.
    pub prompts: u64,
    /// Findings, of prompts that its grant covers.
    pub findings: u64,
    /// Findings of other prompts, which are none of its business.
    pub elsewhere: u64,
    /// Prompts that may be underperforming, on evidence that is not sure enough.
    pub watched: u64,
    /// Prompts of which there is too little to say something.
    pub insufficient: u64,
    /// Applied proposals of which the outcome was open.
    pub outcomes: u64,
    /// Waiting proposals whose base is active no more.
    pub moved: u64,
}

/// What a run spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spent {
    /// Calls of models, failed ones as well.
    pub calls: u64,
    /// Tokens, in and out.
    pub tokens: u64,
    /// US dollars, as far as prices are known.
    pub usd: f64,
}

/// What a run did about one prompt and cause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// The prompt, with the version that was looked at where there is one.
    pub prompt_uri: PromptUri,
    /// A detector's word, or `outcome`, or `base`.
    pub cause: String,
    /// What was found, in words.
    pub found: String,
    /// What was done.
    #[serde(flatten)]
    pub did: Did,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "did", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Did {
    /// Proposed a change; it waits for a steward.
    Proposed {
        /// Its number; absent from a dry run.
        proposal: Option<ProposalId>,
        /// Its title.
        title: String,
        /// Who wrote it.
        drafted_by: String,
        /// How much can go wrong.
        risk: RiskLevel,
        /// Why the agent did not apply it.
        why: String,
    },
    /// Proposed a change and applied it, as the governance table allows.
    Applied {
        /// Its number.
        proposal: ProposalId,
        /// Its title.
        title: String,
        /// The version that is active now, or that its canary tries.
        version: Version,
        /// The share of the sessions that it is served to first; absent where it is active.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        canary: Option<f64>,
        /// Why it was allowed to.
        why: String,
    },
    /// Moved a proposal onto the version that is active now.
    Rebased {
        /// The new one.
        proposal: ProposalId,
        /// The one that it replaces.
        from: ProposalId,
    },
    /// Marked a proposal as stale.
    Stale {
        /// Which.
        proposal: ProposalId,
    },
    /// Settled what came of a proposal.
    Settled {
        /// Which.
        proposal: ProposalId,
    },
    /// Made the version of a canary the active one.
    Promoted {
        /// Of which proposal.
        proposal: ProposalId,
        /// The version.
        version: Version,
    },
    /// Stopped a canary.
    Stopped {
        /// Of which proposal.
        proposal: ProposalId,
        /// The version that nobody is served any more.
        version: Version,
    },
    /// Drafts were made and did not pass.
    Dropped {
        /// Why not, a sentence each.
        reasons: Vec<String>,
    },
    /// Left it alone.
    Left {
        /// Why.
        why: String,
    },
}

impl fmt::Display for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Did::Proposed { proposal, title, drafted_by, risk, why } => {
                match proposal {
                    Some(id) => write!(f, "[{id}] {title}")?,
                    None => write!(f, "would propose: {title}")?,
                }
                write!(f, " ({drafted_by}; risk {}). Not applied: {why}", risk.as_str())
            }
            Did::Applied { proposal, title, version, canary: None, why } => {
                write!(f, "[{proposal}] {title}: applied as {version}, because {why}")
            }
            Did::Applied { proposal, title, version, canary: Some(share), why } => write!(
                f,
                "[{proposal}] {title}: a canary of {version}, for {:.0} % of the sessions, because {why}",
                share * 100.0
            ),
            Did::Rebased { proposal, from } => write!(f, "[{proposal}] is {from} on the active version"),
            Did::Stale { proposal } => write!(f, "[{proposal}] does not fit the active version: stale"),
            Did::Settled { proposal } => write!(f, "[{proposal}] settled"),
            Did::Promoted { proposal, version } => {
                write!(f, "[{proposal}] its canary ends: {version} is active for all")
            }
            Did::Stopped { proposal, version } => {
                write!(f, "[{proposal}] its canary is stopped: nobody is served {version} any more")
            }
            Did::Dropped { reasons } => write!(f, "no draft passed: {}", reasons.join("; ")),
            Did::Left { why } => write!(f, "left alone: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_due_an_interval_after_the_newest() {
        assert_eq!(due_in(1_000, 600, 1_200), 400);
        assert_eq!(due_in(1_000, 600, 5_000), 0);
        assert_eq!(due_in(9_000, 600, 1_000), 600);
    }
}
