//! The panes: what fills the screen between the header and the status bar.
//!
//! A pane is a plain struct that asks, keeps what it was told, and draws it. To add one: a file here, a variant of
//! [`Page`] or a [`Tab`](super::tab::Tab), and its rows in the table of actions.

use ratatui::layout::Rect;

use super::action::{Action, Where};
use super::canvas::Canvas;
use super::hitmap::{ListId, Target};
use super::keymap::Keymap;
use super::message::{Fault, Ticket};
use super::out::{Open, Out, Place, Step};
use super::query::{Receipt, Reply};
use crate::domain::call::Millis;
use crate::domain::window::WindowSpec;
use crate::service::live::Pulse;

mod affinity;
mod board;
mod call;
mod compare;
mod difference;
mod ledger;
mod prompt;
mod proposals;
mod review;
mod sheet;
#[cfg(test)]
pub mod synthetic;
mod watch;
mod words;

pub use affinity::AffinityPane;
pub use board::Leaderboard;
pub use call::CallPane;
pub use compare::ComparePane;
pub use ledger::LedgerPane;
pub use prompt::PromptPane;
pub use proposals::Proposals;
pub use review::Review;
pub use watch::WatchPane;

/// What lies over the root of a tab.
#[derive(Debug)]
pub enum Page {
    /// The page of one prompt.
    Prompt(Box<PromptPane>),
    /// The review of one proposal.
    Review(Box<Review>),
    /// One call.
    Call(Box<CallPane>),
    /// What a version of a prompt changed.
    Compare(Box<ComparePane>),
}

impl Page {
    /// The page of a place.
    pub fn of(place: Place) -> Page {
        match place {
            Place::Prompt(uri) => Page::Prompt(Box::new(PromptPane::new(uri))),
            Place::Review(id, queue) => Page::Review(Box::new(Review::new(id, queue))),
            Place::Call(id) => Page::Call(Box::new(CallPane::new(id))),
            Place::Compare(versions) => Page::Compare(Box::new(ComparePane::new(versions))),
        }
    }

    /// What asks before an action drops a text that was written here and not taken; nothing where there is none.
    pub fn asks(&self, action: Action) -> Option<Open> {
        if let Page::Review(review) = self { review.asks(action) } else { None }
    }

    /// Drops it.
    pub fn drop_unsent(&mut self) {
        if let Page::Review(review) = self {
            review.drop_unsent();
        }
    }
}

/// What a pane is told when it draws.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Whether it has the focus: no dialog lies over it.
    pub focused: bool,
    /// Wall clock of the last message, ms.
    pub now: Millis,
    /// The state of the store, once it is known.
    pub pulse: Option<&'a Pulse>,
    /// The window of time that what is shown belongs to, in words.
    pub window: &'a str,
    /// Whether the part of it that has the focus is shown alone.
    pub zoomed: bool,
    /// When the agent runs next, ms, where it runs from here.
    pub next_run: Option<Millis>,
    /// Which keys do what.
    pub keymap: &'a Keymap,
}

impl View<'_> {
    /// The key of an action, as words name it; what the palette calls it where it has none.
    pub fn key(&self, action: Action) -> String {
        key(self.keymap, action)
    }
}

/// The key of an action, as words name it; what the palette calls it where it has none.
pub fn key(keymap: &Keymap, action: Action) -> String {
    keymap.key(action).unwrap_or_else(|| format!("`{}`", action.row().name))
}

/// Asks which order a list is to have; to choose the one that it has turns it round.
fn choose_order(orders: &[&str], now: usize) -> Open {
    let rows = orders.iter().enumerate().map(|(i, order)| {
        let turn = if i == now { "  (again: reverse)" } else { "" };
        (format!("{order}{turn}"), Step::Click(Target::Row(ListId::Orders, i)))
    });
    Open::Choose { title: "Sort by".into(), rows: rows.collect(), selected: now }
}

/// What the console does with each pane. Every call is a plain function of the pane's state.
pub trait Pane {
    /// Where its keys are at work, the nearest first.
    fn places(&self) -> &'static [Where];

    /// What the bar of hints offers, the most useful first.
    fn hints(&self) -> &'static [Action];

    /// Why an action cannot be done now; `None` where it can, or where the pane does not know the action.
    fn objection(&self, _action: Action) -> Option<String> {
        None
    }

    /// It is shown: asks for what it needs.
    fn shown(&mut self, out: &mut Out<'_>);

    /// The store, the window or the filter has changed: asks anew, and keeps what it has meanwhile.
    fn changed(&mut self, out: &mut Out<'_>) {
        self.shown(out);
    }

    /// A key did this; false if it is none of its actions.
    fn act(&mut self, action: Action, out: &mut Out<'_>) -> bool;

    /// An answer has come; takes it if it was asked for here.
    fn reply(&mut self, ticket: Ticket, answer: &Result<Reply, Fault>, out: &mut Out<'_>);

    /// A command was carried out.
    fn done(&mut self, _receipt: &Receipt, _out: &mut Out<'_>) {}

    /// The mouse was pressed at something of it.
    fn click(&mut self, _target: Target, _out: &mut Out<'_>) {}

    /// The wheel was turned over a list of it, so many notches: towards the end above 0.
    fn wheel(&mut self, _target: Target, _by: isize, _out: &mut Out<'_>) {}

    /// The terminal has another size, or another part of it is shown alone.
    fn resized(&mut self, _out: &mut Out<'_>) {}

    /// The user's editor has ended: the text, if it changed.
    fn edited(&mut self, _edited: Result<Option<String>, Fault>, _out: &mut Out<'_>) {}

    /// Whether its rows can be sorted: what can says so among its hints.
    fn sorts(&self) -> bool {
        self.hints().contains(&Action::Sort)
    }

    /// Its filter, if it has one.
    fn filter(&self) -> Option<&str> {
        None
    }

    /// How its filter is written, what is needed most first.
    fn filter_syntax(&self) -> &'static [&'static str] {
        &["words", "!word"]
    }

    /// What is wrong with its filter: the term between backquotes, and why.
    fn filter_fault(&self) -> Option<&str> {
        None
    }

    /// The window that what it shows belongs to, while that of another is being read.
    fn earlier_window(&self) -> Option<WindowSpec> {
        None
    }

    /// Narrows it.
    fn set_filter(&mut self, _filter: String, _out: &mut Out<'_>) {}

    /// Goes back one step within itself; false where there is none.
    fn back(&mut self, _out: &mut Out<'_>) -> bool {
        false
    }

    /// What is copied: what it is, and the text.
    fn copied(&self) -> Option<(String, String)> {
        None
    }

    /// What it is called among the crumbs.
    fn crumb(&self) -> String;

    /// Draws it.
    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>);
}
