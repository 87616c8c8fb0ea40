//! How a rising prompt is on each of its models: what is counted as bad there, before the onset and since. A prompt that
//! got worse on one model only is told from one that got worse on all.

use std::collections::BTreeMap;

use serde::Serialize;

use super::cause::Around;
use super::estimate::Estimate;
use super::{Stream, StreamId};
use crate::engine::performance::Names;
use crate::engine::rollup::Cell;

/// One minus the confidence of the sequences.
const ALPHA: f64 = 0.05;

/// A stream's share on one model.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OnModel {
    /// The model, as telemetry names it.
    pub model: String,
    /// In the week before the onset, with its 95 % confidence sequence; `None` where nothing was counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Estimate>,
    /// Since the onset, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Estimate>,
}

impl OnModel {
    /// Whether it got worse there, beyond what chance explains.
    pub fn rose(&self) -> bool {
        matches!((&self.before, &self.after), (Some(then), Some(now)) if now.interval[0] > then.interval[1])
    }
}

/// Bad and all observations of a prompt's stream in a cell of it. What is slow, dear or long is so by the baseline of the
/// whole prompt.
pub fn counted_in(cell: &Cell, stream: Option<&Stream>, id: &StreamId) -> (i64, i64) {
    let strata = stream.and_then(|stream| stream.reference.as_ref()).map_or(&[][..], |r| &r.strata);
    (0..id.measure.parts()).fold((0, 0), |(k, n), part| {
        let above = strata.iter().find(|s| s.key.1 == part).map_or(0, |s| s.above);
        (k + id.measure.bad(cell, part, above).max(0), n + id.measure.all(cell, part).max(0))
    })
}

/// The share on each model, the most observed since the onset first. Models of one name are one, whoever provides them.
pub fn by_model(around: &Around, stream: Option<&Stream>, id: &StreamId, names: &impl Names) -> Vec<OnModel> {
    let mut counted: BTreeMap<&str, [(i64, i64); 2]> = BTreeMap::new();
    for (side, cells) in [&around.before, &around.after].into_iter().enumerate() {
        for (key, cell) in cells {
            let (k, n) = &mut counted.entry(names.model(key.model)).or_default()[side];
            let (bad, all) = counted_in(cell, stream, id);
            (*k, *n) = (*k + bad, *n + all);
        }
    }
    let mut models: Vec<_> = counted.into_iter().collect();
    models.sort_by_key(|(model, [before, after])| (-after.1, -before.1, *model));
    let estimate = |(k, n): (i64, i64)| (n > 0).then(|| Estimate::sequence(k, n, ALPHA));
    models
        .into_iter()
        .map(|(model, [before, after])| OnModel {
            model: model.to_owned(),
            before: estimate(before),
            after: estimate(after),
        })
        .filter(|on| on.before.is_some() || on.after.is_some())
        .collect()
}
