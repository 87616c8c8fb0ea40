//! Characters of a text that must be shown, never emitted: control and escape characters, bidirectional overrides and
//! what nobody can see. One rule for the terminal, the diff and the linter.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Why a character is not printed as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hidden {
    /// A control character: may move the cursor, ring or begin an escape sequence.
    Control,
    /// Changes the order in which its neighbours are shown.
    Bidi,
    /// Takes no space, and so hides what a text says.
    Invisible,
}

/// Whether `c` is to be shown as an escape. Line feed and tab are text.
pub fn hidden(c: char) -> Option<Hidden> {
    match c {
        '\n' | '\t' | ' '..='~' => None,
        '\u{2028}' | '\u{2029}' => Some(Hidden::Control),
        c if c.is_control() => Some(Hidden::Control),
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            Some(Hidden::Bidi)
        }
        '\u{ad}'
        | '\u{34f}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'
        | '\u{2060}'..='\u{2065}'
        | '\u{206a}'..='\u{206f}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => Some(Hidden::Invisible),
        _ => None,
    }
}

/// The hidden characters of `text` with their byte offsets. The joiners U+200C and U+200D count where a neighbour is
/// ASCII or missing: between letters of scripts that need them, and in emoji, they are ordinary.
pub fn hidden_in(text: &str) -> impl Iterator<Item = (usize, char, Hidden)> + '_ {
    let mut before = None;
    text.char_indices().filter_map(move |(at, c)| {
        let earlier = before.replace(c);
        if matches!(c, '\u{200c}' | '\u{200d}') {
            let later = text[at + c.len_utf8()..].chars().next();
            let ordinary = |c: Option<char>| c.is_some_and(|c| !c.is_ascii());
            return if ordinary(earlier) && ordinary(later) {
                None
            } else {
                Some((at, c, Hidden::Invisible))
            };
        }
        hidden(c).map(|why| (at, c, why))
    })
}

/// `text` with every hidden character written as `\u{…}` (`\r` as `\r`): safe to print on a terminal.
pub fn visible(text: &str) -> Cow<'_, str> {
    let mut shown = String::new();
    let mut kept = 0;
    for (at, c, _) in hidden_in(text) {
        shown.push_str(&text[kept..at]);
        shown.push_str(&name(c));
        kept = at + c.len_utf8();
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    shown.push_str(&text[kept..]);
    Cow::Owned(shown)
}

/// `text` on one line: [`visible`], and line feeds and tabs as `\n` and `\t`.
pub fn one_line(text: &str) -> String {
    visible(text).replace('\n', "\\n").replace('\t', "\\t")
}

/// A hidden character as it is shown.
pub fn name(c: char) -> String {
    let mut name = String::new();
    match c {
        '\r' => name.push_str("\\r"),
        c => {
            let _ = write!(name, "\\u{{{:x}}}", u32::from(c));
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shown_not_emitted() {
        assert_eq!(visible("a\u{1b}[31mb\r\n\u{202e}c\u{200b}"), "a\\u{1b}[31mb\\r\n\\u{202e}c\\u{200b}");
        assert_eq!(visible("פשוט 👩‍👩‍👧 می‌خواهم"), "פשוט 👩‍👩‍👧 می‌خواهم");
        assert_eq!(visible("pass\u{200d}word"), "pass\\u{200d}word");
        assert_eq!(one_line("a\n\tb"), "a\\n\\tb");
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left(text in any::<String>()) {
            let shown = visible(&text);
            prop_assert!(!shown.chars().any(|c| hidden(c).is_some()), "{:?}", shown);
        }
    }
}
