//! Accept one proposal, or many: what is published is the text that stands here.
//!
//! ```text
//! ╭▌Accept PROPOSAL-12 ──────────────────────────────────── low risk ─╮
//! │ Remove 3 repeated sentences                                       │
//! │ publishes support.refund-reply@1.3.0 (text changed), after 1.2.1  │
//! │ 8,412 calls a day · signatures 0 of 1                             │
//! │                                                                   │
//! │  12 - Be polite. Be brief. Be polite.                             │
//! │  12 + Be polite. Be brief.                                        │
//! │                                                                   │
//! │                     [ Cancel ]    y  Accept                       │
//! ╰──────────────────────────────────────────────────── text 3fa2c1 ──╯
//! ```
//!
//! The decision carries the digest of each text that was drawn here. Many are accepted together only where all are of low
//! risk, and each is listed.

use std::fmt::Write as _;
use std::sync::Arc;

use ratatui::layout::Rect;

use super::Popup;
use super::confirm::{Answered, NO_ROOM, Question, scrolls};
use crate::console::canvas::Canvas;
use crate::console::hitmap::{ListId, Target};
use crate::console::keymap::Chord;
use crate::console::message::{Fault, Loaded, Ticket};
use crate::console::out::{Ctx, Out, Step};
use crate::console::query::{Command, Layout, Query, Reply, Reviewed};
use crate::console::widgets::diff_view::{self, Mode};
use crate::console::widgets::flow::Flow;
use crate::console::widgets::panel::{Panel, centred};
use crate::console::widgets::scroll;
use crate::domain::prompt::Scope;
use crate::domain::proposal::{ProposalId, RiskLevel};
use crate::engine::number::count;
use crate::service::proposals::Shown;
use crate::store::canary::Canary;
use crate::theme::{Glyph, Role};

/// Columns of the dialog, at most.
const WIDTH: u16 = 110;
/// Unchanged lines around each change.
const CONTEXT: usize = 1;
/// Lines of it that must have been seen.
const LEAST: usize = 3;

/// Accept one proposal, or many.
#[derive(Debug)]
pub struct Accept {
    items: Vec<(ProposalId, Loaded<Arc<Reviewed>>)>,
    question: Question,
    /// Whether a word was asked for already.
    judged: bool,
    offset: usize,
}

impl Accept {
    /// Of these proposals.
    pub fn new(ids: Vec<ProposalId>) -> Accept {
        let items = ids.into_iter().map(|id| (id, Loaded::default())).collect();
        Accept { items, question: Question::new(None), judged: false, offset: 0 }
    }

    /// Everything that is to be accepted, once all of it is here.
    fn all(&self) -> Option<Vec<&Reviewed>> {
        self.items.iter().map(|(_, slot)| slot.value().map(|reviewed| &**reviewed)).collect()
    }

    /// Why it cannot be accepted.
    fn obstacle(&self) -> Option<String> {
        if let Some(fault) = self.items.iter().find_map(|(_, slot)| slot.fault()) {
            return Some(fault.text.to_string());
        }
        let Some(all) = self.all() else { return Some("its text is still being read".to_owned()) };
        for reviewed in &all {
            let id = reviewed.shown.listed.proposal.id;
            if let Some(why) = &reviewed.shown.obstacle {
                return Some(format!("{id} cannot be accepted: {why}"));
            }
            if reviewed.shown.publishes.is_none() && !running(&reviewed.shown) {
                return Some(format!("{id} is {} already", reviewed.shown.listed.status));
            }
        }
        let weighty = all.iter().find(|reviewed| weight(reviewed) != RiskLevel::Low);
        weighty.filter(|_| all.len() > 1).map(|reviewed| {
            let Reviewed { shown, .. } = reviewed;
            format!("{} is not of low risk: accept it on its own", shown.listed.proposal.id)
        })
    }

    /// Once everything is here: whether the prompt's key must be typed.
    fn judge(&mut self) {
        let Some(all) = self.all() else { return };
        let word = match all.as_slice() {
            [one] => {
                let proposal = &one.shown.listed.proposal;
                let weighs =
                    proposal.prompt_uri.scope() == Scope::Core || proposal.risk.level == RiskLevel::High;
                weighs.then(|| proposal.prompt_uri.key.to_string())
            }
            _ => None,
        };
        // What was typed already stays.
        if word.is_some() != self.question.is_weighty() {
            self.question = Question::new(word);
        }
        self.judged = true;
    }

    fn body_width(size: (u16, u16)) -> u16 {
        WIDTH.min(size.0).saturating_sub(4)
    }

    fn decide(&self, out: &mut Out<'_>) {
        let Some(all) = self.all() else { return };
        let decided = all.iter().map(|r| (r.shown.listed.proposal.id, r.shown.digest)).collect();
        out.command(Command::Accept(decided));
        out.step(Step::Close);
    }
}

/// What it weighs: a core prompt is never light.
fn weight(reviewed: &Reviewed) -> RiskLevel {
    let proposal = &reviewed.shown.listed.proposal;
    match proposal.prompt_uri.scope() {
        Scope::Core => proposal.risk.level.max(RiskLevel::Medium),
        _ => proposal.risk.level,
    }
}

impl Popup for Accept {
    fn opened(&mut self, out: &mut Out<'_>) {
        let width = Accept::body_width(out.ctx.size);
        let layout = Layout { width, mode: Mode::Unified, context: Some(CONTEXT), invisibles: false };
        for (id, slot) in &mut self.items {
            out.ask(slot, Query::Review(*id, layout));
        }
    }

    fn resized(&mut self, out: &mut Out<'_>) {
        // Laid out for other lines, it has not been seen like this.
        self.question.renew();
        self.judged = false;
        self.opened(out);
    }

    fn seen(&mut self, ctx: &Ctx<'_>) {
        // Only what has been read can have been seen, and only where there was room for the beginning of it at least.
        if self.judged {
            let room = ctx.hits.of(ListId::Dialog).height;
            self.question.drawn(room >= LEAST.min(self.length()), ctx.stamp);
        }
    }

    fn writes(&self) -> bool {
        self.question.is_weighty()
    }

    fn key(&mut self, chord: Chord, repeat: bool, out: &mut Out<'_>) {
        if let Some(action) = scrolls(chord, self.question.is_weighty()) {
            let view = out.ctx.hits.of(ListId::Dialog);
            self.offset = scroll::scrolled(action, self.length(), view).unwrap_or(self.offset);
            return;
        }
        match self.question.key(chord, repeat, out.ctx.stamp) {
            Answered::Yes if self.obstacle().is_none() => self.decide(out),
            Answered::No => out.step(Step::Close),
            Answered::Yes | Answered::Nothing => {}
        }
    }

    fn paste(&mut self, text: &str, _out: &mut Out<'_>) {
        self.question.paste(text);
    }

    fn mouse(&mut self, target: Target, by: isize, out: &mut Out<'_>) {
        if matches!(target, Target::List(ListId::Dialog)) && by != 0 {
            self.offset = scroll::wheeled(by, self.length(), out.ctx.hits.of(ListId::Dialog));
        }
    }

    fn reply(&mut self, ticket: Ticket, answer: &Result<Reply, Fault>, _out: &mut Out<'_>) {
        for (_, slot) in &mut self.items {
            let answer = match answer {
                Ok(Reply::Review(reviewed)) => Ok(Arc::clone(reviewed)),
                Ok(_) => continue,
                Err(fault) => Err(fault.clone()),
            };
            if slot.take(ticket, answer) {
                self.judge();
                return;
            }
        }
    }

    fn hints(&self) -> Vec<(&'static str, &'static str)> {
        if self.obstacle().is_some() {
            return vec![("esc", "close"), ("up/down", "scroll")];
        }
        let mut hints = self.question.hints("accept");
        hints.push(("up/down", "scroll"));
        hints
    }

    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let width = WIDTH.min(area.width);
        let inner = width.saturating_sub(4);
        let mut head = Flow::default();
        let (title, note, foot) = match self.items.as_slice() {
            [(id, slot)] => match slot.value() {
                Some(reviewed) => {
                    one(&mut head, reviewed, inner);
                    let level = reviewed.shown.listed.proposal.risk.level;
                    let digest: String = reviewed.shown.digest.to_string().chars().take(12).collect();
                    (format!("Accept {id}"), format!("{} risk", level.as_str()), format!("text {digest}"))
                }
                None => (format!("Accept {id}"), String::new(), String::new()),
            },
            items => {
                (format!("Accept {} proposals", items.len()), "all of low risk".to_owned(), String::new())
            }
        };
        let obstacle = self.obstacle();
        if let Some(why) = &obstacle {
            let waits = self.all().is_none() && self.items.iter().all(|(_, slot)| slot.fault().is_none());
            head.words(why, if waits { Role::Muted } else { Role::Bad }, inner);
        }
        let foot_height = self.question.height();
        let wanted =
            [usize::from(head.rows()), self.length(), usize::from(foot_height) + 4].iter().sum::<usize>();
        let wanted = u16::try_from(wanted).unwrap_or(u16::MAX);
        let place = centred(area, width, wanted.max(8));
        canvas.fill(place, Role::Dialog);
        let panel = Panel { title: &title, note: &note, foot: &foot, active: true };
        let inside = panel.framed(canvas, place);
        let foot_height = foot_height.min(inside.height);
        let top = head.rows().min(inside.height.saturating_sub(foot_height));
        for line in 0..top {
            head.draw(canvas, inside.x, inside.y + line, inside.width, usize::from(line));
        }
        let used = top + 1 + 1 + foot_height;
        if inside.height > used {
            let body = Rect { y: inside.y + top + 1, height: inside.height - used, ..inside };
            self.body(canvas, body);
        }
        let room = usize::from(inside.height.saturating_sub(used));
        if obstacle.is_none() && room < LEAST.min(self.length()) && inside.height > foot_height {
            // Why `y` does nothing.
            let y = inside.bottom() - foot_height - 1;
            canvas.fill(Rect { y, height: 1, ..inside }, Role::Dialog);
            let mark = canvas.glyph(Glyph::Caution);
            let pieces = [(Role::Caution, mark), (Role::Text, " "), (Role::Caution, NO_ROOM)];
            canvas.pieces(inside.x, y, inside.width, &pieces);
        }
        let foot = Rect { y: inside.bottom() - foot_height, height: foot_height, ..inside };
        self.question.draw(canvas, foot, "Accept", obstacle.is_none());
    }
}

impl Accept {
    /// Lines of what is between the head and the buttons.
    fn length(&self) -> usize {
        match self.items.as_slice() {
            [(_, slot)] => slot.value().map_or(0, |reviewed| reviewed.laid.len()),
            items => items.len() * 2,
        }
    }

    fn body(&self, canvas: &mut Canvas<'_>, area: Rect) {
        if let [(_, slot)] = self.items.as_slice() {
            if let Some(reviewed) = slot.value() {
                diff_view::draw(canvas, area, &reviewed.laid, self.offset, ListId::Dialog);
            }
            return;
        }
        let height = usize::from(area.height);
        let offset = scroll::held(self.offset, height, self.length());
        canvas.hits.view(ListId::Dialog, crate::console::hitmap::View { offset, height });
        canvas.hits.zone(area, Target::List(ListId::Dialog));
        for row in 0..height {
            let (item, second) = (usize::midpoint(offset, row), (offset + row) % 2 == 1);
            let Some((id, slot)) = self.items.get(item) else { break };
            let y = area.y + row as u16;
            match slot.value() {
                None => _ = canvas.put(area.x, y, area.width, &id.to_string(), Role::Muted),
                Some(reviewed) if second => {
                    canvas.put(
                        area.x + 2,
                        y,
                        area.width.saturating_sub(2),
                        &consequence(reviewed),
                        Role::Muted,
                    );
                }
                Some(reviewed) => {
                    let proposal = &reviewed.shown.listed.proposal;
                    let id = format!("{id}  ");
                    let counts = format!("  +{} -{}", reviewed.diff.added, reviewed.diff.removed);
                    canvas.pieces(
                        area.x,
                        y,
                        area.width,
                        &[(Role::Strong, &id), (Role::Text, &proposal.title), (Role::Muted, &counts)],
                    );
                }
            }
        }
    }
}

/// Whether a canary serves it already.
fn running(shown: &Shown) -> bool {
    shown.listed.canary.as_ref().is_some_and(Canary::is_running)
}

/// What accepting it does, in a line.
fn consequence(reviewed: &Reviewed) -> String {
    let shown = &reviewed.shown;
    let base = &shown.listed.proposal.base_version;
    match &shown.publishes {
        Some(publishes) => {
            let what = if shown.listed.proposal.to_version.is_some() { "goes back to" } else { "publishes" };
            let version = publishes.uri.version.as_ref().map(|v| format!("@{v}")).unwrap_or_default();
            format!("{what} {}{version} ({} changed), after {base}", publishes.uri.key, publishes.change)
        }
        None if running(shown) => format!("its canary becomes active for all, after {base}"),
        None => format!("a change of {base}"),
    }
}

fn one(head: &mut Flow, reviewed: &Reviewed, width: u16) {
    let listed = &reviewed.shown.listed;
    let proposal = &listed.proposal;
    head.words(&proposal.title, Role::Strong, width);
    head.words(&consequence(reviewed), Role::Text, width);
    let mut usage = format!(
        "{} calls a day, signatures {} of {}",
        count(proposal.usage.calls_per_day.max(0.0).round() as u64),
        listed.signatures.by.len(),
        listed.signatures.needed
    );
    if !proposal.usage.extended_by.is_empty() {
        let _ = write!(usage, ", extended by {}", proposal.usage.extended_by.len());
    }
    head.words(&usage, Role::Muted, width);
    for reason in proposal.risk.reasons.iter().filter(|reason| reason.level == RiskLevel::High) {
        head.words(&format!("high risk: {}", reason.text), Role::Bad, width);
    }
}
