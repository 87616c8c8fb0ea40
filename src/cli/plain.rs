//! Text from outside, made safe to print: what a terminal would obey, or a reader would not see, is shown instead.

use std::borrow::Cow;
use std::fmt::Write;

/// The text with every control, escape, bidirectional and invisible character written out (`\n`, `\u{1b}`), on one
/// line. Text without any is returned as it is.
pub fn shown(text: &str) -> Cow<'_, str> {
    let mut before = None;
    let hidden = text.chars().any(|c| is_hidden(before.replace(c), c));
    if !hidden {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut before = None;
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_hidden(before, c) => {
                // Writing to a String does not fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
        before = Some(c);
    }
    Cow::Owned(out)
}

fn is_hidden(before: Option<char>, c: char) -> bool {
    match c {
        // Joiners shape emoji and some scripts; after plain letters they only hide a difference.
        '\u{200c}' | '\u{200d}' => before.is_none_or(|c| c.is_ascii()),
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}' => {
            true
        }
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' => true,
        '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}' => true,
        c => c.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_is_obeyed() {
        assert!(matches!(shown("gpt-4o déjà 日本 👩\u{200d}💻"), Cow::Borrowed(_)));
        for (text, want) in [
            ("a\u{1b}[2Jb", "a\\u{1b}[2Jb"),
            ("a\nb\tc\r", "a\\nb\\tc\\r"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("x\u{202e}txt", "x\\u{202e}txt"),
            ("gpt\u{200d}-4o", "gpt\\u{200d}-4o"),
            ("a\u{7f}\u{0}", "a\\u{7f}\\u{0}"),
            ("tag\u{e0041}", "tag\\u{e0041}"),
        ] {
            assert_eq!(shown(text), want);
        }
    }

    proptest! {
        #[test]
        fn no_control_is_left(text in any::<String>()) {
            let out = shown(&text);
            let obeyed = out.chars().any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
            prop_assert!(!obeyed);
            prop_assert!(shown(&out) == out);
        }
    }
}
