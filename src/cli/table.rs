//! Tables of text for a terminal: columns aligned by what the terminal shows, narrowed to its width.
//!
//! Cells are taken as they are: what came from outside has gone through [`super::plain::shown`] before.

use std::fmt::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::engine::number::NONE;

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

    /// Text with its lines broken between words where the terminal is narrower; what follows a break stands two
    /// columns in. A word that is longer than a line is left to the terminal.
    pub fn wrap(&self, text: &str) -> String {
        let Some(limit) = self.width else { return text.to_owned() };
        let wrapped = |line: &str| {
            if width(line) <= limit {
                return line.to_owned();
            }
            let indent = line.len() - line.trim_start_matches(' ').len();
            let mut out = String::new();
            let mut used = 0;
            for (i, word) in line[indent..].split(' ').enumerate() {
                let long = width(word);
                if i == 0 {
                    out.push_str(&line[..indent]);
                    used = indent + long;
                } else if used + 1 + long > limit {
                    let inner = indent + 2;
                    out.push('\n');
                    out.push_str(&" ".repeat(inner));
                    used = inner + long;
                } else {
                    out.push(' ');
                    used += 1 + long;
                }
                out.push_str(word);
            }
            out
        };
        text.split('\n').map(wrapped).collect::<Vec<_>>().join("\n")
    }
}

/// How a column's texts are made to fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// Never cut: a number that lost digits is another number.
    Whole,
    /// Cut at the end.
    End,
    /// Cut where the rows stay told apart best: at the beginning of names that begin alike.
    Apart,
    /// Cut only where nothing is left to give way: it is copied to the letter.
    Last,
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
    /// How its texts are made to fit.
    pub fit: Fit,
    /// To how few columns of the terminal texts are cut before other columns are left out.
    pub least: usize,
}

/// A column of text.
pub const fn text(title: &'static str, keep: u8) -> Column {
    Column { title, right: false, keep, fit: Fit::End, least: 8 }
}

/// A column of numbers.
pub const fn number(title: &'static str, keep: u8) -> Column {
    Column { title, right: true, keep, fit: Fit::Whole, least: 0 }
}

/// A column of times or intervals.
pub const fn whole(title: &'static str, keep: u8) -> Column {
    Column { title, right: false, keep, fit: Fit::Whole, least: 0 }
}

/// A column of names, many of which may begin alike.
pub const fn name(title: &'static str, keep: u8, least: usize) -> Column {
    Column { title, right: false, keep, fit: Fit::Apart, least }
}

/// A column of ids that are copied to the letter.
pub const fn id(title: &'static str, keep: u8) -> Column {
    Column { title, right: false, keep, fit: Fit::Last, least: 0 }
}

impl Column {
    /// What it needs at least, where its widest cell wants `natural`.
    fn least(&self, natural: usize) -> usize {
        match self.fit {
            Fit::Whole | Fit::Last => natural,
            Fit::End | Fit::Apart => natural.min(self.least.max(width(self.title))),
        }
    }
}

const GAP: usize = 2;

/// Columns that the terminal needs for a text.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// The text in at most `limit` columns, `…` in place of what is cut.
pub fn clip(text: &str, limit: usize) -> String {
    if width(text) <= limit {
        return text.to_owned();
    }
    let mut out = within(text.chars(), limit);
    if limit > 0 {
        out.push('…');
    }
    out
}

/// The same, with its beginning cut: of a path whole segments stay.
pub fn clip_start(text: &str, limit: usize) -> String {
    if width(text) <= limit {
        return text.to_owned();
    }
    let end: String = within(text.chars().rev(), limit).chars().rev().collect();
    let segment = end.match_indices('/').map(|(at, _)| at).find(|at| !end[at + 1..].starts_with('/'));
    let end = segment.map_or(end.as_str(), |at| &end[at..]);
    if limit > 0 { format!("…{end}") } else { end.to_owned() }
}

/// The same, of names that are URIs: the scheme, which is common to them, goes first.
fn clip_path(text: &str, limit: usize) -> String {
    clip_start(text.split_once("://").map_or(text, |(_, path)| path), limit)
}

/// The characters that leave one of `limit` columns free.
fn within(chars: impl Iterator<Item = char>, limit: usize) -> String {
    let mut used = 1;
    chars
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= limit
        })
        .collect()
}

/// The cut that tells most of the cells apart. Where both do, paths lose their beginning and other names their end.
fn apart<'a>(cells: &(impl Iterator<Item = &'a str> + Clone), limit: usize) -> fn(&str, usize) -> String {
    let told = |cut: fn(&str, usize) -> String| {
        cells.clone().map(|cell| cut(cell, limit)).collect::<std::collections::HashSet<_>>().len()
    };
    if cells.clone().all(|cell| width(cell) <= limit) {
        return clip;
    }
    let (path, end) = (told(clip_path), told(clip));
    let paths = || cells.clone().any(|cell| cell.contains('/'));
    if path > end || (path == end && paths()) { clip_path } else { clip }
}

/// Which columns a page has room for, and how wide each is.
/// `bare`: those in which nothing is known go before all others.
fn plan(
    page: Page,
    indent: usize,
    columns: &[Column],
    natural: &[usize],
    bare: &[bool],
) -> Vec<(usize, usize)> {
    let mut chosen: Vec<(usize, usize)> = natural.iter().copied().enumerate().collect();
    let Some(limit) = page.width else { return chosen };
    let room = limit.saturating_sub(indent);
    let fits = |widths: &[usize]| widths.iter().map(|w| w + GAP).sum::<usize>() <= room + GAP;
    // The most important first; what no longer fits makes way for what does.
    let mut by_weight: Vec<usize> = (0..columns.len()).collect();
    by_weight.sort_by_key(|&i| std::cmp::Reverse(if bare[i] { 0 } else { columns[i].keep }));
    let (mut kept, mut widths) = (Vec::new(), Vec::new());
    for i in by_weight {
        widths.push(columns[i].least(natural[i]));
        if columns[i].keep >= 9 || fits(&widths) {
            kept.push(i);
        } else {
            widths.pop();
        }
    }
    chosen.retain(|(i, _)| kept.contains(i));
    // Narrowed one by one, the widest first: what is short stays whole. Ids come last of all.
    for least in [
        &(|c: &Column, w: usize| c.least(w)) as &dyn Fn(&Column, usize) -> usize,
        &|c, w| if matches!(c.fit, Fit::Whole | Fit::Last) { w } else { 1 },
        &|c, w| if c.fit == Fit::Whole { w } else { 1 },
    ] {
        while !fits(&chosen.iter().map(|c| c.1).collect::<Vec<_>>()) {
            let widest = chosen
                .iter_mut()
                .filter(|(i, w)| *w > least(&columns[*i], natural[*i]))
                .max_by_key(|(_, w)| *w);
            let Some((_, widest)) = widest else { break };
            *widest -= 1;
        }
    }
    chosen
}

/// A table that was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its lines, each ending with a newline.
    pub text: String,
    /// Titles of the columns for which there was no room.
    pub left_out: Vec<&'static str>,
}

/// Sets a table, a line per row, each ending with a newline. Where the terminal is narrow, long texts are cut, then
/// columns are left out; a last line says which. `indent`: spaces before a line.
pub fn set(page: Page, indent: usize, columns: &[Column], rows: &[Vec<String>]) -> String {
    let Table { mut text, left_out } = lay(page, indent, columns, rows);
    text.push_str(&no_room(page, &left_out));
    text
}

/// The line that says which columns a narrow terminal has no room for; empty where it has room for all.
pub fn no_room(page: Page, left_out: &[&str]) -> String {
    if left_out.is_empty() {
        return String::new();
    }
    page.wrap(&format!("(no room for {})", left_out.join(", "))) + "\n"
}

/// Sets a table, and leaves it to the caller to say what was left out.
pub fn lay(page: Page, indent: usize, columns: &[Column], rows: &[Vec<String>]) -> Table {
    let cells = |i: usize| rows.iter().filter_map(move |row| row.get(i)).map(String::as_str);
    let natural: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(i, column)| cells(i).map(width).chain([width(column.title)]).max().unwrap_or(0))
        .collect();
    let bare: Vec<bool> =
        (0..columns.len()).map(|i| cells(i).all(|cell| cell == NONE || cell.is_empty())).collect();
    let chosen = plan(page, indent, columns, &natural, &bare);
    let cuts: Vec<fn(&str, usize) -> String> = chosen
        .iter()
        .map(|&(i, size)| if columns[i].fit == Fit::Apart { apart(&cells(i), size) } else { clip })
        .collect();
    let mut out = String::new();
    let titles: Vec<String> = columns.iter().map(|column| column.title.to_owned()).collect();
    for (at, row) in std::iter::once(&titles).chain(rows).enumerate() {
        let mut line = " ".repeat(indent);
        for (place, &(i, size)) in chosen.iter().enumerate() {
            let cut = if at == 0 { clip } else { cuts[place] };
            let cell = cut(row.get(i).map_or("", String::as_str), size);
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
    let kept = |i: usize| chosen.iter().any(|&(c, _)| c == i);
    let left_out = (0..columns.len()).filter(|&i| !kept(i)).map(|i| columns[i].title).collect();
    Table { text: out, left_out }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Vec<String>> {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        vec![row(["prompt://core/日本語の長い名前のプロンプト", "12", "x"]), row(["b", "1,203", "why"])]
    }

    const COLUMNS: [Column; 3] = [name("PROMPT", 9, 28), number("CALLS", 9), text("NOTE", 1)];

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
            let Table { text, left_out } = lay(page, 0, &COLUMNS, &rows());
            assert!(text.lines().all(|line| width(line) <= limit), "{limit}\n{text}");
            assert!(text.contains("CALLS"));
            assert_eq!(text.contains("NOTE"), limit >= 41, "{limit}\n{text}");
            assert_eq!(left_out.is_empty(), limit >= 41);
        }
        let said = set(Page { width: Some(40), bold: false }, 0, &COLUMNS, &rows());
        assert!(said.contains("\n(no room for NOTE)\n"), "{said}");
        assert_eq!((clip("日本語", 4), clip_start("日本語", 4)), ("日…".into(), "…語".into()));
        assert_eq!((clip("abc", 0), clip_start("abc", 0)), (String::new(), String::new()));
    }

    #[test]
    fn long_texts_are_cut_before_columns_go_and_ids_last() {
        let columns = [id("CALL", 9), number("COST", 5), text("OUTCOME", 7)];
        let rows = vec![vec!["0af7651916cd43dd8448eb211c80319c".into(), "$0.1".into(), "e".repeat(500)]];
        let at = |limit| lay(Page { width: Some(limit), bold: false }, 0, &columns, &rows);
        let wide = at(80);
        assert!(
            wide.left_out.is_empty() && wide.text.contains("80319c  $0.1  eee") && wide.text.contains("e…\n")
        );
        assert_eq!(at(47).left_out, ["COST"]);
        assert_eq!(at(34).left_out, ["COST", "OUTCOME"]);
        assert!(at(34).text.contains("80319c\n"));
        assert!(at(20).text.ends_with("…\n"));
    }

    #[test]
    fn names_that_begin_alike_are_told_apart() {
        let rows: Vec<Vec<String>> = ["support.refund-reply", "support.order-status"]
            .map(|key| vec![format!("prompt://org/HUMAN_CORP/{key}")])
            .to_vec();
        let text = set(Page { width: Some(28), bold: false }, 0, &[name("PROMPT", 9, 20)], &rows);
        assert!(text.contains("\n…/support.refund-reply\n"), "{text}");
    }

    #[test]
    fn columns_of_nothing_go_first() {
        let rows = vec![vec!["a".into(), "-".into(), "1".into()]];
        let columns = [text("A", 9), number("KNOWN", 8), number("N", 1)];
        let table = lay(Page { width: Some(10), bold: false }, 0, &columns, &rows);
        assert_eq!(table.left_out, ["KNOWN"]);
    }

    #[test]
    fn lines_break_between_words() {
        let page = Page { width: Some(20), bold: false };
        assert_eq!(
            page.wrap("  Best model: gpt-4o (0.74, insufficient)\nx"),
            "  Best model: gpt-4o\n    (0.74,\n    insufficient)\nx"
        );
        assert_eq!(Page::default().wrap(&"word ".repeat(90)), "word ".repeat(90));
    }
}
