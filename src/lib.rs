//! The self-improving prompt loop, governed by humans, in a terminal.
//!
//! # The map
//!
//! Upper rooms know lower ones, never the other way; rooms on one line do not know each other. `tests/layering.rs`
//! reads the imports and keeps this true.
//!
//! ```text
//! main
//! cli          the command line                       start: cli::run
//! console server  the full-screen console; HTTP and the agent's schedule    start: console::app, server::Server
//! theme        roles, not colours; what a terminal can show    start: theme::Look
//! service      what may be asked for, in one place    start: service::Service
//! config       file, environment and flags, resolved once
//! intake demo  the one door for telemetry; a seeded world    start: intake::Intake, demo::World
//! agent        drafts better prompts from evidence    start: agent::propose::draft
//! store        what lasts, and the only SQL           start: store::Store
//! llm          asks models, and the only one that does    start: llm::Client
//! keys         the keys of whoever acts here          start: keys::Keys
//! engine       pure functions: evidence, verdicts, monitors, routing, composition, governance; no I/O, no clock
//! domain       the nouns: prompts, calls, feedback, windows, snapshots, proposals, identities
//! ```
//!
//! # What always holds
//!
//! * Telemetry is counted once and lost never: acknowledged means committed, refused means quarantined with its reason.
//! * Roll-ups are exactly the fold of the committed calls; screens and reports read roll-ups.
//! * A published version of a prompt is immutable; which version was active when has one answer.
//! * "Not enough evidence" is a value, not a zero and not an absence.
//! * Names of template variables are recorded, their values never.
//! * Text from outside is data: control and bidirectional characters are shown, never emitted to a terminal.
//! * Who may do what is said by one function, `engine::govern`, asked again inside the write transaction; nothing outside it
//!   can make a permit. A core prompt is never applied without a steward's signature.
//! * Every decision is an appended, hashed, signed entry; nothing decided is changed or removed, and undoing is a new entry.
//! * What a steward accepts is the text that was shown; what a model writes is a proposal, whatever it says.

pub mod agent;
pub mod cli;
pub mod config;
pub mod console;
pub mod demo;
pub mod domain;
pub mod engine;
pub mod intake;
pub mod keys;
pub mod llm;
pub mod server;
pub mod service;
pub mod store;
pub mod theme;
