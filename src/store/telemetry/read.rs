//! Reading telemetry inside one read transaction: stored cells and what the journal has beyond them.

use std::ops::Range;

use rusqlite::Connection;

use super::cells::{self, Overlay};
use super::dictionary::Dictionary;
use super::{CallQuery, KeptCall, Totals, calls, journal};
use crate::domain::call::Millis;
use crate::engine::rollup::{Cell, CellKey, Delta, Hour, VersionId};
use crate::store::fault::Result;

/// What the journal holds beyond the stored cells.
#[derive(Debug)]
pub struct Tail {
    overlay: Overlay,
    /// Position of the last page folded.
    pub position: i64,
}

impl Tail {
    /// Folds the journal's tail.
    pub fn read(db: &Connection) -> Result<Tail> {
        let mut dictionary = Dictionary::default();
        dictionary.follow(db)?;
        let mut tail = Tail { overlay: Overlay::default(), position: journal::covered(db)? };
        let Tail { overlay, position } = &mut tail;
        journal::after(db, *position, |seq, page| {
            *position = seq;
            page.deltas.iter().try_for_each(|delta| cells::fold(overlay, &dictionary, delta))
        })?;
        Ok(tail)
    }

    /// See [`super::TelemetryReader::cells`].
    pub fn cells(
        &self,
        db: &Connection,
        hours: Range<Hour>,
        hourly: bool,
        versions: Option<&[VersionId]>,
        fold: &mut dyn FnMut(Hour, CellKey, &Cell),
    ) -> Result<()> {
        cells::read(db, hours.clone(), hourly, versions, fold)?;
        for ((hour, key), cell) in &self.overlay {
            if hours.contains(hour) && versions.is_none_or(|v| v.binary_search(&key.version).is_ok()) {
                fold(*hour, *key, cell);
            }
        }
        Ok(())
    }

    /// See [`super::TelemetryReader::deltas`].
    pub fn deltas(db: &Connection, from: Millis, to: Millis, fold: &mut dyn FnMut(&Delta)) -> Result<()> {
        calls::deltas(db, from, to, fold)
    }

    /// See [`super::TelemetryReader::calls`].
    pub fn calls(
        db: &Connection,
        dictionary: &Dictionary,
        query: &CallQuery,
        each: &mut dyn FnMut(KeptCall) -> bool,
    ) -> Result<()> {
        calls::read(db, dictionary, query, each)
    }

    /// See [`super::TelemetryReader::totals`].
    pub fn totals(&self, db: &Connection) -> Result<Totals> {
        let one = |sql: &str| -> Result<i64> { Ok(db.query_row(sql, [], |r| r.get(0))?) };
        Ok(Totals {
            calls: one("SELECT count(*) FROM call")?,
            feedback: one("SELECT count(*) FROM feedback")?,
            waiting: one("SELECT count(*) FROM feedback f WHERE open = 1 AND NOT EXISTS
                          (SELECT 1 FROM feedback_call c WHERE c.feedback = f.seq)")?,
            unsignalled: one("SELECT count(*) FROM feedback WHERE signal IS NULL")?,
        })
    }

    /// See [`super::TelemetryReader::span`].
    pub fn span(db: &Connection) -> Result<Option<(Millis, Millis)>> {
        let row: (Option<i64>, Option<i64>) =
            db.query_row("SELECT (SELECT min(at) FROM call), (SELECT max(at) FROM call)", [], |r| {
                Ok((r.get(0)?, r.get(1)?))
            })?;
        Ok(row.0.zip(row.1))
    }
}
