//! Text that flows: lines of a text wrapped at words into lines of a screen. Made once for a width; drawing touches only
//! what is seen.
//!
//! ```text
//! - Answer in the user's language, and       runs of one role, out of one string that holds all that is shown
//!   in their tone.                           later lines hang where the first one's words begin
//! ```
//!
//! Linear in the text, however long its lines. Hidden characters are written out, as escapes.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

use crate::console::canvas::{Canvas, WIDEST, columns, pieces, steady};
use crate::engine::visible::{hidden_in, name};
use crate::theme::{Glyph, Role};

/// Columns between the stops of a tab.
const TAB: u16 = 4;
/// What may not begin a line, among wide characters.
const CLOSING: [&str; 12] = ["、", "。", "，", "．", "！", "？", "：", "；", "」", "』", "）", "】"];

/// How much of what a text does not show is shown. Control, bidirectional and invisible characters always are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reveal {
    /// No more than that; a carriage return at the end belongs to the line's end.
    Little,
    /// What could be a change that nobody sees: blanks at the end, changed blanks and tabs, blanks of other kinds.
    Changes,
    /// Every blank and tab.
    All,
}

/// A piece of a source line: its role, and where it stands in the text.
pub type Span = (Role, Range<usize>);

/// What a run is written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ink {
    Text,
    Escape,
    Tab,
    Blank,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    role: Role,
    ink: Ink,
    start: u32,
    end: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    runs: Range<u32>,
    indent: u16,
}

/// A grapheme, or a piece of one that is written out.
#[derive(Debug, Clone, Copy)]
struct Unit {
    run: Run,
    columns: u16,
    /// Whether a line may end after it.
    ends: bool,
}

/// Lines of a screen.
#[derive(Debug, Clone, Default)]
pub struct Flow {
    shown: String,
    runs: Vec<Run>,
    lines: Vec<Line>,
    /// The units of the line at work, kept for its memory.
    units: Vec<Unit>,
}

impl Flow {
    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// As many rows of a screen, which has no more than it can count.
    pub fn rows(&self) -> u16 {
        u16::try_from(self.lines.len()).unwrap_or(u16::MAX)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Adds a source line, without its line feed; its lines of the screen, one at least. The spans follow one another.
    pub fn line(&mut self, text: &str, spans: &[Span], width: u16, reveal: Reveal) -> Range<usize> {
        let first = self.lines.len();
        let (start, end) = match (spans.first(), spans.last()) {
            (Some((_, first)), Some((_, last))) => (first.start, last.end.max(first.start)),
            _ => (0, 0),
        };
        let whole = &text[start..end];
        let whole = if reveal == Reveal::Little { whole.trim_end_matches('\r') } else { whole };
        let mut units = std::mem::take(&mut self.units);
        units.clear();
        let indent = self.read(text, start, whole, spans, reveal, &mut units);
        self.wrap(&units, width.max(1), hang(whole, indent, width));
        self.units = units;
        first..self.lines.len()
    }

    /// Adds words of one role, such as a note; its lines of the screen.
    pub fn words(&mut self, words: &str, role: Role, width: u16) -> Range<usize> {
        self.line(words, &[(role, 0..words.len())], width, Reveal::Little)
    }

    /// Reads a line into units; the columns of the blanks that it begins with.
    fn read(
        &mut self,
        text: &str,
        start: usize,
        whole: &str,
        spans: &[Span],
        reveal: Reveal,
        units: &mut Vec<Unit>,
    ) -> u16 {
        let leading = whole.len() - whole.trim_start_matches([' ', '\t']).len();
        let trailing = whole.trim_end_matches([' ', '\t', '\r']).len();
        let mut spans = Spans::new(text, spans, reveal);
        let mut ink = Inkwell { shown: &mut self.shown, units, at: 0 };
        let mut indent = 0;
        let mut hidden = hidden_in(whole).peekable();
        let plain = hidden.peek().is_none() && whole.is_ascii();
        let mut put = |at: usize, grapheme: &str| {
            let (role, blanks_changed) = spans.at(start + at);
            let marked =
                reveal == Reveal::All || blanks_changed || reveal == Reveal::Changes && at >= trailing;
            match grapheme {
                " " => ink.put(" ", 1, role, if marked { Ink::Blank } else { Ink::Text }, true),
                "\t" => ink.tab(role, if marked { Ink::Tab } else { Ink::Text }),
                _ => {
                    let mut hid = false;
                    while hidden.next_if(|(h, ..)| *h < at + grapheme.len()).is_some() {
                        hid = true;
                    }
                    if let Some(shown) = steady(grapheme).filter(|_| !hid) {
                        for (_, part) in pieces(&shown) {
                            ink.put(part, columns(part), role, Ink::Text, columns(part) > 1);
                        }
                        return;
                    }
                    if columns(grapheme) > WIDEST && !hid {
                        for (_, part) in pieces(grapheme) {
                            ink.put(part, columns(part), role, Ink::Text, columns(part) > 1);
                        }
                        return;
                    }
                    let wide = columns(grapheme);
                    let odd = reveal != Reveal::Little && grapheme.chars().all(char::is_whitespace);
                    if hid || wide == 0 || odd {
                        ink.escape(whole, at, grapheme, role, odd);
                    } else {
                        ink.put(grapheme, wide, role, Ink::Text, wide > 1);
                    }
                }
            }
            if at < leading {
                indent = ink.at;
            }
        };
        if plain {
            for at in 0..whole.len() {
                put(at, &whole[at..=at]);
            }
        } else {
            whole.grapheme_indices(true).for_each(|(at, grapheme)| put(at, grapheme));
        }
        indent.min(u32::from(u16::MAX)) as u16
    }

    /// Breaks units into lines; each is looked at a bounded number of times.
    fn wrap(&mut self, units: &[Unit], width: u16, hang: u16) {
        let (mut begin, mut i, mut used, mut may_end) = (0, 0, 0u16, 0);
        let (mut room, mut indent) = (width, 0);
        while let Some(unit) = units.get(i) {
            if used.saturating_add(unit.columns) > room && i > begin {
                // One blank between words vanishes in the break, unless it is a mark or the last.
                let vanishes = unit.run.ink == Ink::Text
                    && i + 1 < units.len()
                    && &self.shown[unit.run.start as usize..unit.run.end as usize] == " ";
                let end = if vanishes || may_end <= begin { i } else { may_end };
                self.emit(&units[begin..end], indent);
                begin = if vanishes { i + 1 } else { end };
                // What was carried over is measured again: later lines may be shorter.
                (i, used, may_end) = (begin, 0, begin);
                (room, indent) = (width - hang, hang);
                continue;
            }
            used = used.saturating_add(unit.columns);
            i += 1;
            if unit.ends {
                may_end = i;
            }
        }
        self.emit(&units[begin..], indent);
    }

    fn emit(&mut self, units: &[Unit], indent: u16) {
        let first = self.runs.len();
        for unit in units {
            match self.runs[first..].last_mut() {
                Some(run)
                    if run.role == unit.run.role
                        && run.ink == unit.run.ink
                        && run.end == unit.run.start
                        // Each tab has its mark.
                        && run.ink != Ink::Tab =>
                {
                    run.end = unit.run.end;
                }
                _ => self.runs.push(unit.run),
            }
        }
        self.lines.push(Line { runs: first as u32..self.runs.len() as u32, indent });
    }

    /// Draws a line at a place, at most `width` columns of it.
    pub fn draw(&self, canvas: &mut Canvas<'_>, x: u16, y: u16, width: u16, line: usize) {
        let Some(Line { runs, indent }) = self.lines.get(line) else { return };
        let mut used = *indent;
        for run in &self.runs[runs.start as usize..runs.end as usize] {
            if used >= width {
                return;
            }
            let text = &self.shown[run.start as usize..run.end as usize];
            let base = canvas.style(run.role);
            let over = |role| if is_word(run.role) { base } else { base.patch(canvas.style(role)) };
            let at = x.saturating_add(used);
            used += match run.ink {
                Ink::Text => canvas.put_styled(at, y, width - used, text, base),
                Ink::Escape => {
                    let style = base.patch(canvas.style(Role::Escape));
                    canvas.put_styled(at, y, width - used, text, style)
                }
                Ink::Blank => {
                    let style = over(Role::Faint);
                    let marks = canvas.glyph(Glyph::BlankMark).repeat(text.len());
                    canvas.put_styled(at, y, width - used, &marks, style)
                }
                Ink::Tab => {
                    let style = over(Role::Faint);
                    let mark = canvas.glyph(Glyph::TabMark).to_owned() + &text[1..];
                    canvas.put_styled(at, y, width - used, &mark, style)
                }
            };
        }
    }

    /// The roles and texts of a line.
    #[cfg(test)]
    pub(super) fn pieces(&self, line: usize) -> Vec<(Role, &str)> {
        let runs = &self.lines[line].runs;
        let runs = &self.runs[runs.start as usize..runs.end as usize];
        runs.iter().map(|run| (run.role, &self.shown[run.start as usize..run.end as usize])).collect()
    }
}

fn is_word(role: Role) -> bool {
    matches!(role, Role::AddedWord | Role::RemovedWord)
}

/// The spans of a line, asked from left to right.
struct Spans<'a> {
    text: &'a str,
    all: &'a [Span],
    now: usize,
    /// Whether blanks are to be marked in the span at hand: it is a change, and there is nothing in it but blanks.
    blanks: bool,
    reveal: Reveal,
}

impl<'a> Spans<'a> {
    fn new(text: &'a str, spans: &'a [Span], reveal: Reveal) -> Spans<'a> {
        let mut asked = Spans { text, all: spans, now: 0, blanks: false, reveal };
        asked.look();
        asked
    }

    fn look(&mut self) {
        self.blanks = self.reveal != Reveal::Little
            && self.all.get(self.now).is_some_and(|(role, range)| {
                is_word(*role) && self.text[range.clone()].bytes().all(|b| matches!(b, b' ' | b'\t' | b'\r'))
            });
    }

    fn at(&mut self, place: usize) -> (Role, bool) {
        while self.now + 1 < self.all.len() && self.all[self.now].1.end <= place {
            self.now += 1;
            self.look();
        }
        (self.all.get(self.now).map_or(Role::Text, |(role, _)| *role), self.blanks)
    }
}

/// Writes units.
struct Inkwell<'a> {
    shown: &'a mut String,
    units: &'a mut Vec<Unit>,
    /// Columns so far.
    at: u32,
}

impl Inkwell<'_> {
    fn put(&mut self, text: &str, columns: u16, role: Role, ink: Ink, ends: bool) {
        let start = self.shown.len() as u32;
        self.shown.push_str(text);
        if columns > 1
            && ink == Ink::Text
            && let Some(before) = self.units.last_mut()
            && !CLOSING.contains(&text)
        {
            before.ends = true;
        } else if CLOSING.contains(&text)
            && let Some(before) = self.units.last_mut()
        {
            before.ends = false;
        }
        let run = Run { role, ink, start, end: self.shown.len() as u32 };
        self.units.push(Unit { run, columns, ends });
        self.at += u32::from(columns);
    }

    fn tab(&mut self, role: Role, ink: Ink) {
        let columns = TAB - (self.at % u32::from(TAB)) as u16;
        self.put(&"    "[..usize::from(columns)], columns, role, ink, true);
    }

    /// Writes a grapheme out: what hides in it by its name, the rest as it is. An escape may be broken anywhere.
    fn escape(&mut self, whole: &str, from: usize, grapheme: &str, role: Role, all: bool) {
        // Joiners are judged by their neighbours, so that the line is asked and not the grapheme.
        let around = neighbourhood(whole, from, grapheme.len());
        let mut hidden = hidden_in(around.1).map(|(at, ..)| around.0 + at).peekable();
        for (i, c) in grapheme.char_indices() {
            let text = &grapheme[i..i + c.len_utf8()];
            let wide = columns(text);
            while hidden.next_if(|at| *at < from + i).is_some() {}
            if all || wide == 0 || hidden.peek() == Some(&(from + i)) {
                for piece in name(c).chars() {
                    self.put(piece.encode_utf8(&mut [0; 4]), 1, role, Ink::Escape, false);
                }
            } else {
                self.put(text, wide, role, Ink::Text, wide > 1);
            }
        }
    }
}

/// A place of a line with one character before and after it: where it begins, and it.
fn neighbourhood(whole: &str, from: usize, len: usize) -> (usize, &str) {
    let before = whole[..from].chars().next_back().map_or(0, char::len_utf8);
    let after = whole[from + len..].chars().next().map_or(0, char::len_utf8);
    (from - before, &whole[from - before..from + len + after])
}

/// How far later lines are set in: as far as the words of an item, within reason.
fn hang(whole: &str, indent: u16, width: u16) -> u16 {
    let words = whole.trim_start_matches([' ', '\t']);
    let number = words.bytes().take_while(u8::is_ascii_digit).count();
    let marker = match &words.as_bytes()[number..] {
        [b'-' | b'*' | b'+', b' ', ..] if number == 0 => 2,
        [b'.' | b')', b' ', ..] if (1..=3).contains(&number) => number + 2,
        _ => 0,
    };
    let hang = indent.saturating_add(marker as u16);
    if hang <= width / 3 { hang } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::super::sketch::drawn;
    use super::*;
    use crate::engine::visible::hidden;
    use proptest::prelude::*;

    fn wrapped(text: &str, width: u16, reveal: Reveal) -> Vec<String> {
        let mut flow = Flow::default();
        flow.line(text, &[(Role::Text, 0..text.len())], width, reveal);
        let height = flow.len() as u16;
        let all = drawn(width, height, |canvas, area| {
            (0..height).for_each(|y| flow.draw(canvas, 0, y, area.width, usize::from(y)));
        });
        all.split('\n').map(str::to_owned).collect()
    }

    #[test]
    fn lines_break_at_words() {
        assert_eq!(wrapped("keep it short and kind", 8, Reveal::Little), ["keep it", "short", "and kind"]);
        assert_eq!(wrapped("abcdefghij kl", 4, Reveal::Little), ["abcd", "efgh", "ij", "kl"]);
        assert_eq!(wrapped("日本語のテキスト。", 8, Reveal::Little), ["日本語の", "テキス", "ト。"]);
        assert_eq!(wrapped("", 8, Reveal::Little), [""]);
        assert_eq!(
            wrapped("- be kind to everyone here", 14, Reveal::Little),
            ["- be kind to", "  everyone", "  here"]
        );
    }

    #[test]
    fn what_hides_is_shown() {
        assert_eq!(wrapped("a\u{202e}b\u{1b}[2J", 40, Reveal::Little), ["a\\u{202e}b\\u{1b}[2J"]);
        assert_eq!(wrapped("a\tb  \r", 40, Reveal::Little), ["a   b"]);
        assert_eq!(wrapped("a b\u{a0}c  \r", 40, Reveal::Changes), ["a b\\u{a0}c··\\r"]);
        assert_eq!(wrapped("\ta b", 40, Reveal::All), ["→   a·b"]);
        // A mark of combination alone has no column of its own.
        assert_eq!(wrapped("\u{301}e", 40, Reveal::Little), ["\\u{301}e"]);
        // About the width of emoji of several characters terminals disagree.
        assert_eq!(wrapped("👩‍👩‍👧 می‌خواهم", 40, Reveal::Little), ["👩👩👧 می‌خواهم"]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in "(?s)([a-c \\t\\r]|日|👩‍👩|\u{202e}|\u{301}|[^\\n]){0,80}", width in 0u16..30) {
            let mut flow = Flow::default();
            flow.line(&text, &[(Role::Text, 0..text.len())], width, Reveal::All);
            let shown: String = (0..flow.len()).flat_map(|i| flow.pieces(i)).map(|(_, t)| t.to_owned()).collect();
            let bare = |s: &str| s.replace([' ', '\t'], "");
            let mut want = String::new();
            for c in bare(&text).chars() {
                if columns(c.encode_utf8(&mut [0; 4])) > 0 && !c.is_whitespace() && hidden(c).is_none() { want.push(c); }
            }
            // Every character with a column is there, in order, whatever is written out between.
            let mut rest = shown.chars();
            for c in want.chars() {
                prop_assert!(rest.any(|s| s == c), "{c:?} of {text:?} is not in {shown:?}");
            }
            wrapped(&text, width, Reveal::Changes);
        }
    }
}
