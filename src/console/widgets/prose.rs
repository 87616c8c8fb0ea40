//! The text of a prompt, for reading: wrapped at words, its variables, headings, fences and front matter told apart.
//!
//! ```text
//!   1   ---
//!   2   name: support.reply
//!   3   ---
//!   4   # Support
//!   5   Answer {{customer}} in their own
//!   ↵   language.
//! ```

use std::ops::Range;

use ratatui::layout::Rect;

use super::flow::{Flow, Reveal, Span};
use super::scroll;
use crate::console::canvas::Canvas;
use crate::console::hitmap::{ListId, View};
use crate::theme::{Glyph, Role};

/// Longest tag that is looked for, in bytes: a search for its end must not run to the end of the line each time.
const MAX_TAG: usize = 200;
/// Columns of text below which there is no room for numbers.
const NUMBERED: u16 = 20;

/// What is shown beside and of the text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Showing {
    /// Line numbers.
    pub numbers: bool,
    /// Every blank and tab.
    pub invisibles: bool,
}

/// A text, laid out for a width.
#[derive(Debug, Clone, Default)]
pub struct Laid {
    flow: Flow,
    /// For each line of the screen the line of the text, from 1; and whether it goes on from the line above.
    numbers: Vec<(u32, bool)>,
    digits: u16,
}

impl Laid {
    /// How many lines it has.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The line of the screen in which a line of the text begins.
    pub fn line_of(&self, number: u32) -> usize {
        self.numbers.partition_point(|(at, _)| *at < number).min(self.numbers.len().saturating_sub(1))
    }
}

/// Lays a text out. `width` is that of the whole place, the columns of the scroll bar included.
pub fn layout(text: &str, width: u16, showing: Showing) -> Laid {
    let lines = text.bytes().filter(|b| *b == b'\n').count() + 1;
    let digits = (lines.ilog10() as u16 + 1).max(3);
    let width = width.saturating_sub(scroll::COLUMNS);
    let numbered = showing.numbers && width >= digits + 2 + NUMBERED;
    let digits = if numbered { digits } else { 0 };
    let width = if numbered { width - digits - 2 } else { width };
    let reveal = if showing.invisibles { Reveal::All } else { Reveal::Little };
    let mut laid = Laid { digits, ..Laid::default() };
    let (mut spans, mut reader, mut at) = (Vec::new(), Reader::of(text), 0);
    for (i, line) in text.split_inclusive('\n').enumerate() {
        let end = at + line.len();
        let bare = line.strip_suffix('\n').unwrap_or(line);
        spans.clear();
        reader.read(bare, at, &mut spans);
        let lines = laid.flow.line(text, &spans, width, reveal);
        laid.numbers.extend(lines.enumerate().map(|(nth, _)| (i as u32 + 1, nth > 0)));
        at = end;
    }
    laid
}

/// What the lines before say of a line.
struct Reader {
    /// Within front matter.
    front: bool,
    /// The fence that is open: what it is made of, and how long.
    fence: Option<(u8, usize)>,
    first: bool,
}

impl Reader {
    /// Front matter is one only if it ends.
    fn of(text: &str) -> Reader {
        let mut lines = text.lines().map(str::trim_end);
        let front = lines.next() == Some("---") && lines.any(|line| line == "---");
        Reader { front, fence: None, first: true }
    }

    fn read(&mut self, line: &str, at: usize, spans: &mut Vec<Span>) {
        let first = std::mem::take(&mut self.first);
        if self.front {
            spans.push((Role::Muted, at..at + line.len()));
            self.front = first || line.trim_end() != "---";
            return;
        }
        let words = line.trim_start();
        let fence = words.bytes().next().filter(|b| matches!(b, b'`' | b'~')).map(|b| {
            let long = words.bytes().take_while(|other| *other == b).count();
            (b, long)
        });
        let fence = fence.filter(|(_, long)| *long >= 3);
        let role = match (self.fence, fence) {
            (Some((open, least)), Some((b, long))) if b == open && long >= least => {
                self.fence = None;
                Role::Code
            }
            (Some(_), _) => Role::Code,
            (None, Some(fence)) => {
                self.fence = Some(fence);
                Role::Code
            }
            (None, None) if is_heading(words) => Role::PromptHeading,
            (None, None) => Role::Text,
        };
        let mut from = 0;
        for tag in tags(line) {
            spans.push((role, at + from..at + tag.start));
            spans.push((Role::Variable, at + tag.start..at + tag.end));
            from = tag.end;
        }
        spans.push((role, at + from..at + line.len()));
    }
}

fn is_heading(words: &str) -> bool {
    let level = words.bytes().take_while(|b| *b == b'#').count();
    (1..=6).contains(&level) && matches!(words.as_bytes().get(level), None | Some(b' ' | b'\r'))
}

/// What stands in double braces.
fn tags(line: &str) -> Vec<Range<usize>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(open) = line[at..].find("{{") {
        let start = at + open;
        let mut reach = line.len().min(start + MAX_TAG);
        while !line.is_char_boundary(reach) {
            reach -= 1;
        }
        match line[start + 2..reach].find("}}") {
            Some(close) => {
                let mut end = start + close + 4;
                end += usize::from(line[start..].starts_with("{{{") && line[end..].starts_with('}'));
                found.push(start..end);
                at = end;
            }
            None => at = start + 2,
        }
    }
    found
}

/// Draws the lines from `offset` on, and says what is in view.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, laid: &Laid, offset: usize, list: ListId) -> View {
    let area = canvas.on_screen(area);
    let view = scroll::viewed(canvas, area, list, offset, laid.len());
    let width = area.width.saturating_sub(scroll::COLUMNS);
    let wrapped_mark = canvas.glyph(Glyph::Wrapped);
    for (y, line) in (area.y..area.bottom()).zip(view.offset..laid.len()) {
        let gutter = if laid.digits == 0 { 0 } else { (laid.digits + 2).min(width) };
        if laid.digits > 0 {
            let (number, wrapped) = laid.numbers[line];
            let number = if wrapped { wrapped_mark.to_owned() } else { number.to_string() };
            canvas.put_right(area.x, y, laid.digits.min(width), &number, Role::LineNumber);
        }
        laid.flow.draw(canvas, area.x + gutter, y, width - gutter, line);
    }
    scroll::bar(canvas, area, view, laid.len());
    view
}

#[cfg(test)]
mod tests {
    use super::super::sketch::{drawn, plain};
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = "---\nname: support.reply\nmodel: any\n---\n# Support for {{product}}\n\nAnswer {{customer.name}} in their own language, {{{tone}}}, and be kind.\n\n- First say what you will do, in a sentence.\n- Then do it.\n\n```json\n{\"a\": {{value}}}\n```\n{{#if vip}}Be quick.{{/if}}\n";

    #[test]
    fn looks() {
        let numbers = Showing { numbers: true, invisibles: false };
        let all = [(60, 16, numbers), (36, 12, Showing { invisibles: true, ..numbers }), (20, 8, numbers)];
        let mut all: Vec<String> = all
            .into_iter()
            .map(|(width, height, showing)| {
                let laid = layout(TEXT, width, showing);
                drawn(width, height, |c, area| {
                    draw(c, area, &laid, 0, ListId::Prompt);
                })
            })
            .collect();
        let laid = layout(TEXT, 40, numbers);
        all.push(plain(40, 9, |c, area| {
            draw(c, area, &laid, 4, ListId::Prompt);
        }));
        insta::assert_snapshot!(all.join("\n\n"));
    }

    #[test]
    fn parts_are_told_apart() {
        let laid = layout(TEXT, 80, Showing::default());
        let of = |line: usize| laid.flow.pieces(line);
        assert_eq!(of(3), [(Role::Muted, "---")]);
        assert_eq!(of(4), [(Role::PromptHeading, "# Support for "), (Role::Variable, "{{product}}")]);
        assert_eq!(of(6)[3], (Role::Variable, "{{{tone}}}"));
        assert_eq!(of(11), [(Role::Code, "```json")]);
        assert_eq!(of(12)[1], (Role::Variable, "{{value}}"));
        assert_eq!(of(14)[0], (Role::Variable, "{{#if vip}}"));
        // What does not end is no front matter.
        let laid = layout("---\nname: x\n", 80, Showing::default());
        assert_eq!(laid.flow.pieces(1), [(Role::Text, "name: x")]);
        let narrow = layout(TEXT, 30, Showing::default());
        assert_eq!(narrow.numbers[narrow.line_of(9)], (9, false));
    }

    proptest! {
        #[test]
        fn any_text_in_any_area(
            text in "(?s)(---\\n|```|# |\\{\\{|\\}\\}|[a-c \\n\\t]|日|é|\\r|.){0,60}",
            width in 0u16..60, height in 0u16..6, numbers: bool, invisibles: bool,
        ) {
            let laid = layout(&text, width, Showing { numbers, invisibles });
            prop_assert_eq!(laid.flow.len(), laid.len());
            drawn(width, height, |c, area| {
                draw(c, area, &laid, 1, ListId::Prompt);
            });
        }
    }
}
