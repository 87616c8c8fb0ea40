//! Every mark that is not a letter, with its twin for terminals that show only ASCII.

use std::str::FromStr;

use super::role::Role;

/// A mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glyph {
    /// The selected row.
    Cursor,
    /// An item that is marked.
    Marked,
    /// An item that could be.
    Unmarked,
    /// Sorted from low to high.
    Ascending,
    /// Sorted from high to low.
    Descending,
    /// More than before.
    Up,
    /// All is well.
    Good,
    /// Look here.
    Caution,
    /// Come here.
    Page,
    /// Refused or failed.
    Bad,
    /// Too little evidence.
    Insufficient,
    /// Text that goes on.
    Ellipsis,
    /// A line that was wrapped.
    Wrapped,
    /// An item of a list.
    Bullet,
    /// From here to there.
    Arrow,
    /// Between the crumbs of a path, and between hints.
    Separator,
    /// A tab character in a text.
    TabMark,
    /// A blank at the end of a line.
    BlankMark,
    /// A vertical rule between columns.
    Rule,
    /// A horizontal rule.
    Dash,
    /// A version became active (on a time axis).
    Version,
    /// An alert began (on a time axis).
    Alert,
    /// A value in an interval plot.
    Point,
    /// The line of an interval.
    Whisker,
    /// The recommended one.
    Star,
    /// Thin evidence in a heat map.
    Hatch,
    /// Read-only.
    Locked,
    /// Frozen.
    Frozen,
    /// A thumb of a scroll bar.
    Thumb,
    /// Signed and verified.
    Signed,
}

impl Glyph {
    /// The mark, or its ASCII twin. One column wide, both.
    #[allow(clippy::match_same_arms, reason = "what means something else may come to look otherwise")]
    pub const fn text(self, ascii: bool) -> &'static str {
        let (glyph, twin) = match self {
            Glyph::Cursor => ("▌", ">"),
            Glyph::Marked => ("●", "*"),
            Glyph::Unmarked => ("○", "o"),
            Glyph::Ascending => ("▵", "^"),
            Glyph::Descending => ("▿", "v"),
            Glyph::Up => ("↑", "+"),
            Glyph::Good => ("✓", "+"),
            Glyph::Caution => ("▲", "!"),
            Glyph::Page => ("◆", "#"),
            Glyph::Bad => ("✗", "x"),
            Glyph::Insufficient => ("·", "."),
            Glyph::Ellipsis => ("…", "~"),
            Glyph::Wrapped => ("↵", "\\"),
            Glyph::Bullet => ("•", "*"),
            Glyph::Arrow => ("→", ">"),
            Glyph::Separator => ("·", "|"),
            Glyph::TabMark => ("→", ">"),
            Glyph::BlankMark => ("·", "."),
            Glyph::Rule => ("│", "|"),
            Glyph::Dash => ("─", "-"),
            Glyph::Version => ("▾", "V"),
            Glyph::Alert => ("▲", "!"),
            Glyph::Point => ("●", "o"),
            Glyph::Whisker => ("─", "-"),
            Glyph::Star => ("★", "@"),
            Glyph::Hatch => ("░", "?"),
            Glyph::Locked => ("⊘", "R"),
            Glyph::Frozen => ("‖", "F"),
            Glyph::Thumb => ("█", "|"),
            Glyph::Signed => ("✓", "+"),
        };
        if ascii { twin } else { glyph }
    }
}

impl Role {
    /// The mark of what is said in this role: what a colour means is seen without it.
    pub const fn mark(self) -> Glyph {
        match self {
            Role::Good => Glyph::Good,
            Role::Caution => Glyph::Caution,
            Role::Bad => Glyph::Bad,
            Role::Page => Glyph::Page,
            _ => Glyph::Bullet,
        }
    }
}

/// Levels of a sparkline or a bar, lowest first.
pub const fn levels(ascii: bool) -> [&'static str; 8] {
    if ascii {
        ["_", ".", ":", "-", "=", "+", "*", "#"]
    } else {
        ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    }
}

/// Parts of a cell filled from the left, an eighth more each; the last is all of it.
pub const fn eighths(ascii: bool) -> [&'static str; 8] {
    if ascii {
        ["-", "-", "-", "=", "=", "=", "#", "#"]
    } else {
        ["▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"]
    }
}

/// What lines of charts are drawn with, the finest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Marks {
    /// Two by four dots to a cell.
    #[default]
    Braille,
    /// One by two, for fonts without braille.
    Block,
    /// One, a letter for each line.
    Ascii,
}

impl Marks {
    /// Dots of a cell, across and down.
    pub const fn dots(self) -> (u16, u16) {
        match self {
            Marks::Braille => (2, 4),
            Marks::Block => (1, 2),
            Marks::Ascii => (1, 1),
        }
    }
}

impl FromStr for Marks {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "braille" => Ok(Marks::Braille),
            "block" => Ok(Marks::Block),
            "ascii" => Ok(Marks::Ascii),
            other => {
                Err(format!("`{}` draws no chart; write braille, block or ascii.", other.escape_debug()))
            }
        }
    }
}
