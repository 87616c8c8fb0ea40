//! The leaderboard: one row per prompt out of the cells of all, filtered, sorted, cut.
//!
//! A [`Lineup`] is made once per set of cells; ranking it is a sort. What is dear (percentiles, intervals) is made
//! only for rows that are sorted or shown by it.

mod column;
mod filter;
mod row;

use std::cmp::Ordering;

pub use column::{Column, Sort};
pub use filter::{Filter, FilterError, Than};
use row::Sums;
pub use row::{Line, Row, Subject};
use rustc_hash::FxHashSet;

use super::rollup::{CellKey, Cells, Layer, VersionId};
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

impl Roster<'_> {
    fn subject_of(&self, version: VersionId) -> u32 {
        self.of_version.get(version as usize).copied().unwrap_or(NO_SUBJECT)
    }
}

/// A leaderboard.
#[derive(Debug, Clone)]
pub struct Board<'a> {
    /// The rows, best first, at most as many as asked for.
    pub rows: Vec<Row<'a>>,
    /// How many rows the filter left before they were cut.
    pub matched: usize,
}

/// The cells of a window put in order by subject, so that every other sort, filter or limit is a pass over a few
/// megabytes. It names cells by their keys, and is asked together with the roster and the cells that it was made of.
#[derive(Debug, Clone, Default)]
pub struct Lineup {
    /// By subject: where its keys begin; one more than there are subjects.
    starts: Vec<u32>,
    /// Keys of the cells, subject after subject.
    keys: Vec<CellKey>,
    /// By subject: the sums of its cells.
    sums: Vec<Sums>,
    /// By subject: its place among the names.
    places: Vec<u32>,
}

/// Where a subject stands: before and after others, as ordering says.
#[derive(Debug, Clone, Copy)]
pub struct Placed {
    /// What comes before everything else; for whoever puts rows together.
    pub group: u64,
    rank: Rank,
    place: u32,
    /// The subject.
    pub index: u32,
    /// Its calls.
    pub calls: i64,
}

impl Placed {
    /// By group, then by the sorting column, then by name.
    pub fn order(&self, other: &Placed) -> Ordering {
        let by_rank = || self.rank.cmp(&other.rank);
        self.group.cmp(&other.group).then_with(by_rank).then(self.place.cmp(&other.place))
    }
}

impl Lineup {
    /// Of all cells of a window. Cells of [`CellKey::FLEET`] are left out, since they hold every call once more.
    pub fn new(roster: Roster<'_>, cells: &Cells) -> Lineup {
        let mut found: Vec<(u32, CellKey)> = cells
            .keys()
            .filter(|key| key.version != CellKey::FLEET)
            .map(|key| (roster.subject_of(key.version), *key))
            .filter(|(subject, _)| (*subject as usize) < roster.subjects.len())
            .collect();
        found.sort_unstable();
        let count = roster.subjects.len();
        let mut starts = vec![0; count + 1];
        for (subject, _) in &found {
            starts[*subject as usize + 1] += 1;
        }
        for index in 0..count {
            starts[index + 1] += starts[index];
        }
        let mut by_name: Vec<u32> = (0..count as u32).collect();
        by_name.sort_by(|a, b| roster.subjects[*a as usize].name.cmp(&roster.subjects[*b as usize].name));
        let mut places = vec![0; count];
        for (place, subject) in by_name.into_iter().enumerate() {
            places[subject as usize] = place as u32;
        }
        let keys = found.into_iter().map(|(_, key)| key).collect();
        let mut lineup = Lineup { starts, keys, sums: Vec::with_capacity(count), places };
        for index in 0..count {
            let sums = lineup.summed(cells, index, |_| true);
            lineup.sums.push(sums);
        }
        lineup
    }

    /// Follows cells that have changed. False where it has to be made anew: a key is new.
    #[must_use]
    pub fn follow(&mut self, roster: Roster<'_>, cells: &Cells, changed: &[CellKey]) -> bool {
        for key in changed.iter().filter(|key| key.version != CellKey::FLEET) {
            let index = roster.subject_of(key.version) as usize;
            if index >= self.sums.len() {
                continue;
            }
            if !self.keys_of(index).contains(key) && cells.contains_key(key) {
                return false;
            }
            self.sums[index] = self.summed(cells, index, |_| true);
        }
        true
    }

    /// Where the subjects that have calls, and the published ones, stand, in no order.
    ///
    /// A `model:` term of the filter narrows every number to the calls on these models; all other terms, and `admits`,
    /// choose subjects. Rows that lack the evidence for the sorting column come after those that have it, either way
    /// round; equals are ordered by name.
    pub fn placed(
        &self,
        roster: Roster<'_>,
        cells: &Cells,
        filter: &Filter,
        sort: Sort,
        mut admits: impl FnMut(usize) -> bool,
    ) -> Vec<Placed> {
        let models = filter.models(roster.models);
        let counts = |model: u32| models.as_ref().is_none_or(|m| m.get(model as usize) == Some(&true));
        let early = sort.column.needs_sketch() || filter.needs_sketch();
        let mut pool = Pool::default();
        let mut placed = Vec::new();
        for (index, subject) in roster.subjects.iter().enumerate().take(self.sums.len()) {
            let sums = if models.is_none() { self.sums[index] } else { self.summed(cells, index, counts) };
            let mut row = Row::new(subject, sums);
            // A published prompt without calls is listed last; asked for calls on a model, there are none to show.
            let listed = subject.managed && models.is_none();
            if row.calls() <= 0 && !listed {
                continue;
            }
            if early {
                row.latency_ms = self.latency(cells, index, counts, &mut pool);
            }
            if filter.matches(&row) && admits(index) {
                let place = self.places[index];
                placed.push(Placed {
                    group: 0,
                    rank: Rank::of(&row, sort),
                    place: if sort.by_name_descending() { !place } else { place },
                    index: index as u32,
                    calls: row.calls(),
                });
            }
        }
        placed
    }

    /// The rows of some subjects, with all that is shown of them.
    pub fn rows<'a>(
        &self,
        roster: Roster<'a>,
        cells: &Cells,
        filter: &Filter,
        subjects: impl IntoIterator<Item = u32>,
    ) -> Vec<Row<'a>> {
        let models = filter.models(roster.models);
        let counts = |model: u32| models.as_ref().is_none_or(|m| m.get(model as usize) == Some(&true));
        let mut pool = Pool::default();
        let row = |index: u32| {
            let index = index as usize;
            let mut row = Row::new(&roster.subjects[index], self.summed(cells, index, counts));
            row.latency_ms = self.latency(cells, index, counts, &mut pool);
            row
        };
        subjects.into_iter().map(row).collect()
    }

    /// The first `limit` rows in order.
    pub fn rank<'a>(
        &self,
        roster: Roster<'a>,
        cells: &Cells,
        filter: &Filter,
        sort: Sort,
        limit: usize,
    ) -> Board<'a> {
        let mut placed = self.placed(roster, cells, filter, sort, |_| true);
        let matched = placed.len();
        head(&mut placed, limit);
        let rows = self.rows(roster, cells, filter, placed.iter().map(|p| p.index));
        Board { rows, matched }
    }

    fn keys_of(&self, index: usize) -> &[CellKey] {
        &self.keys[self.starts[index] as usize..self.starts[index + 1] as usize]
    }

    fn summed(&self, cells: &Cells, index: usize, counts: impl Fn(u32) -> bool) -> Sums {
        let mut total = Sums::default();
        for cell in self.keys_of(index).iter().filter(|key| counts(key.model)).filter_map(|k| cells.get(k)) {
            total.add(&Sums::of(cell));
        }
        total
    }

    fn latency(
        &self,
        cells: &Cells,
        index: usize,
        counts: impl Fn(u32) -> bool,
        pool: &mut Pool,
    ) -> [Option<f64>; 2] {
        pool.clear();
        for cell in self.keys_of(index).iter().filter(|key| counts(key.model)).filter_map(|k| cells.get(k)) {
            pool.add(&cell.latency_sketch);
        }
        [0.5, 0.95].map(|q| pool.quantile(q).map(|us| us / 1e3))
    }
}

/// Leaves the first `most` in order, and lets go of the rest.
pub fn head(placed: &mut Vec<Placed>, most: usize) {
    if most < placed.len() {
        if most > 0 {
            placed.select_nth_unstable_by(most - 1, Placed::order);
        }
        placed.truncate(most);
    }
    placed.sort_unstable_by(Placed::order);
}

/// Ranks once: [`Lineup::new`] and [`Lineup::rank`] in one. Who ranks the same cells again keeps the line-up.
pub fn board<'a>(roster: Roster<'a>, cells: &Cells, filter: &Filter, sort: Sort, limit: usize) -> Board<'a> {
    Lineup::new(roster, cells).rank(roster, cells, filter, sort, limit)
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
