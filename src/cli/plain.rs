//! Text from outside, made safe to print on one line. Which characters are hidden is decided in
//! [`crate::engine::visible`], for the terminal as for diffs and the linter.

use std::borrow::Cow;
use std::io::{self, Write};

use crate::engine::visible::{hidden, one_line, visible};

/// The text on one line, with every control, escape, bidirectional and invisible character written out (`\n`,
/// `\u{1b}`). Text without any is returned as it is.
pub fn shown(text: &str) -> Cow<'_, str> {
    match visible(text) {
        Cow::Borrowed(text) if !text.contains(['\n', '\t']) => Cow::Borrowed(text),
        _ => Cow::Owned(one_line(text)),
    }
}

/// Writes JSON so that a terminal shows it: what [`hidden`] names becomes `\uXXXX`. Outside its strings JSON has none
/// of these, so that the document says the same.
#[derive(Debug)]
pub struct JsonWriter<W> {
    out: W,
    /// The beginning of a character whose end is still to come.
    begun: Vec<u8>,
}

impl<W: Write> JsonWriter<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        JsonWriter { out, begun: Vec::new() }
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        let mut kept = 0;
        for (at, c) in text.char_indices() {
            if c.is_ascii() && c != '\u{7f}' {
                continue;
            }
            if hidden(c).is_some() || matches!(c, '\u{200c}' | '\u{200d}') {
                self.out.write_all(&text.as_bytes()[kept..at])?;
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(self.out, "\\u{unit:04x}")?;
                }
                kept = at + c.len_utf8();
            }
        }
        self.out.write_all(&text.as_bytes()[kept..])
    }
}

impl<W: Write> Write for JsonWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.begun.is_empty() && bytes.is_ascii() && !bytes.contains(&0x7f) {
            return self.out.write_all(bytes).map(|()| bytes.len());
        }
        let mut all = std::mem::take(&mut self.begun);
        all.extend_from_slice(bytes);
        let mut rest = all.as_slice();
        loop {
            let error = match std::str::from_utf8(rest) {
                Ok(text) => return self.text(text).map(|()| bytes.len()),
                Err(error) => error,
            };
            let (text, after) = rest.split_at(error.valid_up_to());
            self.text(std::str::from_utf8(text).unwrap_or_default())?;
            let Some(wrong) = error.error_len() else {
                self.begun = after.to_vec();
                return Ok(bytes.len());
            };
            // JSON is UTF-8; anything else is passed on as it is.
            self.out.write_all(&after[..wrong])?;
            rest = &after[wrong..];
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
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
        fn json_says_the_same_and_hides_nothing(text in "[\u{7f}-\u{a0}\u{200b}-\u{202e}\u{e0041}a-c\"é日👩]{0,40}", cut in 1usize..7) {
            let json = serde_json::to_string(&text).unwrap();
            let mut out = JsonWriter::new(Vec::new());
            for part in json.as_bytes().chunks(cut) {
                out.write_all(part).unwrap();
            }
            let written = String::from_utf8(out.out).unwrap();
            prop_assert!(!written.chars().any(|c| hidden(c).is_some() || c == '\u{200d}'), "{}", written);
            prop_assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
        }

        #[test]
        fn no_control_is_left(text in any::<String>()) {
            let out = shown(&text);
            let obeyed = out.chars().any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
            prop_assert!(!obeyed);
            prop_assert!(shown(&out) == out);
        }
    }
}
