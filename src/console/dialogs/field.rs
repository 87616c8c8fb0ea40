//! One line of text: a window of time that no key names.
//!
//! ```text
//! ╭─▌Window of time ──────────────────────╮
//! │ 2026-11-01..2026-11-08▏               │
//! │ 2026-11-01 to 2026-11-08              │   what it means, or what is wrong with it, as one types
//! ╰───────────────────────────────────────╯
//! ```

use ratatui::layout::Rect;

use super::Popup;
use super::frame::{frame, inside, split};
use crate::console::canvas::Canvas;
use crate::console::keymap::{Chord, Key};
use crate::console::out::{Out, Step};
use crate::console::widgets::flow::Flow;
use crate::console::widgets::input::Input;
use crate::domain::window::WindowSpec;
use crate::theme::{Glyph, Role};

/// Columns inside.
const WIDTH: u16 = 56;
/// Rows for what it means.
const SAID: u16 = 4;

/// One line of text.
#[derive(Debug, Default)]
pub struct Field {
    input: Input,
}

impl Field {
    /// Asks for a window of time; begins with the one that is on, where that has ends.
    pub fn window(now: &str) -> Field {
        // A length is written anew sooner than changed; a stretch is changed at one of its ends.
        Field { input: if now.contains("..") { Input::of(now) } else { Input::default() } }
    }

    fn read(&self) -> Result<WindowSpec, String> {
        self.input
            .text()
            .trim()
            .parse()
            .map_err(|error: crate::domain::window::WindowError| error.to_string())
    }
}

impl Popup for Field {
    fn writes(&self) -> bool {
        true
    }

    fn key(&mut self, chord: Chord, repeat: bool, out: &mut Out<'_>) {
        match chord.key {
            Key::Esc => out.step(Step::Close),
            Key::Enter if !repeat => {
                if let Ok(window) = self.read() {
                    out.step(Step::Close);
                    out.step(Step::Window(window));
                }
            }
            _ => _ = self.input.key(chord),
        }
    }

    fn paste(&mut self, text: &str, _out: &mut Out<'_>) {
        self.input.paste(text);
    }

    fn hints(&self) -> Vec<(&'static str, &'static str)> {
        vec![("enter", "look at it"), ("ctrl-u", "empty"), ("esc", "cancel")]
    }

    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let width = inside(area, WIDTH);
        let mut said = Flow::default();
        let (glyph, role) = match (self.input.is_empty(), self.read()) {
            (true, _) => {
                said.words(
                    "such as 6h, 30d, or 2026-11-01..2026-11-08",
                    Role::Muted,
                    width.saturating_sub(2),
                );
                (Glyph::Bullet, Role::Muted)
            }
            (false, Ok(window)) => {
                said.words(&window.words(), Role::Text, width.saturating_sub(2));
                (Glyph::Good, Role::Good)
            }
            (false, Err(why)) => {
                said.words(&why, Role::Text, width.saturating_sub(2));
                (Glyph::Bad, Role::Bad)
            }
        };
        let inside = frame(canvas, area, ["Window of time", ""], WIDTH, 2 + SAID);
        let (field, rest) = split(inside, 1);
        self.input.draw(canvas, field, "6h, 30d, 2026-11-01..2026-11-08", true);
        let (_, rest) = split(rest, 1);
        if !rest.is_empty() {
            let mark = canvas.glyph(glyph);
            canvas.put(rest.x, rest.y, rest.width, mark, role);
        }
        for (i, y) in (rest.y..rest.bottom()).enumerate() {
            said.draw(canvas, rest.x.saturating_add(2), y, rest.width.saturating_sub(2), i);
        }
    }
}
