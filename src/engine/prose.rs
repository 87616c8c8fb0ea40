//! What the text of a prompt is made of: words, lines, sentences, and the spans that no rule may touch. Reads, and judges
//! nothing; spans are byte ranges of the text.
//!
//! Start with [`Prose::read`].

use std::ops::Range;

/// What ends a sentence wherever it stands.
const WIDE_ENDS: [char; 3] = ['。', '！', '？'];
/// What ends one where white space or the end of the line follows.
const ENDS: [char; 3] = ['.', '!', '?'];
/// Words of two texts together up to which they are compared in order; more are compared as bags, in linear time.
pub const MAX_COMPARED: usize = 10_000;

/// Longest inline span that is looked for, in bytes.
const MAX_INLINE: usize = 400;
/// How the lines of a dialogue and of examples begin.
const SPEAKERS: [&str; 12] = [
    "example",
    "for example",
    "e.g.",
    "input:",
    "output:",
    "user:",
    "assistant:",
    "human:",
    "ai:",
    "q:",
    "a:",
    "system:",
];

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// White space alone.
    Blank,
    /// `# …`
    Heading,
    /// `- …`
    Item,
    /// `1. …`
    Numbered,
    /// A line of a paragraph.
    Plain,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// With its line end.
    pub range: Range<usize>,
    /// What it is.
    pub form: Form,
    /// Whether the line above announces it: that one ends with a colon.
    pub announced: bool,
}

/// One sentence; none goes on over the end of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// Without marker and surrounding white space.
    pub range: Range<usize>,
    /// The line that it stands on.
    pub line: usize,
}

/// A text that was read.
#[derive(Debug, Clone)]
pub struct Prose<'a> {
    /// The text.
    pub text: &'a str,
    /// Its lines.
    pub lines: Vec<Line>,
    /// Its sentences.
    pub sentences: Vec<Sentence>,
    frozen: Vec<Range<usize>>,
    turns: Vec<usize>,
}

impl<'a> Prose<'a> {
    /// Reads `text`, of which the passages `protected` are nobody's to change.
    pub fn read(text: &'a str, protected: &[String]) -> Prose<'a> {
        let lines = lines(text);
        let sentences = lines.iter().enumerate().flat_map(|(i, line)| sentences(text, i, line)).collect();
        let (mut frozen, turns) = tags(text);
        frozen.extend(fences(text, &lines));
        frozen.extend(quoted_lines(text, &lines));
        frozen.extend(inline(text));
        frozen.extend(examples(text));
        for passage in protected.iter().filter(|passage| !passage.is_empty()) {
            frozen.extend(text.match_indices(passage.as_str()).map(|(at, found)| at..at + found.len()));
        }
        Prose { text, lines, sentences, frozen: merged(frozen), turns }
    }

    /// Whether no part of `range` is frozen: a tag, a block, code, a quotation, an example, or protected.
    pub fn is_free(&self, range: &Range<usize>) -> bool {
        let after = self.frozen.partition_point(|frozen| frozen.end <= range.start);
        self.frozen.get(after).is_none_or(|frozen| frozen.start >= range.end)
    }

    /// Which part of a conversation `at` stands in, by the tags that begin one.
    pub fn turn(&self, at: usize) -> usize {
        self.turns.partition_point(|turn| *turn <= at)
    }

    /// The text of a sentence.
    pub fn of(&self, sentence: &Sentence) -> &'a str {
        &self.text[sentence.range.clone()]
    }

    /// The sentences of a line.
    pub fn on(&self, line: usize) -> &[Sentence] {
        let first = self.sentences.partition_point(|s| s.line < line);
        let end = self.sentences.partition_point(|s| s.line <= line);
        &self.sentences[first..end]
    }

    /// What to cut so that a sentence is gone: with the white space after it, or the whole line where it has no other.
    pub fn cut(&self, sentence: &Sentence) -> Range<usize> {
        let line = &self.lines[sentence.line];
        if self.on(sentence.line).len() == 1 {
            return line.range.clone();
        }
        let Range { start, end } = sentence.range;
        let rest = &self.text[end..line.range.end];
        let next = rest.trim_start();
        if next.is_empty() {
            let before = self.text[line.range.start..start].trim_end();
            return line.range.start + before.len()..end;
        }
        start..line.range.end - next.len()
    }

    /// The frozen texts in order: what an edit must hand on as it is.
    pub fn kept(&self) -> Vec<&'a str> {
        self.frozen.iter().map(|range| &self.text[range.clone()]).collect()
    }
}

/// The words of a text in lower case; a character of a script without spaces is a word.
pub fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut open = false;
    for c in text.chars() {
        let wide = matches!(u32::from(c), 0x3040..=0x30ff | 0x3400..=0x9fff | 0xf900..=0xfaff);
        let part = c.is_alphanumeric() || matches!(c, '\'' | '’') && open;
        match (part, words.last_mut()) {
            (true, Some(word)) if open && !wide => word.extend(c.to_lowercase()),
            (true, _) => words.push(c.to_lowercase().collect()),
            (false, _) => {}
        }
        open = part && !wide;
    }
    words
}

/// A sentence as it is compared: lower case, one space between words.
pub fn folded(sentence: &str) -> String {
    sentence.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Whether a sentence means the same wherever it stands, as far as its first word can tell.
pub fn stands_alone(sentence: &str) -> bool {
    const LEANING: [&str; 27] = [
        "this",
        "that",
        "these",
        "those",
        "it",
        "they",
        "them",
        "he",
        "she",
        "its",
        "their",
        "then",
        "otherwise",
        "and",
        "or",
        "but",
        "also",
        "so",
        "such",
        "same",
        "here",
        "however",
        "therefore",
        "instead",
        "else",
        "again",
        "if",
    ];
    let words = words(sentence);
    words.first().is_some_and(|first| !LEANING.contains(&first.as_str()))
        && !sentence.trim_end().ends_with(':')
}

/// Applies edits that do not overlap, in any order.
pub fn edited(text: &str, mut edits: Vec<(Range<usize>, String)>) -> String {
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for (range, new) in edits {
        if range.start < at {
            continue;
        }
        out.push_str(&text[at..range.start]);
        out.push_str(&new);
        at = range.end;
    }
    out.push_str(&text[at..]);
    out
}

fn lines(text: &str) -> Vec<Line> {
    let (mut at, mut lines, mut announced) = (0, Vec::new(), false);
    for line in text.split_inclusive('\n') {
        let form = form(line);
        lines.push(Line { range: at..at + line.len(), form, announced });
        if form != Form::Blank {
            announced = line.trim_end().ends_with([':', '：']);
        }
        at += line.len();
    }
    lines
}

fn form(line: &str) -> Form {
    let body = line.trim();
    let (marker, rest) = body.split_at(marker(body));
    match marker.chars().next() {
        _ if body.is_empty() => Form::Blank,
        Some('#') => Form::Heading,
        Some('0'..='9') => Form::Numbered,
        Some(_) if !rest.is_empty() => Form::Item,
        _ => Form::Plain,
    }
}

/// The length of a line's marker with the white space after it; 0 without one.
fn marker(body: &str) -> usize {
    let signs = body.len() - body.trim_start_matches('#').len();
    let digits = body.len() - body.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let sign = match body.chars().next() {
        Some('#') => signs,
        Some('-' | '*' | '+') => 1,
        Some('•') => '•'.len_utf8(),
        Some('0'..='9') if digits <= 3 && body[digits..].starts_with(['.', ')']) => digits + 1,
        _ => return 0,
    };
    let rest = &body[sign..];
    if rest.is_empty() || rest.starts_with(char::is_whitespace) {
        body.len() - rest.trim_start().len()
    } else {
        0
    }
}

fn sentences(text: &str, line: usize, of: &Line) -> Vec<Sentence> {
    let whole = &text[of.range.clone()];
    let body = whole.trim();
    if body.is_empty() {
        return Vec::new();
    }
    let first = of.range.start + (whole.len() - whole.trim_start().len()) + marker(body);
    let end = of.range.start + whole.trim_end().len();
    let (mut found, mut start) = (Vec::new(), first);
    for (at, c) in text[first..end].char_indices() {
        let after = first + at + c.len_utf8();
        let rest = &text[after..end];
        let next = rest.trim_start().chars().next();
        let ends = WIDE_ENDS.contains(&c) && next.is_none_or(|n| !WIDE_ENDS.contains(&n))
            || ENDS.contains(&c)
                && rest.starts_with(char::is_whitespace)
                // `e.g. this`, `approx. 3`: no new sentence.
                && next.is_some_and(|n| !n.is_lowercase() && !n.is_ascii_digit());
        if ends && after < end {
            found.push(Sentence { range: start..after, line });
            start = after + (rest.len() - rest.trim_start().len());
        }
    }
    if start < end {
        found.push(Sentence { range: start..end, line });
    }
    found
}

/// The spans of tags, whole blocks included, and where the turns of a conversation begin.
fn tags(text: &str) -> (Vec<Range<usize>>, Vec<usize>) {
    let (mut spans, mut turns) = (Vec::new(), Vec::new());
    let (mut at, mut depth, mut outer) = (0, 0_usize, 0);
    while let Some(found) = text[at..].find("{{") {
        let open = at + found;
        let end = text[open..].find("}}").map_or(text.len(), |n| {
            let end = open + n + 2;
            end + usize::from(text[end..].starts_with('}'))
        });
        let inside = text[open..end].trim_start_matches(['{', '~', ' ']);
        if text[..open].ends_with('\\') {
            // Literal braces: perhaps a tag of whoever renders the text after us.
            spans.push(open - 1..end);
        } else {
            if depth == 0 {
                outer = open;
            }
            match inside.chars().next() {
                Some('#' | '^') if !inside.starts_with("^}") => depth += 1,
                Some('/') => depth = depth.saturating_sub(1),
                _ if ["role", "history", "media", "section"].iter().any(|tag| inside.starts_with(tag)) => {
                    turns.push(open);
                }
                _ => {}
            }
            if depth == 0 {
                spans.push(outer..end);
            }
        }
        at = end;
    }
    if depth > 0 {
        spans.push(outer..text.len());
    }
    (spans, turns)
}

fn fences(text: &str, lines: &[Line]) -> Vec<Range<usize>> {
    let (mut spans, mut open) = (Vec::new(), None::<(usize, &str)>);
    for line in lines {
        let body = text[line.range.clone()].trim_start();
        match open {
            None if body.starts_with("```") => open = Some((line.range.start, "```")),
            None if body.starts_with("~~~") => open = Some((line.range.start, "~~~")),
            Some((start, mark)) if body.starts_with(mark) => {
                spans.push(start..line.range.end);
                open = None;
            }
            _ => {}
        }
    }
    spans.extend(open.map(|(start, _)| start..text.len()));
    spans
}

/// Quotations, tables, indented blocks, dialogues and what follows the word "example", by whole lines.
fn quoted_lines(text: &str, lines: &[Line]) -> Vec<Range<usize>> {
    let (mut spans, mut example, mut under_heading) = (Vec::new(), false, false);
    for line in lines {
        let whole = &text[line.range.clone()];
        let body = whole.trim().to_lowercase();
        let bare = body.trim_start_matches(['#', '*', '_', '-', '<', '[', ' ']);
        let begins = SPEAKERS.iter().any(|speaker| bare.starts_with(speaker));
        if line.form == Form::Heading {
            under_heading = begins;
            example = false;
        } else if begins {
            example = true;
        } else if line.form == Form::Blank {
            example = false;
        }
        let indented = whole.starts_with("    ") || whole.starts_with('\t');
        if example || under_heading || indented || body.starts_with(['>', '|']) {
            spans.push(line.range.clone());
        }
    }
    spans
}

/// Code, quotations, placeholders and markup within a line.
fn inline(text: &str) -> Vec<Range<usize>> {
    const PAIRS: [(char, char); 8] =
        [('`', '`'), ('"', '"'), ('“', '”'), ('«', '»'), ('「', '」'), ('„', '“'), ('{', '}'), ('<', '>')];
    let (mut spans, mut at) = (Vec::new(), 0);
    while let Some((open, close, begin)) = text[at..]
        .char_indices()
        .find_map(|(i, c)| PAIRS.iter().find(|p| p.0 == c).map(|p| (*p, at + i)))
        .map(|((open, close), begin)| (open, close, begin))
    {
        let inside = begin + open.len_utf8();
        let mut limit = (inside + MAX_INLINE).min(text.len());
        while !text.is_char_boundary(limit) {
            limit -= 1;
        }
        let line = text[inside..limit].split('\n').next().unwrap_or_default();
        match line.find(close) {
            Some(n) => {
                spans.push(begin..inside + n + close.len_utf8());
                at = inside + n + close.len_utf8();
            }
            None => at = inside,
        }
    }
    spans
}

/// What stands between `<example>` and `</example>`, and between other tags that hold what is not an instruction.
fn examples(text: &str) -> Vec<Range<usize>> {
    const NAMES: [&str; 5] = ["example", "sample", "code", "document", "quote"];
    let lower = text.to_ascii_lowercase();
    let mut spans = Vec::new();
    for name in NAMES {
        let (open, close) = (format!("<{name}"), format!("</{name}"));
        let mut at = 0;
        while let Some(found) = lower[at..].find(&open) {
            let begin = at + found;
            // Without an end there is none for those after it either.
            let Some(length) = lower[begin..].find(&close) else { break };
            let end = begin + length + close.len();
            spans.push(begin..end);
            at = end;
        }
    }
    spans
}

fn merged(mut spans: Vec<Range<usize>>) -> Vec<Range<usize>> {
    spans.retain(|span| !span.is_empty());
    spans.sort_by_key(|span| (span.start, span.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(spans.len());
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.start < last.end => last.end = last.end.max(span.end),
            _ => merged.push(span),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(text: &str) -> Vec<&str> {
        let prose = Prose::read(text, &[]);
        prose.sentences.iter().map(|s| prose.of(s)).collect()
    }

    #[test]
    fn sentences_of_lines() {
        assert_eq!(
            split("- One thing. Two, e.g. this? Yes\n\n# Head\n3. Three.\n請用繁體中文。謝謝。"),
            ["One thing.", "Two, e.g. this?", "Yes", "Head", "Three.", "請用繁體中文。", "謝謝。"]
        );
    }

    #[test]
    fn what_is_not_ours_to_change() {
        let text = "Free text. Say \"not this\" or `that` to {{name}} and {x}.\n{{#if a}}\nInside.\n{{/if}}\n```\ncode\n```\nExample:\nnever\n\nFree again. Keep me.\n<example>\nno\n</example>\n";
        let prose = Prose::read(text, &["Keep me.".to_owned()]);
        let free = |part: &str| {
            let at = text.find(part).unwrap();
            prose.is_free(&(at..at + part.len()))
        };
        for part in ["Free text.", "to ", "Free again."] {
            assert!(free(part), "{part}");
        }
        for part in ["not this", "that", "{{name}}", "{x}", "Inside.", "code", "never", "Keep me.", "no\n</"]
        {
            assert!(!free(part), "{part}");
        }
    }

    #[test]
    fn cutting_a_sentence_leaves_its_neighbours() {
        let text = "One a. Two b. Three c.\nFour d.\n";
        let prose = Prose::read(text, &[]);
        let without = |i: usize| edited(text, vec![(prose.cut(&prose.sentences[i]), String::new())]);
        assert_eq!(without(0), "Two b. Three c.\nFour d.\n");
        assert_eq!(without(1), "One a. Three c.\nFour d.\n");
        assert_eq!(without(2), "One a. Two b.\nFour d.\n");
        assert_eq!(without(3), "One a. Two b. Three c.\n");
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(?s)(\\{\\{[#/]?|\\}\\}|\"|`|```\n|\n|- |# |1\\. |\\. |[a-zA-Z]+ |。|é|<example>|.){0,60}") {
            let prose = Prose::read(&text, &["a".to_owned()]);
            prop_assert_eq!(prose.lines.iter().map(|l| &text[l.range.clone()]).collect::<String>(), text.clone());
            for sentence in &prose.sentences {
                prop_assert!(!prose.of(sentence).trim().is_empty());
                let cut = prose.cut(sentence);
                prop_assert!(cut.start <= sentence.range.start && cut.end >= sentence.range.end);
                let _ = edited(&text, vec![(cut, String::new())]);
            }
            prop_assert!(words(&text).iter().all(|word| !word.is_empty()));
        }
    }
}
