//! One call.

use ratatui::layout::Rect;

use super::{Pane, View};
use crate::console::action::{Action, Where};
use crate::console::canvas::Canvas;
use crate::console::message::{Fault, Ticket};
use crate::console::out::Out;
use crate::console::query::Reply;

/// One call.
#[derive(Debug, Default)]
pub struct CallPane {}

impl Pane for CallPane {
    fn places(&self) -> &'static [Where] {
        &[Where::Prompt, Where::List]
    }

    fn hints(&self) -> &'static [Action] {
        &[]
    }

    fn shown(&mut self, _out: &mut Out<'_>) {}

    fn act(&mut self, _action: Action, _out: &mut Out<'_>) -> bool {
        false
    }

    fn reply(&mut self, _ticket: Ticket, _answer: &Result<Reply, Fault>, _out: &mut Out<'_>) {}

    fn crumb(&self) -> String {
        String::new()
    }

    fn draw(&self, _canvas: &mut Canvas<'_>, _area: Rect, _view: &View<'_>) {}
}

impl CallPane {
    /// The call with this id.
    pub fn new(_id: String) -> CallPane {
        CallPane::default()
    }
}
