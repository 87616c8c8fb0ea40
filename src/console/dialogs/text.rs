//! A field for text of more than one line: wrapped at words, its hidden characters shown.
//!
//! ```text
//!   1 Answer in the language of
//!     the question.                 what is written on goes on in the next row, as on paper
//!   2 Never promise a refund.▏
//! ```
//!
//! Writing is ratatui-textarea's; drawing is ours, because text reaches the screen through [`Canvas`] only.

use ratatui::layout::{Position, Rect};
use ratatui_textarea::{Input, Key as Typed, TextArea};
use unicode_segmentation::UnicodeSegmentation as _;

use crate::console::canvas::Canvas;
use crate::console::hitmap::{HitMap, ListId, View};
use crate::console::keymap::{Chord, Key};
use crate::theme::Role;

/// Longest text, in bytes: as long as a prompt's file.
const MOST: usize = crate::domain::prompt_file::MAX_FILE;

/// A text that is being written.
#[derive(Debug)]
pub(super) struct Text {
    area: TextArea<'static>,
    /// The first line that was in view.
    top: usize,
}

impl Text {
    /// Begins with a text, written on at its beginning or its end.
    pub(super) fn of(text: &str, at_end: bool) -> Text {
        let mut area = TextArea::new(text.split('\n').map(ToOwned::to_owned).collect());
        if at_end {
            area.move_cursor(ratatui_textarea::CursorMove::Bottom);
            area.move_cursor(ratatui_textarea::CursorMove::End);
        }
        Text { area, top: 0 }
    }

    /// What is written.
    pub(super) fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Whether it says anything.
    pub(super) fn is_blank(&self) -> bool {
        self.area.lines().iter().all(|line| line.trim().is_empty())
    }

    /// Whether the next line up or down would leave the text.
    pub(super) fn is_at_edge(&self, down: bool) -> bool {
        let row = self.area.cursor().0;
        if down { row + 1 == self.area.lines().len() } else { row == 0 }
    }

    /// Does what a key does in a text.
    pub(super) fn key(&mut self, chord: Chord, hits: &HitMap) {
        let key = match chord.key {
            Key::Char(c) => Typed::Char(c),
            Key::Enter => Typed::Enter,
            Key::Tab => Typed::Tab,
            Key::Backspace => Typed::Backspace,
            Key::Delete => Typed::Delete,
            Key::Up => Typed::Up,
            Key::Down => Typed::Down,
            Key::Left => Typed::Left,
            Key::Right => Typed::Right,
            Key::Home => Typed::Home,
            Key::End => Typed::End,
            Key::PageUp | Key::PageDown => return self.page(chord.key == Key::PageDown, hits),
            Key::Esc | Key::BackTab | Key::F(_) => return,
        };
        self.area.input(Input { key, ctrl: chord.ctrl, alt: chord.alt, shift: false });
        self.follow(hits);
    }

    /// The widget scrolls only what it has drawn itself.
    fn page(&mut self, down: bool, hits: &HitMap) {
        for _ in 1..hits.of(ListId::Dialog).height.max(2) {
            let to = if down { ratatui_textarea::CursorMove::Down } else { ratatui_textarea::CursorMove::Up };
            self.area.move_cursor(to);
        }
        self.follow(hits);
    }

    /// Takes what was pasted, as text.
    pub(super) fn paste(&mut self, text: &str, hits: &HitMap) {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let have: usize = self.area.lines().iter().map(|line| line.len() + 1).sum();
        let room = MOST.saturating_sub(have).min(text.len());
        self.area.insert_str(&text[..text.floor_char_boundary(room)]);
        self.follow(hits);
    }

    fn follow(&mut self, hits: &HitMap) {
        self.top = hits.of(ListId::Dialog).offset.min(self.area.cursor().0);
    }

    /// Draws what fits, the cursor's line in view; with line numbers, or without.
    pub(super) fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, numbers: bool, placeholder: &str) {
        let area = canvas.on_screen(area);
        canvas.fill(area, Role::Input);
        if area.is_empty() {
            return;
        }
        let lines = self.area.lines();
        let digits =
            if numbers && area.width > 24 { (lines.len().ilog10() + 1).max(3) as u16 + 1 } else { 0 };
        let width = area.width - digits;
        if lines.iter().all(String::is_empty) {
            canvas.put(area.x + digits, area.y, width, placeholder, Role::Faint);
        }
        let height = usize::from(area.height);
        let cursor = self.area.cursor();
        let (row, column) = (cursor.0, cursor.1);
        // Each line takes a row at least, so that no earlier one can be in view.
        let first = self.top.min(row).max((row + 1).saturating_sub(height));
        let mut rows: Vec<(usize, &str, bool)> = Vec::new();
        let mut at = (0, 0);
        for (number, line) in lines.iter().enumerate().skip(first) {
            let begin = rows.len();
            let pieces = wrapped(line, width.saturating_sub(1));
            if number == row {
                at = place(canvas, line, &pieces, column);
                at.0 += begin;
            }
            rows.extend(pieces.into_iter().enumerate().map(|(i, piece)| (number, piece, i == 0)));
            if number >= row && rows.len() >= at.0 + height {
                break;
            }
        }
        let skip = (at.0 + 1).saturating_sub(height);
        let shown = rows.get(skip).map_or(first, |(number, ..)| *number);
        canvas.hits.view(ListId::Dialog, View { offset: shown, height });
        for (y, (number, piece, begins)) in (area.y..area.bottom()).zip(rows.into_iter().skip(skip)) {
            if digits > 0 && begins {
                canvas.put_right(area.x, y, digits - 1, &(number + 1).to_string(), Role::LineNumber);
            }
            canvas.put(area.x + digits, y, width, piece, Role::Input);
        }
        if numbers {
            canvas.without_underlines(area);
        }
        let (x, y) = (area.x + digits + at.1.min(width.saturating_sub(1)), area.y + (at.0 - skip) as u16);
        canvas.cursor = Some(Position::new(x, y.min(area.bottom() - 1)));
    }
}

/// The row among `pieces`, and its column, at which the `nth` character of a line stands.
fn place(canvas: &Canvas<'_>, line: &str, pieces: &[&str], nth: usize) -> (usize, u16) {
    let mut left = line.char_indices().nth(nth).map_or(line.len(), |(at, _)| at);
    for (i, piece) in pieces.iter().enumerate() {
        if left < piece.len() || i + 1 == pieces.len() {
            return (i, canvas.width(&piece[..piece.floor_char_boundary(left)]));
        }
        left -= piece.len();
    }
    (0, 0)
}

/// A line in pieces that fit, one at least; together they are the line.
fn wrapped(line: &str, width: u16) -> Vec<&str> {
    let width = width.max(1);
    let (mut pieces, mut begin, mut used) = (Vec::new(), 0, 0u16);
    // After the last blank, and the columns up to there.
    let mut blank: Option<(usize, u16)> = None;
    for (at, grapheme) in line.grapheme_indices(true) {
        let columns = crate::console::canvas::width(&crate::console::canvas::safe(grapheme));
        // A blank may hang over the edge: it is not seen there.
        let room = width.saturating_add(u16::from(grapheme == " "));
        if used.saturating_add(columns) > room && at > begin {
            let (end, before) = blank.unwrap_or((at, used));
            pieces.push(&line[begin..end]);
            (begin, used, blank) = (end, used - before, None);
        }
        used = used.saturating_add(columns);
        if grapheme == " " {
            blank = Some((at + 1, used));
        }
    }
    pieces.push(&line[begin..]);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_break_after_words() {
        assert_eq!(wrapped("never promise a refund", 10), ["never ", "promise a ", "refund"]);
        assert_eq!(wrapped("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrapped("", 3), [""]);
    }

    #[test]
    fn what_is_not_changed_stays_as_it_is() {
        for text in ["", "a", "a\n", "\n\na\r\nb", "  "] {
            assert_eq!(Text::of(text, true).text(), text);
        }
    }

    proptest! {
        #[test]
        fn pieces_are_the_line(line in ".{0,60}", width in 0u16..20) {
            prop_assert_eq!(wrapped(&line, width).concat(), line);
        }
    }
}
