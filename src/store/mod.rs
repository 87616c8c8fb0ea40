//! What lasts, and the only SQL.

pub mod prompt_error;
pub mod prompt_list;
pub mod prompt_names;
pub mod prompt_shelf;
pub mod prompts;
