//! The page of one prompt: how it does over time, by version, layer, model and source; its text, its history, its calls.
//!
//! ```text
//!  support.reply   org acme   2.1.0   ◆ PAGE since 14:00
//!  12,403 calls · score 0.71 [0.69, 0.73] · $84.20 · p95 2.1s · 2 proposals wait
//!  trends  parts  text  history  calls
//!  …
//! ```
//!
//! Narrow: one section at a time. Wide: trends at the left, another section at the right. Widest: all at once. Start with
//! [`PromptPane`]; `screen` lays out, each section has a file.

mod calls;
mod parts;
mod screen;
mod story;
#[cfg(test)]
mod tests;
mod trends;

use std::sync::Arc;

pub(super) use calls::signal_role;

use ratatui::layout::Rect;
use semver::Version;

use super::{Pane, View, words};
use crate::console::action::{Action, Where};
use crate::console::canvas::Canvas;
use crate::console::hitmap::{ListId, Target};
use crate::console::message::{Fault, Loaded, Ticket};
use crate::console::moment;
use crate::console::out::{Back, Open, Out, Place, Step, Then};
use crate::console::query::{Query, Reply, Versions};
use crate::console::tab::Tab;
use crate::console::widgets::list_state::ListState;
use crate::console::widgets::{prose, scroll};
use crate::domain::prompt::PromptUri;
use crate::domain::window::WindowSpec;
use crate::engine::number::count;
use crate::service::live::{CallPage, PromptPage};
use crate::theme::Role;

/// A line of pieces.
type Line = Vec<(Role, String)>;

/// A part of the page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Section {
    #[default]
    Trends,
    Parts,
    Text,
    History,
    Calls,
}

impl Section {
    const ALL: [Section; 5] =
        [Section::Trends, Section::Parts, Section::Text, Section::History, Section::Calls];

    const fn title(self) -> &'static str {
        match self {
            Section::Trends => "trends",
            Section::Parts => "parts",
            Section::Text => "text",
            Section::History => "history",
            Section::Calls => "calls",
        }
    }

    fn step(self, by: isize) -> Section {
        Section::ALL[(self as isize + by).rem_euclid(5) as usize]
    }
}

/// The text of the prompt, laid out for a width.
#[derive(Debug, Default)]
struct Text {
    width: u16,
    of: Option<Arc<PromptPage>>,
    laid: prose::Laid,
}

/// The page of one prompt.
#[derive(Debug, Default)]
pub struct PromptPane {
    uri: String,
    page: Loaded<Arc<PromptPage>>,
    calls: Loaded<Arc<CallPage>>,
    /// The window of the newest question.
    window: Option<WindowSpec>,
    /// That of the newest answer.
    answered: Option<WindowSpec>,
    section: Section,
    /// The first line in view, by section.
    offsets: [usize; 5],
    list: ListState,
    /// The selected call, by its id.
    selected: Option<String>,
    text: Text,
}

impl PromptPane {
    /// The page of the prompt with this URI.
    pub fn new(uri: String) -> PromptPane {
        PromptPane { uri, ..PromptPane::default() }
    }

    fn page_query(&self, out: &Out<'_>) -> Query {
        Query::Prompt(self.uri.clone(), out.window)
    }

    fn calls_query(&self, out: &Out<'_>) -> Query {
        Query::Calls(self.uri.clone(), out.window)
    }

    fn ask_calls(&mut self, out: &mut Out<'_>) {
        let query = self.calls_query(out);
        out.ask(&mut self.calls, query);
    }

    fn len(&self) -> usize {
        self.calls.value().map_or(0, |page| page.lines.len())
    }

    fn current(&self) -> Option<&str> {
        let at = self.list.selected(self.len())?;
        self.calls.value().and_then(|page| page.lines.get(at)).map(|line| line.id.as_str())
    }

    fn hold(&mut self) {
        // At the top one is held by its place: the newest call is selected, whichever that is.
        self.selected = self.current().filter(|_| self.list.index > 0).map(ToOwned::to_owned);
    }

    /// Lays the text out for the terminal as it is; nothing where that is done.
    fn lay(&mut self, out: &Out<'_>) {
        let Some(page) = self.page.value() else { return };
        let width = screen::text_width(out.ctx.size, out.zoomed, self.section);
        let same = self.text.of.as_ref().is_some_and(|of| of.text == page.text);
        if width > 0 && (!same || self.text.width != width) {
            let laid = prose::layout(&page.text, width, screen::SHOWING);
            self.text = Text { width, of: Some(Arc::clone(page)), laid };
        }
    }

    fn go(&mut self, section: Section, out: &mut Out<'_>) {
        self.section = section;
        self.lay(out);
        if self.calls.value().is_none() && !self.calls.is_waiting() {
            self.ask_calls(out);
        }
    }

    /// Versions that can be gone back to, newest first.
    fn earlier(&self) -> Vec<Version> {
        let Some(page) = self.page.value() else { return vec![] };
        page.versions.iter().rev().filter(|version| Some(*version) != page.active.as_ref()).cloned().collect()
    }

    fn roll_back(&self, out: &mut Out<'_>) {
        let Some(page) = self.page.value() else { return };
        let rows = self.earlier().into_iter().map(|version| {
            let part = page.snapshot.version_breakdown.iter().find(|part| part.version == version);
            let said = match part {
                Some(part) if part.part.call_count > 0 => {
                    let (_, score) = words::score(&part.part.score, "too little: ");
                    format!("{} calls in this window, score {score}", count(part.part.call_count))
                }
                _ => "no calls in this window".to_owned(),
            };
            let active = page.history.iter().find(|line| line.what == "active" && line.version == version);
            let when = active.map_or(String::new(), |line| {
                format!(", active {}", moment::dated(line.at, out.ctx.stamp.now))
            });
            (format!("{version}  {said}{when}"), reason(page, version))
        });
        out.open(Open::Choose {
            title: format!("Roll {} back to", page.uri.key),
            rows: rows.collect(),
            selected: 0,
        });
    }

    /// Asks which version is compared with the one before it.
    fn compare(&self, out: &mut Out<'_>) {
        let Some(page) = self.page.value() else { return };
        let rows = page.versions.windows(2).rev().map(|pair| {
            let (from, to) = (pair[0].clone(), pair[1].clone());
            let active = page.history.iter().find(|line| line.what == "active" && line.version == to);
            let when = active.map_or("never active".into(), |line| {
                format!("active {}", moment::dated(line.at, out.ctx.stamp.now))
            });
            let row = format!("{to} against {from}  {when}");
            (row, Step::Push(Place::Compare(Versions { uri: page.uri.unversioned(), from, to })))
        });
        out.open(Open::Choose {
            title: format!("What a version of {} changed", page.uri.key),
            rows: rows.collect(),
            selected: 0,
        });
    }

    fn settle_calls(&mut self) {
        let Some(page) = self.calls.value() else { return };
        if let Some(at) = self.selected.as_ref().and_then(|id| page.lines.iter().position(|l| l.id == *id)) {
            let moved = at as isize - self.list.index as isize;
            self.list.index = at;
            self.list.offset = self.list.offset.saturating_add_signed(moved);
        }
        self.hold();
    }
}

/// Asks why; the confirmation follows.
fn reason(page: &PromptPage, version: Version) -> Step {
    Step::Open(Box::new(Open::Reason {
        title: format!("Why does {} go back to {version}?", page.uri.key),
        lines: vec!["The reason is kept in the ledger, and everyone can read it.".into()],
        recent: vec![],
        then: Then::RollBack(Back {
            uri: page.uri.unversioned(),
            from: page.active.clone(),
            to: Some(version),
        }),
    }))
}

impl Pane for PromptPane {
    fn places(&self) -> &'static [Where] {
        &[Where::Prompt, Where::List]
    }

    fn hints(&self) -> &'static [Action] {
        if self.section == Section::Calls {
            &[Action::Open, Action::Section, Action::Window, Action::PromptProposals, Action::RollBack]
        } else {
            &[
                Action::Section,
                Action::Window,
                Action::Compare,
                Action::PromptProposals,
                Action::RollBack,
                Action::Copy,
            ]
        }
    }

    fn objection(&self, action: Action) -> Option<String> {
        let page = self.page.value();
        match action {
            Action::Open if self.section == Section::Calls && self.current().is_none() => {
                Some("no call is selected".into())
            }
            Action::RollBack | Action::PromptProposals | Action::Compare if page.is_none() => {
                Some("the prompt is still being read".into())
            }
            Action::RollBack if page.is_some_and(|page| page.versions.is_empty()) => {
                Some("its text is not published here: there is no version to go back to".into())
            }
            Action::Compare if page.is_some_and(|page| page.versions.len() < 2) => {
                Some("there are no two published versions to compare".into())
            }
            Action::RollBack if self.earlier().is_empty() => Some("only one version is published".into()),
            Action::PromptProposals if page.is_some_and(|page| page.open == 0) => {
                Some("no proposal waits for this prompt".into())
            }
            _ => None,
        }
    }

    fn shown(&mut self, out: &mut Out<'_>) {
        // What was awaited when it was left may have come while another pane was shown: it is asked for again.
        self.window = None;
        self.changed(out);
    }

    fn changed(&mut self, out: &mut Out<'_>) {
        let other = self.window.replace(out.window) != Some(out.window);
        let (page, calls) = (self.page_query(out), self.calls_query(out));
        let wanted = self.section == Section::Calls
            || screen::shows_all(out.ctx.size, out.zoomed)
            || self.calls.is_waiting()
            || self.calls.value().is_some();
        if other {
            out.ask(&mut self.page, page);
        } else {
            out.refresh(&mut self.page, page);
        }
        match (wanted, other) {
            (true, true) => out.ask(&mut self.calls, calls),
            (true, false) => out.refresh(&mut self.calls, calls),
            (false, _) => {}
        }
    }

    fn act(&mut self, action: Action, out: &mut Out<'_>) -> bool {
        if self.section == Section::Calls {
            if self.list.act(action, self.len(), out.ctx.hits.of(ListId::Calls)) {
                self.hold();
                return true;
            }
        } else if let Some(offset) =
            scroll::scrolled(action, self.lines(out), out.ctx.hits.of(ListId::Prompt))
        {
            self.offsets[self.section as usize] = offset;
            return true;
        }
        match action {
            Action::Section | Action::Right => self.go(self.section.step(1), out),
            Action::PreviousSection | Action::Left => self.go(self.section.step(-1), out),
            Action::Open if self.section != Section::Calls => self.go(Section::Calls, out),
            Action::Open => {
                if let Some(id) = self.current() {
                    out.step(Step::Push(Place::Call(id.to_owned())));
                }
            }
            Action::PromptProposals => {
                out.step(Step::Go(Tab::Proposals));
                out.step(Step::Filter(self.uri.clone()));
            }
            Action::Compare => self.compare(out),
            Action::RollBack if out.read_only => {
                out.say(crate::theme::Role::Caution, "The console is read-only: nothing is rolled back here");
            }
            Action::RollBack => self.roll_back(out),
            _ => return false,
        }
        true
    }

    fn reply(&mut self, ticket: Ticket, answer: &Result<Reply, Fault>, out: &mut Out<'_>) {
        let page = answer.clone().and_then(|reply| match reply {
            Reply::Prompt(page) => Ok(page),
            _ => Err(Fault::new("this is no prompt")),
        });
        if self.page.take(ticket, page) {
            if answer.is_ok() {
                self.answered = self.window;
            }
            self.lay(out);
            out.follow(&mut self.page);
            return;
        }
        let calls = answer.clone().and_then(|reply| match reply {
            Reply::Calls(calls) => Ok(calls),
            _ => Err(Fault::new("these are no calls")),
        });
        if self.calls.take(ticket, calls) {
            self.settle_calls();
            out.follow(&mut self.calls);
        }
    }

    fn click(&mut self, target: Target, out: &mut Out<'_>) {
        match target {
            Target::Column(ListId::Prompt, index) => {
                if let Some(section) = Section::ALL.get(index) {
                    self.go(*section, out);
                }
            }
            Target::Row(ListId::Calls, index) => {
                let again = self.section == Section::Calls && index == self.list.index;
                self.go(Section::Calls, out);
                self.list.select(index);
                self.hold();
                if again && let Some(id) = self.current() {
                    out.step(Step::Push(Place::Call(id.to_owned())));
                }
            }
            _ => {}
        }
    }

    fn wheel(&mut self, target: Target, by: isize, out: &mut Out<'_>) {
        if target == Target::List(ListId::Calls) {
            self.list.wheel(by, self.len(), out.ctx.hits.of(ListId::Calls));
            self.hold();
        } else if self.section != Section::Calls {
            let offset = scroll::wheeled(by, self.lines(out), out.ctx.hits.of(ListId::Prompt));
            self.offsets[self.section as usize] = offset;
        }
    }

    fn resized(&mut self, out: &mut Out<'_>) {
        self.lay(out);
        let all = screen::shows_all(out.ctx.size, out.zoomed);
        if all && self.calls.value().is_none() && !self.calls.is_waiting() {
            self.ask_calls(out);
        }
    }

    fn earlier_window(&self) -> Option<WindowSpec> {
        self.answered.filter(|_| self.page.is_waiting() && self.answered != self.window)
    }

    fn copied(&self) -> Option<(String, String)> {
        match (self.section, self.page.value()) {
            (Section::Text, Some(page)) if !page.text.is_empty() => {
                Some(("the prompt's text".into(), page.text.clone()))
            }
            (Section::Calls, _) => self.current().map(|id| (id.to_owned(), id.to_owned())),
            _ => Some((self.uri.clone(), self.uri.clone())),
        }
    }

    fn crumb(&self) -> String {
        match self.uri.parse::<PromptUri>() {
            Ok(uri) => uri.key.to_string(),
            Err(_) => self.uri.clone(),
        }
    }

    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>) {
        screen::draw(self, canvas, area, view);
    }
}

impl PromptPane {
    /// How many lines the section has that scrolls.
    fn lines(&self, out: &Out<'_>) -> usize {
        let Some(page) = self.page.value() else { return 0 };
        match self.section {
            Section::Trends => trends::lines(screen::trends_width(out.ctx.size, out.zoomed)),
            Section::Parts => parts::lines(page, out.ctx.size.0, "").len(),
            Section::Text => self.text.laid.len(),
            Section::History => {
                let width = screen::story_width(out.ctx.size, out.zoomed);
                story::lines(page, out.ctx.stamp.now, width, "").len()
            }
            Section::Calls => self.len(),
        }
    }
}
