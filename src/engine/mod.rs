//! Pure functions over [`crate::domain`]: no I/O, no clock (`now` is a parameter), no randomness but a seeded one.
//!
//! Evidence: [`rollup`] is where every number comes from; [`performance`], [`affinity`] and [`rank`] read its cells, [`board`] keeps them in memory,
//! [`trend`] watches them hour by hour, [`outcome`] says what came of a change, [`detect`] which prompts underperform,
//! [`evidence`] what is enough; [`stats`] holds the mathematics, [`price`] what a call costs.
//!
//! Routing: [`route`] says which models a prompt's calls may go to and with which probability, [`cards`] what is known of
//! a model, [`what_if`] what would follow if cost weighed otherwise.
//!
//! Governance: [`govern`] says who may do what, [`trust`] whom a store trusts, [`seal`] hashes, signs and checks the ledger,
//! [`told`] says what its entries tell of, [`bundle`] checks it without its store.
//!
//! Prompts: [`template`] reads and renders a template, [`compose`] joins templates to the text of a call, [`bump`] says
//! which version a change asks for, [`lint`] what a steward would thank us for, [`diff`] what changed between two texts,
//! [`visible`] shows what hides in a text, [`prose`] finds words, sentences and what no rule may touch.
//!
//! Refinement: [`rules`] drafts without a model, [`reflection`] says what a model is told and reads its answer,
//! [`draft_lint`] what a draft must be; [`amend`] edits front matter, [`risk`] says how much can go wrong, [`predict`] what
//! to expect, [`grounds`] what it rests on in sentences, [`likeness`] whether it was rejected before, [`rebase`] moves it onto a newer base; [`cases`] compares a
//! candidate with its base, [`canary`] says which sessions get it first.

pub mod affinity;
pub mod amend;
pub mod board;
pub mod bump;
pub mod bundle;
pub mod canary;
pub mod cards;
pub mod cases;
pub mod compose;
pub mod detect;
pub mod diff;
pub mod draft_lint;
pub mod evidence;
pub mod govern;
pub mod grounds;
pub mod likeness;
pub mod lint;
pub mod names;
pub mod number;
pub mod outcome;
pub mod performance;
pub mod placeholders;
pub mod predict;
pub mod price;
pub mod prose;
pub mod rank;
pub mod rebase;
pub mod reflection;
pub mod risk;
pub mod rollup;
pub mod route;
pub mod rules;
pub mod seal;
pub mod stats;
pub mod template;
pub mod template_bounds;
pub mod template_helpers;
pub mod tokens;
pub mod told;
pub mod trend;
pub mod trust;
pub mod visible;
pub mod what_if;
