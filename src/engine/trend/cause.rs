//! What else changed when a stream rose: suggestions with their numbers, no proofs.
//!
//! A share is said to have changed where the confidence sequences before and after do not overlap and the change is
//! material; never because two numbers differ. Start with [`causes`].

use std::collections::BTreeMap;

use serde::Serialize;

use super::estimate::Estimate;
use crate::domain::call::Millis;
use crate::domain::feedback::Source;
use crate::domain::window::Window;
use crate::engine::performance::Names;
use crate::engine::rollup::{Cell, CellKey, Clock, Hour};

/// Hours before the onset that it is compared with, and most hours after it.
pub const COMPARED_HOURS: Hour = 7 * 24;
/// Hours around an onset in which something else counts as at the same time.
pub const NEAR_HOURS: Hour = 24;
/// One minus the confidence of each of two sequences that must not overlap.
const ALPHA: f64 = 0.005;
/// Least change of a share.
const MATERIAL: f64 = 0.1;
/// Least factor between two volumes or two rates.
const FACTOR: f64 = 1.5;

/// What kind of change it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A version became active, or serves another share of the calls.
    Version,
    /// A model that was not there before.
    NewModel,
    /// The calls divide differently over models.
    ModelMix,
    /// A model got worse for many prompts at that time.
    Model,
    /// Signals come from other sources.
    SourceMix,
    /// A call gets more or fewer signals.
    ResponseRate,
    /// There are more or fewer calls.
    Volume,
}

/// Something that changed at the onset.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cause {
    /// What kind of change.
    pub kind: Kind,
    /// In words; names in it are as telemetry has them.
    pub what: String,
    /// Before the onset, with a 99.5 % confidence sequence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Estimate>,
    /// Since the onset, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Estimate>,
}

/// The cells around an onset.
#[derive(Debug, Default)]
pub struct Around {
    /// Of the subject, in the week before.
    pub before: BTreeMap<CellKey, Cell>,
    /// Of the subject, since.
    pub after: BTreeMap<CellKey, Cell>,
    /// Calls of the subject one week earlier, and in the same hours of this week, as far as hours are told apart.
    pub weeks: [i64; 2],
}

fn estimate(k: i64, n: i64) -> Estimate {
    Estimate::sequence(k, n, ALPHA)
}

fn apart(a: &Estimate, b: &Estimate) -> bool {
    a.interval[1] < b.interval[0] || b.interval[1] < a.interval[0]
}

/// Counts by some property before and after.
type Shares<T> = BTreeMap<T, [i64; 2]>;

/// The shares that changed: with what they are, before and after.
fn moved<T: Ord + Clone>(shares: &Shares<T>) -> Vec<(T, Estimate, Estimate)> {
    let sum = |side: usize| shares.values().map(|count| count[side]).sum::<i64>();
    let (before, after) = (sum(0), sum(1));
    let found = shares
        .iter()
        .map(|(name, count)| (name.clone(), estimate(count[0], before), estimate(count[1], after)));
    found.filter(|(_, a, b)| apart(a, b) && (a.rate - b.rate).abs() >= MATERIAL).collect()
}

/// A share in words.
pub fn percent(rate: f64) -> String {
    format!("{:.0}%", 100.0 * rate)
}

/// What changed around the onset, the likeliest causes first.
pub fn causes(around: &Around, names: &impl Names) -> Vec<Cause> {
    let mut versions = Shares::new();
    let mut models: Shares<String> = Shares::new();
    let mut sources: Shares<&str> = Shares::new();
    let (mut calls, mut units) = ([0; 2], [0; 2]);
    for (side, cells) in [&around.before, &around.after].into_iter().enumerate() {
        for (key, cell) in cells {
            calls[side] += cell.calls;
            versions.entry(key.version).or_default()[side] += cell.calls;
            models.entry(names.model(key.model).to_owned()).or_default()[side] += cell.calls;
            for (source, counts) in Source::ALL.into_iter().zip(cell.signals.counts(Clock::Arrival)) {
                let n: i64 = counts.iter().sum();
                units[side] += n;
                sources.entry(source.as_str()).or_default()[side] += n;
            }
        }
    }
    let mut found = Vec::new();
    for (id, before, after) in moved(&versions).into_iter().filter(|(_, a, b)| b.rate > a.rate) {
        if let Some(version) = names.version(id) {
            let (a, b) = (percent(before.rate), percent(after.rate));
            let what = format!("version {version} serves {b} of the calls, {a} before");
            found.push(Cause { kind: Kind::Version, what, before: Some(before), after: Some(after) });
        }
    }
    for (model, before, after) in moved(&models).into_iter().filter(|(_, a, b)| b.rate > a.rate) {
        let new = models[&model][0] == 0;
        let (a, b) = (percent(before.rate), percent(after.rate));
        let what = if new {
            format!("model {model} is new: {b} of the calls")
        } else {
            format!("model {model} serves {b} of the calls, {a} before")
        };
        let kind = if new { Kind::NewModel } else { Kind::ModelMix };
        found.push(Cause { kind, what, before: Some(before), after: Some(after) });
    }
    for (source, before, after) in moved(&sources).into_iter().filter(|(_, a, b)| b.rate > a.rate) {
        let (a, b) = (percent(before.rate), percent(after.rate));
        let what = format!("{b} of the units come from the {source}, {a} before");
        found.push(Cause { kind: Kind::SourceMix, what, before: Some(before), after: Some(after) });
    }
    let (before, after) = (estimate(units[0], calls[0]), estimate(units[1], calls[1]));
    let factor = if after.rate > before.rate { after.rate / before.rate } else { before.rate / after.rate };
    if calls[0] > 0 && calls[1] > 0 && apart(&before, &after) && factor >= FACTOR {
        let what = format!(
            "{:.1} units per 100 calls, {:.1} before: others may be answering",
            100.0 * after.rate,
            100.0 * before.rate
        );
        found.push(Cause { kind: Kind::ResponseRate, what, before: Some(before), after: Some(after) });
    }
    found.extend(volume(around.weeks));
    found
}

/// Whether there are more or fewer calls than in the same hours a week earlier.
fn volume([then, now]: [i64; 2]) -> Option<Cause> {
    let share = estimate(now, now + then);
    let even = [1.0 / (1.0 + FACTOR), FACTOR / (1.0 + FACTOR)];
    let changed = then > 0 && (share.interval[0] > even[1] || share.interval[1] < even[0]);
    changed.then(|| Cause {
        kind: Kind::Volume,
        what: format!("{now} calls, {then} in the same hours a week earlier"),
        before: None,
        after: None,
    })
}

/// An activation near the onset, at `at` ms.
pub fn activated(version: &str, at: Millis) -> Cause {
    let what = format!("version {version} became active at {}", Window { from_ms: at, to_ms: at }.start());
    Cause { kind: Kind::Version, what, before: None, after: None }
}
