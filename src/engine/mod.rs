//! Pure functions over [`crate::domain`]: no I/O, no clock (`now` is a parameter), no randomness but a seeded one.
//!
//! Evidence: [`rollup`] is where every number comes from; [`performance`], [`affinity`] and [`rank`] read its cells, [`board`] keeps them in memory,
//! [`trend`] watches them hour by hour, [`outcome`] says what came of a change, [`detect`] which prompts underperform,
//! [`evidence`] what is enough; [`stats`] holds the mathematics, [`price`] what a call costs.
//!
//! Routing: [`route`] says which models a prompt's calls may go to and with which probability, [`cards`] what is known of
//! a model.
//!
//! Governance: [`govern`] says who may do what, [`trust`] whom a store trusts, [`seal`] hashes, signs and checks the ledger.
//!
//! Prompts: [`template`] reads and renders a template, [`compose`] joins templates to the text of a call, [`bump`] says
//! which version a change asks for, [`lint`] what a steward would thank us for, [`diff`] what changed between two texts,
//! [`visible`] shows what hides in a text.

pub mod affinity;
pub mod board;
pub mod bump;
pub mod bundle;
pub mod cards;
pub mod compose;
pub mod detect;
pub mod diff;
pub mod evidence;
pub mod govern;
pub mod lint;
pub mod names;
pub mod outcome;
pub mod performance;
pub mod price;
pub mod rank;
pub mod rollup;
pub mod route;
pub mod seal;
pub mod stats;
pub mod template;
pub mod template_bounds;
pub mod template_helpers;
pub mod tokens;
pub mod trend;
pub mod trust;
pub mod visible;
