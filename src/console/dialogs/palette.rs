//! Actions and prompts by name.

use ratatui::layout::Rect;

use super::{HelpRow, Popup};
use crate::console::canvas::Canvas;
use crate::console::keymap::Chord;
use crate::console::out::{Out, Step};

/// Actions and prompts by name.
#[derive(Debug, Default)]
pub struct Palette {}

impl Popup for Palette {
    fn key(&mut self, _chord: Chord, _repeat: bool, out: &mut Out<'_>) {
        out.step(Step::Close);
    }

    fn hints(&self) -> Vec<(&'static str, &'static str)> {
        vec![]
    }

    fn draw(&self, _canvas: &mut Canvas<'_>, _area: Rect) {}
}

impl Palette {
    /// Over these actions; prompts come as soon as they are known.
    pub fn new(_rows: Vec<HelpRow>) -> Palette {
        Palette::default()
    }
}
