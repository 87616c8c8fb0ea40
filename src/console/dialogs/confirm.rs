//! Something that is confirmed.

use ratatui::layout::Rect;

use super::Popup;
use crate::console::canvas::Canvas;
use crate::console::keymap::Chord;
use crate::console::out::{Out, Step};

/// Something that is confirmed.
#[derive(Debug, Default)]
pub struct Confirm {}

impl Popup for Confirm {
    fn key(&mut self, _chord: Chord, _repeat: bool, out: &mut Out<'_>) {
        out.step(Step::Close);
    }

    fn hints(&self) -> Vec<(&'static str, &'static str)> {
        vec![]
    }

    fn draw(&self, _canvas: &mut Canvas<'_>, _area: Rect) {}
}

impl Confirm {
    /// Undoes what was decided last.
    pub fn undo(_what: &str) -> Confirm {
        Confirm::default()
    }
}
