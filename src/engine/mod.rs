//! Pure functions over [`crate::domain`]: no I/O, no clock (`now` is a parameter), no randomness but a seeded one.
//!
//! Evidence: [`rollup`] is where every number comes from; [`performance`], [`affinity`] and [`rank`] read its cells, [`board`] keeps them in memory,
//! [`trend`] watches them hour by hour, [`evidence`] says what is enough, [`stats`] holds the mathematics, [`price`] what a call costs.
//!
//! Prompts: [`template`] reads and renders a template, [`compose`] joins templates to the text of a call, [`bump`] says
//! which version a change asks for, [`lint`] what a steward would thank us for, [`diff`] what changed between two texts,
//! [`visible`] shows what hides in a text.

pub mod affinity;
pub mod board;
pub mod bump;
pub mod compose;
pub mod diff;
pub mod evidence;
pub mod lint;
pub mod names;
pub mod performance;
pub mod price;
pub mod rank;
pub mod rollup;
pub mod stats;
pub mod template;
pub mod template_bounds;
pub mod template_helpers;
pub mod tokens;
pub mod trend;
pub mod visible;
