//! The leaderboard: one row per prompt out of the cells of all, filtered, sorted, cut.
//!
//! Sums come first and in one pass; what is dear (sketches of latency, intervals) is made only for rows that are
//! sorted or shown by it. Start with [`board`].

mod column;
mod filter;
mod row;

use std::cmp::Ordering;

pub use column::{Column, Sort};
pub use filter::{Filter, FilterError};
pub use row::{Line, Row, Subject};

use super::rollup::{Cell, CellKey};

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
}

/// A leaderboard.
#[derive(Debug, Clone)]
pub struct Board<'a> {
    /// The rows, best first, at most as many as asked for.
    pub rows: Vec<Row<'a>>,
    /// How many rows the filter left before they were cut.
    pub matched: usize,
}

/// Ranks the subjects that have calls.
///
/// `cells`: all cells of the window, any number per key; it is passed over twice. Cells of [`CellKey::FLEET`] are
/// left out, since they hold every call once more. A `model:` term of the filter narrows every number to the calls on
/// these models; all other terms choose rows. Rows that lack the evidence for the sorting column come after those that
/// have it, either way round; equals are ordered by name.
pub fn board<'a, 'c>(
    roster: Roster<'a>,
    cells: impl Iterator<Item = (&'c CellKey, &'c Cell)> + Clone,
    filter: &Filter,
    sort: Sort,
    limit: usize,
) -> Board<'a> {
    let models = filter.models(roster.models);
    let subject = |key: &CellKey| {
        let on_model = models.as_ref().is_none_or(|chosen| chosen.get(key.model as usize) == Some(&true));
        let subject = roster.of_version.get(key.version as usize).copied().unwrap_or(NO_SUBJECT);
        (on_model && key.version != CellKey::FLEET).then_some(subject as usize)
    };
    let mut rows: Vec<Row<'a>> = roster.subjects.iter().map(Row::new).collect();
    for (key, cell) in cells.clone() {
        if let Some(row) = subject(key).and_then(|index| rows.get_mut(index)) {
            row.add(cell);
        }
    }
    let early = sort.column.needs_sketch() || filter.needs_sketch();
    if early {
        for (key, cell) in cells.clone() {
            if let Some(row) = subject(key).and_then(|index| rows.get_mut(index)) {
                row.add_sketch(cell);
            }
        }
    }
    let mut ranked: Vec<(Rank, usize)> = rows
        .iter()
        .enumerate()
        .filter(|(_, row)| row.calls > 0 && filter.matches(row))
        .map(|(index, row)| (Rank::of(row, sort), index))
        .collect();
    let matched = ranked.len();
    let order = |a: &(Rank, usize), b: &(Rank, usize)| {
        let names = || roster.subjects[a.1].name.cmp(&roster.subjects[b.1].name);
        a.0.cmp(&b.0).then_with(|| if sort.by_name_descending() { names().reverse() } else { names() })
    };
    if limit < ranked.len() {
        if limit > 0 {
            ranked.select_nth_unstable_by(limit - 1, order);
        }
        ranked.truncate(limit);
    }
    ranked.sort_unstable_by(order);
    let mut place: Vec<u32> = vec![NO_SUBJECT; roster.subjects.len()];
    let mut shown: Vec<Row<'a>> = Vec::with_capacity(ranked.len());
    for (_, index) in &ranked {
        place[*index] = shown.len() as u32;
        shown.push(std::mem::replace(&mut rows[*index], Row::new(&roster.subjects[*index])));
    }
    if !early {
        for (key, cell) in cells {
            let at = subject(key).and_then(|index| place.get(index)).copied().unwrap_or(NO_SUBJECT);
            if let Some(row) = shown.get_mut(at as usize) {
                row.add_sketch(cell);
            }
        }
    }
    Board { rows: shown, matched }
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
