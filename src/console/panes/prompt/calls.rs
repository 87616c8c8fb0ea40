//! The newest calls of a prompt.
//!
//! ```text
//!  at                model            tokens      cost  latency  feedback
//! ▌2026-11-28 07:31  gpt-4o            1,203    $0.006     1.2s  ✓        negative
//! ```

use ratatui::layout::Rect;

use super::super::View;
use super::{PromptPane, Section};
use crate::console::canvas::Canvas;
use crate::console::hitmap::{ListId, Target, View as InView};
use crate::console::moment;
use crate::console::widgets::scroll;
use crate::domain::feedback::Signal;
use crate::engine::number::{NONE, count, duration, usd};
use crate::service::live::CallLine;
use crate::theme::{Glyph, Role};

/// Draws the list.
pub(super) fn draw(shown: &PromptPane, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>) {
    if area.height < 2 {
        return;
    }
    let Some(page) = shown.calls.value() else {
        let (role, text) = match shown.calls.fault() {
            Some(fault) => (Role::Bad, fault.text.to_string()),
            None => (Role::Faint, "reading its calls…".into()),
        };
        canvas.put(area.x, area.y, area.width, &text, role);
        return;
    };
    let columns = Columns::of(area.width);
    let blank = CallLine {
        id: String::new(),
        at: 0,
        model: "model".into(),
        tokens: None,
        cost: None,
        latency: None,
        ok: true,
        signals: vec![],
    };
    columns.draw(canvas, Rect { height: 1, ..area }, &blank, true);
    let body = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let height = usize::from(body.height);
    let in_view = InView { offset: shown.list.offset_for(height, page.lines.len()), height };
    canvas.hits.view(ListId::Calls, in_view);
    canvas.hits.zone(body, Target::List(ListId::Calls));
    for (index, y) in (in_view.offset..page.lines.len()).zip(body.top()..body.bottom()) {
        let row = Rect { y, height: 1, width: body.width - 1, ..body };
        canvas.hits.zone(row, Target::Row(ListId::Calls, index));
        columns.draw(canvas, row, &page.lines[index], false);
        if index == shown.list.index {
            let focused = view.focused && shown.section == Section::Calls;
            canvas.tint(row, if focused { Role::Selection } else { Role::SelectionIdle });
            let mark = canvas.glyph(Glyph::Cursor);
            canvas.put(row.x, row.y, 1, mark, Role::Accent);
        }
    }
    scroll::bar(canvas, body, in_view, page.lines.len());
}

/// Which columns fit.
struct Columns {
    model: u16,
    tokens: bool,
    cost: bool,
    latency: bool,
}

impl Columns {
    fn of(width: u16) -> Columns {
        let rest = width.saturating_sub(2 + 11 + 2 + 2 + 12);
        let (latency, cost, tokens) = (rest >= 22, rest >= 32, rest >= 42);
        let taken = u16::from(latency) * 9 + u16::from(cost) * 10 + u16::from(tokens) * 9;
        Columns { model: rest.saturating_sub(taken).clamp(8, 28), tokens, cost, latency }
    }

    fn draw(&self, canvas: &mut Canvas<'_>, row: Rect, call: &CallLine, head: bool) {
        let role = |role| if head { Role::Heading } else { role };
        let said = |text: String, word: &str| if head { word.to_owned() } else { text };
        let mut x = row.x + 2;
        let mut put = |canvas: &mut Canvas<'_>, width: u16, text: &str, role: Role, right: bool| {
            let room = width.min(row.right().saturating_sub(x));
            if right {
                canvas.put_right(x, row.y, room, text, role);
            } else {
                canvas.put(x, row.y, room, text, role);
            }
            x = x.saturating_add(width + 1).min(row.right());
        };
        put(canvas, 11, &said(moment::short(call.at), "at"), role(Role::Muted), false);
        put(canvas, self.model, &call.model, role(Role::Text), false);
        if self.tokens {
            let text = call.tokens.map_or(NONE.into(), count);
            put(canvas, 8, &said(text, "tokens"), role(Role::Text), true);
        }
        if self.cost {
            put(canvas, 9, &said(usd(call.cost), "cost"), role(Role::Text), true);
        }
        if self.latency {
            put(canvas, 8, &said(duration(call.latency), "latency"), role(Role::Text), true);
        }
        let mark = canvas.glyph(if call.ok { Glyph::Good } else { Glyph::Bad });
        put(canvas, 1, if head { "" } else { mark }, if call.ok { Role::Good } else { Role::Bad }, false);
        let (feedback, text) = match call.signals.last() {
            _ if head => (Role::Heading, "feedback"),
            None if !call.ok => (Role::Bad, "failed"),
            None => (Role::Faint, NONE),
            Some(signal) => (signal_role(*signal), signal.as_str()),
        };
        put(canvas, 12, text, feedback, false);
    }
}

/// How a signal looks.
pub(in crate::console::panes) const fn signal_role(signal: Signal) -> Role {
    match signal {
        Signal::Positive => Role::Good,
        Signal::Negative => Role::Bad,
        Signal::Rephrase => Role::Caution,
        Signal::Correction => Role::Series4,
    }
}
