//! The seed's nouns: plain serde types and their parsing. Knows nobody.
//!
//! Start with [`prompt`] (identity), then [`call`] and [`feedback`] (what happened).

pub mod affinity;
pub mod call;
pub mod cases;
pub mod event;
pub mod feedback;
pub mod finding;
pub mod front_matter;
pub mod governance;
pub mod identity;
pub mod ledger;
pub mod model;
pub mod outcome;
pub mod prompt;
pub mod prompt_file;
pub mod proposal;
pub mod route;
pub mod run;
pub mod settled;
pub mod snapshot;
pub mod variables;
pub mod window;
