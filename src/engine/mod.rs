//! Pure functions over `domain`: no I/O, no clock, no randomness but a seeded one. Same input, same output.
//!
//! Prompts: [`template`] reads and renders a template, [`compose`] joins templates to the text of a call, [`bump`] says
//! which version a change asks for, [`lint`] what a steward would thank us for, [`diff`] what changed between two texts.

pub mod bump;
pub mod compose;
pub mod diff;
pub mod lint;
pub mod template;
pub mod template_bounds;
pub mod template_helpers;
pub mod tokens;
pub mod visible;
