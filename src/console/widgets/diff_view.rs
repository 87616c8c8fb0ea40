//! A difference, side by side or one below the other, out of the same rows.
//!
//! ```text
//!   1   Answer in English.             │  1   Answer in English.
//!              ··· 12 unchanged lines ···
//!  14 ~ Be polite, and never say that  │ 14 ~ Be brief, and never say that
//!   ↵   you cannot help.               │  ↵   you cannot help.
//!  15 - Apologise first.               │
//!
//!   1   1   Answer in English.
//!  14     - Be polite, and never say that you cannot help.
//!      14 + Be brief, and never say that you cannot help.
//! ```
//!
//! [`layout`] wraps at words, once for a width; both sides of a row are as tall as the taller one. [`draw`] touches only
//! the lines in view. Marks beside the numbers say what a row is, so that no colour is needed. Who draws keeps the
//! [`Laid`] as long as nothing it was made of changes.

use std::ops::Range;

use ratatui::layout::Rect;

use super::flow::{Flow, Reveal, Span};
use super::scroll;
use crate::console::canvas::Canvas;
use crate::console::hitmap::{ListId, View};
use crate::engine::diff::{Diff, DiffRow, Emphasis, Kind, Side};
use crate::engine::number::count;
use crate::theme::{Glyph, Role};

/// Columns below which two sides are one below the other: two of fifty, and their numbers.
pub const SIDE_BY_SIDE: u16 = 112;
/// Columns of text below which there is no room for numbers.
const NUMBERED: u16 = 20;

/// How the two texts stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Side by side where there is room.
    #[default]
    Fitting,
    /// Side by side, however narrow.
    SideBySide,
    /// One below the other.
    Unified,
}

impl Mode {
    /// Whether texts stand side by side in so many columns.
    pub const fn is_side_by_side(self, width: u16) -> bool {
        match self {
            Mode::Fitting => width >= SIDE_BY_SIDE,
            Mode::SideBySide => true,
            Mode::Unified => false,
        }
    }
}

/// What a half of a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Same,
    Removed,
    Added,
    /// The old side of an edited line.
    Was,
    /// The new side.
    Is,
}

/// One side of a line of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Half {
    what: What,
    /// What stands in the columns of numbers, in the first line of its row.
    numbers: [Option<u32>; 2],
    /// Whether it goes on from the line above.
    wrapped: bool,
    /// Its line of the flow; none below the end of the shorter side.
    flow: Option<u32>,
    /// Whether it only says that the last line has no line feed.
    note: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Gap(u32),
    Sides(Option<Half>, Option<Half>),
    One(Half),
}

/// A place in the two texts, by line numbers from 1, that outlives a layout: zero where a text has no line there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    /// Line of the old text.
    pub old: u32,
    /// Line of the new text.
    pub new: u32,
}

/// A difference, laid out for a width.
#[derive(Debug, Clone, Default)]
pub struct Laid {
    flow: Flow,
    lines: Vec<Line>,
    /// The place of each line of the screen, never decreasing.
    places: Vec<Place>,
    changes: Vec<usize>,
    /// Columns of a number; zero where none are shown.
    digits: u16,
    /// Columns of the text of each side.
    text: u16,
    side_by_side: bool,
}

impl Laid {
    /// How many lines it has.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether it has none: both texts are empty.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The first line of each change; changed lines that touch are one.
    pub fn changes(&self) -> &[usize] {
        &self.changes
    }

    /// The change after a line, if there is one.
    pub fn next_change(&self, line: usize) -> Option<usize> {
        self.changes.iter().copied().find(|at| *at > line)
    }

    /// The change before a line, if there is one.
    pub fn previous_change(&self, line: usize) -> Option<usize> {
        self.changes.iter().rev().copied().find(|at| *at < line)
    }

    /// Whether the texts stand side by side.
    pub fn is_side_by_side(&self) -> bool {
        self.side_by_side
    }

    /// The place of a line, so that another layout can be opened there.
    pub fn place(&self, line: usize) -> Place {
        self.places.get(line).or(self.places.last()).copied().unwrap_or_default()
    }

    /// The line of a place.
    pub fn line_of(&self, place: Place) -> usize {
        let before = |at: &Place| (at.old, at.new) < (place.old, place.new);
        self.places.partition_point(before).min(self.lines.len().saturating_sub(1))
    }
}

/// Lays a difference out. `width` is that of the whole place, the columns of the scroll bar included; `context` folds
/// unchanged lines away but for as many around each change; `invisibles` shows every blank and tab.
pub fn layout(
    old: &str,
    new: &str,
    diff: &Diff,
    width: u16,
    mode: Mode,
    context: Option<usize>,
    invisibles: bool,
) -> Laid {
    let side_by_side = mode.is_side_by_side(width);
    let highest = highest_numbers(diff).max().unwrap_or(0);
    let digits = (highest.checked_ilog10().unwrap_or(0) as u16 + 1).max(3);
    let (half, gutters) = if side_by_side {
        // Half of what the bar and the rule leave; a blank stands before each of them.
        (width.saturating_sub(2) / 2, 1)
    } else {
        (width.saturating_sub(1), 2)
    };
    let wide = gutters * (digits + 1) + MARK;
    let digits = if half > wide + NUMBERED { digits } else { 0 };
    let gutter = if digits == 0 { MARK } else { wide };
    let text = half.saturating_sub(gutter + 1).max(1);
    let laid = Laid { digits, text, side_by_side, ..Laid::default() };
    let mut work = Work { old, new, laid, invisibles, spans: Vec::new(), at: Place::default() };
    if let Some(context) = context {
        work.rows(&diff.clone().folded(context).rows);
    } else {
        work.rows(&diff.rows);
    }
    work.laid
}

/// Columns of the mark and the blank after it.
const MARK: u16 = 2;

/// The highest number of each side: that of the last row that has the side.
fn highest_numbers(diff: &Diff) -> impl Iterator<Item = u32> {
    let left = diff.rows.iter().rev().find_map(|row| row.left.as_ref());
    let right = diff.rows.iter().rev().find_map(|row| row.right.as_ref());
    left.into_iter().chain(right).map(|side| side.number)
}

/// A layout at work.
struct Work<'a> {
    old: &'a str,
    new: &'a str,
    laid: Laid,
    invisibles: bool,
    spans: Vec<Span>,
    at: Place,
}

impl Work<'_> {
    fn rows(&mut self, rows: &[DiffRow]) {
        let mut in_change = false;
        for row in rows {
            if let Some(side) = &row.left {
                self.at.old = side.number;
            }
            if let Some(side) = &row.right {
                self.at.new = side.number;
            }
            let changed = !matches!(row.kind, Kind::Same | Kind::Gap(_));
            if changed && !in_change {
                self.laid.changes.push(self.laid.lines.len());
            }
            in_change = changed;
            if let Kind::Gap(lines) = row.kind {
                // It begins after the line before, and ends before the one after.
                let at = Place { old: self.at.old + 1, new: self.at.new + 1 };
                (self.at.old, self.at.new) = (self.at.old + lines, self.at.new + lines);
                self.laid.lines.push(Line::Gap(lines));
                self.laid.places.push(at);
            } else if self.laid.side_by_side {
                self.sides(row);
            } else {
                self.one(row);
            }
            let here = self.at;
            self.laid.places.resize(self.laid.lines.len(), here);
        }
    }

    fn sides(&mut self, row: &DiffRow) {
        let (was, is) = match row.kind {
            Kind::Changed => (What::Was, What::Is),
            Kind::Removed | Kind::Added => (What::Removed, What::Added),
            Kind::Same | Kind::Gap(_) => (What::Same, What::Same),
        };
        let right = row.right.as_ref().map(|side| (side.number, self.flowed(side, self.new, is)));
        let left = row.left.as_ref().map(|side| match &right {
            // The same text on both sides is wrapped once.
            Some((_, same)) if row.kind == Kind::Same => (side.number, same.clone()),
            _ => (side.number, self.flowed(side, self.old, was)),
        });
        let height = |side: &Option<(u32, Flowed)>| side.as_ref().map_or(0, |(_, flowed)| flowed.len());
        for i in 0..height(&left).max(height(&right)) {
            let half = |side: &Option<(u32, Flowed)>, what| {
                side.as_ref()
                    .map(|(number, flowed)| flowed.half(i, what, [(i == 0).then_some(*number), None]))
            };
            self.laid.lines.push(Line::Sides(half(&left, was), half(&right, is)));
        }
    }

    fn one(&mut self, row: &DiffRow) {
        if row.kind == Kind::Same {
            if let (Some(left), Some(right)) = (&row.left, &row.right) {
                self.push(right, self.new, What::Same, [Some(left.number), Some(right.number)]);
            }
            return;
        }
        if let Some(left) = &row.left {
            self.push(left, self.old, What::Removed, [Some(left.number), None]);
        }
        if let Some(right) = &row.right {
            self.push(right, self.new, What::Added, [None, Some(right.number)]);
        }
    }

    fn push(&mut self, side: &Side, text: &str, what: What, numbers: [Option<u32>; 2]) {
        let flowed = self.flowed(side, text, what);
        for i in 0..flowed.len() {
            let numbers = if i == 0 { numbers } else { [None, None] };
            self.laid.lines.push(Line::One(flowed.half(i, what, numbers)));
        }
    }

    /// Wraps one side of a row.
    fn flowed(&mut self, side: &Side, text: &str, what: What) -> Flowed {
        let (plain, strong) = match what {
            What::Same => (Role::Text, Role::Text),
            What::Removed | What::Was => (Role::Removed, Role::RemovedWord),
            What::Added | What::Is => (Role::Added, Role::AddedWord),
        };
        self.spans.clear();
        self.spans.extend(side.spans.iter().map(|(emphasis, range)| {
            (if *emphasis == Emphasis::Strong { strong } else { plain }, range.clone())
        }));
        let reveal = match (self.invisibles, what) {
            (true, _) => Reveal::All,
            (false, What::Same) => Reveal::Little,
            (false, _) => Reveal::Changes,
        };
        let width = self.laid.text;
        let lines = self.laid.flow.line(text, &self.spans, width, reveal);
        let note = !side.ended && what != What::Same;
        let note = if note { self.laid.flow.words("no line end", plain, width) } else { 0..0 };
        Flowed { lines, note }
    }
}

/// The lines that one side of a row takes.
#[derive(Clone)]
struct Flowed {
    lines: Range<usize>,
    note: Range<usize>,
}

impl Flowed {
    fn len(&self) -> usize {
        self.lines.len() + self.note.len()
    }

    /// Its part in the row's line `i`.
    fn half(&self, i: usize, what: What, numbers: [Option<u32>; 2]) -> Half {
        let own = self.lines.len();
        let flow = self.lines.clone().chain(self.note.clone()).nth(i).map(|line| line as u32);
        Half { what, numbers, wrapped: i > 0 && i < own, flow, note: i >= own && flow.is_some() }
    }
}

/// Draws the lines from `offset` on, and says what is in view.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, laid: &Laid, offset: usize, list: ListId) -> View {
    let area = canvas.on_screen(area);
    let view = scroll::viewed(canvas, area, list, offset, laid.len());
    let inner = Rect { width: area.width.saturating_sub(1), ..area };
    for (y, line) in (area.y..area.bottom()).zip(laid.lines.iter().skip(view.offset)) {
        let row = Rect { y, height: 1, ..inner };
        match line {
            Line::Gap(lines) => gap(canvas, row, *lines),
            Line::One(half) => draw_half(canvas, row, laid, half),
            Line::Sides(left, right) => {
                let width = row.width.saturating_sub(1) / 2;
                let middle = row.x + width;
                if let Some(half) = left {
                    draw_half(canvas, Rect { width, ..row }, laid, half);
                }
                let rule = canvas.glyph(Glyph::Rule);
                canvas.put(middle, y, row.right() - middle, rule, Role::Border);
                if let Some(half) = right {
                    draw_half(
                        canvas,
                        Rect { x: middle + 1, width: width.min(row.width - width), ..row },
                        laid,
                        half,
                    );
                }
            }
        }
    }
    scroll::bar(canvas, area, view, laid.len());
    view
}

fn gap(canvas: &mut Canvas<'_>, row: Rect, lines: u32) {
    let dots = canvas.glyph(Glyph::Separator).repeat(3);
    let noun = if lines == 1 { "line" } else { "lines" };
    let words = format!("{dots} {} unchanged {noun} {dots}", count(u64::from(lines)));
    canvas.put_centred(row.x, row.y, row.width, &words, Role::Gap);
}

fn draw_half(canvas: &mut Canvas<'_>, row: Rect, laid: &Laid, half: &Half) {
    let columns = if laid.side_by_side { 1 } else { 2 };
    let gutter = if laid.digits == 0 { 0 } else { columns * (laid.digits + 1) };
    let text = Rect { x: row.x + gutter.min(row.width), width: row.width.saturating_sub(gutter), ..row };
    let (mark, ground) = match half.what {
        What::Same => (" ", None),
        What::Removed => ("-", Some(Role::Removed)),
        What::Added => ("+", Some(Role::Added)),
        What::Was => ("~", Some(Role::Removed)),
        What::Is => ("~", Some(Role::Added)),
    };
    if let Some(ground) = ground {
        canvas.fill(text, ground);
    }
    if laid.digits > 0 {
        let fits = |x: u16| laid.digits.min(row.right().saturating_sub(x));
        for (i, number) in half.numbers.iter().enumerate() {
            let x = row.x + i as u16 * (laid.digits + 1);
            if let Some(number) = number {
                canvas.put_right(x, row.y, fits(x), &number.to_string(), Role::LineNumber);
            }
        }
        if half.wrapped {
            // Where the number of its line stands.
            let of_old = laid.side_by_side || half.what == What::Removed;
            let x = row.x + if of_old { 0 } else { laid.digits + 1 };
            let wrapped = canvas.glyph(Glyph::Wrapped);
            canvas.put_right(x, row.y, fits(x), wrapped, Role::LineNumber);
        }
    }
    let Some(flow) = half.flow else { return };
    let role = ground.unwrap_or(Role::Text);
    // Without numbers there is no other place for the mark of a wrapped line.
    let mark = match mark {
        _ if half.note => "\\",
        " " if half.wrapped && laid.digits == 0 => canvas.glyph(Glyph::Wrapped),
        mark => mark,
    };
    canvas.put(text.x, text.y, text.width, mark, role);
    laid.flow.draw(
        canvas,
        text.x.saturating_add(MARK),
        text.y,
        text.width.saturating_sub(MARK),
        flow as usize,
    );
}

#[cfg(test)]
#[path = "diff_view_tests.rs"]
mod tests;
