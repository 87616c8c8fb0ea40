//! Evidence units: of the signals that one session or user gives on one prompt within one hour, only the first
//! counts for monitors and verdicts. Which one is first depends on the signals, not on the order of their coming.

use std::ops::Range;

use rusqlite::{Connection, OptionalExtension, params};

use crate::engine::rollup::{Change, Delta, Hour};
use crate::store::fault::Result;

/// A signal that would be the unit if it is the first.
#[derive(Debug)]
pub struct Claim {
    /// Hour in which the signal arrived.
    pub hour: Hour,
    /// Hash of the prompt version and of whose signal it is.
    pub unit: i64,
    /// The order of claims: the millisecond within the hour, then what decides between signals of one instant. The
    /// first wins.
    pub rank: i64,
    /// Composition of its call.
    pub composition: u32,
    /// Model of its call.
    pub model: u32,
    /// What it would add.
    pub change: Change,
}

/// Adds (sign 1) or removes (−1) a claim; the deltas by which the unit's place in the cells changes.
pub fn stake(db: &Connection, sign: i8, claim: &Claim) -> Result<[Option<Delta>; 2]> {
    let before = first(db, claim)?;
    if sign > 0 {
        let delta = Delta {
            sign: 1,
            hour: claim.hour,
            composition: claim.composition,
            model: claim.model,
            change: claim.change,
        };
        db.prepare_cached("INSERT OR IGNORE INTO unit VALUES (?, ?, ?, ?)")?.execute(params![
            claim.hour,
            claim.unit,
            claim.rank,
            postcard::to_allocvec(&delta)?
        ])?;
    } else {
        db.prepare_cached("DELETE FROM unit WHERE hour = ? AND unit = ? AND rank = ?")?
            .execute(params![claim.hour, claim.unit, claim.rank])?;
    }
    let after = first(db, claim)?;
    if before == after {
        return Ok([None, None]);
    }
    Ok([before.map(|d| Delta { sign: -1, ..d }), after])
}

fn first(db: &Connection, claim: &Claim) -> Result<Option<Delta>> {
    let row: Option<Vec<u8>> = db
        .prepare_cached("SELECT delta FROM unit WHERE hour = ? AND unit = ? ORDER BY rank LIMIT 1")?
        .query_row(params![claim.hour, claim.unit], |r| r.get(0))
        .optional()?;
    Ok(row.map(|bytes| postcard::from_bytes(&bytes)).transpose()?)
}

/// Hands the deltas of the units that count in `hours` to `each`.
pub fn each_first(
    db: &Connection,
    hours: &Range<Hour>,
    mut each: impl FnMut(Delta) -> Result<()>,
) -> Result<()> {
    let mut statement = db.prepare_cached(
        "SELECT hour, unit, delta FROM unit WHERE hour >= ? AND hour < ? ORDER BY hour, unit, rank",
    )?;
    let mut rows = statement.query([hours.start, hours.end])?;
    let mut last = None;
    while let Some(row) = rows.next()? {
        let key: (Hour, i64) = (row.get(0)?, row.get(1)?);
        if last.replace(key) != Some(key) {
            each(postcard::from_bytes(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?)?;
        }
    }
    Ok(())
}
