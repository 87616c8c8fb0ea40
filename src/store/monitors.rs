//! What on-call watches, as far as it has come: checkpoints of the monitors, and what people said to them.
//!
//! A checkpoint is the monitors after a closed hour. It holds for as long as no hour before it changes: what arrives
//! for such an hour lowers the mark `changed_from`, and the next look folds again from the newest checkpoint that the
//! mark leaves standing. Notes (acknowledgements, silences) are appended, never changed.

use rusqlite::{Connection, OptionalExtension, params};

use super::fault::Result;
use super::telemetry::{changed_from, changes_since, set_changed_from};
use crate::domain::call::Millis;
use crate::engine::rollup::Hour;
use crate::engine::trend::Monitors;

/// Tables of this module.
pub const SCHEMA: &str = "
-- The monitors after all hours before `hour`.
CREATE TABLE monitor (hour INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
-- until: ms, of a silence; an acknowledgement has none.
CREATE TABLE monitor_note (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL, at INTEGER NOT NULL, who TEXT NOT NULL, until INTEGER
) STRICT;
CREATE TRIGGER monitor_note_stays BEFORE UPDATE ON monitor_note BEGIN SELECT RAISE(ABORT, 'notes are appended'); END;
CREATE TRIGGER monitor_note_is_kept BEFORE DELETE ON monitor_note BEGIN SELECT RAISE(ABORT, 'notes are kept'); END;
";

/// How bodies are written: raised with every change of what monitors hold, so that those of an earlier program are
/// folded anew, not misread.
const FORMAT: u8 = 2;

/// The monitors after all hours before one, as they are kept: a fraction of what they take in memory.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    until: Hour,
    body: Vec<u8>,
}

impl Checkpoint {
    /// Of the monitors as they are.
    pub fn of(monitors: &Monitors) -> Result<Checkpoint> {
        Ok(Checkpoint { until: monitors.until, body: postcard::to_extend(monitors, vec![FORMAT])? })
    }
}

fn read(body: &[u8]) -> Result<Option<Monitors>> {
    match body.split_first() {
        Some((&FORMAT, body)) => Ok(Some(postcard::from_bytes(body)?)),
        _ => Ok(None),
    }
}

/// What a person said to a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The stream's name.
    pub stream: String,
    /// When, ms.
    pub at: Millis,
    /// Who.
    pub who: String,
    /// A silence: it ends then, ms. `None`: an acknowledgement, with which the stream starts anew.
    pub until: Option<Millis>,
}

/// The newest checkpoint that still holds.
pub fn latest(db: &Connection) -> Result<Option<Monitors>> {
    let mark = changed_from(db)?;
    let body: Option<Vec<u8>> = db
        .prepare_cached("SELECT body FROM monitor WHERE hour <= ? ORDER BY hour DESC LIMIT 1")?
        .query_row([mark], |r| r.get(0))
        .optional()?;
    body.map_or(Ok(None), |body| read(&body))
}

/// Whether there is one.
pub fn is_kept(db: &Connection) -> Result<bool> {
    let mark = changed_from(db)?;
    let sql = "SELECT EXISTS (SELECT 1 FROM monitor WHERE hour <= ?)";
    Ok(db.prepare_cached(sql)?.query_row([mark], |r| r.get(0))?)
}

/// The midnight at which the first fold began, if there was one.
pub fn began(db: &Connection) -> Result<Option<Hour>> {
    let body: Option<Vec<u8>> = db
        .prepare_cached("SELECT body FROM monitor ORDER BY hour LIMIT 1")?
        .query_row([], |r| r.get(0))
        .optional()?;
    let first = body.map_or(Ok(None), |body| read(&body))?;
    Ok(first.map(|monitors| monitors.began))
}

/// Keeps checkpoints, oldest first, that were folded from the store as it was at `position`. False, and nothing is
/// kept, if an hour that is in them has changed since.
pub fn keep(db: &Connection, checkpoints: &[Checkpoint], position: i64) -> Result<bool> {
    let Some(newest) = checkpoints.last() else { return Ok(true) };
    let Some(changed) = changes_since(db, position)? else { return Ok(false) };
    if changed < newest.until {
        return Ok(false);
    }
    let mark = changed_from(db)?;
    db.prepare_cached("DELETE FROM monitor WHERE hour > ?")?.execute([mark])?;
    for checkpoint in checkpoints {
        db.prepare_cached("INSERT OR REPLACE INTO monitor VALUES (?, ?)")?
            .execute(params![checkpoint.until, checkpoint.body])?;
    }
    thin(db, newest.until)?;
    set_changed_from(db, newest.until)?;
    Ok(true)
}

/// Lets go of checkpoints: kept are the newest, the last two midnights, and of those before every eighth, up to 32 days.
fn thin(db: &Connection, newest: Hour) -> Result<()> {
    let today = newest.div_euclid(24);
    db.prepare_cached(
        "DELETE FROM monitor WHERE hour <> ?1 AND hour <> (SELECT min(hour) FROM monitor)
         AND (hour % 24 <> 0 OR hour / 24 < ?2 - 32 OR (hour / 24 < ?2 - 1 AND hour / 24 % 8 <> 0))",
    )?
    .execute([newest, today])?;
    Ok(())
}

/// Appends a note.
pub fn note(db: &Connection, note: &Note) -> Result<()> {
    db.prepare_cached("INSERT INTO monitor_note (stream, at, who, until) VALUES (?, ?, ?, ?)")?
        .execute(params![note.stream, note.at, note.who, note.until])?;
    Ok(())
}

/// All notes, oldest first.
pub fn notes(db: &Connection) -> Result<Vec<Note>> {
    let mut statement =
        db.prepare_cached("SELECT stream, at, who, until FROM monitor_note ORDER BY at, seq")?;
    let rows = statement
        .query_map([], |r| Ok(Note { stream: r.get(0)?, at: r.get(1)?, who: r.get(2)?, until: r.get(3)? }))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_of_another_program_are_folded_anew_and_notes_stay() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(crate::store::telemetry::SCHEMA).unwrap();
        db.execute_batch(SCHEMA).unwrap();
        let mut later = Monitors::new(480);
        later.until = 500;
        let both = [Checkpoint::of(&Monitors::new(480)).unwrap(), Checkpoint::of(&later).unwrap()];
        assert!(keep(&db, &both, 0).unwrap());
        assert_eq!(latest(&db).unwrap(), Some(later.clone()));
        assert_eq!(began(&db).unwrap(), Some(480));
        // What arrives for a closed hour takes the checkpoints after it with it.
        set_changed_from(&db, 490).unwrap();
        assert_eq!(latest(&db).unwrap(), Some(Monitors::new(480)));
        db.execute("UPDATE monitor SET body = x'FF00'", []).unwrap();
        assert_eq!((latest(&db).unwrap(), began(&db).unwrap()), (None, None));

        let said = Note { stream: "model:m#errors".into(), at: 7, who: "ana".into(), until: None };
        note(&db, &said).unwrap();
        assert_eq!(notes(&db).unwrap(), [said]);
        assert!(db.execute("DELETE FROM monitor_note", []).is_err());
        assert!(db.execute("UPDATE monitor_note SET who = 'bob'", []).is_err());
    }
}
