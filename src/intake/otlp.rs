//! OTLP bodies: unpacks them (bounded), tells protobuf from JSON and traces from logs from metrics, and reads spans
//! and evaluation records. One span that cannot be taken is rejected alone; a body that breaks off is refused whole,
//! so that sending it again cannot count half of it twice. Start with [`decode`].

use std::borrow::Cow;
use std::io::Read as _;

use flate2::bufread::MultiGzDecoder;

use super::decoded::{DecodeError, Decoded, Headers, Ignored, Limits, Options, Rejected};
use super::frames::is_protobuf;
use super::json::Json;
use super::protobuf::Protobuf;
use super::reading::{self, Origin};
use super::scoring::{self, EVALUATION};
use super::signal::About;
use super::wire::{self, Enclosing, Encoding, RawLog, Signal, Value};
use crate::domain::call::PLAUSIBLE_MS;

/// Decodes one OTLP body. Headers help and are not believed: gzip is recognised by its magic number, JSON by its
/// brace, and a path that says nothing leaves the signal to the content. Metrics are recognised and passed over; of
/// logs, only evaluation results are taken, everything else repeats what spans say.
pub fn decode(headers: &Headers, body: &[u8], options: &Options) -> Result<Decoded, DecodeError> {
    let body = unpack(headers.content_encoding.as_deref(), body, options.limits)?;
    if body.is_empty() {
        return Ok(Decoded { ignored: Ignored { requests: 1, ..Ignored::default() }, ..Decoded::default() });
    }
    let signal = signal_of(&headers.path);
    if is_json(headers.content_type.as_deref(), &body) {
        Reader::<Json>::read(&body, signal, headers, options)
    } else {
        Reader::<Protobuf>::read(&body, signal, headers, options)
    }
}

/// The body as it was before compression, at most [`Limits::body`] bytes of it.
pub(super) fn unpack<'a>(
    encoding: Option<&str>,
    body: &'a [u8],
    limits: Limits,
) -> Result<Cow<'a, [u8]>, DecodeError> {
    let encoding = encoding.unwrap_or("identity").trim().to_ascii_lowercase();
    if !matches!(encoding.as_str(), "" | "identity" | "gzip" | "x-gzip") {
        return Err(DecodeError::Encoding(encoding.chars().take(80).collect()));
    }
    let limit = limits.body;
    if !body.starts_with(&[0x1f, 0x8b]) {
        return if body.len() > limit {
            Err(DecodeError::TooLong { limit })
        } else {
            Ok(Cow::Borrowed(body))
        };
    }
    let mut plain = Vec::new();
    MultiGzDecoder::new(body)
        .take(limit as u64 + 1)
        .read_to_end(&mut plain)
        .map_err(|e| DecodeError::Malformed { what: "gzip stream", why: e.to_string() })?;
    if plain.len() > limit { Err(DecodeError::TooLong { limit }) } else { Ok(Cow::Owned(plain)) }
}

/// The signal that a path names (`/v1/traces`, also below another path).
pub(super) fn signal_of(path: &str) -> Option<Signal> {
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    match path.rsplit('/').next()? {
        "traces" => Some(Signal::Traces),
        "logs" => Some(Signal::Logs),
        "metrics" => Some(Signal::Metrics),
        _ => None,
    }
}

/// Whether a body is JSON: as the content type says, else by the braces around it.
fn is_json(content_type: Option<&str>, body: &[u8]) -> bool {
    let content_type = content_type.unwrap_or_default().to_ascii_lowercase();
    if content_type.contains("json") || content_type.contains("protobuf") {
        return content_type.contains("json");
    }
    let text = body.trim_ascii();
    text.starts_with(b"{") && text.ends_with(b"}") && !is_protobuf(body)
}

/// Most spans or records that are rejected one by one; a body with more of them is refused whole.
const MAX_REJECTED: usize = 1_000;

struct Reader<'o, E> {
    options: &'o Options,
    headers: &'o Headers,
    decoded: Decoded,
    rejected_bytes: usize,
    encoding: std::marker::PhantomData<E>,
}

impl<'a, E: Encoding<'a>> Reader<'_, E> {
    fn read(
        body: &'a [u8],
        signal: Option<Signal>,
        headers: &Headers,
        options: &Options,
    ) -> Result<Decoded, DecodeError> {
        let malformed = |what| move |why| DecodeError::Malformed { what, why };
        let signal = match signal {
            Some(signal) => Some(signal),
            None => E::recognise(body).map_err(malformed("OTLP body"))?,
        };
        let mut reader = Reader::<E> {
            options,
            headers,
            decoded: Decoded::default(),
            rejected_bytes: 0,
            encoding: std::marker::PhantomData,
        };
        match signal {
            None => reader.decoded.ignored.requests += 1,
            Some(Signal::Metrics) => reader.decoded.ignored.metrics += 1,
            Some(Signal::Traces) => reader.traces(body).map_err(malformed("OTLP traces body"))?,
            Some(Signal::Logs) => reader.logs(body).map_err(malformed("OTLP logs body"))?,
        }
        let rejected = reader.decoded.rejected.len();
        if rejected > MAX_REJECTED || reader.rejected_bytes > options.limits.body {
            let first = reader.decoded.rejected.swap_remove(0).reason;
            let why = format!("{rejected} or more of its parts were refused; the first: {first}");
            return Err(malformed("OTLP body")(why));
        }
        Ok(reader.decoded)
    }

    fn traces(&mut self, body: &'a [u8]) -> Result<(), String> {
        // Spans of one scope come in a run: its origin is read once, recognised by where it lies in the body.
        let mut known: Option<((usize, usize), Origin)> = None;
        E::walk(body, Signal::Traces, &mut |enclosing, raw| {
            let place = (E::place(enclosing.resource), E::place(enclosing.scope));
            if known.as_ref().is_none_or(|(at, _)| *at != place) {
                known = Some((place, Self::origin(enclosing)));
            }
            let Some((_, origin)) = &known else { return };
            match E::span(raw).and_then(|span| reading::read(&span, origin)) {
                Ok((fact, scores)) => {
                    self.decoded.facts.push(fact);
                    let feedback = scores.iter().map(|score| self.options.scores.feedback(score));
                    self.decoded.feedback.extend(feedback);
                }
                Err(why) => self.reject(Signal::Traces, format!("a span was refused: {why}"), enclosing, raw),
            }
        })
    }

    /// A resource or scope that cannot be read says nothing; its spans are still good.
    fn origin(enclosing: Enclosing<E::Raw>) -> Origin {
        let resource = enclosing.resource.and_then(|raw| E::resource(raw).ok()).unwrap_or_default();
        let scope = enclosing.scope.and_then(|raw| E::scope(raw).ok()).unwrap_or_default();
        Origin { scope: scope.into_owned(), process: Origin::process(&resource) }
    }

    fn logs(&mut self, body: &'a [u8]) -> Result<(), String> {
        E::walk(body, Signal::Logs, &mut |enclosing, raw| {
            let taken = E::log(raw).and_then(|log| self.log(&log));
            if let Err(why) = taken {
                self.reject(Signal::Logs, format!("a log record was refused: {why}"), enclosing, raw);
            }
        })
    }

    fn log(&mut self, log: &RawLog<'_>) -> Result<(), String> {
        let text = |name: &str| {
            let found = log.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value);
            found.and_then(Value::text)
        };
        let named =
            if log.event.is_empty() { text("event.name").unwrap_or_default() } else { log.event.clone() };
        if named != EVALUATION {
            self.decoded.ignored.logs += 1;
            return Ok(());
        }
        let about = match wire::ids(&log.trace, &log.span) {
            Some((trace, Some(span))) => About::Span(trace, span),
            found => match (text("gen_ai.response.id"), found) {
                (Some(id), _) => About::Id(id.into_owned()),
                (None, Some((trace, None))) => About::Trace(trace),
                (None, _) => return Err("an evaluation names neither a span nor a response".into()),
            },
        };
        let at = if log.at_ns == 0 { self.headers.received_at } else { wire::millis(log.at_ns) };
        if !PLAUSIBLE_MS.contains(&at) {
            return Err(format!("its time, {} ns since 1970, lies after 2199", log.at_ns));
        }
        let score = scoring::evaluation(&log.attributes, about, at);
        if score.name.is_empty() || score.value.is_none() && score.label.is_none() {
            return Err("an evaluation has no name, or neither a value nor a label".into());
        }
        self.decoded.feedback.push(self.options.scores.feedback(&score));
        Ok(())
    }

    fn reject(&mut self, signal: Signal, reason: String, enclosing: Enclosing<E::Raw>, raw: E::Raw) {
        // A large resource around many bad spans is not repeated without end: past the limits, the whole body is
        // refused and kept instead.
        if self.decoded.rejected.len() <= MAX_REJECTED {
            let bytes = E::alone(signal, enclosing, raw);
            self.rejected_bytes += bytes.len();
            let bytes = if self.rejected_bytes <= self.options.limits.body { bytes } else { Vec::new() };
            self.decoded.rejected.push(Rejected { reason, bytes });
        }
    }
}
