//! The ledger: an append-only chain of hashed, signed entries, and the one door to it.
//!
//! Nothing is entered but through [`enter`], which asks `engine::govern` inside the write transaction; nothing that was
//! entered is changed or removed, which triggers refuse and [`verify`] would see.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::Value;

use super::fault::{Kind, Result, StoreError};
use crate::domain::call::Millis;
use crate::domain::ledger::{Action, Entry};
use crate::domain::window::time;
use crate::engine::govern::{Act, Bench, Matter, Permit, govern};
use crate::engine::seal::{Chain, Deed, Head, Pen, canonical, seal};
use crate::engine::trust::Trust;

/// The tables of this file. `action` repeats what the entry says, to find it by.
pub const SCHEMA: &str = "
CREATE TABLE ledger (
    seq    INTEGER PRIMARY KEY,
    action TEXT NOT NULL,
    entry  TEXT NOT NULL                          -- canonical JSON
) STRICT;
CREATE INDEX ledger_of_trust ON ledger (seq) WHERE action IN ('own', 'trust', 'distrust', 'grant', 'revoke');
CREATE TABLE ledger_head (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    seq  INTEGER NOT NULL,
    hash TEXT NOT NULL
) STRICT;

CREATE TRIGGER ledger_stays BEFORE UPDATE ON ledger
BEGIN SELECT RAISE (ABORT, 'the ledger is appended to only'); END;
CREATE TRIGGER ledger_kept BEFORE DELETE ON ledger
BEGIN SELECT RAISE (ABORT, 'the ledger is appended to only'); END;
";

/// What is to be entered, and who asks.
#[derive(Debug)]
pub struct Asked<'a> {
    /// Who signs; nobody: the system.
    pub pen: Option<&'a Pen>,
    /// As what it is governed.
    pub act: Act,
    /// What it is about.
    pub matter: Matter<'a>,
    /// Signatures needed and given, for acceptances.
    pub bench: Bench<'a>,
}

impl<'a> Asked<'a> {
    /// What needs one signature.
    pub fn once(pen: Option<&'a Pen>, act: Act, matter: Matter<'a>) -> Asked<'a> {
        Asked { pen, act, matter, bench: Bench::ONE }
    }
}

/// The rules for what is asked, as the store stands: `Err` with [`Kind::Refused`] where they do not allow it. Whether
/// the store has an owner is read here, not taken from the caller.
pub fn permit(db: &Connection, asked: &Asked<'_>, now: Millis) -> Result<Permit> {
    let trust = trust(db)?;
    let bench = Bench { owned: trust.owner().is_some(), ..asked.bench.clone() };
    Ok(govern(asked.act, &trust.actor(asked.pen), &asked.matter, &bench, now)?)
}

/// Appends an entry, if the rules allow what is asked.
pub fn enter(
    db: &Connection,
    asked: &Asked<'_>,
    now: Millis,
    action: Action,
    subject: &str,
    payload: Value,
) -> Result<(Entry, Permit)> {
    let permit = permit(db, asked, now)?;
    let entry = append(db, asked.pen, now, action, subject, payload)?;
    Ok((entry, permit))
}

/// Makes whoever holds the pen the owner of a store that has none.
pub fn own(db: &Connection, pen: &Pen, now: Millis, payload: Value) -> Result<Entry> {
    if let Some(owner) = trust(db)?.owner() {
        let what = format!(
            "the store has an owner, {owner}, who trusts other stewards with `human steward trust FILE`"
        );
        return Err(StoreError::new(Kind::Refused, what));
    }
    append(db, Some(pen), now, Action::Own, &pen.identity().to_string(), payload)
}

/// Appends what was found in a store that had no ledger: the system's, before anything else.
pub fn found(db: &Connection, now: Millis, payload: Value) -> Result<()> {
    append(db, None, now, Action::Publish, "store", payload)?;
    Ok(())
}

/// Appends the record of an agent's run; one that was refused for want of a grant as well.
pub fn ran(db: &Connection, pen: &Pen, now: Millis, subject: &str, payload: Value) -> Result<Entry> {
    append(db, Some(pen), now, Action::Run, subject, payload)
}

fn append(
    db: &Connection,
    pen: Option<&Pen>,
    now: Millis,
    action: Action,
    subject: &str,
    payload: Value,
) -> Result<Entry> {
    let head = head(db)?;
    let deed = Deed { at: time(now), action, subject: subject.to_owned(), payload };
    let entry = seal(head, deed, pen);
    db.prepare_cached("INSERT INTO ledger (seq, action, entry) VALUES (?1, ?2, ?3)")?.execute(params![
        entry.seq as i64,
        entry.action.as_str(),
        canonical(&entry)
    ])?;
    db.prepare_cached(
        "INSERT INTO ledger_head (one, seq, hash) VALUES (1, ?1, ?2)
         ON CONFLICT (one) DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
    )?
    .execute(params![entry.seq as i64, entry.hash.to_string()])?;
    Ok(entry)
}

/// Where the chain ends.
pub fn head(db: &Connection) -> Result<Head> {
    let row: Option<(i64, String)> = db
        .prepare_cached("SELECT seq, hash FROM ledger_head")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((seq, hash)) = row else { return Ok(Head::START) };
    let hash = hash.parse().map_err(|e| StoreError::corrupt(format_args!("the ledger's head: {e}")))?;
    Ok(Head { seq: seq as u64, hash })
}

/// Whom the store trusts now.
pub fn trust(db: &Connection) -> Result<Trust> {
    let mut trust = Trust::default();
    let mut statement = db.prepare_cached(
        "SELECT entry FROM ledger WHERE action IN ('own', 'trust', 'distrust', 'grant', 'revoke') ORDER BY seq",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        trust.follow(&read(&row.get::<_, String>(0)?)?).map_err(StoreError::corrupt)?;
    }
    Ok(trust)
}

fn read(text: &str) -> Result<Entry> {
    serde_json::from_str(text)
        .map_err(|e| StoreError::corrupt(format_args!("an entry of the ledger does not read: {e}")))
}

/// Hands the entries after number `after` to `each`, in order, until it says false.
pub fn entries(db: &Connection, after: u64, each: &mut dyn FnMut(Entry) -> bool) -> Result<()> {
    let mut statement = db.prepare_cached("SELECT entry FROM ledger WHERE seq > ? ORDER BY seq")?;
    let mut rows = statement.query([after as i64])?;
    while let Some(row) = rows.next()? {
        if !each(read(&row.get::<_, String>(0)?)?) {
            break;
        }
    }
    Ok(())
}

/// Hands the entries to `each`, the newest first, until it says false.
pub fn newest(db: &Connection, each: &mut dyn FnMut(Entry) -> bool) -> Result<()> {
    let mut statement = db.prepare_cached("SELECT entry FROM ledger ORDER BY seq DESC")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if !each(read(&row.get::<_, String>(0)?)?) {
            break;
        }
    }
    Ok(())
}

/// The entry with this number.
pub fn entry(db: &Connection, seq: u64) -> Result<Entry> {
    let text: Option<String> = db
        .prepare_cached("SELECT entry FROM ledger WHERE seq = ?")?
        .query_row([seq as i64], |row| row.get(0))
        .optional()?;
    read(&text.ok_or_else(|| StoreError::corrupt(format_args!("entry {seq} of the ledger is not there")))?)
}

/// Checks the chain, the signatures, and that each writer was allowed to write: all that is wrong, nothing where it
/// holds; and where it ends.
pub fn verify(db: &Connection) -> Result<(Head, Vec<String>)> {
    let (mut chain, mut trust, mut faults) = (Chain::default(), Trust::default(), Vec::new());
    let mut statement = db.prepare("SELECT seq, action, entry FROM ledger ORDER BY seq")?;
    let mut rows = statement.query([])?;
    loop {
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => break,
            Err(error) => {
                faults.push(StoreError::from(error).damage()?);
                break;
            }
        };
        let seq: i64 = row.get(0)?;
        let read = row.get(1).and_then(|action| Ok((action, row.get(2)?)));
        let (action, text): (String, String) = match read {
            Ok(read) => read,
            Err(error) => {
                faults.push(format!("row {seq} does not read: {error}"));
                break;
            }
        };
        let entry: Entry = match serde_json::from_str(&text) {
            Ok(entry) if canonical(&entry) == text => entry,
            Ok(_) => {
                faults.push(format!("row {seq} was changed: its text is not in canonical form"));
                break;
            }
            Err(error) => {
                faults.push(format!("row {seq} was changed: it is no entry ({error})"));
                break;
            }
        };
        if i64::try_from(entry.seq) != Ok(seq) || entry.action.as_str() != action {
            faults.push(format!("row {seq} was changed: its columns are not those of its entry"));
            break;
        }
        // After a break nothing that follows can be believed.
        if let Err(fault) = chain.follow(&entry) {
            faults.push(fault.to_string());
            break;
        }
        if let Err(breach) = trust.allows(&entry).and_then(|()| trust.follow(&entry)) {
            faults.push(breach.to_string());
        }
    }
    match head(db) {
        Ok(known) if faults.is_empty() && known != chain.head() => {
            let (last, seq) = (chain.head().seq, known.seq);
            faults.push(format!("the ledger ends with entry {last}, and entry {seq} was the last to be written: its end was cut off or changed"));
        }
        Ok(_) => {}
        Err(error) => faults.push(error.damage()?),
    }
    Ok((chain.head(), faults))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::schema::{Access, connect};
    use serde_json::json;

    const NOW: Millis = 1_795_000_000_000;

    fn pen(name: &str, seed: u8) -> Pen {
        Pen::new(name.parse().unwrap(), &[seed; 32])
    }

    fn named(pen: &Pen) -> Value {
        json!({"steward": pen.identity(), "key": pen.public_key()})
    }

    fn by(pen: Option<&Pen>, act: Act) -> Asked<'_> {
        Asked::once(pen, act, Matter::NOTHING)
    }

    #[test]
    fn only_whom_the_owner_trusts_is_entered() {
        let dir = tempfile::tempdir().unwrap();
        let db = connect(&dir.path().join("s.db"), Access::Write).unwrap();
        let (ana, ben) = (pen("steward://A/ana", 1), pen("steward://A/ben", 2));
        let enter = |asked: &Asked<'_>, action, payload| {
            enter(&db, asked, NOW, action, "x", payload).map_err(|e| e.kind).map(|_| ())
        };
        // Before there is an owner, what is done by hand is the system's; nothing else is done.
        assert_eq!(enter(&by(None, Act::Author), Action::Publish, json!({})), Ok(()));
        assert_eq!(enter(&by(None, Act::Judge), Action::Reject, json!({})), Err(Kind::Refused));
        assert_eq!(enter(&by(Some(&ana), Act::Author), Action::Publish, json!({})), Err(Kind::Refused));
        own(&db, &ana, NOW, named(&ana)).unwrap();
        assert_eq!(own(&db, &ben, NOW, named(&ben)).unwrap_err().kind, Kind::Refused);
        assert_eq!(enter(&by(None, Act::Author), Action::Publish, json!({})), Err(Kind::Refused));
        assert_eq!(enter(&by(Some(&ben), Act::Author), Action::Publish, json!({})), Err(Kind::Refused));
        assert_eq!(enter(&by(Some(&ana), Act::Delegate), Action::Trust, named(&ben)), Ok(()));
        assert_eq!(enter(&by(Some(&ben), Act::Author), Action::Publish, json!({"a": 1})), Ok(()));
        // Another key under the same name is another.
        let thief = pen("steward://A/ana", 3);
        assert_eq!(enter(&by(Some(&thief), Act::Author), Action::Publish, json!({})), Err(Kind::Refused));
        let (head, faults) = verify(&db).unwrap();
        assert_eq!((head.seq, faults.len()), (4, 0), "{faults:?}");
        assert!(db.execute("UPDATE ledger SET action = 'accept' WHERE seq = 1", []).is_err());
        assert!(db.execute("DELETE FROM ledger", []).is_err());
    }
}
