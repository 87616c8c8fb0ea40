//! Questions and answers of a console: shapes only.

use semver::Version;

use crate::domain::affinity::PromptModelAffinity;
use crate::domain::call::Millis;
use crate::domain::prompt::{PromptUri, Scope};
use crate::domain::snapshot::PromptPerformanceSnapshot;
use crate::domain::window::{Window, WindowSpec};
use crate::engine::rank::{Line, Sort};
use crate::engine::trend::health::{Health, Level};
use crate::store::telemetry::KeptCall;

/// The state of the store and of whoever looks at it: what header and status bar say.
#[derive(Debug, Clone, PartialEq)]
pub struct Pulse {
    /// Published prompts, and all that were seen.
    pub prompts: (usize, usize),
    /// Calls in the store.
    pub calls: u64,
    /// Proposals that wait.
    pub open: usize,
    /// Of these: of high risk.
    pub open_high: usize,
    /// Streams that warn, and that page, by the last watch; `None` before the first.
    pub alarms: Option<(usize, usize)>,
    /// Inputs in quarantine.
    pub quarantined: u64,
    /// The newest call, ms.
    pub newest: Option<Millis>,
    /// The steward who acts here, and whether the store trusts them; `None` where nobody is.
    pub steward: Option<(String, bool)>,
    /// Whether the store has an owner.
    pub owned: bool,
    /// Whether the store may be written.
    pub writable: bool,
    /// The store's file.
    pub store: String,
    /// When this was read, ms.
    pub as_of: Millis,
}

impl Pulse {
    /// Whether there is nothing to show: no prompt and no call.
    pub fn is_empty(&self) -> bool {
        self.calls == 0 && self.prompts.1 == 0
    }
}

/// How the leaderboard is grouped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Group {
    /// Not.
    #[default]
    None,
    /// By scope.
    Scope,
    /// By task type.
    TaskType,
    /// By the organization or user it belongs to.
    Owner,
}

/// What orders a leaderboard and is no sum of the window's calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute {
    /// How it is: the worst first.
    Health,
    /// Its scope: core first.
    Scope,
    /// Its active version: the newest first.
    Version,
    /// Which share of its calls are in the newer half of the window: what grows first.
    Trend,
    /// The model that serves it best, by name.
    Model,
    /// Proposals that wait: the most first.
    Open,
}

impl Attribute {
    /// All of them, with their words.
    pub const ALL: [(Attribute, &'static str); 6] = [
        (Attribute::Health, "worst health"),
        (Attribute::Scope, "scope"),
        (Attribute::Version, "version"),
        (Attribute::Trend, "growth"),
        (Attribute::Model, "best model"),
        (Attribute::Open, "open proposals"),
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        Attribute::ALL.iter().find(|(attribute, _)| *attribute == self).map_or("", |(_, word)| word)
    }
}

/// An attribute that orders, and whether it is turned round. What has none comes last either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct First {
    /// Which.
    pub attribute: Attribute,
    /// Whether it is turned round.
    pub turned: bool,
}

/// What a leaderboard is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardWish {
    /// Calls of which time.
    pub window: WindowSpec,
    /// A filter as it is typed: terms of [`crate::engine::rank::Filter`], `health:page` (or `warn`, `watch`, `stable`,
    /// `insufficient`) and `open>0`, each turned round by `!`; plain words are sought fuzzily in the key, words with a `/`
    /// as they are in the whole name.
    pub filter: String,
    /// The order; within groups where there are any.
    pub sort: Sort,
    /// What orders before it, within groups too; `sort` orders what is alike.
    pub first: Option<First>,
    /// Rows are put together by this.
    pub group: Group,
    /// The first row wanted.
    pub from: usize,
    /// How many rows are wanted.
    pub count: usize,
    /// The prompt whose row is to be found, wherever it is now.
    pub seek: Option<String>,
}

/// A stretch of a leaderboard.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardPage {
    /// What was answered: whole hours with the one of now, where the last hours, days or weeks were asked for.
    pub window: Window,
    /// All prompts.
    pub total: usize,
    /// Those that the filter left.
    pub matched: usize,
    /// The index of the first line: not beyond where as many lines as were wanted are left.
    pub from: usize,
    /// The lines in order.
    pub lines: Vec<BoardLine>,
    /// Where the prompt that was sought is among the matched.
    pub found: Option<usize>,
    /// Which term of the filter was not understood, and why; the rest of it was applied.
    pub fault: Option<String>,
    /// When this was read, ms.
    pub as_of: Millis,
}

/// A line of the leaderboard.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardLine {
    /// All numbers, with intervals.
    pub line: Line,
    /// The prompt; `None` for the calls without one.
    pub uri: Option<PromptUri>,
    /// The active version.
    pub version: Option<Version>,
    /// The worst of what is watched of it, by the last watch.
    pub health: Option<Level>,
    /// Calls over the window, oldest first, in at most 31 steps of as many whole hours or days, of which the first and
    /// the last may reach beyond it.
    pub trend: Vec<u64>,
    /// The model that serves it best, with its score, and whether there is enough evidence to say so.
    pub best_model: Option<(String, f64, bool)>,
    /// Proposals for it that wait.
    pub open: u32,
    /// What it is grouped under.
    pub group: Option<String>,
    /// Byte ranges of its name that the filter's words matched.
    pub matched: Vec<std::ops::Range<usize>>,
}

/// One step of a trend.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TrendPoint {
    /// Calls.
    pub calls: u64,
    /// Failed calls.
    pub failed: u64,
    /// Signals: positive, negative, rephrase, correction.
    pub signals: [u64; 4],
    /// Mean tokens of a call.
    pub tokens: Option<f64>,
    /// Mean cost, US dollars.
    pub cost: Option<f64>,
    /// Median and 95th percentile of durations, ms.
    pub latency: [Option<f64>; 2],
}

/// Numbers over time, in equal steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Trend {
    /// Where it begins, ms.
    pub from: Millis,
    /// The length of a step, ms.
    pub step: Millis,
    /// The steps, oldest first.
    pub points: Vec<TrendPoint>,
    /// Versions that became active meanwhile, ms.
    pub activations: Vec<(Millis, Version)>,
    /// Alarms that began meanwhile: when, ms, and of what.
    pub alarms: Vec<(Millis, String)>,
}

/// One line of a prompt's history.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryLine {
    /// When, ms.
    pub at: Millis,
    /// The version that was published or became active.
    pub version: Version,
    /// What happened: `published`, `active`.
    pub what: &'static str,
    /// Who did it, where that is known.
    pub by: Option<String>,
    /// What was said for it.
    pub reason: Option<String>,
}

/// Everything about one prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct PromptPage {
    /// Which, without version.
    pub uri: PromptUri,
    /// The active version.
    pub active: Option<Version>,
    /// All versions that are published, oldest first.
    pub versions: Vec<Version>,
    /// The text of the active version, or of the newest; empty where none is published.
    pub text: String,
    /// Its description.
    pub description: Option<String>,
    /// Its snapshot.
    pub snapshot: PromptPerformanceSnapshot,
    /// Its affinities, best first.
    pub affinities: Vec<PromptModelAffinity>,
    /// Over time.
    pub trend: Trend,
    /// How it is, where somebody has looked.
    pub level: Option<Level>,
    /// What of it is not stable, worst first.
    pub health: Vec<Health>,
    /// What came of its latest change, in words.
    pub outcome: Option<String>,
    /// What happened to it, newest first.
    pub history: Vec<HistoryLine>,
    /// What the detectors say, as the report lists it: `[high-negative] Negative 31% …`. Of a large fleet none.
    pub recommendations: Vec<String>,
    /// Proposals for it that wait.
    pub open: usize,
    /// When this was read, ms.
    pub as_of: Millis,
}

/// A call in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct CallLine {
    /// Its id.
    pub id: String,
    /// When, ms.
    pub at: Millis,
    /// The model.
    pub model: String,
    /// Tokens in and out.
    pub tokens: Option<u64>,
    /// US dollars.
    pub cost: Option<f64>,
    /// ms.
    pub latency: Option<f64>,
    /// Whether it succeeded.
    pub ok: bool,
    /// What was said of it, the newest last.
    pub signals: Vec<crate::domain::feedback::Signal>,
}

/// The newest calls of a prompt, or one call whole.
#[derive(Debug, Clone)]
pub struct CallPage {
    /// The calls, newest first.
    pub lines: Vec<CallLine>,
    /// Whether there are older ones.
    pub more: bool,
    /// The calls as they are kept, in the same order.
    pub kept: Vec<KeptCall>,
}

/// A prompt in the grid of affinities.
#[derive(Debug, Clone, PartialEq)]
pub struct AffinityLine {
    /// The prompt.
    pub uri: PromptUri,
    /// Its scope.
    pub scope: Scope,
    /// Calls in the window.
    pub calls: u64,
    /// By model of the grid: what is known; `None` where it never served the prompt.
    pub cells: Vec<Option<PromptModelAffinity>>,
    /// The model with more than half of its calls.
    pub dominant: Option<usize>,
    /// The recommended model, where there is enough evidence.
    pub recommended: Option<usize>,
}

/// Prompts against models.
#[derive(Debug, Clone, PartialEq)]
pub struct AffinityGrid {
    /// What was answered.
    pub window: Window,
    /// The models, most used first.
    pub models: Vec<String>,
    /// The prompts, most used first.
    pub lines: Vec<AffinityLine>,
    /// How many prompts and models there are in all: of a large fleet only the most used are in the grid.
    pub all: (usize, usize),
    /// When this was read, ms.
    pub as_of: Millis,
}

/// How much goes on, over the last minute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Calls a second.
    pub calls: f64,
    /// Share of them that failed.
    pub failed: Option<f64>,
    /// US dollars an hour.
    pub cost: Option<f64>,
    /// When the newest call began, ms.
    pub newest: Option<Millis>,
    /// Inputs in quarantine.
    pub quarantined: u64,
}
