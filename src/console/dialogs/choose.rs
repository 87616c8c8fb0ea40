//! One of a list: the column that sorts, how long something is put off, a theme.
//!
//! ```text
//! ╭─▌Put off until ─────────── 1-9 jumps ─╮
//! │ ▌ 1  tomorrow                         │
//! │   2  next week                        │
//! ╰───────────────────────────────────────╯
//! ```
//!
//! A theme is shown as it is selected, and a strip of it below the names.

use ratatui::layout::Rect;

use super::frame::{frame, split};
use super::{Popup, Seen};
use crate::console::action::Action;
use crate::console::canvas::Canvas;
use crate::console::hitmap::{ListId, Target, View};
use crate::console::keymap::{Chord, Key};
use crate::console::out::{Ctx, Out, Step};
use crate::console::widgets::list_state::ListState;
use crate::console::widgets::scroll;
use crate::theme::{Glyph, Role};

/// Rows of the strip that shows a theme, with the blank above it.
const STRIP: u16 = 4;

/// One of a list.
#[derive(Debug, Default)]
pub struct Choose {
    title: String,
    rows: Vec<(String, Step)>,
    list: ListState,
    /// Digits of a row's number.
    digits: String,
    /// The theme to go back to, where themes are chosen.
    before: Option<String>,
    seen: Seen,
}

impl Choose {
    /// A list: Enter takes the step of the selected row.
    pub fn list(title: String, rows: Vec<(String, Step)>, selected: usize) -> Choose {
        let list = ListState { index: selected.min(rows.len().saturating_sub(1)), offset: 0 };
        Choose { title, rows, list, ..Choose::default() }
    }

    /// Chooses a theme; each is shown as it is selected, and Esc goes back to the one before.
    pub fn theme(themes: &[String], now: &str) -> Choose {
        let rows = themes.iter().map(|name| (name.clone(), Step::Theme(name.clone()))).collect();
        let selected = themes.iter().position(|name| name == now).unwrap_or_default();
        Choose { before: Some(now.to_owned()), ..Choose::list("Theme".to_owned(), rows, selected) }
    }

    fn select(&mut self, index: usize, out: &mut Out<'_>) {
        let before = self.list.index;
        self.list.select(index.min(self.rows.len().saturating_sub(1)));
        self.moved(before, out);
    }

    /// Shows the theme that is selected now.
    fn moved(&self, before: usize, out: &mut Out<'_>) {
        if self.before.is_none() || self.list.index == before {
            return;
        }
        if let Some((name, _)) = self.rows.get(self.list.index) {
            out.step(Step::Theme(name.clone()));
        }
    }

    /// A digit selects the row of that number; more digits name a later one.
    fn digit(&mut self, digit: char, out: &mut Out<'_>) {
        self.digits.push(digit);
        let number =
            |digits: &str| digits.parse::<usize>().ok().filter(|n| (1..=self.rows.len()).contains(n));
        if number(&self.digits).is_none() {
            self.digits = digit.to_string();
        }
        if let Some(n) = number(&self.digits) {
            self.select(n - 1, out);
        }
    }

    fn leave(&mut self, out: &mut Out<'_>) {
        if let Some(before) = self.before.take() {
            out.step(Step::Theme(before));
        }
        out.step(Step::Close);
    }

    fn take(&mut self, out: &mut Out<'_>) {
        if !self.seen.for_ms(0, out.ctx.stamp) || self.list.index >= self.rows.len() {
            return;
        }
        let (_, step) = self.rows.swap_remove(self.list.index);
        // First: the step may open the next dialog.
        out.step(Step::Close);
        out.step(step);
    }
}

/// What a key moves in the list of a dialog.
pub(super) fn movement(chord: Chord) -> Option<Action> {
    Some(match (chord.key, chord.ctrl, chord.alt) {
        (Key::Down, ..) | (Key::Char('j'), false, false) | (Key::Char('n'), true, false) => Action::Down,
        (Key::Up, ..) | (Key::Char('k'), false, false) | (Key::Char('p'), true, false) => Action::Up,
        (Key::Char('d'), true, false) => Action::HalfDown,
        (Key::Char('u'), true, false) => Action::HalfUp,
        (Key::PageDown, ..) | (Key::Char('f'), true, false) => Action::PageDown,
        (Key::PageUp, ..) | (Key::Char('b'), true, false) => Action::PageUp,
        (Key::Home, ..) | (Key::Char('g'), false, false) => Action::Top,
        (Key::End, ..) | (Key::Char('G'), false, false) => Action::Bottom,
        _ => return None,
    })
}

impl Popup for Choose {
    fn seen(&mut self, ctx: &Ctx<'_>) {
        self.seen.drawn(ctx.stamp);
    }

    fn key(&mut self, chord: Chord, repeat: bool, out: &mut Out<'_>) {
        if let Some(digit) = chord.typed().filter(char::is_ascii_digit) {
            return self.digit(digit, out);
        }
        self.digits.clear();
        let before = self.list.index;
        let view = out.ctx.hits.of(ListId::Dialog);
        if movement(chord).is_some_and(|action| self.list.act(action, self.rows.len(), view)) {
            return self.moved(before, out);
        }
        match chord.key {
            _ if repeat => {}
            Key::Enter => self.take(out),
            Key::Esc | Key::Char('q') => self.leave(out),
            _ => {}
        }
    }

    fn mouse(&mut self, target: Target, by: isize, out: &mut Out<'_>) {
        match target {
            Target::Row(ListId::Dialog, index) if by == 0 => self.select(index, out),
            Target::Row(ListId::Dialog, _) | Target::List(ListId::Dialog) if by != 0 => {
                let before = self.list.index;
                self.list.wheel(by, self.rows.len(), out.ctx.hits.of(ListId::Dialog));
                self.moved(before, out);
            }
            _ => {}
        }
    }

    fn hints(&self) -> Vec<(&'static str, &'static str)> {
        vec![("j/k", "move"), ("1-9", "jump"), ("enter", "choose"), ("esc", "cancel")]
    }

    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let digits = self.rows.len().max(1).ilog10() as u16 + 1;
        let widest = self.rows.iter().map(|(name, _)| canvas.width(name)).max().unwrap_or_default();
        let least = if self.before.is_some() { 44 } else { 30 };
        let width = (widest + digits + 6).max(least).max(canvas.width(&self.title) + 6);
        let strip = if self.before.is_some() { STRIP } else { 0 };
        let height = (self.rows.len() as u16).saturating_add(strip);
        let note = format!("{} of {}", (self.list.index + 1).min(self.rows.len()), self.rows.len());
        let inside = frame(canvas, area, [&self.title, &note], width, height.max(1));
        let (rows, below) = split(inside, inside.height.saturating_sub(strip).max(inside.height.min(1)));
        let height = usize::from(rows.height);
        let view = View { offset: self.list.offset_for(height, self.rows.len()), height };
        canvas.hits.view(ListId::Dialog, view);
        for (y, (i, (name, _))) in (rows.y..rows.bottom()).zip(self.rows.iter().enumerate().skip(view.offset))
        {
            let line = Rect { y, height: 1, ..rows };
            canvas.put_right(line.x + 2, y, digits, &(i + 1).to_string(), Role::Muted);
            canvas.put(line.x + digits + 4, y, line.width.saturating_sub(digits + 5), name, Role::Text);
            if i == self.list.index {
                let cursor = canvas.glyph(Glyph::Cursor);
                canvas.put(line.x, y, 1, cursor, Role::Accent);
                canvas.tint(Rect { width: line.width.saturating_sub(1), ..line }, Role::Selection);
            }
            canvas.hits.zone(line, Target::Row(ListId::Dialog, i));
        }
        scroll::bar(canvas, rows, view, self.rows.len());
        if self.before.is_some() {
            sample(canvas, split(below, 1).1);
        }
    }
}

/// A strip of the look that is on.
fn sample(canvas: &mut Canvas<'_>, area: Rect) {
    let lines: [&[(Role, &str)]; 3] = [
        &[
            (Role::Strong, "strong"),
            (Role::Text, "text"),
            (Role::Muted, "muted"),
            (Role::Faint, "faint"),
            (Role::Accent, "accent"),
        ],
        &[
            (Role::Good, "good"),
            (Role::Caution, "caution"),
            (Role::Bad, "bad"),
            (Role::Page, "page"),
            (Role::Variable, "{{name}}"),
            (Role::Selection, " row "),
        ],
        &[
            (Role::Removed, "- a "),
            (Role::RemovedWord, "line"),
            (Role::Added, "+ a "),
            (Role::AddedWord, "word"),
            (Role::Heat1, "  1 "),
            (Role::Heat2, "  2 "),
            (Role::Heat3, "  3 "),
            (Role::Heat4, "  4 "),
            (Role::Heat5, "  5 "),
        ],
    ];
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        let mut x = area.x;
        for (role, text) in line {
            let joined = matches!(
                role,
                Role::Removed | Role::Added | Role::Heat1 | Role::Heat2 | Role::Heat3 | Role::Heat4
            );
            let used = canvas.put(x, y, area.right().saturating_sub(x), text, *role);
            x += used + u16::from(!joined);
        }
    }
}
