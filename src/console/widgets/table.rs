//! A table: columns that fit, rows that are asked for as they come into view.
//!
//! ```text
//!   PROMPT               SCORE▿  CALLS  TREND
//! ▌ support.reply          0.87  1,203  ▂▃▅▇
//!   billing.refund         0.71     88  ▇▅▃▁      █
//! ```
//!
//! Where there is little room, columns go, the least important first. The selected row keeps its roles: the selection's
//! look is laid over them.

use ratatui::layout::Rect;

use super::list_state::ListState;
use super::scroll;
use super::sparkline::Sparkline;
use crate::console::canvas::{Canvas, Piece};
use crate::console::hitmap::{ListId, Target, View};
use crate::theme::{Glyph, Role};

/// Columns between two columns.
const GAP: u16 = 2;
/// Columns of the cursor, and the blank after it.
const CURSOR: u16 = 2;

/// How wide a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// As wide as this.
    Fixed(u16),
    /// As wide as the first at least, as the second at most.
    Between(u16, u16),
    /// As wide as this at least, and a share of what is left.
    Flex(u16),
}

impl Width {
    const fn least(self) -> u16 {
        match self {
            Width::Fixed(width) | Width::Between(width, _) | Width::Flex(width) => width,
        }
    }
}

/// Where the contents of a column stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Align {
    /// Words.
    #[default]
    Left,
    /// Numbers.
    Right,
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column<'t> {
    /// Its heading.
    pub title: &'t str,
    /// How wide it is.
    pub width: Width,
    /// Where its contents stand.
    pub align: Align,
    /// How long it is kept where there is little room; the lowest goes first.
    pub rank: u8,
}

impl<'t> Column<'t> {
    /// A column of words.
    pub const fn words(title: &'t str, width: Width, rank: u8) -> Column<'t> {
        Column { title, width, align: Align::Left, rank }
    }

    /// A column of numbers.
    pub const fn numbers(title: &'t str, width: u16, rank: u8) -> Column<'t> {
        Column { title, width: Width::Fixed(width), align: Align::Right, rank }
    }
}

/// A table.
#[derive(Debug, Clone, Copy)]
pub struct Table<'t> {
    /// Which list it is.
    pub id: ListId,
    /// Its columns.
    pub columns: &'t [Column<'t>],
    /// Where it stands.
    pub state: &'t ListState,
    /// How many rows there are.
    pub len: usize,
    /// The column that sorts, and whether from high to low.
    pub sort: Option<(usize, bool)>,
    /// Whether it has the focus.
    pub focused: bool,
    /// Whether its rows are old, and new ones are on their way.
    pub dimmed: bool,
}

/// Where a column stands: its place from the left, and its width.
type Slot = Option<(u16, u16)>;

impl Table<'_> {
    /// Draws headings and the rows in view, each of which `row` writes; what is in view.
    pub fn draw(
        &self,
        canvas: &mut Canvas<'_>,
        area: Rect,
        mut row: impl FnMut(usize, &mut RowCells<'_, '_>),
    ) -> View {
        let area = canvas.on_screen(area);
        canvas.hits.zone(area, Target::List(self.id));
        let slots = fit(self.columns, area.width.saturating_sub(CURSOR + scroll::COLUMNS));
        let height = area.height.saturating_sub(1);
        let view = View { offset: self.state.offset_for(height.into(), self.len), height: height.into() };
        canvas.hits.view(self.id, view);
        if area.height > 0 {
            self.headings(canvas, area, &slots);
        }
        let body = Rect { y: area.y + area.height.min(1), height, ..area };
        for (y, index) in (body.y..body.bottom()).zip(view.offset..self.len) {
            let line = Rect { y, height: 1, ..body };
            let mut cells =
                RowCells { canvas, columns: self.columns, slots: &slots, next: 0, line, ground: None };
            row(index, &mut cells);
            let ground = cells.ground;
            if self.dimmed {
                canvas.tint(line, Role::Faint);
            }
            if let Some(role) = ground {
                canvas.tint(line, role);
            }
            if self.state.selected(self.len) == Some(index) {
                let bar = Rect { width: line.width.saturating_sub(1), ..line };
                let cursor = canvas.glyph(Glyph::Cursor);
                canvas.put(line.x, y, line.width, cursor, Role::Accent);
                canvas.tint(bar, if self.focused { Role::Selection } else { Role::SelectionIdle });
            }
            canvas.hits.zone(line, Target::Row(self.id, index));
        }
        scroll::bar(canvas, body, view, self.len);
        view
    }

    fn headings(&self, canvas: &mut Canvas<'_>, area: Rect, slots: &[Slot]) {
        for (i, (column, slot)) in self.columns.iter().zip(slots).enumerate() {
            let Some((x, width)) = *slot else { continue };
            let place = Rect { x: area.x + CURSOR + x, width, height: 1, ..area };
            let sorts = self
                .sort
                .filter(|(by, _)| *by == i)
                .map(|(_, falling)| canvas.glyph(if falling { Glyph::Descending } else { Glyph::Ascending }));
            let words = width.saturating_sub(u16::from(sorts.is_some()));
            let long = canvas.width(column.title).min(words);
            // The mark has its own column, so that headings stand over their numbers with and without it.
            let x = if column.align == Align::Right { place.x + words - long } else { place.x };
            canvas.put(x, place.y, long, column.title, Role::Heading);
            if let Some(mark) = sorts {
                canvas.put(x + long, place.y, width - words, mark, Role::Accent);
            }
            canvas.hits.zone(place, Target::Column(self.id, i));
        }
    }
}

/// Places for columns in so many columns of the screen; none for those that go.
fn fit(columns: &[Column<'_>], room: u16) -> Vec<Slot> {
    let mut kept: Vec<usize> = (0..columns.len()).collect();
    let least = |kept: &[usize]| {
        let widths = kept.iter().map(|i| u32::from(columns[*i].width.least())).sum::<u32>();
        widths + u32::from(GAP) * kept.len().saturating_sub(1) as u32
    };
    while kept.len() > 1 && least(&kept) > u32::from(room) {
        // Of columns of one rank the rightmost goes.
        let goes = kept.iter().enumerate().rev().min_by_key(|(_, i)| columns[**i].rank);
        let Some((at, _)) = goes else { break };
        kept.remove(at);
    }
    let mut widths: Vec<u16> = kept.iter().map(|i| columns[*i].width.least().min(room)).collect();
    let mut left =
        room.saturating_sub(widths.iter().sum::<u16>() + GAP * kept.len().saturating_sub(1) as u16);
    for (width, i) in widths.iter_mut().zip(&kept) {
        if let Width::Between(_, most) = columns[*i].width {
            let more = most.saturating_sub(*width).min(left);
            (*width, left) = (*width + more, left - more);
        }
    }
    let mut flexible = kept.iter().filter(|i| matches!(columns[**i].width, Width::Flex(_))).count() as u16;
    for (width, i) in widths.iter_mut().zip(&kept) {
        if matches!(columns[*i].width, Width::Flex(_)) {
            let more = left / flexible.max(1);
            (*width, left, flexible) = (*width + more, left - more, flexible - 1);
        }
    }
    let mut slots = vec![None; columns.len()];
    let mut x = 0;
    for (i, width) in kept.into_iter().zip(widths) {
        slots[i] = Some((x, width));
        x += width + GAP;
    }
    slots
}

/// The cells of one row, written from left to right, one call for each column; those that have gone swallow theirs.
pub struct RowCells<'r, 'c> {
    canvas: &'r mut Canvas<'c>,
    columns: &'r [Column<'r>],
    slots: &'r [Slot],
    next: usize,
    line: Rect,
    ground: Option<Role>,
}

impl<'c> RowCells<'_, 'c> {
    /// Whether the next column is shown: what nobody sees need not be worked out.
    pub fn is_shown(&self) -> bool {
        matches!(self.slots.get(self.next), Some(Some(_)))
    }

    /// Leaves the next cell empty.
    pub fn skip(&mut self) {
        self.next += 1;
    }

    /// Writes the next cell.
    pub fn put(&mut self, role: Role, text: &str) {
        self.pieces(&[(role, text)]);
    }

    /// Writes the next cell out of several pieces.
    pub fn pieces(&mut self, pieces: &[Piece<'_>]) {
        let align = self.columns.get(self.next).map_or(Align::Left, |column| column.align);
        self.place(|canvas, cell| {
            let long = pieces.iter().map(|(_, text)| canvas.width(text)).fold(0, u16::saturating_add);
            let before = if align == Align::Right { cell.width.saturating_sub(long) } else { 0 };
            canvas.pieces(cell.x + before, cell.y, cell.width - before, pieces);
        });
    }

    /// Draws a course of values in the next cell.
    pub fn sparkline(&mut self, sparkline: &Sparkline<'_>) {
        self.place(|canvas, cell| sparkline.draw(canvas, cell));
    }

    /// Draws anything in the next cell.
    pub fn place(&mut self, draw: impl FnOnce(&mut Canvas<'c>, Rect)) {
        let slot = self.slots.get(self.next).copied().flatten();
        self.next += 1;
        if let Some((x, width)) = slot {
            let cell = Rect { x: self.line.x + CURSOR + x, width, ..self.line };
            draw(self.canvas, cell);
        }
    }

    /// Lays a role's look over the whole row: that it is marked.
    pub fn ground(&mut self, role: Role) {
        self.ground = Some(role);
    }
}

#[cfg(test)]
mod tests {
    use super::super::sketch::{drawn, plain, sketched};
    use super::*;
    use crate::theme::Look;
    use proptest::prelude::*;

    const COLUMNS: [Column<'static>; 5] = [
        Column::words("PROMPT", Width::Flex(14), 9),
        Column::words("OWNER", Width::Between(6, 12), 1),
        Column::numbers("SCORE", 7, 8),
        Column::numbers("CALLS", 7, 5),
        Column::words("TREND", Width::Fixed(8), 3),
    ];

    fn draw(c: &mut Canvas<'_>, area: Rect) {
        let names =
            ["support.reply", "billing.refund", "search.rewrite", "summaries", "a.prompt.with.a.long.name"];
        let course: Vec<Option<f64>> = (0..16).map(|i| Some(f64::from(i * i % 11))).collect();
        let state = ListState { index: 1, offset: 0 };
        let table = Table {
            id: ListId::Board,
            columns: &COLUMNS,
            state: &state,
            len: 30,
            sort: Some((2, true)),
            focused: true,
            dimmed: false,
        };
        table.draw(c, area, |i, row| {
            row.put(Role::Strong, names[i % 5]);
            row.put(Role::Muted, "team-search");
            row.pieces(&[(Role::Good, "0.8"), (Role::Muted, &(i % 10).to_string())]);
            row.put(Role::Text, &crate::engine::number::count(1203 * i as u64));
            row.sparkline(&Sparkline::of(&course, Role::Series1));
        });
    }

    #[test]
    fn looks() {
        insta::assert_snapshot!([drawn(80, 7, draw), drawn(44, 6, draw), plain(24, 4, draw)].join("\n\n"));
    }

    #[test]
    fn places_are_said() {
        let (_, hits) = sketched(&Look::default(), 80, 7, draw);
        assert_eq!(hits.of(ListId::Board), View { offset: 0, height: 6 });
        assert_eq!(hits.at(5, 3).next(), Some(Target::Row(ListId::Board, 2)));
        assert_eq!(hits.at(2, 0).next(), Some(Target::Column(ListId::Board, 0)));
    }

    #[test]
    fn the_least_important_columns_go() {
        let shown = |room| fit(&COLUMNS, room).iter().map(Option::is_some).collect::<Vec<_>>();
        assert_eq!(shown(60), [true; 5]);
        assert_eq!(shown(45), [true, false, true, true, true]);
        assert_eq!(shown(24), [true, false, true, false, false]);
        assert_eq!(shown(3), [true, false, false, false, false]);
    }

    proptest! {
        #[test]
        fn any_area(width in 0u16..90, height in 0u16..12) {
            drawn(width, height, draw);
            for (x, wide) in fit(&COLUMNS, width).into_iter().flatten() {
                prop_assert!(x + wide <= width);
            }
        }
    }
}
