//! What came of a change of version: better, worse, no different, or not known yet.
//!
//! ```text
//! cells of both versions ──> Courses ──┬─ both had traffic ──> side_by_side           exact
//!                                      └─ one after the other ─> one_after_the_other   confounded, with peers
//!                                                         └──> Finding ──> Outcome
//! ```
//!
//! Feedback counts as units, in the hour in which it arrived, by source and model; tokens, cost, latency and failures
//! by call. A verdict rests on e-values and confidence sequences alone, so that it may be asked for every hour. Raw
//! differences of rates before and after are given nowhere: a prompt that was changed because it looked bad looks better
//! afterwards whatever was changed (`statistics.md` 5.4). Tokens, cost and latency are plain ratios, also before and
//! after: of a prompt that was chosen for being dear they overstate what the change saved.
//!
//! Formulas: `statistics.md` sections 5 and 6. Start with [`outcome`]; what predictions are worth: [`proposer`] and [`realised`].

mod course;
mod finding;
mod one_after_the_other;
pub mod proposer;
pub mod realised;
mod side_by_side;
pub mod words;

use semver::Version;

pub use course::{Course, Courses, Tally};
pub use one_after_the_other::Peer;

use self::finding::{ALPHA, Bar, Direction, Finding};
use super::evidence::{self, MIN_SIGNALS};
use super::rollup::{Hour, WATERMARK_HOURS};
use super::stats::moments::Moments;
use super::stats::{ratio, split};
use crate::domain::call::{HOUR_MS, Millis};
use crate::domain::outcome::{Basis, Guard, Judgement, OddsEffect, Outcome, RatioEffect};
use crate::domain::prompt::{PromptUri, Scope};
use crate::domain::snapshot::SnapshotWindow;
use crate::domain::window::{self, Window};

/// Hours after which a verdict that has not come is not waited for.
pub const HORIZON: Hour = 14 * 24;
/// Hours before the change that the old version and its peers are judged by.
pub const LOOK_BACK: Hour = 28 * 24;
/// Units that the old version needs for a rollback to be suggested from before and after alone.
pub const ROLLBACK_UNITS: u64 = 200;
/// Odds ratios between these are no material change.
const IMMATERIAL: [f64; 2] = [0.8, 1.25];

/// A change from one version to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The prompt.
    pub prompt: PromptUri,
    /// The version before.
    pub old: Version,
    /// The version since.
    pub new: Version,
    /// When the new one became active, or was first called.
    pub at: Millis,
    /// The share of calls that the new version is to get, where a split is configured.
    pub split: Option<f64>,
    /// Hours until a verdict that has not come is inconclusive: [`HORIZON`] if nothing else is agreed.
    pub horizon: Hour,
}

impl Change {
    /// The first hour that is wholly after the change.
    pub fn from(&self) -> Hour {
        hour(-(-self.at).div_euclid(HOUR_MS))
    }

    /// The end of the last hour that is closed at `now`, at most the horizon.
    pub fn until(&self, now: Millis) -> Hour {
        let closed = hour(now.div_euclid(HOUR_MS)) - WATERMARK_HOURS;
        closed.clamp(self.from(), self.from().saturating_add(self.horizon))
    }

    fn bar(&self) -> Bar {
        let twenty = 20.0_f64.ln();
        let core = self.prompt.scope() == Scope::Core;
        Bar { regressed: twenty, improved: if core { 100.0_f64.ln() } else { twenty } }
    }
}

fn hour(hours: i64) -> Hour {
    hours.clamp(i64::from(i32::MIN / 2), i64::from(i32::MAX / 2)) as Hour
}

/// What came of the change as of `now`.
///
/// `courses`: the old version in the [`LOOK_BACK`] hours before the hour of the change, and both versions in
/// `change.from()..change.until(now)`. `peers`: prompts of the same task type over the same hours; they are asked only
/// where the versions did not run side by side ([`Courses::side_by_side`]).
pub fn outcome(change: &Change, courses: &Courses, peers: &[Peer], now: Millis) -> Outcome {
    let until = change.until(now);
    let shared = courses.side_by_side(change.split);
    let (basis, finding, old, new) = if let Some((old, new)) = &shared {
        (Basis::Concurrent, side_by_side::compare(old, new, change.bar()), old, new)
    } else {
        let finding = one_after_the_other::compare(courses, peers, until, change.bar());
        (Basis::BeforeAfter, finding, &courses.before, &courses.new)
    };
    let judgement = judgement(&finding, basis, until - change.from() >= change.horizon);
    let end = |hour: Hour| i64::from(hour) * HOUR_MS;
    Outcome {
        prompt_uri: change.prompt.unversioned(),
        old_version: change.old.clone(),
        new_version: change.new.clone(),
        window: SnapshotWindow(Window { from_ms: change.at, to_ms: end(until).max(change.at) }),
        active_days: (now - change.at).max(0) as f64 / end(24) as f64,
        basis,
        label: basis.label(),
        judgement,
        suggest_rollback: judgement == Judgement::Regressed && !is_thin(basis, &finding.negative),
        decided_at: finding.decided.map(|(_, hour)| window::time(end(hour + 1))),
        negative: finding.negative,
        errors: finding.errors,
        tokens: means(old, new, |tally| tally.tokens),
        cost: means(old, new, |tally| tally.cost),
        latency: means(old, new, |tally| tally.latency),
        guards: guards(change, courses, &finding),
    }
}

/// Whether a verdict rests on too little of the old version to suggest a rollback.
pub fn is_thin(basis: Basis, negative: &OddsEffect) -> bool {
    basis == Basis::BeforeAfter && negative.old_units < ROLLBACK_UNITS
}

fn judgement(finding: &Finding, basis: Basis, is_over: bool) -> Judgement {
    let negative = &finding.negative;
    let is_small = |[low, high]: [f64; 2]| low >= IMMATERIAL[0] && high <= IMMATERIAL[1];
    match (finding.decided, basis) {
        (Some((Direction::Regressed, _)), _) => Judgement::Regressed,
        (Some((Direction::Improved, _)), Basis::Concurrent) => Judgement::Improved,
        (Some((Direction::Improved, _)), Basis::BeforeAfter) => Judgement::LikelyImproved,
        (None, _) if negative.interval.is_some_and(is_small) => Judgement::NoMaterialChange,
        (None, _) if negative.old_units.min(negative.new_units) < MIN_SIGNALS => Judgement::Insufficient,
        (None, _) if is_over => Judgement::Inconclusive,
        (None, _) => Judgement::Running,
    }
}

fn guards(change: &Change, courses: &Courses, finding: &Finding) -> Vec<Guard> {
    let twenty = 20.0_f64.ln();
    let mismatch = change.split.is_some_and(|share| {
        let [old, new] = [&courses.old, &courses.new].map(|course| course.total().calls());
        split::ln_e_mismatch(old, new, share) >= split::ALARM
    });
    [
        (mismatch, Guard::SplitMismatch),
        (finding.ln_e_response >= twenty, Guard::ResponseRateChanged),
        (finding.errors.ln_e_regressed >= twenty, Guard::MoreErrors),
    ]
    .into_iter()
    .filter_map(|(raised, guard)| raised.then_some(guard))
    .collect()
}

/// How a mean of calls changed, over the models on which both versions have enough of them.
fn means(old: &Course, new: &Course, of: fn(&Tally) -> Moments) -> RatioEffect {
    let new = new.by_model();
    let (mut calls, mut changes) = ([0, 0], Vec::new());
    for (model, before) in old.by_model() {
        let both = [of(&before), new.get(&model).map(of).unwrap_or_default()];
        let [a, b] = both.map(|moments| moments.count());
        calls = [calls[0] + a, calls[1] + b];
        if a.min(b) >= ratio::ENOUGH {
            let change = ratio::change(both[0].into(), both[1].into());
            changes.extend(change.map(|change| (change, a.min(b) as f64)));
        }
    }
    let change = ratio::pooled(changes);
    RatioEffect {
        ratio: change.map(|c| c.ln.exp()),
        interval: change.map(|c| c.interval(ALPHA, ratio::MIXTURE).map(f64::exp)),
        old_calls: calls[0],
        new_calls: calls[1],
        verdict: evidence::verdict(u64::from(change.is_some()), 1),
    }
}

#[cfg(test)]
mod tests;
