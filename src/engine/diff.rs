//! What changed between two texts, as rows that one view can draw side by side or unified: lines paired by likeness,
//! words emphasised within the pairs. Knows no colour and no width. Prompts are prose, with lines as long as paragraphs.
//!
//! Start with [`Diff::between`]; [`unified`] prints the rows as text.

use std::ops::Range;
use std::time::Instant;

use similar::{Algorithm, ChangeTag, DiffOp, InlineChangeOptions, TextDiff};

use crate::engine::visible::visible;

/// Whether a run of text is what changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emphasis {
    /// As on the other side.
    Plain,
    /// Only on this side.
    Strong,
}

/// What a row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The line stands on both sides.
    Same,
    /// The line was edited: both sides are present.
    Changed,
    /// Only on the left.
    Removed,
    /// Only on the right.
    Added,
    /// This many unchanged lines are not shown; neither side is present.
    Gap(u32),
}

/// One line of one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// Line number, from 1.
    pub number: u32,
    /// The line's text in order, as byte ranges of the whole text; without the line feed, with a carriage return.
    pub spans: Vec<(Emphasis, Range<usize>)>,
    /// Whether a line feed ends it; the last line may have none.
    pub ended: bool,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffRow {
    /// The line of the old text.
    pub left: Option<Side>,
    /// The line of the new text.
    pub right: Option<Side>,
    /// What the row says.
    pub kind: Kind,
}

/// All rows between two texts, and how many lines differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diff {
    /// The rows in order. Every line of both texts is in exactly one, or counted in a gap.
    pub rows: Vec<DiffRow>,
    /// Lines that only the new text has, edited ones included.
    pub added: u32,
    /// Lines that only the old text has, edited ones included.
    pub removed: u32,
}

/// Lines of an edited block beyond which (old times new) they are paired in order, not by likeness.
const MAX_PAIRINGS: usize = 400;
/// Share of words in common from which two lines are one, edited.
const LIKE: f32 = 0.5;

impl Diff {
    /// Compares two texts. `deadline` bounds the time: past it the rows stay true but may be coarser, so that the result
    /// is reproducible only where it is `None` or far.
    pub fn between(old: &str, new: &str, deadline: Option<Instant>) -> Diff {
        let mut config = TextDiff::configure();
        config.algorithm(Algorithm::Patience);
        if let Some(deadline) = deadline {
            config.deadline(deadline);
        }
        let lines = config.diff_lines(old, new);
        let (left, right) = (Lines::of(old), Lines::of(new));
        let mut diff = Diff { rows: Vec::new(), added: 0, removed: 0 };
        for op in lines.ops() {
            match *op {
                DiffOp::Equal { old_index, new_index, len } => {
                    diff.rows.extend((0..len).map(|i| DiffRow {
                        left: Some(left.side(old_index + i)),
                        right: Some(right.side(new_index + i)),
                        kind: Kind::Same,
                    }));
                }
                DiffOp::Delete { old_index, old_len, .. } => {
                    diff.remove(&left, old_index..old_index + old_len);
                }
                DiffOp::Insert { new_index, new_len, .. } => diff.add(&right, new_index..new_index + new_len),
                DiffOp::Replace { old_index, old_len, new_index, new_len } => {
                    let (mut i, mut j) = (old_index, new_index);
                    let pairs = pair(
                        &left,
                        old_index..old_index + old_len,
                        &right,
                        new_index..new_index + new_len,
                        deadline,
                    );
                    for (a, b) in pairs {
                        diff.remove(&left, i..a);
                        diff.add(&right, j..b);
                        diff.change(&left, a, &right, b, deadline);
                        (i, j) = (a + 1, b + 1);
                    }
                    diff.remove(&left, i..old_index + old_len);
                    diff.add(&right, j..new_index + new_len);
                }
            }
        }
        diff
    }

    /// Whether the texts are equal, byte for byte.
    pub fn is_same(&self) -> bool {
        self.added == 0 && self.removed == 0
    }

    /// The same rows with runs of unchanged lines cut to `context` lines around each change.
    #[must_use]
    pub fn folded(mut self, context: usize) -> Diff {
        let mut rows = Vec::with_capacity(self.rows.len());
        let mut all = std::mem::take(&mut self.rows).into_iter().peekable();
        let mut first = true;
        while let Some(row) = all.next() {
            if row.kind != Kind::Same {
                rows.push(row);
                first = false;
                continue;
            }
            let mut run = vec![row];
            while let Some(next) = all.next_if(|row| row.kind == Kind::Same) {
                run.push(next);
            }
            let head = if first { 0 } else { context };
            let tail = if all.peek().is_none() { 0 } else { context };
            // A gap takes a row: hiding one line hides nothing.
            if run.len() <= head + tail + 1 {
                rows.append(&mut run);
                continue;
            }
            let hidden = run.len() - head - tail;
            let after = run.split_off(head + hidden);
            run.truncate(head);
            rows.append(&mut run);
            rows.push(DiffRow { left: None, right: None, kind: Kind::Gap(hidden as u32) });
            rows.extend(after);
        }
        Diff { rows, ..self }
    }

    fn remove(&mut self, left: &Lines<'_>, lines: Range<usize>) {
        self.removed += lines.len() as u32;
        self.rows.extend(lines.map(|i| DiffRow {
            left: Some(left.side(i)),
            right: None,
            kind: Kind::Removed,
        }));
    }

    fn add(&mut self, right: &Lines<'_>, lines: Range<usize>) {
        self.added += lines.len() as u32;
        self.rows.extend(lines.map(|j| DiffRow {
            left: None,
            right: Some(right.side(j)),
            kind: Kind::Added,
        }));
    }

    fn change(&mut self, left: &Lines<'_>, a: usize, right: &Lines<'_>, b: usize, deadline: Option<Instant>) {
        let (old, new) = ([left.line(a)], [right.line(b)]);
        let words = TextDiff::from_slices(&old, &new);
        let mut options = InlineChangeOptions::new();
        options.semantic_cleanup(true);
        let (mut was, mut is) = (left.side(a), right.side(b));
        for op in words.ops() {
            for change in words.iter_inline_changes_with_options_deadline(op, options, deadline) {
                let side = match change.tag() {
                    ChangeTag::Delete => &mut was,
                    ChangeTag::Insert => &mut is,
                    ChangeTag::Equal => continue,
                };
                let mut at = side.spans.first().map_or(0, |(_, range)| range.start);
                side.spans.clear();
                for (strong, text) in change.iter_strings_lossy() {
                    let emphasis = if strong { Emphasis::Strong } else { Emphasis::Plain };
                    push(&mut side.spans, emphasis, at..at + text.len());
                    at += text.len();
                }
            }
        }
        self.removed += 1;
        self.added += 1;
        self.rows.push(DiffRow { left: Some(was), right: Some(is), kind: Kind::Changed });
    }
}

fn push(spans: &mut Vec<(Emphasis, Range<usize>)>, emphasis: Emphasis, range: Range<usize>) {
    match spans.last_mut() {
        Some((last, before)) if *last == emphasis && before.end == range.start => before.end = range.end,
        _ if range.is_empty() => {}
        _ => spans.push((emphasis, range)),
    }
}

/// The lines of a text by byte range, split as `similar` splits: after `\n`, `\r\n` and a lone `\r`.
struct Lines<'a> {
    text: &'a str,
    ranges: Vec<Range<usize>>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Lines<'a> {
        let bytes = text.as_bytes();
        let (mut ranges, mut start) = (Vec::new(), 0);
        for (i, byte) in bytes.iter().enumerate() {
            if *byte == b'\n' || (*byte == b'\r' && bytes.get(i + 1) != Some(&b'\n')) {
                ranges.push(start..i + 1);
                start = i + 1;
            }
        }
        if start < bytes.len() {
            ranges.push(start..bytes.len());
        }
        Lines { text, ranges }
    }

    /// The line without its line feed.
    fn line(&self, i: usize) -> &'a str {
        let line = &self.text[self.ranges[i].clone()];
        line.strip_suffix('\n').unwrap_or(line)
    }

    fn side(&self, i: usize) -> Side {
        let start = self.ranges[i].start;
        let range = start..start + self.line(i).len();
        Side {
            number: i as u32 + 1,
            ended: range.end < self.ranges[i].end,
            spans: vec![(Emphasis::Plain, range)],
        }
    }
}

/// Pairs edited lines in order, so that the sum of their likeness is greatest.
fn pair(
    left: &Lines<'_>,
    old: Range<usize>,
    right: &Lines<'_>,
    new: Range<usize>,
    deadline: Option<Instant>,
) -> Vec<(usize, usize)> {
    let like = |a: usize, b: usize| {
        let mut config = TextDiff::configure();
        if let Some(deadline) = deadline {
            config.deadline(deadline);
        }
        let (a, b) = (left.line(a), right.line(b));
        let ratio = if a == b { 1.0 } else { config.diff_unicode_words(a, b).ratio() };
        if ratio >= LIKE { ratio } else { 0.0 }
    };
    let (n, m) = (old.len(), new.len());
    if n * m > MAX_PAIRINGS {
        return old.zip(new).filter(|&(a, b)| like(a, b) > 0.0).collect();
    }
    let likeness: Vec<f32> =
        old.clone().flat_map(|a| new.clone().map(move |b| (a, b))).map(|(a, b)| like(a, b)).collect();
    // best[i][j]: the greatest sum for the lines from i and j on.
    let width = m + 1;
    let mut best = vec![0.0_f32; (n + 1) * width];
    for i in (0..n).rev() {
        for j in (0..m).rev() {
            let together = likeness[i * m + j] + best[(i + 1) * width + j + 1];
            best[i * width + j] = together.max(best[(i + 1) * width + j]).max(best[i * width + j + 1]);
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < n && j < m {
        let here = best[i * width + j];
        if here <= best[(i + 1) * width + j] {
            i += 1;
        } else if here <= best[i * width + j + 1] {
            j += 1;
        } else {
            pairs.push((old.start + i, new.start + j));
            i += 1;
            j += 1;
        }
    }
    pairs
}

/// What a piece of a printed diff is, for whoever has colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The names of the two texts.
    Header,
    /// A gap, or the note that a last line has no line feed.
    Note,
    /// Unchanged text.
    Same,
    /// Text of a removed or edited line.
    Removed,
    /// The words of it that went.
    RemovedWord,
    /// Text of an added or edited line.
    Added,
    /// The words of it that came.
    AddedWord,
}

/// Prints rows as text: `-` and `+` before old and new lines, gaps in words, hidden characters shown. `paint` wraps a
/// piece in whatever its role asks for; the text it is given is safe to print.
pub fn unified(
    (old_name, old): (&str, &str),
    (new_name, new): (&str, &str),
    diff: &Diff,
    paint: &dyn Fn(Role, &str) -> String,
) -> String {
    let mut out = Printed { text: String::new(), paint };
    out.put(Role::Header, &format!("--- {}\n+++ {}\n", visible(old_name), visible(new_name)));
    for row in &diff.rows {
        match (row.kind, &row.left, &row.right) {
            (Kind::Same, Some(left), _) => out.line(" ", left, old, Role::Same, Role::Same),
            (Kind::Gap(1), ..) => out.put(Role::Note, "@@ 1 unchanged line\n"),
            (Kind::Gap(lines), ..) => out.put(Role::Note, &format!("@@ {lines} unchanged lines\n")),
            (_, left, right) => {
                if let Some(left) = left {
                    out.line("-", left, old, Role::Removed, Role::RemovedWord);
                }
                if let Some(right) = right {
                    out.line("+", right, new, Role::Added, Role::AddedWord);
                }
            }
        }
    }
    out.text
}

struct Printed<'a> {
    text: String,
    paint: &'a dyn Fn(Role, &str) -> String,
}

impl Printed<'_> {
    fn put(&mut self, role: Role, text: &str) {
        self.text.push_str(&(self.paint)(role, text));
    }

    fn line(&mut self, sign: &str, side: &Side, text: &str, plain: Role, strong: Role) {
        self.put(plain, sign);
        for (emphasis, range) in &side.spans {
            let piece = &text[range.clone()];
            // On an unchanged line the carriage return is its end, not its text; on others it may be the difference.
            let piece = if plain == Role::Same { piece.trim_end_matches('\r') } else { piece };
            self.put(if *emphasis == Emphasis::Strong { strong } else { plain }, &visible(piece));
        }
        self.put(plain, "\n");
        if !side.ended {
            self.put(Role::Note, "\\ no line end\n");
        }
    }
}

#[cfg(test)]
#[path = "diff_tests.rs"]
mod tests;
