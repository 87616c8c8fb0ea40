//! The journal: what each committed transaction adds to the cells and to the aliases, until both have taken it in.

use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};

use super::index::Place;
use crate::engine::rollup::{Delta, Hour};
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
    if let Some(first) = page.first_hour().filter(|first| changed_from(db).is_ok_and(|mark| *first < mark)) {
        set_changed_from(db, first)?;
    }
    let bytes = postcard::to_allocvec(page)?;
    db.prepare_cached("INSERT INTO journal (page) VALUES (?)")?.execute([bytes])?;
    Ok(db.last_insert_rowid())
}

impl Page {
    /// The earliest hour that it changes.
    fn first_hour(&self) -> Option<Hour> {
        self.deltas.iter().map(|delta| delta.hour).min()
    }
}

/// Monitors have folded the hours before this one as they are; 0 while there are none.
pub fn changed_from(db: &Connection) -> Result<Hour> {
    Ok(number(db, "changed_from")?.unwrap_or(0) as Hour)
}

/// Sets the mark: lowered by what arrives late, raised by who has folded it.
pub fn set_changed_from(db: &Connection, hour: Hour) -> Result<()> {
    set_number(db, "changed_from", i64::from(hour))
}

/// The earliest hour that was changed after `position`, [`Hour::MAX`] if none was; `None` if too much has happened to say.
pub fn changes_since(db: &Connection, position: i64) -> Result<Option<Hour>> {
    let hours = |pages: Vec<Page>| pages.iter().filter_map(Page::first_hour).min().unwrap_or(Hour::MAX);
    Ok(since(db, position)?.map(|(_, pages)| hours(pages)))
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
