//! What a pane says in place of what it would show: that it is empty, still being read, or could not be; and above what
//! it shows, that this is old.
//!
//! ```text
//!
//!            No proposals wait: all are decided.
//!                t shows the decided ones
//!
//! ```

use ratatui::layout::Rect;

use super::flow::Flow;
use super::panel::centred;
use crate::console::canvas::Canvas;
use crate::console::message::Fault;
use crate::theme::{Glyph, Role};

/// Columns of a line of it, at most.
const WIDTH: u16 = 72;

/// Says `lines` in the middle of a place, the first in the role, the others as what to do next.
pub fn said(canvas: &mut Canvas<'_>, area: Rect, role: Role, lines: &[&str]) {
    let width = WIDTH.min(area.width.saturating_sub(2));
    if width == 0 {
        return;
    }
    let mut flow = Flow::default();
    let mut widest = 0;
    for (i, line) in lines.iter().enumerate() {
        widest = widest.max(canvas.width(line).min(width));
        flow.words(line, if i == 0 { role } else { Role::Muted }, width);
    }
    let place = centred(area, widest, flow.len() as u16);
    for line in 0..place.height {
        flow.draw(canvas, place.x, place.y + line, place.width, usize::from(line));
    }
}

/// Says in the first row of a place that what is below it is old, and why; what is left of the place.
pub fn not_refreshed(canvas: &mut Canvas<'_>, area: Rect, fault: &Fault) -> Rect {
    let row = area.height.min(1);
    if row > 0 {
        let words = format!("{} not refreshed: {}", canvas.glyph(Glyph::Bad), fault.text);
        canvas.put(area.x, area.y, area.width, &words, Role::Bad);
    }
    Rect { y: area.y + row, height: area.height - row, ..area }
}
