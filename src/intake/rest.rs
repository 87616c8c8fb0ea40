//! Feedback that travels beside OTLP: Langfuse scores and Traceloop annotations. Each element of a body is taken or
//! rejected on its own.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::decoded::{DecodeError, Decoded, Options, Rejected};
use super::signal::{self, About, Measure, Score, clip};
use crate::domain::call::{Millis, PLAUSIBLE_MS};

/// Most scores of one body.
const MAX_SCORES: usize = 100_000;

fn parse(body: &[u8], what: &'static str) -> Result<Value, DecodeError> {
    serde_json::from_slice(body).map_err(|e| DecodeError::Malformed { what, why: e.to_string() })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LangfuseScore {
    id: Option<String>,
    trace_id: Option<String>,
    observation_id: Option<String>,
    session_id: Option<String>,
    name: String,
    #[serde(default)]
    value: Value,
    string_value: Option<String>,
    data_type: Option<String>,
    comment: Option<String>,
    source: Option<String>,
    timestamp: Option<chrono::DateTime<chrono::Utc>>,
}

/// `POST /api/public/scores`: one score, or an array of them.
pub(super) fn langfuse_scores(body: &[u8], at: Millis, options: &Options) -> Result<Decoded, DecodeError> {
    let scores = match parse(body, "Langfuse scores body")? {
        Value::Array(scores) => scores,
        score => vec![score],
    };
    langfuse(scores, |score| score, at, options)
}

/// Events of Langfuse's ingestion API that are no telemetry of calls: the SDK's own logs, and names of traces.
const CHATTER: &[&str] = &["sdk-log", "trace-create"];

/// `POST /api/public/ingestion`: a batch of events, of which those that create scores are taken. Calls that come this
/// way are refused, each with its bytes: they are read as OTLP alone.
pub(super) fn langfuse_batch(body: &[u8], at: Millis, options: &Options) -> Result<Decoded, DecodeError> {
    let mut batch = parse(body, "Langfuse ingestion body")?;
    let Some(Value::Array(events)) = batch.get_mut("batch").map(Value::take) else {
        return Err(DecodeError::Malformed {
            what: "Langfuse ingestion body",
            why: "it has no `batch`".into(),
        });
    };
    let alone = |event| json!({"batch": [event]});
    let (mut scores, mut refused, mut passed_over) = (Vec::new(), Vec::new(), 0);
    for mut event in events {
        match event["type"].as_str().unwrap_or_default() {
            "score-create" => scores.push(event["body"].take()),
            kind if CHATTER.contains(&kind) => passed_over += 1,
            kind => refused.push(Rejected {
                reason: format!(
                    "a Langfuse event of type `{}` was refused: calls are not read from this API; send OTLP to \
                     /api/public/otel/v1/traces",
                    clip(kind, 40).escape_debug()
                ),
                bytes: alone(event).to_string().into_bytes(),
            }),
        }
    }
    let score = |score| alone(json!({"type": "score-create", "body": score}));
    let mut decoded = langfuse(scores, score, at, options)?;
    decoded.rejected.extend(refused);
    decoded.ignored.requests += passed_over;
    Ok(decoded)
}

/// Takes scores; `alone` wraps one so that it can be sent again to where it came from.
fn langfuse(
    scores: Vec<Value>,
    alone: impl Fn(Value) -> Value,
    at: Millis,
    options: &Options,
) -> Result<Decoded, DecodeError> {
    if scores.len() > MAX_SCORES {
        let why = format!("it has {} scores, at most {MAX_SCORES} are taken at once", scores.len());
        return Err(DecodeError::Malformed { what: "Langfuse scores body", why });
    }
    let mut decoded = Decoded::default();
    for value in scores {
        let score = serde_json::from_value::<LangfuseScore>(value.clone());
        match score.map_err(|e| e.to_string()).and_then(|score| langfuse_score(score, at)) {
            Ok(score) => decoded.feedback.push(options.scores.feedback(&score)),
            Err(why) => decoded.rejected.push(Rejected {
                reason: format!("a Langfuse score was refused: {why}"),
                bytes: alone(value).to_string().into_bytes(),
            }),
        }
    }
    Ok(decoded)
}

fn langfuse_score(said: LangfuseScore, at: Millis) -> Result<Score, String> {
    let trace = said.trace_id.as_deref().map(|text| text.replace('-', ""));
    let trace_bytes = trace.as_deref().and_then(bytes::<16>);
    let about = match (trace_bytes, said.observation_id.as_deref(), said.trace_id, said.session_id) {
        (Some(trace), Some(observation), ..) => match bytes::<8>(observation) {
            Some(span) => About::Span(trace, span),
            None => About::Id(observation.to_owned()),
        },
        (None, Some(observation), ..) => About::Id(observation.to_owned()),
        (Some(trace), None, ..) => About::Trace(trace),
        (None, None, Some(id), _) | (None, None, None, Some(id)) => About::Id(id),
        (None, None, None, None) => return Err("it names no trace, observation or session".into()),
    };
    let at = said.timestamp.map_or(at, |time| time.timestamp_millis());
    if !PLAUSIBLE_MS.contains(&at) {
        return Err("its `timestamp` lies outside of 1970 to 2199".into());
    }
    let mut score = Score::new(about, at);
    let boolean = said.data_type.as_deref() == Some("BOOLEAN");
    (score.value, score.label) = match said.value {
        Value::Bool(value) => (Some(Measure::Bool(value)), None),
        Value::Number(number) => {
            let number = number.as_f64().filter(|n| n.is_finite()).ok_or("its value is not finite")?;
            (Some(if boolean { Measure::Bool(number != 0.0) } else { Measure::Number(number) }), None)
        }
        Value::String(label) => (None, Some(label)),
        _ => (None, None),
    };
    // Langfuse's own exports repeat a boolean or number as text beside the value.
    score.label = score.label.or(if score.value.is_none() { said.string_value } else { None });
    if score.value.is_none() && score.label.is_none() {
        return Err("it has no value".into());
    }
    score.name = said.name;
    score.comment = said.comment.filter(|text| !text.is_empty());
    score.identifier = said.id;
    score.source = said.source.as_deref().and_then(signal::source);
    Ok(score)
}

fn bytes<const N: usize>(hex: &str) -> Option<[u8; N]> {
    if hex.len() != 2 * N || !hex.is_ascii() {
        return None;
    }
    let mut bytes = [0; N];
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).ok()?;
    }
    Some(bytes)
}

#[derive(Deserialize)]
struct TraceloopAnnotation {
    entity_instance_id: String,
    tags: Map<String, Value>,
    flow: Option<String>,
    source: Option<String>,
}

/// `POST /v2/annotation-tasks/<task>/annotations`: tags for whatever carries the association id.
pub(super) fn traceloop_annotation(
    task: &str,
    body: &[u8],
    at: Millis,
    options: &Options,
) -> Result<Decoded, DecodeError> {
    let what = "Traceloop annotation";
    let said: TraceloopAnnotation = serde_json::from_value(parse(body, what)?)
        .map_err(|e| DecodeError::Malformed { what, why: e.to_string() })?;
    let mut decoded = Decoded::default();
    let source =
        said.flow.as_deref().and_then(signal::source).or(said.source.as_deref().and_then(signal::source));
    for (tag, value) in &said.tags {
        let mut score = Score::new(About::Id(said.entity_instance_id.clone()), at);
        score.name = format!("{task}.{tag}");
        score.identifier = Some(said.entity_instance_id.clone());
        score.source = source;
        match value {
            Value::Bool(value) => score.value = Some(Measure::Bool(*value)),
            Value::Number(number) => score.value = number.as_f64().map(Measure::Number),
            Value::String(label) => score.label = Some(label.clone()),
            _ => {
                let alone =
                    json!({"entity_instance_id": said.entity_instance_id, "tags": {tag.as_str(): value}});
                decoded.rejected.push(Rejected {
                    reason: format!("the tag `{}` is neither a scalar nor a text", tag.escape_debug()),
                    bytes: alone.to_string().into_bytes(),
                });
                continue;
            }
        }
        decoded.feedback.push(options.scores.feedback(&score));
    }
    Ok(decoded)
}
