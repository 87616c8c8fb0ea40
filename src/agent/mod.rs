//! The Prompt Refinement Agent: from evidence to a draft that a person may read. It proposes; it decides nothing.
//!
//! [`propose`] says which kind of change a finding asks for, [`model_draft`] asks a model for a better text,
//! [`trial`] asks the prompt's own cases by it. Start with
//! [`propose::draft`].

pub mod model_draft;
pub mod propose;
pub mod trial;

pub use model_draft::{Drafted, Drafting, Dropped, Failure, draft};
