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
}

/// What the beginning of a stream says of its layout.
pub fn layout(head: &[u8]) -> Layout {
    let start = head.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(head.len());
    match head.get(start) {
        Some(b'[') => Layout::Array,
        Some(b'{') => {
            let mut scan = Scan::default();
            for &byte in &head[start..] {
                if byte == b'\n' && !scan.is_complete() {
                    return Layout::Whole;
                }
                scan.take(byte);
                if scan.is_complete() {
                    return Layout::Lines;
                }
            }
            // One line longer than the head, or a single value that is cut short.
            if head[start..].contains(&b'\n') { Layout::Whole } else { Layout::Lines }
        }
        _ => Layout::Whole,
    }
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
pub struct Frames<R> {
    stream: R,
    layout: Layout,
    begun: bool,
    ended: bool,
}

impl<R: BufRead> Frames<R> {
    /// Reads `stream` by `layout`.
    pub fn new(stream: R, layout: Layout) -> Self {
        Frames { stream, layout, begun: false, ended: false }
    }

    /// The next value; `None` at the end.
    pub fn next_frame(&mut self) -> io::Result<Option<Frame>> {
        if self.ended {
            return Ok(None);
        }
        match self.layout {
            Layout::Lines => self.line(),
            Layout::Array => self.element(),
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
        let (mut value, mut length, mut scan) = (Vec::new(), 0u64, Scan::default());
        loop {
            let chunk = self.stream.fill_buf()?;
            if chunk.is_empty() {
                self.ended = true;
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
            self.ended = end == b']';
            if value.len() > MAX_FRAME {
                value.truncate(KEPT);
                return Ok(Some(Frame::TooLong(value, length)));
            }
            let trimmed = value.trim_ascii();
            if !trimmed.is_empty() {
                return Ok(Some(Frame::Value(trimmed.to_vec())));
            }
            if self.ended {
                return Ok(None);
            }
            value.clear();
        }
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
        assert_eq!(all(" [ {\"a\":\",]\"} , [1,2] ] tail"), [value("{\"a\":\",]\"}"), value("[1,2]")]);
        assert_eq!(all("[]"), []);
        assert_eq!(all("[1,{\"a\""), [value("1"), Frame::Torn(b"{\"a\"".to_vec())]);
        assert_eq!(all("{\n \"a\": 1\n}"), [value("{\n \"a\": 1\n}")]);
        assert_eq!(
            all("{\"a\":1}\n{\"b\"\n{\"c\":1}"),
            [value("{\"a\":1}"), value("{\"b\""), value("{\"c\":1}")]
        );
        assert_eq!(layout(b"\x0a\x12binary"), Layout::Whole);
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            for layout in [Layout::Lines, Layout::Array, Layout::Whole] {
                let mut frames = Frames::new(&bytes[..], layout);
                let mut length = 0;
                while let Some(frame) = frames.next_frame().unwrap() {
                    let (Frame::Value(b) | Frame::Torn(b)) = frame else { unreachable!() };
                    length += b.len();
                }
                prop_assert!(length <= bytes.len());
            }
        }
    }
}
