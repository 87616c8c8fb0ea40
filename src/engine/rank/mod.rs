//! The leaderboard: one row per prompt out of the cells of all, filtered, sorted, cut.
//!
//! A [`Lineup`] is made once per set of cells; ranking it is a sort. What is dear (percentiles, intervals) is made
//! only for rows that are sorted or shown by it.

mod column;
mod filter;
mod row;

use std::cmp::Ordering;

pub use column::{Column, Sort};
pub use filter::{Filter, FilterError};
use row::Sums;
pub use row::{Line, Row, Subject};
use rustc_hash::FxHashSet;

use super::rollup::{Cell, CellKey, Layer, VersionId};
use super::stats::sketch::Pool;

/// No subject: the version's cells are in no row.
pub const NO_SUBJECT: u32 = u32::MAX;

/// What the numbers in cells stand for.
#[derive(Debug, Clone, Copy)]
pub struct Roster<'a> {
    /// The subjects.
    pub subjects: &'a [Subject],
    /// By version number: the index of its subject, or [`NO_SUBJECT`]. Versions beyond the end have none.
    pub of_version: &'a [u32],
    /// Names of the models, by number.
    pub models: &'a [String],
    /// Versions in layers that lie below another in some composition: calls there count for that other one as well,
    /// and are not counted again where many prompts are summed.
    pub outer: &'a FxHashSet<(VersionId, Layer)>,
}

/// A leaderboard.
#[derive(Debug, Clone)]
pub struct Board<'a> {
    /// The rows, best first, at most as many as asked for.
    pub rows: Vec<Row<'a>>,
    /// How many rows the filter left before they were cut.
    pub matched: usize,
}

/// The cells of a window put in order by subject and model, so that every other sort, filter or limit is a pass over
/// a few megabytes. Made anew when the cells have changed.
#[derive(Debug, Clone)]
pub struct Lineup<'a, 'c> {
    roster: Roster<'a>,
    /// By subject: where its sums and its cells begin; one more than there are subjects.
    starts: Vec<(u32, u32)>,
    /// Sums by model, subject after subject.
    sums: Vec<(u32, Sums)>,
    /// Cells with their model, subject after subject.
    cells: Vec<(u32, &'c Cell)>,
}

impl<'a, 'c> Lineup<'a, 'c> {
    /// `cells`: all cells of the window, any number per key. Cells of [`CellKey::FLEET`] are left out, since they hold
    /// every call once more.
    pub fn new(roster: Roster<'a>, cells: impl Iterator<Item = (&'c CellKey, &'c Cell)>) -> Self {
        let mut found: Vec<(u32, u32, &Cell)> = cells
            .filter(|(key, _)| key.version != CellKey::FLEET)
            .map(|(key, cell)| {
                let subject = roster.of_version.get(key.version as usize).copied().unwrap_or(NO_SUBJECT);
                (subject, key.model, cell)
            })
            .filter(|(subject, ..)| (*subject as usize) < roster.subjects.len())
            .collect();
        found.sort_unstable_by_key(|(subject, model, _)| (*subject, *model));
        let mut starts = Vec::with_capacity(roster.subjects.len() + 1);
        let mut sums: Vec<(u32, Sums)> = Vec::new();
        let mut rest = found.iter().peekable();
        let mut passed = 0;
        for index in 0..roster.subjects.len() as u32 {
            starts.push((sums.len() as u32, passed));
            let first = sums.len();
            while let Some((_, model, cell)) = rest.next_if(|(subject, ..)| *subject == index) {
                passed += 1;
                let one = Sums::of(cell);
                match sums[first..].last_mut() {
                    Some((last, sum)) if last == model => sum.add(&one),
                    _ => sums.push((*model, one)),
                }
            }
        }
        starts.push((sums.len() as u32, passed));
        let cells = found.into_iter().map(|(_, model, cell)| (model, cell)).collect();
        Lineup { roster, starts, sums, cells }
    }

    /// Ranks the subjects that have calls, and the published ones.
    ///
    /// A `model:` term of the filter narrows every number to the calls on these models; all other terms choose rows.
    /// Rows that lack the evidence for the sorting column come after those that have it, either way round; equals are
    /// ordered by name.
    pub fn rank(&self, filter: &Filter, sort: Sort, limit: usize) -> Board<'a> {
        let models = filter.models(self.roster.models);
        let counts = |model: u32| models.as_ref().is_none_or(|m| m.get(model as usize) == Some(&true));
        let early = sort.column.needs_sketch() || filter.needs_sketch();
        let mut pool = Pool::default();
        let mut ranked: Vec<(Rank, usize)> = Vec::new();
        for index in 0..self.roster.subjects.len() {
            let mut row = self.row(index, counts);
            // A published prompt without calls is listed last; asked for calls on a model, there are none to show.
            let listed = self.roster.subjects[index].managed && models.is_none();
            if row.calls() <= 0 && !listed {
                continue;
            }
            if early {
                row.latency_ms = self.latency(index, counts, &mut pool);
            }
            if filter.matches(&row) {
                ranked.push((Rank::of(&row, sort), index));
            }
        }
        let matched = ranked.len();
        let order = |a: &(Rank, usize), b: &(Rank, usize)| {
            let names = || self.roster.subjects[a.1].name.cmp(&self.roster.subjects[b.1].name);
            let names = || if sort.by_name_descending() { names().reverse() } else { names() };
            a.0.cmp(&b.0).then_with(names)
        };
        if limit < ranked.len() {
            if limit > 0 {
                ranked.select_nth_unstable_by(limit - 1, order);
            }
            ranked.truncate(limit);
        }
        ranked.sort_unstable_by(order);
        let rows = ranked
            .into_iter()
            .map(|(_, index)| {
                let mut row = self.row(index, counts);
                row.latency_ms = self.latency(index, counts, &mut pool);
                row
            })
            .collect();
        Board { rows, matched }
    }

    fn row(&self, index: usize, counts: impl Fn(u32) -> bool) -> Row<'a> {
        let mut total = Sums::default();
        let range = self.starts[index].0 as usize..self.starts[index + 1].0 as usize;
        for (_, sums) in self.sums[range].iter().filter(|(model, _)| counts(*model)) {
            total.add(sums);
        }
        Row::new(&self.roster.subjects[index], total)
    }

    fn latency(&self, index: usize, counts: impl Fn(u32) -> bool, pool: &mut Pool) -> [Option<f64>; 2] {
        pool.clear();
        let range = self.starts[index].1 as usize..self.starts[index + 1].1 as usize;
        for (_, cell) in self.cells[range].iter().filter(|(model, _)| counts(*model)) {
            pool.add(&cell.latency_sketch);
        }
        [0.5, 0.95].map(|q| pool.quantile(q).map(|us| us / 1e3))
    }
}

/// Ranks once: [`Lineup::new`] and [`Lineup::rank`] in one. Who ranks the same cells again keeps the line-up.
pub fn board<'a, 'c>(
    roster: Roster<'a>,
    cells: impl Iterator<Item = (&'c CellKey, &'c Cell)>,
    filter: &Filter,
    sort: Sort,
    limit: usize,
) -> Board<'a> {
    Lineup::new(roster, cells).rank(filter, sort, limit)
}

/// Where a row stands by the sorting column alone.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Rank {
    /// Rows without enough evidence, or without the number, come last.
    lacking: u8,
    /// Ascending.
    key: f64,
}

impl Rank {
    fn of(row: &Row<'_>, sort: Sort) -> Rank {
        let Some(value) = row.value(sort.column) else {
            return Rank { lacking: 2 * u8::from(!sort.column.is_name()), key: 0.0 };
        };
        let key = if sort.descending { -value } else { value };
        Rank { lacking: u8::from(!row.suffices(sort.column)), key }
    }

    fn cmp(&self, other: &Rank) -> Ordering {
        self.lacking.cmp(&other.lacking).then(self.key.total_cmp(&other.key))
    }
}

#[cfg(test)]
mod tests;
