//! What telemetry reports: a finished call, or a signal about one.

use super::call::{Call, Millis};
use super::feedback::Feedback;

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A finished model call.
    Call(Call),
    /// A signal about a call.
    Feedback(Feedback),
}

impl Event {
    /// When it happened.
    pub fn at(&self) -> Millis {
        match self {
            Event::Call(call) => call.at,
            Event::Feedback(feedback) => feedback.at,
        }
    }
}
