//! Where a list stands: which row is selected, and which is the first in view. Pure movement; drawing changes nothing.

use crate::console::action::Action;
use crate::console::hitmap::View;

use super::scroll::{WHEEL, held};

/// Rows that are kept in view above and below the selection, where there are some.
const MARGIN: usize = 2;

/// Where a list stands. Its owner keeps the selection by identity when rows come and go; see [`ListState::select`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ListState {
    /// The selected row.
    pub index: usize,
    /// The first row that was in view.
    pub offset: usize,
}

impl ListState {
    /// Does an action, if it moves in a list; whether it does.
    pub fn act(&mut self, action: Action, len: usize, view: View) -> bool {
        let (half, page) = ((view.height / 2).max(1), view.height.saturating_sub(1).max(1));
        match action {
            Action::Down => self.step(1, len, view),
            Action::Up => self.step(-1, len, view),
            Action::HalfDown => self.leap(half as isize, len, view),
            Action::HalfUp => self.leap(-(half as isize), len, view),
            Action::PageDown => self.leap(page as isize, len, view),
            Action::PageUp => self.leap(-(page as isize), len, view),
            Action::Top => self.select(0),
            Action::Bottom => self.select(len.saturating_sub(1)),
            _ => return false,
        }
        self.offset = self.offset_for(view.height, len);
        true
    }

    /// Selects a row; it comes into view when the list is drawn.
    pub fn select(&mut self, index: usize) {
        self.index = index;
    }

    /// Turns the wheel: what is in view moves, and takes the selection along where it would be lost.
    pub fn wheel(&mut self, turns: isize, len: usize, view: View) {
        let offset = view.offset.saturating_add_signed(turns.saturating_mul(WHEEL as isize));
        self.offset = held(offset, view.height, len);
        let margin = margin(view.height);
        // At the ends of the list the margin is the list's end.
        let low = if self.offset == 0 { 0 } else { self.offset + margin };
        let last = len.saturating_sub(1);
        let end = self.offset + view.height.max(1) - 1;
        let high = if end >= last { last } else { end - margin };
        self.index = self.index.max(low).min(high);
    }

    /// The selected row, if the list has rows.
    pub fn selected(&self, len: usize) -> Option<usize> {
        (len > 0).then(|| self.index.min(len - 1))
    }

    /// The first row to be in view where so many rows fit: the selection is in view, and nothing moves without need.
    pub fn offset_for(&self, height: usize, len: usize) -> usize {
        let height = height.max(1);
        let index = self.index.min(len.saturating_sub(1));
        let margin = margin(height);
        let lowest = (index + margin + 1).saturating_sub(height);
        let highest = index.saturating_sub(margin);
        held(self.offset.max(lowest).min(highest), height, len)
    }

    fn step(&mut self, by: isize, len: usize, view: View) {
        self.offset = view.offset;
        self.index =
            self.index.min(len.saturating_sub(1)).saturating_add_signed(by).min(len.saturating_sub(1));
    }

    /// Moves selection and view alike, so that the selection stays where the eye is.
    fn leap(&mut self, by: isize, len: usize, view: View) {
        self.step(by, len, view);
        self.offset = held(view.offset.saturating_add_signed(by), view.height, len);
    }
}

fn margin(height: usize) -> usize {
    MARGIN.min(height.saturating_sub(1) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MOVES: [Action; 8] = [
        Action::Down,
        Action::Up,
        Action::HalfDown,
        Action::HalfUp,
        Action::PageDown,
        Action::PageUp,
        Action::Top,
        Action::Bottom,
    ];

    #[test]
    fn the_view_follows_with_a_margin() {
        let mut list = ListState::default();
        let view = |list: &ListState| View { offset: list.offset_for(10, 100), height: 10 };
        for _ in 0..8 {
            assert!(list.act(Action::Down, 100, view(&list)));
        }
        assert_eq!(list, ListState { index: 8, offset: 1 });
        list.act(Action::PageDown, 100, view(&list));
        assert_eq!(list, ListState { index: 17, offset: 10 });
        list.wheel(-1, 100, view(&list));
        assert_eq!(list, ListState { index: 14, offset: 7 });
        list.act(Action::Bottom, 100, view(&list));
        assert_eq!(list, ListState { index: 99, offset: 90 });
        assert!(!list.act(Action::Open, 100, view(&list)));
        assert_eq!(list.selected(3), Some(2));
        assert_eq!(list.selected(0), None);
    }

    proptest! {
        #[test]
        fn the_selection_is_always_in_view(
            moves in prop::collection::vec((0usize..11, 0usize..60, 0usize..40), 1..60),
        ) {
            let mut list = ListState::default();
            let mut view = View { offset: 0, height: 1 };
            for (what, len, height) in moves {
                // The list and the screen change between any two frames.
                match what {
                    8 => list.wheel(1, len, view),
                    9 => list.wheel(-1, len, view),
                    10 => list.select(len / 2),
                    n => prop_assert!(list.act(MOVES[n], len, view)),
                }
                view = View { offset: list.offset_for(height, len), height };
                prop_assert!(view.offset <= len.saturating_sub(height.max(1)));
                if let Some(index) = list.selected(len) {
                    prop_assert!((view.offset..view.offset + height.max(1)).contains(&index));
                }
            }
        }
    }
}
