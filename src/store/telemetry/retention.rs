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
    if keep.max_bytes > 0 && used_bytes(db)? > keep.max_bytes {
        cut = cut.max(oldest.unwrap_or(0) + DAY);
    }
    if let Some(oldest) = oldest.filter(|at| *at < cut) {
        let until = cut.min(oldest - oldest.rem_euclid(DAY) + DAY);
        swept.calls = db.execute("DELETE FROM call WHERE at < ?", [until])?;
        db.execute("DELETE FROM feedback_call WHERE at < ?", [until])?;
        db.execute("DELETE FROM feedback WHERE at < ?", [until])?;
        db.execute("DELETE FROM unit WHERE hour < ?", [until / HOUR_MS])?;
        index::drop_before(db, &CALLS, until / 1000)?;
        journal::set_number(db, "calls_from", until)?;
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

/// Bytes of the file that are in use.
fn used_bytes(db: &Connection) -> Result<u64> {
    let one = |name: &str| -> Result<i64> { Ok(db.query_row(&format!("PRAGMA {name}"), [], |r| r.get(0))?) };
    Ok(((one("page_count")? - one("freelist_count")?) * one("page_size")?) as u64)
}
