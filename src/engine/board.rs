//! The board in memory: the cells of the last so many hours, summed, moved along by what is committed and by time.
//!
//! Cells are sums, so a delta is added, an hour that leaves is subtracted, and ranking is a sort, never a query.

use std::ops::Range;

use super::rollup::{Cell, CellKey, Cells, Delta, Hour, Subjects};

/// Sums over a sliding range of whole hours, as [`Cell::merge_ranked`] makes them.
#[derive(Debug, Clone, Default)]
pub struct Board {
    hours: Range<Hour>,
    cells: Cells,
}

impl Board {
    /// A board of `hours`, with nothing on it.
    pub fn new(hours: Range<Hour>) -> Board {
        Board { hours, cells: Cells::default() }
    }

    /// The hours that it sums.
    pub fn hours(&self) -> &Range<Hour> {
        &self.hours
    }

    /// The sums.
    pub fn cells(&self) -> &Cells {
        &self.cells
    }

    /// Adds a stored cell of one of its hours.
    pub fn add(&mut self, key: CellKey, cell: &Cell) {
        self.merge(key, cell, 1);
    }

    /// Adds what has been committed since, where it is of its hours.
    pub fn apply(&mut self, delta: &Delta, subjects: &Subjects) {
        if self.hours.contains(&delta.hour) {
            delta.each(subjects, |key, delta| {
                let mut one = Cell::default();
                delta.add_to(&mut one);
                self.merge(key, &one, 1);
            });
        }
    }

    /// The stretches that leave and that enter when the board is moved to `hours`, which are as many as before and
    /// not earlier. `None`: nothing of it stays, so it is loaded anew.
    pub fn moves(&self, hours: &Range<Hour>) -> Option<(Range<Hour>, Range<Hour>)> {
        let stays =
            hours.start >= self.hours.start && hours.end >= self.hours.end && hours.start < self.hours.end;
        stays.then_some((self.hours.start..hours.start, self.hours.end..hours.end))
    }

    /// Takes out a stored cell of an hour that leaves.
    pub fn take(&mut self, key: CellKey, cell: &Cell) {
        self.merge(key, cell, -1);
    }

    /// After the cells that leave have been taken and those that enter added.
    pub fn moved_to(&mut self, hours: Range<Hour>) {
        self.hours = hours;
    }

    fn merge(&mut self, key: CellKey, cell: &Cell, sign: i32) {
        let sum = self.cells.entry(key).or_default();
        sum.merge_ranked(cell, sign);
        if sum.calls == 0 && sum.is_empty() {
            self.cells.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::rollup::{CallFacts, Change, Layer};
    use proptest::prelude::*;

    fn delta(sign: i8, hour: Hour, tokens: u32) -> Delta {
        let facts = CallFacts {
            ok: true,
            tokens: Some((tokens, 1)),
            cached: 0,
            cost: Some(i64::from(tokens)),
            estimated: false,
            latency_us: Some(7),
        };
        Delta { sign, hour, composition: 0, model: tokens % 3, change: Change::Call(facts) }
    }

    fn fold(deltas: &[Delta], hours: &Range<Hour>) -> Board {
        let mut board = Board::new(hours.clone());
        for delta in deltas {
            board.apply(delta, &[(5, Layer::Core)]);
        }
        board
    }

    proptest! {
        #[test]
        fn a_moved_board_is_a_fresh_one(
            calls in prop::collection::vec((0i32..40, 1u32..2000), 0..60), late in prop::collection::vec((0i32..40, 1u32..2000), 0..20),
            from in 0i32..20, step in 0i32..30,
        ) {
            let deltas = |calls: &[(i32, u32)]| calls.iter().map(|(h, t)| delta(1, *h, *t)).collect::<Vec<_>>();
            let (mut all, late) = (deltas(&calls), deltas(&late));
            let mut board = fold(&all, &(from..from + 10));
            for delta in &late {
                board.apply(delta, &[(5, Layer::Core)]);
            }
            all.extend(late);
            let to = from + step..from + step + 10;
            let truth = fold(&all, &to);
            if let Some((leaves, enters)) = board.moves(&to) {
                for (key, cell) in fold(&all, &leaves).cells() {
                    board.take(*key, cell);
                }
                for (key, cell) in fold(&all, &enters).cells() {
                    board.add(*key, cell);
                }
                board.moved_to(to.clone());
                prop_assert_eq!(board.cells(), truth.cells());
            } else {
                prop_assert!(step >= 10);
            }
        }
    }
}
