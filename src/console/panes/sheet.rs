//! A sheet: lines about one thing, under headings, that scroll together.
//!
//! ```text
//! HOW MUCH WORSE
//! now          ──●────      18% [10%, 28%] of 222      a label, a mark on a scale, words
//! was        ●              6% [5%, 7%] of 1,644
//! since        2026-11-20 08:00 UTC · 26h ago          a label, words
//! ```

use ratatui::layout::Rect;

use crate::console::canvas::{Canvas, width};
use crate::console::hitmap::{ListId, Target};
use crate::console::widgets::bar::{Interval, share};
use crate::console::widgets::scroll;
use crate::theme::{Glyph, Role};

/// Columns below which a mark is left out: its words say the same.
const LEAST_MARK: u16 = 8;
/// Columns of a mark at most.
const MOST_MARK: u16 = 44;

/// Text of one role.
pub(super) type Words = (Role, String);

/// What stands between a label and its words.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mark {
    /// An estimate on a scale.
    Interval(Interval, (f64, f64), Role),
    /// A share of one.
    Share(f64, Role),
    /// A slider: how many notches, the notch that is set, the notch that is chosen.
    Notches(usize, usize, usize),
}

/// A line.
#[derive(Debug, Clone)]
pub(super) enum Line {
    /// Nothing.
    Blank,
    /// What the lines below are about.
    Head(String),
    /// A heading of columns of numbers, right-aligned above them.
    Columns(String, Vec<&'static str>, u16),
    /// Words one after another.
    Text(Vec<Words>),
    /// A label, a mark, words.
    Marked(Words, Mark, Words),
    /// A label, and numbers in columns as wide as the last says.
    Cells(Words, Vec<Words>, u16),
}

/// Lines, and the list that they are.
#[derive(Debug)]
pub(super) struct Sheet {
    id: ListId,
    lines: Vec<Line>,
}

impl Sheet {
    /// With nothing on it.
    pub fn new(id: ListId) -> Sheet {
        Sheet { id, lines: Vec::new() }
    }

    /// Adds a line.
    pub fn push(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// Adds words of one role, broken at blanks where they are longer than so many columns; later lines are indented.
    pub fn words(&mut self, role: Role, words: &str, columns: u16) {
        for (i, line) in broken(words, columns.saturating_sub(2)).into_iter().enumerate() {
            let indent = if i > 0 { "  " } else { "" };
            self.push(Line::Text(vec![(role, format!("{indent}{line}"))]));
        }
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Draws the lines from `offset` on.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, offset: usize) {
        let area = canvas.on_screen(area);
        let view = scroll::viewed(canvas, area, self.id, offset, self.len());
        let inside = Rect { width: area.width.saturating_sub(1), ..area };
        let slots = self.slots(inside.width);
        for (y, line) in (area.y..area.bottom()).zip(self.lines.iter().skip(view.offset)) {
            draw_line(canvas, Rect { y, height: 1, ..inside }, line, slots);
        }
        scroll::bar(canvas, area, view, self.len());
    }

    /// Columns of labels, and of the words after marks: alike on all lines, so that marks stand on one scale.
    fn slots(&self, room: u16) -> (u16, u16) {
        let (mut labels, mut words) = (0, 0);
        for line in &self.lines {
            match line {
                Line::Marked(label, _, after) => {
                    labels = labels.max(width(&label.1));
                    words = words.max(width(&after.1));
                }
                Line::Cells(label, ..) => labels = labels.max(width(&label.1)),
                _ => {}
            }
        }
        (labels.min(room * 2 / 5), words)
    }
}

fn draw_line(canvas: &mut Canvas<'_>, row: Rect, line: &Line, (labels, after): (u16, u16)) {
    match line {
        Line::Blank => {}
        Line::Head(words) => _ = canvas.put(row.x, row.y, row.width, words, Role::Heading),
        Line::Text(words) => {
            let pieces: Vec<(Role, &str)> = words.iter().map(|(role, text)| (*role, text.as_str())).collect();
            canvas.pieces(row.x, row.y, row.width, &pieces);
        }
        Line::Columns(label, titles, wide) => {
            canvas.put(row.x, row.y, row.width, label, Role::Heading);
            let cells = titles.iter().map(|title| (Role::Heading, (*title).to_owned())).collect::<Vec<_>>();
            draw_cells(canvas, row, &cells, *wide, canvas_label(labels, label));
        }
        Line::Cells(label, cells, wide) => {
            canvas.put(row.x, row.y, labels.min(row.width), &label.1, label.0);
            draw_cells(canvas, row, cells, *wide, labels);
        }
        Line::Marked(label, mark, words) => {
            canvas.put(row.x, row.y, labels.min(row.width), &label.1, label.0);
            let from = labels + 2;
            let room = row.width.saturating_sub(from);
            let mark_room = room.saturating_sub(after + 2).min(MOST_MARK);
            let mut at = from;
            if mark_room >= LEAST_MARK {
                draw_mark(canvas, Rect { x: row.x + from, width: mark_room, ..row }, *mark);
                at += mark_room + 2;
            }
            if at < row.width {
                canvas.put(row.x + at, row.y, row.width - at, &words.1, words.0);
            }
        }
    }
}

fn canvas_label(labels: u16, label: &str) -> u16 {
    labels.max(width(label))
}

/// Numbers in columns after the labels; columns that do not fit are left out from the right.
fn draw_cells(canvas: &mut Canvas<'_>, row: Rect, cells: &[Words], wide: u16, labels: u16) {
    let mut x = row.x + labels + 1;
    for (role, text) in cells {
        if x + wide > row.right() {
            return;
        }
        canvas.put_right(x, row.y, wide, text, *role);
        x += wide;
    }
}

fn draw_mark(canvas: &mut Canvas<'_>, place: Rect, mark: Mark) {
    match mark {
        Mark::Interval(interval, scale, role) => interval.draw(canvas, place, scale, role),
        Mark::Share(part, role) => share(canvas, place, part, role),
        Mark::Notches(count, set, chosen) => {
            let (dash, rule, point) =
                (canvas.glyph(Glyph::Dash), canvas.glyph(Glyph::Rule), canvas.glyph(Glyph::Point));
            let last = count.saturating_sub(1).max(1) as u16;
            let at = |notch: usize| notch as u16 * (place.width - 1) / last;
            for x in 0..place.width {
                canvas.put(place.x + x, place.y, 1, dash, Role::Border);
                let nearest = (0..count).min_by_key(|notch| at(*notch).abs_diff(x)).unwrap_or(0);
                let cell = Rect { x: place.x + x, width: 1, ..place };
                canvas.hits.zone(cell, Target::Row(ListId::CostWeight, nearest));
            }
            canvas.put(place.x + at(set), place.y, 1, rule, Role::Muted);
            canvas.put(place.x + at(chosen), place.y, 1, point, Role::Accent);
        }
    }
}

/// A text in lines of at most so many columns, broken at blanks.
pub(super) fn broken(text: &str, columns: u16) -> Vec<String> {
    let columns = columns.max(8);
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_broken_at_blanks() {
        assert_eq!(broken("version 2.1.0 became active", 14), ["version 2.1.0", "became active"]);
        assert!(broken("  ", 14).is_empty());
    }
}
