//! What is known of spans whose traces may still grow. Bounded in time and in number: rows belong to generations of
//! rising numbers, the newest two are kept, and an older one is dropped whole.

use rusqlite::{Connection, OptionalExtension};

use super::index::{self, FACTS};
use super::journal::{number, set_number};
use crate::domain::call::Millis;
use crate::store::fault::Result;

/// A generation ends after this long: spans of one trace meet if they arrive within it, and at most within twice it.
pub const WINDOW_MS: i64 = 12 * 3_600_000;
/// A generation ends after this many rows.
pub const MOST: i64 = 2_000_000;

/// Adds a row; its number.
pub fn add(db: &Connection, body: &[u8], now: Millis) -> Result<i64> {
    db.prepare_cached("INSERT INTO fact (body) VALUES (?)")?.execute([body])?;
    let seq = db.last_insert_rowid();
    // Looked at now and then: the bounds need not be met to the row.
    if seq % 1024 == 1 {
        turn(db, seq, now)?;
    }
    Ok(seq)
}

/// Begins a new generation if the current one is old or large enough.
fn turn(db: &Connection, seq: i64, now: Millis) -> Result<()> {
    let began = number(db, "facts_began")?.unwrap_or(0);
    let first = number(db, "facts_first")?.unwrap_or(0);
    if now - began < WINDOW_MS && seq - first < MOST {
        return Ok(());
    }
    db.execute("DELETE FROM fact WHERE seq < ?", [first])?;
    index::drop_before(db, &FACTS, first)?;
    set_number(db, "facts_kept", first)?;
    set_number(db, "facts_began", now)?;
    set_number(db, "facts_first", seq)
}

/// The number from which rows are kept.
pub fn first(db: &Connection) -> Result<i64> {
    Ok(number(db, "facts_kept")?.unwrap_or(0))
}

/// A row, if it is still kept.
pub fn read(db: &Connection, seq: i64) -> Result<Option<Vec<u8>>> {
    let mut statement = db.prepare_cached("SELECT body FROM fact WHERE seq = ?")?;
    Ok(statement.query_row([seq], |r| r.get(0)).optional()?)
}
