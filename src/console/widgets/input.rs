//! A field for one line of text.
//!
//! ```text
//! score<0.6 own▏          what does not fit scrolls, half a field at a time
//! ```

use ratatui::layout::{Position, Rect};
use unicode_segmentation::UnicodeSegmentation as _;

use crate::console::canvas::Canvas;
use crate::console::keymap::{Chord, Key};
use crate::theme::{Glyph, Role};

/// Longest text, in bytes: what is pasted by mistake is cut.
const MOST: usize = 4096;

/// A field's text, and where it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Input {
    text: String,
    /// A byte offset between two graphemes.
    at: usize,
}

impl Input {
    /// A field with a text, written on at its end.
    pub fn of(text: &str) -> Input {
        let mut input = Input::default();
        input.paste(text);
        input
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Does what a key does in a field; whether it does anything there.
    pub fn key(&mut self, chord: Chord) -> bool {
        if let Some(c) = chord.typed().filter(|c| !c.is_control()) {
            self.insert(c.encode_utf8(&mut [0; 4]));
            return true;
        }
        let Chord { key, ctrl, alt } = chord;
        match (key, ctrl, alt) {
            (Key::Backspace, false, false) | (Key::Char('h'), true, false) => self.remove(self.before()),
            (Key::Delete, false, false) | (Key::Char('d'), true, false) => self.remove(self.after()),
            (Key::Char('w'), true, false) | (Key::Backspace, _, _) => self.remove(self.word_before()),
            (Key::Char('d'), false, true) | (Key::Delete, _, _) => self.remove(self.word_after()),
            (Key::Char('u'), true, false) => self.remove(0),
            (Key::Char('k'), true, false) => self.remove(self.text.len()),
            (Key::Left, false, false) | (Key::Char('b'), true, false) => self.at = self.before(),
            (Key::Right, false, false) | (Key::Char('f'), true, false) => self.at = self.after(),
            (Key::Left, _, _) | (Key::Char('b'), false, true) => self.at = self.word_before(),
            (Key::Right, _, _) | (Key::Char('f'), false, true) => self.at = self.word_after(),
            (Key::Home, ..) | (Key::Char('a'), true, false) => self.at = 0,
            (Key::End, ..) | (Key::Char('e'), true, false) => self.at = self.text.len(),
            _ => return false,
        }
        true
    }

    /// Inserts what was pasted: line breaks and tabs become blanks, other control characters are dropped.
    pub fn paste(&mut self, text: &str) {
        let text = text.replace("\r\n", " ");
        let clean: String = text
            .chars()
            .map(|c| if matches!(c, '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}') { ' ' } else { c })
            .filter(|c| !c.is_control())
            .collect();
        self.insert(&clean);
    }

    fn insert(&mut self, text: &str) {
        let room = MOST.saturating_sub(self.text.len()).min(text.len());
        let end = text.floor_char_boundary(room);
        self.text.insert_str(self.at, &text[..end]);
        self.at += end;
        // What was written may have joined with what follows.
        self.at = self.boundary(self.at);
    }

    /// Removes what is between here and there.
    fn remove(&mut self, there: usize) {
        let (from, to) = (self.at.min(there), self.at.max(there));
        self.text.replace_range(from..to, "");
        self.at = self.boundary(from);
    }

    fn boundaries(&self) -> impl DoubleEndedIterator<Item = usize> + '_ {
        self.text.grapheme_indices(true).map(|(at, _)| at)
    }

    /// The first place at or after `from` that is between two graphemes.
    fn boundary(&self, from: usize) -> usize {
        self.boundaries().find(|at| *at >= from).unwrap_or(self.text.len())
    }

    fn before(&self) -> usize {
        self.boundaries().rev().find(|at| *at < self.at).unwrap_or(0)
    }

    fn after(&self) -> usize {
        self.boundaries().find(|at| *at > self.at).unwrap_or(self.text.len())
    }

    fn word_before(&self) -> usize {
        let text = self.text[..self.at].trim_end();
        text.rfind(char::is_whitespace)
            .map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8))
    }

    fn word_after(&self) -> usize {
        let rest = &self.text[self.at..];
        let blanks = rest.len() - rest.trim_start().len();
        rest[blanks..].find(char::is_whitespace).map_or(self.text.len(), |end| self.at + blanks + end)
    }

    /// Draws the field in the first row of `area`: the text, or `placeholder` if there is none. With the focus the
    /// terminal's cursor stands in it.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, placeholder: &str, focused: bool) {
        let area = Rect { height: area.height.min(1), ..canvas.on_screen(area) };
        if area.is_empty() {
            return;
        }
        canvas.fill(area, Role::Input);
        let before = canvas.width(&self.text[..self.at]);
        // Half a field at a time: a text that moved with every key could not be read. The cursor needs a column.
        let (last, half) = (area.width - 1, (area.width / 2).max(1));
        let hidden =
            if before < area.width { 0 } else { ((before - last).div_ceil(half)).saturating_mul(half) };
        let (mut start, mut cut) = (0, 0);
        for (at, grapheme) in self.text.grapheme_indices(true) {
            if cut >= hidden {
                break;
            }
            (start, cut) = (at + grapheme.len(), cut + canvas.width(grapheme));
        }
        if self.text.is_empty() {
            canvas.put(area.x, area.y, area.width, placeholder, Role::Faint);
        } else {
            canvas.put(area.x, area.y, area.width, &self.text[start..], Role::Input);
        }
        if hidden > 0 {
            let mark = canvas.glyph(Glyph::Ellipsis);
            canvas.put(area.x, area.y, 1, mark, Role::Input);
        }
        if focused {
            canvas.cursor = Some(Position::new(area.x + before.saturating_sub(cut).min(last), area.y));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sketch::drawn;
    use super::*;
    use proptest::prelude::*;

    fn typed(keys: &str) -> Input {
        let mut input = Input::default();
        for key in keys.split_whitespace() {
            assert!(input.key(key.parse().unwrap()), "{key}");
        }
        input
    }

    #[test]
    fn keys_edit() {
        assert_eq!(typed("a b left c").text(), "acb");
        assert_eq!(typed("a b space c d ctrl-w").text(), "ab ");
        assert_eq!(typed("a b space c d alt-backspace e").text(), "ab e");
        assert_eq!(typed("a b c home delete end backspace").text(), "b");
        assert_eq!(typed("a b c left ctrl-u").text(), "c");
        assert_eq!(typed("a b c home right ctrl-k").text(), "a");
        assert!(!Input::default().key("enter".parse().unwrap()));
        assert!(!Input::default().key("ctrl-c".parse().unwrap()));
        let mut input = Input::of("e👩‍👩‍👧");
        input.key("backspace".parse().unwrap());
        assert_eq!(input.text(), "e");
        assert_eq!(Input::of("a\r\nb\tc\u{1b}[2J\u{7f}").text(), "a b c[2J");
    }

    #[test]
    fn looks() {
        let draw = |input: &Input, width| {
            drawn(width, 1, |c, area| {
                input.draw(c, area, "filter", true);
                let at = c.cursor.unwrap();
                c.put(at.x, at.y, 1, "_", Role::Input);
            })
        };
        let (long, mut back) =
            (Input::of("score<0.6 owner:search !draft"), Input::of("score<0.6 owner:search"));
        (0..12).for_each(|_| assert!(back.key("left".parse().unwrap())));
        let all = [draw(&Input::default(), 12), draw(&long, 40), draw(&long, 12), draw(&back, 12)];
        insta::assert_snapshot!(all.join("\n"));
    }

    proptest! {
        #[test]
        fn any_keys_in_any_area(
            keys in prop::collection::vec((0usize..12, any::<char>()), 0..40), text in ".{0,20}", width in 0u16..20,
        ) {
            let mut input = Input::of(&text);
            let named = ["left", "right", "home", "end", "backspace", "delete", "ctrl-w", "ctrl-u", "ctrl-k", "alt-left", "alt-d"];
            for (i, c) in keys {
                let chord = named.get(i).map_or(Chord::plain(Key::Char(c)), |name| name.parse().unwrap());
                input.key(chord);
                prop_assert!(input.text.is_char_boundary(input.at));
                drawn(width, 1, |canvas, area| {
                    input.draw(canvas, area, "", true);
                    assert!(area.is_empty() || canvas.cursor.is_some_and(|at| area.contains(at)));
                });
            }
        }
    }
}
