//! What an empty store shows: what this is, how to feed it, and the key that fills it with a demo.
//!
//! ```text
//!                    human
//!        Prompts that learn from their use.
//!
//!    human ingest FILE…             telemetry of your agents
//!    human prompts publish DIR      your prompts
//!                    d   open a demo world instead
//! ```

use ratatui::layout::Rect;

use crate::console::canvas::Canvas;
use crate::console::widgets::panel::centred;
use crate::service::live::Pulse;
use crate::theme::Role;

/// Ways to feed a store.
const WAYS: [(&str, &str); 3] = [
    ("human ingest FILE…", "calls and feedback: OTLP JSON or event lines"),
    ("human prompts publish DIR", "the prompts, so that they can be refined"),
    ("human --help", "everything else"),
];

/// Draws it in the middle of `area`; `demo` is the key that loads the demo, where that is allowed.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, pulse: &Pulse, demo: Option<&str>) {
    let demo = demo.filter(|_| pulse.writable);
    let side_by_side = area.width >= 84;
    let ways = if side_by_side { 3 } else { 6 };
    let inner = centred(area, if side_by_side { 78 } else { 54 }, 9 + ways);
    let mut rows = inner.rows();
    let centre = |canvas: &mut Canvas<'_>, row: Option<Rect>, text: &str, role: Role| {
        if let Some(row) = row {
            canvas.put_centred(row.x, row.y, row.width, text, role);
        }
    };
    centre(canvas, rows.next(), "h u m a n", Role::Accent);
    centre(canvas, rows.next(), "Prompts that learn from their use, decided by people.", Role::Muted);
    rows.next();
    centre(canvas, rows.next(), "Nothing is in this store yet. Feed it from a shell:", Role::Text);
    rows.next();
    for (command, what) in WAYS {
        let Some(row) = rows.next() else { return };
        canvas.put(row.x, row.y, row.width, command, Role::Code);
        if side_by_side {
            canvas.put(row.x + 28, row.y, row.width - 28, what, Role::Muted);
        } else if let Some(row) = rows.next() {
            canvas.put(row.x + 2.min(row.width), row.y, row.width.saturating_sub(2), what, Role::Muted);
        }
    }
    rows.next();
    match (demo, rows.next()) {
        (Some(key), Some(row)) => {
            let words = "open a demo world instead";
            let x = row.x + row.width.saturating_sub(canvas.width(key) + 2 + words.len() as u16) / 2;
            canvas.pieces(
                x,
                row.y,
                row.right().saturating_sub(x),
                &[(Role::Key, key), (Role::Text, "  "), (Role::Hint, words)],
            );
        }
        (_, row) => centre(canvas, row, "The store can only be read here.", Role::Muted),
    }
    rows.next();
    centre(canvas, rows.next(), &pulse.store, Role::Faint);
}
