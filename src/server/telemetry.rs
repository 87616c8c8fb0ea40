//! The endpoints that take telemetry. A body is read and committed on a thread of its own, beside others, which are
//! committed together; it is answered when it is durable.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;

use super::Door;
use super::wire::{Encoding, Refused};
use crate::intake::{DecodeError, Format, Headers, Intake, IntakeError, Limits, Receipt};

/// Longest body, as it is sent and once unpacked.
pub(super) const LIMIT: usize = Limits::MOST;
/// How long a body may take to arrive.
const ARRIVES: Duration = Duration::from_secs(30);

/// What became of a body.
struct Taken {
    receipt: Receipt,
    /// Why parts of it were refused, the most frequent reason first.
    why: String,
    /// Why all of it was.
    whole: Option<DecodeError>,
}

/// `POST /v1/traces`, `/v1/logs` and `/v1/metrics`, also below other paths.
pub(super) async fn otlp(door: Door, request: Request) -> Response {
    let encoding = Encoding::of(request.headers());
    let what = match request.uri().path().trim_end_matches('/').rsplit('/').next() {
        Some("logs") => "rejectedLogRecords",
        Some("metrics") => "rejectedDataPoints",
        _ => "rejectedSpans",
    };
    match door.captured(request).await {
        Ok(Taken { receipt, why, .. }) => encoding.exported(what, receipt.quarantined, &why),
        Err(refused) => encoding.refused(&refused),
    }
}

/// Scores and annotations, where SDKs post them.
pub(super) async fn foreign(door: Door, request: Request) -> Response {
    door.captured(request).await.map_or_else(Refused::into_response, counted)
}

/// `POST /api/v1/events`: an event, an array of them, or one a line.
pub(super) async fn events(State(door): State<Door>, request: Request) -> Response {
    door.native(request, "POST /api/v1/events").await.map_or_else(Refused::into_response, counted)
}

/// The counts of the contract, and why parts were refused.
fn counted(Taken { receipt, why, .. }: Taken) -> Response {
    let Receipt { accepted, duplicate, quarantined, .. } = receipt;
    let mut answer = json!({"accepted": accepted, "duplicate": duplicate, "quarantined": quarantined});
    if quarantined > 0 {
        answer["reasons"] = why.into();
    }
    Json(answer).into_response()
}

/// `POST /api/v1/feedback`: the seed's `recordPromptFeedback`.
pub(super) async fn feedback(State(door): State<Door>, request: Request) -> Response {
    match door.native(request, "POST /api/v1/feedback").await {
        Ok(Taken { receipt, why, .. }) if receipt.quarantined > 0 => Refused::new(
            StatusCode::BAD_REQUEST,
            format!("this is no feedback: {why}. Its bytes are quarantined."),
        )
        .into_response(),
        Ok(Taken { receipt, .. }) if receipt.accepted + receipt.duplicate == 0 => {
            Refused::new(StatusCode::BAD_REQUEST, "the body is empty. Send {\"provenanceId\", \"signal\"}.")
                .into_response()
        }
        Ok(Taken { receipt, .. }) => {
            Json(json!({"accepted": receipt.accepted, "duplicate": receipt.duplicate})).into_response()
        }
        Err(refused) => refused.into_response(),
    }
}

/// `GET /readyz`: whether the store can be read.
pub(super) async fn ready(State(door): State<Door>) -> Response {
    let read = tokio::task::spawn_blocking(move || door.receiver.service().read().map(drop)).await;
    match read.unwrap_or(Ok(())) {
        Ok(()) => "ready\n".into_response(),
        Err(error) => Refused::from(error).into_response(),
    }
}

impl Door {
    /// Takes a body as what its path says; one that is refused as a whole is quarantined, and that is said.
    async fn captured(&self, request: Request) -> Result<Taken, Refused> {
        let headers = request.headers();
        let sent = Headers {
            method: "POST".into(),
            content_type: header(headers, CONTENT_TYPE),
            content_encoding: header(headers, CONTENT_ENCODING),
            received_at: 0,
            path: request.uri().path().to_owned(),
        };
        let origin = format!("POST {}", sent.path);
        match self.take(request, move |intake, body| intake.body(&sent, body, &origin)).await? {
            Taken { whole: Some(error), .. } => Err(error.into()),
            taken => Ok(taken),
        }
    }

    async fn native(&self, request: Request, origin: &'static str) -> Result<Taken, Refused> {
        let encoding = header(request.headers(), CONTENT_ENCODING);
        if let Some(encoding) =
            encoding.filter(|e| !matches!(e.as_str(), "" | "identity" | "gzip" | "x-gzip"))
        {
            return Err(DecodeError::Encoding(encoding).into());
        }
        let read = move |intake: &mut Intake<'_>, body: Vec<u8>| {
            intake.stream(body.as_slice(), origin, Format::Jsonl).map(|()| None)
        };
        self.take(request, read).await
    }

    /// Reads a body and commits it.
    async fn take(
        &self,
        request: Request,
        read: impl FnOnce(&mut Intake<'_>, Vec<u8>) -> Result<Option<DecodeError>, IntakeError> + Send + 'static,
    ) -> Result<Taken, Refused> {
        // A body that does not say how long it is may be as long as any.
        let length = header(request.headers(), CONTENT_LENGTH).and_then(|n| n.parse().ok()).unwrap_or(LIMIT);
        if length > LIMIT {
            return Err(DecodeError::TooLong { limit: LIMIT }.into());
        }
        let room = self.room(length)?;
        let body = tokio::time::timeout(ARRIVES, Bytes::from_request(request, &())).await.map_err(|_| {
            Refused::new(
                StatusCode::REQUEST_TIMEOUT,
                "the body did not arrive within 30 s. Nothing was taken.",
            )
        })?;
        let body = Vec::from(body.map_err(|cut| match cut.status() {
            StatusCode::PAYLOAD_TOO_LARGE => DecodeError::TooLong { limit: LIMIT }.into(),
            status => Refused::new(status, format!("the body broke off ({cut}). Nothing was taken.")),
        })?);
        let closed =
            |_| Refused::new(StatusCode::SERVICE_UNAVAILABLE, "the server is ending. Send it again.");
        let reader = self.readers.clone().acquire_owned().await.map_err(closed)?;
        let receiver = self.receiver.clone();
        let work = move || -> Result<Taken, Refused> {
            let _held = (room, reader);
            let mut intake = receiver.intake()?;
            let whole = read(&mut intake, body)?;
            let receipt = intake.finish()?;
            let reasons: Vec<String> =
                intake.refused().most_first().into_iter().map(|refusal| refusal.reason).collect();
            Ok(Taken { receipt, why: reasons.into_iter().take(3).collect::<Vec<_>>().join("; "), whole })
        };
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
            Err(Refused::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the body could not be read: a fault of this program.",
            ))
        })
    }

    /// Room for `length` bytes.
    fn room(&self, length: usize) -> Result<OwnedSemaphorePermit, Refused> {
        let permits = (length >> 10).max(1) as u32;
        self.room.clone().try_acquire_many_owned(permits).map_err(|_| {
            Refused::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too much is under way. Send it again in a few seconds.",
            )
        })
    }
}

fn header(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}
