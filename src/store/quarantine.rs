//! What intake could not take: the bytes, and why. Nothing is dropped; after a fix it can be replayed.

use rusqlite::{Connection, OptionalExtension, params};
use xxhash_rust::xxh3::xxh3_128;

use super::fault::Result;
use crate::domain::call::Millis;

/// Tables of this module.
pub const SCHEMA: &str = "
CREATE TABLE quarantine (
    seq     INTEGER PRIMARY KEY,
    digest  BLOB NOT NULL UNIQUE,   -- xxh3-128 of format and bytes: the same input is kept once
    at      INTEGER NOT NULL,       -- when it came, ms
    origin  TEXT NOT NULL,          -- file or client
    format  TEXT NOT NULL,          -- how to read the bytes again
    reason  TEXT NOT NULL,
    bytes   BLOB NOT NULL
) STRICT;
";

/// Something that could not be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Where it came from: a file name, a client.
    pub origin: String,
    /// How to read the bytes again.
    pub format: String,
    /// Why it could not be taken, and what would help.
    pub reason: String,
    /// The bytes as they came.
    pub bytes: Vec<u8>,
}

/// How the reason ends where the input ended inside what is kept: the rest may come.
pub const TORN: &str = "; the input ends here";

/// Keeps `item`; false if the same bytes were kept before (their reason is then brought up to date).
pub fn keep(db: &Connection, item: &Quarantined, now: Millis) -> Result<bool> {
    let mut content = item.format.clone().into_bytes();
    content.push(0);
    content.extend_from_slice(&item.bytes);
    let digest = xxh3_128(&content).to_le_bytes();
    let known: Option<i64> = db
        .prepare_cached("UPDATE quarantine SET reason = ?2 WHERE digest = ?1 RETURNING seq")?
        .query_row(params![digest, item.reason], |r| r.get(0))
        .optional()?;
    if known.is_some() {
        return Ok(false);
    }
    db.prepare_cached(
        "INSERT INTO quarantine (digest, at, origin, format, reason, bytes) VALUES (?,?,?,?,?,?)",
    )?
    .execute(params![digest, now, item.origin, item.format, item.reason, item.bytes])?;
    Ok(true)
}

/// How many are kept, by reason, most first.
pub fn reasons(db: &Connection) -> Result<Vec<(String, i64)>> {
    let mut rows = db.prepare_cached(
        "SELECT reason, count(*) n FROM quarantine GROUP BY reason ORDER BY n DESC, reason",
    )?;
    let found = rows.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    Ok(found)
}

/// How many are kept.
pub fn count(db: &Connection) -> Result<u64> {
    let n: i64 = db.prepare_cached("SELECT count(*) FROM quarantine")?.query_row([], |r| r.get(0))?;
    Ok(n as u64)
}

/// Up to `limit` kept items after `seq`, oldest first, each with its number.
pub fn after(db: &Connection, seq: i64, limit: usize) -> Result<Vec<(i64, Quarantined)>> {
    let mut rows = db.prepare_cached(
        "SELECT seq, origin, format, reason, bytes FROM quarantine WHERE seq > ? ORDER BY seq LIMIT ?",
    )?;
    let found = rows
        .query_map(params![seq, limit as i64], |r| {
            let item =
                Quarantined { origin: r.get(1)?, format: r.get(2)?, reason: r.get(3)?, bytes: r.get(4)? };
            Ok((r.get(0)?, item))
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok(found)
}

/// The newest torn ends ([`TORN`]) that were kept from `origin`, each with its number.
pub fn torn_ends(db: &Connection, origin: &str) -> Result<Vec<(i64, Vec<u8>)>> {
    // Bounded, because this is asked for every input: the last 10,000 rows are looked at.
    let mut rows = db.prepare_cached(
        "SELECT seq, bytes FROM quarantine WHERE seq > (SELECT max(seq) FROM quarantine) - 10000 AND origin = ?1
         AND substr(reason, -length(?2)) = ?2 AND length(bytes) < 8388608 ORDER BY seq DESC LIMIT 4",
    )?;
    let found = rows
        .query_map(params![origin, TORN], |r| Ok((r.get(0)?, r.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(found)
}

/// Lets go of one item, because it has been taken now.
pub fn release(db: &Connection, seq: i64) -> Result<()> {
    db.prepare_cached("DELETE FROM quarantine WHERE seq = ?")?.execute([seq])?;
    Ok(())
}
