//! The columns of the leaderboard: which there are in which view, how wide each is, and how a cell of it is drawn.

use ratatui::layout::Rect;

use super::super::words;
use crate::console::canvas::Canvas;
use crate::console::widgets::sparkline::{Sparkline, counts};
use crate::domain::snapshot::Rate;
use crate::engine::number::{NONE, count, duration, mean, percent, usd};
use crate::engine::rank::Column;
use crate::service::live::{Attribute, BoardLine};
use crate::theme::{Glyph, Role};

/// A choice of columns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Choice {
    /// A little of all.
    #[default]
    Overview,
    /// What users said, with intervals.
    Quality,
    /// What it costs, in money and time.
    Cost,
}

impl Choice {
    pub(super) const ALL: [Choice; 3] = [Choice::Overview, Choice::Quality, Choice::Cost];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Choice::Overview => "overview",
            Choice::Quality => "quality",
            Choice::Cost => "cost",
        }
    }

    pub(super) fn next(self) -> Choice {
        Choice::ALL[(self as usize + 1) % 3]
    }

    /// Its columns from left to right, each with its rank: where there is little room, high ranks are left out first.
    const fn columns(self) -> &'static [(Cell, u8)] {
        use Cell::{
            AvgCost, Calls, Correction, Cost, Coverage, Errors, Health, Key, Model, Negative, Open, P50, P95,
            Positive, Rephrase, Scope, Score, Signals, Tokens, Trend, Version,
        };
        match self {
            Choice::Overview => &[
                (Health, 0),
                (Key, 0),
                (Scope, 8),
                (Version, 9),
                (Calls, 1),
                (Trend, 5),
                (Positive, 6),
                (Negative, 2),
                (Rephrase, 12),
                (Correction, 13),
                (Tokens, 10),
                (Cost, 3),
                (P50, 8),
                (P95, 4),
                (Model, 11),
                (Open, 7),
            ],
            Choice::Quality => &[
                (Health, 0),
                (Key, 0),
                (Signals, 1),
                (Positive, 3),
                (Negative, 2),
                (Rephrase, 5),
                (Correction, 6),
                (Score, 4),
                (Coverage, 7),
                (Errors, 8),
                (Trend, 9),
            ],
            Choice::Cost => &[
                (Health, 0),
                (Key, 0),
                (Calls, 2),
                (Trend, 9),
                (Tokens, 5),
                (AvgCost, 3),
                (Cost, 1),
                (P50, 6),
                (P95, 4),
                (Model, 8),
                (Open, 10),
            ],
        }
    }
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cell {
    Health,
    Key,
    Scope,
    Version,
    Calls,
    Signals,
    Trend,
    Positive,
    Negative,
    Rephrase,
    Correction,
    Score,
    Coverage,
    Errors,
    Tokens,
    AvgCost,
    Cost,
    P50,
    P95,
    Model,
    Open,
}

/// Columns of the gap between two.
const GAP: u16 = 2;
/// Columns of a key that there must be.
const KEY: u16 = 20;
/// Columns of a share with its interval.
const INTERVAL: u16 = 15;
/// Columns of a table from which what users said is said with intervals.
const INTERVALS: u16 = 79;
/// Columns that always stay: health and name.
const FIXED: usize = 2;

impl Cell {
    /// Heading and width.
    const fn form(self) -> (&'static str, u16) {
        match self {
            Cell::Health => ("health", 8),
            Cell::Key => ("prompt", KEY),
            Cell::Scope => ("scope", 12),
            Cell::Version => ("version", 7),
            Cell::Calls => ("calls", 9),
            Cell::Signals => ("signals", 8),
            Cell::Trend => ("trend", 8),
            Cell::Positive => ("pos", 5),
            Cell::Negative => ("neg", 5),
            Cell::Rephrase => ("reph", 5),
            Cell::Correction => ("corr", 5),
            Cell::Score => ("score", 6),
            Cell::Coverage => ("cover", 6),
            Cell::Errors => ("err", 5),
            Cell::Tokens => ("tok/call", 8),
            Cell::AvgCost => ("$/call", 9),
            Cell::Cost => ("cost", 10),
            Cell::P50 => ("p50", 6),
            Cell::P95 => ("p95", 6),
            Cell::Model => ("best model", 20),
            Cell::Open => ("open", 5),
        }
    }

    /// What sorts by it.
    pub(super) const fn sorts(self) -> Key {
        let column = match self {
            Cell::Health => return Key::Attribute(Attribute::Health),
            Cell::Scope => return Key::Attribute(Attribute::Scope),
            Cell::Version => return Key::Attribute(Attribute::Version),
            Cell::Trend => return Key::Attribute(Attribute::Trend),
            Cell::Model => return Key::Attribute(Attribute::Model),
            Cell::Open => return Key::Attribute(Attribute::Open),
            Cell::Key => Column::Name,
            Cell::Calls => Column::Calls,
            Cell::Signals => Column::Signals,
            Cell::Positive => Column::Positive,
            Cell::Negative => Column::Negative,
            Cell::Rephrase => Column::Rephrase,
            Cell::Correction => Column::Correction,
            Cell::Score => Column::Score,
            Cell::Coverage => Column::Coverage,
            Cell::Errors => Column::Errors,
            Cell::Tokens => Column::Tokens,
            Cell::AvgCost => Column::AvgCost,
            Cell::Cost => Column::Cost,
            Cell::P50 => Column::P50,
            Cell::P95 => Column::P95,
        };
        Key::Column(column)
    }

    /// The column that shows what a sort sorts by.
    const fn of(key: Key) -> Cell {
        let column = match key {
            Key::Column(column) => column,
            Key::Attribute(Attribute::Health) => return Cell::Health,
            Key::Attribute(Attribute::Scope) => return Cell::Scope,
            Key::Attribute(Attribute::Version) => return Cell::Version,
            Key::Attribute(Attribute::Trend) => return Cell::Trend,
            Key::Attribute(Attribute::Model) => return Cell::Model,
            Key::Attribute(Attribute::Open) => return Cell::Open,
        };
        match column {
            Column::Name => Cell::Key,
            Column::Calls => Cell::Calls,
            Column::Signals => Cell::Signals,
            Column::Tokens => Cell::Tokens,
            Column::Cost => Cell::Cost,
            Column::AvgCost => Cell::AvgCost,
            Column::Latency | Column::P50 => Cell::P50,
            Column::P95 => Cell::P95,
            Column::Positive => Cell::Positive,
            Column::Negative => Cell::Negative,
            Column::Rephrase => Cell::Rephrase,
            Column::Correction => Cell::Correction,
            Column::Errors => Cell::Errors,
            Column::Coverage => Cell::Coverage,
            Column::Score => Cell::Score,
        }
    }

    const fn is_left(self) -> bool {
        matches!(self, Cell::Health | Cell::Key | Cell::Scope | Cell::Version | Cell::Model | Cell::Trend)
    }

    /// Its width with an interval: a mark of little evidence, and a score, take more.
    const fn with_interval(self) -> u16 {
        if matches!(self, Cell::Score) { INTERVAL + 4 } else { INTERVAL + 2 }
    }

    const fn has_interval(self) -> bool {
        matches!(
            self,
            Cell::Positive | Cell::Negative | Cell::Rephrase | Cell::Correction | Cell::Score | Cell::Errors
        )
    }
}

/// What a leaderboard is sorted by: a number of its window, or what goes before those.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// A number.
    Column(Column),
    /// What is no number of the window's.
    Attribute(Attribute),
}

/// Columns in their places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan(pub Vec<(Cell, u16, u16)>);

/// Chooses the columns that fit, and spreads them: each with its place from the left and its width. `skip`: so many are
/// left out after the name, so that those further right are seen.
pub(super) fn plan(choice: Choice, sort: Key, width: u16, skip: usize) -> Plan {
    let mut columns = choice.columns().to_vec();
    let sorted = Cell::of(sort);
    match columns.iter_mut().find(|(cell, _)| *cell == sorted) {
        Some(column) => column.1 = 0,
        None => columns.push((sorted, 0)),
    }
    columns.drain(FIXED..FIXED + skip.min(columns.len() - FIXED - 1));
    // What users said is said with its interval where there is room for some of it.
    let least = |cell: Cell| {
        let wide = choice == Choice::Quality && width >= INTERVALS && cell.has_interval();
        if wide { cell.with_interval() } else { cell.form().1 }
    };
    let mut order: Vec<usize> = (0..columns.len()).collect();
    order.sort_by_key(|i| columns[*i].1);
    let mut room = width;
    let mut chosen = vec![None; columns.len()];
    for i in order {
        let least = least(columns[i].0);
        let need = least + if room == width { 0 } else { GAP };
        if need > room {
            if columns[i].1 > 0 {
                break;
            }
            continue;
        }
        room -= need;
        chosen[i] = Some(least);
    }
    // What is left: intervals where they say most, then the names, then longer trends.
    for tells in [Cell::Negative, Cell::Positive, Cell::Score, Cell::Rephrase, Cell::Correction, Cell::Errors]
    {
        if let Some(i) = columns.iter().position(|(cell, _)| *cell == tells)
            && let Some(width) = &mut chosen[i]
            && room >= tells.with_interval().saturating_sub(*width)
        {
            room -= tells.with_interval().saturating_sub(*width);
            *width = tells.with_interval();
        }
    }
    for (grows, most) in [(Cell::Key, 44), (Cell::Trend, 24), (Cell::Model, 26)] {
        if let Some(i) = columns.iter().position(|(cell, _)| *cell == grows)
            && let Some(width) = &mut chosen[i]
        {
            let more = room.min(u16::saturating_sub(most, *width));
            (*width, room) = (*width + more, room - more);
        }
    }
    let mut at = 0;
    let placed = columns.into_iter().zip(chosen).filter_map(|((cell, _), width)| {
        let width = width?;
        let x = at;
        at += width + GAP;
        Some((cell, x, width))
    });
    Plan(placed.collect())
}

/// How many columns of a view may be left out at the left.
pub(super) fn most_skipped(choice: Choice) -> usize {
    choice.columns().len() - FIXED - 1
}

/// Draws a heading; the one that sorts says which way.
pub(super) fn heading(canvas: &mut Canvas<'_>, area: Rect, cell: Cell, sort: Key, descending: bool) {
    let sorted = cell == Cell::of(sort);
    let mark = canvas.glyph(if descending { Glyph::Descending } else { Glyph::Ascending });
    let word = cell.form().0;
    let role = if sorted { Role::Accent } else { Role::Heading };
    if cell.is_left() {
        let text = if sorted { format!("{word} {mark}") } else { word.to_owned() };
        canvas.put(area.x, area.y, area.width, &text, role);
    } else {
        let text = if sorted { format!("{mark}{word}") } else { word.to_owned() };
        canvas.put_right(area.x, area.y, area.width, &text, role);
    }
}

/// Draws a cell of a line.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, cell: Cell, of: &BoardLine) {
    let line = &of.line;
    let little = canvas.glyph(Glyph::Insufficient);
    let share = |rate: &Rate| {
        if area.width >= INTERVAL { words::rate_interval(rate, little) } else { words::rate(rate, little) }
    };
    let known = |text: String| (if text == NONE { Role::Faint } else { Role::Text }, text);
    let (role, text) = match cell {
        Cell::Health => {
            let (glyph, word, role) = words::level(of.health);
            if of.health.is_some() {
                let text = format!("{} {word}", canvas.glyph(glyph));
                canvas.put(area.x, area.y, area.width, &text, role);
            }
            return;
        }
        Cell::Key => return key(canvas, area, of),
        Cell::Trend => {
            return Sparkline::of(&counts(&of.trend), Role::Series1).draw(canvas, area);
        }
        Cell::Scope => (words::scope(line.scope), of.uri.as_ref().map_or_else(String::new, words::whose)),
        Cell::Version => match &of.version {
            Some(version) => (Role::Muted, version.to_string()),
            None => (Role::Faint, NONE.to_owned()),
        },
        Cell::Model => match &of.best_model {
            Some((model, score, enough)) => {
                let mark = if *enough { "" } else { little };
                let role = if *enough { Role::Text } else { Role::Insufficient };
                (role, format!("{mark}{score:.2} {model}"))
            }
            None => (Role::Faint, NONE.to_owned()),
        },
        Cell::Calls => (Role::Text, count(line.calls)),
        Cell::Signals => (Role::Text, count(line.score.sample_size)),
        Cell::Positive => share(&line.positive),
        Cell::Negative => share(&line.negative),
        Cell::Rephrase => share(&line.rephrase),
        Cell::Correction => share(&line.correction),
        Cell::Errors => share(&line.error),
        Cell::Coverage => known(percent(line.feedback_coverage.rate)),
        Cell::Score => {
            let (role, text) = words::score(&line.score, little);
            let short = text.split(' ').next().unwrap_or_default().to_owned();
            (role, if area.width >= INTERVAL { text } else { short })
        }
        Cell::Tokens => known(mean(line.avg_tokens)),
        Cell::AvgCost => known(usd(line.avg_cost_usd)),
        Cell::Cost => known(usd(line.total_cost_usd)),
        Cell::P50 => known(duration(line.p50_duration_ms)),
        Cell::P95 => known(duration(line.p95_duration_ms)),
        Cell::Open if of.open == 0 => return,
        Cell::Open => (Role::Info, of.open.to_string()),
    };
    if cell.is_left() {
        canvas.put(area.x, area.y, area.width, &text, role);
    } else {
        canvas.put_right(area.x, area.y, area.width, &text, role);
    }
}

/// The key, its matched letters marked; its end is kept where it is long, for keys begin alike.
fn key(canvas: &mut Canvas<'_>, area: Rect, of: &BoardLine) {
    let name = &of.line.prompt;
    let from = of.uri.as_ref().map_or(0, |uri| name.len().saturating_sub(uri.key.as_str().len()));
    let role = if of.line.managed { Role::Strong } else { Role::Text };
    let shown = name.get(from..).unwrap_or(name);
    if canvas.width(shown) > area.width || of.matched.is_empty() || !shown.is_ascii() {
        canvas.put(area.x, area.y, area.width, shown, role);
        return;
    }
    canvas.put(area.x, area.y, area.width, shown, role);
    for range in &of.matched {
        let start = range.start.max(from);
        if let Some(part) = name.get(start..range.end.max(start)) {
            let x = area.x + (start - from) as u16;
            canvas.put(x, area.y, area.right().saturating_sub(x), part, Role::Match);
        }
    }
}
