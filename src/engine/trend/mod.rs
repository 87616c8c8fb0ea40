//! What on-call watches: streams of hourly counts, each against its own frozen baseline (`statistics.md` section 4).
//!
//! [`Monitors`] are a fold over *closed* hours: equal cells give equal monitors, bit by bit, however often and in
//! whatever steps they are moved on. They find; [`health`] says what was found in words and numbers, [`words`] says it in
//! sentences, [`cause`] what changed at the same time, and [`by_model`] where. No I/O and no clock: cells come through
//! [`Ledger`], `now` is a parameter.
//!
//! # What is counted
//!
//! * A prompt: evidence units of all its versions that are negative, and those that are not positive ("unhappy"), by
//!   source; failed calls; calls above the baseline's 95 % quantile of latency, cost, tokens. A new version is judged by the baseline of the one before: acknowledging the
//!   stream accepts the new state and starts a new baseline.
//! * A model: negative and unhappy units, failed and slow calls, prompt by prompt; a task type: its units. These pooled
//!   streams see what no prompt alone has the volume for, the silent change of a provider above all.
//!
//! # What is not
//!
//! * Units are one per session (or user) and hour. Whoever complains in many hours counts in each of them; how many
//!   tenants a stream's units come from is not known, so one unhappy tenant may look like a bad prompt.
//! * Why people give feedback is not known either: a changed rate of feedback is shown beside the alarm, not corrected.

pub mod by_model;
pub mod cause;
pub mod estimate;
pub mod health;
mod history;
mod monitors;
mod reference;
pub mod words;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use history::Ledger;
pub use monitors::{Acknowledged, Monitors, Stream};
pub use reference::Reference;

use super::rollup::{Cell, Clock, Hour, WATERMARK_HOURS};
use crate::domain::feedback::{Signal, Source};

/// M from which a stream is worth a look.
pub const WATCH: f64 = 5.0;
/// M from which a stream warns.
pub const WARN: f64 = 20.0;
/// Least M from which a stream pages.
pub const PAGE: f64 = 100.0;
/// False pages a month that the whole fleet of streams may have.
pub const PAGES_A_MONTH: f64 = 5.0;

/// The first hour that is still open at `now`, ms.
pub fn open_hour(now: i64) -> Hour {
    (now.div_euclid(crate::domain::call::HOUR_MS) as Hour) - WATERMARK_HOURS
}

/// M from which a stream pages, when there are so many of them.
pub fn page_threshold(streams: usize) -> f64 {
    PAGE.max(streams as f64 / PAGES_A_MONTH)
}

/// What a stream is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Subject {
    /// A prompt, by its URI without a version.
    Prompt(String),
    /// A model, by its name.
    Model(String),
    /// A task type.
    Task(String),
}

impl Subject {
    /// What it is called, as telemetry calls it: to be made safe before it is printed.
    pub fn name(&self) -> &str {
        match self {
            Subject::Prompt(name) | Subject::Model(name) | Subject::Task(name) => name,
        }
    }

    /// Whether its strata are many prompts.
    pub fn is_pooled(&self) -> bool {
        !matches!(self, Subject::Prompt(_))
    }

    /// What is watched of it.
    pub fn measures(&self) -> &'static [Measure] {
        match self {
            Subject::Prompt(_) => &Measure::ALL,
            Subject::Model(_) => &[Measure::Negative, Measure::Unhappy, Measure::Errors, Measure::Latency],
            Subject::Task(_) => &[Measure::Negative, Measure::Unhappy],
        }
    }
}

/// What is counted as bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Measure {
    /// Negative signals among evidence units.
    Negative,
    /// Signals other than positive ones among evidence units: who rephrases or corrects was not served either.
    Unhappy,
    /// Failed calls.
    Errors,
    /// Calls slower than 95 % of the baseline.
    Latency,
    /// Calls dearer than 95 % of the baseline.
    Cost,
    /// Calls with more tokens than 95 % of the baseline.
    Tokens,
}

impl Measure {
    /// All of them.
    pub const ALL: [Measure; 6] = [
        Measure::Negative,
        Measure::Unhappy,
        Measure::Errors,
        Measure::Latency,
        Measure::Cost,
        Measure::Tokens,
    ];

    /// The word used in JSON, in tables and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Measure::Negative => "negative",
            Measure::Unhappy => "unhappy",
            Measure::Errors => "errors",
            Measure::Latency => "latency",
            Measure::Cost => "cost",
            Measure::Tokens => "tokens",
        }
    }

    /// What one observation is.
    pub fn unit(self) -> &'static str {
        if self.is_feedback() { "units" } else { "calls" }
    }

    /// Whether evidence units are counted, not calls.
    pub fn is_feedback(self) -> bool {
        matches!(self, Measure::Negative | Measure::Unhappy)
    }

    /// Whether what is bad depends on a quantile of the baseline.
    pub fn is_quantity(self) -> bool {
        matches!(self, Measure::Latency | Measure::Cost | Measure::Tokens)
    }

    /// How many strata a prompt has: sources differ in how they judge, so each has its own baseline.
    fn parts(self) -> u8 {
        if self.is_feedback() { Source::ALL.len() as u8 } else { 1 }
    }

    /// All observations of a stratum in a cell.
    fn all(self, cell: &Cell, part: u8) -> i64 {
        match self {
            Measure::Negative | Measure::Unhappy => {
                cell.signals.counts(Clock::Arrival)[usize::from(part)].iter().sum()
            }
            Measure::Errors => cell.calls,
            Measure::Latency => cell.timed,
            Measure::Cost => cell.priced,
            Measure::Tokens => cell.metered,
        }
    }

    /// The bad ones; `above`: the bin of the baseline's 95 % quantile, where that is what decides.
    fn bad(self, cell: &Cell, part: u8, above: i16) -> i64 {
        match self {
            Measure::Negative => {
                cell.signals.counts(Clock::Arrival)[usize::from(part)][Signal::Negative as usize]
            }
            Measure::Unhappy => {
                let counts = cell.signals.counts(Clock::Arrival)[usize::from(part)];
                counts.iter().sum::<i64>() - counts[Signal::Positive as usize]
            }
            Measure::Errors => cell.calls - cell.ok,
            _ => self.sketch(cell).map_or(0, |sketch| sketch.above(above)),
        }
    }

    fn sketch(self, cell: &Cell) -> Option<&super::stats::sketch::Sketch> {
        match self {
            Measure::Negative | Measure::Unhappy | Measure::Errors => None,
            Measure::Latency => Some(&cell.latency_sketch),
            Measure::Cost => Some(&cell.cost_sketch),
            Measure::Tokens => Some(&cell.token_sketch),
        }
    }
}

/// A stream's name: `prompt://org/HUMAN_CORP/support.refund-reply#negative`, `model:gpt-4o#errors`, `task:code#negative`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StreamId {
    /// What it is about.
    pub subject: Subject,
    /// What is counted as bad.
    pub measure: Measure,
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.subject {
            Subject::Prompt(_) => "",
            Subject::Model(_) => "model:",
            Subject::Task(_) => "task:",
        };
        write!(f, "{kind}{}#{}", self.subject.name(), self.measure.as_str())
    }
}

impl FromStr for StreamId {
    type Err = String;

    fn from_str(text: &str) -> Result<StreamId, String> {
        let refused = || {
            format!(
                "`{}` names no stream: a prompt's URI, `model:NAME` or `task:NAME`, then `#` and one of {}",
                text.escape_debug(),
                Measure::ALL.map(Measure::as_str).join(", ")
            )
        };
        let (name, measure) = text.rsplit_once('#').ok_or_else(refused)?;
        let measure = Measure::ALL.into_iter().find(|m| m.as_str() == measure).ok_or_else(refused)?;
        let subject = if let Some(model) = name.strip_prefix("model:") {
            Subject::Model(model.into())
        } else if let Some(task) = name.strip_prefix("task:") {
            Subject::Task(task.into())
        } else {
            Subject::Prompt(name.into())
        };
        let watched = !name.is_empty() && subject.measures().contains(&measure);
        watched.then_some(StreamId { subject, measure }).ok_or_else(refused)
    }
}

#[cfg(test)]
mod tests;
