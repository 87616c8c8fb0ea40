//! How answers to exporters are written, by the rules of OTLP/HTTP 1.x: in the encoding of the request, with what was
//! rejected of it, and with a status that says whether to send it again.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use crate::intake::{DecodeError, IntakeError};
use crate::service::ServiceError;

/// After how many seconds a request that could not be taken may come again.
const LATER: u32 = 5;

/// Why nothing of a request was taken.
#[derive(Debug)]
pub(super) struct Refused {
    /// The status of the answer.
    pub status: StatusCode,
    /// What failed, why, what to do.
    pub why: String,
}

impl Refused {
    pub(super) fn new(status: StatusCode, why: impl Into<String>) -> Refused {
        Refused { status, why: why.into() }
    }

    /// Whether the same request may be taken later.
    fn may_pass(&self) -> bool {
        matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
    }

    /// The code of gRPC that says the same.
    fn code(&self) -> u8 {
        match self.status {
            StatusCode::TOO_MANY_REQUESTS => 8,
            StatusCode::SERVICE_UNAVAILABLE => 14,
            _ => 3,
        }
    }
}

/// The store did not take it: whoever sent it keeps it, and sends it again.
impl From<ServiceError> for Refused {
    fn from(error: ServiceError) -> Self {
        Refused::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}

impl From<IntakeError> for Refused {
    fn from(error: IntakeError) -> Self {
        ServiceError::from(error).into()
    }
}

impl From<DecodeError> for Refused {
    fn from(error: DecodeError) -> Self {
        let status = match error {
            DecodeError::Encoding(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            DecodeError::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            DecodeError::Malformed { .. } | DecodeError::UnknownPath(_) => StatusCode::BAD_REQUEST,
        };
        Refused::new(status, error.to_string())
    }
}

/// The encodings of OTLP/HTTP, and the plain JSON of our own endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Protobuf,
    Json,
}

impl Encoding {
    /// That of the request, which is that of the answer.
    pub(super) fn of(headers: &HeaderMap) -> Encoding {
        let sent = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if sent.to_ascii_lowercase().contains("json") { Encoding::Json } else { Encoding::Protobuf }
    }

    fn write(self, status: StatusCode, protobuf: Vec<u8>, json: &serde_json::Value) -> Response {
        let (kind, body) = match self {
            Encoding::Protobuf => ("application/x-protobuf", protobuf),
            Encoding::Json => ("application/json", json.to_string().into_bytes()),
        };
        (status, [(CONTENT_TYPE, HeaderValue::from_static(kind))], body).into_response()
    }

    /// An `Export…ServiceResponse`: `rejected` of what came were not taken, because of `why`. `what` is what they are
    /// called in JSON.
    pub(super) fn exported(self, what: &str, rejected: u64, why: &str) -> Response {
        if rejected == 0 {
            return self.write(StatusCode::OK, Vec::new(), &json!({}));
        }
        let mut partial = Vec::new();
        number(&mut partial, 1, rejected);
        text(&mut partial, 2, why);
        let mut message = Vec::new();
        bytes(&mut message, 1, &partial);
        // 64-bit integers are strings in the JSON of protobuf.
        let json = json!({"partialSuccess": {what: rejected.to_string(), "errorMessage": why}});
        self.write(StatusCode::OK, message, &json)
    }

    /// A `google.rpc.Status`.
    pub(super) fn refused(self, refused: &Refused) -> Response {
        let mut message = Vec::new();
        number(&mut message, 1, refused.code().into());
        text(&mut message, 2, &refused.why);
        let json = json!({"code": refused.code(), "message": refused.why});
        later(refused, self.write(refused.status, message, &json))
    }
}

/// The answer of our own endpoints to what they could not take.
impl axum::response::IntoResponse for Refused {
    fn into_response(self) -> Response {
        let answer = (self.status, axum::Json(json!({"error": self.why}))).into_response();
        later(&self, answer)
    }
}

fn later(refused: &Refused, mut answer: Response) -> Response {
    if refused.may_pass() {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(LATER));
    }
    answer
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn number(out: &mut Vec<u8>, field: u8, value: u64) {
    out.push(field << 3);
    varint(out, value);
}

fn bytes(out: &mut Vec<u8>, field: u8, value: &[u8]) {
    out.push(field << 3 | 2);
    varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

fn text(out: &mut Vec<u8>, field: u8, value: &str) {
    bytes(out, field, value.as_bytes());
}
