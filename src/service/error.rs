//! Why a question has no answer, in words.

use crate::domain::prompt::PromptUri;
use crate::domain::route::RouteTable;
use crate::engine::names::NameError;
use crate::intake::IntakeError;
use crate::llm::LlmError;
use crate::store::StoreError;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Telemetry cannot be taken.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// The model that drafts cannot be asked.
    #[error(transparent)]
    Llm(#[from] LlmError),
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
    /// A prompt requires something that is no capability.
    #[error(
        "{uri} requires something that no model can be asked for: {why}. Publish a version whose `human.requires` says what is meant."
    )]
    Requirement {
        /// The prompt.
        uri: Box<PromptUri>,
        /// What is wrong with the word.
        why: String,
    },
    /// There is no model to route to.
    #[error(
        "{0} can go to no model, because none is known: no call names one, and the prompt's file has no `model`. Ingest calls, or publish a version with `model`."
    )]
    NoModels(Box<PromptUri>),
    /// No model may answer.
    #[error("no model may answer calls of {}: {}. Ask for less with --needs, `human.requires`, --max-cost or --without, or import a table that knows these models (`human models import FILE`).", .0.prompt_uri, obstacles(.0))]
    NoneEligible(Box<RouteTable>),
    /// No stream has this name.
    #[error("`{}` names no stream that is watched: {what}. `human watch --once` lists those that are rising.", name.escape_debug())]
    NoStream {
        /// The name.
        name: String,
        /// What there is instead.
        what: String,
    },
}

/// Why no model is left, one by one.
fn obstacles(table: &RouteTable) -> String {
    let each =
        table.filtered.iter().map(|m| format!("{} ({})", m.model_id.escape_debug(), m.reasons.join(", ")));
    each.collect::<Vec<_>>().join("; ")
}

/// Results of the service.
pub type Result<T> = std::result::Result<T, ServiceError>;
