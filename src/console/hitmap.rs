//! What layout decided, handed back by drawing: which place means what, and how much of each list is in view.
//!
//! Drawing takes `&App`; whatever `update` needs to know of the last frame (where the mouse points, how long a page is)
//! comes to it as a [`HitMap`], never out of a widget.

use ratatui::layout::{Position, Rect};

use super::tab::Tab;

/// A list, table or text that scrolls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListId {
    /// The leaderboard.
    Board,
    /// The page of one prompt.
    Prompt,
    /// The calls of a prompt.
    Calls,
    /// The affinity of prompts and models.
    Affinity,
    /// The models of one prompt.
    Models,
    /// The notches of the cost weight.
    CostWeight,
    /// The orders that a list can have.
    Orders,
    /// The queue of proposals.
    Proposals,
    /// The difference of a proposal.
    Diff,
    /// What stands beside the difference.
    Evidence,
    /// Streams that are watched.
    Watch,
    /// What is said of one stream.
    Stream,
    /// Entries of the ledger.
    Ledger,
    /// One entry.
    Entry,
    /// Runs of the agent.
    Runs,
    /// One run.
    Run,
    /// The list of a dialog.
    Dialog,
}

/// What a place on the screen means. No place approves anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A tab.
    Tab(Tab),
    /// A row of a list, by its index.
    Row(ListId, usize),
    /// A column's heading, by its index.
    Column(ListId, usize),
    /// Anywhere in a list: what the wheel turns.
    List(ListId),
}

/// What of a list is in view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// The first row in view.
    pub offset: usize,
    /// How many rows fit.
    pub height: usize,
}

/// The places of one frame.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HitMap {
    zones: Vec<(Rect, Target)>,
    views: Vec<(ListId, View)>,
}

impl HitMap {
    /// Says that a place means something; what is said later lies above.
    pub fn zone(&mut self, area: Rect, target: Target) {
        self.zones.push((area, target));
    }

    /// Says what of a list is in view.
    pub fn view(&mut self, list: ListId, view: View) {
        self.views.push((list, view));
    }

    /// Forgets every place: what was drawn so far lies under a dialog.
    pub fn cover(&mut self) {
        self.zones.clear();
    }

    /// What lies at a place, topmost first.
    pub fn at(&self, column: u16, row: u16) -> impl Iterator<Item = Target> + '_ {
        let at = Position::new(column, row);
        self.zones.iter().rev().filter(move |(area, _)| area.contains(at)).map(|(_, target)| *target)
    }

    /// What of a list was in view; one row at its beginning if it was not drawn.
    pub fn of(&self, list: ListId) -> View {
        let found = self.views.iter().rev().find(|(id, _)| *id == list);
        found.map_or(View { offset: 0, height: 1 }, |(_, view)| *view)
    }
}
