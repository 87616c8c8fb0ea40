//! The conventions of foreign telemetry as one table: canonical field -> attribute keys, best first. Adding a
//! convention is adding rows. Nothing here decides what a value means; that is `span`.
//!
//! Notation of keys: `metadata{prompt_name}` is the member `prompt_name` of the JSON text in the attribute `metadata`
//! (`{a.b}` goes deeper, `{v.*}` asks for the names of all members of `v`).
//!
//! Precedence where one span carries several conventions: the vendor's own observation keys, then current OTel
//! GenAI, OpenInference, deprecated OTel, AI SDK, anything else. Values of two conventions are never added.
//! Sources: open-telemetry/semantic-conventions-genai, OpenInference `semantic_conventions.md`, Langfuse's
//! `OtelIngestionProcessor`, Traceloop's semconv-ai, and the SDKs' code.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use super::members::Path;

/// What a span can say about a call or about what surrounds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
#[allow(missing_docs, reason = "the rows of the table say what each field is")]
pub enum Field {
    // What kind of span it is.
    LangfuseType,
    OpenInferenceKind,
    TraceloopKind,
    Operation,
    AiSdkOperation,
    LogfireType,
    FeedbackName,
    EvaluatorName,
    // The call.
    ModelUsed,
    ModelNamed,
    ModelRequested,
    Provider,
    InputTokens,
    OutputTokens,
    CachedTokens,
    Cost,
    FirstToken,
    StreamSeconds,
    ErrorType,
    ErrorText,
    Level,
    Streamed,
    ResponseId,
    // What surrounds it.
    Session,
    User,
    Agent,
    // The prompt.
    Template,
    TemplateVersion,
    Variables,
    ResolvedName,
    ResolvedVersion,
}

/// Number of fields.
pub const FIELDS: usize = Field::ResolvedVersion as usize + 1;

impl Field {
    /// Whether the field says something about a call itself, and nothing about any other span.
    pub fn of_call(self) -> bool {
        (Field::ModelUsed as u8..=Field::ResponseId as u8).contains(&(self as u8))
    }
}

/// How a value is to be read; the units that conventions disagree about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// As it stands: texts, counts, dollars.
    Plain,
    /// A duration in seconds.
    Seconds,
    /// A duration in milliseconds.
    Millis,
    /// A duration in seconds (OpenLIT, the specification) or milliseconds (others): told apart by the span's length.
    SecondsOrMillis,
    /// A point in time, as (quoted) RFC 3339 text.
    Instant,
}

use Field as F;
use Reading::{Instant, Millis, Plain, Seconds, SecondsOrMillis};

/// The table. Several rows of one field continue each other.
const ROWS: &[(Field, Reading, &[&str])] = &[
    // --- kind ---------------------------------------------------------------------------------------------------
    (F::LangfuseType, Plain, &["langfuse.observation.type"]),
    (F::OpenInferenceKind, Plain, &["openinference.span.kind"]),
    (F::TraceloopKind, Plain, &["traceloop.span.kind"]),
    (F::Operation, Plain, &["gen_ai.operation.name", "llm.request.type"]),
    (F::AiSdkOperation, Plain, &["ai.operationId"]),
    (F::LogfireType, Plain, &["logfire.span_type"]),
    (F::FeedbackName, Plain, &["logfire.feedback.name"]),
    (F::EvaluatorName, Plain, &["evaluator_name"]),
    // --- model --------------------------------------------------------------------------------------------------
    (F::ModelUsed, Plain, &["gen_ai.response.model", "llm.response.model_name", "ai.response.model"]),
    // Names that do not say whether they were asked for or answered.
    (F::ModelNamed, Plain, &["langfuse.observation.model.name", "llm.model_name"]),
    (
        F::ModelRequested,
        Plain,
        &[
            "gen_ai.request.model",
            "llm.request.model_name",
            "llm.invocation_parameters{model}",
            "ai.model.id",
            "litellm.provider.model",
            "input.value{model}",
        ],
    ),
    (
        F::Provider,
        Plain,
        &["gen_ai.provider.name", "llm.provider", "llm.system", "gen_ai.system", "ai.model.provider"],
    ),
    // --- usage --------------------------------------------------------------------------------------------------
    (
        F::InputTokens,
        Plain,
        &[
            // The first of these counts without the cache; see `EXCLUDES_CACHE`.
            "langfuse.observation.usage_details{input}",
            "langfuse.observation.usage_details{input_tokens}",
            "langfuse.observation.usage_details{prompt_tokens}",
            "gen_ai.usage.input_tokens",
            "llm.token_count.prompt",
            "gen_ai.usage.prompt_tokens",
            "ai.usage.inputTokens",
            "ai.usage.promptTokens",
        ],
    ),
    (
        F::OutputTokens,
        Plain,
        &[
            "langfuse.observation.usage_details{output}",
            "langfuse.observation.usage_details{output_tokens}",
            "langfuse.observation.usage_details{completion_tokens}",
            "gen_ai.usage.output_tokens",
            "llm.token_count.completion",
            "gen_ai.usage.completion_tokens",
            "ai.usage.outputTokens",
            "ai.usage.completionTokens",
        ],
    ),
    (
        F::CachedTokens,
        Plain,
        &[
            "langfuse.observation.usage_details{cache_read_input_tokens}",
            "langfuse.observation.usage_details{input_cached_tokens}",
            "langfuse.observation.usage_details{prompt_tokens_details.cached_tokens}",
            "langfuse.observation.usage_details{input_tokens_details.cached_tokens}",
            "gen_ai.usage.cache_read.input_tokens",
            "llm.token_count.prompt_details.cache_read",
            "gen_ai.usage.cache_read_input_tokens",
            "ai.usage.cachedInputTokens",
            "ai.usage.inputTokenDetails.cacheReadTokens",
        ],
    ),
    (
        F::Cost,
        Plain,
        &[
            "langfuse.observation.cost_details{total}",
            "llm.cost.total",
            "gen_ai.usage.cost",
            "operation.cost",
            "gen_ai.cost.total_cost",
            "litellm.cost.total",
        ],
    ),
    // --- time to the first token --------------------------------------------------------------------------------
    (F::FirstToken, Instant, &["langfuse.observation.completion_start_time"]),
    (
        F::FirstToken,
        Seconds,
        &["gen_ai.response.time_to_first_chunk", "gen_ai.client.operation.time_to_first_chunk"],
    ),
    (F::FirstToken, SecondsOrMillis, &["gen_ai.server.time_to_first_token"]),
    (F::FirstToken, Millis, &["ai.response.msToFirstChunk"]),
    // Logfire writes the length of a stream into the span that closes it.
    (F::StreamSeconds, Seconds, &["duration"]),
    // --- outcome ------------------------------------------------------------------------------------------------
    (F::ErrorType, Plain, &["error.type"]),
    (F::ErrorText, Plain, &["langfuse.observation.status_message", "error.message"]),
    (F::Level, Plain, &["langfuse.observation.level"]),
    (
        F::ResponseId,
        Plain,
        &[
            "gen_ai.response.id",
            "output.value{id}",
            "ai.response.id",
            "llm.openai.id",
            "output.value{llm_output.id}",
        ],
    ),
    (
        F::Streamed,
        Plain,
        &[
            "gen_ai.request.stream",
            "gen_ai.is_streaming",
            "llm.is_streaming",
            "llm.invocation_parameters{stream}",
        ],
    ),
    // --- surroundings -------------------------------------------------------------------------------------------
    (
        F::Session,
        Plain,
        &[
            "langfuse.session.id",
            "gen_ai.conversation.id",
            "session.id",
            "traceloop.association.properties.session_id",
            "ai.telemetry.metadata.sessionId",
            "metadata{session_id}",
            "metadata{thread_id}",
            "session_id",
        ],
    ),
    (
        F::User,
        Plain,
        &[
            "langfuse.user.id",
            "user.id",
            "traceloop.association.properties.user_id",
            "ai.telemetry.metadata.userId",
            "llm.user",
            "gen_ai.request.user",
            "enduser.id",
            "metadata{user_id}",
            "user_id",
        ],
    ),
    (
        F::Agent,
        Plain,
        &["gen_ai.agent.name", "gen_ai.agent.id", "agent.name", "ai.telemetry.functionId", "agent_name"],
    ),
    // --- template -----------------------------------------------------------------------------------------------
    (F::Template, Plain, &["llm.prompt_template.template", "traceloop.prompt.template"]),
    (
        F::TemplateVersion,
        Plain,
        &[
            "llm.prompt_template.version",
            "traceloop.prompt.version",
            "traceloop.prompt.version_name",
            "traceloop.prompt.version_hash",
        ],
    ),
    (
        F::Variables,
        Plain,
        &[
            "llm.prompt_template.variables{*}",
            "llm.invocation_parameters{prompt.variables.*}",
            "metadata.prompt_management_metadata{prompt_variables.*}",
            "prompt_variables{*}",
        ],
    ),
    // What logfire's "Resolve variable" span resolved; read on spans of that scope alone.
    (F::ResolvedName, Plain, &["name"]),
    (F::ResolvedVersion, Plain, &["version", "label"]),
];

/// A way to name a prompt: the key of its name, and the keys of its version, best first.
pub struct Naming {
    /// The key under which the name stands; `logfire.variables.*` holds the name in the key itself.
    pub name: &'static str,
    /// Where its version stands.
    pub versions: &'static [&'static str],
}

/// Ways to name a prompt, best first. A version is taken from the convention that gave the name, never from another.
pub const NAMINGS: &[Naming] = &[
    Naming { name: "langfuse.observation.prompt.name", versions: &["langfuse.observation.prompt.version"] },
    Naming { name: "langfuse.prompt.name", versions: &["langfuse.prompt.version"] },
    Naming { name: "gen_ai.prompt.name", versions: &["gen_ai.prompt.version", "prompt.version"] },
    Naming { name: "prompt.id", versions: &["llm.prompt_template.version", "prompt.version"] },
    Naming {
        name: "metadata{prompt_name}",
        versions: &[
            "llm.prompt_template.version",
            "metadata{prompt_version}",
            "metadata{lc_hub_commit_hash}",
        ],
    },
    Naming {
        name: "metadata{lc_hub_repo}",
        versions: &["metadata{lc_hub_commit_hash}", "llm.prompt_template.version"],
    },
    Naming {
        name: "llm.invocation_parameters{prompt.id}",
        versions: &["llm.invocation_parameters{prompt.version}"],
    },
    Naming { name: "prompt.url", versions: &["llm.prompt_template.version", "prompt.version"] },
    Naming {
        name: "traceloop.prompt.key",
        versions: &[
            "traceloop.prompt.version",
            "traceloop.prompt.version_name",
            "traceloop.prompt.version_hash",
        ],
    },
    Naming { name: "ai.telemetry.metadata.promptName", versions: &["ai.telemetry.metadata.promptVersion"] },
    Naming {
        name: "ai.telemetry.metadata.langfusePrompt{name}",
        versions: &["ai.telemetry.metadata.langfusePrompt{version}"],
    },
    Naming { name: LOGFIRE_VARIABLE, versions: &[] },
    Naming {
        name: "metadata.prompt_management_metadata{prompt_id}",
        versions: &["metadata.prompt_management_metadata{prompt_version}"],
    },
    Naming { name: "prompt.name", versions: &["prompt.version"] },
    Naming { name: "prompt_name", versions: &["prompt_version"] },
];

/// The naming whose name stands in the attribute's key.
pub const LOGFIRE_VARIABLE: &str = "logfire.variables.*";

/// The rank of [`F::InputTokens`] whose count leaves out what came from the cache (Langfuse's own `input`).
pub const EXCLUDES_CACHE: u8 = 0;

/// How the spans of an instrumentation may lie to those of another that describes the same call, where the two share
/// neither a trace nor the answer's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Its span may be the outer one: it is not the current span while the call runs, so that the SDK's span below
    /// begins a trace of its own.
    pub outside: bool,
    /// Its span may be the inner one: it sits in an SDK that frameworks call.
    pub inside: bool,
}

/// The standing of known instrumentations, by the beginning of their scope. It only spares links: of an unknown
/// scope, everything is thought possible.
const SCOPES: &[(&str, Standing)] = &[
    ("com.anthropic.sdk", Standing { outside: false, inside: true }),
    ("openinference.instrumentation.openai", Standing { outside: false, inside: true }),
    ("openinference.instrumentation.anthropic", Standing { outside: false, inside: true }),
    ("openinference.instrumentation.litellm", Standing { outside: false, inside: true }),
    ("openinference.instrumentation.langchain", Standing { outside: true, inside: false }),
    ("opentelemetry.instrumentation.genai.", Standing { outside: false, inside: true }),
    ("opentelemetry.instrumentation.openai_v2", Standing { outside: false, inside: true }),
    ("opentelemetry.util.genai", Standing { outside: false, inside: true }),
    ("openlit.", Standing { outside: false, inside: true }),
    ("logfire.", Standing { outside: false, inside: true }),
    ("pydantic-ai", Standing { outside: false, inside: false }),
    ("langfuse", Standing { outside: false, inside: false }),
    ("litellm", Standing { outside: false, inside: false }),
];

/// The standing of a scope.
pub fn standing(scope: &str) -> Standing {
    let known = SCOPES.iter().find(|(prefix, _)| scope.starts_with(prefix)).map(|(_, standing)| *standing);
    // The AI SDK's scope is a word of two letters, too short for a prefix.
    let frameworks = Standing { outside: false, inside: false };
    known.unwrap_or(if scope == "ai" { frameworks } else { Standing { outside: true, inside: true } })
}

/// Keys that carry a part of their meaning behind a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// `….NAME`: a template variable; the name is kept, the value is not looked at.
    TemplateVariable,
    /// `….NAME` = label, `….NAME.version` = version.
    LogfireVariable,
    /// `….NAME` = an id by which feedback may address the call.
    Association,
    /// `….N.annotation.FIELD` (or `evaluation`): a score of this span.
    SpanScore,
    /// The same, of the whole trace.
    TraceScore,
    /// The same, of the session.
    SessionScore,
}

/// The families by prefix.
const FAMILIES: &[(&str, Family)] = &[
    ("traceloop.prompt.template_variables.", Family::TemplateVariable),
    ("logfire.variables.", Family::LogfireVariable),
    ("traceloop.association.properties.", Family::Association),
    ("annotations.", Family::SpanScore),
    ("evaluations.", Family::SpanScore),
    ("trace.annotations.", Family::TraceScore),
    ("trace.evaluations.", Family::TraceScore),
    ("session.annotations.", Family::SessionScore),
    ("session.evaluations.", Family::SessionScore),
];

/// The family of a key, and what stands behind its prefix.
pub fn family(key: &str) -> Option<(Family, &str)> {
    FAMILIES.iter().find_map(|(prefix, family)| Some((*family, key.strip_prefix(prefix)?)))
}

/// Where a value goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// To a field, with its rank there (0 is best).
    Field(Field, u8, Reading),
    /// It is the name of `NAMINGS[i]`.
    Name(usize),
    /// It is a version of `NAMINGS[i]`, with its rank there.
    Version(usize, u8),
}

/// What an attribute key is good for.
#[derive(Debug, Default)]
pub struct Entry {
    /// The value as it stands.
    pub plain: Vec<Use>,
    /// Members of the JSON text that the value is: way and use, in parallel.
    pub(super) ways: Vec<Path>,
    /// The uses of `ways`.
    pub members: Vec<Use>,
}

/// What `key` is good for: one hash lookup.
pub fn entry(key: &str) -> Option<&'static Entry> {
    INDEX.get(key)
}

static INDEX: LazyLock<FxHashMap<&'static str, Entry>> = LazyLock::new(|| {
    let mut index: FxHashMap<&'static str, Entry> = FxHashMap::default();
    let mut add =
        |spec: &'static str, purpose: Use| match spec.strip_suffix('}').and_then(|s| s.split_once('{')) {
            None => index.entry(spec).or_default().plain.push(purpose),
            Some((key, way)) => {
                let entry = index.entry(key).or_default();
                entry.ways.push(way.split('.').collect());
                entry.members.push(purpose);
            }
        };
    let mut ranks = [0_u8; FIELDS];
    for (field, reading, keys) in ROWS {
        for key in *keys {
            let rank = &mut ranks[*field as usize];
            add(key, Use::Field(*field, *rank, *reading));
            *rank += 1;
        }
    }
    for (i, naming) in NAMINGS.iter().enumerate().filter(|(_, naming)| naming.name != LOGFIRE_VARIABLE) {
        add(naming.name, Use::Name(i));
        for (rank, version) in naming.versions.iter().enumerate() {
            add(version, Use::Version(i, rank as u8));
        }
    }
    index
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_found_by_key() {
        let entry = entry("metadata").unwrap();
        assert!(entry.plain.is_empty());
        assert_eq!(entry.ways.len(), entry.members.len());
        assert!(entry.ways.contains(&vec!["prompt_name"]));
        let Use::Field(Field::ModelUsed, 0, Reading::Plain) =
            super::entry("gen_ai.response.model").unwrap().plain[0]
        else {
            panic!("the best key of the model that answered is the current convention's");
        };
    }

    #[test]
    fn no_key_stands_twice_for_one_field() {
        let mut seen = rustc_hash::FxHashSet::default();
        for (field, _, keys) in ROWS {
            for key in *keys {
                assert!(seen.insert((*field, *key)), "{key} twice for {field:?}");
            }
        }
    }

    #[test]
    fn langfuse_input_is_the_rank_that_excludes_the_cache() {
        let (_, _, keys) = ROWS.iter().find(|row| row.0 == Field::InputTokens).unwrap();
        assert_eq!(keys[usize::from(EXCLUDES_CACHE)], "langfuse.observation.usage_details{input}");
    }

    #[test]
    fn families_by_prefix() {
        assert_eq!(family("annotations.0.annotation.name"), Some((Family::SpanScore, "0.annotation.name")));
        assert_eq!(family("gen_ai.usage.input_tokens"), None);
    }
}
