//! The one door for telemetry: decode, recognise, group, identify. Knows the domain and the clock of its caller;
//! never touches a store, a file or the network.
//!
//! Foreign telemetry passes four rooms, in this order:
//!
//! 1. [`capture`] looks at the path and hands the body to [`otlp`] (traces, logs) or `rest` (scores, annotations).
//! 2. `reading` reads a span through the table in [`conventions`] and keeps the few facts that matter ([`SpanFact`]);
//!    `scoring` finds scores, [`signal`] turns them into feedback.
//! 3. [`resolve()`] groups the facts of a trace (and of traces joined by [`links`]) into calls: pure, any order.
//! 4. [`identify`] turns a foreign prompt name into a `prompt://` URI.

pub mod capture;
pub mod conventions;
pub mod decoded;
pub mod identify;
mod join;
mod json;
mod members;
pub mod otlp;
mod protobuf;
mod reading;
pub mod resolve;
mod rest;
mod scoring;
pub mod signal;
pub mod span;
mod wire;

pub use capture::take;
pub use decoded::{DecodeError, Decoded, Headers, Ignored, Limits, Options, Rejected};
pub use join::links;
pub use resolve::{ForeignPrompt, PromptSource, Resolved, resolve};
pub use span::SpanFact;
