//! Reading telemetry inside one read transaction: stored cells and what the journal has beyond them.

use std::ops::Range;

use rusqlite::Connection;

use super::cells::{self, Overlay};
use super::dictionary::Dictionary;
use super::{CallQuery, KeptCall, Totals, calls, journal, units};
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

    /// Folds the kept calls and signals anew and compares: how many cells there are, and which of them differ.
    ///
    /// Hours whose calls have been let go of cannot be checked and are left out.
    pub fn verify(&self, db: &Connection) -> Result<(usize, Vec<(Hour, CellKey)>)> {
        let mut dictionary = Dictionary::default();
        dictionary.follow(db)?;
        let from = journal::number(db, "calls_from")?.unwrap_or(0);
        let first = cells::hour_of(from + crate::domain::call::HOUR_MS - 1)?;
        let mut folded = Overlay::default();
        let mut failed = Ok(());
        calls::deltas(db, i64::from(first) * crate::domain::call::HOUR_MS, Millis::MAX, &mut |delta| {
            if failed.is_ok() {
                failed = cells::fold(&mut folded, &dictionary, delta);
            }
        })?;
        failed?;
        units::each_first(db, first, |delta| cells::fold(&mut folded, &dictionary, &delta))?;
        let mut stored = Overlay::default();
        self.cells(db, first..Hour::MAX, true, None, &mut |hour, key, cell| {
            stored.entry((hour, key)).or_default().merge(cell, 1);
        })?;
        stored.retain(|_, cell| !cell.is_empty());
        let mut differ: Vec<_> =
            stored.iter().filter(|(at, cell)| folded.get(at) != Some(cell)).map(|(at, _)| *at).collect();
        differ.extend(folded.keys().filter(|at| !stored.contains_key(at)));
        differ.sort_unstable();
        Ok((folded.len(), differ))
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
