//! The columns of the leaderboard and how it is sorted by one.

use std::str::FromStr;

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Column {
    /// The prompt.
    Name,
    /// Calls.
    Calls,
    /// Signals.
    Signals,
    /// Mean tokens of a call.
    Tokens,
    /// Sum of costs in US dollars.
    Cost,
    /// Mean cost of a call in US dollars.
    AvgCost,
    /// Mean duration in milliseconds.
    Latency,
    /// Median duration in milliseconds.
    P50,
    /// 95th percentile of durations in milliseconds.
    P95,
    /// Share of positive signals.
    Positive,
    /// Share of negative signals.
    Negative,
    /// Share of rephrases.
    Rephrase,
    /// Share of corrections.
    Correction,
    /// Share of failed calls.
    Errors,
    /// Evidence units to calls.
    Coverage,
    /// Score of the feedback.
    Score,
}

impl Column {
    /// All columns with their word, and another where there is a longer one.
    pub const ALL: [(Column, &'static str, &'static str); 16] = [
        (Column::Name, "name", "name"),
        (Column::Calls, "calls", "calls"),
        (Column::Signals, "signals", "signals"),
        (Column::Tokens, "tokens", "tokens"),
        (Column::Cost, "cost", "cost"),
        (Column::AvgCost, "avgcost", "avg-cost"),
        (Column::Latency, "latency", "latency"),
        (Column::P50, "p50", "p50"),
        (Column::P95, "p95", "p95"),
        (Column::Positive, "pos", "positive"),
        (Column::Negative, "neg", "negative"),
        (Column::Rephrase, "reph", "rephrase"),
        (Column::Correction, "corr", "correction"),
        (Column::Errors, "err", "errors"),
        (Column::Coverage, "coverage", "coverage"),
        (Column::Score, "score", "score"),
    ];

    /// The column of a word.
    pub fn of(word: &str) -> Option<Column> {
        let known = |(_, short, long): &&(Column, &str, &str)| {
            word.eq_ignore_ascii_case(short) || word.eq_ignore_ascii_case(long)
        };
        Column::ALL.iter().find(known).map(|(column, ..)| *column)
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        Column::ALL.iter().find(|(column, ..)| *column == self).map_or("", |(_, word, _)| word)
    }

    /// Whether it is a share in \[0, 1\], which people write in percent.
    pub fn is_share(self) -> bool {
        use Column::{Correction, Coverage, Errors, Negative, Positive, Rephrase};
        matches!(self, Positive | Negative | Rephrase | Correction | Errors | Coverage)
    }

    pub(super) fn is_name(self) -> bool {
        self == Column::Name
    }

    pub(super) fn needs_sketch(self) -> bool {
        matches!(self, Column::P50 | Column::P95)
    }
}

/// By which column, and which way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// The column.
    pub column: Column,
    /// Largest first.
    pub descending: bool,
}

impl Sort {
    /// Names from A, numbers from the largest.
    pub fn by(column: Column) -> Sort {
        Sort { column, descending: !column.is_name() }
    }

    pub(super) fn by_name_descending(self) -> bool {
        self.column.is_name() && self.descending
    }
}

impl Default for Sort {
    fn default() -> Self {
        Sort::by(Column::Calls)
    }
}

/// `neg`, `neg:asc`, `neg:desc`; `-neg` and `neg-` turn the usual order round.
impl FromStr for Sort {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        let (word, way) = s.split_once(':').map_or((s, None), |(word, way)| (word, Some(way)));
        let (word, turned) = match (way, word.strip_prefix('-').or_else(|| word.strip_suffix('-'))) {
            (None, Some(bare)) => (bare, true),
            _ => (word, false),
        };
        let short = |text: &str| text.chars().take(40).collect::<String>().escape_debug().to_string();
        let column = Column::of(word).ok_or_else(|| {
            let words = Column::ALL.map(|(_, word, _)| word).join(", ");
            format!("`{}` is not a column: one of {words}", short(word))
        })?;
        match way {
            None => Ok(Sort { column, descending: Sort::by(column).descending != turned }),
            Some("asc") => Ok(Sort { column, descending: false }),
            Some("desc") => Ok(Sort { column, descending: true }),
            Some(way) => Err(format!("`{}` is not a direction: `asc` or `desc`", short(way))),
        }
    }
}
