//! Tables of text for a terminal: columns aligned by what the terminal shows, narrowed to its width.
//!
//! Cells are taken as they are: what came from outside has gone through [`super::plain::shown`] before.

use std::fmt::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How a page is set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Page {
    /// Columns of the terminal; `None` where lines may be as long as they like (a file, a pipe).
    pub width: Option<usize>,
    /// Whether headings are bold.
    pub bold: bool,
}

impl Page {
    /// A heading.
    pub fn heading(&self, text: &str) -> String {
        if self.bold { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its heading.
    pub title: &'static str,
    /// Numbers stand right, text stands left.
    pub right: bool,
    /// Columns with the lowest number are left out first where the terminal is narrow; 9 is never left out.
    pub keep: u8,
}

/// A column of text.
pub const fn text(title: &'static str, keep: u8) -> Column {
    Column { title, right: false, keep }
}

/// A column of numbers.
pub const fn number(title: &'static str, keep: u8) -> Column {
    Column { title, right: true, keep }
}

const GAP: usize = 2;
/// Narrowest first column before others are left out.
const NARROWEST: usize = 24;

/// Columns that the terminal needs for a text.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// The text in at most `limit` columns, `…` in place of what is cut.
pub fn clip(text: &str, limit: usize) -> String {
    if width(text) <= limit {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > limit {
            break;
        }
        out.push(c);
    }
    if limit > 0 {
        out.push('…');
    }
    out
}

/// Sets a table, a line per row, each ending with a newline. The first column takes what room is left: it is clipped
/// where the terminal is narrow, and columns are left out where that is not enough. `indent`: spaces before a line.
pub fn set(page: Page, indent: usize, columns: &[Column], rows: &[Vec<String>]) -> String {
    let natural: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(i, column)| {
            let cells = rows.iter().filter_map(|row| row.get(i)).map(|cell| width(cell));
            cells.chain([width(column.title)]).max().unwrap_or(0)
        })
        .collect();
    let mut chosen: Vec<usize> = (0..columns.len()).collect();
    let mut first = natural.first().copied().unwrap_or(0);
    if let Some(limit) = page.width {
        loop {
            let others: usize = chosen.iter().skip(1).map(|&i| natural[i] + GAP).sum();
            let room = limit.saturating_sub(indent + others);
            let weakest = chosen
                .iter()
                .copied()
                .skip(1)
                .filter(|&i| columns[i].keep < 9)
                .min_by_key(|&i| columns[i].keep);
            match weakest {
                Some(weakest) if room < first.min(NARROWEST) => chosen.retain(|&i| i != weakest),
                _ => {
                    first = first.min(room.max(1));
                    break;
                }
            }
        }
    }
    let mut out = String::new();
    let titles: Vec<String> = columns.iter().map(|column| column.title.to_owned()).collect();
    for (at, row) in std::iter::once(&titles).chain(rows).enumerate() {
        let mut line = " ".repeat(indent);
        for (place, &i) in chosen.iter().enumerate() {
            let size = if place == 0 { first } else { natural[i] };
            let cell = clip(row.get(i).map_or("", String::as_str), size);
            let pad = " ".repeat(size.saturating_sub(width(&cell)));
            if place > 0 {
                line.push_str(&" ".repeat(GAP));
            }
            // Writing to a String does not fail.
            let _ = if columns[i].right { write!(line, "{pad}{cell}") } else { write!(line, "{cell}{pad}") };
        }
        let line = line.trim_end();
        out.push_str(&if at == 0 { page.heading(line) } else { line.to_owned() });
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Vec<String>> {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        vec![row(["prompt://core/日本語の長い名前のプロンプト", "12", "x"]), row(["b", "1,203", "why"])]
    }

    const COLUMNS: [Column; 3] = [text("PROMPT", 9), number("CALLS", 9), text("NOTE", 1)];

    #[test]
    fn aligned_by_what_is_seen() {
        let wide = set(Page::default(), 0, &COLUMNS, &rows());
        let lines: Vec<&str> = wide.lines().collect();
        assert_eq!(lines.len(), 3);
        // Every number ends in one column, whatever the width of the name's letters.
        let end = |line: &str, text: &str| width(&line[..line.find(text).unwrap() + text.len()]);
        assert_eq!(end(lines[1], " 12"), end(lines[2], "1,203"));
        assert_eq!(end(lines[0], "CALLS"), end(lines[2], "1,203"));
    }

    #[test]
    fn narrow_terminals_lose_the_least_first() {
        for limit in [10, 20, 30, 36, 40, 60] {
            let page = Page { width: Some(limit), bold: false };
            let text = set(page, 0, &COLUMNS, &rows());
            assert!(text.lines().all(|line| width(line) <= limit.max(10)), "{limit}\n{text}");
            assert!(text.contains("CALLS"));
            assert_eq!(text.contains("NOTE"), limit >= 37, "{limit}\n{text}");
        }
        assert_eq!(clip("日本語", 4), "日…");
        assert_eq!(clip("abc", 0), "");
    }
}
