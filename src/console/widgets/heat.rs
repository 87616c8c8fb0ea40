//! A grid of numbers with shades: prompts against models.
//!
//! ```text
//!                    claude   gpt      llama
//!                    opus-4   5-mini   3.3
//!   support.reply   ▌█ 0.87   ▅ 0.74   ░ 0.61
//!   billing.refund   ▃ 0.66   ·        ▁ 0.41
//! ```
//!
//! The height of the mark says what the shade says; thin evidence is hatched and has no shade. Rows and columns scroll.

use ratatui::layout::Rect;

use super::list_state::ListState;
use super::scroll;
use crate::console::canvas::Canvas;
use crate::console::hitmap::{ListId, Target, View};
use crate::theme::{Glyph, Role, levels};

/// Columns of a cell, with the blank after it.
const CELL: u16 = 9;
/// Rows of the headings, at most.
const HEADS: u16 = 3;

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub enum HeatCell {
    /// Nothing was measured.
    Empty,
    /// There is too little evidence: the number, or a word.
    Thin(String),
    /// The number, and its shade from 0 to 4.
    Shade(String, usize),
}

/// A grid.
#[derive(Debug, Clone, Copy)]
pub struct Heat<'t> {
    /// Which list it is.
    pub id: ListId,
    /// What stands before the rows.
    pub rows: &'t [String],
    /// What stands above the columns.
    pub columns: &'t [String],
    /// Which row is selected.
    pub row: &'t ListState,
    /// Which column is selected.
    pub column: &'t ListState,
    /// Whether it has the focus.
    pub focused: bool,
    /// Whether its numbers are old, and new ones are on their way.
    pub dimmed: bool,
}

impl Heat<'_> {
    /// How many columns of the grid fit beside the names of the rows.
    pub fn columns_that_fit(&self, canvas: &Canvas<'_>, width: u16) -> usize {
        usize::from(width.saturating_sub(self.names(canvas, width) + 1) / CELL)
    }

    /// Draws headings, names and the cells in view, each of which `cell` is asked for; what is in view of the rows.
    pub fn draw(
        &self,
        canvas: &mut Canvas<'_>,
        area: Rect,
        mut cell: impl FnMut(usize, usize) -> HeatCell,
    ) -> View {
        let area = canvas.on_screen(area);
        canvas.hits.zone(area, Target::List(self.id));
        let names = self.names(canvas, area.width);
        let fit = self.columns_that_fit(canvas, area.width);
        let first = self.column.offset_for(fit, self.columns.len());
        let shown = first..self.columns.len().min(first + fit);
        let heads: Vec<Vec<String>> =
            self.columns[shown.clone()].iter().map(|name| folded(canvas, name, CELL - 1)).collect();
        let head = heads.iter().map(|lines| lines.len() as u16).max().unwrap_or(1).min(area.height);
        let body = Rect { y: area.y + head, height: area.height - head, ..area };
        let view = View {
            offset: self.row.offset_for(body.height.into(), self.rows.len()),
            height: body.height.into(),
        };
        canvas.hits.view(self.id, view);
        let at = |nth: usize| area.x + names + nth as u16 * CELL;
        for (nth, lines) in heads.iter().enumerate() {
            let column = shown.start + nth;
            let chosen = self.column.selected(self.columns.len()) == Some(column);
            let role = if chosen { Role::Strong } else { Role::Heading };
            // Headings stand on the grid.
            for (line, y) in lines.iter().rev().zip((area.y..area.y + head).rev()) {
                canvas.put(at(nth) + 1, y, CELL - 1, line, role);
            }
            let whole = Rect { x: at(nth), width: CELL, ..area };
            canvas.hits.zone(whole, Target::Column(self.id, column));
        }
        more(canvas, Rect { height: head, ..area }, names, first > 0, shown.end < self.columns.len());
        for (y, row) in (body.y..body.bottom()).zip(view.offset..self.rows.len()) {
            let chosen = self.row.selected(self.rows.len()) == Some(row);
            let role = if chosen { Role::Strong } else { Role::Text };
            canvas.put(area.x + 2, y, names.saturating_sub(3), &self.rows[row], role);
            if chosen {
                let cursor = canvas.glyph(Glyph::Cursor);
                canvas.put(area.x, y, names.min(1), cursor, Role::Accent);
            }
            canvas.hits.zone(Rect { y, height: 1, ..area }, Target::Row(self.id, row));
            for (nth, column) in shown.clone().enumerate() {
                let place = Rect { x: at(nth), y, width: CELL - 1, height: 1 };
                one(canvas, place, &cell(row, column));
                if chosen && self.column.selected(self.columns.len()) == Some(column) {
                    let cursor = canvas.glyph(Glyph::Cursor);
                    canvas.put(place.x, y, 1, cursor, Role::Accent);
                    canvas.tint(place, if self.focused { Role::Selection } else { Role::SelectionIdle });
                }
            }
        }
        if self.dimmed {
            canvas.tint(body, Role::Faint);
        }
        scroll::bar(canvas, body, view, self.rows.len());
        view
    }

    /// Columns of the names of the rows: as long as they are, up to a third of the width, or half of a narrow one.
    fn names(&self, canvas: &Canvas<'_>, width: u16) -> u16 {
        let longest = self.rows.iter().map(|name| canvas.width(name)).max().unwrap_or(0);
        longest.saturating_add(3).min((width / 3).max(18).min(width / 2))
    }
}

fn one(canvas: &mut Canvas<'_>, place: Rect, cell: &HeatCell) {
    let (mark, words, role) = match cell {
        HeatCell::Empty => (canvas.glyph(Glyph::Insufficient), "", Role::Faint),
        HeatCell::Thin(words) => (canvas.glyph(Glyph::Hatch), words.as_str(), Role::Insufficient),
        HeatCell::Shade(words, shade) => {
            let (role, text) = shaded(canvas, words, *shade);
            canvas.fill(place, role);
            canvas.put(place.x, place.y, place.width, &text, role);
            return;
        }
    };
    canvas.put(place.x + 1, place.y, place.width.saturating_sub(1), mark, role);
    canvas.put(place.x + 3, place.y, place.width.saturating_sub(3), words, role);
}

/// What a cell with a shade says, and its role: legends say it likewise, so that they look like cells in every theme.
pub fn shaded(canvas: &Canvas<'_>, words: &str, shade: usize) -> (Role, String) {
    let shade = shade.min(Role::HEAT.len() - 1);
    (Role::HEAT[shade], format!(" {} {words}", levels(canvas.look.ascii)[[0, 2, 4, 6, 7][shade]]))
}

/// Says that there are columns to the left or to the right.
fn more(canvas: &mut Canvas<'_>, head: Rect, names: u16, left: bool, right: bool) {
    if head.is_empty() {
        return;
    }
    let (mark, y) = (canvas.glyph(Glyph::Ellipsis), head.bottom() - 1);
    if left && names > 2 {
        canvas.put(head.x + names - 2, y, 1, mark, Role::Muted);
    }
    if right {
        canvas.put(head.right() - 1, y, 1, mark, Role::Muted);
    }
}

/// A name on up to three lines, broken where its parts end.
fn folded(canvas: &Canvas<'_>, name: &str, width: u16) -> Vec<String> {
    // What only separates goes where a line ends.
    let bare = |line: &str| line.trim_end_matches([' ', ':', '/', '@']).to_owned();
    let mut lines: Vec<String> = Vec::new();
    for part in name.split_inclusive(['-', '/', ' ', ':', '_', '@']) {
        let full = lines.len() == usize::from(HEADS);
        let fits = |line: &str| full || canvas.width(&bare(&format!("{line}{part}"))) <= width;
        match lines.last_mut().filter(|line| fits(line)) {
            Some(line) => line.push_str(part),
            None => lines.push(part.to_owned()),
        }
    }
    // A last line of one letter says little: it takes a part of the line before it.
    if let [.., before, last] = lines.as_mut_slice()
        && bare(last).chars().count() < 2
        && let Some(at) = before.trim_end_matches(['-', '.', '_']).rfind(['-', '/', ' ', ':', '_', '@'])
    {
        let part = before.split_off(at + 1);
        last.insert_str(0, &part);
    }
    lines.iter().map(|line| bare(line)).collect()
}

/// The bounds between five shades, each of which has about as many of the values.
pub fn quantiles(values: impl IntoIterator<Item = f64>) -> [f64; 4] {
    let mut values: Vec<f64> = values.into_iter().filter(|v| v.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    [1, 2, 3, 4].map(|i| values.get(values.len() * i / 5).copied().unwrap_or(f64::INFINITY))
}

/// The shade of a value, from 0 to 4.
pub fn shade(value: f64, bounds: &[f64; 4]) -> usize {
    bounds.iter().filter(|bound| value >= **bound).count()
}

#[cfg(test)]
mod tests {
    use super::super::sketch::{drawn, plain, sketched};
    use super::*;
    use crate::theme::Look;
    use proptest::prelude::*;

    fn with(row: usize, column: usize) -> impl Fn(&mut Canvas<'_>, Rect) {
        move |c, area| {
            let rows: Vec<String> =
                ["support.reply", "billing.refund", "search.rewrite", "summaries", "translate"]
                    .map(str::to_owned)
                    .into();
            let columns: Vec<String> =
                ["claude-opus-4-1", "gpt-5-mini", "llama3.3:70b", "mistral-large", "qwen"]
                    .map(str::to_owned)
                    .into();
            let (row, column) = (ListState { index: row, offset: 0 }, ListState { index: column, offset: 0 });
            let heat = Heat {
                id: ListId::Affinity,
                rows: &rows,
                columns: &columns,
                row: &row,
                column: &column,
                focused: true,
                dimmed: false,
            };
            heat.draw(c, area, |r, m| match (r * 7 + m * 3) % 6 {
                5 => HeatCell::Empty,
                4 => HeatCell::Thin("thin".into()),
                n => HeatCell::Shade(format!("0.{}", 41 + n * 13), n),
            });
        }
    }

    #[test]
    fn looks() {
        insta::assert_snapshot!(
            [drawn(72, 8, with(1, 1)), drawn(40, 6, with(4, 4)), plain(40, 6, with(0, 0))].join("\n\n")
        );
    }

    #[test]
    fn a_place_is_of_a_row_and_of_a_column() {
        let (_, hits) = sketched(&Look::default(), 72, 8, with(0, 0));
        let at: Vec<Target> = hits.at(30, 4).collect();
        assert!(at.contains(&Target::Row(ListId::Affinity, 2)), "{at:?}");
        assert!(at.contains(&Target::Column(ListId::Affinity, 1)), "{at:?}");
    }

    #[test]
    fn shades_have_equal_shares() {
        let bounds = quantiles((0..100).map(f64::from));
        assert_eq!(bounds.map(|bound| bound as u8), [20, 40, 60, 80]);
        assert_eq!([0.0, 20.0, 59.0, 99.0].map(|v| shade(v, &bounds)), [0, 1, 2, 4]);
        assert_eq!(shade(1.0, &quantiles([])), 0);
    }

    proptest! {
        #[test]
        fn any_area(width in 0u16..90, height in 0u16..10, row in 0usize..9, column in 0usize..9) {
            drawn(width, height, with(row, column));
        }
    }
}
