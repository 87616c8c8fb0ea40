//! One span, read through the table of `conventions` into the few facts that matter: what kind of span it is, what
//! it says about a call, about a prompt and about what surrounds it. Contents of prompts and answers, and values of
//! template variables, are never kept. Start with [`SpanFact`]; `read` makes one.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::DateTime;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::conventions::{
    self, EXCLUDES_CACHE, Entry, FIELDS, Family, Field, LOGFIRE_VARIABLE, NAMINGS, Reading, Use,
};
use super::members;
use super::signal::{self, About, Measure, Score, clip};
use super::wire::{Attributes, RawSpan, Value};
use crate::domain::call::{Millis, NanoUsd};

/// Longest text that is kept of an attribute, in bytes.
const MAX_TEXT: usize = 256;
/// Longest text that is kept of an error.
const MAX_ERROR: usize = 500;
/// Most variables, associations or scores that are kept of one span.
const MAX_LIST: usize = 64;
/// 2010-01-01 and 2100-01-01: a span outside was stamped by a broken clock.
const PLAUSIBLE_NS: std::ops::Range<u64> = 1_262_304_000_000_000_000..4_102_444_800_000_000_000;
/// Longest span: 31 days.
const MAX_LENGTH_NS: u64 = 31 * 86_400 * 1_000_000_000;

/// What a span stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// A model call, or another description of one.
    ModelCall,
    /// The second half of a streamed call, written when the stream ended (logfire).
    StreamTail,
    /// A call of an embedding model.
    Embedding,
    /// An agent's run.
    Agent,
    /// A tool's run.
    Tool,
    /// A search.
    Retriever,
    /// A judge: what lies below speaks about other calls, not for its own prompt.
    Evaluator,
    /// A template was filled in, or a prompt was looked up.
    Prompt,
    /// A score dressed as a span.
    Annotation,
    /// Chains, workflows, SDK wrappers: they may repeat what the calls below them say.
    Wrapper,
    /// Everything else (HTTP, databases): kept for the way from child to ancestor.
    Plain,
}

impl Kind {
    /// Whether the span describes a model call or a part of one.
    pub fn is_call(self) -> bool {
        matches!(self, Kind::ModelCall | Kind::StreamTail)
    }
}

/// What a span says about a model call.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallFact {
    /// The instrumentation that wrote the span.
    pub scope: String,
    /// A hash of service, host and process: descriptions of one call come from one process, unless they share a
    /// trace or the answer's id.
    pub process: u64,
    /// The model that answered, where the convention says that it is the one that answered.
    pub model_used: Option<String>,
    /// A model, where the convention leaves open whether it answered or was asked for.
    pub model_named: Option<String>,
    /// The model asked for.
    pub model_requested: Option<String>,
    /// The provider, verbatim.
    pub provider: Option<String>,
    /// Input tokens.
    pub input_tokens: Option<u32>,
    /// Whether `input_tokens` leaves out what came from the cache.
    pub excludes_cache: bool,
    /// Output tokens.
    pub output_tokens: Option<u32>,
    /// Input tokens read from the cache.
    pub cached_tokens: Option<u32>,
    /// Cost as reported; 0 can mean that the reporter knew no price.
    pub cost: Option<NanoUsd>,
    /// Microseconds from the span's start to the first token.
    pub ttft_us: Option<u64>,
    /// Of a [`Kind::StreamTail`]: nanoseconds that the stream took.
    pub stream_ns: Option<u64>,
    /// Whether the span ended without an error.
    pub ok: bool,
    /// The error's type.
    pub error_type: Option<String>,
    /// The error's words.
    pub error_text: Option<String>,
    /// The provider's id of the answer.
    pub response_id: Option<String>,
    /// Whether the answer was streamed, as far as the span says.
    pub streamed: bool,
    /// Ids by which feedback may address the call.
    pub associations: Vec<String>,
}

/// What a span says about a prompt.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PromptFact {
    /// The prompt's name.
    pub name: Option<String>,
    /// The attribute that gave the name.
    pub key: Option<String>,
    /// The version that came with the name.
    pub version: Option<String>,
    /// SHA-256 of the template.
    pub template: Option<[u8; 32]>,
    /// The version that came with the template.
    pub template_version: Option<String>,
    /// Names of the template's variables, sorted.
    pub variables: Vec<String>,
}

/// The compact facts of one span: all that grouping needs, and all that is stored of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SpanFact {
    /// Trace id.
    pub trace: [u8; 16],
    /// Span id, unique within the trace.
    pub span: [u8; 8],
    /// The parent, `None` for a root.
    pub parent: Option<[u8; 8]>,
    /// Start in nanoseconds since 1970.
    pub start_ns: u64,
    /// End in nanoseconds since 1970, not before the start.
    pub end_ns: u64,
    /// What the span stands for.
    pub kind: Kind,
    /// What it says about a call; for calls only, so that wrappers cannot repeat usage.
    pub call: Option<Box<CallFact>>,
    /// What it says about a prompt.
    pub prompt: Option<Box<PromptFact>>,
    /// The session.
    pub session: Option<String>,
    /// The user.
    pub user: Option<String>,
    /// The agent.
    pub agent: Option<String>,
}

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
    scores: BTreeMap<(Family, u16), Vec<(&'r str, &'r Value<'r>)>>,
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
        if span.name == "raw_gen_ai_request" {
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
            scope: clip(&origin.scope, MAX_TEXT).to_owned(),
            process: origin.process,
            associations: std::mem::take(&mut self.associations),
            streamed: tail || ttft_us.is_some() || self.word(Field::Streamed).as_deref() == Some("true"),
            model_used: self.text(Field::ModelUsed),
            model_named: self.text(Field::ModelNamed),
            model_requested: self
                .text(Field::ModelRequested)
                .or_else(|| bare_model(span).and_then(|m| cut(m))),
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

fn cut(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| clip(text, MAX_TEXT).to_owned())
}

fn kept(value: &Value<'_>) -> Option<String> {
    value.text().and_then(|text| cut(&text))
}

fn keep(list: &mut Vec<String>, text: Option<Cow<'_, str>>) {
    if let Some(text) = text.and_then(|text| cut(&text))
        && list.len() < MAX_LIST
        && !list.contains(&text)
    {
        list.push(text);
    }
}

/// Dollars as nano-dollars; negative or absurd amounts are no amounts.
fn nano_usd(dollars: f64) -> Option<NanoUsd> {
    (0.0..=1e6).contains(&dollars).then_some((dollars * 1e9).round() as NanoUsd)
}

/// An id of the right length that is not all zero.
fn id<const N: usize>(bytes: &[u8], what: &str) -> Result<[u8; N], String> {
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
    reader.read_members(kind.is_call());
    let call = kind.is_call().then(|| Box::new(reader.call(raw, origin)));
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
    let scores = scores(&fact, &reader, raw);
    Ok((fact, scores))
}

/// The scores that a span carries: attributes of OpenInference, events of OTel, logfire's annotation spans.
fn scores(fact: &SpanFact, reader: &Reader<'_>, raw: &RawSpan<'_>) -> Vec<Score> {
    let mut scores = Vec::new();
    let here = About::Span(fact.trace, fact.span);
    for ((family, _), fields) in &reader.scores {
        let about = match family {
            Family::TraceScore => About::Trace(fact.trace),
            Family::SessionScore => fact.session.clone().map_or(About::Trace(fact.trace), About::Id),
            _ => here.clone(),
        };
        let mut score = Score::new(about, millis(fact.end_ns));
        for (field, value) in fields {
            let field = field.rsplit('.').next().unwrap_or_default();
            match field {
                "name" => score.name = kept(value).unwrap_or_default(),
                "score" => score.value = measure(value),
                "label" => score.label = kept(value),
                "explanation" => score.comment = value.text().map(Cow::into_owned),
                "annotator_kind" => score.source = kept(value).and_then(|word| signal::source(&word)),
                "identifier" => score.identifier = kept(value),
                _ => {}
            }
        }
        scores.push(score);
    }
    let results = raw.events.iter().filter(|event| event.name == EVALUATION).take(MAX_LIST);
    scores.extend(results.map(|event| evaluation(&event.attributes, here.clone(), millis(event.at_ns))));
    if fact.kind == Kind::Annotation
        && let Some(name) = reader.text(Field::FeedbackName)
    {
        let about = fact.parent.map_or(About::Trace(fact.trace), |parent| About::Span(fact.trace, parent));
        let mut score = Score::new(about, millis(fact.start_ns));
        for (key, value) in &raw.attributes {
            match &**key {
                "logfire.feedback.comment" => score.comment = value.text().map(Cow::into_owned),
                "source" => score.source = kept(value).and_then(|word| signal::source(&word)),
                key if key == name => (score.value, score.label) = (measure(value), label(value)),
                _ => {}
            }
        }
        score.name = name;
        scores.push(score);
    }
    scores.retain(|score| !score.name.is_empty() && (score.value.is_some() || score.label.is_some()));
    scores
}

/// The name of OTel's evaluation event, on spans and in log records.
pub(super) const EVALUATION: &str = "gen_ai.evaluation.result";

/// The score that an evaluation event is.
pub(super) fn evaluation(attributes: &Attributes<'_>, about: About, at: Millis) -> Score {
    let mut score = Score::new(about, at);
    for (key, value) in attributes {
        match &**key {
            "gen_ai.evaluation.name" => score.name = kept(value).unwrap_or_default(),
            "gen_ai.evaluation.score.value" => score.value = measure(value),
            "gen_ai.evaluation.score.label" => score.label = kept(value),
            "gen_ai.evaluation.explanation" => score.comment = value.text().map(Cow::into_owned),
            "openlit.score.idempotency_key" => score.identifier = kept(value),
            "source" => score.source = kept(value).and_then(|word| signal::source(&word)),
            _ => {}
        }
    }
    score
}

fn measure(value: &Value<'_>) -> Option<Measure> {
    match value {
        Value::Bool(value) => Some(Measure::Bool(*value)),
        Value::Int(_) | Value::Float(_) => value.number().map(Measure::Number),
        Value::Text(_) | Value::Other => None,
    }
}

fn label(value: &Value<'_>) -> Option<String> {
    if let Value::Text(_) = value { kept(value) } else { None }
}
