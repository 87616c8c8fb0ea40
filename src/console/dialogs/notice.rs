//! Something that is said at length.

use ratatui::layout::Rect;

use super::Popup;
use crate::console::canvas::Canvas;
use crate::console::keymap::Chord;
use crate::console::message::Fault;
use crate::console::out::{Out, Step};
use crate::console::toasts::Toasts;
use crate::theme::Role;

/// Something that is said at length.
#[derive(Debug, Default)]
pub struct Notice {}

impl Popup for Notice {
    fn key(&mut self, _chord: Chord, _repeat: bool, out: &mut Out<'_>) {
        out.step(Step::Close);
    }

    fn hints(&self) -> Vec<(&'static str, &'static str)> {
        vec![]
    }

    fn draw(&self, _canvas: &mut Canvas<'_>, _area: Rect) {}
}

impl Notice {
    /// What was said in this session.
    pub fn log(_toasts: &Toasts) -> Notice {
        Notice::default()
    }

    /// A failure.
    pub fn fault(_fault: &Fault) -> Notice {
        Notice::default()
    }

    /// The rules do not allow it.
    pub fn denied(_fault: &Fault) -> Notice {
        Notice::default()
    }

    /// What was looked at has changed.
    pub fn changed(_fault: &Fault) -> Notice {
        Notice::default()
    }

    /// The key is locked; a key unlocks it.
    pub fn locked(_fault: &Fault) -> Notice {
        Notice::default()
    }

    /// Some of many could not be done.
    pub fn refused(_refused: &[(String, String)]) -> Notice {
        Notice::default()
    }
}

impl Notice {
    /// Says this.
    pub fn new(_title: String, _lines: Vec<(Role, String)>) -> Notice {
        Notice::default()
    }
}
