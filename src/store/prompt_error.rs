//! Why the store of prompts did not do what was asked: what failed, why, what to do.

use semver::Version;

use super::fault::{Kind, StoreError};
use crate::domain::front_matter::Fault;
use crate::domain::prompt::PromptUri;
use crate::engine::names::NameError;

/// Why the store of prompts did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum PromptStoreError {
    /// The store itself failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was stored cannot be read back.
    #[error("{uri} in the store is damaged: {why}; run `human doctor`")]
    Damaged {
        /// The prompt.
        uri: String,
        /// What is wrong.
        why: String,
    },
    /// Another text is published under this version.
    #[error(
        "{uri} is published with another text, and a published version is immutable; set `human.version: {next}`, or remove the line to have it chosen"
    )]
    VersionTaken {
        /// The version asked for.
        uri: Box<PromptUri>,
        /// The version that the change asks for.
        next: Version,
    },
    /// The chosen version cannot be written into the file.
    #[error("{uri}: {}; {}", fault.what, fault.next)]
    Unwritable {
        /// The prompt.
        uri: Box<PromptUri>,
        /// Why.
        fault: Fault,
    },
    /// A name means no prompt, or several.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The prompt has no such version or label.
    #[error("{uri} has no version or label `{}`; it has {}", version.escape_debug(), join(known))]
    UnknownVersion {
        /// The prompt.
        uri: Box<PromptUri>,
        /// What was asked for.
        version: String,
        /// The versions that there are, the highest first.
        known: Vec<Version>,
    },
    /// No version is active.
    #[error("{uri} has no active version; run `human prompts activate {uri}@VERSION`")]
    NotActive {
        /// The prompt.
        uri: Box<PromptUri>,
    },
    /// No version was active before the active one.
    #[error("{uri} has no version to go back to; name one with `--to`, of: {}", join(known))]
    NothingBefore {
        /// The prompt.
        uri: Box<PromptUri>,
        /// The versions that there are, the highest first.
        known: Vec<Version>,
    },
    /// Not a label.
    #[error("`{}` is not a label; {why}", label.escape_debug())]
    Label {
        /// The label given.
        label: String,
        /// Why not.
        why: &'static str,
    },
}

impl From<rusqlite::Error> for PromptStoreError {
    fn from(error: rusqlite::Error) -> Self {
        PromptStoreError::Store(error.into())
    }
}

impl PromptStoreError {
    /// Whether the rules of governance do not allow it.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Store(error) if error.kind == Kind::Refused)
    }

    /// Whether a name was unknown or ambiguous: a fault of the question, not of the store.
    pub fn is_about_names(&self) -> bool {
        matches!(self, Self::Name(_) | Self::UnknownVersion { .. } | Self::Label { .. })
    }
}

fn join<T: ToString>(items: &[T]) -> String {
    items.iter().take(12).map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
