//! Toasts: what was said just now, at the lower right.
//!
//! ```text
//!                      ╭──────────────────────────╮
//!                      │ ✓ Accepted as 1.4.0      │
//!                      │   u undoes it            │
//!                      ╰──────────────────────────╯
//! ```

use ratatui::layout::Rect;

use super::flow::Flow;
use super::panel::Panel;
use crate::console::canvas::Canvas;
use crate::theme::{Glyph, Role};

/// Columns of a toast, at most.
const WIDEST: u16 = 60;
/// Lines of a toast; the whole is in the log.
const TALLEST: u16 = 4;

/// Something that was said.
#[derive(Debug, Clone, Copy)]
pub struct Toast<'t> {
    /// The words.
    pub words: &'t str,
    /// How it is meant.
    pub role: Role,
}

impl Toast<'_> {
    /// Whether something failed, or should be looked at.
    fn is_bad(&self) -> bool {
        matches!(self.role, Role::Bad | Role::Page)
    }
}

/// Draws toasts above one another in the lower right of `area`, the newest, which is the last, lowest; older ones that
/// have no room are left out.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, toasts: &[Toast<'_>]) {
    let area = canvas.on_screen(area);
    let mut bottom = area.bottom();
    for toast in toasts.iter().rev() {
        let widest = WIDEST.min(area.width);
        // Frame and blanks take four, the mark two.
        let room = widest.saturating_sub(6);
        if room < 8 {
            return;
        }
        let longest = toast.words.lines().map(|line| canvas.width(line)).max().unwrap_or(0);
        let text = longest.min(room);
        let mut flow = Flow::default();
        let role = if toast.is_bad() { Role::ToastBad } else { Role::Toast };
        for line in toast.words.lines() {
            flow.words(line, role, text);
        }
        let lines = flow.rows().clamp(1, TALLEST);
        if area.y + lines + 2 > bottom {
            return;
        }
        let place =
            Rect { x: area.right() - text - 6, y: bottom - lines - 2, width: text + 6, height: lines + 2 };
        canvas.fill(place, role);
        let inside = Panel::default().framed(canvas, place);
        let mark = canvas.glyph(toast.role.mark());
        canvas.put(inside.x, inside.y, inside.width, mark, role);
        for line in 0..lines {
            flow.draw(canvas, inside.x + 2, inside.y + line, inside.width - 2, line.into());
        }
        if flow.len() > usize::from(lines) {
            let more = canvas.glyph(Glyph::Ellipsis);
            canvas.put(inside.right() - 1, inside.bottom() - 1, 1, more, role);
        }
        bottom = place.y;
    }
}

#[cfg(test)]
mod tests {
    use super::super::sketch::{drawn, plain};
    use super::*;
    use proptest::prelude::*;

    const TOASTS: [Toast<'static>; 2] = [
        Toast { words: "Accepted as 1.4.0\nu undoes it", role: Role::Good },
        Toast {
            words: "The store is locked by another process; wait until it is done, or end it. K shows which.",
            role: Role::Bad,
        },
    ];

    #[test]
    fn looks() {
        let say = |c: &mut Canvas<'_>, area| draw(c, area, &TOASTS);
        insta::assert_snapshot!([drawn(80, 9, say), drawn(32, 11, say), plain(60, 4, say)].join("\n\n"));
    }

    proptest! {
        #[test]
        fn any_area(width in 0u16..90, height in 0u16..12, words in "(?s).{0,80}") {
            drawn(width, height, |c, area| draw(c, area, &[TOASTS[0], Toast { words: &words, role: Role::Bad }]));
        }
    }
}
