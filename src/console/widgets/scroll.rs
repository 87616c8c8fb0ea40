//! The bar at the right of what scrolls, and where scrolling text stands.
//!
//! Only the thumb is drawn: a track would be one more line next to a frame.

use ratatui::layout::Rect;

use crate::console::action::Action;
use crate::console::canvas::Canvas;
use crate::console::hitmap::{ListId, Target, View};
use crate::theme::{Glyph, Role};

/// Columns that are left for the bar: its own, and a blank before it.
pub const COLUMNS: u16 = 2;
/// Lines that one turn of the wheel moves.
pub const WHEEL: usize = 3;

/// Draws the thumb in the last column of `area`, if there is more than is in view.
pub fn bar(canvas: &mut Canvas<'_>, area: Rect, view: View, len: usize) {
    let height = usize::from(area.height);
    if area.is_empty() || len <= view.height {
        return;
    }
    let size = (height * view.height / len.max(1)).clamp(1, height);
    let hidden = len - view.height;
    let offset = view.offset.min(hidden);
    // Touches the ends only where the text does.
    let at = match offset * (height - size) / hidden.max(1) {
        0 if offset > 0 && height > size + 1 => 1,
        at => at,
    };
    let mark = canvas.glyph(Glyph::Thumb);
    for row in at..at + size {
        canvas.put(area.right() - 1, area.y + row as u16, 1, mark, Role::Border);
    }
}

/// The offset at which a text of so many lines can stand, as near to `offset` as may be.
pub fn held(offset: usize, height: usize, len: usize) -> usize {
    offset.min(len.saturating_sub(height))
}

/// What is in view of a text of so many lines drawn from `offset` on in `area`, which the mouse can then scroll.
pub fn viewed(canvas: &mut Canvas<'_>, area: Rect, list: ListId, offset: usize, len: usize) -> View {
    let height = usize::from(area.height);
    let view = View { offset: held(offset, height, len), height };
    canvas.hits.view(list, view);
    canvas.hits.zone(area, Target::List(list));
    view
}

/// Where a text without a selection stands after an action; nothing where the action does not scroll.
pub fn scrolled(action: Action, len: usize, view: View) -> Option<usize> {
    let (at, page) = (view.offset, view.height.saturating_sub(1).max(1));
    let half = (view.height / 2).max(1);
    let next = match action {
        Action::Down => at.saturating_add(1),
        Action::Up => at.saturating_sub(1),
        Action::HalfDown => at.saturating_add(half),
        Action::HalfUp => at.saturating_sub(half),
        Action::PageDown => at.saturating_add(page),
        Action::PageUp => at.saturating_sub(page),
        Action::Top => 0,
        Action::Bottom => len,
        _ => return None,
    };
    Some(held(next, view.height, len))
}

/// Where a text stands after so many turns of the wheel, down where positive.
pub fn wheeled(turns: isize, len: usize, view: View) -> usize {
    held(view.offset.saturating_add_signed(turns.saturating_mul(WHEEL as isize)), view.height, len)
}

#[cfg(test)]
mod tests {
    use super::super::sketch::drawn;
    use super::*;

    #[test]
    fn the_thumb_is_as_long_as_what_is_in_view() {
        let at =
            |offset| drawn(1, 6, |c, area| bar(c, area, View { offset, height: 6 }, 18)).replace('\n', "/");
        assert_eq!([at(0), at(1), at(12)], ["█/█////", "/█/█///", "////█/█"]);
        assert_eq!(drawn(1, 3, |c, area| bar(c, area, View { offset: 0, height: 3 }, 3)), "\n\n");
    }

    #[test]
    fn a_text_stops_at_its_ends() {
        let view = View { offset: 5, height: 10 };
        assert_eq!(scrolled(Action::PageDown, 20, view), Some(10));
        assert_eq!(scrolled(Action::Top, 20, view), Some(0));
        assert_eq!(scrolled(Action::Open, 20, view), None);
        assert_eq!([wheeled(-2, 20, view), wheeled(1, 20, view), wheeled(9, 4, view)], [0, 8, 0]);
    }
}
