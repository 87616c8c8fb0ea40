//! One line of text.

use ratatui::layout::Rect;

use super::Popup;
use crate::console::canvas::Canvas;
use crate::console::keymap::Chord;
use crate::console::out::{Out, Step};

/// One line of text.
#[derive(Debug, Default)]
pub struct Field {}

impl Popup for Field {
    fn key(&mut self, _chord: Chord, _repeat: bool, out: &mut Out<'_>) {
        out.step(Step::Close);
    }

    fn hints(&self) -> Vec<(&'static str, &'static str)> {
        vec![]
    }

    fn draw(&self, _canvas: &mut Canvas<'_>, _area: Rect) {}
}

impl Field {
    /// Asks for a window of time.
    pub fn window(_now: &str) -> Field {
        Field::default()
    }
}
