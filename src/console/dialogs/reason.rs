//! Words that are needed.

use ratatui::layout::Rect;

use super::Popup;
use crate::console::canvas::Canvas;
use crate::console::keymap::Chord;
use crate::console::out::{Out, Step, Then};

/// Words that are needed.
#[derive(Debug, Default)]
pub struct Reason {}

impl Popup for Reason {
    fn key(&mut self, _chord: Chord, _repeat: bool, out: &mut Out<'_>) {
        out.step(Step::Close);
    }

    fn hints(&self) -> Vec<(&'static str, &'static str)> {
        vec![]
    }

    fn draw(&self, _canvas: &mut Canvas<'_>, _area: Rect) {}
}

impl Reason {
    /// Asks for words for this.
    pub fn new(_title: String, _lines: Vec<String>, _recent: Vec<String>, _then: Then) -> Reason {
        Reason::default()
    }
}
