//! Reads one span through the table of `conventions`: what kind of span it is, what it says about a call and about a
//! prompt. Keeps the best value of each field and nothing else. Start with `read`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::DateTime;
use sha2::{Digest, Sha256};

use super::conventions::{
    self, EXCLUDES_CACHE, Entry, FIELDS, Family, Field, LOGFIRE_VARIABLE, NAMINGS, Reading, Use,
};
use super::members;
use super::scoring;
use super::signal::{Score, clip};
use super::span::{CallFact, Kind, PromptFact, SpanFact};
use super::wire::{Attributes, RawSpan, Value, cut, id, kept};
use crate::domain::call::{MAX_COST, NanoUsd};

/// LiteLLM's second span of a call: the provider's raw answer, of which only the id is new.
const RAW_REQUEST: &str = "raw_gen_ai_request";
/// Longest text that is kept of an error.
const MAX_ERROR: usize = 500;
/// Most variables, associations or scores that are kept of one span.
const MAX_LIST: usize = 64;
/// 2010-01-01 and 2100-01-01: a span outside was stamped by a broken clock.
const PLAUSIBLE_NS: std::ops::Range<u64> = 1_262_304_000_000_000_000..4_102_444_800_000_000_000;
/// Longest span: 31 days.
const MAX_LENGTH_NS: u64 = 31 * 86_400 * 1_000_000_000;

/// Where a span was found.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    /// The scope's name.
    pub scope: String,
    /// See [`CallFact::process`].
    pub process: u64,
}

impl Origin {
    /// The hash of the attributes that tell processes apart.
    pub(super) fn process(resource: &Attributes<'_>) -> u64 {
        const KEYS: &[&str] = &["host.id", "host.name", "process.pid", "service.instance.id", "service.name"];
        let mut text = Vec::new();
        for key in KEYS {
            let said = resource.iter().find(|(name, _)| name == key).and_then(|(_, value)| value.text());
            text.extend_from_slice(said.unwrap_or_default().as_bytes());
            text.push(0);
        }
        xxhash_rust::xxh3::xxh3_64(&text)
    }
}

struct Said<'r> {
    rank: u8,
    reading: Reading,
    value: Value<'r>,
}

/// A span while it is read: the best value of each field so far.
struct Reader<'r> {
    best: [Option<Said<'r>>; FIELDS],
    names: [Option<Value<'r>>; NAMINGS.len()],
    versions: [Option<(u8, Value<'r>)>; NAMINGS.len()],
    variables: Vec<String>,
    template_variables: Vec<String>,
    logfire: Vec<(&'r str, &'r Value<'r>)>,
    associations: Vec<String>,
    scores: scoring::Parts<'r>,
    /// Values that hold members, read once the kind is known: an answer's whole JSON is worth it for a call only.
    texts: Vec<(&'static Entry, &'r str)>,
}

impl<'r> Reader<'r> {
    fn of(attributes: &'r Attributes<'r>) -> Self {
        let mut reader = Reader {
            best: [const { None }; FIELDS],
            names: [const { None }; NAMINGS.len()],
            versions: [const { None }; NAMINGS.len()],
            variables: Vec::new(),
            template_variables: Vec::new(),
            logfire: Vec::new(),
            associations: Vec::new(),
            scores: BTreeMap::new(),
            texts: Vec::new(),
        };
        for (key, value) in attributes {
            if let Some(entry) = conventions::entry(key) {
                for purpose in &entry.plain {
                    reader.offer(*purpose, lent(value));
                }
                if let (false, Value::Text(text)) = (entry.members.is_empty(), value) {
                    reader.texts.push((entry, text));
                }
            }
            if let Some((family, rest)) = conventions::family(key) {
                reader.member(family, rest, value);
            }
        }
        reader
    }

    /// Keeps a value if it is better than what is known.
    fn offer(&mut self, purpose: Use, value: Value<'r>) {
        if matches!(&value, Value::Other) || matches!(&value, Value::Text(text) if text.is_empty()) {
            return;
        }
        match purpose {
            Use::Field(field, rank, reading) => {
                let best = &mut self.best[field as usize];
                if field == Field::Variables {
                    if best.as_ref().is_some_and(|b| b.rank < rank) {
                        return;
                    }
                    if best.as_ref().is_some_and(|b| b.rank > rank) {
                        self.variables.clear();
                    }
                    keep(&mut self.variables, value.text());
                }
                if best.as_ref().is_none_or(|b| rank < b.rank) {
                    *best = Some(Said { rank, reading, value });
                }
            }
            Use::Name(i) => self.names[i] = Some(value),
            Use::Version(i, rank) => {
                if self.versions[i].as_ref().is_none_or(|(best, _)| rank < *best) {
                    self.versions[i] = Some((rank, value));
                }
            }
        }
    }

    fn member(&mut self, family: Family, rest: &'r str, value: &'r Value<'r>) {
        match family {
            Family::TemplateVariable => keep(&mut self.template_variables, Some(Cow::Borrowed(rest))),
            Family::LogfireVariable if self.logfire.len() < MAX_LIST => self.logfire.push((rest, value)),
            // Who the user is does not single out a call.
            Family::Association if rest != "user_id" => keep(&mut self.associations, value.text()),
            Family::SpanScore | Family::TraceScore | Family::SessionScore => {
                if let Some((index, field)) = rest.split_once('.')
                    && let Ok(index) = index.parse()
                    && (self.scores.len() < MAX_LIST || self.scores.contains_key(&(family, index)))
                {
                    self.scores.entry((family, index)).or_default().push((field, value));
                }
            }
            Family::LogfireVariable | Family::Association => {}
        }
    }

    /// Reads the members of JSON texts; of a span that is no call, only of those that may speak of something else.
    fn read_members(&mut self, call: bool) {
        let mut texts = std::mem::take(&mut self.texts);
        let of_call = |purpose: &Use| matches!(purpose, Use::Field(field, ..) if field.of_call());
        texts.retain(|(entry, _)| call || !entry.members.iter().all(of_call));
        // Short texts first: what they say may make reading the long ones needless.
        texts.sort_by_key(|(_, text)| text.len());
        for (entry, text) in texts {
            let known = |purpose: &Use| match purpose {
                Use::Field(Field::Variables, ..) => false,
                Use::Field(field, rank, _) => {
                    self.best[*field as usize].as_ref().is_some_and(|b| b.rank <= *rank)
                }
                _ => false,
            };
            if entry.members.iter().all(known) {
                continue;
            }
            members::pick(text, &entry.ways, &mut |i, value| self.offer(entry.members[i], value));
        }
    }

    fn said(&self, field: Field) -> Option<&Said<'r>> {
        self.best[field as usize].as_ref()
    }

    fn value(&self, field: Field) -> Option<&Value<'r>> {
        self.said(field).map(|said| &said.value)
    }

    fn text(&self, field: Field) -> Option<String> {
        self.value(field).and_then(kept)
    }

    /// The text of a short keyword, in lower case.
    fn word(&self, field: Field) -> Option<String> {
        self.text(field).map(|text| text.to_lowercase())
    }

    fn count(&self, field: Field) -> Option<u32> {
        let number = self.value(field)?.number()?;
        (0.0..=f64::from(u32::MAX)).contains(&number).then_some(number as u32)
    }

    fn kind(&self, span: &RawSpan<'_>, scope: &str) -> Kind {
        match self.word(Field::LogfireType).as_deref() {
            Some("pending_span") => return Kind::Plain,
            Some("annotation") => return Kind::Annotation,
            Some("log") if span.name.starts_with("streaming response from") => return Kind::StreamTail,
            _ => {}
        }
        if span.name == RAW_REQUEST {
            return Kind::Wrapper;
        }
        if let Some(kind) = self.word(Field::LangfuseType).or_else(|| self.word(Field::OpenInferenceKind)) {
            return observed(&kind);
        }
        if let Some(kind) = self.word(Field::TraceloopKind) {
            return match kind.as_str() {
                "agent" => Kind::Agent,
                "tool" => Kind::Tool,
                _ => Kind::Wrapper,
            };
        }
        if let Some(operation) = self.word(Field::Operation) {
            return operated(&operation);
        }
        if let Some(operation) = self.text(Field::AiSdkOperation) {
            return match operation.rsplit('.').next().unwrap_or_default() {
                "doGenerate" | "doStream" => Kind::ModelCall,
                "doEmbed" => Kind::Embedding,
                "toolCall" => Kind::Tool,
                _ => Kind::Wrapper,
            };
        }
        if scope.starts_with("openlit.instrumentation") && bare_model(span).is_some() {
            return Kind::ModelCall;
        }
        if scope == "logfire.variables" && span.name.starts_with("Resolve variable") {
            return Kind::Prompt;
        }
        if self.said(Field::EvaluatorName).is_some() && scope.starts_with("pydantic-evals") {
            return Kind::Evaluator;
        }
        Kind::Plain
    }

    fn call(&mut self, span: &RawSpan<'_>, origin: &Origin) -> CallFact {
        let failed = span.status == 2 || self.word(Field::Level).as_deref() == Some("error");
        let exception = failed.then(|| {
            let events = span.events.iter().filter(|event| event.name == "exception");
            let mut types =
                events.flat_map(|event| &event.attributes).filter(|(key, _)| key == "exception.type");
            types.next().and_then(|(_, value)| kept(value))
        });
        let text = self.value(Field::ErrorText).and_then(Value::text);
        let text = text.unwrap_or(Cow::Borrowed(&*span.message)).into_owned();
        let tail = self.word(Field::LogfireType).as_deref() == Some("log");
        let ttft_us = self.first_token(span, origin);
        CallFact {
            scope: cut(&origin.scope).unwrap_or_default(),
            process: origin.process,
            associations: std::mem::take(&mut self.associations),
            streamed: tail || ttft_us.is_some() || self.word(Field::Streamed).as_deref() == Some("true"),
            model_used: self.text(Field::ModelUsed),
            model_named: self.text(Field::ModelNamed),
            model_requested: self.text(Field::ModelRequested).or_else(|| bare_model(span).and_then(cut)),
            provider: self.text(Field::Provider),
            input_tokens: self.count(Field::InputTokens),
            // OpenLIT passes Anthropic's own count on, which leaves the cache out.
            excludes_cache: self.said(Field::InputTokens).is_some_and(|s| s.rank == EXCLUDES_CACHE)
                || origin.scope == "openlit.instrumentation.anthropic",
            output_tokens: self.count(Field::OutputTokens),
            cached_tokens: self.count(Field::CachedTokens),
            cost: self.value(Field::Cost).and_then(Value::number).and_then(nano_usd),
            ttft_us,
            stream_ns: if tail { self.seconds(Field::StreamSeconds).map(|s| (s * 1e9) as u64) } else { None },
            ok: !failed,
            error_type: if failed { self.text(Field::ErrorType).or(exception.flatten()) } else { None },
            error_text: if failed && !text.is_empty() {
                Some(clip(&text, MAX_ERROR).to_owned())
            } else {
                None
            },
            response_id: self.text(Field::ResponseId),
        }
    }

    fn seconds(&self, field: Field) -> Option<f64> {
        self.value(field)?.number().filter(|s| (0.0..=1e6).contains(s))
    }

    /// Microseconds from the start to the first token.
    fn first_token(&self, span: &RawSpan<'_>, origin: &Origin) -> Option<u64> {
        let length = (span.end_ns - span.start_ns) as f64 / 1e9;
        let said = self.said(Field::FirstToken).and_then(|said| {
            let seconds = match said.reading {
                Reading::Plain | Reading::Seconds => said.value.number()?,
                Reading::Millis => said.value.number()? / 1e3,
                Reading::SecondsOrMillis => {
                    let number = said.value.number()?;
                    // OpenLIT's spans may end before the stream does; elsewhere a first token lies within its span.
                    let seconds = origin.scope.starts_with("openlit") || number <= length;
                    if seconds { number } else { number / 1e3 }
                }
                Reading::Instant => {
                    let text = said.value.text()?;
                    let at =
                        DateTime::parse_from_rfc3339(text.trim_matches('"')).ok()?.timestamp_nanos_opt()?;
                    (u64::try_from(at).ok()?.checked_sub(span.start_ns)?) as f64 / 1e9
                }
            };
            (0.0..=1e6).contains(&seconds).then_some((seconds * 1e6).round() as u64)
        });
        said.or_else(|| {
            let first = span.events.iter().find(|event| event.name == "First Token Stream Event")?;
            Some(first.at_ns.checked_sub(span.start_ns)? / 1_000)
        })
    }

    fn prompt(&mut self, kind: Kind) -> Option<PromptFact> {
        let template = self.value(Field::Template).and_then(Value::text);
        let mut prompt = PromptFact {
            template: template.map(|text| Sha256::digest(text.as_bytes()).into()),
            template_version: self.text(Field::TemplateVersion),
            ..PromptFact::default()
        };
        if kind == Kind::Prompt && self.said(Field::LogfireType).is_some() {
            prompt.name = self.text(Field::ResolvedName);
            prompt.version = self.text(Field::ResolvedVersion);
            prompt.key = Some("name".into());
        }
        for (i, naming) in NAMINGS.iter().enumerate() {
            if prompt.name.is_some() {
                break;
            }
            if naming.name == LOGFIRE_VARIABLE {
                (prompt.name, prompt.version) = self.logfire_variable();
            } else {
                prompt.name = self.names[i].as_ref().and_then(kept);
                prompt.version = self.versions[i].as_ref().and_then(|(_, value)| kept(value));
            }
            prompt.key = Some(naming.name.into());
        }
        if prompt.name.is_none() {
            (prompt.key, prompt.version) = (None, None);
        }
        prompt.variables = std::mem::take(&mut self.variables);
        if prompt.variables.is_empty() {
            prompt.variables = std::mem::take(&mut self.template_variables);
        }
        prompt.variables.sort_unstable();
        prompt.variables.dedup();
        (prompt != PromptFact::default()).then_some(prompt)
    }

    /// The prompt among logfire's managed variables: one that is called a prompt, else the one set last, which is
    /// the innermost. Its version, else its label.
    fn logfire_variable(&self) -> (Option<String>, Option<String>) {
        let named = self.logfire.iter().filter(|(rest, _)| !rest.ends_with(".version"));
        let Some((name, label)) =
            named.clone().rfind(|(name, _)| name.starts_with("prompt")).or(named.clone().next_back())
        else {
            return (None, None);
        };
        let version = self.logfire.iter().find(|(rest, _)| rest.strip_suffix(".version") == Some(name));
        (cut(name), version.map_or_else(|| kept(label), |(_, version)| kept(version)))
    }
}

/// Langfuse's and OpenInference's kinds.
fn observed(kind: &str) -> Kind {
    match kind {
        "generation" | "llm" => Kind::ModelCall,
        "embedding" => Kind::Embedding,
        "agent" => Kind::Agent,
        "tool" => Kind::Tool,
        "retriever" | "reranker" => Kind::Retriever,
        "evaluator" => Kind::Evaluator,
        "prompt" => Kind::Prompt,
        _ => Kind::Wrapper,
    }
}

/// OTel's operations; custom names are no calls.
fn operated(operation: &str) -> Kind {
    match operation {
        "chat" | "text_completion" | "generate_content" | "completion" => Kind::ModelCall,
        "embeddings" | "embedding" => Kind::Embedding,
        "invoke_agent" | "create_agent" => Kind::Agent,
        "execute_tool" => Kind::Tool,
        "retrieval" | "rerank" => Kind::Retriever,
        _ => Kind::Wrapper,
    }
}

/// The model in the name of a span without attributes: OpenLIT's failed calls.
fn bare_model<'a>(span: &'a RawSpan<'_>) -> Option<&'a str> {
    let (operation, model) = span.name.split_once(' ')?;
    let bare = span.attributes.is_empty() && operated(operation) == Kind::ModelCall && !model.is_empty();
    bare.then_some(model)
}

fn lent<'r>(value: &'r Value<'_>) -> Value<'r> {
    match value {
        Value::Text(text) => Value::Text(Cow::Borrowed(text)),
        Value::Bool(value) => Value::Bool(*value),
        Value::Int(value) => Value::Int(*value),
        Value::Float(value) => Value::Float(*value),
        Value::Other => Value::Other,
    }
}

fn keep(list: &mut Vec<String>, text: Option<Cow<'_, str>>) {
    if let Some(text) = text.and_then(|text| cut(&text))
        && list.len() < MAX_LIST
        && !list.contains(&text)
    {
        list.push(text);
    }
}

/// Dollars as nano-dollars; negative amounts and those beyond [`MAX_COST`] are no amounts.
fn nano_usd(dollars: f64) -> Option<NanoUsd> {
    let nano = (dollars * 1e9).round();
    (0.0..=MAX_COST as f64).contains(&nano).then_some(nano as NanoUsd)
}

/// Reads a span. The error says why it cannot be taken.
pub(super) fn read(raw: &RawSpan<'_>, origin: &Origin) -> Result<(SpanFact, Vec<Score>), String> {
    let trace = id(&raw.trace, "trace")?;
    let span = id(&raw.span, "span")?;
    let parent = match &*raw.parent {
        [] => None,
        bytes if bytes.iter().all(|b| *b == 0) => None,
        bytes => Some(id(bytes, "parent span")?),
    };
    if !PLAUSIBLE_NS.contains(&raw.start_ns) {
        return Err(format!("the start, {} ns since 1970, lies before 2010 or after 2100", raw.start_ns));
    }
    if raw.end_ns < raw.start_ns || raw.end_ns - raw.start_ns > MAX_LENGTH_NS {
        return Err(format!("the span starts at {} and ends at {} ns", raw.start_ns, raw.end_ns));
    }
    let mut reader = Reader::of(&raw.attributes);
    let kind = reader.kind(raw, &origin.scope);
    let raw_request = raw.name == RAW_REQUEST;
    reader.read_members(kind.is_call());
    let call = if kind.is_call() {
        Some(Box::new(reader.call(raw, origin)))
    } else if raw_request {
        let response_id = reader.text(Field::ResponseId);
        let scope = cut(&origin.scope).unwrap_or_default();
        Some(Box::new(CallFact {
            scope,
            process: origin.process,
            response_id,
            ok: true,
            ..CallFact::default()
        }))
    } else {
        None
    };
    let prompt = reader.prompt(kind).map(Box::new);
    let fact = SpanFact {
        trace,
        span,
        parent,
        start_ns: raw.start_ns,
        end_ns: raw.end_ns,
        kind,
        call,
        prompt,
        session: reader.text(Field::Session),
        user: reader.text(Field::User),
        agent: reader.text(Field::Agent),
    };
    let scores = scoring::of_span(&fact, &reader.scores, reader.text(Field::FeedbackName), raw);
    Ok((fact, scores))
}
