//! Roll-up cells on disk: one row an hour, and one a day, for each 64 prompt versions; a row is a sorted list.
//!
//! A prompt's month is then a few rows, a board of all prompts a range of them, and hours that no screen asks for
//! any more are dropped by their key.

use std::collections::BTreeMap;
use std::ops::Range;

use rusqlite::{Connection, OptionalExtension, params};
use rustc_hash::FxHashMap;

use super::dictionary::Dictionary;
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
pub type Overlay = FxHashMap<(Hour, CellKey), Cell>;

/// Folds one delta into `overlay`.
pub fn fold(overlay: &mut Overlay, dictionary: &Dictionary, delta: &Delta) -> Result<()> {
    let subjects = &dictionary.composition(delta.composition)?.subjects;
    delta.each(subjects, |key, delta| delta.add_to(overlay.entry((delta.hour, key)).or_default()));
    Ok(())
}

/// Adds all of `overlay` to the stored cells.
pub fn store(db: &Connection, overlay: &Overlay) -> Result<()> {
    let mut rows: BTreeMap<i64, BTreeMap<CellKey, Cell>> = BTreeMap::new();
    for ((hour, key), cell) in overlay {
        let shard = key.version / SHARD;
        for slot in [slot(Level::Hour, *hour, shard), slot(Level::Day, hour.div_euclid(DAY) * DAY, shard)] {
            rows.entry(slot).or_default().entry(*key).or_default().merge(cell, 1);
        }
    }
    let mut read = db.prepare_cached("SELECT body FROM cells WHERE slot = ?")?;
    let mut write =
        db.prepare_cached("INSERT INTO cells VALUES (?1, ?2) ON CONFLICT (slot) DO UPDATE SET body = ?2")?;
    let mut drop = db.prepare_cached("DELETE FROM cells WHERE slot = ?")?;
    for (slot, fresh) in rows {
        let stored: Option<Vec<u8>> = read.query_row([slot], |r| r.get(0)).optional()?;
        let merged = match stored {
            None => fresh.into_iter().collect(),
            Some(bytes) => merge(decode(&bytes)?, fresh),
        };
        let merged: Vec<_> = merged.into_iter().filter(|(_, cell)| !cell.is_empty()).collect();
        if merged.is_empty() {
            drop.execute([slot])?;
        } else {
            write.execute(params![slot, postcard::to_allocvec(&merged)?])?;
        }
    }
    Ok(())
}

fn merge(stored: Vec<(CellKey, Cell)>, fresh: BTreeMap<CellKey, Cell>) -> Vec<(CellKey, Cell)> {
    let mut merged = Vec::with_capacity(stored.len() + fresh.len());
    let mut fresh = fresh.into_iter().peekable();
    for (key, mut cell) in stored {
        while let Some(new) = fresh.next_if(|(k, _)| *k < key) {
            merged.push(new);
        }
        if let Some((_, new)) = fresh.next_if(|(k, _)| *k == key) {
            cell.merge(&new, 1);
        }
        merged.push((key, cell));
    }
    merged.extend(fresh);
    merged
}

fn decode(bytes: &[u8]) -> Result<Vec<(CellKey, Cell)>> {
    Ok(postcard::from_bytes(bytes)?)
}

/// Hands the stored cells of `hours` to `each`: whole days as days unless `hourly`, the rest hour by hour.
pub fn read(
    db: &Connection,
    hours: Range<Hour>,
    hourly: bool,
    versions: Option<&[VersionId]>,
    each: &mut dyn FnMut(Hour, CellKey, &Cell),
) -> Result<()> {
    let first_day =
        hours.start.div_euclid(DAY) * DAY + if hours.start.rem_euclid(DAY) == 0 { 0 } else { DAY };
    let last_day = hours.end.div_euclid(DAY) * DAY;
    if hourly || first_day >= last_day {
        return read_level(db, Level::Hour, hours, versions, each);
    }
    read_level(db, Level::Hour, hours.start..first_day, versions, each)?;
    read_level(db, Level::Day, first_day..last_day, versions, each)?;
    read_level(db, Level::Hour, last_day..hours.end, versions, each)
}

fn read_level(
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
        for (key, cell) in decode(bytes)? {
            if versions.is_none_or(|v| v.binary_search(&key.version).is_ok()) {
                each(start_of(slot), key, &cell);
            }
        }
        Ok(())
    };
    let blob = |r: &rusqlite::Row<'_>| -> Result<Vec<u8>> {
        Ok(r.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?.to_vec())
    };
    let mut shards: Vec<u32> = versions.unwrap_or(&[]).iter().map(|v| v / SHARD).collect();
    shards.dedup();
    if versions.is_none() || shards.len() > 16 {
        let mut statement =
            db.prepare_cached("SELECT slot, body FROM cells WHERE slot >= ? AND slot < ? ORDER BY slot")?;
        let mut rows = statement.query([slot(level, hours.start, 0), slot(level, hours.end, 0)])?;
        while let Some(row) = rows.next()? {
            emit(row.get(0)?, &blob(row)?)?;
        }
        return Ok(());
    }
    let mut statement = db.prepare_cached("SELECT slot, body FROM cells WHERE slot = ?")?;
    let step = if level == Level::Day { DAY } else { 1 };
    for start in hours.step_by(step as usize) {
        for &shard in &shards {
            let mut rows = statement.query([slot(level, start, shard)])?;
            while let Some(row) = rows.next()? {
                emit(row.get(0)?, &blob(row)?)?;
            }
        }
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
