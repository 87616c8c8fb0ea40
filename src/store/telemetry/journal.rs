//! The journal: what each committed transaction adds to the cells and to the aliases, until both have taken it in.

use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};

use super::index::Place;
use crate::engine::rollup::Delta;
use crate::store::fault::Result;

/// One transaction's page.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Page {
    /// Signed contributions to cells.
    pub deltas: Vec<Delta>,
    /// Names by which feedback finds calls: (alias, second of the call).
    pub aliases: Vec<(u64, Place)>,
    /// Traces and links to rows of facts.
    pub facts: Vec<(u64, Place)>,
}

/// Appends a page; its position.
pub fn append(db: &Connection, page: &Page) -> Result<i64> {
    let bytes = postcard::to_allocvec(page)?;
    db.prepare_cached("INSERT INTO journal (page) VALUES (?)")?.execute([bytes])?;
    Ok(db.last_insert_rowid())
}

/// Hands each page after `position` to `take`, in order.
pub fn after(db: &Connection, position: i64, mut take: impl FnMut(i64, Page) -> Result<()>) -> Result<()> {
    let mut statement = db.prepare_cached("SELECT seq, page FROM journal WHERE seq > ? ORDER BY seq")?;
    let mut rows = statement.query([position])?;
    while let Some(row) = rows.next()? {
        take(row.get(0)?, postcard::from_bytes(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?)?;
    }
    Ok(())
}

/// The pages after `position`, with the position of the last; `None` if some of them have been dropped.
pub fn since(db: &Connection, position: i64) -> Result<Option<(i64, Vec<Page>)>> {
    let (mut last, mut pages) = (position, Vec::new());
    let mut gap = false;
    after(db, position, |seq, page| {
        gap |= seq != last + 1;
        last = seq;
        pages.push(page);
        Ok(())
    })?;
    let gone = gap || covered(db)? > last;
    Ok((!gone).then_some((last, pages)))
}

/// Drops the pages up to `position`.
pub fn drop_through(db: &Connection, position: i64) -> Result<()> {
    db.prepare_cached("DELETE FROM journal WHERE seq <= ?")?.execute([position])?;
    Ok(())
}

/// The position up to which cells and segments hold everything.
pub fn covered(db: &Connection) -> Result<i64> {
    Ok(number(db, "covered")?.unwrap_or(0))
}

/// A number that the store keeps about itself.
pub fn number(db: &Connection, name: &str) -> Result<Option<i64>> {
    let mut statement = db.prepare_cached("SELECT value FROM meta WHERE name = ?")?;
    Ok(statement.query_row([name], |r| r.get(0)).optional()?)
}

/// Sets a number that the store keeps about itself.
pub fn set_number(db: &Connection, name: &str, value: i64) -> Result<()> {
    db.prepare_cached("INSERT INTO meta VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2")?
        .execute(rusqlite::params![name, value])?;
    Ok(())
}
