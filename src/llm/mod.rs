//! The room that speaks to language models, and the only one: an endpoint that is configured once, a budget that every
//! call passes, and the record of each attempt as telemetry.
//!
//! Start with [`Client::ask`]. What comes back is text; nothing here reads it, believes it or acts on it. Keys come in as
//! a [`Key`], which can be sent and not shown.

mod budget;
mod client;
mod endpoint;
mod error;
mod patience;
mod reading;

pub use budget::{Book, Budget, Hold, Limits, OverBudget, Spend};
pub use client::{Asked, Client, Request, Turn};
pub use endpoint::{Endpoint, EndpointFault, Key, Provider};
pub use error::LlmError;
pub use patience::Patience;
pub use reading::{Answer, Finish};
