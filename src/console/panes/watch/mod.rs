//! What got worse, for whoever is on call: versions that turned out worse and are active still, then streams, the worst
//! first, each with since when, how sure that is, how many calls it touches and what may be the cause; beside it everything
//! that is known of the selected one.
//!
//! ```text
//!  12.4 calls/s · 0.8% failed · $3.21/h · newest 2s ago · quarantine 0       counted up to 09:00
//! ‖ frozen at 09:12:44, 3m ago · 2 newer looks wait
//! ╭▌Watch ──────────── 3 of 12 rising ─╮ ╭ support.refund-reply ────────────╮
//! │ STATE   STREAM       WAS → NOW   M │ │ ◆ PAGE negative  M 29,614         │
//! │▌◆ PAGE  refund-reply 6% → 18%  29k │ │ now ──●──  18% [10%, 28%] of 222  │
//! │         negative since 08:00 · …   │ │ SUSPECTED CAUSE …                 │
//! ╰────────────────────────────────────╯ │ chart with the baseline's band    │
//!                                        ╰───────────────────────────────────╯
//! ```
//!
//! What is frozen is a copy of what was shown; new looks go on arriving underneath. Start with [`WatchPane`]; `rows` draws
//! the list, `detail` the stream, `regressed` what is said of a regression; `item` is what both have in common.

mod detail;
mod item;
mod regressed;
mod rows;
mod terms;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use item::Item;
use ratatui::layout::Rect;
use semver::Version;

use super::{Pane, View};
use crate::console::action::{Action, Where};
use crate::console::canvas::Canvas;
use crate::console::hitmap::{ListId, Target};
use crate::console::message::{Effect, Fault, Loaded, Ticket};
use crate::console::out::{Back, Open, Out, Place, Step, Then};
use crate::console::query::{Command, Query, Receipt, Reply};
use crate::console::tab::Tab;
use crate::console::widgets::list_state::ListState;
use crate::console::widgets::scroll;
use crate::domain::call::{HOUR_MS, Millis};
use crate::domain::prompt::PromptUri;
use crate::domain::proposal::ProposalId;
use crate::service::Watch;
use crate::service::live::{PromptPage, Rates};
use crate::theme::Role;

/// For how long a stream may be silenced: in words, and ms.
const SILENCES: [(&str, Millis); 4] =
    [("1 hour", HOUR_MS), ("4 hours", 4 * HOUR_MS), ("24 hours", 24 * HOUR_MS), ("7 days", 7 * 24 * HOUR_MS)];

/// How often it is drawn while what it says moves.
const SECOND: Duration = Duration::from_secs(1);

/// What is shown while the screen is held still.
#[derive(Debug)]
struct Held {
    since: Millis,
    look: Option<Arc<Watch>>,
    rates: Option<Rates>,
    /// Looks that came since.
    newer: usize,
}

/// What got worse.
#[derive(Debug, Default)]
pub struct WatchPane {
    look: Option<Arc<Watch>>,
    fault: Option<Fault>,
    rates: Loaded<Rates>,
    held: Option<Held>,
    filter: String,
    /// What the filter left, as indices of items of the look that is shown.
    rows: Vec<usize>,
    /// What a person chose, by its name; without that the worst prompt is selected, whichever it is.
    chosen: Option<String>,
    list: ListState,
    /// The page of the selected prompt, for its course over time.
    page: Loaded<Arc<PromptPage>>,
    /// Of which prompt.
    page_of: Option<String>,
    /// Whether the keys move in the detail.
    beside: bool,
    offset: usize,
    read_only: bool,
}

impl WatchPane {
    /// Whether the screen is held still.
    pub fn is_frozen(&self) -> bool {
        self.held.is_some()
    }

    /// The watch has looked.
    pub fn watched(&mut self, watch: &Arc<Watch>) {
        self.fault = None;
        if self.look.as_ref().is_some_and(|look| Arc::ptr_eq(look, watch)) {
            return;
        }
        self.look = Some(Arc::clone(watch));
        match &mut self.held {
            Some(held) => held.newer += 1,
            None => self.arrange(),
        }
    }

    /// It is on the screen after a look: what is selected may be another stream.
    pub fn follow(&mut self, out: &mut Out<'_>) {
        self.ask_course(out, false);
    }

    /// The watch could not look.
    pub fn failed(&mut self, fault: Fault) {
        self.fault = Some(fault);
    }

    /// The look that is shown.
    fn shown_look(&self) -> Option<&Watch> {
        match &self.held {
            Some(held) => held.look.as_deref(),
            None => self.look.as_deref(),
        }
    }

    fn shown_rates(&self) -> Option<&Rates> {
        match &self.held {
            Some(held) => held.rates.as_ref(),
            None => self.rates.value(),
        }
    }

    /// What is in a row.
    fn item(&self, row: usize) -> Option<Item<'_>> {
        item::at(self.shown_look()?, *self.rows.get(row)?)
    }

    fn selected(&self) -> Option<Item<'_>> {
        self.item(self.list.selected(self.rows.len())?)
    }

    /// The prompt of what is selected, as its URI.
    fn prompt(&self) -> Option<String> {
        self.selected()?.prompt()
    }

    /// Filters and orders the rows anew; the selection stays with what it is about.
    fn arrange(&mut self) {
        let Some(look) = self.shown_look() else {
            self.rows.clear();
            return;
        };
        let all = (0..item::count(look)).filter_map(|i| Some((i, item::at(look, i)?)));
        let mut items: Vec<(usize, Item<'_>)> = all.filter(|(_, item)| item.passes(&self.filter)).collect();
        items.sort_by_key(|(_, item)| item.rank());
        let first = |is: &dyn Fn(Item<'_>) -> bool| items.iter().position(|(_, item)| is(*item));
        let found = match &self.chosen {
            Some(name) => first(&|item| item.name() == *name),
            None => first(&|item| item.is_page() && item.prompt().is_some())
                .or_else(|| first(&|item| item.prompt().is_some()))
                .or(Some(0)),
        };
        let rows: Vec<usize> = items.into_iter().map(|(i, _)| i).collect();
        let index = found.unwrap_or(self.list.index).min(rows.len().saturating_sub(1));
        self.rows = rows;
        self.list.select(index);
    }

    /// The selection moved: it belongs to what it is about from now on.
    fn choose(&mut self, out: &mut Out<'_>) {
        self.chosen = self.selected().map(Item::name);
        self.offset = 0;
        self.ask_course(out, false);
    }

    /// Asks for the course of the selected prompt, if it is another one, or `anew`.
    fn ask_course(&mut self, out: &mut Out<'_>, anew: bool) {
        let uri = self.prompt();
        if uri != self.page_of {
            self.page.clear();
        } else if !anew {
            return;
        }
        self.page_of.clone_from(&uri);
        if let Some(uri) = uri {
            out.ask(&mut self.page, Query::Prompt(uri, out.window));
        }
    }

    fn freeze(&mut self, out: &mut Out<'_>) {
        if self.held.take().is_some() {
            self.arrange();
            self.ask_course(out, true);
        } else {
            let (look, rates) = (self.look.clone(), self.rates.value().copied());
            self.held = Some(Held { since: out.ctx.stamp.now, look, rates, newer: 0 });
            out.effect(Effect::WakeIn(SECOND));
        }
    }

    fn acknowledge(&self, out: &mut Out<'_>) {
        let Some(item) = self.selected() else { return };
        out.open(Open::Confirm {
            title: "Acknowledge".into(),
            lines: vec![(Role::Strong, item.name()), (Role::Text, item.acknowledged())],
            yes: "Acknowledge",
            weighty: None,
            step: Box::new(Step::Do(Box::new(Command::Acknowledge(item.name())))),
        });
    }

    fn silence(&self, out: &mut Out<'_>) {
        let Some(item) = self.selected() else { return };
        let now = out.ctx.stamp.now;
        let step = |length| Step::Do(Box::new(Command::Silence(item.name(), now + length)));
        let end = item.silenced_until().map(|_| ("no longer: let it alarm again".to_owned(), step(0)));
        let lengths = SILENCES.iter().map(|(words, length)| ((*words).to_owned(), step(*length)));
        let rows = end.into_iter().chain(lengths).collect();
        let title = format!("Silence {} for", item.title());
        out.open(Open::Choose { title, rows, selected: 1 });
    }

    fn roll_back(&self, out: &mut Out<'_>) {
        let (Some(item), Some(uri)) = (self.selected(), self.uri()) else { return };
        let (from, to, back) = match item {
            Item::Regression(found) => {
                (Some(found.new_version.clone()), Some(found.old_version.clone()), found.rollback)
            }
            Item::Stream(_) => {
                let (from, to) = self.versions(&uri);
                (from, to, None)
            }
        };
        let which = to.as_ref().map_or_else(|| "the version before".to_owned(), ToString::to_string);
        let mut lines = vec![format!("Why {which} is to be active again; it goes into the ledger.")];
        lines.extend(back.map(|back| format!("{back} proposes the same, and can be accepted instead.")));
        out.open(Open::Reason {
            title: format!("Roll back {}", uri.key),
            lines,
            recent: item.reasons(),
            then: Then::RollBack(Back { uri, from, to }),
        });
    }

    /// The active version of the selected prompt, and the one that was active before it, as its page says.
    fn versions(&self, uri: &PromptUri) -> (Option<Version>, Option<Version>) {
        let Some(page) = self.page.value().filter(|page| page.uri == *uri) else { return (None, None) };
        let mut active = page.history.iter().filter(|line| line.what == "active").map(|line| &line.version);
        let from = page.active.clone();
        let to = active.find(|version| from.as_ref().is_some_and(|from| from != *version)).cloned();
        (from, to)
    }

    fn uri(&self) -> Option<PromptUri> {
        self.prompt()?.parse().ok()
    }

    /// Of a regression: the proposal to go back while it waits, else the one that made the version active.
    fn proposal(&self) -> Option<ProposalId> {
        match self.selected()? {
            Item::Regression(found) => Some(found.rollback.unwrap_or(found.proposal)),
            Item::Stream(_) => None,
        }
    }

    /// Of a stream: its prompt, where proposals for it wait.
    fn waiting(&self) -> Option<String> {
        let uri = self.prompt()?;
        let page = self.page.value().filter(|_| self.page_of.as_ref() == Some(&uri))?;
        (page.open > 0).then_some(uri)
    }

    /// Calls still come, or the screen is held still: ages on it grow, so it is drawn again every second.
    fn ticks(&self) -> bool {
        self.is_frozen() || self.rates.value().is_some_and(|rates| rates.calls > 0.0)
    }

    /// A second has passed while it is shown.
    pub fn tick(&mut self, out: &mut Out<'_>) {
        if !self.ticks() {
            return;
        }
        if !self.is_frozen() && !self.rates.is_waiting() {
            out.ask(&mut self.rates, Query::Rates);
        }
        out.effect(Effect::WakeIn(SECOND));
    }
}

impl Pane for WatchPane {
    fn places(&self) -> &'static [Where] {
        &[Where::Watch, Where::List]
    }

    fn hints(&self) -> &'static [Action] {
        const HINTS: &[Action] = &[
            Action::Open,
            Action::Acknowledge,
            Action::Silence,
            Action::WatchRollBack,
            Action::Freeze,
            Action::Filter,
            Action::Right,
        ];
        const OF_REGRESSION: &[Action] = &[
            Action::Open,
            Action::WatchProposal,
            Action::WatchRollBack,
            Action::Acknowledge,
            Action::Silence,
            Action::Freeze,
            Action::Filter,
            Action::Right,
        ];
        if self.proposal().is_some() { OF_REGRESSION } else { HINTS }
    }

    fn objection(&self, action: Action) -> Option<String> {
        let decides = matches!(action, Action::Acknowledge | Action::Silence | Action::WatchRollBack);
        let of_prompt = matches!(action, Action::WatchRollBack | Action::WatchPrompt | Action::Open);
        let pooled = || self.selected().is_some_and(|item| item.prompt().is_none());
        let said = match action {
            _ if decides && self.read_only => "the console is read-only",
            _ if (decides || of_prompt) && self.selected().is_none() => "no stream is selected",
            _ if of_prompt && pooled() => "this stream is about many prompts, not about one",
            Action::WatchProposal if self.proposal().is_none() && self.waiting().is_none() => {
                "no proposal waits for it"
            }
            Action::WatchRollBack if self.uri().is_none() => "the prompt's name is no URI",
            _ => return None,
        };
        Some(said.to_owned())
    }

    fn shown(&mut self, out: &mut Out<'_>) {
        self.read_only = out.read_only;
        // What was awaited when it was left may have come while another pane was shown: it is asked for again.
        out.ask(&mut self.rates, Query::Rates);
        self.ask_course(out, !self.is_frozen() || self.page.is_waiting());
        if self.is_frozen() {
            out.effect(Effect::WakeIn(SECOND));
        }
    }

    fn changed(&mut self, out: &mut Out<'_>) {
        out.refresh(&mut self.rates, Query::Rates);
        match self.page_of.clone() {
            _ if self.is_frozen() => {}
            Some(uri) if self.page.is_waiting() => self.page.then(Query::Prompt(uri, out.window)),
            _ => self.ask_course(out, true),
        }
    }

    fn act(&mut self, action: Action, out: &mut Out<'_>) -> bool {
        match action {
            Action::Freeze => self.freeze(out),
            Action::Acknowledge => self.acknowledge(out),
            Action::Silence => self.silence(out),
            Action::WatchRollBack => self.roll_back(out),
            Action::Open | Action::WatchPrompt => {
                if let Some(uri) = self.prompt() {
                    out.step(Step::Push(Place::Prompt(uri)));
                }
            }
            Action::WatchProposal => {
                if let Some(id) = self.proposal() {
                    out.step(Step::Push(Place::Review(id, vec![id])));
                } else if let Some(uri) = self.waiting() {
                    out.step(Step::Go(Tab::Proposals));
                    out.step(Step::Filter(uri));
                }
            }
            Action::Right => self.beside = self.selected().is_some(),
            Action::Left => self.beside = false,
            _ if self.beside => {
                let view = out.ctx.hits.of(ListId::Stream);
                match scroll::scrolled(action, detail::lines(self), view) {
                    Some(offset) => self.offset = offset,
                    None => return false,
                }
            }
            _ => {
                if !self.list.act(action, self.rows.len(), out.ctx.hits.of(ListId::Watch)) {
                    return false;
                }
                self.choose(out);
            }
        }
        true
    }

    fn reply(&mut self, ticket: Ticket, answer: &Result<Reply, Fault>, out: &mut Out<'_>) {
        if self.rates.awaits(ticket) {
            let moved = self.ticks();
            match answer {
                Ok(Reply::Rates(rates)) => _ = self.rates.take(ticket, Ok(*rates)),
                Err(fault) => _ = self.rates.take(ticket, Err(fault.clone())),
                Ok(_) => {}
            }
            if self.ticks() && !moved {
                out.effect(Effect::WakeIn(SECOND));
            }
        } else if self.page.awaits(ticket) {
            match answer {
                Ok(Reply::Prompt(page)) => _ = self.page.take(ticket, Ok(Arc::clone(page))),
                Err(fault) => _ = self.page.take(ticket, Err(fault.clone())),
                Ok(_) => {}
            }
        }
        out.follow(&mut self.rates);
        out.follow(&mut self.page);
    }

    fn done(&mut self, _receipt: &Receipt, out: &mut Out<'_>) {
        // What was decided is to be seen, whatever was held.
        if self.is_frozen() {
            self.freeze(out);
        }
    }

    fn click(&mut self, target: Target, out: &mut Out<'_>) {
        match target {
            Target::Row(ListId::Watch, row) => {
                self.beside = false;
                self.list.select(row);
                self.choose(out);
            }
            Target::List(ListId::Stream) => self.beside = true,
            _ => {}
        }
    }

    fn wheel(&mut self, target: Target, by: isize, out: &mut Out<'_>) {
        match target {
            Target::List(ListId::Stream) => {
                self.offset = scroll::wheeled(by, detail::lines(self), out.ctx.hits.of(ListId::Stream));
            }
            Target::List(ListId::Watch) => {
                self.list.wheel(by, self.rows.len(), out.ctx.hits.of(ListId::Watch));
                self.choose(out);
            }
            _ => {}
        }
    }

    fn filter(&self) -> Option<&str> {
        Some(&self.filter)
    }

    fn set_filter(&mut self, filter: String, out: &mut Out<'_>) {
        self.filter = filter;
        self.arrange();
        self.offset = 0;
        self.ask_course(out, false);
    }

    fn back(&mut self, _out: &mut Out<'_>) -> bool {
        std::mem::take(&mut self.beside)
    }

    fn copied(&self) -> Option<(String, String)> {
        let item = self.selected()?;
        let what = match item {
            Item::Regression(_) => "the proposal's number",
            Item::Stream(_) => "the stream's name",
        };
        Some((what.into(), item.name()))
    }

    fn crumb(&self) -> String {
        "watch".into()
    }

    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>) {
        rows::draw(self, canvas, area, view);
    }
}
