//! The one door for telemetry: read, recognise, identify, price, count once, commit.
//!
//! Native events are read by [`events`]. Foreign telemetry passes four rooms, in this order:
//!
//! 1. [`capture`] looks at the path and hands the body to [`otlp`] (traces, logs) or `rest` (scores, annotations).
//! 2. `reading` reads a span through the table in [`conventions`] and keeps the few facts that matter ([`SpanFact`]);
//!    `scoring` finds scores, [`signal`] turns them into feedback.
//! 3. [`resolve()`] groups the facts of a trace (and of traces joined by [`links`]) into calls: pure, any order.
//! 4. [`identify`] turns a foreign prompt name into a `prompt://` URI.
//!
//! [`source`] brings files, folders and streams; [`prepare`] knows prices and prompts; [`commit`] is the work inside
//! the write transaction, for which `grouping` finds the traces that a trace is linked with. Only these touch the store.

mod archive;
pub mod capture;
pub mod commit;
pub mod conventions;
pub mod decoded;
pub mod events;
pub mod frames;
mod grouping;
pub mod identify;
mod join;
mod json;
mod members;
pub mod otlp;
pub mod prepare;
pub mod prices;
mod protobuf;
mod reading;
mod refused;
pub mod resolve;
mod rest;
mod scoring;
mod sets;
pub mod signal;
pub mod source;
pub mod span;
mod wire;

pub use capture::{take, takes};
pub use commit::Receipt;
pub use decoded::{DecodeError, Decoded, Headers, Ignored, Limits, Options, Rejected};
pub use join::links;
pub use prepare::Preparation;
pub use refused::{Refusal, Refusals};
pub use resolve::{ForeignPrompt, PromptSource, Resolved, resolve};
pub use source::{Format, Intake, IntakeError};
pub use span::SpanFact;
