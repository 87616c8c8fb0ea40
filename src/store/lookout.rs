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
        let reader = if let Some(mut reader) = self.rested.take() {
            reader.begin_anew()?;
            reader
        } else {
            self.seen = None;
            let reader = Reader::open(&self.path)?;
            reader.keep_pages(PAGES_KIB)?;
            reader
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

#[cfg(test)]
mod tests {
    use crate::domain::call::Call;
    use crate::store::telemetry::{NamedCall, TelemetryReader, TelemetryWriter};
    use crate::store::{Access, Store};

    #[test]
    fn views_follow_and_say_whether_anything_moved() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("s.db"), Access::Write).unwrap();
        let mut lookout = store.lookout();
        assert!(lookout.moved());
        let (reader, moved) = lookout.view().unwrap();
        let known = reader.dictionary().unwrap();
        assert!(moved && known.models().is_empty());
        drop(known);
        lookout.rest(reader);
        assert!(!lookout.moved());

        let call = Call::bare("c1", 7, "m");
        let named = NamedCall { call, aliases: Vec::new() };
        store.write(move |tx| tx.telemetry.put_call(&named)).unwrap();
        assert!(lookout.moved());
        let (reader, moved) = lookout.view().unwrap();
        assert!(moved);
        assert_eq!(reader.dictionary().unwrap().models().len(), 1);
        assert_eq!(reader.dictionary().unwrap().versions().count(), 0);
        assert_eq!(reader.position().unwrap(), 1);
        lookout.rest(reader);
        // A view that is not given back is no loss.
        let (reader, moved) = lookout.view().unwrap();
        assert!(!moved);
        drop(reader);
        assert!(lookout.moved());
        assert_eq!(lookout.view().unwrap().0.dictionary().unwrap().models().len(), 1);
    }
}
