//! What an endpoint answered, read into the few facts that matter: the text, its tokens, how it ended.

use std::time::Duration;

use genai::chat::{ChatResponse, StopReason};

use super::error::LlmError;
use crate::domain::call::NanoUsd;
use crate::domain::model::TokenUse;
use crate::engine::tokens;

/// Longest text that is taken for an answer, in bytes.
const MAX_TEXT: usize = 4 * 1024 * 1024;

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// The model had said all.
    Stop,
    /// It reached the most tokens that it may write: the text is cut off.
    Length,
    /// Another reason, or none given.
    Other,
}

/// An answer of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The text. From outside: data.
    pub text: String,
    /// Input tokens, cached ones included.
    pub input_tokens: u32,
    /// Output tokens, those of reasoning included.
    pub output_tokens: u32,
    /// Input tokens that were read from the provider's cache.
    pub cached: u32,
    /// Whether the tokens were estimated here, because the endpoint reported none.
    pub tokens_estimated: bool,
    /// What it cost by the price table, nano-dollars; `None` where no price is known.
    pub cost: Option<NanoUsd>,
    /// The model that answered, as the endpoint names it.
    pub model: String,
    /// Wall time of the attempt that was answered.
    pub duration: Duration,
    /// How it ended.
    pub finish: Finish,
    /// Attempts, this one included.
    pub attempts: u32,
}

/// The facts of an answer that do not depend on who asked.
pub(super) struct Reading {
    pub text: Result<String, LlmError>,
    pub tokens: TokenUse,
    pub estimated: bool,
    pub model: String,
    pub finish: Finish,
}

/// Reads an answer to a request of about `asked` tokens.
pub(super) fn read(response: ChatResponse, asked: u32) -> Reading {
    let finish = match &response.stop_reason {
        Some(StopReason::Completed(_) | StopReason::StopSequence(_)) => Finish::Stop,
        Some(StopReason::MaxTokens(_)) => Finish::Length,
        _ => Finish::Other,
    };
    let model = response.provider_model_iden.model_name.to_string();
    let count = |n: Option<i32>| n.and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
    let usage = &response.usage;
    let cached = usage.prompt_tokens_details.as_ref().and_then(|details| count(details.cached_tokens));
    let (input, output) = (count(usage.prompt_tokens), count(usage.completion_tokens));
    let reason = response.stop_reason.as_ref().map_or("no reason given", |reason| match reason {
        StopReason::MaxTokens(_) => "it reached its limit of tokens before it wrote any",
        StopReason::ContentFilter(_) => "a content filter stopped it",
        StopReason::ToolCall(_) => "it called a tool that there is not",
        _ => "it said that it was done",
    });
    let text = response.into_texts().concat();
    let tokens = TokenUse {
        input: input.unwrap_or(asked),
        output: output.unwrap_or_else(|| tokens::estimate(&text)),
        cached: cached.unwrap_or(0),
    };
    let text = match text.trim() {
        "" => Err(LlmError::Empty { why: reason.to_owned() }),
        _ if text.len() > MAX_TEXT => Err(LlmError::Garbage { why: format!("it has {} bytes", text.len()) }),
        _ => Ok(text),
    };
    Reading { text, tokens, estimated: input.is_none() || output.is_none(), model, finish }
}
