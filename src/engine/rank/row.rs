//! A row of the leaderboard: the sums of a prompt's cells, and the rates made of them on demand.

use serde::Serialize;

use super::column::Column;
use crate::domain::feedback::Signal;
use crate::domain::prompt::Scope;
use crate::domain::snapshot::{FeedbackScore, Rate, Verdict};
use crate::engine::evidence::{self, Counts, MIN_CALLS, MIN_SIGNALS};
use crate::engine::rollup::{Cell, Clock};

/// What a row is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The prompt's URI without a version, or what stands for it.
    pub name: String,
    /// Its scope; `None` for calls without a prompt.
    pub scope: Option<Scope>,
    /// The prompts that it is compared with.
    pub task_type: String,
    /// Whether its text is published here.
    pub managed: bool,
}

impl Subject {
    /// Whom it belongs to: `ACME`, or `ACME/ana` of a user's prompt; `None` of a core prompt and of calls without one.
    pub fn owner(&self) -> Option<&str> {
        let place = self.name.strip_prefix("prompt://")?;
        let (owner, _) = place.strip_prefix("org/").or(place.strip_prefix("user/"))?.rsplit_once('/')?;
        Some(owner)
    }
}

/// The sums of some cells: what ranking needs of them, a few cache lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sums {
    calls: i64,
    failed: i64,
    metered: i64,
    tokens: i64,
    priced: i64,
    cost: i64,
    timed: i64,
    latency_us: i64,
    /// Evidence units, by the hour in which they arrived.
    units: i64,
    /// By source, then signal.
    signals: Counts,
}

impl Sums {
    pub(super) fn of(cell: &Cell) -> Sums {
        Sums {
            calls: cell.calls,
            failed: cell.calls - cell.ok,
            metered: cell.metered,
            tokens: cell.input_tokens + cell.output_tokens,
            priced: cell.priced,
            cost: cell.cost,
            timed: cell.timed,
            latency_us: cell.latency,
            units: cell.signals.total(Clock::Arrival),
            signals: cell.signals.counts(Clock::Call),
        }
    }

    pub(super) fn add(&mut self, other: &Sums) {
        self.calls += other.calls;
        self.failed += other.failed;
        self.metered += other.metered;
        self.tokens += other.tokens;
        self.priced += other.priced;
        self.cost += other.cost;
        self.timed += other.timed;
        self.latency_us += other.latency_us;
        self.units += other.units;
        for (sum, count) in self.signals.iter_mut().flatten().zip(other.signals.iter().flatten()) {
            *sum += count;
        }
    }
}

/// A row.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// What it is about.
    pub subject: &'a Subject,
    sums: Sums,
    /// Median and 95th percentile of durations in milliseconds.
    pub(super) latency_ms: [Option<f64>; 2],
}

/// A row as JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// The prompt's URI, or what stands for it.
    pub prompt: String,
    /// Its scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// The prompts that it is compared with.
    pub task_type: String,
    /// Whether its text is published here.
    pub managed: bool,
    /// Calls.
    pub calls: u64,
    /// Mean tokens of a call.
    pub avg_tokens: Option<f64>,
    /// Sum of costs in US dollars; `None` where no call has a cost.
    pub total_cost_usd: Option<f64>,
    /// Mean cost in US dollars.
    pub avg_cost_usd: Option<f64>,
    /// Mean duration in milliseconds.
    pub avg_duration_ms: Option<f64>,
    /// Median duration in milliseconds.
    pub p50_duration_ms: Option<f64>,
    /// 95th percentile of durations in milliseconds.
    pub p95_duration_ms: Option<f64>,
    /// Positive among the signals.
    pub positive: Rate,
    /// Negative among the signals.
    pub negative: Rate,
    /// Rephrases among the signals.
    pub rephrase: Rate,
    /// Corrections among the signals.
    pub correction: Rate,
    /// Failures among the calls.
    pub error: Rate,
    /// Evidence units to calls.
    pub feedback_coverage: Rate,
    /// The score, whose verdict is the row's.
    #[serde(flatten)]
    pub score: FeedbackScore,
}

impl<'a> Row<'a> {
    pub(super) fn new(subject: &'a Subject, sums: Sums) -> Row<'a> {
        Row { subject, sums, latency_ms: [None; 2] }
    }

    /// Calls.
    pub fn calls(&self) -> i64 {
        self.sums.calls
    }

    /// Signals of a kind, over all sources.
    pub fn signal(&self, signal: Signal) -> i64 {
        self.sums.signals.iter().map(|by_source| by_source[signal as usize]).sum()
    }

    /// All signals.
    pub fn signals(&self) -> i64 {
        self.sums.signals.iter().flatten().sum()
    }

    /// The share of a signal among the signals, with its interval.
    pub fn share(&self, signal: Signal) -> Rate {
        evidence::rate(self.signal(signal), self.signals(), MIN_SIGNALS)
    }

    /// The share of failed calls, with its interval.
    pub fn errors(&self) -> Rate {
        evidence::rate(self.sums.failed, self.sums.calls, MIN_CALLS)
    }

    /// Evidence units to calls, with its interval. Not known of calls without a prompt, because units are per prompt.
    pub fn coverage(&self) -> Rate {
        evidence::coverage(self.sums.units, if self.subject.scope.is_some() { self.sums.calls } else { 0 })
    }

    /// The score of the feedback, with its interval.
    pub fn score(&self) -> FeedbackScore {
        evidence::score_of_counts(&self.sums.signals)
    }

    /// Whether there is enough feedback to compare the prompt with others.
    pub fn verdict(&self) -> Verdict {
        evidence::verdict(evidence::count(self.signals()), MIN_SIGNALS)
    }

    /// The number in a column, without an interval; `None` for a name, and where nothing is known.
    pub fn value(&self, column: Column) -> Option<f64> {
        let ratio = |k: i64, n: i64| (n > 0).then(|| k as f64 / n as f64);
        let share = |signal| ratio(self.signal(signal), self.signals());
        match column {
            Column::Name => None,
            Column::Calls => Some(self.sums.calls as f64),
            Column::Signals => Some(self.signals() as f64),
            Column::Tokens => ratio(self.sums.tokens, self.sums.metered),
            Column::Cost => (self.sums.priced > 0).then(|| self.sums.cost as f64 / 1e9),
            Column::AvgCost => ratio(self.sums.cost, self.sums.priced).map(|nano| nano / 1e9),
            Column::Latency => ratio(self.sums.latency_us, self.sums.timed).map(|us| us / 1e3),
            Column::P50 => self.latency_ms[0],
            Column::P95 => self.latency_ms[1],
            Column::Positive => share(Signal::Positive),
            Column::Negative => share(Signal::Negative),
            Column::Rephrase => share(Signal::Rephrase),
            Column::Correction => share(Signal::Correction),
            Column::Errors => ratio(self.sums.failed, self.sums.calls),
            Column::Coverage if self.subject.scope.is_none() => None,
            Column::Coverage => ratio(self.sums.units.min(self.sums.calls), self.sums.calls),
            Column::Score => (self.signals() > 0).then(|| evidence::mean_score_of_counts(&self.sums.signals)),
        }
    }

    /// Whether the number in a column rests on enough evidence to be compared.
    pub fn suffices(&self, column: Column) -> bool {
        let enough = |n: i64, least: u64| evidence::count(n) >= least;
        match column {
            Column::Positive | Column::Negative | Column::Rephrase | Column::Correction | Column::Score => {
                enough(self.signals(), MIN_SIGNALS)
            }
            Column::Errors | Column::Coverage => enough(self.sums.calls, MIN_CALLS),
            _ => true,
        }
    }

    /// The row with all its rates.
    pub fn line(&self) -> Line {
        Line {
            prompt: self.subject.name.clone(),
            scope: self.subject.scope,
            task_type: self.subject.task_type.clone(),
            managed: self.subject.managed,
            calls: evidence::count(self.sums.calls),
            avg_tokens: self.value(Column::Tokens),
            total_cost_usd: self.value(Column::Cost),
            avg_cost_usd: self.value(Column::AvgCost),
            avg_duration_ms: self.value(Column::Latency),
            p50_duration_ms: self.value(Column::P50),
            p95_duration_ms: self.value(Column::P95),
            positive: self.share(Signal::Positive),
            negative: self.share(Signal::Negative),
            rephrase: self.share(Signal::Rephrase),
            correction: self.share(Signal::Correction),
            error: self.errors(),
            feedback_coverage: self.coverage(),
            score: self.score(),
        }
    }
}
