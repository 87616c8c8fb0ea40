//! Baselines: what "as good as ever" means for a stream, frozen when it is made.
//!
//! Per stratum a posterior under the prior of its peers and the boundary above which a rate is worse; by hour of the
//! day how much worse is usual. Formulas: `statistics.md` 4.1 and, for pooled streams, 4.4.

use std::collections::BTreeMap;
use std::ops::Range;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::history::{ALL, DAY, Grouped, History, Keyed, OUTER, Profile, WINDOW_DAYS};
use super::{Measure, Subject};
use crate::engine::rank::Roster;
use crate::engine::rollup::{Cell, Hour};
use crate::engine::stats::detector::{self, Baseline, OFFSET_SHRINKAGE, tolerance};
use crate::engine::stats::logit::logit;
use crate::engine::stats::shrink::{self, Prior, Shrunk};
use crate::engine::stats::{beta, sketch};

/// The quantile above which a call is slow, dear or long, and the share of calls that may be so: 1.2 times as many.
const HIGH: f64 = 0.95;
pub const HIGH_SHARE: f64 = 0.05 * 1.2;
/// Prompts that make a pool.
pub const MIN_POOL: usize = 3;
/// No offsets: the boundary is the same at every hour.
const NEVER: u16 = u16::MAX;

/// What a prompt is called in a baseline.
pub fn name_hash(name: &str) -> u64 {
    xxh3_64(name.as_bytes())
}

/// One stratum's baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stratum {
    /// Its prompt, by [`name_hash`], and which part of it: a source, or 0.
    pub key: (u64, u8),
    /// ln odds of the boundary rate.
    pub boundary: f64,
    /// Number of its hour offsets, or none.
    offsets: u16,
    /// Values above this bin are high.
    pub above: i16,
    /// Bad ones in the window.
    pub k: i64,
    /// All in the window.
    pub n: i64,
    /// The posterior of its rate.
    pub posterior: (f64, f64),
}

impl Stratum {
    /// The posterior of its rate.
    pub fn shrunk(&self) -> Shrunk {
        Shrunk { alpha: self.posterior.0, beta: self.posterior.1 }
    }
}

/// A frozen baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// First hour of the window in which there was something.
    pub from: Hour,
    /// The hour before which the window ends: from here on the stream is watched.
    pub until: Hour,
    /// By key.
    pub strata: Vec<Stratum>,
    offsets: Vec<[f64; 24]>,
}

impl Reference {
    /// ln odds of a stratum's boundary at an hour.
    pub fn boundary(&self, stratum: usize, hour: Hour) -> f64 {
        let stratum = &self.strata[stratum];
        let offsets = self.offsets.get(usize::from(stratum.offsets));
        stratum.boundary + offsets.map_or(0.0, |by_hour| by_hour[hour.rem_euclid(DAY) as usize])
    }

    /// The baseline as one rate: the strata's posteriors weighed by their observations, matched by a Beta distribution.
    pub fn rate(&self) -> Shrunk {
        let total: f64 = self.strata.iter().map(|s| s.n as f64).sum();
        let (mut mean, mut variance) = (0.0, 0.0);
        for stratum in self.strata.iter().filter(|s| s.n > 0) {
            let (weight, posterior) = (stratum.n as f64 / total, stratum.shrunk());
            let m = posterior.mean();
            mean += weight * m;
            variance += weight * weight * m * (1.0 - m) / (posterior.alpha + posterior.beta + 1.0);
        }
        let strength = mean * (1.0 - mean) / variance - 1.0;
        Shrunk { alpha: mean * strength, beta: (1.0 - mean) * strength }
    }
}

/// Makes the baselines of one midnight: priors and offsets are found once for all streams.
#[derive(Debug)]
pub struct Maker<'a> {
    history: &'a History,
    roster: &'a Roster<'a>,
    hashes: &'a [u64],
    /// Of a prompt, by [`name_hash`], in the roster.
    numbers: FxHashMap<u64, u32>,
    day: i32,
    fleet: &'a Grouped,
    priors: BTreeMap<(Measure, u8), Prior>,
    tasks: BTreeMap<(Measure, &'a str), [f64; 24]>,
}

impl<'a> Maker<'a> {
    /// For the midnight at which `day` begins; `hashes`: of the roster's subjects. The history has been loaded.
    pub fn new(history: &'a History, roster: &'a Roster<'a>, hashes: &'a [u64], day: i32) -> Maker<'a> {
        let mut maker = Maker {
            history,
            roster,
            hashes,
            numbers: hashes.iter().copied().zip(0..).collect(),
            day,
            fleet: history.fleet(),
            priors: BTreeMap::new(),
            tasks: BTreeMap::new(),
        };
        for measure in Measure::ALL.into_iter().filter(|m| !m.is_quantity()) {
            for part in 0..measure.parts() {
                let cells = by_prompt(maker.fleet).map(|cells| counts(cells, measure, part, 0));
                let prior = shrink::fit(&cells.map(|(k, n)| (k as f64, n as f64)).collect::<Vec<_>>());
                maker.priors.insert((measure, part), prior);
            }
            maker.learn_hours(measure);
        }
        maker
    }

    /// Offsets by hour of the day, pooled over the prompts of each task type.
    fn learn_hours(&mut self, measure: Measure) {
        type Hours = ([f64; 24], [f64; 24], [f64; 24]);
        let mut tasks: BTreeMap<&str, Hours> = BTreeMap::new();
        for cells in by_prompt(self.fleet) {
            let prompt = cells[0].0.0;
            let (seen, all, expected) =
                tasks.entry(&self.roster.subjects[prompt as usize].task_type).or_default();
            for part in 0..measure.parts() {
                let profile: Profile = self.history.profile(prompt, measure, part);
                // The mean of the same days: offsets say how hours differ, not how these days differ from others.
                let (k, n) = profile.iter().fold((0, 0), |(k, n), hour| (k + hour[0], n + hour[1]));
                let mean = Baseline::new(self.priors[&(measure, part)], k as f64, n as f64).mean();
                for (hour, [k, n]) in profile.into_iter().enumerate() {
                    seen[hour] += k as f64;
                    all[hour] += n as f64;
                    expected[hour] += n as f64 * mean;
                }
            }
        }
        for (task, (seen, all, expected)) in tasks {
            let offsets = detector::hour_offsets(&seen, &all, &expected, OFFSET_SHRINKAGE);
            self.tasks.insert((measure, task), offsets);
        }
    }

    /// The subjects that had calls in the window.
    pub fn subjects(&self) -> Vec<Subject> {
        let mut found = std::collections::BTreeSet::new();
        for ((prompt, model), _) in self.fleet {
            found.extend(subjects_of(self.roster, *prompt, *model));
        }
        found.into_iter().collect()
    }

    /// The prompts among which a subject's are found.
    fn prompts(&self, subject: &Subject) -> Range<u32> {
        match subject {
            Subject::Prompt(name) => self.numbers.get(&name_hash(name)).map_or(0..0, |&p| p..p + 1),
            _ => ALL,
        }
    }

    /// Whether what a prompt did on a model counts for a subject.
    fn picks(&self, subject: &Subject, prompt: u32, model: u32) -> bool {
        match subject {
            Subject::Prompt(_) => true,
            Subject::Model(name) => self.roster.models.get(model as usize) == Some(name),
            Subject::Task(name) => {
                model & OUTER == 0 && self.roster.subjects[prompt as usize].task_type == *name
            }
        }
    }

    /// The baseline of a stream over the window, not before hour `since`; `None` if nothing was observed.
    pub fn make(&self, subject: &Subject, measure: Measure, since: Hour) -> Option<Reference> {
        let first = since.div_euclid(DAY).max(self.day - WINDOW_DAYS);
        let parts = measure.parts();
        let prompts = self.prompts(subject);
        let picks = |prompt, model| self.picks(subject, prompt, model);
        let seen = |cell: &Cell| (0..parts).any(|part| measure.all(cell, part) > 0);
        let from = self.history.first_day(first..self.day, &prompts, picks, seen)? * DAY;
        let own: Grouped = if first == self.day - WINDOW_DAYS {
            let begin = self.fleet.partition_point(|c| c.0.0 < prompts.start);
            let end = self.fleet.partition_point(|c| c.0.0 < prompts.end).max(begin);
            self.fleet[begin..end].iter().filter(|(key, _)| picks(key.0, key.1)).cloned().collect()
        } else {
            self.history.totals(first..self.day, &prompts, picks)
        };
        let mut offsets: Vec<[f64; 24]> = Vec::new();
        let mut numbers: BTreeMap<&str, u16> = BTreeMap::new();
        let mut strata: Vec<Stratum> = Vec::new();
        for cells in by_prompt(&own) {
            let prompt = cells[0].0.0 as usize;
            let task = self.roster.subjects[prompt].task_type.as_str();
            let offset = self.tasks.get(&(measure, task)).map_or(NEVER, |hours| {
                *numbers.entry(task).or_insert_with(|| {
                    offsets.push(*hours);
                    (offsets.len() - 1) as u16
                })
            });
            for part in 0..parts {
                let above = high_bin(cells, measure);
                let (k, n) = counts(cells, measure, part, above);
                if n > 0 || !subject.is_pooled() {
                    let key = (self.hashes[prompt], part);
                    strata.push(Stratum {
                        key,
                        boundary: 0.0,
                        offsets: offset,
                        above,
                        k,
                        n,
                        posterior: (0.0, 0.0),
                    });
                }
            }
        }
        strata.sort_by_key(|s| s.key);
        self.bound(subject, measure, &mut strata);
        let prompts = strata.chunk_by(|a, b| a.key.0 == b.key.0).count();
        let enough = !subject.is_pooled() || prompts >= MIN_POOL;
        enough.then_some(Reference { from, until: self.day * DAY, strata, offsets })
    }

    /// Posteriors and boundaries.
    fn bound(&self, subject: &Subject, measure: Measure, strata: &mut [Stratum]) {
        let fitted: Vec<Prior> = (0..measure.parts())
            .map(|part| {
                let cells = strata.iter().filter(|s| s.key.1 == part);
                shrink::fit(&cells.map(|s| (s.k as f64, s.n as f64)).collect::<Vec<_>>())
            })
            .collect();
        let sums = strata.iter().fold((0.0, 0.0), |(k, n), s| (k + s.k as f64, n + s.n as f64));
        let tolerance = tolerance(sums.0, sums.1);
        for stratum in strata {
            let (k, n) = (stratum.k as f64, stratum.n as f64);
            stratum.boundary = if measure.is_quantity() {
                // The quantile is an estimate: how many lie above it in truth follows a Beta distribution.
                stratum.posterior = (k + 0.5, n - k + 0.5);
                let most = beta::quantile(k + 0.5, n - k + 0.5, detector::BOUNDARY);
                within(most.max(HIGH_SHARE))
            } else {
                let prior = if subject.is_pooled() {
                    fitted[usize::from(stratum.key.1)]
                } else {
                    self.priors[&(measure, stratum.key.1)]
                };
                let baseline = Baseline::new(prior, k, n);
                let posterior = baseline.matched();
                stratum.posterior = (posterior.alpha, posterior.beta);
                if subject.is_pooled() {
                    within(baseline.mean()) + tolerance
                } else {
                    within(baseline.boundary())
                }
            };
        }
    }
}

/// ln odds of a rate that is neither 0 nor 1.
fn within(rate: f64) -> f64 {
    logit(rate.clamp(1e-9, 1.0 - 1e-9))
}

/// The cells of each prompt.
pub fn by_prompt(cells: &[Keyed]) -> impl Iterator<Item = &[Keyed]> {
    cells.chunk_by(|a, b| a.0.0 == b.0.0)
}

/// Bad and all observations of a part.
pub fn counts<'c>(
    cells: impl IntoIterator<Item = &'c Keyed>,
    measure: Measure,
    part: u8,
    above: i16,
) -> (i64, i64) {
    cells.into_iter().fold((0, 0), |(k, n), (_, cell)| {
        (k + measure.bad(cell, part, above).max(0), n + measure.all(cell, part).max(0))
    })
}

fn high_bin(cells: &[Keyed], measure: Measure) -> i16 {
    let mut sum = sketch::Sketch::default();
    for sketch in cells.iter().filter_map(|(_, cell)| measure.sketch(cell)) {
        sum.merge(sketch, 1);
    }
    sum.quantile_bin(HIGH).unwrap_or(sketch::ZERO)
}

/// What a call of this prompt on this model counts for.
pub fn subjects_of(roster: &Roster<'_>, prompt: u32, model: u32) -> [Subject; 3] {
    let subject = &roster.subjects[prompt as usize];
    let model = roster.models.get((model & !OUTER) as usize).map_or("", String::as_str);
    [
        Subject::Prompt(subject.name.clone()),
        Subject::Model(model.to_owned()),
        Subject::Task(subject.task_type.clone()),
    ]
}
