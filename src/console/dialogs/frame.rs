//! What every dialog stands on: a framed place in the middle of the screen, and lines that say how it is left.
//!
//! ```text
//!        ╭─▌title ─────────────── note ─╮
//!        │ inside                       │      never beyond the screen, however small that is
//!        ╰──────────────────────────────╯
//! ```

use ratatui::layout::Rect;

use crate::console::canvas::Canvas;
use crate::console::hitmap::{ListId, Target, View};
use crate::console::widgets::flow::Flow;
use crate::console::widgets::input::Input;
use crate::console::widgets::panel::{Panel, centred};
use crate::console::widgets::scroll;
use crate::theme::Role;

/// Columns that a frame takes beside what is inside.
const SIDES: u16 = 4;

/// Columns inside a dialog that wants so many, on a screen of this size.
pub(super) fn inside(area: Rect, width: u16) -> u16 {
    width.min(area.width.saturating_sub(SIDES + 2))
}

/// Draws a frame around so many columns and rows in the middle of `area`; what is inside.
pub(super) fn frame(canvas: &mut Canvas<'_>, area: Rect, titles: [&str; 2], width: u16, height: u16) -> Rect {
    let [title, note] = titles;
    let area = canvas.on_screen(area);
    // The lines of header and status bar stay to be seen.
    let room = Rect { y: area.y + area.height.min(1), height: area.height.saturating_sub(2), ..area };
    let place = centred(room, inside(area, width).saturating_add(SIDES), height.saturating_add(2));
    canvas.fill(place, Role::Dialog);
    canvas.hits.zone(place, Target::List(ListId::Dialog));
    Panel { title, note, foot: "", active: true }.framed(canvas, place)
}

/// Takes so many rows off the top of `area`: those, and what is below.
pub(super) fn split(area: Rect, rows: u16) -> (Rect, Rect) {
    let rows = rows.min(area.height);
    let below = Rect { y: area.y + rows, height: area.height - rows, ..area };
    (Rect { height: rows, ..area }, below)
}

/// Draws the field that searches the list below it, led by its `sign`; gives the room of that list.
pub(super) fn search(canvas: &mut Canvas<'_>, inside: Rect, sign: &str, input: &Input, asks: &str) -> Rect {
    let (field, rest) = split(inside, 1);
    canvas.put(field.x, field.y, field.width, sign, Role::Key);
    let text = Rect { x: field.x.saturating_add(2), width: field.width.saturating_sub(2), ..field };
    input.draw(canvas, text, asks, true);
    split(rest, 1).1
}

/// Says in the room of a searched list that nothing was found.
pub(super) fn nothing_found(canvas: &mut Canvas<'_>, body: Rect) {
    if !body.is_empty() {
        let says = "Nothing is called that; ctrl-u empties the search";
        canvas.put(body.x, body.y, body.width, says, Role::Muted);
    }
}

/// Draws lines that scroll, with a bar at the right where there are more than fit.
pub(super) fn scrolled(canvas: &mut Canvas<'_>, area: Rect, flow: &Flow, offset: usize) {
    let height = usize::from(area.height);
    let view = View { offset: scroll::held(offset, height, flow.len()), height };
    canvas.hits.view(ListId::Dialog, view);
    for (y, line) in (area.y..area.bottom()).zip(view.offset..flow.len()) {
        flow.draw(canvas, area.x, y, area.width.saturating_sub(1), line);
    }
    scroll::bar(canvas, area, view, flow.len());
}
