//! The ledger and the agent: what was decided and whether it holds, what the agent did, what it may do.
//!
//! ```text
//! ╭─▌Ledger ───────────────── 214 ─╮ ╭─ Agent ────────────────────────╮
//! │ ✓ holds: 214 entries, head 3f… │ │ agent://acme/prompt-refinement │
//! │   SEQ  WHEN   ACTOR   ACTION … │ │ until 2026-12-24, 26 days left │
//! │ ▌ 214  12:01  ana     accept   │ ╰────────────────────────────────╯
//! │   213  11:58  agent   propose  │ ╭─ Runs ─────────────────────────╮
//! ├─ entry 214 ────────────────────┤ │   RUN  WHEN  FOUND  PROPOSED   │
//! │ p-12 accepted by …             │ │   41   06:00     3         1   │
//! ╰────────────────────────────────╯ ╰────────────────────────────────╯
//! ```
//!
//! `v` moves between the three parts. Below 120 columns one part is shown with what is selected in it below, below 84
//! without; Enter gives the selected entry or run the whole pane. [`entries`], [`runs`] and [`agent`] say how each part
//! reads; here is what keys and answers do.

mod agent;
mod draw;
mod entries;
mod filter;
mod runs;
mod undo;

use std::sync::Arc;
use std::time::Duration;

use self::filter::LedgerFilter;
use super::{Pane, View, key};
use crate::console::action::{Action, Where};
use crate::console::canvas::Canvas;
use crate::console::hitmap::{ListId, Target};
use crate::console::message::{Fault, Loaded, Ticket};
use crate::console::out::{Open, Out, Step};
use crate::console::query::{AgentState, Command, Query, Receipt, Reply, Verified};
use crate::console::widgets::list_state::ListState;
use crate::console::widgets::scroll;
use crate::domain::ledger::Entry;
use crate::domain::run::Run;
use crate::theme::Role;
use ratatui::layout::Rect;

/// Entries that are asked for at first.
const FIRST: usize = 200;

/// A part of the pane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Ledger,
    Runs,
    Agent,
}

/// The ledger and the agent.
#[derive(Debug, Default)]
pub struct LedgerPane {
    part: Part,
    /// Whether what is selected in the part has the whole pane.
    open: bool,
    entries: Loaded<Arc<(Vec<Entry>, bool)>>,
    /// As many entries were asked for.
    limit: usize,
    verified: Loaded<Arc<Verified>>,
    /// Whether a key asked for the check: what it comes to is said.
    by_key: bool,
    agent: Loaded<Arc<AgentState>>,
    filter: String,
    /// Entries that fit the filter, by their place.
    listed: Vec<usize>,
    list: ListState,
    /// The number of the selected entry: it stays selected as new ones come.
    entry: Option<u64>,
    run_list: ListState,
    /// The number of the selected run.
    run: Option<u64>,
    /// What a dry run came to; it is in no list, because nothing was written.
    dry: Option<Box<Run>>,
    /// The first line in view of what has the whole pane, or of the agent.
    offset: usize,
    read_only: bool,
    /// How often the agent runs while the console is open.
    every: Option<Duration>,
}

impl LedgerPane {
    /// With what is known of when the agent runs.
    pub fn new(every: Option<Duration>) -> LedgerPane {
        LedgerPane { every, ..LedgerPane::default() }
    }

    fn all(&self) -> &[Entry] {
        self.entries.value().map_or(&[], |answer| &answer.0)
    }

    fn selected(&self) -> Option<&Entry> {
        self.all().get(*self.listed.get(self.list.selected(self.listed.len())?)?)
    }

    fn runs(&self) -> &[(u64, Run)] {
        self.agent.value().map_or(&[], |state| &state.runs)
    }

    /// A dry run comes before those that are recorded.
    fn run_count(&self) -> usize {
        self.runs().len() + usize::from(self.dry.is_some())
    }

    /// The run in a row, with its number where it has one.
    fn run_at(&self, row: usize) -> Option<(Option<u64>, &Run)> {
        match (&self.dry, row) {
            (Some(run), 0) => Some((None, run)),
            (dry, row) => {
                let (id, run) = self.runs().get(row - usize::from(dry.is_some()))?;
                Some((Some(*id), run))
            }
        }
    }

    fn selected_run(&self) -> Option<(Option<u64>, &Run)> {
        self.run_at(self.run_list.selected(self.run_count())?)
    }

    /// Lists what fits, and finds the selected entry again.
    fn relist(&mut self, out: &mut Out<'_>) {
        let filter = LedgerFilter::read(&self.filter, out.ctx.stamp.now);
        let listed = self.all().iter().enumerate().filter(|(_, entry)| filter.fits(entry)).map(|(i, _)| i);
        self.listed = listed.collect();
        // Entries are numbered without a gap, the newest first.
        let at = self.entry.and_then(|seq| self.listed.iter().position(|i| self.all()[*i].seq <= seq));
        self.list.select(at.unwrap_or_default());
        self.more(out);
    }

    /// Asks for older entries where the list comes to its end.
    fn more(&mut self, out: &mut Out<'_>) {
        let there_are = self.entries.value().is_some_and(|answer| answer.1);
        let height = out.ctx.hits.of(ListId::Ledger).height;
        if there_are && !self.entries.is_waiting() && self.list.index + height + 1 >= self.listed.len() {
            self.limit = self.all().len().max(FIRST) * 2;
            out.ask(&mut self.entries, Query::Ledger(self.limit));
        }
    }

    fn moved(&mut self, out: &mut Out<'_>) {
        self.entry = match self.list.index {
            // At the top one wants to see what comes.
            0 => None,
            _ => self.selected().map(|entry| entry.seq),
        };
        self.more(out);
    }

    /// The list of text that is scrolled, if it is text.
    fn text(&self) -> Option<ListId> {
        match (self.part, self.open) {
            (Part::Ledger, true) => Some(ListId::Entry),
            (Part::Runs, true) => Some(ListId::Run),
            (Part::Agent, _) => Some(ListId::Evidence),
            _ => None,
        }
    }

    fn movement(&mut self, action: Action, out: &mut Out<'_>) -> bool {
        let hits = out.ctx.hits;
        if let Some(text) = self.text() {
            let view = hits.of(text);
            let len = self.text_len(view.height, out.ctx.size);
            let Some(offset) = scroll::scrolled(action, len, view) else { return false };
            self.offset = offset;
            return true;
        }
        if self.part == Part::Runs {
            let len = self.run_count();
            let moves = self.run_list.act(action, len, hits.of(ListId::Runs));
            self.run = self.selected_run().and_then(|(id, _)| id);
            return moves;
        }
        let moves = self.list.act(action, self.listed.len(), hits.of(ListId::Ledger));
        if moves {
            self.moved(out);
        }
        moves
    }

    fn go(&mut self, part: Part) {
        (self.part, self.open, self.offset) = (part, false, 0);
    }

    fn run_now(out: &mut Out<'_>) {
        let lines = vec![
            (
                Role::Text,
                "It looks at the evidence of the last days and proposes what follows from it.".to_owned(),
            ),
            (
                Role::Text,
                "Where its grant and the rules allow it, it applies changes of low risk itself.".to_owned(),
            ),
            (Role::Caution, "If a model is configured, drafts are asked of it: that costs money.".to_owned()),
            (
                Role::Muted,
                format!("{} looks and drafts, and writes nothing.", key(out.ctx.keymap, Action::DryRun)),
            ),
        ];
        out.open(Open::Confirm {
            title: "Let the agent run now".to_owned(),
            lines,
            yes: "Run",
            weighty: None,
            step: Box::new(Step::Do(Box::new(Command::Run { dry: false }))),
        });
    }
}

impl Pane for LedgerPane {
    fn places(&self) -> &'static [Where] {
        &[Where::Ledger, Where::List]
    }

    fn hints(&self) -> &'static [Action] {
        match (self.part, self.open) {
            (Part::Ledger, true) => {
                &[Action::Back, Action::Copy, Action::UndoEntry, Action::Part, Action::Verify]
            }
            (_, true) => &[Action::Back, Action::Copy, Action::Part, Action::Verify],
            (Part::Ledger, _) => {
                &[Action::Open, Action::Part, Action::Filter, Action::Verify, Action::UndoEntry, Action::Copy]
            }
            (Part::Runs, _) => &[Action::Open, Action::Part, Action::RunNow, Action::DryRun],
            (Part::Agent, _) => &[Action::Part, Action::RunNow, Action::DryRun],
        }
    }

    fn objection(&self, action: Action) -> Option<String> {
        let nobody = || self.agent.value().is_some_and(|state| state.agent.is_none());
        let why = match action {
            Action::RunNow | Action::UndoEntry if self.read_only => "the console is read-only",
            Action::UndoEntry if self.part != Part::Ledger => "no entry is selected here",
            Action::UndoEntry => match self.selected().map(undo::undoing)? {
                Ok(_) => return None,
                Err(why) => why,
            },
            Action::RunNow | Action::DryRun if nobody() => {
                "no agent has a grant: `human agent grant` gives one"
            }
            Action::Verify if self.verified.is_waiting() => "it is being checked",
            Action::Open if self.open || self.part == Part::Agent => "all of it is shown",
            Action::Left | Action::Right => "nothing stands beside it",
            _ => return None,
        };
        Some(why.to_owned())
    }

    fn shown(&mut self, out: &mut Out<'_>) {
        self.read_only = out.read_only;
        self.limit = self.limit.max(FIRST);
        // What was awaited when it was left may have come while another pane was shown: it is asked for again.
        out.ask(&mut self.entries, Query::Ledger(self.limit));
        out.ask(&mut self.agent, Query::Agent);
        // Once: it reads every entry. Afterwards at a key.
        if self.verified.is_waiting() || (self.verified.value().is_none() && self.verified.fault().is_none())
        {
            out.ask(&mut self.verified, Query::Verify);
        }
    }

    fn changed(&mut self, out: &mut Out<'_>) {
        out.refresh(&mut self.entries, Query::Ledger(self.limit));
        out.refresh(&mut self.agent, Query::Agent);
    }

    fn act(&mut self, action: Action, out: &mut Out<'_>) -> bool {
        if self.movement(action, out) {
            return true;
        }
        match action {
            Action::Part => self.go(match self.part {
                Part::Ledger => Part::Runs,
                Part::Runs => Part::Agent,
                Part::Agent => Part::Ledger,
            }),
            Action::Open if !self.open => {
                self.open = match self.part {
                    Part::Ledger => self.selected().is_some(),
                    Part::Runs => self.selected_run().is_some(),
                    Part::Agent => false,
                };
                self.offset = 0;
                // What is open stays open as new ones come.
                self.entry = self.selected().map(|entry| entry.seq);
            }
            Action::Verify => {
                self.by_key = true;
                out.ask(&mut self.verified, Query::Verify);
            }
            Action::UndoEntry => {
                let undo = self.selected().and_then(|entry| Some((entry, undo::undoing(entry).ok()?)));
                if let Some((entry, by)) = undo {
                    let what = format!("Entry {}: {} {}", entry.seq, entry.action, entry.subject);
                    out.open(Open::Undo(what, Box::new(by)));
                }
            }
            Action::RunNow => Self::run_now(out),
            Action::DryRun => {
                out.command(Command::Run { dry: true });
                out.say(Role::Info, "The agent looks; nothing is written");
            }
            _ => return false,
        }
        true
    }

    fn reply(&mut self, ticket: Ticket, answer: &Result<Reply, Fault>, out: &mut Out<'_>) {
        let fault = answer.as_ref().err().cloned();
        if self.entries.awaits(ticket) {
            let taken = match answer {
                Ok(Reply::Ledger(entries)) => self.entries.take(ticket, Ok(Arc::clone(entries))),
                _ => fault.is_some_and(|fault| self.entries.take(ticket, Err(fault))),
            };
            if taken && self.entries.fault().is_none() {
                self.relist(out);
            }
        } else if self.verified.awaits(ticket) {
            match answer {
                Ok(Reply::Verify(verified)) => {
                    self.verified.take(ticket, Ok(Arc::clone(verified)));
                    if std::mem::take(&mut self.by_key) {
                        let (role, text) = entries::found(verified);
                        out.say(role, text);
                    }
                }
                // The line above the entries says what failed.
                _ => _ = fault.map(|fault| self.verified.take(ticket, Err(fault))),
            }
        } else if self.agent.awaits(ticket) {
            match answer {
                Ok(Reply::Agent(state)) => {
                    self.agent.take(ticket, Ok(Arc::clone(state)));
                    let first = usize::from(self.dry.is_some());
                    let at = self.run.and_then(|run| self.runs().iter().position(|(id, _)| *id == run));
                    self.run_list.select(at.map_or(0, |at| at + first));
                }
                _ => _ = fault.map(|fault| self.agent.take(ticket, Err(fault))),
            }
        }
        out.follow(&mut self.entries);
        out.follow(&mut self.agent);
    }

    fn done(&mut self, receipt: &Receipt, _out: &mut Out<'_>) {
        let Some(run) = &receipt.run else { return };
        self.dry = run.dry.then(|| run.clone());
        // What was asked for is shown, and whoever reads something meanwhile is left to it.
        if self.open && self.part != Part::Runs {
            return;
        }
        self.go(Part::Runs);
        (self.run, self.open) = (None, self.dry.is_some());
        self.run_list = ListState::default();
    }

    fn click(&mut self, target: Target, out: &mut Out<'_>) {
        match target {
            Target::Row(ListId::Ledger, row) => {
                self.go(Part::Ledger);
                self.list.select(row);
                self.moved(out);
            }
            Target::Row(ListId::Runs, row) => {
                self.go(Part::Runs);
                self.run_list.select(row);
                self.run = self.selected_run().and_then(|(id, _)| id);
            }
            Target::List(ListId::Evidence) => self.go(Part::Agent),
            _ => {}
        }
    }

    fn wheel(&mut self, target: Target, by: isize, out: &mut Out<'_>) {
        let hits = out.ctx.hits;
        match target {
            Target::List(ListId::Ledger) => {
                self.list.wheel(by, self.listed.len(), hits.of(ListId::Ledger));
                self.moved(out);
            }
            Target::List(ListId::Runs) => {
                self.run_list.wheel(by, self.run_count(), hits.of(ListId::Runs));
                self.run = self.selected_run().and_then(|(id, _)| id);
            }
            Target::List(list) if self.text() == Some(list) => {
                let view = hits.of(list);
                self.offset = scroll::wheeled(by, self.text_len(view.height, out.ctx.size), view);
            }
            _ => {}
        }
    }

    fn filter(&self) -> Option<&str> {
        (self.part == Part::Ledger && !self.open).then_some(self.filter.as_str())
    }

    fn filter_syntax(&self) -> &'static [&'static str] {
        &["words", "!word", "action:reject", "actor:ana", "prompt:refund", "since:7d"]
    }

    fn set_filter(&mut self, filter: String, out: &mut Out<'_>) {
        self.filter = filter;
        self.relist(out);
    }

    fn back(&mut self, _out: &mut Out<'_>) -> bool {
        let went = self.open || self.part != Part::Ledger;
        if self.open {
            (self.open, self.offset) = (false, 0);
        } else {
            self.go(Part::Ledger);
        }
        went
    }

    fn copied(&self) -> Option<(String, String)> {
        match self.part {
            Part::Ledger => {
                let entry = self.selected()?;
                if self.open {
                    let text = serde_json::to_string_pretty(entry).ok()?;
                    return Some((format!("entry {}, whole", entry.seq), text));
                }
                Some((format!("the hash of entry {}", entry.seq), entry.hash.to_string()))
            }
            Part::Runs => {
                let (id, run) = self.selected_run()?;
                let what = id.map_or("the dry run".to_owned(), |id| format!("run {id}"));
                Some((what, serde_json::to_string_pretty(run).ok()?))
            }
            Part::Agent => Some(("the agent's name".to_owned(), self.agent.value()?.agent.clone()?)),
        }
    }

    fn crumb(&self) -> String {
        match self.part {
            Part::Ledger => "Ledger",
            Part::Runs => "Runs",
            Part::Agent => "Agent",
        }
        .to_owned()
    }

    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>) {
        draw::draw(self, canvas, area, view);
    }
}

#[cfg(test)]
mod tests;
