//! One of a list.

use ratatui::layout::Rect;

use super::Popup;
use crate::console::canvas::Canvas;
use crate::console::keymap::Chord;
use crate::console::out::{Out, Step};

/// One of a list.
#[derive(Debug, Default)]
pub struct Choose {}

impl Popup for Choose {
    fn key(&mut self, _chord: Chord, _repeat: bool, out: &mut Out<'_>) {
        out.step(Step::Close);
    }

    fn hints(&self) -> Vec<(&'static str, &'static str)> {
        vec![]
    }

    fn draw(&self, _canvas: &mut Canvas<'_>, _area: Rect) {}
}

impl Choose {
    /// Chooses a theme; each is shown as it is selected, and Esc goes back to the one before.
    pub fn theme(_themes: &[String], _now: &str) -> Choose {
        Choose::default()
    }
}

impl Choose {
    /// Chooses one of these; what it does is the row's step.
    pub fn list(_title: String, _rows: Vec<(String, Step)>, _selected: usize) -> Choose {
        Choose::default()
    }
}
