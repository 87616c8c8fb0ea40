//! A framed region, and what dialogs stand on.
//!
//! ```text
//! ╭─ title ───────────────────── note ─╮      ─── title ──────────── note ───
//! │ inside                             │      inside
//! ╰───────────────────────────── foot ─╯
//! ```
//!
//! On the right, where there is little room: only a rule. The title of the panel that has the focus begins with a mark.

use ratatui::layout::Rect;

use crate::console::canvas::Canvas;
use crate::theme::{Glyph, Role};

/// Columns below which a panel has only a rule.
pub const NARROW: u16 = 60;

/// A framed region.
#[derive(Debug, Clone, Copy, Default)]
pub struct Panel<'t> {
    /// Its title, at the left of the upper edge.
    pub title: &'t str,
    /// A note, at the right of it.
    pub note: &'t str,
    /// A note at the right of the lower edge.
    pub foot: &'t str,
    /// Whether it has the focus.
    pub active: bool,
}

impl Panel<'_> {
    /// Draws the frame, or the rule where `area` is narrow; what is inside, with a blank beside the frame.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) -> Rect {
        if area.width < NARROW || area.height < 3 {
            self.ruled(canvas, area)
        } else {
            self.framed(canvas, area)
        }
    }

    /// Draws the frame, however narrow: for dialogs.
    pub fn framed(&self, canvas: &mut Canvas<'_>, area: Rect) -> Rect {
        let area = canvas.on_screen(area);
        if area.width < 4 || area.height < 2 {
            return Rect { height: 0, ..area };
        }
        let (role, [top_left, top_right, bottom_left, bottom_right]) =
            (self.border(), corners(canvas.look.ascii));
        let (right, bottom) = (area.right() - 1, area.bottom() - 1);
        for y in [area.y, bottom] {
            line(canvas, Rect { y, height: 1, ..area }, role);
        }
        let side = canvas.glyph(Glyph::Rule);
        for y in area.y + 1..bottom {
            canvas.put(area.x, y, 1, side, role);
            canvas.put(right, y, 1, side, role);
        }
        let ends = [(area.x, area.y, top_left), (right, area.y, top_right)];
        for (x, y, corner) in
            ends.into_iter().chain([(area.x, bottom, bottom_left), (right, bottom, bottom_right)])
        {
            canvas.put(x, y, 1, corner, role);
        }
        let edge = Rect { x: area.x + 2, width: area.width - 4, ..area };
        self.head(canvas, edge);
        note(canvas, Rect { y: bottom, height: 1, ..edge }, self.foot);
        Rect { x: area.x + 2, y: area.y + 1, width: area.width - 4, height: area.height - 2 }
    }

    fn ruled(&self, canvas: &mut Canvas<'_>, area: Rect) -> Rect {
        let area = canvas.on_screen(area);
        if area.is_empty() {
            return area;
        }
        line(canvas, Rect { height: 1, ..area }, self.border());
        let edge = Rect { x: area.x + area.width.min(2), width: area.width.saturating_sub(4), ..area };
        self.head(canvas, edge);
        Rect { y: area.y + 1, height: area.height - 1, ..area }
    }

    fn border(&self) -> Role {
        if self.active { Role::BorderActive } else { Role::Border }
    }

    /// Title and note in an edge; the title goes first where not both fit.
    fn head(&self, canvas: &mut Canvas<'_>, edge: Rect) {
        if self.title.is_empty() {
            return note(canvas, edge, self.note);
        }
        let before = if self.active { canvas.glyph(Glyph::Cursor) } else { " " };
        let role = if self.active { Role::Title } else { Role::Muted };
        let mut used = canvas.put(edge.x, edge.y, edge.width, before, self.border());
        used += canvas.put(edge.x + used, edge.y, edge.width.saturating_sub(used + 1), self.title, role);
        used += canvas.put(edge.x + used, edge.y, edge.width - used, " ", role);
        if canvas.width(self.note) + 4 + used <= edge.width {
            note(canvas, edge, self.note);
        }
    }
}

/// A note at the right of an edge.
fn note(canvas: &mut Canvas<'_>, edge: Rect, words: &str) {
    let width = (canvas.width(words) + 2).min(edge.width);
    if words.is_empty() || width < 4 {
        return;
    }
    let x = edge.right() - width;
    canvas.put(x, edge.y, 1, " ", Role::Muted);
    canvas.put(x + 1, edge.y, width - 2, words, Role::Muted);
    canvas.put(edge.right() - 1, edge.y, 1, " ", Role::Muted);
}

/// The corners of a frame: upper left, upper right, lower left, lower right.
pub const fn corners(ascii: bool) -> [&'static str; 4] {
    if ascii { ["+", "+", "+", "+"] } else { ["╭", "╮", "╰", "╯"] }
}

fn line(canvas: &mut Canvas<'_>, area: Rect, role: Role) {
    let dash = canvas.glyph(Glyph::Dash);
    for x in area.left()..area.right() {
        canvas.put(x, area.y, 1, dash, role);
    }
}

/// Columns inside a panel that is drawn so wide: without a frame where there is no room for one.
pub const fn inner(width: u16) -> u16 {
    if width < NARROW { width } else { width.saturating_sub(4) }
}

/// A rule across the first row of `area`, with words in it if there are any; what is below it.
pub fn rule(canvas: &mut Canvas<'_>, area: Rect, words: &str) -> Rect {
    Panel { title: words, ..Panel::default() }.ruled(canvas, area)
}

/// A place of so many columns and rows in the middle of `area`, and never beyond it.
pub fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

/// Sets what was drawn back: a dialog comes over it, and no place of it means anything.
pub fn backdrop(canvas: &mut Canvas<'_>, area: Rect) {
    canvas.tint(area, Role::Backdrop);
    canvas.hits.cover();
}

#[cfg(test)]
mod tests {
    use super::super::sketch::{drawn, plain};
    use super::*;
    use proptest::prelude::*;

    const PANEL: Panel<'_> = Panel { title: "Prompts", note: "12 of 40", foot: "30d", active: true };

    #[test]
    fn looks() {
        let draw = |c: &mut Canvas<'_>, area| {
            let inside = PANEL.draw(c, area);
            c.put(inside.x, inside.y, inside.width, "inside", Role::Text);
        };
        let idle = |c: &mut Canvas<'_>, area| {
            Panel { active: false, ..PANEL }.framed(c, area);
        };
        let below = |c: &mut Canvas<'_>, area| {
            rule(c, area, "");
        };
        let all = [
            drawn(64, 4, draw),
            drawn(40, 3, draw),
            drawn(18, 3, idle),
            plain(64, 3, draw),
            drawn(20, 1, below),
        ];
        insta::assert_snapshot!(all.join("\n\n"));
    }

    proptest! {
        #[test]
        fn any_area(width in 0u16..80, height in 0u16..8, title in ".{0,12}", wide in 0u16..200, high in 0u16..200) {
            drawn(width, height, |c, area| {
                let panel = Panel { title: &title, note: &title, foot: &title, active: true };
                for inside in [panel.draw(c, area), panel.framed(c, area), rule(c, area, &title)] {
                    assert_eq!(inside.intersection(area), inside);
                }
                panel.framed(c, Rect::new(70, 3, wide, high));
                assert_eq!(centred(area, wide, high).intersection(area), centred(area, wide, high));
                backdrop(c, area);
            });
        }
    }
}
