//! A change to a prompt that somebody proposes: the seed's `PromptChangeProposal`, with all that a person needs to decide.
//!
//! Shapes only. Risk is computed in `engine::risk`, who may decide in `engine::govern`. Start with [`Proposal`].

use std::fmt;
use std::str::FromStr;

use semver::Version;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::call::Millis;
use super::identity::Identity;
use super::outcome::Measure;
use super::prompt::PromptUri;

/// The number of a proposal, written `PROPOSAL-47`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProposalId(pub u64);

impl fmt::Display for ProposalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("PROPOSAL-{}", self.0))
    }
}

/// A text that names no proposal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` names no proposal; a proposal is named `PROPOSAL-47`, or `47`", .0.escape_debug())]
pub struct NoProposalId(pub String);

impl FromStr for ProposalId {
    type Err = NoProposalId;

    fn from_str(s: &str) -> Result<Self, NoProposalId> {
        let head = s.get(..9).filter(|head| head.eq_ignore_ascii_case("proposal-"));
        let digits = head.map_or(s, |head| &s[head.len()..]);
        let number = digits.parse().ok().filter(|n| *n > 0 && digits.bytes().all(|b| b.is_ascii_digit()));
        number.map(ProposalId).ok_or_else(|| NoProposalId(s.to_owned()))
    }
}

impl Serialize for ProposalId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ProposalId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What is to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// The text.
    Text,
    /// The recommended model.
    Model,
    /// Declared variables, capabilities, or other front matter.
    Metadata,
    /// An earlier version is to be active again.
    Rollback,
}

impl Kind {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Model => "model",
            Kind::Metadata => "metadata",
            Kind::Rollback => "rollback",
        }
    }
}

/// How much can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RiskLevel {
    /// What may be applied without a person, where the prompt allows that at all.
    Low,
    /// A person looks.
    Medium,
    /// A person looks twice.
    High,
}

impl RiskLevel {
    /// All, the lowest first.
    pub const ALL: [RiskLevel; 3] = [RiskLevel::Low, RiskLevel::Medium, RiskLevel::High];

    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            RiskLevel::Low => "low",
            RiskLevel::Medium => "medium",
            RiskLevel::High => "high",
        }
    }
}

/// How much can go wrong, and why that is thought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Risk {
    /// The highest that a reason asks for.
    pub level: RiskLevel,
    /// Each with the level that it asks for, the weightiest first. Never empty.
    pub reasons: Vec<RiskReason>,
}

/// Why a change is as risky as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RiskReason {
    /// What it asks for.
    pub level: RiskLevel,
    /// A clause with its numbers: `removes the variable {{jurisdiction}}`.
    pub text: String,
}

/// An effect that a proposal promises. Effects are relative: −0.18 is 18 % less.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prediction {
    /// Of what.
    pub measure: Measure,
    /// The effect.
    pub effect: f64,
    /// Its 80 % interval.
    pub interval: [f64; 2],
}

/// What the change touches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Calls of the prompt a day, over the window of the evidence.
    pub calls_per_day: f64,
    /// Overlays and patches that layer on it.
    pub extended_by: Vec<PromptUri>,
}

/// Who wrote the new content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "camelCase")]
pub enum Drafter {
    /// A language model.
    Model {
        /// Which.
        model: String,
    },
    /// Rules, each with a name and an explanation in the rationale.
    Rules {
        /// Their names: `R2`, `R5`.
        rules: Vec<String>,
    },
    /// A person who wrote it, or modified a draft.
    Steward {
        /// Who.
        steward: String,
    },
}

impl Drafter {
    /// The steward who wrote it, where one did.
    pub fn steward(&self) -> Option<Identity> {
        match self {
            Drafter::Steward { steward } => steward.parse().ok(),
            _ => None,
        }
    }
}

impl fmt::Display for Drafter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Drafter::Model { model } => write!(f, "drafted by {model}"),
            Drafter::Rules { rules } => write!(f, "drafted by rules: {}", rules.join(", ")),
            Drafter::Steward { steward } => write!(f, "written by {steward}"),
        }
    }
}

/// What a proposal rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Grounds {
    /// What gave rise to it: a detector's word (`high-negative`), `outcome`, or `person`. One open proposal per prompt
    /// and cause.
    pub cause: String,
    /// The window looked at, from and to, RFC 3339.
    pub window: [String; 2],
    /// What was found, as the detector states it: estimates, intervals, samples, thresholds, cells.
    pub found: Value,
    /// The feedback whose details were read, by id.
    pub feedback: Vec<String>,
    /// Results on the prompt's own cases, where it has some.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cases: Option<Value>,
}

impl Grounds {
    /// The same for another text, which was not run on the cases.
    #[must_use]
    pub fn untried(&self) -> Grounds {
        Grounds { cases: None, ..self.clone() }
    }
}

/// A change that is proposed. Immutable: what becomes of it is told by [`Standing`]s that follow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proposal {
    /// Its number; 0 until the store gives it one.
    pub id: ProposalId,
    /// The prompt, without version.
    pub prompt_uri: PromptUri,
    /// The version that it changes.
    pub base_version: Version,
    /// What is to change.
    pub kind: Kind,
    /// For rollbacks: the version to go back to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub to_version: Option<Version>,
    /// One line: `Reduce token count by restructuring output format (-18%)`.
    pub title: String,
    /// Why, and what each edit is for.
    pub rationale: String,
    /// The exact new content: a whole `*.prompt` file, its `human.version` still that of the base. Of a rollback the
    /// file of the version to go back to.
    pub text: String,
    /// What it rests on.
    pub evidence: Grounds,
    /// SHA-256 of the canonical JSON of `evidence`, hex.
    pub evidence_digest: String,
    /// What it promises.
    pub predicted: Vec<Prediction>,
    /// How much can go wrong.
    pub risk: Risk,
    /// What it touches.
    pub usage: Usage,
    /// Who wrote it.
    pub drafted_by: Drafter,
    /// What writing it cost, US dollars.
    pub drafting_cost_usd: f64,
    /// The agent's run that made it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub run: Option<u64>,
    /// When, ms.
    pub created_at: Millis,
}

/// What has become of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// Waits for a decision.
    Open,
    /// Waits, and not before some moment.
    Deferred,
    /// Applied.
    Accepted,
    /// Applied by the agent, as the governance table allows.
    AutoApplied,
    /// Not wanted.
    Rejected,
    /// A newer one of the same prompt and cause took its place, or a person's modification.
    Superseded,
    /// The prompt moved on, and the change does not fit any more.
    Stale,
}

impl Standing {
    /// All.
    pub const ALL: [Standing; 7] = [
        Standing::Open,
        Standing::Deferred,
        Standing::Accepted,
        Standing::AutoApplied,
        Standing::Rejected,
        Standing::Superseded,
        Standing::Stale,
    ];

    /// Whether a decision is still possible.
    pub fn is_open(self) -> bool {
        matches!(self, Standing::Open | Standing::Deferred)
    }

    /// In words, as `--status` takes them.
    pub fn as_str(self) -> &'static str {
        match self {
            Standing::Open => "open",
            Standing::Deferred => "deferred",
            Standing::Accepted => "accepted",
            Standing::AutoApplied => "auto-applied",
            Standing::Rejected => "rejected",
            Standing::Superseded => "superseded",
            Standing::Stale => "stale",
        }
    }
}

impl FromStr for Standing {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        Standing::ALL.into_iter().find(|standing| standing.as_str() == s).ok_or_else(|| {
            let known = Standing::ALL.map(Standing::as_str).join(", ");
            format!("`{}` is no status; there are {known}", s.escape_debug())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_they_are_written_and_as_people_write_them() {
        for text in ["PROPOSAL-47", "proposal-47", "47"] {
            assert_eq!(text.parse(), Ok(ProposalId(47)));
        }
        assert_eq!(ProposalId(47).to_string(), "PROPOSAL-47");
        for text in ["", "0", "PROPOSAL-", "PROPOSAL-+4", "-4", "PROPOSAL-4x", "4 7", "é-47"] {
            assert!(text.parse::<ProposalId>().is_err(), "{text}");
        }
    }
}
