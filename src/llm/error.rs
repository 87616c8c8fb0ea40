//! Why there is no answer: what failed, why, and what to do. Nothing of a key or of an address's secrets is in here, and
//! what an endpoint said is bounded and safe to print.

use std::error::Error as _;
use std::time::Duration;

use genai::webc;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::budget::OverBudget;
use super::endpoint::{EndpointFault, Key};
use crate::engine::visible;

/// Most characters of what an endpoint said that are kept.
const SAID: usize = 200;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LlmError {
    /// The configuration cannot be used.
    #[error("[llm] {0}")]
    Endpoint(#[from] EndpointFault),
    /// The client could not be made.
    #[error(
        "no connection can be prepared ({0}): check that the system's certificates are installed, or use an `http://` address on this machine"
    )]
    Start(String),
    /// The budget does not allow it: nothing was sent.
    #[error("{0}")]
    OverBudget(#[from] OverBudget),
    /// 401 or 403.
    #[error(
        "the endpoint refused the key (HTTP {status}): check the variable that `api_key_env` names, and what the key may do"
    )]
    Key {
        /// The status.
        status: u16,
    },
    /// Another 4xx.
    #[error(
        "the endpoint refused the request (HTTP {status}: {said}): check `model` and `base_url` in [llm]; sending it again will not help"
    )]
    Refused {
        /// The status.
        status: u16,
        /// What it said.
        said: String,
    },
    /// 429.
    #[error(
        "the endpoint takes no more requests for now (HTTP 429, {}): try again later, or ask the provider for a higher limit",
        wait.map_or_else(|| "no time given".to_owned(), |wait| format!("it asks to wait {} s", wait.as_secs()))
    )]
    Limited {
        /// How long it asks to wait.
        wait: Option<Duration>,
    },
    /// 5xx.
    #[error("the endpoint failed (HTTP {status}): try again later; the provider's status page may say more")]
    Unavailable {
        /// The status.
        status: u16,
        /// How long it asks to wait.
        wait: Option<Duration>,
    },
    /// No answer in time.
    #[error("no answer within {} s: raise `timeout_s` in [llm], or lower `max_output_tokens`", within.as_secs_f64())]
    TimedOut {
        /// The time that there was.
        within: Duration,
    },
    /// There was no connection.
    #[error(
        "the endpoint cannot be reached ({why}): check `base_url` in [llm], the network, and whether the server runs"
    )]
    Unreachable {
        /// Why.
        why: String,
    },
    /// The connection ended before an answer began.
    #[error("the connection was closed before an answer came ({why}): try again later")]
    Reset {
        /// Why.
        why: String,
    },
    /// The answer broke off.
    #[error("the answer broke off in the middle ({why}): nothing of it is used; try again later")]
    Truncated {
        /// Why.
        why: String,
    },
    /// What came is no answer of a model.
    #[error(
        "what came back is no answer of a model ({why}): check that `provider` and `base_url` in [llm] belong together"
    )]
    Garbage {
        /// Why.
        why: String,
    },
    /// The answer has no text.
    #[error(
        "the model answered without a text ({why}): raise `max_output_tokens` in [llm], or use another model"
    )]
    Empty {
        /// Why.
        why: String,
    },
    /// The record of a call was not written.
    #[error(
        "the record of a call was not written ({0}), so no more are made: what leaves no record counts against no budget"
    )]
    Unrecorded(String),
}

impl LlmError {
    /// One word, for records and counts.
    pub fn word(&self) -> &'static str {
        match self {
            LlmError::Endpoint(_) => "misconfigured",
            LlmError::Start(_) => "not started",
            LlmError::OverBudget(_) => "over budget",
            LlmError::Key { .. } => "key refused",
            LlmError::Refused { .. } => "refused",
            LlmError::Limited { .. } => "rate limited",
            LlmError::Unavailable { .. } => "unavailable",
            LlmError::TimedOut { .. } => "timed out",
            LlmError::Unreachable { .. } => "unreachable",
            LlmError::Reset { .. } => "reset",
            LlmError::Truncated { .. } => "truncated",
            LlmError::Garbage { .. } => "garbage",
            LlmError::Empty { .. } => "empty",
            LlmError::Unrecorded(_) => "unrecorded",
        }
    }

    /// Whether another attempt may fare better.
    pub(super) fn may_pass(&self) -> bool {
        use LlmError::{Limited, Reset, TimedOut, Unavailable, Unreachable};
        matches!(
            self,
            Limited { .. } | Unavailable { .. } | TimedOut { .. } | Unreachable { .. } | Reset { .. }
        )
    }

    /// Whether the provider may have done the work, and may send a bill for it.
    pub(super) fn may_be_billed(&self) -> bool {
        use LlmError::{Empty, Garbage, Reset, TimedOut, Truncated};
        matches!(self, TimedOut { .. } | Reset { .. } | Truncated { .. } | Garbage { .. } | Empty { .. })
    }

    /// How long the endpoint asks to wait.
    pub(super) fn asks_to_wait(&self) -> Option<Duration> {
        match self {
            LlmError::Limited { wait } | LlmError::Unavailable { wait, .. } => *wait,
            _ => None,
        }
    }

    /// What the client crate reports, in our terms. `key` is taken out of what an endpoint said, should it have echoed it.
    pub(super) fn of(error: genai::Error, within: Duration, key: Option<&Key>) -> LlmError {
        use genai::Error::{ChatResponseGeneration, WebModelCall};
        match error {
            WebModelCall { webc_error, .. } => match webc_error {
                webc::Error::ResponseFailedStatus { status, body, headers } => {
                    by_status(status, &body, &headers, within, key)
                }
                webc::Error::ResponseFailedInvalidJson { cause, .. } if cause.starts_with("EOF") => {
                    LlmError::Truncated { why: "its JSON ends too early".into() }
                }
                webc::Error::ResponseFailedInvalidJson { .. } => {
                    LlmError::Garbage { why: "its body is not JSON".into() }
                }
                webc::Error::ResponseFailedNotJson { content_type, .. } => {
                    LlmError::Garbage { why: format!("its content type is `{}`", said(&content_type, key)) }
                }
                webc::Error::Reqwest(error) => by_connection(&error, within),
                webc::Error::JsonValueExt(_) => LlmError::Garbage { why: "a field is missing".into() },
            },
            ChatResponseGeneration { .. } => {
                LlmError::Garbage { why: "its JSON is not that of a chat answer".into() }
            }
            other => LlmError::Start(said(&other.to_string(), key)),
        }
    }
}

fn by_status(
    status: StatusCode,
    body: &str,
    headers: &HeaderMap,
    within: Duration,
    key: Option<&Key>,
) -> LlmError {
    let code = status.as_u16();
    match code {
        401 | 403 => LlmError::Key { status: code },
        408 => LlmError::TimedOut { within },
        429 => LlmError::Limited { wait: retry_after(headers) },
        500.. => LlmError::Unavailable { status: code, wait: retry_after(headers) },
        _ => {
            let json: Option<serde_json::Value> = serde_json::from_str(body).ok();
            let message = json.as_ref().and_then(|json| {
                ["/error/message", "/message", "/error"].iter().find_map(|at| json.pointer(at)?.as_str())
            });
            LlmError::Refused { status: code, said: said(message.unwrap_or(body), key) }
        }
    }
}

fn by_connection(error: &reqwest::Error, within: Duration) -> LlmError {
    // The outermost words hold the address; the innermost say what happened.
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    let why =
        if error.source().is_some() { said(&inner.to_string(), None) } else { "no reason given".into() };
    if error.is_timeout() {
        LlmError::TimedOut { within }
    } else if error.is_connect() {
        LlmError::Unreachable { why }
    } else if error.is_body() || error.is_decode() {
        LlmError::Truncated { why }
    } else {
        LlmError::Reset { why }
    }
}

/// How long the endpoint asks to wait, where it says so in seconds. A date is not read: it would need the endpoint's
/// clock to agree with ours.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: f64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// The beginning of a foreign text, on one line, safe to print, without the key.
fn said(text: &str, key: Option<&Key>) -> String {
    let text = match key {
        Some(key) => text.replace(key.secret(), "(key)"),
        None => text.to_owned(),
    };
    let text = visible::one_line(text.trim());
    let cut: String = text.chars().take(SAID).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_endpoint_said_is_bounded_and_harmless() {
        let key = Key::new("sk-1234").unwrap();
        let text = said(&format!("\u{1b}[31mno sk-1234 {}", "x".repeat(1000)), Some(&key));
        assert!(text.starts_with("\\u{1b}[31mno (key) xxx") && text.ends_with("x…"), "{text}");
        assert_eq!(text.chars().count(), SAID + 1);
    }

    #[test]
    fn statuses_are_told_apart() {
        let of = |code: u16, body: &str, wait: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            if let Some(wait) = wait {
                headers.insert(RETRY_AFTER, reqwest::header::HeaderValue::from_static(wait));
            }
            by_status(StatusCode::from_u16(code).unwrap(), body, &headers, Duration::from_secs(9), None)
        };
        assert_eq!(of(429, "", Some("2")), LlmError::Limited { wait: Some(Duration::from_secs(2)) });
        assert_eq!(of(429, "", Some("-1")), LlmError::Limited { wait: None });
        assert_eq!(of(503, "", Some("0.5")).asks_to_wait(), Some(Duration::from_millis(500)));
        assert_eq!(of(529, "", None).word(), "unavailable");
        let refused = of(404, r#"{"error":{"message":"no such model"}}"#, None);
        assert!(!refused.may_pass() && refused.to_string().contains("HTTP 404: no such model"), "{refused}");
        // What stands beside a refused key may be the key.
        assert!(!of(401, r#"{"error":{"message":"bad key sk-12"}}"#, None).to_string().contains("sk-"));
    }
}
