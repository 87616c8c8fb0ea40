//! The native events: one JSON object a call or a piece of feedback, read strictly and printed back the same.
//!
//! Reading borrows from the line and shares one allocation among calls with equal `promptMetadata`, because a busy
//! fleet repeats a few hundred compositions a million times.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use rustc_hash::FxHashMap;
use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::Number;
use serde_json::value::RawValue;
use xxhash_rust::xxh3::xxh3_128;

use crate::domain::call::{Call, MAX_COST, Millis, NanoUsd, PLAUSIBLE_MS};
use crate::domain::event::Event;
use crate::domain::feedback::{Feedback, Signal, Source, Target, alias};
use crate::domain::prompt::{CompositionMethod, PromptCallMetadata, PromptLayer, PromptUri};

/// Longest ids, names and sessions, in bytes.
const MAX_TEXT: usize = 512;
/// Longest error or detail that is kept, in bytes; a longer one is cut at a character.
const MAX_DETAIL: usize = 4096;
/// Compositions that are remembered while reading.
const REMEMBERED: usize = 4096;
/// Longest text of a composition that is remembered, in bytes.
const MAX_REMEMBERED: usize = 4096;
/// Most prompts, and most layers, of one call.
const MAX_PROMPTS: usize = 64;
/// Most names of variables of one call.
const MAX_VARIABLES: usize = 256;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an event, which is an object")]
struct Wire<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    provenance_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    at: Option<Cow<'a, str>>,
    #[serde(borrow)]
    prompt_metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    model_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    provider: Option<Cow<'a, str>>,
    input_tokens: Option<f64>,
    output_tokens: Option<f64>,
    cached_tokens: Option<f64>,
    cost_usd: Option<f64>,
    #[serde(default)]
    cost_estimated: bool,
    duration_ms: Option<f64>,
    ttft_ms: Option<f64>,
    ok: Option<bool>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    agent_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    session_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    user_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    signal: Option<Cow<'a, str>>,
    #[serde(borrow)]
    source: Option<Cow<'a, str>>,
    #[serde(borrow)]
    detail: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct WireMetadata {
    #[serde(default)]
    prompt_uris: Vec<PromptUri>,
    #[serde(default)]
    prompt_versions: Vec<Version>,
    #[serde(default)]
    layers: Option<Vec<PromptLayer>>,
    composition_method: Option<CompositionMethod>,
    #[serde(default)]
    variables_used: Option<Vec<String>>,
    estimated_tokens: Option<u32>,
    org_id: Option<String>,
}

/// Which version of a prompt was active at a time: fills in what an event leaves out.
pub type ActiveVersion<'a> = dyn Fn(&PromptUri, Millis) -> Option<Version> + 'a;

/// Reads events. Keeps what repeats between them.
#[derive(Debug, Default)]
pub struct Reader {
    seen: FxHashMap<Box<str>, Option<Arc<PromptCallMetadata>>>,
}

impl Reader {
    /// Reads one JSON object; the error says what is wrong with it, for a person. `now` stands in for the time of
    /// feedback that has none.
    pub fn read(&mut self, json: &[u8], active: &ActiveVersion<'_>, now: Millis) -> Result<Event, String> {
        let wire: Wire<'_> = serde_json::from_slice(json).map_err(|e| describe(&e))?;
        let signal = wire.signal.is_some();
        match wire.kind.as_deref() {
            Some("call") => self.call(wire, active).map(Event::Call),
            Some("feedback") => feedback(wire, now).map(Event::Feedback),
            // recordPromptFeedback of the seed has no type; its signal says what it is.
            None if signal => feedback(wire, now).map(Event::Feedback),
            None => Err("`type` is missing: `call` or `feedback`".into()),
            Some(other) => {
                Err(format!("`type` is `{}`: expected `call` or `feedback`", other.escape_debug()))
            }
        }
    }

    fn call(&mut self, wire: Wire<'_>, active: &ActiveVersion<'_>) -> Result<Call, String> {
        let provenance_id = id("provenanceId", wire.provenance_id)?;
        let at = time(wire.at.as_deref().ok_or("`at` is missing")?)?;
        let error = wire.error.map(error_text).transpose()?.flatten();
        let ok = wire.ok.unwrap_or(error.is_none());
        Ok(Call {
            provenance_id,
            at,
            prompts: wire.prompt_metadata.map(|raw| self.metadata(raw, at, active)).transpose()?.flatten(),
            model: id("modelId", wire.model_id)?,
            provider: text("provider", wire.provider)?,
            input_tokens: tokens("inputTokens", wire.input_tokens)?,
            output_tokens: tokens("outputTokens", wire.output_tokens)?,
            cached_tokens: tokens("cachedTokens", wire.cached_tokens)?.filter(|n| *n > 0),
            cost: wire.cost_usd.map(|usd| nano_usd("costUsd", usd)).transpose()?,
            cost_estimated: wire.cost_estimated && wire.cost_usd.is_some(),
            duration_us: micros("durationMs", wire.duration_ms)?,
            ttft_us: micros("ttftMs", wire.ttft_ms)?,
            ok,
            error: if ok { None } else { error },
            agent: text("agentId", wire.agent_id)?,
            session: text("sessionId", wire.session_id)?,
            user: text("userId", wire.user_id)?,
        })
    }

    fn metadata(
        &mut self,
        raw: &RawValue,
        at: Millis,
        active: &ActiveVersion<'_>,
    ) -> Result<Option<Arc<PromptCallMetadata>>, String> {
        if let Some(known) = self.seen.get(raw.get()) {
            return Ok(known.clone());
        }
        let wire: Option<WireMetadata> =
            serde_json::from_str(raw.get()).map_err(|e| format!("promptMetadata: {}", describe(&e)))?;
        let Some(wire) = wire else { return Ok(None) };
        let (metadata, fixed) = complete(wire, at, active)?;
        // Naming a prompt, even through layers alone, is what makes a record of prompts.
        let named = !metadata.prompt_uris.is_empty() || !metadata.layers.is_empty();
        let metadata = named.then(|| Arc::new(metadata));
        // What depends on the time of the call is not shared between calls.
        if fixed && raw.get().len() <= MAX_REMEMBERED {
            if self.seen.len() >= REMEMBERED {
                self.seen.clear();
            }
            self.seen.insert(raw.get().into(), metadata.clone());
        }
        Ok(metadata)
    }
}

/// Refuses what a record of prompts has no use for: lists and texts without end, layers that contradict themselves.
fn bounded(wire: &WireMetadata) -> Result<(), String> {
    let layers = wire.layers.as_deref().unwrap_or_default();
    let variables = wire.variables_used.as_deref().unwrap_or_default();
    for (name, length, most) in [
        ("promptUris", wire.prompt_uris.len(), MAX_PROMPTS),
        ("layers", layers.len(), MAX_PROMPTS),
        ("variablesUsed", variables.len(), MAX_VARIABLES),
    ] {
        if length > most {
            return Err(format!("promptMetadata: {length} {name}, at most {most} are taken"));
        }
    }
    let named = variables.iter().map(|name| ("variablesUsed", name));
    for (name, value) in named.chain(wire.org_id.iter().map(|org| ("orgId", org))) {
        text(name, Some(Cow::Borrowed(value))).map_err(|e| format!("promptMetadata: {e}"))?;
    }
    for PromptLayer { scope, uri, version } in layers {
        if uri.version.as_ref().is_some_and(|named| named != version) {
            return Err(format!("promptMetadata: the layer `{uri}` stands beside the version `{version}`"));
        }
        if uri.scope() != *scope {
            return Err(format!("promptMetadata: the layer `{uri}` stands beside the scope `{scope}`"));
        }
    }
    Ok(())
}

/// The record with its versions filled in, and whether it says the same for calls of any time.
fn complete(
    wire: WireMetadata,
    at: Millis,
    active: &ActiveVersion<'_>,
) -> Result<(PromptCallMetadata, bool), String> {
    bounded(&wire)?;
    let (uris, mut versions) = (wire.prompt_uris, wire.prompt_versions);
    let layers = wire.layers.unwrap_or_default();
    let mut fixed = true;
    if !versions.is_empty() && versions.len() != uris.len() {
        return Err(format!(
            "promptMetadata: {} promptUris but {} promptVersions; they go in pairs",
            uris.len(),
            versions.len()
        ));
    }
    for (i, uri) in uris.iter().enumerate() {
        match (versions.get(i), &uri.version) {
            (Some(said), Some(named)) if said != named => {
                return Err(format!("promptMetadata: `{uri}` stands beside the version `{said}`"));
            }
            (Some(_), _) => {}
            (None, Some(named)) => versions.push(named.clone()),
            (None, None) => {
                let layer =
                    layers.iter().find(|layer| (&layer.uri.place, &layer.uri.key) == (&uri.place, &uri.key));
                let version = layer.map(|layer| layer.version.clone()).or_else(|| {
                    fixed = false;
                    active(&uri.unversioned(), at)
                });
                versions.push(version.unwrap_or_else(|| Version::new(0, 0, 0)));
            }
        }
    }
    let org = uris.iter().chain(layers.iter().map(|l| &l.uri)).find_map(|u| u.place.org());
    let org_id = wire.org_id.unwrap_or_else(|| org.map_or_else(String::new, ToString::to_string));
    let metadata = PromptCallMetadata {
        composition_method: wire.composition_method.unwrap_or(CompositionMethod::Manual),
        variables_used: wire.variables_used.unwrap_or_default(),
        estimated_tokens: wire.estimated_tokens,
        prompt_versions: versions,
        prompt_uris: uris,
        layers,
        org_id,
    };
    match metadata.named_twice() {
        Some(uri) => Err(format!("promptMetadata: it names two versions of {uri}; one call uses one")),
        None => Ok((metadata, fixed)),
    }
}

fn feedback(wire: Wire<'_>, now: Millis) -> Result<Feedback, String> {
    let provenance_id = id("provenanceId", wire.provenance_id)?;
    let signal: Signal = wire.signal.as_deref().ok_or("`signal` is missing")?.parse()?;
    let source = wire.source.as_deref().map_or(Ok(Source::User), str::parse)?;
    let detail = wire.detail.map(|d| cut(&d, MAX_DETAIL));
    let at = wire.at.as_deref().map(time).transpose()?;
    let id = match text("id", wire.id)? {
        Some(id) => id,
        None => derived_id(&provenance_id, signal, source, detail.as_deref(), at),
    };
    let target = Target { alias: alias::provenance(&provenance_id), text: provenance_id };
    Ok(Feedback { id, target, signal: Some(signal), source, detail, at: at.unwrap_or(now) })
}

/// The id of feedback that came without one: the same content is the same feedback.
pub fn derived_id(
    provenance_id: &str,
    signal: Signal,
    source: Source,
    detail: Option<&str>,
    at: Option<Millis>,
) -> String {
    let at = at.map_or_else(String::new, |at| at.to_string());
    let content = [provenance_id, signal.as_str(), source.as_str(), detail.unwrap_or(""), &at].join("\0");
    format!("fb-{:032x}", xxh3_128(content.as_bytes()))
}

fn describe(error: &serde_json::Error) -> String {
    match error.classify() {
        serde_json::error::Category::Eof => "the JSON ends too early".into(),
        serde_json::error::Category::Syntax => format!("not JSON: {error}"),
        _ => error.to_string(),
    }
}

fn id(name: &str, value: Option<Cow<'_, str>>) -> Result<String, String> {
    text(name, value)?.ok_or_else(|| format!("`{name}` is missing"))
}

fn text(name: &str, value: Option<Cow<'_, str>>) -> Result<Option<String>, String> {
    let Some(value) = value.filter(|v| !v.is_empty()) else { return Ok(None) };
    if value.len() > MAX_TEXT {
        return Err(format!("`{name}` has {} bytes, at most {MAX_TEXT} are taken", value.len()));
    }
    Ok(Some(value.into_owned()))
}

/// Errors come as a text, or as an object with a `message` or `type`; anything else is kept as it is written.
fn error_text(raw: &RawValue) -> Result<Option<String>, String> {
    let value: serde_json::Value =
        serde_json::from_str(raw.get()).map_err(|e| format!("`error`: {}", describe(&e)))?;
    let part = |name: &str| value.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
    Ok(match &value {
        serde_json::Value::Null => None,
        serde_json::Value::String(s) if s.is_empty() => None,
        serde_json::Value::String(s) => Some(cut(s, MAX_DETAIL)),
        _ => part("message")
            .or_else(|| part("type"))
            .or_else(|| Some(raw.get().to_owned()))
            .map(|s| cut(&s, MAX_DETAIL)),
    })
}

fn cut(text: &str, most: usize) -> String {
    text[..text.floor_char_boundary(most)].to_owned()
}

fn tokens(name: &str, value: Option<f64>) -> Result<Option<u32>, String> {
    let Some(n) = value else { return Ok(None) };
    if n < 0.0 || n.fract() != 0.0 || n > f64::from(u32::MAX) {
        // Beyond 2^53 it would not be shown as it was written.
        let n = if n.abs() < 9e15 { n.to_string() } else { "too large".into() };
        return Err(format!("`{name}` is {n}: a whole number from 0 to {} is expected", u32::MAX));
    }
    Ok(Some(n as u32))
}

fn micros(name: &str, value: Option<f64>) -> Result<Option<u64>, String> {
    let Some(ms) = value else { return Ok(None) };
    // 31 days: longer than any call, short enough for exact sums of squares.
    if !(0.0..=2_678_400_000.0).contains(&ms) {
        return Err(format!("`{name}` is {ms}: milliseconds from 0 to 31 days are expected"));
    }
    Ok(Some((ms * 1000.0).round() as u64))
}

/// Dollars to nano-dollars.
pub fn nano_usd(name: &str, usd: f64) -> Result<NanoUsd, String> {
    let nano = (usd * 1e9).round();
    if !(0.0..=MAX_COST as f64).contains(&nano) {
        return Err(format!("`{name}` is {usd}: dollars from 0 to 10,000 are expected"));
    }
    Ok(nano as NanoUsd)
}

/// RFC 3339, within [`PLAUSIBLE_MS`].
fn time(text: &str) -> Result<Millis, String> {
    let at = DateTime::parse_from_rfc3339(text)
        .map_err(|e| format!("`at` is `{}`: RFC 3339 is expected ({e})", cut(text, 60).escape_debug()))?
        .timestamp_millis();
    if !PLAUSIBLE_MS.contains(&at) {
        return Err(format!("`at` is `{text}`: times from 1970 to 2199 are taken"));
    }
    Ok(at)
}

/// A time as the wire writes it.
pub fn rfc3339(at: Millis) -> String {
    DateTime::<Utc>::from_timestamp_millis(at)
        .map_or_else(|| at.to_string(), |t| t.to_rfc3339_opts(SecondsFormat::Millis, true))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CallOut<'a> {
    r#type: &'static str,
    provenance_id: &'a str,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_metadata: Option<&'a PromptCallMetadata>,
    model_id: &'a str,
    provider: Option<&'a str>,
    input_tokens: Option<u32>,
    output_tokens: Option<u32>,
    cached_tokens: u32,
    cost_usd: Option<Number>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cost_estimated: bool,
    duration_ms: Option<Number>,
    ttft_ms: Option<Number>,
    ok: bool,
    error: Option<&'a str>,
    agent_id: Option<&'a str>,
    session_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FeedbackOut<'a> {
    r#type: &'static str,
    id: &'a str,
    provenance_id: &'a str,
    signal: Option<Signal>,
    source: Source,
    detail: Option<&'a str>,
    at: String,
}

/// A number without a fraction is written without one.
fn number(value: f64) -> Option<Number> {
    if value.fract() == 0.0 { Some(Number::from(value as i64)) } else { Number::from_f64(value) }
}

/// The call as a native event, one line without its end.
pub fn call_line(call: &Call) -> serde_json::Result<String> {
    serde_json::to_string(&CallOut {
        r#type: "call",
        provenance_id: &call.provenance_id,
        at: rfc3339(call.at),
        prompt_metadata: call.prompts.as_deref(),
        model_id: &call.model,
        provider: call.provider.as_deref(),
        input_tokens: call.input_tokens,
        output_tokens: call.output_tokens,
        cached_tokens: call.cached_tokens.unwrap_or(0),
        cost_usd: call.cost.and_then(|c| number(c as f64 / 1e9)),
        cost_estimated: call.cost_estimated,
        duration_ms: call.duration_us.and_then(|us| number(us as f64 / 1e3)),
        ttft_ms: call.ttft_us.and_then(|us| number(us as f64 / 1e3)),
        ok: call.ok,
        error: call.error.as_deref(),
        agent_id: call.agent.as_deref(),
        session_id: call.session.as_deref(),
        user_id: call.user.as_deref(),
    })
}

/// The feedback as a native event about the call with this id.
pub fn feedback_line(feedback: &Feedback, provenance_id: &str) -> serde_json::Result<String> {
    serde_json::to_string(&FeedbackOut {
        r#type: "feedback",
        id: &feedback.id,
        provenance_id,
        signal: feedback.signal,
        source: feedback.source,
        detail: feedback.detail.as_deref(),
        at: rfc3339(feedback.at),
    })
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
