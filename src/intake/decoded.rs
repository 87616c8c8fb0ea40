//! What goes into decoding and what comes out of it: headers, options, facts, feedback, rejections, errors.
//! Plain values; nothing here reads a body.

use serde::{Deserialize, Serialize};

use super::signal::ScoreRules;
use super::span::SpanFact;
use crate::domain::call::{Millis, PLAUSIBLE_MS};
use crate::domain::feedback::Feedback;

/// How a body was sent. Serialized, it says how quarantined bytes are to be read again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Headers {
    /// The HTTP method; empty counts as POST.
    pub method: String,
    /// The path, with or without a query; empty where unknown (the body is then recognised by its content).
    pub path: String,
    /// `content-type`, where sent.
    pub content_type: Option<String>,
    /// `content-encoding`, where sent.
    pub content_encoding: Option<String>,
    /// When the body arrived: the time of feedback that carries none.
    pub received_at: Millis,
}

impl Headers {
    /// Reads a `*.headers.json` file of a folder of captures: `method`, `path`, `headers` (names in any case) and
    /// `received_at` (seconds since 1970; one outside of [`PLAUSIBLE_MS`] is as if it were not there).
    pub fn from_capture(json: &[u8]) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        struct File {
            #[serde(default)]
            method: String,
            path: String,
            #[serde(default)]
            headers: std::collections::BTreeMap<String, serde_json::Value>,
            #[serde(default)]
            received_at: Option<f64>,
        }
        let file: File = serde_json::from_slice(json)
            .map_err(|e| DecodeError::Malformed { what: "headers file", why: e.to_string() })?;
        let header = |name: &str| {
            let found = file.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.and_then(|(_, value)| value.as_str()).map(str::to_owned)
        };
        Ok(Headers {
            content_type: header("content-type"),
            content_encoding: header("content-encoding"),
            received_at: file
                .received_at
                .map(|seconds| (seconds * 1e3) as Millis)
                .filter(|at| PLAUSIBLE_MS.contains(at))
                .unwrap_or(0),
            method: file.method,
            path: file.path,
        })
    }
}

/// How much a body may ask of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest body in bytes, after decompression.
    pub body: usize,
}

impl Limits {
    /// The longest body that is ever taken.
    pub const MOST: usize = 64 << 20;
}

impl Default for Limits {
    fn default() -> Self {
        Limits { body: Limits::MOST }
    }
}

/// What the caller may choose about decoding.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Bounds on memory.
    pub limits: Limits,
    /// Configured translations of scores into signals (`[intake.scores]`).
    pub scores: ScoreRules,
}

/// A part of a body that was understood but cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Why, as a sentence.
    pub reason: String,
    /// The part, wrapped so that it can be sent again as a body of its own.
    pub bytes: Vec<u8>,
}

/// What was recognised and deliberately not taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ignored {
    /// Log records that repeat what spans say (content, operation details), or that are no business of ours.
    pub logs: usize,
    /// Bodies of metrics.
    pub metrics: usize,
    /// Requests that carry no telemetry (an SDK fetching prompts).
    pub requests: usize,
}

/// A decoded body.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decoded {
    /// One per span.
    pub facts: Vec<SpanFact>,
    /// Feedback found on spans, in log records or in a REST body; its targets are aliases of calls.
    pub feedback: Vec<Feedback>,
    /// What goes to quarantine.
    pub rejected: Vec<Rejected>,
    /// What was passed over.
    pub ignored: Ignored,
}

/// Why a whole body was refused; the caller quarantines it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A compression that is not offered.
    #[error("the body is encoded as `{}`; send it plain or as gzip", .0.escape_debug())]
    Encoding(String),
    /// Longer than [`Limits::body`].
    #[error("the body is longer than {limit} bytes once unpacked; send it in smaller batches")]
    TooLong {
        /// The limit that was passed.
        limit: usize,
    },
    /// The bytes are not what they claim to be.
    #[error("the {what} cannot be read ({why}); check the exporter, or whether the transfer was cut short")]
    Malformed {
        /// What was being read.
        what: &'static str,
        /// Where and why reading stopped.
        why: String,
    },
    /// No room takes this path.
    #[error("nothing here takes `{}`; telemetry goes to /v1/traces or /v1/logs", .0.escape_debug())]
    UnknownPath(String),
}
