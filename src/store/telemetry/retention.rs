//! Letting go of what is old: raw calls after a while, then the hours, then the days. Cheap, because calls are
//! clustered by time; in steps, so that writers wait for one step at most.

use rusqlite::Connection;

use super::index::{self, CALLS};
use super::{cells, journal};
use crate::domain::call::{HOUR_MS, Millis};
use crate::store::fault::Result;

/// How long things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Days that raw calls and their feedback are kept; 0: without end.
    pub call_days: u32,
    /// Days that hourly cells are kept. Beyond, a whole day is read from its own cell and the edge of a window from the
    /// calls, while these are kept.
    pub hour_days: u32,
    /// Days that daily cells are kept.
    pub day_days: u32,
    /// Largest size of the store in bytes; the oldest calls go first. 0: no limit.
    pub max_bytes: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Retention { call_days: 0, hour_days: 14, day_days: 3660, max_bytes: 0 }
    }
}

/// What a sweep let go of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Calls.
    pub calls: usize,
    /// Rows of cells.
    pub cells: usize,
    /// Whether there is more to let go of.
    pub more: bool,
}

/// How often a store sweeps itself when it is closed.
const EVERY: i64 = 24 * HOUR_MS;

/// Whether the last sweep is long ago.
pub fn is_due(db: &Connection, now: Millis) -> Result<bool> {
    Ok(now - journal::number(db, "swept_at")?.unwrap_or(0) >= EVERY)
}

/// Lets go of calls before `now − call_days` and of cells that are older still, at most one day of calls at a time.
pub fn sweep(db: &Connection, keep: &Retention, now: Millis) -> Result<Swept> {
    const DAY: i64 = 24 * HOUR_MS;
    let mut swept = Swept::default();
    let oldest: Option<Millis> = db.query_row("SELECT min(at) FROM call", [], |r| r.get(0))?;
    let mut cut = if keep.call_days == 0 { Millis::MIN } else { now - i64::from(keep.call_days) * DAY };
    let today = now - now.rem_euclid(DAY);
    if let Some(oldest) = oldest.filter(|at| *at < today)
        && makes_room(db, keep)?
    {
        cut = cut.max((oldest - oldest.rem_euclid(DAY) + DAY).min(today));
    }
    if let Some(oldest) = oldest.filter(|at| *at < cut) {
        let until = cut.min(oldest - oldest.rem_euclid(DAY) + DAY);
        swept.calls = db.execute("DELETE FROM call WHERE at < ?", [until])?;
        db.execute("DELETE FROM feedback_call WHERE at < ?", [until])?;
        // What was given before, and counts for a call that is kept, stays with it; so do the units that it may be.
        let unlinked =
            "DELETE FROM feedback WHERE at < ? AND seq NOT IN (SELECT feedback FROM feedback_call)";
        db.execute(unlinked, [until])?;
        let given: Option<Millis> = db.query_row("SELECT min(at) FROM feedback", [], |r| r.get(0))?;
        let hour = given.map_or(until, |at| at.min(until)).div_euclid(HOUR_MS);
        db.execute("DELETE FROM unit WHERE hour < ?", [hour])?;
        index::drop_before(db, &CALLS, until / 1000)?;
        // A call that came late does not bring back the time before it.
        journal::set_number(db, "calls_from", until.max(calls_from(db)?))?;
        swept.more = until < cut;
    }
    let hour = |days: u32| cells::hour_of((now - i64::from(days) * DAY).max(0));
    let first = hour(keep.hour_days)?;
    // A clock that was set back brings no hours back.
    let first = (first - first.rem_euclid(24)).max(cells::hours_from(db)?);
    swept.cells = cells::drop_hours_before(db, first)?;
    swept.cells += cells::drop_days_before(db, hour(keep.day_days.max(keep.hour_days))?)?;
    journal::set_number(db, "hours_from", i64::from(first))?;
    journal::set_number(db, "swept_at", now)?;
    Ok(swept)
}

/// The time from which calls are kept: what is older has been let go of.
pub fn calls_from(db: &Connection) -> Result<Millis> {
    Ok(journal::number(db, "calls_from")?.unwrap_or(0))
}

/// Whether the store is too large, and letting go of calls could make it small enough.
fn makes_room(db: &Connection, keep: &Retention) -> Result<bool> {
    if keep.max_bytes == 0 {
        return Ok(false);
    }
    let used = used_bytes(db)?;
    Ok(used > keep.max_bytes && used.saturating_sub(call_bytes(db)?) < keep.max_bytes)
}

/// Bytes that calls and their feedback take. Reads these tables' pages: once a day, and only in a store that is too large.
pub fn call_bytes(db: &Connection) -> Result<u64> {
    let sql = "SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE aggregate = 1
               AND name IN ('call', 'feedback', 'feedback_call', 'unit', 'alias_bucket', 'alias_segment')";
    Ok(db.query_row(sql, [], |r| r.get::<_, i64>(0))? as u64)
}

/// Bytes of the file that are in use.
pub fn used_bytes(db: &Connection) -> Result<u64> {
    let one = |name: &str| -> Result<i64> { Ok(db.query_row(&format!("PRAGMA {name}"), [], |r| r.get(0))?) };
    Ok(((one("page_count")? - one("freelist_count")?) * one("page_size")?) as u64)
}
