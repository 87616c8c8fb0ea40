//! How a difference is looked at, wherever one is shown: how it stands, how much of what did not change is around it,
//! and where one reads.

use crate::console::action::Action;
use crate::console::hitmap::ListId;
use crate::console::out::Out;
use crate::console::query::Layout;
use crate::console::widgets::diff_view::{Laid, Mode};
use crate::console::widgets::scroll;
use crate::engine::diff::{Diff, unified};
use crate::theme::Role;

/// Unchanged lines around each change, and more of them at a key.
const CONTEXTS: [Option<usize>; 3] = [Some(3), Some(12), None];

/// How a difference is looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Difference {
    mode: Mode,
    context: usize,
    invisibles: bool,
    /// The first line in view.
    pub offset: usize,
}

/// A difference of two named texts as a patch, for other programs.
pub(super) fn copied(old: (&str, &str), new: (&str, &str), diff: &Diff) -> String {
    unified(old, new, &diff.clone().folded(3), &|_, text| text.to_owned())
}

/// What a key did to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Did {
    /// Nothing: it is none of its keys.
    Nothing,
    /// Another stretch is in view.
    Moved,
    /// It has to be laid out anew.
    Turned,
}

impl Difference {
    /// Looked at in the same way, from its first line.
    pub fn at_the_top(self) -> Difference {
        Difference { offset: 0, ..self }
    }

    /// How it is to be laid out.
    pub fn layout(&self, width: u16) -> Layout {
        Layout { width, mode: self.mode, context: CONTEXTS[self.context], invisibles: self.invisibles }
    }

    /// Does what a key means, to what is shown of it.
    pub fn act(&mut self, action: Action, laid: Option<&Laid>, out: &mut Out<'_>) -> Did {
        let view = out.ctx.hits.of(ListId::Diff);
        if let Some(offset) = scroll::scrolled(action, laid.map_or(0, Laid::len), view) {
            self.offset = offset;
            return Did::Moved;
        }
        match action {
            Action::NextChange | Action::PreviousChange => {
                self.change(action == Action::NextChange, laid, out);
                return Did::Moved;
            }
            Action::Layout => {
                let side = laid.is_some_and(Laid::is_side_by_side);
                self.mode = if side { Mode::Unified } else { Mode::SideBySide };
            }
            Action::Context => self.context = (self.context + 1) % CONTEXTS.len(),
            Action::Invisibles => self.invisibles = !self.invisibles,
            _ => return Did::Nothing,
        }
        Did::Turned
    }

    fn change(&mut self, forth: bool, laid: Option<&Laid>, out: &mut Out<'_>) {
        let Some(laid) = laid else { return };
        let at = out.ctx.hits.of(ListId::Diff).offset;
        // A line above the change is kept in view.
        let found = if forth { laid.next_change(at + 1) } else { laid.previous_change(at + 1) };
        match found {
            Some(line) => self.offset = line.saturating_sub(1),
            None => out.say(Role::Info, if forth { "No change below" } else { "No change above" }),
        }
    }

    /// The wheel was turned over it.
    pub fn wheel(&mut self, by: isize, laid: Option<&Laid>, out: &Out<'_>) {
        self.offset = scroll::wheeled(by, laid.map_or(0, Laid::len), out.ctx.hits.of(ListId::Diff));
    }

    /// It was laid out anew: where one was reading stays where it was, however wide the lines are now.
    pub fn relaid(&mut self, before: Option<&Laid>, now: &Laid) {
        if let Some(before) = before.filter(|_| self.offset > 0) {
            self.offset = now.line_of(before.place(self.offset));
        }
    }

    /// Which of the changes one is at, in words.
    pub fn foot(&self, laid: &Laid) -> String {
        let changes = laid.changes();
        let at = changes.partition_point(|line| *line <= self.offset + 1).max(1).min(changes.len());
        match changes.len() {
            0 => "the texts are equal".to_owned(),
            n => format!("change {at} of {n}"),
        }
    }
}
