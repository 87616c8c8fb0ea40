//! What the writer keeps in memory between transactions, and how it follows what other processes wrote.

use rusqlite::Connection;
use rustc_hash::FxHashSet;

use super::cells::{self, Overlay};
use super::dictionary::Dictionary;
use super::index::{self, CALLS, FACTS, Fresh, Segment};
use super::journal::{self, Page};
use super::{facts, retention};
use crate::domain::call::Millis;
use crate::store::fault::Result;

/// Deltas in the journal after which cells and segments are brought up to date.
const FLUSH: usize = 100_000;
/// Deltas left in the journal when a store is closed: a tail that a reader folds in a few milliseconds.
const LEFT: usize = 5_000;

/// The writer's view of the store. Everything here is derived from the file and can be forgotten at any time.
#[derive(Debug, Default)]
pub struct Memory {
    pub(super) dictionary: Dictionary,
    /// Names since `covered`.
    pub(super) names: Fresh,
    pub(super) name_segments: Vec<Segment>,
    /// Traces and links since `covered`.
    pub(super) facts: Fresh,
    pub(super) fact_segments: Vec<Segment>,
    /// Aliases of feedback whose calls may still come.
    pub(super) open: FxHashSet<u64>,
    /// The time from which calls are kept, ms.
    pub(super) calls_from: Millis,
    overlay: Overlay,
    deltas: usize,
    covered: i64,
    position: i64,
    newest_feedback: i64,
    reopened: i64,
    version: Option<i64>,
}

impl Memory {
    /// Catches up with the file: called first in every write transaction.
    pub fn follow(&mut self, db: &Connection) -> Result<()> {
        let version: i64 = db.prepare_cached("PRAGMA data_version")?.query_row([], |r| r.get(0))?;
        if self.version == Some(version) {
            return Ok(());
        }
        self.dictionary.follow(db)?;
        let covered = journal::covered(db)?;
        if self.version.is_none() || covered != self.covered {
            self.read_segments(db)?;
            self.start_at(covered);
        }
        let mut pages = Vec::new();
        journal::after(db, self.position, |seq, page| {
            pages.push((seq, page));
            Ok(())
        })?;
        for (seq, page) in &pages {
            self.absorb(*seq, page)?;
        }
        self.follow_feedback(db)?;
        self.calls_from = retention::calls_from(db)?;
        self.version = Some(version);
        Ok(())
    }

    fn read_segments(&mut self, db: &Connection) -> Result<()> {
        self.name_segments = index::segments(db, &CALLS, true)?;
        self.fact_segments = index::segments(db, &FACTS, true)?;
        Ok(())
    }

    fn start_at(&mut self, covered: i64) {
        self.covered = covered;
        self.position = covered;
        self.overlay.clear();
        self.names.clear();
        self.facts.clear();
        self.deltas = 0;
    }

    fn follow_feedback(&mut self, db: &Connection) -> Result<()> {
        let reopened = journal::number(db, "reopened")?.unwrap_or(0);
        if reopened != self.reopened {
            self.reopened = reopened;
            self.newest_feedback = 0;
            self.open.clear();
        }
        let mut statement =
            db.prepare_cached("SELECT seq, alias FROM feedback WHERE open = 1 AND seq > ?")?;
        let mut rows = statement.query([self.newest_feedback])?;
        while let Some(row) = rows.next()? {
            self.newest_feedback = self.newest_feedback.max(row.get(0)?);
            self.open.insert(row.get::<_, i64>(1)? as u64);
        }
        Ok(())
    }

    /// Takes in a page that another process has committed.
    fn absorb(&mut self, seq: i64, page: &Page) -> Result<()> {
        for &(alias, at) in &page.aliases {
            self.names.add(alias, at);
        }
        for &(key, row) in &page.facts {
            self.facts.add(key, row);
        }
        self.committed(seq, page)
    }

    /// Takes in a page that this process has committed, and whose names it knows.
    pub fn committed(&mut self, seq: i64, page: &Page) -> Result<()> {
        for delta in &page.deltas {
            cells::fold(&mut self.overlay, &self.dictionary, delta)?;
        }
        self.deltas += page.deltas.len().max(page.facts.len());
        self.position = seq;
        Ok(())
    }

    /// Whether the journal is long enough to be folded.
    pub fn is_due(&self, closing: bool) -> bool {
        self.deltas >= if closing { LEFT } else { FLUSH }
    }

    /// Stores what the journal holds as cells and a segment, inside a write transaction of its own.
    ///
    /// The pages just covered stay until the next time, so that boards in memory can follow them; `closing` lets go of
    /// them.
    pub fn flush(&mut self, db: &Connection, closing: bool) -> Result<()> {
        cells::store(db, &self.overlay)?;
        index::seal(db, &CALLS, &self.names, self.calls_from.div_euclid(1000))?;
        index::seal(db, &FACTS, &self.facts, facts::first(db)?)?;
        journal::drop_through(db, if closing { self.position } else { self.covered })?;
        journal::set_number(db, "covered", self.position)?;
        Ok(())
    }

    /// Lets go of the pages that the cells hold: nobody in this process follows them any more.
    pub fn let_go(&self, db: &Connection) -> Result<()> {
        journal::drop_through(db, self.covered)
    }

    /// After the commit of [`flush`](Self::flush).
    pub fn flushed(&mut self, db: &Connection) -> Result<()> {
        self.read_segments(db)?;
        self.start_at(self.position);
        Ok(())
    }
}
