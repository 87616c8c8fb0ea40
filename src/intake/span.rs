//! The compact facts of one span: plain values that are stored and grouped; how they are read is in `reading`.
//! Contents of prompts and answers, and values of template variables, are never kept. Start with [`SpanFact`].

use serde::{Deserialize, Serialize};

use crate::domain::call::NanoUsd;

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
    /// What it says about a call; for calls only, so that wrappers cannot repeat usage. (Of a provider's raw answer
    /// below a call: the answer's id.)
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
