//! OTLP as JSON, read in place: a group, a scope or a span stays unread text (`RawValue`) until its turn, so memory
//! follows the longest span and not the body. Ids are hex, 64-bit integers may be numbers or strings.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::wire::{
    Attributes, Enclosing, Encoding, MAX_ATTRIBUTES, MAX_EVENT_ATTRIBUTES, MAX_EVENTS, RawEvent, RawLog,
    RawSpan, Signal, Value,
};

/// The JSON encoding.
pub(super) struct Json;

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Request<'a> {
    #[serde(borrow, rename = "resourceSpans", alias = "resource_spans")]
    spans: Option<&'a RawValue>,
    #[serde(borrow, rename = "resourceLogs", alias = "resource_logs")]
    logs: Option<&'a RawValue>,
    #[serde(borrow, rename = "resourceMetrics", alias = "resource_metrics")]
    metrics: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Group<'a> {
    #[serde(borrow)]
    resource: Option<&'a RawValue>,
    #[serde(borrow, rename = "scopeSpans", alias = "scopeLogs", alias = "scope_spans", alias = "scope_logs")]
    scopes: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Scoped<'a> {
    #[serde(borrow)]
    scope: Option<&'a RawValue>,
    #[serde(borrow, rename = "spans", alias = "logRecords", alias = "log_records")]
    items: Option<&'a RawValue>,
}

/// A text that borrows where it has no escapes; serde borrows through a newtype, not through `Option<Cow>`.
#[derive(Deserialize, Default)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Text<'a> {
    fn of(text: Option<Text<'a>>) -> Cow<'a, str> {
        text.map(|t| t.0).unwrap_or_default()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct Span<'a> {
    #[serde(borrow, rename = "traceId", alias = "trace_id")]
    trace: Option<Text<'a>>,
    #[serde(borrow, rename = "spanId", alias = "span_id")]
    id: Option<Text<'a>>,
    #[serde(borrow, rename = "parentSpanId", alias = "parent_span_id")]
    parent: Option<Text<'a>>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(alias = "start_time_unix_nano")]
    start_time_unix_nano: Option<Number>,
    #[serde(alias = "end_time_unix_nano")]
    end_time_unix_nano: Option<Number>,
    #[serde(borrow)]
    attributes: Option<&'a RawValue>,
    #[serde(borrow)]
    events: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<Status<'a>>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Status<'a> {
    #[serde(borrow)]
    message: Option<Text<'a>>,
    code: Option<Code>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct Event<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(alias = "time_unix_nano")]
    time_unix_nano: Option<Number>,
    #[serde(borrow)]
    attributes: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct Record<'a> {
    #[serde(borrow, rename = "traceId", alias = "trace_id")]
    trace: Option<Text<'a>>,
    #[serde(borrow, rename = "spanId", alias = "span_id")]
    id: Option<Text<'a>>,
    #[serde(borrow, alias = "event_name")]
    event_name: Option<Text<'a>>,
    #[serde(alias = "time_unix_nano")]
    time_unix_nano: Option<Number>,
    #[serde(alias = "observed_time_unix_nano")]
    observed_time_unix_nano: Option<Number>,
    #[serde(borrow)]
    attributes: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Holder<'a> {
    #[serde(borrow)]
    attributes: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct KeyValue<'a> {
    #[serde(borrow)]
    key: Option<Text<'a>>,
    #[serde(borrow)]
    value: Option<Any<'a>>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Any<'a> {
    #[serde(borrow, rename = "stringValue", alias = "string_value")]
    text: Option<Text<'a>>,
    #[serde(rename = "boolValue", alias = "bool_value")]
    bool: Option<bool>,
    #[serde(rename = "intValue", alias = "int_value")]
    int: Option<Number>,
    #[serde(rename = "doubleValue", alias = "double_value")]
    double: Option<Number>,
}

impl<'a> Any<'a> {
    fn value(self) -> Value<'a> {
        match self {
            Any { text: Some(text), .. } => Value::Text(text.0),
            Any { bool: Some(bool), .. } => Value::Bool(bool),
            Any { int: Some(Number::Int(int)), .. } => Value::Int(int),
            Any { int: Some(number), .. } | Any { double: Some(number), .. } => Value::Float(number.float()),
            _ => Value::Other,
        }
    }
}

/// A number, or a number in quotes.
#[derive(Clone, Copy)]
enum Number {
    Int(i64),
    Large(u64),
    Float(f64),
}

impl Number {
    fn float(self) -> f64 {
        match self {
            Number::Int(int) => int as f64,
            Number::Large(int) => int as f64,
            Number::Float(float) => float,
        }
    }

    fn nanos(this: Option<Number>) -> u64 {
        match this {
            Some(Number::Int(int)) => u64::try_from(int).unwrap_or(0),
            Some(Number::Large(int)) => int,
            Some(Number::Float(float)) => float as u64,
            None => 0,
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        impl Visitor<'_> for Reads {
            type Value = Number;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or a number in quotes")
            }
            fn visit_i64<E>(self, int: i64) -> Result<Number, E> {
                Ok(Number::Int(int))
            }
            fn visit_u64<E>(self, int: u64) -> Result<Number, E> {
                Ok(i64::try_from(int).map_or(Number::Large(int), Number::Int))
            }
            fn visit_f64<E>(self, float: f64) -> Result<Number, E> {
                Ok(Number::Float(float))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Number, E> {
                let int = text.parse().map(Number::Int).or_else(|_| text.parse().map(Number::Large));
                int.or_else(|_| text.parse().map(Number::Float)).map_err(|_| E::custom("not a number"))
            }
        }
        deserializer.deserialize_any(Reads)
    }
}

/// A status code: the number, or its name in the protobuf mapping.
struct Code(u64);

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        impl Visitor<'_> for Reads {
            type Value = Code;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a status code")
            }
            fn visit_u64<E>(self, code: u64) -> Result<Code, E> {
                Ok(Code(code))
            }
            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Code, E> {
                match name {
                    "STATUS_CODE_UNSET" => Ok(Code(0)),
                    "STATUS_CODE_OK" => Ok(Code(1)),
                    "STATUS_CODE_ERROR" => Ok(Code(2)),
                    _ => Err(E::custom("not a status code")),
                }
            }
        }
        deserializer.deserialize_any(Reads)
    }
}

/// Visits the elements of an array, one at a time.
fn each<'a, T: Deserialize<'a>>(
    array: Option<&'a RawValue>,
    visit: &mut dyn FnMut(T) -> Result<(), String>,
) -> Result<(), String> {
    struct Elements<'v, T>(&'v mut dyn FnMut(T) -> Result<(), String>, PhantomData<T>);
    impl<'a, T: Deserialize<'a>> Visitor<'a> for Elements<'_, T> {
        type Value = ();
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
        }
        fn visit_unit<E>(self) -> Result<(), E> {
            Ok(())
        }
        fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<(), A::Error> {
            while let Some(element) = seq.next_element()? {
                (self.0)(element).map_err(A::Error::custom)?;
            }
            Ok(())
        }
    }
    let Some(array) = array else { return Ok(()) };
    let mut reader = serde_json::Deserializer::from_str(array.get());
    reader.deserialize_any(Elements(visit, PhantomData)).map_err(|e| e.to_string())
}

/// Refuses an object that is not OTLP at all. An empty export, `{}`, is.
fn known(body: &[u8]) -> Result<(), String> {
    let members: BTreeMap<Cow<'_, str>, &RawValue> =
        serde_json::from_slice(body).map_err(|e| e.to_string())?;
    let ours = |name: &str| {
        let name = name.replace('_', "").to_lowercase();
        ["resourcespans", "resourcelogs", "resourcemetrics"].contains(&name.as_str())
    };
    if members.is_empty() || members.keys().any(|name| ours(name)) {
        return Ok(());
    }
    Err("it has none of `resourceSpans`, `resourceLogs` and `resourceMetrics`".into())
}

fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, String> {
    serde_json::from_str(raw.get()).map_err(|e| e.to_string())
}

fn attributes(array: Option<&RawValue>, most: usize) -> Result<Attributes<'_>, String> {
    let mut attributes = Attributes::new();
    each(array, &mut |pair: KeyValue<'_>| {
        if attributes.len() == most {
            return Err(format!("more than {most} attributes in one place"));
        }
        attributes.push((Text::of(pair.key), pair.value.map_or(Value::Other, Any::value)));
        Ok(())
    })?;
    Ok(attributes)
}

/// The bytes of a hex id. An odd or foreign text gives no bytes, which the reader of meaning refuses by length.
fn hex(text: Option<Text<'_>>) -> Cow<'static, [u8]> {
    let text = Text::of(text);
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|d| d as u8);
    let pair = |pair: &[u8]| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?);
    Cow::Owned(text.as_bytes().chunks(2).map(pair).collect::<Option<_>>().unwrap_or_default())
}

impl<'a> Encoding<'a> for Json {
    type Raw = &'a RawValue;

    fn recognise(body: &'a [u8]) -> Result<Option<Signal>, String> {
        let request: Request<'_> = serde_json::from_slice(body).map_err(|e| e.to_string())?;
        Ok(match request {
            Request { spans: Some(_), .. } => Some(Signal::Traces),
            Request { logs: Some(_), .. } => Some(Signal::Logs),
            Request { metrics: Some(_), .. } => Some(Signal::Metrics),
            _ => known(body).map(|()| None)?,
        })
    }

    fn walk(
        body: &'a [u8],
        signal: Signal,
        visit: &mut dyn FnMut(Enclosing<&'a RawValue>, &'a RawValue),
    ) -> Result<(), String> {
        let request: Request<'a> = serde_json::from_slice(body).map_err(|e| e.to_string())?;
        let groups = match signal {
            Signal::Traces => request.spans,
            Signal::Logs => request.logs,
            Signal::Metrics => request.metrics,
        };
        if groups.is_none() {
            known(body)?;
        }
        each(groups, &mut |group: Group<'a>| {
            each(group.scopes, &mut |scoped: Scoped<'a>| {
                each(scoped.items, &mut |item: &'a RawValue| {
                    visit(Enclosing { resource: group.resource, scope: scoped.scope }, item);
                    Ok(())
                })
            })
        })
    }

    fn span(raw: &'a RawValue) -> Result<RawSpan<'a>, String> {
        let span: Span<'_> = read(raw)?;
        let (message, status) = span.status.map_or((Cow::Borrowed(""), 0), |status| {
            (Text::of(status.message), status.code.map_or(0, |code| code.0))
        });
        let mut events = Vec::new();
        each(span.events, &mut |event: Event<'_>| {
            if events.len() == MAX_EVENTS {
                return Err(format!("more than {MAX_EVENTS} events"));
            }
            events.push(RawEvent {
                name: Text::of(event.name),
                at_ns: Number::nanos(event.time_unix_nano),
                attributes: attributes(event.attributes, MAX_EVENT_ATTRIBUTES)?,
            });
            Ok(())
        })?;
        Ok(RawSpan {
            trace: hex(span.trace),
            span: hex(span.id),
            parent: hex(span.parent),
            name: Text::of(span.name),
            start_ns: Number::nanos(span.start_time_unix_nano),
            end_ns: Number::nanos(span.end_time_unix_nano),
            attributes: attributes(span.attributes, MAX_ATTRIBUTES)?,
            events,
            status,
            message,
        })
    }

    fn log(raw: &'a RawValue) -> Result<RawLog<'a>, String> {
        let record: Record<'_> = read(raw)?;
        let at = Number::nanos(record.time_unix_nano);
        Ok(RawLog {
            trace: hex(record.trace),
            span: hex(record.id),
            event: Text::of(record.event_name),
            at_ns: if at == 0 { Number::nanos(record.observed_time_unix_nano) } else { at },
            attributes: attributes(record.attributes, MAX_ATTRIBUTES)?,
        })
    }

    fn resource(raw: &'a RawValue) -> Result<Attributes<'a>, String> {
        attributes(read::<Holder<'_>>(raw)?.attributes, MAX_ATTRIBUTES)
    }

    fn scope(raw: &'a RawValue) -> Result<Cow<'a, str>, String> {
        Ok(Text::of(read::<Holder<'_>>(raw)?.name))
    }

    fn place(raw: Option<&'a RawValue>) -> usize {
        raw.map_or(0, |raw| raw.get().as_ptr().addr())
    }

    fn alone(signal: Signal, enclosing: Enclosing<&'a RawValue>, raw: &'a RawValue) -> Vec<u8> {
        let (groups, scopes, items) = match signal {
            Signal::Traces => ("resourceSpans", "scopeSpans", "spans"),
            Signal::Logs => ("resourceLogs", "scopeLogs", "logRecords"),
            Signal::Metrics => ("resourceMetrics", "scopeMetrics", "metrics"),
        };
        let resource = enclosing.resource.map_or("{}", RawValue::get);
        let scope = enclosing.scope.map_or("{}", RawValue::get);
        let item = raw.get();
        format!(
            r#"{{"{groups}":[{{"resource":{resource},"{scopes}":[{{"scope":{scope},"{items}":[{item}]}}]}}]}}"#
        )
        .into_bytes()
    }
}
