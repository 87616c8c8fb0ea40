//! Reading telemetry inside one read transaction: stored cells and what the journal has beyond them.

use std::ops::Range;
use std::sync::Arc;

use rusqlite::Connection;

use super::cells::{self, Level, Overlay};
use super::dictionary::Dictionary;
use super::{CallQuery, Detail, KeptCall, Totals, calls, journal, retention, units};
use crate::domain::call::{HOUR_MS, Millis};
use crate::engine::rollup::{CallFacts, Cell, CellKey, Delta, Hour, VersionId};
use crate::store::fault::Result;

fn is_wanted(versions: Option<&[VersionId]>, key: &CellKey) -> bool {
    versions.is_none_or(|v| v.binary_search(&key.version).is_ok())
}

/// What the journal holds beyond the stored cells.
#[derive(Debug)]
pub struct Tail {
    overlay: Overlay,
    dictionary: Arc<Dictionary>,
    /// Position of the last page folded.
    pub position: i64,
}

impl Tail {
    /// Folds the journal's tail.
    pub fn read(db: &Connection, dictionary: Arc<Dictionary>) -> Result<Tail> {
        let (mut overlay, mut position) = (Overlay::default(), journal::covered(db)?);
        journal::after(db, position, |seq, page| {
            position = seq;
            page.deltas.iter().try_for_each(|delta| cells::fold(&mut overlay, &dictionary, delta))
        })?;
        Ok(Tail { overlay, dictionary, position })
    }

    /// How far a view goes, without folding anything.
    pub fn reach(db: &Connection) -> Result<i64> {
        let last: Option<i64> =
            db.prepare_cached("SELECT max(seq) FROM journal")?.query_row([], |r| r.get(0))?;
        Ok(last.unwrap_or(0).max(journal::covered(db)?))
    }

    /// See [`super::TelemetryReader::calls_by_hour`].
    pub fn calls_by_hour(
        &self,
        db: &Connection,
        hours: Range<Hour>,
        fold: &mut dyn FnMut(Hour, CellKey, i64),
    ) -> Result<()> {
        cells::read_calls(db, hours.start.max(cells::hours_from(db)?)..hours.end, fold)?;
        for ((hour, key), cell) in &self.overlay {
            if hours.contains(hour) {
                fold(*hour, *key, cell.calls);
            }
        }
        Ok(())
    }

    /// See [`super::TelemetryReader::newest`].
    pub fn newest(
        db: &Connection,
        from: Millis,
        most: usize,
        each: &mut dyn FnMut(Millis, &CallFacts),
    ) -> Result<()> {
        calls::newest(db, from, most, each)
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
        let days = if hourly { hours.end..hours.end } else { cells::whole_days(&hours) };
        let edges = if days.is_empty() {
            vec![hours.clone()]
        } else {
            vec![hours.start..days.start, days.end..hours.end]
        };
        cells::read(db, Level::Day, days.clone(), versions, fold)?;
        let hours_from = cells::hours_from(db)?;
        for edge in edges {
            let folded = edge.start..edge.end.min(hours_from).max(edge.start);
            self.folded_hours(db, &folded, versions, fold)?;
            cells::read(db, Level::Hour, folded.end..edge.end, versions, fold)?;
        }
        for ((hour, key), cell) in &self.overlay {
            // What was read from the calls has the journal's tail in it.
            let counted = *hour < hours_from && !days.contains(hour);
            if hours.contains(hour) && !counted && is_wanted(versions, key) {
                fold(*hour, *key, cell);
            }
        }
        Ok(())
    }

    /// The cells of hours that are not kept as hours any more, folded from the kept calls.
    fn folded_hours(
        &self,
        db: &Connection,
        hours: &Range<Hour>,
        versions: Option<&[VersionId]>,
        fold: &mut dyn FnMut(Hour, CellKey, &Cell),
    ) -> Result<()> {
        if hours.is_empty() {
            return Ok(());
        }
        let folded = Self::fold_calls(db, &self.dictionary, hours)?;
        for ((hour, key), cell) in &folded {
            if is_wanted(versions, key) {
                fold(*hour, *key, cell);
            }
        }
        Ok(())
    }

    /// Folds the kept calls, signals and units of the hours anew.
    pub(super) fn fold_calls(
        db: &Connection,
        dictionary: &Dictionary,
        hours: &Range<Hour>,
    ) -> Result<Overlay> {
        let mut folded = Overlay::default();
        let mut failed = Ok(());
        let ms = |hour: Hour| i64::from(hour) * HOUR_MS;
        calls::deltas(db, ms(hours.start), ms(hours.end), &mut |delta| {
            if failed.is_ok() {
                failed = cells::fold(&mut folded, dictionary, delta);
            }
        })?;
        failed?;
        units::each_first(db, hours, |delta| cells::fold(&mut folded, dictionary, &delta))?;
        Ok(folded)
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

    /// See [`super::TelemetryReader::heard`].
    pub fn heard(
        db: &Connection,
        from: Millis,
        to: Millis,
        each: &mut dyn FnMut(u32, bool) -> bool,
    ) -> Result<()> {
        calls::heard(db, from, to, each)
    }

    /// See [`super::TelemetryReader::totals`].
    pub fn totals(&self, db: &Connection) -> Result<Totals> {
        let one = |sql: &str| -> Result<i64> { Ok(db.query_row(sql, [], |r| r.get(0))?) };
        Ok(Totals {
            calls: one("SELECT count(*) FROM call")?,
            feedback: one("SELECT count(*) FROM feedback")?,
            waiting: one("SELECT count(*) FROM feedback WHERE open = 1
                          AND seq NOT IN (SELECT feedback FROM feedback_call)")?,
            unsignalled: one("SELECT count(*) FROM feedback WHERE signal IS NULL")?,
        })
    }

    /// Folds the kept calls and signals anew and compares, hours with hours and days with days: how many cells there
    /// are, and which of them differ.
    ///
    /// Days whose calls have been let go of cannot be checked and are left out.
    pub fn verify(&self, db: &Connection) -> Result<(usize, Vec<(Hour, CellKey)>)> {
        let kept_from = retention::calls_from(db)?;
        let first = cells::hour_of(kept_from + 24 * HOUR_MS - 1)?.div_euclid(24) * 24;
        let folded = Self::fold_calls(db, &self.dictionary, &(first..Hour::MAX))?;
        let hours_from = cells::hours_from(db)?.max(first);
        let (mut count, mut differ) = (0, Vec::new());
        for (level, from, length) in [(Level::Hour, hours_from, 1), (Level::Day, first, 24)] {
            let start = |hour: Hour| hour.div_euclid(length) * length;
            let mut truth = Overlay::default();
            for ((hour, key), cell) in folded.iter().filter(|((hour, _), _)| *hour >= from) {
                truth.entry((start(*hour), *key)).or_default().merge(cell, 1);
            }
            let mut stored = Overlay::default();
            cells::read(db, level, from..Hour::MAX, None, &mut |hour, key, cell| {
                stored.entry((hour, key)).or_default().merge(cell, 1);
            })?;
            for ((hour, key), cell) in self.overlay.iter().filter(|((hour, _), _)| *hour >= from) {
                stored.entry((start(*hour), *key)).or_default().merge(cell, 1);
            }
            stored.retain(|_, cell| !cell.is_empty());
            truth.retain(|_, cell| !cell.is_empty());
            count += truth.len();
            differ.extend(stored.iter().filter(|(at, cell)| truth.get(at) != Some(cell)).map(|(at, _)| *at));
            differ.extend(truth.keys().filter(|at| !stored.contains_key(at)));
        }
        differ.sort_unstable();
        differ.dedup();
        Ok((count, differ))
    }

    /// See [`super::TelemetryReader::changes`].
    pub fn changes(db: &Connection, position: i64) -> Result<Option<(i64, Vec<Delta>)>> {
        let found = journal::since(db, position)?;
        Ok(found.map(|(last, pages)| (last, pages.into_iter().flat_map(|p| p.deltas).collect())))
    }

    /// See [`super::TelemetryReader::detail`].
    pub fn detail(db: &Connection) -> Result<Detail> {
        Ok(Detail { hours_from: cells::hours_from(db)?, calls_from: retention::calls_from(db)? })
    }

    /// Bytes of the file that are in use, and how many of them calls and their feedback take.
    pub fn bytes(db: &Connection) -> Result<(u64, u64)> {
        Ok((retention::used_bytes(db)?, retention::call_bytes(db)?))
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
