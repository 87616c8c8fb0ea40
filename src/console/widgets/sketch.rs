//! For tests: what a widget draws, as text.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::canvas::Canvas;
use crate::console::hitmap::HitMap;
use crate::theme::Look;

/// What is drawn on so many columns and rows, without the blanks at the ends of lines.
pub(super) fn drawn(width: u16, height: u16, draw: impl FnOnce(&mut Canvas<'_>, Rect)) -> String {
    sketched(&Look::default(), width, height, draw).0
}

/// As [`drawn`], with ASCII alone.
pub(super) fn plain(width: u16, height: u16, draw: impl FnOnce(&mut Canvas<'_>, Rect)) -> String {
    let mut look = Look::default();
    look.ascii = true;
    let text = sketched(&look, width, height, draw).0;
    assert!(text.is_ascii(), "{text}");
    text
}

/// As [`drawn`], with the places.
pub(super) fn sketched(
    look: &Look,
    width: u16,
    height: u16,
    draw: impl FnOnce(&mut Canvas<'_>, Rect),
) -> (String, HitMap) {
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    let mut hits = HitMap::default();
    draw(&mut Canvas { buf: &mut buf, look, hits: &mut hits, cursor: None }, area);
    let lines = (0..height).map(|y| {
        let mut line = String::new();
        let mut x = 0;
        while x < width {
            let symbol = buf[(x, y)].symbol();
            line.push_str(symbol);
            x += crate::console::canvas::width(symbol).max(1);
        }
        line.trim_end().to_owned()
    });
    (lines.collect::<Vec<_>>().join("\n"), hits)
}
