//! The filter of the list below, in the line above the status bar; the list follows every key.
//!
//! ```text
//!  /refund scope:core▏                    words · !word · scope:core · neg>10 · calls>1k
//! ```

use ratatui::layout::Rect;

use super::Popup;
use crate::console::action::Action;
use crate::console::canvas::Canvas;
use crate::console::keymap::{Chord, Key};
use crate::console::out::{Out, Step};
use crate::console::widgets::input::Input;
use crate::theme::{Glyph, Role};

/// How filters are written.
const SYNTAX: [&str; 5] = ["words", "!word", "scope:core", "neg>10", "calls>1k"];
/// Columns that the text has at least.
const LEAST: u16 = 24;

/// The filter of the list below.
#[derive(Debug, Default)]
pub struct FilterBar {
    before: String,
    input: Input,
}

impl FilterBar {
    /// Begins with what the filter is.
    pub fn new(before: String) -> FilterBar {
        FilterBar { input: Input::of(&before), before }
    }

    fn changed(&self, out: &mut Out<'_>) {
        out.step(Step::Filter(self.input.text().to_owned()));
    }
}

impl Popup for FilterBar {
    fn key(&mut self, chord: Chord, _repeat: bool, out: &mut Out<'_>) {
        match chord.key {
            Key::Esc => {
                if self.input.text() != self.before {
                    out.step(Step::Filter(self.before.clone()));
                }
                out.step(Step::Close);
            }
            Key::Enter => out.step(Step::Close),
            Key::Up => out.step(Step::Act(Action::Up)),
            Key::Down => out.step(Step::Act(Action::Down)),
            Key::PageUp => out.step(Step::Act(Action::PageUp)),
            Key::PageDown => out.step(Step::Act(Action::PageDown)),
            _ => {
                let text = self.input.text().to_owned();
                if self.input.key(chord) && self.input.text() != text {
                    self.changed(out);
                }
            }
        }
    }

    fn paste(&mut self, text: &str, out: &mut Out<'_>) {
        self.input.paste(text);
        self.changed(out);
    }

    fn is_bar(&self) -> bool {
        true
    }

    fn hints(&self) -> Vec<(&'static str, &'static str)> {
        vec![("enter", "keep"), ("esc", "as before"), ("ctrl-u", "empty"), ("up/down", "move")]
    }

    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let area = canvas.on_screen(area);
        if area.height < 2 {
            return;
        }
        let line = Rect { y: area.bottom() - 2, height: 1, ..area };
        canvas.fill(line, Role::Input);
        canvas.put(line.x, line.y, line.width, " /", Role::Key);
        let between = format!(" {} ", canvas.glyph(Glyph::Separator));
        let mut syntax = SYNTAX.to_vec();
        let mut said = syntax.join(&between);
        // What does not fit goes, the last first.
        while !syntax.is_empty() && canvas.width(&said) + 4 + LEAST > line.width {
            syntax.pop();
            said = syntax.join(&between);
        }
        let taken = if syntax.is_empty() { 0 } else { canvas.width(&said) + 2 };
        let field = Rect { x: line.x.saturating_add(2), width: line.width.saturating_sub(2 + taken), ..line };
        self.input.draw(canvas, field, "narrow the list", true);
        canvas.put_right(line.x, line.y, line.width.saturating_sub(1), &said, Role::Faint);
    }
}
