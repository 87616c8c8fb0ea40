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
    let room = if path.is_empty() { Some(Room::Otlp) } else { Room::of(path) };
    if let Some(Room::Otlp) = room {
        return otlp::decode(headers, body, options);
    }
    let plain = || {
        let limits = Limits { body: options.limits.body.min(MAX_REST) };
        otlp::unpack(headers.content_encoding.as_deref(), body, limits)
    };
    let at = headers.received_at;
    match room {
        Some(Room::Scores) => return rest::langfuse_scores(&plain()?, at, options),
        Some(Room::Batch) => return rest::langfuse_batch(&plain()?, at, options),
        Some(Room::Annotations(task)) => return rest::traceloop_annotation(task, &plain()?, at, options),
        Some(Room::Otlp) | None => (),
    }
    let below =
        |known: &str| path.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if NO_TELEMETRY.iter().any(|known| below(known)) {
        return Ok(nothing());
    }
    Err(DecodeError::UnknownPath(path.chars().take(200).collect()))
}

/// Whether telemetry is taken at `path`, and whether it is OTLP.
pub fn takes(path: &str) -> Option<bool> {
    Room::of(path.trim_end_matches('/')).map(|room| matches!(room, Room::Otlp))
}

/// Who takes a body.
#[derive(Debug, Clone, Copy)]
enum Room<'p> {
    Otlp,
    Scores,
    Batch,
    Annotations(&'p str),
}

impl Room<'_> {
    /// That of a path without its query and last slash.
    fn of(path: &str) -> Option<Room<'_>> {
        if otlp::signal_of(path).is_some() {
            return Some(Room::Otlp);
        }
        if path.ends_with("/api/public/scores") {
            return Some(Room::Scores);
        }
        if path.ends_with("/api/public/ingestion") {
            return Some(Room::Batch);
        }
        annotation_task(path).map(Room::Annotations)
    }
}

fn nothing() -> Decoded {
    Decoded { ignored: Ignored { requests: 1, ..Ignored::default() }, ..Decoded::default() }
}

/// The task of `…/annotation-tasks/<task>/annotations`.
fn annotation_task(path: &str) -> Option<&str> {
    let (_, rest) = path.split_once("/annotation-tasks/")?;
    rest.strip_suffix("/annotations").filter(|task| !task.is_empty())
}
