//! The switchboard: a request's path says which room takes its body. Start with [`take`].

use super::decoded::{DecodeError, Decoded, Headers, Ignored, Limits, Options};
use super::{otlp, rest};

/// Paths at and below which SDKs fetch or push what is no telemetry of calls: prompts, secrets, settings, media, data
/// sets. Langfuse's other paths may carry calls, which must not be lost.
const NO_TELEMETRY: &[&str] = &[
    "/api/prompt",
    "/api/public/dataset-items",
    "/api/public/dataset-run-items",
    "/api/public/datasets",
    "/api/public/media",
    "/api/public/projects",
    "/api/public/prompts",
    "/api/public/v2/datasets",
    "/api/public/v2/prompts",
    "/api/vault",
    "/v1/prompts",
    "/v1/traceloop",
];

/// Longest body of scores or annotations: they are read as a tree, which takes many times their length.
const MAX_REST: usize = 4 << 20;

/// Takes one request as it was, or would have been, sent: OTLP traces, logs and metrics at any path that ends in
/// their name, Langfuse scores, Traceloop annotations. Requests without a body yield nothing; an unknown path is an
/// error, so that its body is quarantined and not lost.
pub fn take(headers: &Headers, body: &[u8], options: &Options) -> Result<Decoded, DecodeError> {
    let posts = matches!(headers.method.to_ascii_uppercase().as_str(), "" | "POST" | "PUT" | "PATCH");
    let path = headers.path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    if !posts || body.is_empty() {
        return Ok(nothing());
    }
    if path.is_empty() || otlp::signal_of(path).is_some() {
        return otlp::decode(headers, body, options);
    }
    let plain = || {
        let limits = Limits { body: options.limits.body.min(MAX_REST) };
        otlp::unpack(headers.content_encoding.as_deref(), body, limits)
    };
    if path.ends_with("/api/public/scores") {
        return rest::langfuse_scores(&plain()?, headers.received_at, options);
    }
    if path.ends_with("/api/public/ingestion") {
        return rest::langfuse_batch(&plain()?, headers.received_at, options);
    }
    if let Some(task) = annotation_task(path) {
        return rest::traceloop_annotation(task, &plain()?, headers.received_at, options);
    }
    let below =
        |known: &str| path.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if NO_TELEMETRY.iter().any(|known| below(known)) {
        return Ok(nothing());
    }
    Err(DecodeError::UnknownPath(path.chars().take(200).collect()))
}

fn nothing() -> Decoded {
    Decoded { ignored: Ignored { requests: 1, ..Ignored::default() }, ..Decoded::default() }
}

/// The task of `…/annotation-tasks/<task>/annotations`.
fn annotation_task(path: &str) -> Option<&str> {
    let (_, rest) = path.split_once("/annotation-tasks/")?;
    rest.strip_suffix("/annotations").filter(|task| !task.is_empty())
}
