//! A text that is changed in place.

use ratatui::layout::Rect;

use super::Popup;
use crate::console::canvas::Canvas;
use crate::console::keymap::Chord;
use crate::console::out::{Out, Step};
use crate::domain::proposal::ProposalId;

/// A text that is changed in place.
#[derive(Debug, Default)]
pub struct Editor {}

impl Popup for Editor {
    fn key(&mut self, _chord: Chord, _repeat: bool, out: &mut Out<'_>) {
        out.step(Step::Close);
    }

    fn hints(&self) -> Vec<(&'static str, &'static str)> {
        vec![]
    }

    fn draw(&self, _canvas: &mut Canvas<'_>, _area: Rect) {}
}

impl Editor {
    /// Changes the text of this proposal.
    pub fn new(_id: ProposalId, _text: String) -> Editor {
        Editor::default()
    }
}
