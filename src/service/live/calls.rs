//! The calls of one prompt, the newest first.

use std::collections::BTreeMap;

use super::boards::answered;
use super::wish::{CallLine, CallPage};
use super::{Live, Result};
use crate::domain::call::{HOUR_MS, Millis};
use crate::domain::window::WindowSpec;
use crate::engine::rollup::Hour;
use crate::service::ServiceError;
use crate::store::telemetry::{CallQuery, KeptCall, TelemetryReader};

impl Live {
    /// The newest calls of a prompt in a window, at most `limit`. The roll-ups say in which hours there are any, and no
    /// others are searched.
    pub fn calls(&mut self, uri: &str, window: WindowSpec, limit: usize, now: Millis) -> Result<CallPage> {
        self.answer(|_, reader, known| {
            let (uri, _) = known.catalog.find(uri)?;
            let numbers = known.catalog.numbers(&uri, None);
            let window = answered(reader, window, now)?;
            let (hours, _) = window.hours();
            let hourly = hours.start >= reader.detail()?.hours_from;
            let mut busy: BTreeMap<Hour, i64> = BTreeMap::new();
            reader.cells(hours, hourly, Some(&numbers), &mut |hour, _, cell| {
                *busy.entry(hour).or_default() += cell.calls;
            })?;
            busy.retain(|_, calls| *calls > 0);
            let mut kept: Vec<KeptCall> = Vec::new();
            let mut query = CallQuery { versions: Some(numbers), ..CallQuery::default() };
            let mut until = window.to_ms;
            for hour in busy.into_keys().rev() {
                // The hour of a part may be the first of a day, of which other parts come by the hour.
                let from = (i64::from(hour) * HOUR_MS).max(window.from_ms);
                let to = if hourly { from - from.rem_euclid(HOUR_MS) + HOUR_MS } else { until };
                (query.from, query.to) = (Some(from), Some(to.min(until)));
                until = from;
                reader.calls(&query, &mut |call| {
                    kept.push(call);
                    kept.len() <= limit
                })?;
                if kept.len() > limit {
                    break;
                }
            }
            let more = kept.len() > limit;
            kept.truncate(limit);
            Ok(CallPage { lines: kept.iter().map(line).collect(), more, kept })
        })
    }

    /// The call with this id, whole.
    pub fn call(&mut self, id: &str) -> Result<CallPage> {
        self.answer(|_, reader, _| {
            let mut kept = Vec::new();
            let query = CallQuery { provenance: Some(id.to_owned()), ..CallQuery::default() };
            reader.calls(&query, &mut |call| {
                kept.push(call);
                false
            })?;
            if kept.is_empty() {
                return Err(ServiceError::NoCall(id.to_owned()));
            }
            Ok(CallPage { lines: kept.iter().map(line).collect(), more: false, kept })
        })
    }
}

fn line(kept: &KeptCall) -> CallLine {
    let call = &kept.call;
    let tokens = [call.input_tokens, call.output_tokens];
    let known = tokens.iter().any(Option::is_some);
    CallLine {
        id: call.provenance_id.clone(),
        at: call.at,
        model: call.model.clone(),
        tokens: known.then(|| tokens.iter().flatten().map(|n| u64::from(*n)).sum()),
        cost: call.cost.map(|nano| nano as f64 / 1e9),
        latency: call.duration_us.map(|us| us as f64 / 1e3),
        ok: call.ok,
        signals: kept.feedback.iter().filter_map(|f| f.signal).collect(),
    }
}
