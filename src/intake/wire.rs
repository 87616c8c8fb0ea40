//! The shapes that both OTLP encodings are read into, borrowed from the body, and the trait that the encodings fill
//! in. Holds no meaning: what an attribute says is decided in `conventions` and `span`.

use std::borrow::Cow;

use super::signal::clip;
use crate::domain::call::Millis;

/// Most attributes that one span may carry. Long conversations written attribute by attribute reach thousands; a body
/// that is all attributes must not fill the memory.
pub(super) const MAX_ATTRIBUTES: usize = 16_384;
/// Most events of one span: some streams write one for each chunk.
pub(super) const MAX_EVENTS: usize = 8_192;
/// Most attributes of one event; the SDKs' own limit.
pub(super) const MAX_EVENT_ATTRIBUTES: usize = 128;

/// Longest text that is kept of an attribute, in bytes.
const MAX_TEXT: usize = 256;

/// A scalar, or something that is none.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'a> {
    Text(Cow<'a, str>),
    Bool(bool),
    Int(i64),
    Float(f64),
    /// An array, a map, bytes: never looked into, so its depth does not matter.
    Other,
}

impl<'a> Value<'a> {
    /// The text of a scalar that is not empty; numbers and booleans are printed.
    pub(super) fn text(&self) -> Option<Cow<'a, str>> {
        match self {
            Value::Text(text) if text.is_empty() => None,
            Value::Text(text) => Some(text.clone()),
            Value::Bool(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
            Value::Int(value) => Some(Cow::Owned(value.to_string())),
            Value::Float(value) => Some(Cow::Owned(value.to_string())),
            Value::Other => None,
        }
    }

    /// The finite number that the value is or spells.
    pub(super) fn number(&self) -> Option<f64> {
        let number = match self {
            Value::Int(value) => *value as f64,
            Value::Float(value) => *value,
            Value::Text(text) => text.trim().parse().ok()?,
            Value::Bool(_) | Value::Other => return None,
        };
        number.is_finite().then_some(number)
    }
}

pub(super) type Attributes<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

/// A span as sent. Ids are raw bytes of any length: the reader of meaning refuses wrong ones.
#[derive(Debug, Default)]
pub(super) struct RawSpan<'a> {
    pub trace: Cow<'a, [u8]>,
    pub span: Cow<'a, [u8]>,
    pub parent: Cow<'a, [u8]>,
    pub name: Cow<'a, str>,
    pub start_ns: u64,
    pub end_ns: u64,
    pub attributes: Attributes<'a>,
    pub events: Vec<RawEvent<'a>>,
    /// 0 unset, 1 ok, 2 error.
    pub status: u64,
    pub message: Cow<'a, str>,
}

#[derive(Debug, Default)]
pub(super) struct RawEvent<'a> {
    pub name: Cow<'a, str>,
    pub at_ns: u64,
    pub attributes: Attributes<'a>,
}

/// A log record as sent.
#[derive(Debug, Default)]
pub(super) struct RawLog<'a> {
    pub trace: Cow<'a, [u8]>,
    pub span: Cow<'a, [u8]>,
    /// `event_name`; older SDKs send it as the attribute `event.name`.
    pub event: Cow<'a, str>,
    pub at_ns: u64,
    pub attributes: Attributes<'a>,
}

/// What a span or record lies in: its resource and scope, unread.
#[derive(Debug, Clone, Copy)]
pub(super) struct Enclosing<R> {
    pub resource: Option<R>,
    pub scope: Option<R>,
}

/// The kinds of OTLP bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// `/v1/traces`
    Traces,
    /// `/v1/logs`
    Logs,
    /// `/v1/metrics`
    Metrics,
}

/// An OTLP encoding of a body that lives for `'a`. All reading is bounded by the length of the body: nothing recurses
/// into values.
pub(super) trait Encoding<'a> {
    /// A message that has not been read yet.
    type Raw: Copy;

    /// Tells traces, logs and metrics apart by content; `None` for an empty body.
    fn recognise(body: &'a [u8]) -> Result<Option<Signal>, String>;
    /// Visits each span (or log record) with what encloses it.
    fn walk(
        body: &'a [u8],
        signal: Signal,
        visit: &mut dyn FnMut(Enclosing<Self::Raw>, Self::Raw),
    ) -> Result<(), String>;
    /// Reads a span.
    fn span(raw: Self::Raw) -> Result<RawSpan<'a>, String>;
    /// Reads a log record.
    fn log(raw: Self::Raw) -> Result<RawLog<'a>, String>;
    /// The attributes of a resource.
    fn resource(raw: Self::Raw) -> Result<Attributes<'a>, String>;
    /// The name of a scope.
    fn scope(raw: Self::Raw) -> Result<Cow<'a, str>, String>;
    /// Where in the body a message lies: equal for two spans exactly when they share the message.
    fn place(raw: Option<Self::Raw>) -> usize;
    /// One span or record as a body of its own.
    fn alone(signal: Signal, enclosing: Enclosing<Self::Raw>, raw: Self::Raw) -> Vec<u8>;
}

/// A text that is worth keeping, cut to a length.
pub(super) fn cut(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| clip(text, MAX_TEXT).to_owned())
}

/// The text of a value, cut to a length.
pub(super) fn kept(value: &Value<'_>) -> Option<String> {
    value.text().and_then(|text| cut(&text))
}

/// An id of the right length that is not all zero.
pub(super) fn id<const N: usize>(bytes: &[u8], what: &str) -> Result<[u8; N], String> {
    let id = <[u8; N]>::try_from(bytes);
    let id = id.map_err(|_| format!("the {what} id has {} bytes and not {N}", bytes.len()))?;
    if id == [0; N] { Err(format!("the {what} id is zero")) } else { Ok(id) }
}

/// Milliseconds of a time in nanoseconds.
pub(super) fn millis(ns: u64) -> Millis {
    (ns / 1_000_000) as Millis
}

/// The span and trace ids of a log record, where it has them.
pub(super) fn ids(trace: &[u8], span: &[u8]) -> Option<([u8; 16], Option<[u8; 8]>)> {
    Some((id(trace, "trace").ok()?, id(span, "span").ok()))
}
