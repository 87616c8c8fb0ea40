//! Where the parts of the pane stand, at every width.

use ratatui::layout::Rect;

use super::super::View;
use super::{LedgerPane, Part, agent, entries, runs};
use crate::console::action::Action;
use crate::console::canvas::Canvas;
use crate::console::hitmap::ListId;
use crate::console::message::Loaded;
use crate::console::widgets::flow::Flow;
use crate::console::widgets::panel::Panel;
use crate::console::widgets::said::said;
use crate::console::widgets::scroll;
use crate::theme::{Glyph, Role};

/// Columns from which all parts are seen.
const WIDE: u16 = 120;
/// Columns from which the ledger has more of them than the agent.
const ROOMY: u16 = 150;
/// Columns from which what is selected is seen below its list.
const NARROW: u16 = 84;
/// Columns of text at most: longer lines are hard to read.
const TEXT: u16 = 110;

/// Draws the pane.
pub(super) fn draw(pane: &LedgerPane, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>) {
    let area = canvas.on_screen(area);
    if pane.open || view.zoomed || area.width < NARROW || area.height < 12 {
        return part(pane, canvas, area, pane.part, view);
    }
    if area.width < WIDE {
        let below = if pane.part == Part::Agent { 0 } else { area.height * 2 / 5 };
        part(pane, canvas, Rect { height: area.height - below, ..area }, pane.part, view);
        return detail(
            pane,
            canvas,
            Rect { y: area.bottom() - below, height: below, ..area },
            pane.part,
            view,
        );
    }
    // Both have room for a frame.
    let left = if area.width < ROOMY { area.width / 2 } else { area.width * 3 / 5 };
    let right = Rect { x: area.x + left, width: area.width - left, ..area };
    let left = Rect { width: left, ..area };
    let below = area.height * 2 / 5;
    part(pane, canvas, Rect { height: area.height - below, ..left }, Part::Ledger, view);
    let shown = if pane.part == Part::Runs { Part::Runs } else { Part::Ledger };
    detail(pane, canvas, Rect { y: left.bottom() - below, height: below, ..left }, shown, view);
    let runs = (area.height / 3).max(6);
    part(pane, canvas, Rect { height: area.height - runs, ..right }, Part::Agent, view);
    part(pane, canvas, Rect { y: right.bottom() - runs, height: runs, ..right }, Part::Runs, view);
}

/// One part.
fn part(pane: &LedgerPane, canvas: &mut Canvas<'_>, area: Rect, part: Part, view: &View<'_>) {
    let active = pane.part == part && view.focused;
    let open = pane.open && pane.part == part;
    let (title, note) = match part {
        Part::Ledger => ("Ledger", entries::note(pane)),
        Part::Runs => ("Runs", refreshing(&pane.agent)),
        Part::Agent => ("Agent", refreshing(&pane.agent)),
    };
    if open {
        let (title, list, flow) = match part {
            Part::Ledger => {
                (entries::title(pane), ListId::Entry, entries::whole(pane, text_width(area.width)))
            }
            _ => (runs::title(pane), ListId::Run, runs::whole(pane, text_width(area.width))),
        };
        let note = format!("{} back", view.key(Action::Back));
        let inside = Panel { title: &title, note: &note, foot: "", active }.draw(canvas, area);
        return text(canvas, inside, &flow, list, pane.offset);
    }
    let inside = Panel { title, note: &note, foot: "", active }.draw(canvas, area);
    match part {
        Part::Ledger if waits(canvas, inside, (&pane.entries, "Reading the ledger"), view) => {}
        Part::Ledger => entries::draw(pane, canvas, inside, active, view),
        Part::Runs if waits(canvas, inside, (&pane.agent, "Reading the runs"), view) => {}
        Part::Runs => runs::draw(pane, canvas, inside, active, view),
        Part::Agent if waits(canvas, inside, (&pane.agent, "Reading what the agent may do"), view) => {}
        Part::Agent => {
            let flow = agent::whole(pane, canvas, text_width(inside.width + 4), view);
            let offset = if pane.part == Part::Agent { pane.offset } else { 0 };
            text(canvas, inside, &flow, ListId::Evidence, offset);
        }
    }
}

/// What is selected in a part, as much of it as there is room for.
fn detail(pane: &LedgerPane, canvas: &mut Canvas<'_>, area: Rect, part: Part, view: &View<'_>) {
    if area.height < 3 {
        return;
    }
    let width = text_width(area.width);
    let (title, flow) = match part {
        Part::Ledger => (entries::title(pane), entries::whole(pane, width)),
        Part::Runs => (runs::title(pane), runs::whole(pane, width)),
        Part::Agent => return,
    };
    let more = flow.len() + 2 > usize::from(area.height);
    let foot = if more { format!("{}: all of it", view.key(Action::Open)) } else { String::new() };
    let inside = Panel { title: &title, note: "", foot: &foot, active: false }.draw(canvas, area);
    for (y, line) in (inside.y..inside.bottom()).zip(0..flow.len()) {
        flow.draw(canvas, inside.x, y, inside.width, line);
    }
}

/// Text that scrolls.
fn text(canvas: &mut Canvas<'_>, area: Rect, flow: &Flow, list: ListId, offset: usize) {
    let view = scroll::viewed(canvas, area, list, offset, flow.len());
    for (y, line) in (area.y..area.bottom()).zip(view.offset..flow.len()) {
        flow.draw(canvas, area.x, y, area.width.saturating_sub(1), line);
    }
    scroll::bar(canvas, area, view, flow.len());
}

/// Columns of text inside a panel of so many columns; the last one is the bar's.
fn text_width(panel: u16) -> u16 {
    panel.saturating_sub(5).min(TEXT)
}

impl LedgerPane {
    /// Lines of the text that is scrolled: what has the whole pane, or the agent.
    pub(super) fn text_len(&self, height: usize, (width, _): (u16, u16)) -> usize {
        let len = match self.part {
            Part::Ledger => entries::whole(self, text_width(width)).len(),
            Part::Runs => runs::whole(self, text_width(width)).len(),
            // Its column may be narrow; drawing holds the offset.
            Part::Agent => agent::LINES,
        };
        len.max(height)
    }
}

/// Says that something is read for the first time, or could not be; whether it did.
fn waits<T>(
    canvas: &mut Canvas<'_>,
    area: Rect,
    (loaded, what): (&Loaded<T>, &str),
    view: &View<'_>,
) -> bool {
    match (loaded.value(), loaded.fault()) {
        (Some(_), _) => return false,
        (None, Some(fault)) => {
            let mark = canvas.glyph(Glyph::Bad);
            let text = format!("{mark} {}", fault.text);
            said(canvas, area, Role::Bad, &[&text, &format!("{} asks again", view.key(Action::Refresh))]);
        }
        (None, None) => said(canvas, area, Role::Faint, &[what]),
    }
    true
}

/// That newer answers are on their way, or did not come.
fn refreshing<T>(loaded: &Loaded<T>) -> String {
    match (loaded.value(), loaded.fault(), loaded.is_waiting()) {
        (Some(_), _, true) => "refreshing".to_owned(),
        (Some(_), Some(_), _) => "as it was: it cannot be read now".to_owned(),
        _ => String::new(),
    }
}
