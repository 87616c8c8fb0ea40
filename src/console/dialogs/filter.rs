//! The filter of the list below.

use ratatui::layout::Rect;

use super::Popup;
use crate::console::canvas::Canvas;
use crate::console::keymap::Chord;
use crate::console::out::{Out, Step};

/// The filter of the list below.
#[derive(Debug, Default)]
pub struct FilterBar {}

impl Popup for FilterBar {
    fn key(&mut self, _chord: Chord, _repeat: bool, out: &mut Out<'_>) {
        out.step(Step::Close);
    }

    fn hints(&self) -> Vec<(&'static str, &'static str)> {
        vec![]
    }

    fn draw(&self, _canvas: &mut Canvas<'_>, _area: Rect) {}
}

impl FilterBar {
    /// Begins with what the filter is.
    pub fn new(_before: String) -> FilterBar {
        FilterBar::default()
    }
}
