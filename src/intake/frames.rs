//! Cutting a stream of bytes into the JSON values that it holds, one at a time, whatever the size of the whole:
//! one value a line (JSONL), the elements of one array, or one value over many lines. A value that is broken does not
//! take its neighbours with it where there are line ends to go by.

use std::io::{self, BufRead, Read};

/// Longest value; a longer one is handed on cut, marked as too long.
pub const MAX_FRAME: usize = 64 << 20;
/// What is kept of a value that is too long.
pub const KEPT: usize = 64 << 10;

/// How values follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One value a line.
    Lines,
    /// The elements of one array.
    Array,
    /// Everything is one value, or not JSON at all.
    Whole,
}

/// One value's bytes.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// A whole one.
    Value(Vec<u8>),
    /// One that is longer than is taken: its beginning and its length.
    TooLong(Vec<u8>, u64),
    /// The stream ended inside it.
    Torn(Vec<u8>),
    /// What follows the end of the array and is no array.
    Beyond(Vec<u8>),
}

/// Bytes of a message's beginning in which protobuf shows: lengths and tags are control characters.
const TELLING: usize = 64;

/// Whether this is the beginning of an OTLP message in protobuf, though the length of its first field may look like a
/// bracket after a line end. JSON has no control characters.
pub(super) fn is_protobuf(head: &[u8]) -> bool {
    let first = head.first() == Some(&b'\n');
    first && head.iter().take(TELLING).any(|b| *b < b' ' && !b.is_ascii_whitespace())
}

/// What the beginning of a stream says of its layout.
pub fn layout(head: &[u8]) -> Layout {
    if is_protobuf(head) {
        return Layout::Whole;
    }
    let start = head.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(head.len());
    match head.get(start) {
        Some(b'[') => Layout::Array,
        Some(b'{') => {
            let mut scan = Scan::default();
            for &byte in &head[start..] {
                if byte == b'\n' && !scan.is_complete() {
                    return torn_or_whole(head);
                }
                scan.take(byte);
                if scan.is_complete() {
                    return Layout::Lines;
                }
            }
            // One line longer than the head, or a single value that is cut short.
            if head[start..].contains(&b'\n') { Layout::Whole } else { Layout::Lines }
        }
        // Text, and no protobuf, which is full of control characters.
        _ if head.iter().all(|b| *b >= b' ' || b.is_ascii_whitespace()) => torn_or_whole(head),
        _ => Layout::Whole,
    }
}

/// A first line that is no value is a value over many lines, unless whole events stand below it, each on a line of
/// its own: then it is the torn beginning of a log, and no reason to refuse the rest.
fn torn_or_whole(head: &[u8]) -> Layout {
    let event = |line: &[u8]| {
        let has = |key: &[u8]| line.windows(key.len()).any(|w| w == key);
        let mut scan = Scan::default();
        for byte in line {
            scan.take(*byte);
        }
        line.starts_with(b"{")
            && scan.is_complete()
            && (has(b"\"provenanceId\"") || has(b"\"resourceSpans\""))
    };
    let below = head.split(|b| *b == b'\n').skip(1).any(|line| event(line.trim_ascii()));
    if below { Layout::Lines } else { Layout::Whole }
}

/// Follows strings and nesting; knows nothing else of JSON.
#[derive(Debug, Default)]
struct Scan {
    depth: i64,
    in_string: bool,
    escaped: bool,
    begun: bool,
}

impl Scan {
    fn take(&mut self, byte: u8) {
        self.begun = true;
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth -= 1,
            _ => {}
        }
    }

    fn is_complete(&self) -> bool {
        self.begun && self.depth <= 0 && !self.in_string
    }
}

/// The values of a stream.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each says one thing about where the reading is")]
pub struct Frames<R> {
    stream: R,
    layout: Layout,
    begun: bool,
    /// The array's end was met.
    closed: bool,
    ended: bool,
    number: u64,
    torn: bool,
}

impl<R: BufRead> Frames<R> {
    /// Reads `stream` by `layout`.
    pub fn new(stream: R, layout: Layout) -> Self {
        Frames { stream, layout, begun: false, closed: false, ended: false, number: 0, torn: false }
    }

    /// Where the last value stands: its line, or its number in the array.
    pub fn place(&self) -> Option<String> {
        match self.layout {
            Layout::Lines => Some(format!("line {}", self.number)),
            Layout::Array => Some(format!("value {}", self.number)),
            Layout::Whole => None,
        }
    }

    /// Whether the input ended with the last value, without a line end: it may be cut short.
    pub fn is_torn(&self) -> bool {
        self.torn
    }

    /// The next value; `None` at the end.
    pub fn next_frame(&mut self) -> io::Result<Option<Frame>> {
        if self.ended {
            return Ok(None);
        }
        match self.layout {
            Layout::Lines => self.line(),
            Layout::Array => {
                self.number += 1;
                self.element()
            }
            Layout::Whole => {
                self.ended = true;
                let mut bytes = Vec::new();
                (&mut self.stream).take(MAX_FRAME as u64 + 1).read_to_end(&mut bytes)?;
                Ok(Some(self.bounded(bytes)?))
            }
        }
    }

    fn bounded(&mut self, mut bytes: Vec<u8>) -> io::Result<Frame> {
        if bytes.len() <= MAX_FRAME {
            return Ok(Frame::Value(bytes));
        }
        let rest = io::copy(&mut self.stream, &mut io::sink())?;
        let length = bytes.len() as u64 + rest;
        bytes.truncate(KEPT);
        Ok(Frame::TooLong(bytes, length))
    }

    fn line(&mut self) -> io::Result<Option<Frame>> {
        loop {
            let mut line = Vec::new();
            let read = (&mut self.stream).take(MAX_FRAME as u64).read_until(b'\n', &mut line)?;
            if read == 0 {
                self.ended = true;
                return Ok(None);
            }
            self.number += 1;
            self.torn = line.last() != Some(&b'\n');
            if line.last() != Some(&b'\n') && read == MAX_FRAME {
                let rest = skip_line(&mut self.stream)?;
                line.truncate(KEPT);
                return Ok(Some(Frame::TooLong(line, read as u64 + rest)));
            }
            if !self.begun {
                self.begun = true;
                if line.starts_with(b"\xEF\xBB\xBF") {
                    line.drain(..3);
                }
            }
            let trimmed = line.trim_ascii();
            if !trimmed.is_empty() {
                let value = if trimmed.len() == line.len() { line } else { trimmed.to_vec() };
                return Ok(Some(Frame::Value(value)));
            }
        }
    }

    /// The bytes up to the next comma or the end of the array, outside strings and nesting.
    fn element(&mut self) -> io::Result<Option<Frame>> {
        if !self.begun {
            self.begun = true;
            skip_through(&mut self.stream, b'[')?;
        }
        if self.closed && !self.reopened()? {
            return self.beyond();
        }
        let (mut value, mut length, mut scan) = (Vec::new(), 0u64, Scan::default());
        loop {
            let chunk = self.stream.fill_buf()?;
            if chunk.is_empty() {
                self.ended = true;
                if value.len() > MAX_FRAME {
                    value.truncate(KEPT);
                    return Ok(Some(Frame::TooLong(value, length)));
                }
                self.torn = true;
                let value = value.trim_ascii().to_vec();
                return Ok((!value.is_empty()).then_some(Frame::Torn(value)));
            }
            let mut used = 0;
            let mut end = None;
            for &byte in chunk {
                used += 1;
                if !scan.in_string && scan.depth == 0 && matches!(byte, b',' | b']') {
                    end = Some(byte);
                    break;
                }
                scan.take(byte);
            }
            let content = if end.is_some() { used - 1 } else { used };
            length += content as u64;
            if value.len() <= MAX_FRAME {
                value.extend_from_slice(&chunk[..content]);
            }
            self.stream.consume(used);
            let Some(end) = end else { continue };
            self.closed = end == b']';
            if value.len() > MAX_FRAME {
                value.truncate(KEPT);
                return Ok(Some(Frame::TooLong(value, length)));
            }
            let trimmed = value.trim_ascii();
            if !trimmed.is_empty() {
                return Ok(Some(Frame::Value(trimmed.to_vec())));
            }
            if self.closed && !self.reopened()? {
                return self.beyond();
            }
            value.clear();
        }
    }

    /// Whether another array follows the one that was closed; it is then begun.
    fn reopened(&mut self) -> io::Result<bool> {
        loop {
            let chunk = self.stream.fill_buf()?;
            let blank = chunk.iter().take_while(|b| b.is_ascii_whitespace()).count();
            let next = chunk.get(blank).copied();
            if next.is_none() && blank > 0 {
                self.stream.consume(blank);
                continue;
            }
            self.closed = next != Some(b'[');
            self.stream.consume(blank + usize::from(!self.closed));
            return Ok(!self.closed);
        }
    }

    /// What is left after the end, if anything.
    fn beyond(&mut self) -> io::Result<Option<Frame>> {
        self.ended = true;
        let mut rest = Vec::new();
        (&mut self.stream).take(MAX_FRAME as u64 + 1).read_to_end(&mut rest)?;
        if rest.trim_ascii().is_empty() {
            return Ok(None);
        }
        Ok(Some(match self.bounded(rest)? {
            Frame::Value(rest) => Frame::Beyond(rest),
            frame => frame,
        }))
    }
}

fn skip_line(stream: &mut impl BufRead) -> io::Result<u64> {
    skip_through(stream, b'\n')
}

fn skip_through(stream: &mut impl BufRead, end: u8) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let chunk = stream.fill_buf()?;
        if chunk.is_empty() {
            return Ok(skipped);
        }
        let found = chunk.iter().position(|b| *b == end);
        let used = found.map_or(chunk.len(), |i| i + 1);
        skipped += used as u64;
        stream.consume(used);
        if found.is_some() {
            return Ok(skipped);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(text: &str) -> Vec<Frame> {
        let mut frames =
            Frames::new(io::BufReader::with_capacity(3, text.as_bytes()), layout(text.as_bytes()));
        let mut found = Vec::new();
        while let Some(frame) = frames.next_frame().unwrap() {
            found.push(frame);
        }
        found
    }

    fn value(text: &str) -> Frame {
        Frame::Value(text.as_bytes().to_vec())
    }

    #[test]
    fn values_are_found_in_each_layout() {
        assert_eq!(all("{\"a\":1}\n\n  {\"b\":\"}\"}\r\n"), [value("{\"a\":1}"), value("{\"b\":\"}\"}")]);
        assert_eq!(all(" [ {\"a\":\",]\"} , [1,2] ] \n"), [value("{\"a\":\",]\"}"), value("[1,2]")]);
        assert_eq!(all("[]"), []);
        assert_eq!(all("[1,{\"a\""), [value("1"), Frame::Torn(b"{\"a\"".to_vec())]);
        assert_eq!(all("{\n \"a\": 1\n}"), [value("{\n \"a\": 1\n}")]);
        assert_eq!(
            all("{\"a\":1}\n{\"b\"\n{\"c\":1}"),
            [value("{\"a\":1}"), value("{\"b\""), value("{\"c\":1}")]
        );
        assert_eq!(layout(b"\x0a\x12binary"), Layout::Whole);
    }

    #[test]
    fn protobuf_whose_length_looks_like_a_bracket_is_whole() {
        for length in [b'[', b'{'] {
            let body = [
                b"\x0a",
                &[length][..],
                b"\x0a\x20\x0a\x1e\x0a\x0cservice.name\x12\x0e\x0a\x0ca\n}, {\"b\":1}\n",
            ]
            .concat();
            assert_eq!(layout(&body), Layout::Whole);
        }
        assert_eq!(layout(b"\n\n{\"a\":1}\n{\"a\":2}\n"), Layout::Lines);
        // A control character in a line's text does not take the other lines with it.
        assert_eq!(layout(b"{\"a\":\"\x01\"}\n{\"a\":2}\n"), Layout::Lines);
    }

    #[test]
    fn what_follows_an_array_is_not_dropped() {
        assert_eq!(all("[1]\n[2,3]\n []\n[4]"), [value("1"), value("2"), value("3"), value("4")]);
        assert_eq!(all("[1] tail"), [value("1"), Frame::Beyond(b"tail".to_vec())]);
        assert_eq!(all("[] {\"a\":1}\n"), [Frame::Beyond(b"{\"a\":1}\n".to_vec())]);
        assert_eq!(all("[1]]"), [value("1"), Frame::Beyond(b"]".to_vec())]);
    }

    #[test]
    fn a_torn_first_line_does_not_take_the_others_with_it() {
        let event = "{\"type\":\"call\",\"provenanceId\":\"a\"}";
        for torn in ["{\"type\":\"call\",\"prov", "okens\":5}", "not JSON"] {
            let log = format!("{torn}\n{event}\n{event}\n");
            assert_eq!(all(&log), [value(torn), value(event), value(event)], "{torn}");
        }
        // A value over many lines stays one, and protobuf stays whole.
        let pretty = "{\n\"resourceSpans\": [\n{}\n]}";
        assert_eq!(all(pretty), [value(pretty)]);
        assert_eq!(layout(format!("\x0a\x12\n{event}\n").as_bytes()), Layout::Whole);
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            for layout in [Layout::Lines, Layout::Array, Layout::Whole] {
                let mut frames = Frames::new(&bytes[..], layout);
                let mut length = 0;
                while let Some(frame) = frames.next_frame().unwrap() {
                    let (Frame::Value(b) | Frame::Torn(b) | Frame::Beyond(b)) = frame else { unreachable!() };
                    length += b.len();
                }
                prop_assert!(length <= bytes.len());
            }
        }
    }
}
