//! OTLP as protobuf, read in place. Start with [`Fields`]: every message is a run of numbered fields, and only the
//! few numbers that matter are looked at. A generated decoder would first build all of a body (two bytes of an empty
//! attribute become two hundred of memory); this one allocates a list of attributes per span and nothing else.
//!
//! Field numbers: opentelemetry-proto 1.x, `trace.proto`, `logs.proto`, `common.proto`, `resource.proto`.

use std::borrow::Cow;

use super::wire::{
    Attributes, Enclosing, Encoding, MAX_ATTRIBUTES, MAX_EVENT_ATTRIBUTES, MAX_EVENTS, RawEvent, RawLog,
    RawSpan, Signal, Value,
};

/// The protobuf encoding.
pub(super) struct Protobuf;

/// What follows a field's number on the wire.
#[derive(Clone, Copy)]
enum Payload<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32,
}

/// The fields of one message, in wire order. Ends after the first error.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn varint(&mut self) -> Result<u64, String> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let Some((&byte, rest)) = self.0.split_first() else {
                return Err("a number is cut short".into());
            };
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err("a number is longer than ten bytes".into())
    }

    fn bytes(&mut self, length: usize) -> Result<&'a [u8], String> {
        let Some((taken, rest)) = self.0.split_at_checked(length) else {
            return Err(format!("a field of {length} bytes is cut short after {}", self.0.len()));
        };
        self.0 = rest;
        Ok(taken)
    }

    fn field(&mut self) -> Result<(u64, Payload<'a>), String> {
        let key = self.varint()?;
        let payload = match key & 7 {
            0 => Payload::Varint(self.varint()?),
            1 => Payload::Fixed64(self.bytes(8)?.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b))),
            2 => {
                let length = self.varint()?;
                let length = usize::try_from(length).map_err(|_| "a length is out of range")?;
                Payload::Bytes(self.bytes(length)?)
            }
            5 => {
                self.bytes(4)?;
                Payload::Fixed32
            }
            other => return Err(format!("wire type {other} is not in use")),
        };
        if key >> 3 == 0 {
            return Err("a field has the number 0".into());
        }
        Ok((key >> 3, payload))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Payload<'a>), String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

fn utf8(bytes: &[u8]) -> Result<Cow<'_, str>, String> {
    std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|e| format!("a text is not UTF-8: {e}"))
}

fn value(bytes: &[u8]) -> Result<Value<'_>, String> {
    let mut value = Value::Other;
    for field in Fields(bytes) {
        value = match field? {
            (1, Payload::Bytes(text)) => Value::Text(utf8(text)?),
            (2, Payload::Varint(bool)) => Value::Bool(bool != 0),
            (3, Payload::Varint(int)) => Value::Int(int.cast_signed()),
            (4, Payload::Fixed64(bits)) => Value::Float(f64::from_bits(bits)),
            (5..=7, Payload::Bytes(_)) => Value::Other,
            _ => value,
        };
    }
    Ok(value)
}

fn push_attribute<'a>(attributes: &mut Attributes<'a>, most: usize, bytes: &'a [u8]) -> Result<(), String> {
    if attributes.len() == most {
        return Err(format!("more than {most} attributes in one place"));
    }
    let mut key = Cow::Borrowed("");
    let mut said = Value::Other;
    for field in Fields(bytes) {
        match field? {
            (1, Payload::Bytes(text)) => key = utf8(text)?,
            (2, Payload::Bytes(any)) => said = value(any)?,
            _ => {}
        }
    }
    attributes.push((key, said));
    Ok(())
}

fn event(bytes: &[u8]) -> Result<RawEvent<'_>, String> {
    let mut event = RawEvent::default();
    for field in Fields(bytes) {
        match field? {
            (1, Payload::Fixed64(at)) => event.at_ns = at,
            (2, Payload::Bytes(name)) => event.name = utf8(name)?,
            (3, Payload::Bytes(attribute)) => {
                push_attribute(&mut event.attributes, MAX_EVENT_ATTRIBUTES, attribute)?;
            }
            _ => {}
        }
    }
    Ok(event)
}

/// Visits the payloads of field `number`.
fn each<'a>(bytes: &'a [u8], number: u64, visit: &mut dyn FnMut(&'a [u8])) -> Result<(), String> {
    for field in Fields(bytes) {
        if let (n, Payload::Bytes(payload)) = field?
            && n == number
        {
            visit(payload);
        }
    }
    Ok(())
}

/// The last payload of field `number`.
fn last(bytes: &[u8], number: u64) -> Result<Option<&[u8]>, String> {
    let mut found = None;
    each(bytes, number, &mut |payload| found = Some(payload))?;
    Ok(found)
}

fn put(out: &mut Vec<u8>, number: u8, payload: &[u8]) {
    out.push(number << 3 | 2);
    let mut length = payload.len();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(payload);
}

impl<'a> Encoding<'a> for Protobuf {
    type Raw = &'a [u8];

    fn recognise(body: &'a [u8]) -> Result<Option<Signal>, String> {
        let mut first = None;
        Self::walk(body, Signal::Traces, &mut |_, item| first = first.or(Some(item)))?;
        // The three requests share their envelope. A span begins with a 16-byte id, a log record has fixed-size
        // times in the fields 1 and 11, a metric begins with its name.
        Ok(first.map(|item| match Self::span(item) {
            Ok(span) if span.trace.len() == 16 && span.span.len() == 8 => Signal::Traces,
            _ => {
                let timed = |f| matches!(f, Ok((1 | 11, Payload::Fixed64(_))));
                if Fields(item).any(timed) { Signal::Logs } else { Signal::Metrics }
            }
        }))
    }

    fn walk(
        body: &'a [u8],
        _: Signal,
        visit: &mut dyn FnMut(Enclosing<&'a [u8]>, &'a [u8]),
    ) -> Result<(), String> {
        let mut failed = Ok(());
        each(body, 1, &mut |group| {
            let inner = last(group, 1).and_then(|resource| {
                let mut failed = Ok(());
                each(group, 2, &mut |scoped| {
                    let inner = last(scoped, 1).and_then(|scope| {
                        each(scoped, 2, &mut |item| visit(Enclosing { resource, scope }, item))
                    });
                    if failed.is_ok() {
                        failed = inner;
                    }
                })?;
                failed
            });
            if failed.is_ok() {
                failed = inner;
            }
        })?;
        failed
    }

    fn span(raw: &'a [u8]) -> Result<RawSpan<'a>, String> {
        let mut span = RawSpan::default();
        for field in Fields(raw) {
            match field? {
                (1, Payload::Bytes(id)) => span.trace = Cow::Borrowed(id),
                (2, Payload::Bytes(id)) => span.span = Cow::Borrowed(id),
                (4, Payload::Bytes(id)) => span.parent = Cow::Borrowed(id),
                (5, Payload::Bytes(name)) => span.name = utf8(name)?,
                (7, Payload::Fixed64(at)) => span.start_ns = at,
                (8, Payload::Fixed64(at)) => span.end_ns = at,
                (9, Payload::Bytes(attribute)) => {
                    push_attribute(&mut span.attributes, MAX_ATTRIBUTES, attribute)?;
                }
                (11, Payload::Bytes(bytes)) => {
                    if span.events.len() == MAX_EVENTS {
                        return Err(format!("more than {MAX_EVENTS} events"));
                    }
                    span.events.push(event(bytes)?);
                }
                (15, Payload::Bytes(status)) => {
                    for field in Fields(status) {
                        match field? {
                            (2, Payload::Bytes(text)) => span.message = utf8(text)?,
                            (3, Payload::Varint(code)) => span.status = code,
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(span)
    }

    fn log(raw: &'a [u8]) -> Result<RawLog<'a>, String> {
        let mut log = RawLog::default();
        let mut observed = 0;
        for field in Fields(raw) {
            match field? {
                (1, Payload::Fixed64(at)) => log.at_ns = at,
                (6, Payload::Bytes(attribute)) => {
                    push_attribute(&mut log.attributes, MAX_ATTRIBUTES, attribute)?;
                }
                (9, Payload::Bytes(id)) => log.trace = Cow::Borrowed(id),
                (10, Payload::Bytes(id)) => log.span = Cow::Borrowed(id),
                (11, Payload::Fixed64(at)) => observed = at,
                (12, Payload::Bytes(name)) => log.event = utf8(name)?,
                _ => {}
            }
        }
        if log.at_ns == 0 {
            log.at_ns = observed;
        }
        Ok(log)
    }

    fn resource(raw: &'a [u8]) -> Result<Attributes<'a>, String> {
        let mut attributes = Attributes::new();
        for field in Fields(raw) {
            if let (1, Payload::Bytes(attribute)) = field? {
                push_attribute(&mut attributes, MAX_ATTRIBUTES, attribute)?;
            }
        }
        Ok(attributes)
    }

    fn scope(raw: &'a [u8]) -> Result<Cow<'a, str>, String> {
        last(raw, 1)?.map_or(Ok(Cow::Borrowed("")), utf8)
    }

    fn place(raw: Option<&'a [u8]>) -> usize {
        raw.map_or(0, |bytes| bytes.as_ptr().addr())
    }

    fn alone(_: Signal, enclosing: Enclosing<&'a [u8]>, raw: &'a [u8]) -> Vec<u8> {
        let mut scoped = Vec::new();
        if let Some(scope) = enclosing.scope {
            put(&mut scoped, 1, scope);
        }
        put(&mut scoped, 2, raw);
        let mut group = Vec::new();
        if let Some(resource) = enclosing.resource {
            put(&mut group, 1, resource);
        }
        put(&mut group, 2, &scoped);
        let mut body = Vec::new();
        put(&mut body, 1, &group);
        body
    }
}
