//! The review of one proposal: the difference, and beside it what speaks for and against it.
//!
//! ```text
//! ╭▌PROPOSAL-12 support.refund-reply 1.2.1 → 1.3.0 ── +3 -5 ─╮╭ low risk ────────────────╮
//! │  12 - Be polite. Be brief.  │  12 + Be brief.            ││ Remove 3 repeated …        │
//! │  ··· 24 unchanged lines ···                              ││ Risk · Evidence · Promises │
//! ╰──────────────────────────────────────── change 1 of 4 ───╯╰────────────────────────────╯
//! ```
//!
//! Below 120 columns the evidence stands under the difference, below 84 one of them has the screen. Nothing is decided
//! here: keys open dialogs, and dialogs carry the digest of what they showed.

pub mod beside;
mod draw;

use std::sync::Arc;

use ratatui::layout::Rect;

use super::difference::{Did, Difference, copied};
use super::proposals::defer;
use super::{Pane, View};
use crate::console::action::{Action, Where};
use crate::console::canvas::Canvas;
use crate::console::hitmap::{ListId, Target};
use crate::console::message::{Effect, Fault, Loaded, Ticket};
use crate::console::out::{Open, Out, Place, Step, Then};
use crate::console::query::{Command, Query, Receipt, Reply, Reviewed};
use crate::console::widgets::flow::Flow;
use crate::console::widgets::panel;
use crate::console::widgets::scroll;
use crate::domain::proposal::ProposalId;
use crate::service::proposals::Came;
use crate::theme::Role;

/// Reasons of earlier rejections that are offered.
const RECENT: usize = 6;

/// The review of one proposal.
#[derive(Debug)]
pub struct Review {
    id: ProposalId,
    queue: Vec<ProposalId>,
    reviewed: Loaded<Arc<Reviewed>>,
    /// What came of it, once it was applied.
    came: Loaded<Arc<Came>>,
    /// Whether that is to be asked, once it is known to have been applied: it takes long, and changes slowly.
    came_due: bool,
    words: Flow,
    words_width: u16,
    difference: Difference,
    words_offset: usize,
    /// Whether the evidence has the focus.
    beside: bool,
    /// What was written in place of the text and not taken yet.
    draft: Option<String>,
}

impl Review {
    /// Of a proposal, opened from a queue.
    pub fn new(id: ProposalId, queue: Vec<ProposalId>) -> Review {
        Review {
            id,
            queue,
            reviewed: Loaded::default(),
            came: Loaded::default(),
            came_due: true,
            words: Flow::default(),
            words_width: 0,
            difference: Difference::default(),
            words_offset: 0,
            beside: false,
            draft: None,
        }
    }

    fn ask(&mut self, out: &mut Out<'_>) {
        let query = self.query(out);
        out.ask(&mut self.reviewed, query);
    }

    fn query(&self, out: &Out<'_>) -> Query {
        // As wide as it will be, also while its evidence has the screen.
        let (diff, _) = draw::split(draw::body(out.ctx.size), false, out.zoomed);
        let width = panel::inner(diff.unwrap_or_default().width);
        Query::Review(self.id, self.difference.layout(width))
    }

    fn write(&mut self, out: &Out<'_>) {
        let (_, words) = draw::split(draw::body(out.ctx.size), self.beside, out.zoomed);
        let words = words.unwrap_or_default();
        let width = if words.width < out.ctx.size.0 {
            words.width.saturating_sub(4)
        } else {
            panel::inner(words.width)
        };
        if let Some(reviewed) = self.reviewed.value() {
            self.words = beside::whole(reviewed, &self.came, width.saturating_sub(1));
            self.words_width = width;
        }
    }

    fn go(&mut self, by: isize, out: &mut Out<'_>) {
        let action = if by > 0 { Action::NextProposal } else { Action::PreviousProposal };
        if let Some(asks) = self.asks(action) {
            return out.open(asks);
        }
        let at = self.queue.iter().position(|id| *id == self.id);
        let next = at.and_then(|at| self.queue.get(at.checked_add_signed(by)?)).copied();
        match next {
            Some(id) => {
                let (queue, difference) = (std::mem::take(&mut self.queue), self.difference.at_the_top());
                let (reviewed, came) = (self.reviewed.emptied(), self.came.emptied());
                *self = Review { reviewed, came, difference, ..Review::new(id, queue) };
                self.ask(out);
            }
            None => out
                .say(Role::Info, if by > 0 { "That was the last of the queue" } else { "That is the first" }),
        }
    }

    /// Asks before an action drops what was written, if anything was that is not taken.
    pub fn asks(&self, action: Action) -> Option<Open> {
        self.draft.as_ref()?;
        let what =
            format!("What you wrote in the place of {} was not taken, and is kept only here.", self.id);
        Some(Open::Confirm {
            title: "Drop your text".to_owned(),
            lines: vec![(Role::Text, what)],
            yes: "Drop it",
            weighty: None,
            step: Box::new(Step::Drop(action)),
        })
    }

    /// Drops what was written.
    pub fn drop_unsent(&mut self) {
        self.draft = None;
    }

    /// Does what a key means to the part that has the focus; to the difference also where the evidence has it.
    fn look(&mut self, action: Action, out: &mut Out<'_>) -> bool {
        if self.beside
            && let Some(at) = scroll::scrolled(action, self.words.len(), out.ctx.hits.of(ListId::Evidence))
        {
            self.words_offset = at;
            return true;
        }
        let laid = self.reviewed.value().map(|reviewed| &reviewed.laid);
        let did = self.difference.act(action, laid, out);
        if did == Did::Turned {
            self.ask(out);
        }
        did != Did::Nothing
    }
}

impl Pane for Review {
    fn places(&self) -> &'static [Where] {
        &[Where::Review, Where::Difference, Where::List]
    }

    fn hints(&self) -> &'static [Action] {
        &[
            Action::Accept,
            Action::Reject,
            Action::Modify,
            Action::Defer,
            Action::NextChange,
            Action::NextProposal,
            Action::Beside,
            Action::Layout,
        ]
    }

    fn objection(&self, action: Action) -> Option<String> {
        match action {
            Action::Accept
            | Action::Reject
            | Action::Defer
            | Action::Modify
            | Action::ModifyHere
            | Action::Comment => {}
            Action::Open => return Some("all of it is shown".to_owned()),
            _ => return None,
        }
        let Some(reviewed) = self.reviewed.value() else { return Some("it is still being read".to_owned()) };
        let listed = &reviewed.shown.listed;
        let open = matches!(listed.status, "open" | "deferred");
        let running = listed.canary.as_ref().is_some_and(crate::store::canary::Canary::is_running);
        match action {
            Action::Comment => None,
            Action::Accept if open || running => reviewed.shown.obstacle.clone(),
            _ if open => None,
            _ => Some(format!("it is {} already", listed.status)),
        }
    }

    fn shown(&mut self, out: &mut Out<'_>) {
        // What was awaited when it was left may have come while another pane was shown: it is asked for again.
        self.came_due = true;
        self.ask(out);
    }

    fn changed(&mut self, out: &mut Out<'_>) {
        let query = self.query(out);
        out.refresh(&mut self.reviewed, query);
    }

    fn resized(&mut self, out: &mut Out<'_>) {
        self.ask(out);
        self.write(out);
    }

    fn act(&mut self, action: Action, out: &mut Out<'_>) -> bool {
        if self.look(action, out) {
            return true;
        }
        let ids = vec![self.id];
        let proposed = || self.reviewed.value().map(|reviewed| reviewed.shown.listed.proposal.text.clone());
        let text = self.draft.clone().or_else(proposed);
        match action {
            Action::Accept => out.open(Open::Accept(ids)),
            Action::Reject => {
                let recent =
                    self.reviewed.value().map_or_else(Vec::new, |r| beside::recent(&r.shown, RECENT));
                out.open(beside::reject(&ids, &[], recent));
            }
            Action::Defer => out.open(defer(&ids, out.ctx.stamp.now)),
            Action::Comment => out.open(Open::Reason {
                title: format!("Comment on {}", self.id),
                lines: vec!["It is signed and enters the ledger.".to_owned()],
                recent: vec![],
                then: Then::Comment(self.id),
            }),
            Action::Modify => {
                if let Some(text) = text {
                    out.effect(Effect::Edit { name: format!("-{}.prompt", self.id), text });
                }
            }
            Action::ModifyHere => {
                if let Some(text) = text {
                    out.open(Open::Editor(self.id, text));
                }
            }
            Action::NextProposal => self.go(1, out),
            Action::PreviousProposal => self.go(-1, out),
            Action::Beside => {
                self.beside = !self.beside;
                self.write(out);
            }
            Action::Left | Action::Right => {
                self.beside = action == Action::Right;
                self.write(out);
            }
            Action::ReviewPrompt => {
                if let Some(reviewed) = self.reviewed.value() {
                    let uri = reviewed.shown.listed.proposal.prompt_uri.to_string();
                    out.step(Step::Push(Place::Prompt(uri)));
                }
            }
            _ => return false,
        }
        true
    }

    fn reply(&mut self, ticket: Ticket, answer: &Result<Reply, Fault>, out: &mut Out<'_>) {
        if self.came.awaits(ticket) {
            match answer {
                Ok(Reply::Came(came)) => _ = self.came.take(ticket, Ok(Arc::clone(came))),
                Ok(_) => {}
                Err(fault) => _ = self.came.take(ticket, Err(fault.clone())),
            }
            return self.write(out);
        }
        let answer = match answer {
            Ok(Reply::Review(reviewed)) => Ok(Arc::clone(reviewed)),
            Ok(_) => return,
            Err(fault) => Err(fault.clone()),
        };
        let before = self.reviewed.value().cloned();
        if self.reviewed.take(ticket, answer) {
            if let Some(reviewed) = self.reviewed.value() {
                self.difference.relaid(before.as_ref().map(|before| &before.laid), &reviewed.laid);
            }
            if self.reviewed.value().is_some_and(|reviewed| beside::is_applied(&reviewed.shown))
                && std::mem::take(&mut self.came_due)
            {
                out.ask(&mut self.came, Query::Came(self.id));
            }
            out.follow(&mut self.reviewed);
            self.write(out);
        }
    }

    fn done(&mut self, receipt: &Receipt, out: &mut Out<'_>) {
        if let (Some(now), Some(Command::Modify(of, _))) = (receipt.now, &receipt.of) {
            for id in &mut self.queue {
                if id == of {
                    *id = now;
                }
            }
            if self.id == *of {
                (self.draft, self.id, self.difference) = (None, now, self.difference.at_the_top());
                self.came = self.came.emptied();
            }
        }
        self.came_due = true;
        self.ask(out);
    }

    fn edited(&mut self, edited: Result<Option<String>, Fault>, out: &mut Out<'_>) {
        match edited {
            Ok(Some(text)) => {
                // Kept until it is taken: what is refused is opened again as it was left.
                self.draft = Some(text.clone());
                out.command(Command::Modify(self.id, text));
            }
            Ok(None) if self.draft.is_some() => {
                if let Some(text) = self.draft.clone() {
                    out.command(Command::Modify(self.id, text));
                }
            }
            Ok(None) => out.say(Role::Info, "The text was left as it was"),
            Err(fault) => out.fault(&fault),
        }
    }

    fn click(&mut self, target: Target, out: &mut Out<'_>) {
        match target {
            Target::List(ListId::Diff) => self.beside = false,
            Target::List(ListId::Evidence) => self.beside = true,
            _ => return,
        }
        self.write(out);
    }

    fn wheel(&mut self, target: Target, by: isize, out: &mut Out<'_>) {
        match target {
            Target::List(ListId::Diff) => {
                let laid = self.reviewed.value().map(|reviewed| &reviewed.laid);
                self.difference.wheel(by, laid, out);
            }
            Target::List(list @ ListId::Evidence) => {
                self.words_offset = scroll::wheeled(by, self.words.len(), out.ctx.hits.of(list));
            }
            _ => {}
        }
    }

    fn back(&mut self, out: &mut Out<'_>) -> bool {
        let alone = out.zoomed || out.ctx.size.0 < draw::ONE;
        std::mem::take(&mut self.beside) && alone
    }

    fn copied(&self) -> Option<(String, String)> {
        let reviewed = self.reviewed.value()?;
        let proposal = &reviewed.shown.listed.proposal;
        let base = proposal.prompt_uri.at(proposal.base_version.clone()).to_string();
        let id = proposal.id.to_string();
        let diff = copied((&base, &reviewed.shown.base_text), (&id, &proposal.text), &reviewed.diff);
        Some((format!("{id} as a difference"), diff))
    }

    fn crumb(&self) -> String {
        self.id.to_string()
    }

    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>) {
        draw::draw(self, canvas, area, view);
    }
}
