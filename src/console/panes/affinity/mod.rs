//! Which model serves which prompt: a heat map, and for the selected prompt everything that a choice of model rests on,
//! as it is and as it would be if cost weighed otherwise.
//!
//! ```text
//! ╭▌Affinity ── by calls ▿ · 12 of 40 ─╮ ╭ support.refund-reply ──────────────╮
//! │             claude-   gpt-5-  llama│ │ ★ recommended: claude-haiku, 91%   │
//! │ ▌refund     █ 0.87★   ▅ 0.74  ░ 0.6│ │ cost weight ──│──●───── 0.14 what if│
//! │  summary    ▃ 0.66    ·       ▁ 0.4│ │ claude ──●── 0.87 [0.84, 0.90] 214 │
//! │ ▁<0.5 ▃<0.6 …  ░ insufficient      │ │ QUALITY COST LATENCY · WEIGHT      │
//! ╰────────────────────────────────────╯ ╰────────────────────────────────────╯
//! ```
//!
//! Rows keep their order while the cost weight moves, so that the eye can follow. The what-if shows and changes nothing.
//! Start with [`AffinityPane`]; `order` sorts and filters, `grid` draws the map, `detail` the prompt.

mod detail;
mod grid;
mod order;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use ratatui::layout::Rect;

use super::{Pane, View, choose_order};
use crate::console::action::{Action, Where};
use crate::console::canvas::Canvas;
use crate::console::hitmap::{ListId, Target};
use crate::console::message::{Fault, Loaded, Ticket};
use crate::console::out::{Out, Place, Step};
use crate::console::query::{Query, Reply};
use crate::console::widgets::heat::quantiles;
use crate::console::widgets::list_state::ListState;
use crate::console::widgets::scroll;
use crate::domain::affinity::PromptModelAffinity;
use crate::domain::snapshot::Verdict;
use crate::domain::window::WindowSpec;
use crate::engine::affinity::Exchange;
use crate::engine::what_if::{Contender, Outlook, outlook};
use crate::service::live::{AffinityGrid, AffinityLine};
use crate::theme::Role;
use order::Sort;

/// The weights of cost that can be chosen (γ of `statistics.md` 2.1), finer where a little is felt.
const NOTCHES: [f64; 12] = [0.0, 0.01, 0.02, 0.03, 0.05, 0.07, 0.10, 0.14, 0.20, 0.28, 0.38, 0.50];
/// The one that is set: the default of [`Exchange`].
const SET: usize = 5;

/// The selected prompt: its models, and how they stand.
#[derive(Debug)]
struct Chosen {
    /// Its models, as indices into the grid's.
    models: Vec<usize>,
    /// What is known of each.
    contenders: Vec<Contender>,
    /// How they stand as it is set.
    set: Outlook,
    /// How they would stand.
    now: Outlook,
}

/// Which model serves which prompt.
#[derive(Debug)]
pub struct AffinityPane {
    grid: Loaded<Arc<AffinityGrid>>,
    filter: String,
    sort: Sort,
    falling: bool,
    /// Lines of the grid that the filter left, in order.
    rows: Vec<usize>,
    /// What stands before them.
    names: Vec<String>,
    list: ListState,
    /// The selected prompt, by its URI.
    prompt: Option<String>,
    column: ListState,
    /// The selected model, by its name.
    model: Option<String>,
    /// The notch of the cost weight.
    notch: usize,
    /// Bounds of the shades: of the scores as it is set, so that shades move with the weight.
    bounds: [f64; 4],
    chosen: Option<Chosen>,
    /// Prompts whose best score moves to another model.
    moved: usize,
    /// Whether the keys move in the detail.
    beside: bool,
    offset: usize,
    /// The keys that move between models.
    keys: Option<[String; 2]>,
    /// The windows that were asked for, and answered, last.
    windows: [Option<WindowSpec>; 2],
}

impl Default for AffinityPane {
    fn default() -> Self {
        AffinityPane {
            grid: Loaded::default(),
            filter: String::new(),
            sort: Sort::default(),
            falling: true,
            rows: Vec::new(),
            names: Vec::new(),
            list: ListState::default(),
            prompt: None,
            column: ListState::default(),
            model: None,
            notch: SET,
            bounds: [0.0; 4],
            chosen: None,
            moved: 0,
            beside: false,
            offset: 0,
            keys: None,
            windows: [None; 2],
        }
    }
}

/// How cost weighs at a notch.
fn exchange(notch: usize) -> Exchange {
    if notch == SET { Exchange::default() } else { Exchange { cost: NOTCHES[notch], ..Exchange::default() } }
}

/// A cell's score at a notch.
fn score(cell: &PromptModelAffinity, notch: usize) -> f64 {
    if notch == SET {
        cell.affinity_score
    } else {
        cell.worth.weighed(Exchange::default(), exchange(notch)).score()
    }
}

/// The model with the best score of those with evidence enough.
fn best(line: &AffinityLine, notch: usize) -> Option<usize> {
    let enough = |cell: &&PromptModelAffinity| cell.verdict == Verdict::Sufficient;
    let scored = line.cells.iter().enumerate().filter_map(|(m, cell)| {
        let cell = cell.as_ref().filter(enough)?;
        Some((m, score(cell, notch)))
    });
    scored.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(m, _)| m)
}

impl AffinityPane {
    fn line(&self) -> Option<&AffinityLine> {
        let row = *self.rows.get(self.list.selected(self.rows.len())?)?;
        self.grid.value()?.lines.get(row)
    }

    fn is_what_if(&self) -> bool {
        self.notch != SET
    }

    /// Sorts and filters anew; the selection stays with its prompt and its model.
    fn arrange(&mut self) {
        let Some(grid) = self.grid.value().cloned() else { return };
        self.rows = order::rows(&grid, &self.filter, self.sort, self.falling);
        self.names = self.rows.iter().map(|row| grid.lines[*row].uri.key.to_string()).collect();
        let scores = grid.lines.iter().flat_map(|line| line.cells.iter().flatten());
        self.bounds =
            quantiles(scores.filter(|c| c.verdict == Verdict::Sufficient).map(|cell| cell.affinity_score));
        let wanted = self.prompt.as_deref();
        let found =
            self.rows.iter().position(|row| Some(grid.lines[*row].uri.to_string().as_str()) == wanted);
        self.list.select(found.unwrap_or(self.list.index).min(self.rows.len().saturating_sub(1)));
        let model = grid.models.iter().position(|model| Some(model) == self.model.as_ref());
        self.column.select(model.unwrap_or(self.column.index).min(grid.models.len().saturating_sub(1)));
        self.weigh();
    }

    /// Works out what the weight means for the selected prompt, and for how many it changes the best.
    fn weigh(&mut self) {
        self.chosen = self.line().map(|line| chosen(line, self.notch));
        self.moved = match self.grid.value().filter(|_| self.is_what_if()) {
            Some(grid) => grid.lines.iter().filter(|line| best(line, SET) != best(line, self.notch)).count(),
            None => 0,
        };
    }

    fn choose(&mut self) {
        self.prompt = self.line().map(|line| line.uri.to_string());
        self.offset = 0;
        self.chosen = self.line().map(|line| chosen(line, self.notch));
    }

    fn step_column(&mut self, by: isize) {
        let models = self.grid.value().map_or(0, |grid| grid.models.len());
        let next = self.column.index.saturating_add_signed(by).min(models.saturating_sub(1));
        self.column.select(next);
        self.model = self.grid.value().and_then(|grid| grid.models.get(next).cloned());
    }

    fn set_notch(&mut self, notch: usize) {
        self.notch = notch.min(NOTCHES.len() - 1);
        self.weigh();
    }

    fn set_sort(&mut self, sort: Sort, falling: bool, out: &mut Out<'_>) {
        (self.sort, self.falling) = (sort, falling);
        self.arrange();
        let from = if falling { "from high to low" } else { "from low to high" };
        out.say(Role::Info, format!("sorted by {}, {from}", sort.words()));
    }
}

fn chosen(line: &AffinityLine, notch: usize) -> Chosen {
    let known = line.cells.iter().enumerate().filter_map(|(m, cell)| Some((m, cell.as_ref()?)));
    let (models, contenders): (Vec<usize>, Vec<Contender>) = known
        .map(|(m, cell)| {
            let contender = Contender {
                worth: cell.worth,
                signals: cell.sample_size,
                cost_usd: cell.stats.avg_cost_usd,
                latency_ms: cell.stats.avg_latency_ms,
            };
            (m, contender)
        })
        .unzip();
    let set = Exchange::default();
    let (as_set, now) = (outlook(&contenders, set, set), outlook(&contenders, set, exchange(notch)));
    Chosen { models, contenders, set: as_set, now }
}

impl Pane for AffinityPane {
    fn places(&self) -> &'static [Where] {
        &[Where::Affinity, Where::List]
    }

    fn hints(&self) -> &'static [Action] {
        const HINTS: &[Action] = &[
            Action::CostLess,
            Action::CostMore,
            Action::CostReset,
            Action::AffinityOpen,
            Action::Filter,
            Action::Sort,
            Action::Open,
        ];
        HINTS
    }

    fn objection(&self, action: Action) -> Option<String> {
        let said = match action {
            Action::Open | Action::AffinityOpen if self.line().is_none() => "no prompt is selected",
            Action::CostReset if !self.is_what_if() => "cost weighs as it is set",
            Action::CostLess if self.notch == 0 => "cost weighs nothing already",
            Action::CostMore if self.notch + 1 == NOTCHES.len() => "more than this is not shown",
            _ => return None,
        };
        Some(said.to_owned())
    }

    fn shown(&mut self, out: &mut Out<'_>) {
        let key = |action| out.ctx.keymap.key(action);
        self.keys = key(Action::Left).zip(key(Action::Right)).map(<[String; 2]>::from);
        self.windows[0] = Some(out.window);
        out.ask(&mut self.grid, Query::Affinity(out.window));
    }

    fn act(&mut self, action: Action, out: &mut Out<'_>) -> bool {
        match action {
            Action::CostLess => self.set_notch(self.notch.saturating_sub(1)),
            Action::CostMore => self.set_notch(self.notch + 1),
            Action::CostReset => self.set_notch(SET),
            Action::AffinityOpen => {
                if let Some(line) = self.line() {
                    out.step(Step::Push(Place::Prompt(line.uri.to_string())));
                }
            }
            Action::Open => self.beside = self.line().is_some(),
            Action::Sort => {
                let at = Sort::ALL.iter().position(|sort| *sort == self.sort);
                out.open(choose_order(&Sort::ALL.map(Sort::words), at.unwrap_or_default()));
            }
            Action::SortNext => {
                let next = self.sort.step(1);
                self.set_sort(next, next.falls(), out);
            }
            Action::SortPrevious => {
                let next = self.sort.step(-1);
                self.set_sort(next, next.falls(), out);
            }
            Action::Invert => self.set_sort(self.sort, !self.falling, out),
            Action::Left if self.beside => self.beside = false,
            Action::Left => self.step_column(-1),
            Action::Right if !self.beside => self.step_column(1),
            _ if self.beside => {
                match scroll::scrolled(action, detail::lines(self), out.ctx.hits.of(ListId::Models)) {
                    Some(offset) => self.offset = offset,
                    None => return false,
                }
            }
            _ => {
                if !self.list.act(action, self.rows.len(), out.ctx.hits.of(ListId::Affinity)) {
                    return false;
                }
                self.choose();
            }
        }
        true
    }

    fn reply(&mut self, ticket: Ticket, answer: &Result<Reply, Fault>, _out: &mut Out<'_>) {
        if !self.grid.awaits(ticket) {
            return;
        }
        match answer {
            Ok(Reply::Affinity(grid)) => {
                self.grid.take(ticket, Ok(Arc::clone(grid)));
                self.windows[1] = self.windows[0];
                self.arrange();
            }
            Err(fault) => _ = self.grid.take(ticket, Err(fault.clone())),
            Ok(_) => {}
        }
    }

    fn click(&mut self, target: Target, out: &mut Out<'_>) {
        match target {
            Target::Row(ListId::Orders, nth) => {
                if let Some(sort) = Sort::ALL.get(nth).copied() {
                    let falling = if sort == self.sort { !self.falling } else { sort.falls() };
                    self.set_sort(sort, falling, out);
                }
            }
            Target::Row(ListId::Affinity, row) => {
                self.beside = false;
                self.list.select(row);
                self.choose();
            }
            Target::Column(ListId::Affinity, column) => {
                self.column.select(0);
                self.step_column(column as isize);
            }
            Target::Row(ListId::CostWeight, notch) => self.set_notch(notch),
            Target::List(ListId::Models) => self.beside = true,
            _ => {}
        }
    }

    fn wheel(&mut self, target: Target, by: isize, out: &mut Out<'_>) {
        match target {
            Target::List(ListId::Models) => {
                self.offset = scroll::wheeled(by, detail::lines(self), out.ctx.hits.of(ListId::Models));
            }
            Target::List(ListId::Affinity) => {
                self.list.wheel(by, self.rows.len(), out.ctx.hits.of(ListId::Affinity));
                self.choose();
            }
            _ => {}
        }
    }

    fn filter(&self) -> Option<&str> {
        Some(&self.filter)
    }

    fn earlier_window(&self) -> Option<WindowSpec> {
        let [asked, answered] = self.windows;
        answered.filter(|_| self.grid.is_waiting() && asked != answered)
    }

    fn set_filter(&mut self, filter: String, _out: &mut Out<'_>) {
        self.filter = filter;
        self.offset = 0;
        self.arrange();
    }

    fn back(&mut self, _out: &mut Out<'_>) -> bool {
        std::mem::take(&mut self.beside)
    }

    fn copied(&self) -> Option<(String, String)> {
        let line = self.line()?;
        Some(("the prompt's URI".into(), line.uri.to_string()))
    }

    fn crumb(&self) -> String {
        "affinity".into()
    }

    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>) {
        grid::draw(self, canvas, area, view);
    }
}
