//! The Prompt Refinement Agent: from evidence to a draft that a person may read. It proposes; it decides nothing.
//!
//! [`model_draft`] asks a model for a better text. Start with [`draft`].

pub mod model_draft;

pub use model_draft::{Drafted, Drafting, Dropped, Failure, draft};
