//! How the queue is drawn.

use ratatui::layout::Rect;

use super::order::{By, Listed, age, risk_word};
use super::{BELOW, BESIDE, Proposals};
use crate::console::action::Action;
use crate::console::canvas::Canvas;
use crate::console::hitmap::ListId;
use crate::console::panes::View;
use crate::console::panes::review::beside::risk_role;
use crate::console::query::QueueLine;
use crate::console::widgets::diff_view;
use crate::console::widgets::panel::Panel;
use crate::console::widgets::said::{not_refreshed, said};
use crate::console::widgets::table::{Column, RowCells, Table, Width};
use crate::domain::prompt::Scope;
use crate::engine::number::count;
use crate::theme::{Glyph, Role};

const COLUMNS: [(&str, Option<By>); 10] = [
    ("", None),
    ("ID", None),
    ("RISK", Some(By::Risk)),
    ("KIND", None),
    ("SCOPE", Some(By::Scope)),
    ("PROMPT", Some(By::Prompt)),
    ("TITLE", None),
    ("CALLS/D", Some(By::Impact)),
    ("AGE", Some(By::Age)),
    ("BY", Some(By::Drafter)),
];

/// What a heading sorts by.
pub fn sorted_by(column: usize) -> Option<By> {
    COLUMNS.get(column)?.1
}

/// The columns of the place where the selected proposal is shown, where there is room for it.
pub fn preview(size: (u16, u16), zoomed: bool) -> Option<u16> {
    let body = Rect { x: 0, y: 0, width: size.0, height: size.1.saturating_sub(2) };
    split(body, zoomed).1.map(|area| area.width)
}

/// The queue, and the place of what is selected; zoomed, the queue stands alone.
fn split(area: Rect, zoomed: bool) -> (Rect, Option<Rect>) {
    if zoomed {
        return (area, None);
    }
    if area.width >= BESIDE {
        let left = area.width * 11 / 20;
        return (
            Rect { width: left, ..area },
            Some(Rect { x: area.x + left, width: area.width - left, ..area }),
        );
    }
    if area.height >= BELOW && area.width >= 84 {
        let top = area.height * 2 / 5;
        return (
            Rect { height: top, ..area },
            Some(Rect { y: area.y + top, height: area.height - top, ..area }),
        );
    }
    (area, None)
}

impl Proposals {
    pub(super) fn draw_queue(&self, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>) {
        let (queue, beside) = split(area, view.zoomed);
        let title = match (self.listed, self.filter.is_empty()) {
            (Listed::Open, true) => match self.deferred(view.now) {
                0 => format!("Proposals: {} open", self.order.len()),
                n => format!("Proposals: {} open, {n} deferred", self.order.len() - n),
            },
            (listed, true) => format!("Proposals: {} {}", self.order.len(), listed.words()),
            (listed, false) => {
                let all = self.lines().iter().filter(|line| listed.has(line)).count();
                format!("Proposals: {} of {all} {}", self.order.len(), listed.words())
            }
        };
        let marked = match self.marked.len() {
            0 => String::new(),
            n => format!("{n} marked, "),
        };
        let order = if self.inverted { "from the other end " } else { "" };
        let refreshing =
            if self.lines.is_waiting() && self.lines.value().is_some() { ", refreshing" } else { "" };
        let note = format!("{marked}{order}by {}{refreshing}", self.by.words());
        let panel = Panel { title: &title, note: &note, active: view.focused, ..Panel::default() };
        let mut inside = panel.draw(canvas, queue);
        match (self.lines.value(), self.lines.fault()) {
            (None, Some(fault)) => said(canvas, inside, Role::Bad, &[&fault.text]),
            (None, None) => said(canvas, inside, Role::Muted, &["reading the proposals"]),
            (Some(_), fault) => {
                if let Some(fault) = fault {
                    inside = not_refreshed(canvas, inside, fault);
                }
                if self.order.is_empty() {
                    self.draw_empty(canvas, inside, view);
                } else {
                    self.draw_table(canvas, inside, view);
                }
            }
        }
        if let Some(area) = beside {
            self.draw_preview(canvas, area);
        }
    }

    /// How many of those that are listed were put off.
    fn deferred(&self, now: i64) -> usize {
        let lines = (0..self.order.len()).filter_map(|row| self.line(row));
        lines.filter(|line| line.open && line.until.is_some_and(|until| until > now)).count()
    }

    fn draw_empty(&self, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>) {
        let standing = view.key(Action::Standing);
        let (why, next) = if !self.filter.is_empty() {
            let back = view.key(Action::Back);
            (format!("nothing matches `{}`; {back} clears it", self.filter), String::new())
        } else if self.lines().is_empty() {
            let (agent, run) = (view.key(Action::Tab5), view.key(Action::RunNow));
            let why = "No proposals yet: the agent makes them out of evidence.";
            (why.to_owned(), format!("{agent} shows the agent; {run} lets it run"))
        } else if self.listed == Listed::Open {
            ("No proposals wait: all are decided.".to_owned(), format!("{standing} shows the decided ones"))
        } else {
            ("Nothing of this kind.".to_owned(), format!("{standing} shows others"))
        };
        said(canvas, area, Role::Muted, &[&why, &next]);
    }

    fn draw_table(&self, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>) {
        let title = |i: usize| COLUMNS[i].0;
        let columns = [
            Column::words(title(0), Width::Fixed(1), 9),
            Column::numbers(title(1), 4, 9),
            Column::words(title(2), Width::Fixed(4), 9),
            Column::words(title(3), Width::Fixed(8), 5),
            Column::words(title(4), Width::Fixed(5), 2),
            Column::words(title(5), Width::Between(20, 28), 9),
            Column::words(title(6), Width::Flex(20), 8),
            Column::numbers(title(7), 8, 6),
            Column::numbers(title(8), 4, 4),
            Column::words(title(9), Width::Fixed(14), 1),
        ];
        let sorted = COLUMNS.iter().position(|(_, by)| *by == Some(self.by));
        let table = Table {
            id: ListId::Proposals,
            columns: &columns,
            state: &self.list,
            len: self.order.len(),
            sort: sorted.map(|column| (column, self.inverted != (self.by == By::Impact))),
            focused: view.focused,
            dimmed: self.lines.fault().is_some() || self.lines.is_late(view.now),
        };
        let marks = [Glyph::Marked, Glyph::Unmarked, Glyph::Bad, Glyph::Good, Glyph::Frozen, Glyph::Arrow]
            .map(|glyph| canvas.glyph(glyph));
        table.draw(canvas, area, |row, cells| {
            if let Some(line) = self.line(row) {
                self.row(line, view.now, marks, cells);
            }
        });
    }

    fn row(&self, line: &QueueLine, now: i64, marks: [&str; 6], cells: &mut RowCells<'_, '_>) {
        let (role, mark) = match (self.marked.contains(&line.id), line.open) {
            (true, _) => (Role::Marked, marks[0]),
            (false, true) if line.until.is_some_and(|until| until > now) => (Role::Muted, marks[4]),
            (false, true) => (Role::Faint, marks[1]),
            (false, false) if line.status == "rejected" => (Role::Muted, marks[2]),
            (false, false) if matches!(line.status, "superseded" | "stale") => (Role::Muted, marks[5]),
            (false, false) => (Role::Muted, marks[3]),
        };
        let scope = match line.uri.scope() {
            Scope::Core => Role::Core,
            Scope::Org => Role::Org,
            Scope::User => Role::User,
        };
        let deferred = if line.open && line.until.is_some() { "deferred: " } else { "" };
        let (given, needed) = line.signatures;
        let signed = if needed > 1 { format!("{given} of {needed} signed: ") } else { String::new() };
        let status = if line.open { String::new() } else { format!("{}: ", line.status) };
        cells.put(role, mark);
        cells.put(Role::Muted, &line.id.0.to_string());
        cells.put(risk_role(line.risk.level), risk_word(line.risk.level));
        cells.put(Role::Muted, line.kind.as_str());
        cells.put(scope, line.uri.scope().as_str());
        cells.put(Role::Text, line.uri.key.as_str());
        cells.pieces(&[
            (Role::Info, &status),
            (Role::Caution, deferred),
            (Role::Info, &signed),
            (Role::Text, &line.title),
        ]);
        cells.put(Role::Text, &count(line.usage.calls_per_day.max(0.0).round() as u64));
        cells.put(Role::Muted, &age(now - line.created_at));
        cells.put(Role::Muted, line.drafter.strip_prefix("drafted by ").unwrap_or(&line.drafter));
    }

    fn draw_preview(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let Some(line) = self.current() else {
            Panel::default().framed(canvas, area);
            return;
        };
        let title = line.id.to_string();
        let note = line.uri.key.as_str();
        let inside = Panel { title: &title, note, ..Panel::default() }.framed(canvas, area);
        let shown = self.preview.value().filter(|r| r.shown.listed.proposal.id == line.id);
        let mut inside = inside;
        let Some(reviewed) = shown else {
            if let Some(fault) = self.preview.fault() {
                said(canvas, inside, Role::Bad, &[&fault.text]);
            }
            return;
        };
        let old = self.preview.fault();
        if let Some(fault) = old {
            inside = not_refreshed(canvas, inside, fault);
        }
        let head = (self.words.len() as u16).min(inside.height / 2);
        for row in 0..head {
            self.words.draw(canvas, inside.x, inside.y + row, inside.width, usize::from(row));
        }
        if inside.height > head + 2 {
            let diff = Rect { y: inside.y + head + 1, height: inside.height - head - 1, ..inside };
            diff_view::draw(canvas, diff, &reviewed.laid, 0, ListId::Diff);
        }
        if old.is_some() {
            canvas.tint(inside, Role::Faint);
        }
    }
}
