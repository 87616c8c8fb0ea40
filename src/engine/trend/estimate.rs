//! A rate with what it rests on, and an hour in words: what findings and causes are told with.

use serde::Serialize;

use crate::domain::call::HOUR_MS;
use crate::domain::window::Window;
use crate::engine::rollup::Hour;
use crate::engine::stats::proportion::{CONFIDENCE, confidence_sequence, jeffreys};

/// A rate with its interval and what it rests on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Estimate {
    /// The rate.
    pub rate: f64,
    /// Its interval.
    pub interval: [f64; 2],
    /// Of how many.
    pub sample_size: i64,
}

impl Estimate {
    /// The rate of `k` in `n` with its confidence sequence, which may be looked at as often as one likes.
    pub fn sequence(k: i64, n: i64, alpha: f64) -> Estimate {
        let (k, n) = (k.clamp(0, n.max(0)), n.max(0));
        let rate = if n > 0 { k as f64 / n as f64 } else { 0.0 };
        Estimate { rate, interval: confidence_sequence(k as u64, n as u64, alpha), sample_size: n }
    }

    /// The rate of `k` in `n` with its 95 % interval for one look at one moment.
    pub fn once(k: i64, n: i64) -> Estimate {
        let (k, n) = (k.clamp(0, n.max(0)), n.max(0));
        let rate = if n > 0 { k as f64 / n as f64 } else { 0.0 };
        Estimate { rate, interval: jeffreys(k as u64, n as u64, CONFIDENCE), sample_size: n }
    }
}

/// The full hour as RFC 3339.
pub fn time(hour: Hour) -> String {
    let ms = i64::from(hour) * HOUR_MS;
    Window { from_ms: ms, to_ms: ms }.start()
}
