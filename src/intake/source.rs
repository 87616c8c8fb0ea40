//! From files, folders and streams to committed batches. Reading and decoding happen here, on the caller's thread,
//! while the writer commits the batch before: two batches are under way at most, so memory is bounded whatever the
//! size of the input.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::archive::{Unpacked, is_damage};
use super::commit::{Arrived, Item, Receipt, commit};
use super::events::Reader;
use super::frames::{Frame, Frames, Layout, is_protobuf, layout};
use super::prepare::Preparation;
use super::refused::Refusals;
use super::{DecodeError, Headers, take};
use crate::domain::call::{Millis, PLAUSIBLE_MS};
use crate::domain::event::Event;
use crate::store::telemetry::NamedCall;
use crate::store::{Pending, Quarantined, Store, StoreError, TORN};

/// Events and spans that are committed together.
const BATCH: usize = 5_000;
/// Bytes of quarantined input that end a batch early.
const BATCH_BYTES: usize = 8 << 20;
/// Batches that wait for the writer.
const UNDER_WAY: usize = 2;
/// Longest reason that is kept with quarantined input, in bytes.
const MAX_REASON: usize = 600;
/// How a stream's layout is recognised.
const HEAD: usize = 256 << 10;
/// What an input is said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Told by its content.
    #[default]
    Auto,
    /// Native events, one a line, or an array of them.
    Jsonl,
    /// OTLP as JSON.
    OtlpJson,
    /// OTLP as protobuf.
    OtlpProto,
}

/// Why an input could not be read to its end. What was read before it is committed.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The file or stream.
    #[error("`{}` cannot be read ({source}). Check the name and its permissions; what was read before it is taken.", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An intake under way.
#[derive(Debug)]
pub struct Intake<'s> {
    store: &'s Store,
    preparation: Arc<Preparation>,
    events: Reader,
    now: Millis,
    batch: Vec<Item>,
    weight: usize,
    bytes: usize,
    under_way: VecDeque<Pending<Receipt>>,
    committed: Receipt,
    refused: Refusals,
    /// Where the value under way stands in its input.
    place: Option<String>,
    /// Whether the input ended with it, without a line end.
    torn: bool,
    watch: Option<Watch<'s>>,
}

/// Who wants to know what is durable.
struct Watch<'s>(Box<dyn FnMut(&Receipt) + 's>);

impl fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

impl<'s> Intake<'s> {
    /// Begins; `now` stands in for the time of feedback that has none.
    pub fn new(store: &'s Store, preparation: Arc<Preparation>, now: Millis) -> Self {
        Intake {
            store,
            preparation,
            events: Reader::default(),
            now,
            batch: Vec::new(),
            weight: 0,
            bytes: 0,
            under_way: VecDeque::new(),
            committed: Receipt::default(),
            refused: Refusals::default(),
            place: None,
            torn: false,
            watch: None,
        }
    }

    /// Tells `watch` after each commit what is durable so far; events are committed in the order in which they are read.
    pub fn watch(&mut self, watch: impl FnMut(&Receipt) + 's) {
        self.watch = Some(Watch(Box::new(watch)));
    }

    /// Takes a file, or a folder's files in the order of their names.
    pub fn path(&mut self, path: &Path, format: Format) -> Result<(), IntakeError> {
        let fault = |source| IntakeError::Read { path: path.to_owned(), source };
        if path.is_dir() {
            return self.folder(path, format);
        }
        let file = File::open(path).map_err(fault)?;
        if let Some(headers) = beside(path) {
            let mut body = Vec::new();
            let limit = self.preparation.options.limits.body;
            file.take(limit as u64 + 1).read_to_end(&mut body).map_err(fault)?;
            let origin = path.display().to_string();
            if body.len() > limit {
                return self.too_long(origin, body, limit as u64 + 1);
            }
            let text = std::fs::read(&headers).map_err(fault)?;
            return match Headers::from_capture(&text) {
                Ok(headers) => self.body(&headers, body, &origin).map(drop),
                Err(error) => self.quarantine(origin, "events", error.to_string(), body),
            };
        }
        self.stream(BufReader::with_capacity(HEAD, file), &path.display().to_string(), format).map_err(|e| {
            match e {
                IntakeError::Read { source, .. } => fault(source),
                store @ IntakeError::Store(_) => store,
            }
        })
    }

    fn folder(&mut self, folder: &Path, format: Format) -> Result<(), IntakeError> {
        let fault = |source| IntakeError::Read { path: folder.to_owned(), source };
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(fault)? {
            paths.push(entry.map_err(fault)?.path());
        }
        paths.sort();
        // In a folder of captures only the bodies are input; elsewhere everything that is not hidden.
        let captures = paths.iter().any(|p| beside(p).is_some());
        for path in paths {
            let hidden = path.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"."));
            if hidden || (captures && path.is_file() && beside(&path).is_none()) {
                continue;
            }
            self.path(&path, format)?;
        }
        Ok(())
    }

    /// Takes a stream.
    pub fn stream(
        &mut self,
        mut stream: impl BufRead,
        origin: &str,
        format: Format,
    ) -> Result<(), IntakeError> {
        let fault = |source| IntakeError::Read { path: origin.into(), source };
        let gzip = stream.fill_buf().map_err(fault)?.starts_with(&[0x1f, 0x8b]);
        if !gzip {
            return self.plain(stream, origin, format);
        }
        let mut unpacked = BufReader::with_capacity(HEAD, Unpacked::new(stream));
        match self.plain(&mut unpacked, origin, format) {
            // A damaged archive is an input that cannot be taken, not a disk that cannot be read.
            Err(IntakeError::Read { source, .. }) if is_damage(source.kind()) => {
                let (bytes, whole) = unpacked.into_inner().archive().map_err(fault)?;
                let kept = if whole { "" } else { "; its first MiB is kept" };
                let reason = format!(
                    "the gzip stream is damaged after what was taken ({source}){kept}; fetch it again"
                );
                self.quarantine(origin.to_owned(), if whole { "gzip" } else { "cut" }, reason, bytes)
            }
            done => done,
        }
    }

    fn plain(&mut self, mut stream: impl BufRead, origin: &str, format: Format) -> Result<(), IntakeError> {
        let fault = |source| IntakeError::Read { path: origin.into(), source };
        let mut head = Vec::new();
        (&mut stream).take(HEAD as u64).read_to_end(&mut head).map_err(fault)?;
        let layout = match format {
            Format::OtlpProto => Layout::Whole,
            Format::Jsonl if head.trim_ascii_start().first() != Some(&b'[') => Layout::Lines,
            _ => layout(head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&head)),
        };
        // A file is read again while it grows: what was its torn end is now the beginning of a whole value.
        let mut torn = self.store.read()?.torn_ends(origin)?;
        let mut frames = Frames::new(io::Cursor::new(head).chain(stream), layout);
        while let Some(frame) = frames.next_frame().map_err(fault)? {
            self.place = frames.place();
            self.torn = frames.is_torn();
            match frame {
                Frame::Value(value) => {
                    torn.retain(|(seq, beginning)| {
                        let whole = value.len() > beginning.len() && value.starts_with(beginning);
                        if whole {
                            self.batch.push(Item::Completed(*seq));
                        }
                        !whole
                    });
                    self.value(value, origin, layout, format)?;
                }
                Frame::Torn(value) => {
                    self.quarantine(
                        origin.to_owned(),
                        "events",
                        "the array ends inside this value".into(),
                        value,
                    )?;
                }
                Frame::Beyond(rest) => {
                    self.quarantine(
                        origin.to_owned(),
                        "events",
                        "it stands after the end of the array".into(),
                        rest,
                    )?;
                }
                Frame::TooLong(start, length) => self.too_long(origin.to_owned(), start, length)?,
            }
        }
        (self.place, self.torn) = (None, false);
        Ok(())
    }

    fn value(
        &mut self,
        value: Vec<u8>,
        origin: &str,
        layout: Layout,
        format: Format,
    ) -> Result<(), IntakeError> {
        let json = value.trim_ascii_start().first() == Some(&b'{') && !is_protobuf(&value);
        if value.is_empty() || (format != Format::OtlpProto && value.trim_ascii().is_empty()) {
            return Ok(());
        }
        let otlp = match format {
            Format::OtlpJson | Format::OtlpProto => true,
            Format::Jsonl => false,
            Format::Auto => !json && layout == Layout::Whole,
        };
        if !otlp {
            match self.events.read(&value, &*self.preparation.active, self.now) {
                Ok(event) => return self.event(event),
                Err(reason) => match foreign_path(&value).filter(|_| format == Format::Auto) {
                    Some(path) => {
                        let headers = Headers {
                            path: path.into(),
                            content_type: Some("application/json".into()),
                            ..Headers::default()
                        };
                        return self.body(&headers, value, origin).map(drop);
                    }
                    None => return self.quarantine(origin.to_owned(), "events", reason, value),
                },
            }
        }
        let content_type = match format {
            Format::OtlpJson => Some("application/json".into()),
            Format::OtlpProto => Some("application/x-protobuf".into()),
            _ => None,
        };
        self.body(&Headers { content_type, ..Headers::default() }, value, origin).map(drop)
    }

    /// Takes one HTTP body; why the whole of it goes to quarantine, where it does.
    pub fn body(
        &mut self,
        headers: &Headers,
        body: Vec<u8>,
        origin: &str,
    ) -> Result<Option<DecodeError>, IntakeError> {
        let format = || serde_json::to_string(headers).unwrap_or_else(|_| "events".into());
        let mut dated = headers.clone();
        if dated.received_at == 0 || !PLAUSIBLE_MS.contains(&dated.received_at) {
            dated.received_at = self.now;
        }
        match take(&dated, &body, &self.preparation.options) {
            Err(_) if *headers == Headers::default() && is_text(&body) => {
                let reason = "it is text, but neither JSON events nor OTLP";
                self.quarantine(origin.to_owned(), &format(), reason.into(), body)?;
                Ok(Some(DecodeError::Malformed { what: "body", why: reason.into() }))
            }
            Err(error) => {
                self.quarantine(origin.to_owned(), &format(), error.to_string(), body)?;
                Ok(Some(error))
            }
            Ok(decoded) => {
                for part in decoded.rejected {
                    self.quarantine(origin.to_owned(), &format(), part.reason, part.bytes)?;
                }
                let feedback = decoded.feedback.into_iter().map(Item::Feedback);
                let spans = decoded.facts.len();
                self.batch.extend(feedback);
                let arrived = Arrived::of(decoded.facts, &self.preparation)?;
                self.batch.extend(arrived.into_iter().map(Item::Trace));
                self.added(spans.max(1))?;
                Ok(None)
            }
        }
    }

    /// Takes one native event.
    pub fn event(&mut self, event: Event) -> Result<(), IntakeError> {
        self.batch.push(match event {
            Event::Call(mut call) => {
                self.preparation.price(&mut call);
                Item::Call(NamedCall { call, aliases: Vec::new() })
            }
            Event::Feedback(feedback) => Item::Feedback(feedback),
        });
        self.added(1)
    }

    /// Keeps the beginning of what is longer than is taken.
    fn too_long(&mut self, origin: String, mut start: Vec<u8>, length: u64) -> Result<(), IntakeError> {
        start.truncate(super::frames::KEPT);
        let reason = format!(
            "a value of {length} bytes or more is longer than is taken ({} MiB); its first {} KiB are kept",
            super::frames::MAX_FRAME >> 20,
            start.len() >> 10
        );
        self.quarantine(origin, "cut", reason, start)
    }

    fn quarantine(
        &mut self,
        origin: String,
        format: &str,
        mut reason: String,
        bytes: Vec<u8>,
    ) -> Result<(), IntakeError> {
        // A reason may quote the input, which may be as long as it likes.
        if reason.len() > MAX_REASON {
            reason.truncate(reason.floor_char_boundary(MAX_REASON));
            reason.push('…');
        }
        if self.torn {
            reason.push_str(TORN);
        }
        let place = self.place.as_deref();
        self.refused.add(&reason, 1, || place.map_or(origin.clone(), |place| format!("{origin}, {place}")));
        self.bytes += bytes.len();
        self.batch.push(Item::Quarantine(Quarantined { origin, format: format.to_owned(), reason, bytes }));
        self.added(1)
    }

    fn added(&mut self, weight: usize) -> Result<(), IntakeError> {
        self.weight += weight;
        if self.weight >= BATCH || self.bytes >= BATCH_BYTES {
            self.send()?;
        }
        Ok(())
    }

    fn send(&mut self) -> Result<(), IntakeError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let items = std::mem::take(&mut self.batch);
        (self.weight, self.bytes) = (0, 0);
        while self.under_way.len() >= UNDER_WAY {
            self.settle()?;
        }
        let preparation = Arc::clone(&self.preparation);
        self.under_way.push_back(self.store.submit(move |tx| commit(tx, items, &preparation))?);
        Ok(())
    }

    fn settle(&mut self) -> Result<(), IntakeError> {
        if let Some(pending) = self.under_way.pop_front() {
            self.committed.add(&pending.wait()?);
            if let Some(watch) = &mut self.watch {
                (watch.0)(&self.committed);
            }
        }
        Ok(())
    }

    /// What was refused since this was last asked.
    pub fn refused(&mut self) -> Refusals {
        std::mem::take(&mut self.refused)
    }

    /// What is durable so far.
    pub fn committed(&self) -> &Receipt {
        &self.committed
    }

    /// Commits the rest.
    pub fn finish(&mut self) -> Result<Receipt, IntakeError> {
        self.send()?;
        while !self.under_way.is_empty() {
            self.settle()?;
        }
        Ok(self.committed)
    }

    /// Takes what was quarantined once more; what can be taken now leaves the quarantine.
    pub fn replay(&mut self) -> Result<(), IntakeError> {
        let kept = self.store.read()?;
        let mut last = 0;
        loop {
            let items = kept.quarantined(last, 256)?;
            let Some((newest, _)) = items.last() else { return Ok(()) };
            last = *newest;
            for (seq, item) in items {
                // Taken anew it is either counted or quarantined again, under the same bytes.
                self.finish()?;
                let before = self.committed.quarantined;
                self.again(item)?;
                self.finish()?;
                if self.committed.quarantined == before {
                    self.store.write(move |tx| tx.release(seq))?;
                }
            }
        }
    }

    fn again(&mut self, item: Quarantined) -> Result<(), IntakeError> {
        match (item.format.as_str(), serde_json::from_str::<Headers>(&item.format)) {
            (_, Ok(headers)) => self.body(&headers, item.bytes, &item.origin).map(drop),
            ("gzip", _) => self.stream(item.bytes.as_slice(), &item.origin, Format::Auto),
            ("events", _) => self.value(item.bytes, &item.origin, Layout::Lines, Format::Auto),
            _ => self.quarantine(item.origin, &item.format, item.reason, item.bytes),
        }
    }
}

/// Whether people wrote it: protobuf is full of control characters.
fn is_text(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes)
        .is_ok_and(|text| text.chars().all(|c| !c.is_control() || c.is_ascii_whitespace()))
}

/// The headers file beside a captured body.
fn beside(path: &Path) -> Option<PathBuf> {
    if path.extension()? != "body" {
        return None;
    }
    let headers = path.with_extension("headers.json");
    headers.is_file().then_some(headers)
}

/// The path to which a JSON object that is no native event would have been sent.
fn foreign_path(value: &[u8]) -> Option<&'static str> {
    let has = |key: &str| value.windows(key.len()).any(|w| w == key.as_bytes());
    if has("\"resourceSpans\"") || has("\"resource_spans\"") {
        Some("/v1/traces")
    } else if has("\"resourceLogs\"") {
        Some("/v1/logs")
    } else if has("\"resourceMetrics\"") {
        Some("/v1/metrics")
    } else if has("\"entity_instance_id\"") {
        Some("/v2/annotation-tasks/file/annotations")
    } else if has("\"traceId\"") && has("\"name\"") && has("\"value\"") {
        Some("/api/public/scores")
    } else {
        None
    }
}
