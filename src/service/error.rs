//! Why a question has no answer, in words.

use crate::domain::prompt::PromptUri;
use crate::engine::names::NameError;
use crate::store::StoreError;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A name is unknown or ambiguous.
    #[error(transparent)]
    Name(#[from] NameError),
    /// No call has this id.
    #[error("no call has the provenance id `{}`. Ids are compared to the letter; `human calls` lists the newest.", .0.escape_debug())]
    NoCall(String),
    /// The version is not known.
    #[error("{uri} has no version `{version}` in calls or among the published; it has {known}.")]
    NoVersion {
        /// The prompt.
        uri: Box<PromptUri>,
        /// The version asked for.
        version: String,
        /// Those that there are.
        known: String,
    },
    /// No stream has this name.
    #[error("`{}` names no stream that is watched: {what}. `human watch --once` lists those that are rising.", name.escape_debug())]
    NoStream {
        /// The name.
        name: String,
        /// What there is instead.
        what: String,
    },
}

/// Results of the service.
pub type Result<T> = std::result::Result<T, ServiceError>;
