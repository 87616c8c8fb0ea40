//! Looks at the store again and again, on one connection: what is known of names stays, and whether anything was
//! committed is a number to compare. Between two views no transaction is open, so that the log can be cut short.

use std::path::{Path, PathBuf};

use super::fault::Result;
use super::reader::Reader;

/// KiB of the file that a kept connection holds in memory.
const PAGES_KIB: i32 = 4 * 1024;

/// What looks again and again.
#[derive(Debug)]
pub struct Lookout {
    path: PathBuf,
    rested: Option<Reader>,
    seen: Option<i64>,
}

impl Lookout {
    /// Of the store at `path`; nothing is opened yet.
    pub fn of(path: &Path) -> Lookout {
        Lookout { path: path.to_owned(), rested: None, seen: None }
    }

    /// The store as it is now, and whether it may differ from what was seen before.
    pub fn view(&mut self) -> Result<(Reader, bool)> {
        let reader = match self.rested.take() {
            Some(mut reader) => {
                reader.begin_anew()?;
                reader
            }
            None => {
                self.seen = None;
                let reader = Reader::open(&self.path)?;
                reader.keep_pages(PAGES_KIB)?;
                reader
            }
        };
        let version = reader.data_version()?;
        let moved = self.seen.replace(version) != Some(version);
        Ok((reader, moved))
    }

    /// Takes a view back; the next one begins on its connection. A view that is dropped instead costs opening the next.
    pub fn rest(&mut self, mut reader: Reader) {
        if reader.end().is_ok() {
            self.rested = Some(reader);
        }
    }

    /// Whether something was committed since the last view, or nothing was seen yet.
    pub fn moved(&self) -> bool {
        let version = self.rested.as_ref().and_then(|reader| reader.data_version().ok());
        version.is_none() || version != self.seen
    }
}
