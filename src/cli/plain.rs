//! Text from outside, made safe to print on one line. Which characters are hidden is decided in
//! [`crate::engine::visible`], for the terminal as for diffs and the linter.

use std::borrow::Cow;

use crate::engine::visible::{one_line, visible};

/// The text on one line, with every control, escape, bidirectional and invisible character written out (`\n`,
/// `\u{1b}`). Text without any is returned as it is.
pub fn shown(text: &str) -> Cow<'_, str> {
    match visible(text) {
        Cow::Borrowed(text) if !text.contains(['\n', '\t']) => Cow::Borrowed(text),
        _ => Cow::Owned(one_line(text)),
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
