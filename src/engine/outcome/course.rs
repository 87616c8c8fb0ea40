//! The course that a version of a prompt took: what each hour, or whole day, saw of it on each model, as far as
//! verdicts ask. Sums of roll-up cells.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::feedback::{Signal, Source};
use crate::engine::evidence::{MIN_SIGNALS, count};
use crate::engine::rollup::{Cell, Clock, Hour};
use crate::engine::stats::moments::Moments;
use crate::engine::stats::odds::Units;

/// Smallest share of a day's calls on a model that makes the day one of both versions; of a configured split, half
/// its smaller share is enough. Clients that are slow to take up a version are not an arm.
const SHARE: f64 = 0.05;
const DAY: Hour = 24;

/// What a stretch of time saw of a version on a model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Negative units and all units, by source. Signed: parts of a cell may take back.
    units: [[i64; 2]; 3],
    calls: i64,
    failed: i64,
    signals: i64,
    /// Tokens of a call.
    pub tokens: Moments,
    /// Cost of a call.
    pub cost: Moments,
    /// Duration of a call.
    pub latency: Moments,
}

impl Tally {
    fn add(&mut self, cell: &Cell) {
        let counts = cell.signals.counts(Clock::Arrival);
        for (sum, counts) in self.units.iter_mut().zip(counts) {
            sum[0] += counts[Signal::Negative as usize];
            sum[1] += counts.iter().sum::<i64>();
        }
        self.calls += cell.calls;
        self.failed += cell.calls - cell.ok;
        self.signals += cell.signals.total(Clock::Call);
        self.tokens.add(cell.metered, cell.input_tokens + cell.output_tokens, cell.tokens_sq);
        self.cost.add(cell.priced, cell.cost, cell.cost_sq);
        self.latency.add(cell.timed, cell.latency, cell.latency_sq);
    }

    fn merge(&mut self, other: &Tally) {
        for (sum, units) in self.units.iter_mut().zip(other.units) {
            sum[0] += units[0];
            sum[1] += units[1];
        }
        self.calls += other.calls;
        self.failed += other.failed;
        self.signals += other.signals;
        self.tokens.merge(&other.tokens);
        self.cost.merge(&other.cost);
        self.latency.merge(&other.latency);
    }

    /// Negative units among the units that arrived, of one source.
    pub fn units(&self, source: Source) -> Units {
        let [bad, all] = self.units[source as usize].map(count);
        Units { bad, all }
    }

    /// Units of all sources.
    pub fn all_units(&self) -> u64 {
        count(self.units.iter().map(|units| units[1]).sum())
    }

    /// Calls.
    pub fn calls(&self) -> u64 {
        count(self.calls)
    }

    /// Failed calls among the calls.
    pub fn failures(&self) -> Units {
        Units { bad: count(self.failed), all: count(self.calls) }
    }

    /// Units that arrived among the calls: for comparing arms whose feedback comes alike late.
    pub fn arrivals(&self) -> Units {
        Units { bad: self.all_units().min(self.calls()), all: self.calls() }
    }

    /// Calls that got feedback among the calls, both as many times fewer as there are signals to a unit: the signals
    /// of one session say one thing.
    pub fn responses(&self) -> Units {
        let (signals, units, calls) = (count(self.signals), self.all_units(), self.calls());
        let fewer = if signals > units { units as f64 / signals as f64 } else { 1.0 };
        let scaled = |n: u64| (n as f64 * fewer).round() as u64;
        Units { bad: scaled(signals.min(calls)), all: scaled(calls) }
    }
}

/// A version's course: what was seen by the hour at which a stretch begins and by model. A stretch is an hour, or a
/// whole day where hours are not kept any more; that makes blocks coarser, so that a crossing is seen at the end of its day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Course(BTreeMap<(Hour, u32), Tally>);

impl Course {
    /// Adds a cell, or a part of one, of the stretch that begins at `hour`.
    pub fn add(&mut self, hour: Hour, model: u32, cell: &Cell) {
        self.0.entry((hour, model)).or_default().add(cell);
    }

    /// Adds stretches of another course.
    pub fn extend<'t>(&mut self, stretches: impl IntoIterator<Item = ((Hour, u32), &'t Tally)>) {
        for (at, tally) in stretches {
            self.0.entry(at).or_default().merge(tally);
        }
    }

    /// The stretches in order.
    pub fn stretches(&self) -> impl Iterator<Item = ((Hour, u32), &Tally)> {
        self.0.iter().map(|(at, tally)| (*at, tally))
    }

    /// What was seen at `at`.
    pub fn at(&self, at: (Hour, u32)) -> Tally {
        self.0.get(&at).copied().unwrap_or_default()
    }

    /// Sums by model.
    pub fn by_model(&self) -> BTreeMap<u32, Tally> {
        self.sums(|(_, model)| model)
    }

    /// The sum of everything.
    pub fn total(&self) -> Tally {
        self.sums(|_| ()).remove(&()).unwrap_or_default()
    }

    fn sums<K: Ord>(&self, key: impl Fn((Hour, u32)) -> K) -> BTreeMap<K, Tally> {
        let mut sums: BTreeMap<K, Tally> = BTreeMap::new();
        for (at, tally) in self.stretches() {
            sums.entry(key(at)).or_default().merge(tally);
        }
        sums
    }

    fn calls_by_day(&self) -> BTreeMap<(Hour, u32), u64> {
        let days = self.sums(|(hour, model)| (hour.div_euclid(DAY), model));
        days.into_iter().map(|(at, tally)| (at, tally.calls())).collect()
    }

    /// The course on these days and models alone.
    fn on(&self, days: &BTreeSet<(Hour, u32)>) -> Course {
        let kept = self.0.iter().filter(|((hour, model), _)| days.contains(&(hour.div_euclid(DAY), *model)));
        Course(kept.map(|(at, tally)| (*at, *tally)).collect())
    }
}

/// The courses of two versions around the change from one to the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Courses {
    /// The old version before the change.
    pub before: Course,
    /// The old version since.
    pub old: Course,
    /// The new version since.
    pub new: Course,
}

impl Courses {
    /// Both versions on the days and models that both had a share of; `None` where that is too little to compare them
    /// side by side. Days, because days are what is left of hours after a while: the answer must not change with that.
    pub fn side_by_side(&self, split: Option<f64>) -> Option<(Course, Course)> {
        let floor = split.map_or(SHARE, |share| SHARE.min(share.min(1.0 - share) / 2.0));
        let old = self.old.calls_by_day();
        let shared: BTreeSet<(Hour, u32)> = self
            .new
            .calls_by_day()
            .into_iter()
            .filter(|(at, new)| {
                let old = old.get(at).copied().unwrap_or(0);
                old > 0 && *new > 0 && old.min(*new) as f64 >= floor * (old + new) as f64
            })
            .map(|(at, _)| at)
            .collect();
        let (old, new) = (self.old.on(&shared), self.new.on(&shared));
        let is_enough = |course: &Course| course.total().all_units() >= MIN_SIGNALS;
        (is_enough(&old) && is_enough(&new)).then_some((old, new))
    }
}
