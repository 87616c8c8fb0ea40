//! What is known of spans whose traces may still grow. Bounded in time and in number: facts live in generations,
//! the newest two are read, and an older one is dropped whole.

use rusqlite::{Connection, params};

use super::journal::{number, set_number};
use crate::domain::call::Millis;
use crate::store::fault::Result;

/// A generation ends after this long: spans of one trace meet if they arrive within it, and at most within twice it.
pub const WINDOW_MS: i64 = 12 * 3_600_000;
/// A generation ends after this many facts.
pub const MOST: i64 = 2_000_000;

/// Where the current generation stands.
#[derive(Debug, Default)]
pub struct Generations {
    current: i64,
    began: Millis,
    facts: i64,
}

impl Generations {
    /// Reads where it stands.
    pub fn follow(&mut self, db: &Connection) -> Result<()> {
        self.current = number(db, "fact_generation")?.unwrap_or(0);
        self.began = number(db, "fact_generation_began")?.unwrap_or(0);
        self.facts = number(db, "facts")?.unwrap_or(0);
        Ok(())
    }

    /// Everything kept under `key`, oldest first.
    pub fn read(&self, db: &Connection, key: u64) -> Result<Vec<Vec<u8>>> {
        if self.facts == 0 && self.current == 0 {
            return Ok(Vec::new());
        }
        let mut statement =
            db.prepare_cached("SELECT body FROM fact WHERE generation = ? AND key = ? ORDER BY seq")?;
        let mut found = Vec::new();
        for generation in [self.current - 1, self.current] {
            let rows = statement.query_map(params![generation, key as i64], |r| r.get(0))?;
            for row in rows {
                found.push(row?);
            }
        }
        Ok(found)
    }

    /// Keeps `body` under `key`.
    pub fn keep(&mut self, db: &Connection, key: u64, body: &[u8], now: Millis) -> Result<()> {
        if self.facts >= MOST || now - self.began >= WINDOW_MS {
            self.turn(db, now)?;
        }
        self.facts += 1;
        db.prepare_cached(
            "INSERT INTO fact SELECT ?1, ?2, coalesce(max(seq), 0) + 1, ?3 FROM fact WHERE generation = ?1 AND key = ?2",
        )?
        .execute(params![self.current, key as i64, body])?;
        // The count only steers the size, so it need not be exact across processes.
        if self.facts % 64 == 1 {
            set_number(db, "facts", self.facts)?;
        }
        Ok(())
    }

    fn turn(&mut self, db: &Connection, now: Millis) -> Result<()> {
        self.current += 1;
        self.began = now;
        self.facts = 0;
        db.execute("DELETE FROM fact WHERE generation < ?", [self.current - 1])?;
        set_number(db, "fact_generation", self.current)?;
        set_number(db, "fact_generation_began", now)
    }
}
