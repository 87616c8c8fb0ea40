//! What was decided, by whom: the entries of the append-only ledger.
//!
//! Shapes only; `engine::seal` hashes, signs and checks them, `engine::govern` says who may add which.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::identity::{Digest, Identity, PublicKey, Signature};

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $word:literal),* $(,)?) => {
        /// What was done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action { $($(#[$doc])* $name),* }

        impl Action {
            /// All.
            pub const ALL: &[Action] = &[$(Action::$name),*];

            /// As it is written.
            pub fn as_str(self) -> &'static str {
                match self { $(Action::$name => $word),* }
            }
        }
    };
}

actions! {
    /// A steward became the owner of the store.
    Own = "own",
    /// A steward's key was trusted.
    Trust = "trust",
    /// A steward's key is trusted no more.
    Distrust = "distrust",
    /// An agent was allowed something.
    Grant = "grant",
    /// It is allowed no more.
    Revoke = "revoke",
    /// A version was published, and perhaps made the active one.
    Publish = "publish",
    /// A published version was made the active one.
    Activate = "activate",
    /// An earlier version is active again.
    Rollback = "rollback",
    /// A label points at a version.
    Label = "label",
    /// A change was proposed.
    Propose = "propose",
    /// A proposal was moved onto a newer base.
    Rebase = "rebase",
    /// A proposal does not fit the prompt any more.
    Stale = "stale",
    /// A newer proposal took its place.
    Supersede = "supersede",
    /// A steward signed; of several that are needed, one.
    Sign = "sign",
    /// A proposal was accepted and applied.
    Accept = "accept",
    /// Its text was changed by a steward.
    Modify = "modify",
    /// It was rejected.
    Reject = "reject",
    /// Its rejection was taken back.
    Reopen = "reopen",
    /// It was put off.
    Defer = "defer",
    /// Something was said about it.
    Comment = "comment",
    /// The agent applied it, as the governance table allows.
    AutoApply = "auto-apply",
    /// A new version is served to a share of the sessions.
    Canary = "canary",
    /// It is served to all.
    Promote = "promote",
    /// It is served to nobody any more.
    Stop = "stop",
    /// What came of a change is settled.
    Outcome = "outcome",
    /// The agent ran.
    Run = "run",
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Action {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        Action::ALL.iter().copied().find(|action| action.as_str() == s).ok_or_else(|| {
            let known: Vec<&str> = Action::ALL.iter().map(|action| action.as_str()).collect();
            format!("`{}` is no action of the ledger; there are {}", s.escape_debug(), known.join(", "))
        })
    }
}

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Entry {
    /// Its number, from 1 on without a gap.
    pub seq: u64,
    /// When, RFC 3339 UTC.
    pub at: String,
    /// Who.
    pub actor: Identity,
    /// The key that signed it; none before the store has an owner.
    pub key: Option<PublicKey>,
    /// What was done.
    pub action: Action,
    /// To what: a prompt's URI, a proposal, an identity.
    pub subject: String,
    /// All that the decision rests on: digests of texts and evidence, versions, reasons.
    pub payload: Value,
    /// The hash of the entry before; zeros for the first.
    pub previous: Digest,
    /// SHA-256 of the canonical JSON of all fields above.
    pub hash: Digest,
    /// Ed25519 signature, by `key`, of the same bytes.
    pub signature: Option<Signature>,
}
