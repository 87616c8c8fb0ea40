//! Feedback signals: how good one call's answer was, said by a user, an agent or the system.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::call::Millis;

/// The seed's four signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signal {
    /// Met or exceeded expectations.
    Positive,
    /// Poor quality.
    Negative,
    /// The user had to rephrase.
    Rephrase,
    /// The output was corrected by hand.
    Correction,
}

impl Signal {
    /// All signals, in the order in which arrays of counts hold them.
    pub const ALL: [Signal; 4] = [Signal::Positive, Signal::Negative, Signal::Rephrase, Signal::Correction];

    /// The word used in JSON and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Signal::Positive => "positive",
            Signal::Negative => "negative",
            Signal::Rephrase => "rephrase",
            Signal::Correction => "correction",
        }
    }
}

/// Who gave a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A person who used the answer.
    User,
    /// A program that judged the answer.
    Agent,
    /// The platform.
    System,
}

impl Source {
    /// All sources, in the order in which arrays of counts hold them.
    pub const ALL: [Source; 3] = [Source::User, Source::Agent, Source::System];

    /// The word used in JSON and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Source::User => "user",
            Source::Agent => "agent",
            Source::System => "system",
        }
    }
}

macro_rules! word {
    ($type:ty, $what:literal) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
        impl FromStr for $type {
            type Err = String;
            fn from_str(s: &str) -> Result<Self, String> {
                let all = Self::ALL;
                all.into_iter().find(|v| v.as_str() == s).ok_or_else(|| {
                    let words: Vec<_> = all.iter().map(|v| v.as_str()).collect();
                    format!("unknown {} `{}`: one of {}", $what, s.escape_debug(), words.join(", "))
                })
            }
        }
    };
}
word!(Signal, "signal");
word!(Source, "source");

/// What a piece of feedback is about: a name by which calls can be found (see [`alias`]).
///
/// A native event names the call's provenance id. A span of a foreign trace, a whole trace, or an association id
/// may stand for several calls; the feedback then counts for each of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The stable hash that calls carry among their aliases.
    pub alias: u64,
    /// The target as the telemetry named it, for people.
    pub text: String,
}

/// One piece of feedback.
#[derive(Debug, Clone, PartialEq)]
pub struct Feedback {
    /// Unique id; derived from the content where the sender gave none.
    pub id: String,
    /// What it is about.
    pub target: Target,
    /// The signal; `None` for a score that no rule translates. It is kept, and counts for nothing.
    pub signal: Option<Signal>,
    /// Who gave it.
    pub source: Source,
    /// Free text, a comment or a score's name and value.
    pub detail: Option<String>,
    /// When it was given.
    pub at: Millis,
}

/// Stable names under which feedback may address a call. Written to disk: the hash is xxh3-64 of the tagged text
/// and must never change.
pub mod alias {
    use xxhash_rust::xxh3::xxh3_64;

    fn tagged(tag: u8, parts: &[&[u8]]) -> u64 {
        let mut bytes = vec![tag];
        for part in parts {
            bytes.extend_from_slice(part);
        }
        xxh3_64(&bytes)
    }

    /// The call with this provenance id.
    pub fn provenance(id: &str) -> u64 {
        tagged(b'p', &[id.as_bytes()])
    }

    /// The calls at or below this span.
    pub fn span(trace: &[u8; 16], span: &[u8; 8]) -> u64 {
        tagged(b's', &[trace, span])
    }

    /// All calls of this trace.
    pub fn trace(trace: &[u8; 16]) -> u64 {
        tagged(b't', &[trace])
    }

    /// All calls that carry this association id.
    pub fn association(value: &str) -> u64 {
        tagged(b'a', &[value.as_bytes()])
    }
}
