//! Identity: `prompt://core/<key>[@<version>]` and its org and user forms, and the record of which
//! prompts a model call used. Parsing refuses every malformed form and says what is wrong and where.

use std::fmt;
use std::str::FromStr;

use semver::Version;
use serde::{Deserialize, Serialize};

/// Longest key, in bytes.
pub const MAX_KEY: usize = 128;
/// Longest organization or user name, in bytes.
pub const MAX_NAME: usize = 64;

/// Why a piece of identity was refused: what is wrong, in which text, at which byte.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at} of `{}`", input.escape_debug())]
pub struct IdentityError {
    /// What is wrong, as a clause.
    pub what: String,
    /// The text that was parsed.
    pub input: String,
    /// Byte offset of the fault in `input`.
    pub at: usize,
}

fn fault<T>(what: impl Into<String>, input: &str, at: usize) -> Result<T, IdentityError> {
    Err(IdentityError { what: what.into(), input: input.chars().take(300).collect(), at })
}

/// Who a prompt belongs to, as a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Foundational behaviour: never applied without a steward.
    Core,
    /// An organization's prompts and overlays.
    Org,
    /// One user's patches.
    User,
}

impl Scope {
    /// The word used in URIs, files and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Core => "core",
            Scope::Org => "org",
            Scope::User => "user",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = IdentityError;
    fn from_str(s: &str) -> Result<Self, IdentityError> {
        match s {
            "core" => Ok(Scope::Core),
            "org" => Ok(Scope::Org),
            "user" => Ok(Scope::User),
            _ => fault("expected `core`, `org` or `user`", s, 0),
        }
    }
}

/// A prompt's key: `[a-z0-9]+([._-][a-z0-9]+)*`, at most 128 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PromptKey(Box<str>);

impl PromptKey {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after the last dot: `contract-analysis` of `legal.contract-analysis`.
    pub fn last_segment(&self) -> &str {
        self.0.rsplit('.').next().unwrap_or(&self.0)
    }

    /// The part before the first dot: the default task type.
    pub fn first_segment(&self) -> &str {
        self.0.split('.').next().unwrap_or(&self.0)
    }

    /// Parses `text[from..to]` as a key; offsets in errors count from the start of `text`.
    fn parse_in(text: &str, from: usize, to: usize) -> Result<Self, IdentityError> {
        let key = &text[from..to];
        if key.is_empty() {
            return fault("the key is missing", text, from);
        }
        if key.len() > MAX_KEY {
            return fault(
                format!("a key has at most {MAX_KEY} bytes, this one has {}", key.len()),
                text,
                from + MAX_KEY,
            );
        }
        let mut separated = true;
        for (at, c) in key.char_indices() {
            match c {
                'a'..='z' | '0'..='9' => separated = false,
                '.' | '_' | '-' if !separated => separated = true,
                '.' | '_' | '-' => {
                    return fault(format!("`{c}` needs a letter or digit before it"), text, from + at);
                }
                'A'..='Z' => return fault(format!("keys are lower case, found `{c}`"), text, from + at),
                c => {
                    return fault(
                        format!("a key holds a-z, 0-9, `.`, `_` and `-`, found `{}`", c.escape_debug()),
                        text,
                        from + at,
                    );
                }
            }
        }
        if separated {
            return fault("a key ends with a letter or digit", text, to - 1);
        }
        Ok(PromptKey(key.into()))
    }
}

impl FromStr for PromptKey {
    type Err = IdentityError;
    fn from_str(s: &str) -> Result<Self, IdentityError> {
        Self::parse_in(s, 0, s.len())
    }
}

impl fmt::Display for PromptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// An organization's or user's name: `[A-Za-z0-9_-]{1,64}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<str>);

impl Name {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parse_in(text: &str, from: usize, to: usize, whose: &str) -> Result<Self, IdentityError> {
        let name = &text[from..to];
        if name.is_empty() {
            return fault(format!("the {whose} is missing"), text, from);
        }
        if let Some((at, c)) =
            name.char_indices().find(|(_, c)| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')))
        {
            return fault(
                format!("the {whose} holds A-Z, a-z, 0-9, `_` and `-`, found `{}`", c.escape_debug()),
                text,
                from + at,
            );
        }
        if name.len() > MAX_NAME {
            return fault(
                format!("the {whose} has at most {MAX_NAME} bytes, this one has {}", name.len()),
                text,
                from + MAX_NAME,
            );
        }
        Ok(Name(name.into()))
    }
}

impl FromStr for Name {
    type Err = IdentityError;
    fn from_str(s: &str) -> Result<Self, IdentityError> {
        Self::parse_in(s, 0, s.len(), "name")
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Where a prompt lives: the scope with the names that it needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// `prompt://core/…`
    Core,
    /// `prompt://org/<ORG>/…`
    Org(Name),
    /// `prompt://user/<ORG>/<user>/…`
    User(Name, Name),
}

impl Place {
    /// The kind of place.
    pub fn scope(&self) -> Scope {
        match self {
            Place::Core => Scope::Core,
            Place::Org(_) => Scope::Org,
            Place::User(..) => Scope::User,
        }
    }

    /// The organization, if the place has one.
    pub fn org(&self) -> Option<&Name> {
        match self {
            Place::Core => None,
            Place::Org(org) | Place::User(org, _) => Some(org),
        }
    }

    /// The user, if the place is one's own.
    pub fn user(&self) -> Option<&Name> {
        match self {
            Place::Core | Place::Org(_) => None,
            Place::User(_, user) => Some(user),
        }
    }
}

/// A prompt's identity, with or without a version. Ordered by scope, place, key, then version (SemVer order).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PromptUri {
    /// Scope and owner.
    pub place: Place,
    /// The key within the place.
    pub key: PromptKey,
    /// The version, where one is named.
    pub version: Option<Version>,
}

impl PromptUri {
    /// The same prompt, no version named.
    #[must_use]
    pub fn unversioned(&self) -> PromptUri {
        PromptUri { place: self.place.clone(), key: self.key.clone(), version: None }
    }

    /// The same prompt at `version`.
    #[must_use]
    pub fn at(&self, version: Version) -> PromptUri {
        PromptUri { place: self.place.clone(), key: self.key.clone(), version: Some(version) }
    }

    /// The prompt's scope.
    pub fn scope(&self) -> Scope {
        self.place.scope()
    }
}

impl FromStr for PromptUri {
    type Err = IdentityError;

    fn from_str(s: &str) -> Result<Self, IdentityError> {
        let Some(rest) = s.strip_prefix("prompt://") else {
            return fault("a prompt URI starts with `prompt://`", s, 0);
        };
        let base = s.len() - rest.len();
        // Build metadata and pre-releases hold no `@` or `/`, and neither do names or keys: the first `@` splits.
        let (path_end, version) = match s[base..].find('@') {
            None => (s.len(), None),
            Some(i) => {
                let from = base + i + 1;
                let version = Version::parse(&s[from..])
                    .or_else(|e| fault(format!("the version is not SemVer 2 ({e})"), s, from))?;
                (base + i, Some(version))
            }
        };
        let mut parts = Vec::with_capacity(4);
        let mut from = base;
        for part in s[base..path_end].split('/') {
            parts.push((from, from + part.len()));
            from += part.len() + 1;
        }
        let scope = &s[parts[0].0..parts[0].1];
        let (place, names): (fn(&[Name]) -> Place, usize) = match scope {
            "core" => (|_| Place::Core, 0),
            "org" => (|n| Place::Org(n[0].clone()), 1),
            "user" => (|n| Place::User(n[0].clone(), n[1].clone()), 2),
            _ => return fault("the scope is `core`, `org` or `user`", s, base),
        };
        let form = match names {
            0 => "prompt://core/<key>",
            1 => "prompt://org/<ORG>/<key>",
            _ => "prompt://user/<ORG>/<user>/<key>",
        };
        if parts.len() < names + 2 {
            return fault(format!("too few parts, the form is {form}"), s, path_end);
        }
        if parts.len() > names + 2 {
            return fault(format!("too many parts, the form is {form}"), s, parts[names + 2].0 - 1);
        }
        let mut owners = Vec::with_capacity(names);
        for (i, &(from, to)) in parts[1..=names].iter().enumerate() {
            owners.push(Name::parse_in(s, from, to, if i == 0 { "organization" } else { "user" })?);
        }
        let (from, to) = parts[names + 1];
        Ok(PromptUri { place: place(&owners), key: PromptKey::parse_in(s, from, to)?, version })
    }
}

impl fmt::Display for PromptUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Core => write!(f, "prompt://core/{}", self.key)?,
            Place::Org(org) => write!(f, "prompt://org/{org}/{}", self.key)?,
            Place::User(org, user) => write!(f, "prompt://user/{org}/{user}/{}", self.key)?,
        }
        match &self.version {
            Some(version) => write!(f, "@{version}"),
            None => Ok(()),
        }
    }
}

serde_as_text!(PromptUri, PromptKey, Name);

/// How the prompts of a call came together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CompositionMethod {
    /// Named prompts, joined.
    Compose,
    /// Core, org overlay and user patch, resolved for one org and user.
    Effective,
    /// The caller's own text.
    Manual,
}

/// One layer of a call's provenance.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PromptLayer {
    /// The layer's scope.
    pub scope: Scope,
    /// The layer's prompt.
    pub uri: PromptUri,
    /// The layer's version.
    pub version: Version,
}

/// Which prompts a model call used (the seed's record, field for field).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PromptCallMetadata {
    /// Full URIs of all prompts used.
    pub prompt_uris: Vec<PromptUri>,
    /// Their versions, in the same order.
    pub prompt_versions: Vec<Version>,
    /// Full provenance, where known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<PromptLayer>,
    /// How they came together.
    pub composition_method: CompositionMethod,
    /// Names of the template variables that were substituted; never their values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables_used: Vec<String>,
    /// Tokens expected before the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_tokens: Option<u32>,
    /// The organization on whose behalf the call was made.
    pub org_id: String,
}

impl PromptCallMetadata {
    /// A prompt of which the record names two versions. Nothing counts such a record: its call would be two calls of
    /// that prompt.
    pub fn named_twice(&self) -> Option<PromptUri> {
        let layers = self.layers.iter().map(|layer| (&layer.uri, &layer.version));
        let mut named: Vec<_> = self.prompt_uris.iter().zip(&self.prompt_versions).chain(layers).collect();
        named.sort_unstable_by_key(|(uri, _)| (&uri.place, &uri.key));
        let same = |a: &PromptUri, b: &PromptUri| (&a.place, &a.key) == (&b.place, &b.key);
        let twice = named.windows(2).find(|pair| same(pair[0].0, pair[1].0) && pair[0].1 != pair[1].1);
        twice.map(|pair| pair[0].0.unversioned())
    }
}
