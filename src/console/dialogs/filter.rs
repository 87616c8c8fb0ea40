//! The filter of the list below, in the line above the status bar; the list follows every key.
//!
//! ```text
//!  /refund scope:core▏                    words · !word · scope:core · neg>10 · calls>1k
//!  /neg>>10 refund▏                       ✗ `neg>>10`: `>10` is not a number
//! ```
//!
//! How it is written is the list's to say; what is wrong with a term is said when the term is finished.

use ratatui::layout::Rect;

use super::Popup;
use crate::console::action::Action;
use crate::console::canvas::Canvas;
use crate::console::keymap::{Chord, Key};
use crate::console::out::{Out, Step};
use crate::console::widgets::input::Input;
use crate::theme::{Glyph, Role};

/// Columns that the text has at least.
const LEAST: u16 = 24;

/// The filter of the list below.
#[derive(Debug, Default)]
pub struct FilterBar {
    before: String,
    input: Input,
    syntax: &'static [&'static str],
}

impl FilterBar {
    /// Begins with what the filter is; `syntax` is how the list below has it written.
    pub fn new(before: String, syntax: &'static [&'static str]) -> FilterBar {
        FilterBar { input: Input::of(&before), before, syntax }
    }

    /// Whether a fault is to be said now: it is of a term that is finished.
    pub(super) fn is_due(&self, fault: &str) -> bool {
        let text = self.input.text();
        let mut terms: Vec<&str> = text.split_whitespace().collect();
        if !text.ends_with(char::is_whitespace) {
            terms.pop();
        }
        terms.iter().any(|term| fault.starts_with(&format!("`{}`", term.escape_debug())))
    }

    fn changed(&self, out: &mut Out<'_>) {
        out.step(Step::Filter(self.input.text().to_owned()));
    }
}

impl Popup for FilterBar {
    fn writes(&self) -> bool {
        true
    }

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
        self.draw_with(canvas, area, None);
    }
}

impl FilterBar {
    /// Draws it, with what the list says is wrong with the filter.
    pub fn draw_with(&self, canvas: &mut Canvas<'_>, area: Rect, fault: Option<&str>) {
        let area = canvas.on_screen(area);
        if area.height < 2 {
            return;
        }
        let line = Rect { y: area.bottom() - 2, height: 1, ..area };
        canvas.fill(line, Role::Input);
        canvas.put(line.x, line.y, line.width, " /", Role::Key);
        let between = format!(" {} ", canvas.glyph(Glyph::Separator));
        if let Some(fault) = fault.filter(|fault| self.is_due(fault)) {
            let said = format!("{} {fault}", canvas.glyph(Glyph::Bad));
            let taken = (canvas.width(&said) + 2).min(line.width.saturating_sub(LEAST));
            let field =
                Rect { x: line.x.saturating_add(2), width: line.width.saturating_sub(2 + taken), ..line };
            self.input.draw(canvas, field, "", true);
            canvas.put(line.right() - taken, line.y, taken.saturating_sub(1), &said, Role::Bad);
            return;
        }
        let mut syntax = self.syntax.to_vec();
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
