//! The seed's nouns: plain serde types and their parsing. Knows nobody.
//!
//! Start with [`prompt`] (identity), then [`call`] and [`feedback`] (what happened).

pub mod affinity;
pub mod call;
pub mod feedback;
pub mod model;
pub mod prompt;
pub mod snapshot;
pub mod window;
