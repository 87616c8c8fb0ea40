//! The queue of proposals: what waits for a decision, in the order in which it matters.
//!
//! ```text
//! ╭▌Proposals ─ 11 open · by impact ──────────────────╮╭ PROPOSAL-12 ────────────────╮
//! │   ID  RISK KIND SCOPE  PROMPT             CALLS/D  ││ Remove 3 repeated sentences  │
//! │▌● 12  low  text org    support.refund…     8,412   ││ why · evidence · promises    │
//! │  ○ 9  HIGH text core   core.safety         2,010   ││ - Be polite. Be brief.       │
//! ╰────────────────────────────────────────────────────╯╰──────────────────────────────╯
//! ```
//!
//! What is marked is kept by number, so that it stays marked when the queue moves. Start with [`Proposals::act`].

mod draw;
pub mod order;

use std::collections::BTreeSet;
use std::sync::Arc;

use ratatui::layout::Rect;

use super::review::beside;
use super::{Pane, View, choose_order};
use crate::console::action::{Action, Where};
use crate::console::canvas::Canvas;
use crate::console::hitmap::{ListId, Target};
use crate::console::message::{Fault, Loaded, Ticket};
use crate::console::out::{Open, Out, Place, Step};
use crate::console::query::{Command, Layout, Query, QueueLine, Receipt, Reply, Reviewed};
use crate::console::widgets::diff_view::Mode;
use crate::console::widgets::flow::Flow;
use crate::console::widgets::list_state::ListState;
use crate::domain::proposal::{ProposalId, RiskLevel};
use order::{By, Listed, ordered};

/// Columns from which the selected proposal is shown beside the queue.
pub const BESIDE: u16 = 120;
/// Rows from which it is shown below, where there is no room beside.
const BELOW: u16 = 24;
/// Reasons of earlier rejections that are offered.
const RECENT: usize = 6;
/// Hours that something can be put off for.
const DEFERRALS: [(&str, i64); 4] = [("4 hours", 4), ("a day", 24), ("3 days", 72), ("a week", 168)];

/// The queue of proposals.
#[derive(Debug, Default)]
pub struct Proposals {
    lines: Loaded<Arc<Vec<QueueLine>>>,
    /// The lines that are listed, in order.
    order: Vec<usize>,
    list: ListState,
    /// What is selected, wherever it stands.
    selected: Option<ProposalId>,
    marked: BTreeSet<ProposalId>,
    by: By,
    inverted: bool,
    listed: Listed,
    filter: String,
    /// The selected proposal whole, where there is room for it.
    preview: Loaded<Arc<Reviewed>>,
    /// What is said beside its difference.
    words: Flow,
    /// What the preview was asked for.
    previewed: Option<(ProposalId, Layout)>,
}

impl Proposals {
    fn lines(&self) -> &[QueueLine] {
        self.lines.value().map_or(&[], |lines| lines.as_slice())
    }

    fn line(&self, row: usize) -> Option<&QueueLine> {
        self.lines().get(*self.order.get(row)?)
    }

    fn current(&self) -> Option<&QueueLine> {
        self.line(self.list.selected(self.order.len())?)
    }

    /// What an action on many concerns: what is marked and still listed as open, else what is selected.
    fn concerned(&self) -> Vec<&QueueLine> {
        let marked: Vec<&QueueLine> = (0..self.order.len())
            .filter_map(|row| self.line(row))
            .filter(|l| self.marked.contains(&l.id))
            .collect();
        if marked.is_empty() { self.current().into_iter().collect() } else { marked }
    }

    /// Lists anew; the selection stays on its proposal, or on the one that stands where it was.
    fn arrange(&mut self) {
        self.order = ordered(self.lines(), self.by, self.inverted, self.listed, &self.filter);
        let at = self.selected.and_then(|id| {
            self.order.iter().position(|i| self.lines().get(*i).is_some_and(|line| line.id == id))
        });
        let last = self.order.len().saturating_sub(1);
        self.list.select(at.unwrap_or_else(|| self.list.index.min(last)));
        self.selected = self.current().map(|line| line.id);
        let open: BTreeSet<ProposalId> = self.lines().iter().filter(|l| l.open).map(|l| l.id).collect();
        self.marked.retain(|id| open.contains(id));
    }

    /// Asks for the selected proposal, if it is to be shown and is not there.
    fn look(&mut self, out: &mut Out<'_>) {
        self.selected = self.current().map(|line| line.id);
        let (Some(id), Some(area)) = (self.selected, draw::preview(out.ctx.size, out.zoomed)) else { return };
        let layout = Layout {
            width: area.saturating_sub(4),
            mode: Mode::Unified,
            context: Some(2),
            invisibles: false,
        };
        if self.previewed != Some((id, layout)) {
            self.previewed = Some((id, layout));
            out.ask(&mut self.preview, Query::Review(id, layout));
        }
    }

    fn sort(&mut self, by: By, out: &mut Out<'_>) {
        // By the same once more: the other way round.
        (self.by, self.inverted) = (by, self.by == by && !self.inverted);
        self.arrange();
        self.look(out);
    }

    /// Reasons that rejections were given of late.
    fn recent(&self) -> Vec<String> {
        self.preview.value().map_or_else(Vec::new, |reviewed| beside::recent(&reviewed.shown, RECENT))
    }

    fn move_to(&mut self, out: &mut Out<'_>) {
        self.look(out);
    }
}

impl Pane for Proposals {
    fn places(&self) -> &'static [Where] {
        &[Where::Proposals, Where::List]
    }

    fn hints(&self) -> &'static [Action] {
        &[
            Action::Open,
            Action::ManyAccept,
            Action::ManyReject,
            Action::ManyDefer,
            Action::Mark,
            Action::Filter,
            Action::Sort,
            Action::Standing,
        ]
    }

    fn objection(&self, action: Action) -> Option<String> {
        let decides = matches!(action, Action::ManyAccept | Action::ManyReject | Action::ManyDefer);
        if matches!(action, Action::Left | Action::Right) {
            return Some("nothing stands beside it".to_owned());
        }
        let needs = decides || matches!(action, Action::Open | Action::Mark | Action::QueuePrompt);
        if !needs {
            return None;
        }
        let concerned = self.concerned();
        let Some(first) = concerned.first() else { return Some("no proposal is selected".to_owned()) };
        if let Some(closed) = concerned.iter().find(|line| !line.open && !line.canary).filter(|_| decides) {
            return Some(format!("{} is {} already", closed.id, closed.status));
        }
        if action == Action::Mark && !first.open && self.marked.is_empty() {
            return Some("only what waits can be marked".to_owned());
        }
        if action == Action::ManyAccept && concerned.len() > 1 {
            let heavy = concerned.iter().filter(|line| line.risk.level != RiskLevel::Low).count();
            let core = concerned.iter().any(|line| line.uri.scope() == crate::domain::prompt::Scope::Core);
            if heavy > 0 || core {
                let of = concerned.len();
                return Some(match heavy {
                    0 => "core prompts are accepted one by one".to_owned(),
                    n => format!("{n} of {of} are not of low risk: accept those one by one"),
                });
            }
        }
        None
    }

    fn shown(&mut self, out: &mut Out<'_>) {
        // What was awaited when it was left may have come while another pane was shown: it is asked for again.
        out.ask(&mut self.lines, Query::Proposals);
        self.previewed = None;
        self.look(out);
    }

    fn changed(&mut self, out: &mut Out<'_>) {
        out.refresh(&mut self.lines, Query::Proposals);
    }

    fn resized(&mut self, out: &mut Out<'_>) {
        self.look(out);
    }

    fn act(&mut self, action: Action, out: &mut Out<'_>) -> bool {
        let view = out.ctx.hits.of(ListId::Proposals);
        if self.list.act(action, self.order.len(), view) {
            self.move_to(out);
            return true;
        }
        let ids: Vec<ProposalId> = self.concerned().iter().map(|line| line.id).collect();
        match action {
            Action::Open => {
                if let Some(id) = self.selected {
                    let queue = (0..self.order.len()).filter_map(|row| Some(self.line(row)?.id)).collect();
                    out.step(Step::Push(Place::Review(id, queue)));
                }
            }
            Action::Mark => {
                if let Some(line) = self.current().filter(|line| line.open) {
                    let id = line.id;
                    if !self.marked.remove(&id) {
                        self.marked.insert(id);
                    }
                    self.list.act(Action::Down, self.order.len(), view);
                    self.move_to(out);
                }
            }
            Action::MarkAll => {
                let listed: Vec<ProposalId> = (0..self.order.len())
                    .filter_map(|row| self.line(row))
                    .filter(|line| line.open)
                    .map(|line| line.id)
                    .collect();
                if listed.iter().all(|id| self.marked.contains(id)) {
                    self.marked.clear();
                } else {
                    self.marked.extend(listed);
                }
            }
            Action::ManyAccept => out.open(Open::Accept(ids)),
            Action::ManyReject => out.open(beside::reject(&ids, &self.concerned(), self.recent())),
            Action::ManyDefer => out.open(defer(&ids, out.ctx.stamp.now)),
            Action::Standing => {
                self.listed = self.listed.next();
                // What is marked and not seen would be decided with the rest.
                self.marked.clear();
                self.arrange();
                self.look(out);
            }
            Action::QueuePrompt => {
                if let Some(line) = self.current() {
                    out.step(Step::Push(Place::Prompt(line.uri.to_string())));
                }
            }
            Action::SortNext => self.sort(self.by.step(1), out),
            Action::SortPrevious => self.sort(self.by.step(-1), out),
            Action::Invert => self.sort(self.by, out),
            Action::Sort => {
                let at = By::ALL.iter().position(|by| *by == self.by);
                out.open(choose_order(&By::ALL.map(By::words), at.unwrap_or_default()));
            }
            _ => return false,
        }
        true
    }

    fn reply(&mut self, ticket: Ticket, answer: &Result<Reply, Fault>, out: &mut Out<'_>) {
        match answer {
            Ok(Reply::Proposals(lines)) if self.lines.awaits(ticket) => {
                let before = self.lines.value().map(|lines| Arc::as_ptr(lines).cast::<()>());
                let same = before == Some(Arc::as_ptr(lines).cast::<()>());
                self.lines.take(ticket, Ok(Arc::clone(lines)));
                if !same {
                    self.arrange();
                    self.previewed = None;
                }
                self.look(out);
            }
            Ok(Reply::Review(reviewed)) if self.preview.awaits(ticket) => {
                self.preview.take(ticket, Ok(Arc::clone(reviewed)));
                self.words = beside::brief(reviewed, reviewed.layout.width);
            }
            Err(fault) => {
                self.lines.take(ticket, Err(fault.clone()));
                self.preview.take(ticket, Err(fault.clone()));
            }
            Ok(_) => {}
        }
        out.follow(&mut self.lines);
    }

    fn done(&mut self, receipt: &Receipt, _out: &mut Out<'_>) {
        let decided: Vec<ProposalId> = match &receipt.of {
            Some(Command::Accept(all)) => all.iter().map(|(id, _)| *id).collect(),
            Some(Command::Reject(ids, _) | Command::Defer(ids, _)) => ids.clone(),
            Some(Command::Modify(of, _)) if self.selected == Some(*of) => {
                self.selected = receipt.now;
                return;
            }
            _ => return,
        };
        let refused = |id: &ProposalId| receipt.refused.iter().any(|(other, _)| *other == id.to_string());
        for id in decided.iter().filter(|id| !refused(id)) {
            self.marked.remove(id);
        }
    }

    fn click(&mut self, target: Target, out: &mut Out<'_>) {
        match target {
            Target::Row(ListId::Proposals, row) => {
                self.list.select(row);
                self.move_to(out);
            }
            Target::Row(ListId::Orders, nth) => {
                if let Some(by) = By::ALL.get(nth) {
                    self.sort(*by, out);
                }
            }
            Target::Column(ListId::Proposals, column) => {
                if let Some(by) = draw::sorted_by(column) {
                    self.sort(by, out);
                }
            }
            _ => {}
        }
    }

    fn wheel(&mut self, target: Target, by: isize, out: &mut Out<'_>) {
        if matches!(target, Target::List(ListId::Proposals)) {
            self.list.wheel(by, self.order.len(), out.ctx.hits.of(ListId::Proposals));
            self.move_to(out);
        }
    }

    fn filter(&self) -> Option<&str> {
        Some(&self.filter)
    }

    fn filter_syntax(&self) -> &'static [&'static str] {
        &["words", "!word", "risk:high", "kind:text", "scope:core", "calls>1k"]
    }

    fn set_filter(&mut self, filter: String, out: &mut Out<'_>) {
        self.filter = filter;
        self.arrange();
        self.look(out);
    }

    fn back(&mut self, _out: &mut Out<'_>) -> bool {
        let any = !self.marked.is_empty();
        self.marked.clear();
        any
    }

    fn copied(&self) -> Option<(String, String)> {
        let line = self.current()?;
        Some((format!("{} and its title", line.id), format!("{}: {}", line.id, line.title)))
    }

    fn crumb(&self) -> String {
        "Proposals".to_owned()
    }

    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>) {
        self.draw_queue(canvas, area, view);
    }
}

/// Chooses until when proposals are put off.
pub fn defer(ids: &[ProposalId], now: i64) -> Open {
    let row = |(words, hours): (&str, i64)| {
        let command = Command::Defer(ids.to_vec(), now + hours * 3_600_000);
        (format!("for {words}"), Step::Do(Box::new(command)))
    };
    let title = match ids {
        [one] => format!("Put {one} off"),
        many => format!("Put {} proposals off", many.len()),
    };
    Open::Choose { title, rows: DEFERRALS.into_iter().map(row).collect(), selected: 1 }
}

#[cfg(test)]
mod tests;
