//! The leaderboard: all prompts, ranked. Start with [`Leaderboard`]; its columns are in `columns`, its screen in `screen`.
//!
//! Only a stretch of lines around the view is held; moving towards its ends asks for the next. The selection is a prompt,
//! not a row: it stays when rows are sorted anew, come and go.

mod columns;
mod screen;
#[cfg(test)]
mod tests;
mod welcome;

use std::sync::Arc;

use columns::{Choice, Key};
use ratatui::layout::Rect;

use super::{Pane, View};
use crate::console::action::{Action, Where};
use crate::console::canvas::Canvas;
use crate::console::hitmap::{ListId, Target};
use crate::console::message::{Fault, Loaded, Ticket};
use crate::console::out::{Open, Out, Place, Step};
use crate::console::query::{Leaders, Query, Reply};
use crate::console::tab::Tab;
use crate::console::widgets::list_state::ListState;
use crate::domain::window::WindowSpec;
use crate::engine::rank::{Column, Sort};
use crate::service::live::{Attribute, BoardLine, BoardPage, BoardWish, First, Group};

/// Lines that are asked for at once.
const STRETCH: usize = 200;
/// Lines from the end of the stretch at which the next is asked for.
const NEAR: usize = 50;

/// A place among everything that sorts, as clicks name it: the columns, then what is no column.
fn place_of(key: Key) -> usize {
    let place = match key {
        Key::Column(column) => Column::ALL.iter().position(|(other, ..)| *other == column),
        Key::Attribute(attribute) => {
            let place = Attribute::ALL.iter().position(|(other, _)| *other == attribute);
            place.map(|place| Column::ALL.len() + place)
        }
    };
    place.unwrap_or_default()
}

/// What stands in such a place.
fn key_at(place: usize) -> Option<Key> {
    let attribute = || Some(Key::Attribute(Attribute::ALL.get(place - Column::ALL.len())?.0));
    Column::ALL.get(place).map(|(column, ..)| Key::Column(*column)).or_else(attribute)
}

/// The leaderboard.
#[derive(Debug, Default)]
pub struct Leaderboard {
    page: Loaded<Arc<BoardPage>>,
    leaders: Loaded<Arc<Leaders>>,
    /// The windows that who leads was asked for, and answered, last.
    led: [Option<WindowSpec>; 2],
    /// What is shown was asked for with this.
    shown: Option<BoardWish>,
    /// The newest question.
    asked: Option<BoardWish>,
    /// Whether something changed after the newest question: the lines that are near by then are asked for once it is answered.
    again: bool,
    list: ListState,
    /// The selected prompt, by its name.
    selected: Option<String>,
    filter: String,
    sort: Sort,
    group: Group,
    /// What orders before the column.
    first: Option<First>,
    choice: Choice,
    /// Columns that are left out after the name.
    skip: usize,
    /// The key that fills an empty store with the demo.
    demo: Option<String>,
}

impl Leaderboard {
    /// The question for what is near the selection, with this many rows in view.
    fn wish(&self, out: &Out<'_>) -> BoardWish {
        let count = STRETCH.max(out.ctx.hits.of(ListId::Board).height * 4);
        BoardWish {
            window: out.window,
            filter: self.filter.clone(),
            sort: self.sort,
            group: self.group,
            from: self.list.index.saturating_sub(count / 2),
            count,
            seek: self.selected.clone(),
            first: self.first,
        }
    }

    fn ask(&mut self, out: &mut Out<'_>) {
        let wish = self.wish(out);
        self.again = false;
        self.asked = Some(wish.clone());
        out.ask(&mut self.page, Query::Board(wish));
    }

    fn ask_leaders(&mut self, out: &mut Out<'_>) {
        self.led[0] = Some(out.window);
        out.ask(&mut self.leaders, Query::Leaders(out.window));
    }

    /// Asks for lines that are near and not there.
    fn fetch(&mut self, out: &mut Out<'_>) {
        let Some(page) = self.page.value() else { return };
        let end = page.from + page.lines.len();
        let (at, near) = (self.list.index, NEAR.max(out.ctx.hits.of(ListId::Board).height));
        let above = page.from > 0 && at < page.from + near;
        let below = end < page.matched && at + near >= end;
        let wish = self.wish(out);
        let coming = self.page.is_waiting()
            && self.asked.as_ref().is_some_and(|asked| {
                (asked.from..asked.from + asked.count).contains(&at) && alike(asked, &wish)
            });
        // What has just been answered would be answered alike.
        let known = !self.page.is_waiting() && self.shown.as_ref() == Some(&wish);
        if (above || below) && !coming && !known {
            self.ask(out);
        }
    }

    fn len(&self) -> usize {
        self.page.value().map_or(0, |page| page.matched)
    }

    /// The line at an index, if it is among those that are held.
    fn line(&self, index: usize) -> Option<&BoardLine> {
        let page = self.page.value()?;
        page.lines.get(index.checked_sub(page.from)?)
    }

    fn current(&self) -> Option<&BoardLine> {
        self.line(self.list.selected(self.len())?)
    }

    /// The selected prompt is the one at the index, as soon as that is known.
    fn hold(&mut self) {
        self.selected = self.current().map(|line| line.line.prompt.clone());
    }

    /// Whether what is shown answers another question than the one that waits.
    fn is_stale(&self) -> bool {
        self.page.is_waiting()
            && match (&self.shown, &self.asked) {
                (Some(shown), Some(asked)) => !alike(shown, asked),
                _ => false,
            }
    }

    /// What it is sorted by.
    fn key(&self) -> Key {
        self.first.map_or(Key::Column(self.sort.column), |first| Key::Attribute(first.attribute))
    }

    /// Sorts by something, its usual way round, or `turned`.
    fn sort_by(&mut self, key: Key, turned: bool, out: &mut Out<'_>) {
        match key {
            Key::Column(column) => {
                let usual = Sort::by(column);
                self.sort = Sort { descending: usual.descending != turned, ..usual };
                self.first = None;
            }
            Key::Attribute(attribute) => self.first = Some(First { attribute, turned }),
        }
        self.ask(out);
    }

    /// Whether what sorts is turned round.
    fn is_turned(&self) -> bool {
        self.first.map_or(self.sort != Sort::by(self.sort.column), |first| first.turned)
    }

    /// The columns that sort in this view, from left to right, as they fit on the terminal.
    fn sortable(&self, out: &Out<'_>) -> Vec<Key> {
        let width = screen::table_width(out.ctx.size.0, out.zoomed);
        let plan = columns::plan(self.choice, self.key(), width, self.skip);
        plan.0.iter().map(|(cell, ..)| cell.sorts()).collect()
    }

    fn step_sort(&mut self, by: isize, out: &mut Out<'_>) {
        let keys = self.sortable(out);
        if keys.is_empty() {
            return;
        }
        let at = keys.iter().position(|key| *key == self.key()).unwrap_or(0) as isize;
        let next = keys[(at + by).rem_euclid(keys.len() as isize) as usize];
        self.sort_by(next, false, out);
    }

    fn choose_sort(&self, out: &mut Out<'_>) {
        // The mean latency has no column: its quantiles have.
        let columns = Column::ALL.iter().filter(|(column, ..)| *column != Column::Latency);
        let columns = columns.map(|(column, _, long)| (Key::Column(*column), *long));
        let attributes = Attribute::ALL.iter().map(|(attribute, word)| (Key::Attribute(*attribute), *word));
        let keys: Vec<(Key, &str)> = attributes.chain(columns).collect();
        let selected = keys.iter().position(|(key, _)| *key == self.key()).unwrap_or(0);
        let rows = keys.into_iter().map(|(key, word)| {
            let turn = if key == self.key() { "  (again: reverse)" } else { "" };
            (format!("{word}{turn}"), Step::Click(Target::Column(ListId::Board, place_of(key))))
        });
        out.open(Open::Choose { title: "Sort by".into(), rows: rows.collect(), selected });
    }

    /// Leaves columns out at the left, or shows them again.
    fn shift(&mut self, by: isize) {
        self.skip = self.skip.saturating_add_signed(by).min(columns::most_skipped(self.choice));
    }

    fn open(&self, out: &mut Out<'_>) {
        if let Some(line) = self.current().filter(|line| line.uri.is_some()) {
            out.step(Step::Push(Place::Prompt(line.line.prompt.clone())));
        }
    }

    /// Takes a page: finds the selected prompt in it, wherever it is now.
    fn settle(&mut self, out: &mut Out<'_>) {
        let Some(page) = self.page.value().cloned() else { return };
        let asked = self.asked.clone();
        let narrowed =
            self.shown.as_ref().map(|wish| &wish.filter) != asked.as_ref().map(|wish| &wish.filter);
        let before = self.list.index;
        let among = |name: &String| page.lines.iter().position(|line| line.line.prompt == *name);
        if let Some(name) = &self.selected {
            let sought = asked.as_ref().is_some_and(|wish| wish.seek.as_ref() == Some(name));
            let found = among(name).map(|i| i + page.from).or(page.found.filter(|_| sought));
            if let Some(found) = found {
                self.list.index = found;
                // The row stays where the eye is.
                let moved = found as isize - before as isize;
                self.list.offset = self.list.offset.saturating_add_signed(moved);
            } else if narrowed {
                self.list.select(0);
            }
        }
        self.list.index = self.list.index.min(page.matched.saturating_sub(1));
        self.shown = asked;
        if self.current().is_some() {
            self.hold();
        }
        if self.again {
            self.ask(out);
        } else {
            self.fetch(out);
        }
    }
}

/// Whether two questions differ in nothing but which lines they want.
fn alike(a: &BoardWish, b: &BoardWish) -> bool {
    let order = |wish: &BoardWish| (wish.sort, wish.first, wish.group);
    (a.window, &a.filter, order(a)) == (b.window, &b.filter, order(b))
}

impl Pane for Leaderboard {
    fn places(&self) -> &'static [Where] {
        &[Where::Board, Where::List]
    }

    fn hints(&self) -> &'static [Action] {
        if self.page.value().is_some_and(|page| page.total == 0) {
            return &[Action::Demo, Action::Refresh];
        }
        &[
            Action::Open,
            Action::Filter,
            Action::Sort,
            Action::View,
            Action::Group,
            Action::Window,
            Action::BoardProposals,
            Action::Palette,
        ]
    }

    fn objection(&self, action: Action) -> Option<String> {
        let line = self.current();
        match action {
            Action::Open | Action::BoardProposals if line.is_none() => Some("no prompt is selected".into()),
            Action::Open if line.is_some_and(|line| line.uri.is_none()) => {
                Some("these calls name no prompt: there is no page to open".into())
            }
            Action::BoardProposals if line.is_some_and(|line| line.open == 0) => {
                Some("no proposal waits for this prompt".into())
            }
            _ => None,
        }
    }

    fn shown(&mut self, out: &mut Out<'_>) {
        self.demo = out.ctx.keymap.key(Action::Demo).filter(|_| !out.read_only);
        // What was awaited when it was left may have come while another pane was shown: it is asked for again.
        self.ask(out);
        self.ask_leaders(out);
    }

    fn changed(&mut self, out: &mut Out<'_>) {
        let wish = self.wish(out);
        let same = self.asked.as_ref().is_some_and(|asked| alike(asked, &wish));
        let other = self.asked.as_ref().is_none_or(|asked| asked.window != wish.window);
        // An answer that is awaited is asked for again once it is there: under a stream of changes none would ever come.
        if self.page.is_waiting() && same {
            self.again = true;
        } else {
            self.ask(out);
        }
        if other {
            self.ask_leaders(out);
        } else {
            out.refresh(&mut self.leaders, Query::Leaders(out.window));
        }
    }

    fn act(&mut self, action: Action, out: &mut Out<'_>) -> bool {
        if self.list.act(action, self.len(), out.ctx.hits.of(ListId::Board)) {
            self.hold();
            self.fetch(out);
            return true;
        }
        match action {
            Action::Open => self.open(out),
            Action::SortNext => self.step_sort(1, out),
            Action::SortPrevious => self.step_sort(-1, out),
            Action::Invert => self.sort_by(self.key(), !self.is_turned(), out),
            Action::Sort => self.choose_sort(out),
            Action::View => {
                self.choice = self.choice.next();
                self.skip = 0;
            }
            Action::Right => self.shift(1),
            Action::Left => self.shift(-1),
            Action::Group => {
                self.group = match self.group {
                    Group::None => Group::Scope,
                    Group::Scope => Group::TaskType,
                    Group::TaskType => Group::Owner,
                    Group::Owner => Group::None,
                };
                self.ask(out);
            }
            Action::BoardProposals => {
                if let Some(line) = self.current() {
                    out.step(Step::Go(Tab::Proposals));
                    out.step(Step::Filter(line.line.prompt.clone()));
                }
            }
            _ => return false,
        }
        true
    }

    fn reply(&mut self, ticket: Ticket, answer: &Result<Reply, Fault>, out: &mut Out<'_>) {
        let page = answer.clone().and_then(|reply| match reply {
            Reply::Board(page) => Ok(page),
            _ => Err(Fault::new("this is no leaderboard")),
        });
        if self.page.take(ticket, page) {
            if answer.is_ok() {
                self.settle(out);
            }
            return;
        }
        let leaders = answer.clone().and_then(|reply| match reply {
            Reply::Leaders(leaders) => Ok(leaders),
            _ => Err(Fault::new("this says not who leads")),
        });
        if self.leaders.take(ticket, leaders) {
            if answer.is_ok() {
                self.led[1] = self.led[0];
            }
            out.follow(&mut self.leaders);
        }
    }

    fn click(&mut self, target: Target, out: &mut Out<'_>) {
        match target {
            Target::Row(ListId::Board, index) if self.selected.is_some() && index == self.list.index => {
                self.open(out);
            }
            Target::Row(ListId::Board, index) => {
                self.list.select(index);
                self.hold();
                self.fetch(out);
            }
            Target::Column(ListId::Board, place) => {
                if let Some(key) = key_at(place) {
                    self.sort_by(key, key == self.key() && !self.is_turned(), out);
                }
            }
            _ => {}
        }
    }

    fn wheel(&mut self, _target: Target, by: isize, out: &mut Out<'_>) {
        self.list.wheel(by, self.len(), out.ctx.hits.of(ListId::Board));
        self.hold();
        self.fetch(out);
    }

    fn filter(&self) -> Option<&str> {
        Some(&self.filter)
    }

    fn filter_syntax(&self) -> &'static [&'static str] {
        &["words", "!word", "health:page", "scope:core", "neg>10", "calls>1k"]
    }

    fn filter_fault(&self) -> Option<&str> {
        self.page.value()?.fault.as_deref()
    }

    fn earlier_window(&self) -> Option<WindowSpec> {
        let (shown, asked) = (self.shown.as_ref()?.window, self.asked.as_ref()?.window);
        (self.page.is_waiting() && shown != asked).then_some(shown)
    }

    fn set_filter(&mut self, filter: String, out: &mut Out<'_>) {
        self.filter = filter;
        self.ask(out);
    }

    fn copied(&self) -> Option<(String, String)> {
        let name = self.current()?.line.prompt.clone();
        Some((name.clone(), name))
    }

    fn crumb(&self) -> String {
        Tab::Prompts.title().to_owned()
    }

    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>) {
        screen::draw(self, canvas, area, view);
    }
}
