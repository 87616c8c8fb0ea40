//! Who acts: stewards (people with a key), agents (programs under a grant), and the system itself.
//!
//! Shapes and their text only; keys are read in `keys`, signatures made and checked in `engine::seal`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::call::Millis;
use super::prompt::{Name, PromptUri};

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identity {
    /// `steward://<ORG>/<name>`: a person.
    Steward(Name, Name),
    /// `agent://<ORG>/<name>`: a program, acting only under a grant that a steward signed.
    Agent(Name, Name),
    /// `system`: this program where nobody else acts, as before a store has an owner.
    System,
}

impl Identity {
    /// The Prompt Refinement Agent of an organization.
    pub fn refinement(org: &Name) -> Result<Identity, NobodyError> {
        format!("agent://{org}/prompt-refinement").parse()
    }

    /// The organization; the system has none.
    pub fn org(&self) -> Option<&Name> {
        match self {
            Identity::Steward(org, _) | Identity::Agent(org, _) => Some(org),
            Identity::System => None,
        }
    }

    /// The name within the organization.
    pub fn name(&self) -> Option<&Name> {
        match self {
            Identity::Steward(_, name) | Identity::Agent(_, name) => Some(name),
            Identity::System => None,
        }
    }

    /// Whether it is a person.
    pub fn is_steward(&self) -> bool {
        matches!(self, Identity::Steward(..))
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Identity::Steward(org, name) => f.pad(&format!("steward://{org}/{name}")),
            Identity::Agent(org, name) => f.pad(&format!("agent://{org}/{name}")),
            Identity::System => f.pad("system"),
        }
    }
}

/// A text that names nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` names nobody ({why}); write `steward://ORG/NAME` or `agent://ORG/NAME`", .text.escape_debug())]
pub struct NobodyError {
    text: String,
    why: String,
}

impl FromStr for Identity {
    type Err = NobodyError;

    fn from_str(s: &str) -> Result<Self, NobodyError> {
        let fault = |why: &str| NobodyError { text: s.to_owned(), why: why.to_owned() };
        if s == "system" {
            return Ok(Identity::System);
        }
        let (kind, rest) = s.split_once("://").ok_or_else(|| fault("it has no `://`"))?;
        let (org, name) =
            rest.split_once('/').ok_or_else(|| fault("the name after the organization is missing"))?;
        let part = |text: &str| text.parse::<Name>().map_err(|e| fault(&e.to_string()));
        match kind {
            "steward" => Ok(Identity::Steward(part(org)?, part(name)?)),
            "agent" => Ok(Identity::Agent(part(org)?, part(name)?)),
            _ => Err(fault("it begins with neither `steward` nor `agent`")),
        }
    }
}

/// A text that is not so many bytes in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not {0} bytes in lower-case hexadecimal")]
pub struct NoHex(usize);

/// So many bytes, written in lower-case hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hex<const N: usize>(pub [u8; N]);

/// A SHA-256.
pub type Digest = Hex<32>;
/// An Ed25519 public key.
pub type PublicKey = Hex<32>;
/// An Ed25519 signature.
pub type Signature = Hex<64>;

impl<const N: usize> Hex<N> {
    /// All zeros: the digest before the first.
    pub const ZERO: Self = Hex([0; N]);
}

impl<const N: usize> fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl<const N: usize> fmt::Debug for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<const N: usize> FromStr for Hex<N> {
    type Err = NoHex;

    fn from_str(s: &str) -> Result<Self, NoHex> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let mut bytes = [0; N];
        if s.len() != 2 * N {
            return Err(NoHex(N));
        }
        for (byte, pair) in bytes.iter_mut().zip(s.as_bytes().chunks_exact(2)) {
            let (high, low) = (digit(pair[0]).ok_or(NoHex(N))?, digit(pair[1]).ok_or(NoHex(N))?);
            *byte = high << 4 | low;
        }
        Ok(Hex(bytes))
    }
}

/// What an agent may do under a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GrantScope {
    /// Read roll-ups and feedback.
    TelemetryRead,
    /// Read prompts.
    PromptsRead,
    /// Make proposals.
    ProposalsWrite,
    /// Apply proposals where the governance table lets an agent.
    PromptsAutoApply,
}

impl GrantScope {
    /// All.
    pub const ALL: [GrantScope; 4] = [
        GrantScope::TelemetryRead,
        GrantScope::PromptsRead,
        GrantScope::ProposalsWrite,
        GrantScope::PromptsAutoApply,
    ];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            GrantScope::TelemetryRead => "telemetry:read",
            GrantScope::PromptsRead => "prompts:read",
            GrantScope::ProposalsWrite => "proposals:write",
            GrantScope::PromptsAutoApply => "prompts:auto-apply",
        }
    }
}

impl fmt::Display for GrantScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for GrantScope {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        GrantScope::ALL.into_iter().find(|scope| scope.as_str() == s).ok_or_else(|| {
            let known = GrantScope::ALL.map(GrantScope::as_str).join(", ");
            format!("`{}` is no scope of a grant; there are {known}", s.escape_debug())
        })
    }
}

/// Which prompts a grant is for: a URI without version, in which one `*` at the end stands for any rest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UriPattern(String);

impl UriPattern {
    /// Every prompt.
    pub fn all() -> UriPattern {
        UriPattern("prompt://*".to_owned())
    }

    /// Whether the prompt is one of them, whatever its version.
    pub fn covers(&self, uri: &PromptUri) -> bool {
        let name = uri.unversioned().to_string();
        match self.0.strip_suffix('*') {
            Some(head) => name.starts_with(head),
            None => name == self.0,
        }
    }
}

impl fmt::Display for UriPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for UriPattern {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let head = s.strip_suffix('*').unwrap_or(s);
        let whole = head.len() == s.len();
        let is_of_uris = |c: char| c.is_ascii_alphanumeric() || "._/-".contains(c);
        let fits = head.strip_prefix("prompt://").is_some_and(|rest| rest.chars().all(is_of_uris));
        if !fits || whole && s.parse::<PromptUri>().is_err() {
            let shown = s.escape_debug();
            return Err(format!(
                "`{shown}` names no prompts; write a URI without version, in which `*` at the end stands for any rest: \
                 `prompt://org/HUMAN_CORP/*`"
            ));
        }
        Ok(UriPattern(s.to_owned()))
    }
}

/// What a steward allows an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// The agent.
    pub agent: Identity,
    /// Its key: who cannot sign with it is not this agent.
    pub key: PublicKey,
    /// What it may do.
    pub scopes: Vec<GrantScope>,
    /// With which prompts.
    pub prompts: UriPattern,
    /// Not from this moment on, ms.
    pub expires_at: Millis,
}

serde_as_text!(Identity, GrantScope, UriPattern, Hex<32>, Hex<64>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_come_back_and_others_are_refused() {
        for text in ["steward://HUMAN_CORP/ana", "agent://HUMAN_CORP/prompt-refinement", "system"] {
            assert_eq!(text.parse::<Identity>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "ana",
            "steward://",
            "steward://A",
            "steward://A/",
            "steward:///a",
            "user://A/b",
            "steward://A/b/c",
        ] {
            assert!(text.parse::<Identity>().is_err(), "{text}");
        }
    }

    #[test]
    fn patterns_cover_what_they_say() {
        let covers =
            |pattern: &str, uri: &str| pattern.parse::<UriPattern>().unwrap().covers(&uri.parse().unwrap());
        assert!(covers("prompt://org/A/*", "prompt://org/A/x.y@1.0.0"));
        assert!(!covers("prompt://org/A/*", "prompt://org/AB/x"));
        assert!(!covers("prompt://org/A/*", "prompt://core/x"));
        assert!(
            covers("prompt://core/x", "prompt://core/x@2.0.0")
                && !covers("prompt://core/x", "prompt://core/xy")
        );
        assert!(covers("prompt://*", "prompt://user/A/b/c"));
        for text in
            ["", "*", "core/x", "prompt://org/*/x", "prompt://core/x@1.0.0", "prompt://org/A", "prompt://"]
                .into_iter()
                .chain([
                    "prompt://org/A/\u{1b}[2J*",
                    "prompt://org/A/\u{202e}*",
                    "prompt://org/ä*",
                    "prompt:/",
                    "prompt://core/x *",
                ])
        {
            assert!(text.parse::<UriPattern>().is_err(), "{text}");
        }
    }

    #[test]
    fn hexadecimal_is_of_one_length_and_case() {
        let text = "00ff".repeat(16);
        assert_eq!(text.parse::<Digest>().unwrap().to_string(), text);
        for text in [text.to_uppercase(), text[1..].to_owned(), format!("{text}0"), "zz".repeat(32)] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }
}
