//! Roll-up cells on disk: one row an hour, and one a day, for each 64 prompt versions; a row is a sorted list.
//!
//! A prompt's month is then a few rows, a board of all prompts a range of them, and hours that no screen asks for
//! any more are dropped by their key.

use std::ops::Range;

use rusqlite::{Connection, OptionalExtension, params};
use rustc_hash::FxHashMap;

use super::brief;
use super::dictionary::Dictionary;
use super::journal::number;
use crate::engine::rollup::{Cell, CellKey, Delta, Hour, VersionId};
use crate::store::fault::{Result, StoreError};

/// Prompt versions that share a row.
pub const SHARD: u32 = 64;
const DAY: Hour = 24;

/// Resolution of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Hour,
    Day,
}

/// Rows are ordered by level, then start, then shard.
fn slot(level: Level, start: Hour, shard: u32) -> i64 {
    (level as i64) << 56 | i64::from(start) << 24 | i64::from(shard)
}

fn start_of(slot: i64) -> Hour {
    (slot >> 24 & 0xFFFF_FFFF) as Hour
}

/// Cells by hour: what has been folded in memory but not stored.
///
/// Boxed: a cell is some hundred bytes, and the table moves as it grows.
pub type Overlay = FxHashMap<(Hour, CellKey), Box<Cell>>;

/// Folds one delta into `overlay`.
pub fn fold(overlay: &mut Overlay, dictionary: &Dictionary, delta: &Delta) -> Result<()> {
    let subjects = &dictionary.composition(delta.composition)?.subjects;
    delta.each(subjects, |key, delta| delta.add_to(overlay.entry((delta.hour, key)).or_default()));
    Ok(())
}

/// The first hour that is kept as such; days before it are kept as whole days only.
pub fn hours_from(db: &Connection) -> Result<Hour> {
    Ok(number(db, "hours_from")?.unwrap_or(0) as Hour)
}

/// Adds all of `overlay` to the stored cells.
pub fn store(db: &Connection, overlay: &Overlay) -> Result<()> {
    let hours_from = hours_from(db)?;
    let mut parts: Vec<(i64, CellKey, &Cell)> = Vec::with_capacity(2 * overlay.len());
    for ((hour, key), cell) in overlay {
        let shard = key.version / SHARD;
        if *hour >= hours_from {
            parts.push((slot(Level::Hour, *hour, shard), *key, cell));
        }
        parts.push((slot(Level::Day, hour.div_euclid(DAY) * DAY, shard), *key, cell));
    }
    parts.sort_unstable_by_key(|(slot, key, _)| (*slot, *key));
    let mut read = db.prepare_cached("SELECT body FROM cells WHERE slot = ?")?;
    let mut write =
        db.prepare_cached("INSERT INTO cells VALUES (?1, ?2) ON CONFLICT (slot) DO UPDATE SET body = ?2")?;
    let mut drop = db.prepare_cached("DELETE FROM cells WHERE slot = ?")?;
    for row in parts.chunk_by(|a, b| a.0 == b.0) {
        let slot = row[0].0;
        let stored: Option<Vec<u8>> = read.query_row([slot], |r| r.get(0)).optional()?;
        let mut merged = merge(stored.map_or(Ok(Vec::new()), |bytes| decode(&bytes))?, row);
        merged.retain(|(_, cell)| !cell.is_empty());
        if merged.is_empty() {
            drop.execute([slot])?;
        } else {
            write.execute(params![slot, postcard::to_allocvec(&merged)?])?;
        }
    }
    Ok(())
}

/// The stored cells of a row with the fresh ones added; both are ordered by key, fresh keys may repeat.
fn merge(stored: Vec<(CellKey, Cell)>, fresh: &[(i64, CellKey, &Cell)]) -> Vec<(CellKey, Cell)> {
    let mut merged: Vec<(CellKey, Cell)> = Vec::with_capacity(stored.len() + fresh.len());
    let mut stored = stored.into_iter().peekable();
    for (_, key, cell) in fresh {
        while let Some(known) = stored.next_if(|(k, _)| k <= key) {
            merged.push(known);
        }
        match merged.last_mut().filter(|(k, _)| k == key) {
            Some((_, sum)) => sum.merge(cell, 1),
            None => merged.push((*key, (*cell).clone())),
        }
    }
    merged.extend(stored);
    merged
}

fn decode(bytes: &[u8]) -> Result<Vec<(CellKey, Cell)>> {
    Ok(postcard::from_bytes(bytes)?)
}

/// The whole days inside `hours`.
pub fn whole_days(hours: &Range<Hour>) -> Range<Hour> {
    let first = hours.start.div_euclid(DAY) * DAY + if hours.start.rem_euclid(DAY) == 0 { 0 } else { DAY };
    let last = hours.end.div_euclid(DAY) * DAY;
    first.min(last)..last
}

/// A stretch of rows, in order.
const ROWS: &str = "SELECT slot, body FROM cells WHERE slot >= ? AND slot < ? ORDER BY slot";

/// Hands the stored cells of one level to `each`.
pub fn read(
    db: &Connection,
    level: Level,
    hours: Range<Hour>,
    versions: Option<&[VersionId]>,
    each: &mut dyn FnMut(Hour, CellKey, &Cell),
) -> Result<()> {
    if hours.is_empty() {
        return Ok(());
    }
    let mut emit = |slot: i64, bytes: &[u8]| -> Result<()> {
        let wanted = |key: &CellKey| versions.is_none_or(|v| v.binary_search(&key.version).is_ok());
        brief::each(bytes, wanted, |key, cell| each(start_of(slot), key, cell))
    };
    let mut shards: Vec<u32> = versions.unwrap_or(&[]).iter().map(|v| v / SHARD).collect();
    shards.dedup();
    if versions.is_none() || shards.len() > 16 {
        let mut statement = db.prepare_cached(ROWS)?;
        let mut rows = statement.query([slot(level, hours.start, 0), slot(level, hours.end, 0)])?;
        while let Some(row) = rows.next()? {
            emit(row.get(0)?, row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
        }
        return Ok(());
    }
    let mut statement = db.prepare_cached("SELECT slot, body FROM cells WHERE slot = ?")?;
    let step = if level == Level::Day { DAY } else { 1 };
    for start in hours.step_by(step as usize) {
        for &shard in &shards {
            let mut rows = statement.query([slot(level, start, shard)])?;
            while let Some(row) = rows.next()? {
                emit(row.get(0)?, row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
            }
        }
    }
    Ok(())
}

/// Hands the calls of the stored hour cells to `each`.
pub fn read_calls(
    db: &Connection,
    hours: Range<Hour>,
    each: &mut dyn FnMut(Hour, CellKey, i64),
) -> Result<()> {
    let mut statement = db.prepare_cached(ROWS)?;
    let mut rows = statement.query([slot(Level::Hour, hours.start, 0), slot(Level::Hour, hours.end, 0)])?;
    while let Some(row) = rows.next()? {
        let start = start_of(row.get(0)?);
        let bytes = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        brief::each_calls(bytes, |key, calls| each(start, key, calls))?;
    }
    Ok(())
}

/// Drops the hour cells before `hour`: from then on those days are known as whole days only.
pub fn drop_hours_before(db: &Connection, hour: Hour) -> Result<usize> {
    Ok(db.execute(
        "DELETE FROM cells WHERE slot >= ? AND slot < ?",
        [slot(Level::Hour, 0, 0), slot(Level::Hour, hour, 0)],
    )?)
}

/// Drops the day cells before the day of `hour`.
pub fn drop_days_before(db: &Connection, hour: Hour) -> Result<usize> {
    let day = hour.div_euclid(DAY) * DAY;
    Ok(db.execute(
        "DELETE FROM cells WHERE slot >= ? AND slot < ?",
        [slot(Level::Day, 0, 0), slot(Level::Day, day, 0)],
    )?)
}

/// The hour that a time in ms belongs to.
pub fn hour_of(at: i64) -> Result<Hour> {
    Hour::try_from(at.div_euclid(crate::domain::call::HOUR_MS))
        .map_err(|_| StoreError::corrupt(format_args!("time {at} is out of range")))
}
