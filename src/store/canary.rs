//! Canaries: new versions that a share of the sessions is served before all are. A canary begins with the acceptance of
//! its proposal, and ends once: promoted or stopped, each with the ledger entry that says why.
//!
//! Who is served what: [`served`]. Canaries are begun and ended by [`super::decide`], [`super::guard`] and
//! `store::authored`.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use semver::Version;
use serde::Serialize;
use serde_json::{Value, json};

use super::fault::{Result, StoreError};
use super::ledger;
use crate::domain::call::Millis;
use crate::domain::prompt::PromptUri;
use crate::domain::proposal::ProposalId;
use crate::domain::window::instant;
use crate::engine::canary::chosen;
use crate::engine::told::word;

/// How a canary ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum End {
    /// It became the active version.
    Promote,
    /// Nobody is served it any more.
    Stop,
}

impl End {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            End::Promote => "promote",
            End::Stop => "stop",
        }
    }
}

/// A canary.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Canary {
    /// Its number.
    pub number: u64,
    /// The proposal that it comes from.
    pub proposal: ProposalId,
    /// The prompt with the version that is tried; what it stands beside is the active one.
    pub uri: PromptUri,
    /// The share of the sessions that it is served to, within (0, 1).
    pub share: f64,
    /// The entry that began it.
    pub entry: u64,
    /// When that was, ms.
    pub since: Millis,
    /// How it ended, and when, ms.
    pub ended: Option<(End, Millis)>,
    /// What decides, with the session, who is served it: the hash of its entry.
    #[serde(skip)]
    salt: String,
}

impl Canary {
    /// Whether it is still served.
    pub fn is_running(&self) -> bool {
        self.ended.is_none()
    }

    /// Whether a session is served it.
    pub fn is_for(&self, session: &str) -> bool {
        self.is_running() && chosen(session, &self.uri, self.share, &self.salt)
    }
}

/// What the entry that begins a canary says of it.
pub fn fact(number: u64, proposal: ProposalId, uri: &PromptUri, share: f64) -> Value {
    json!({"number": number, "proposal": proposal, "uri": uri, "share": share})
}

const SELECT: &str =
    "SELECT c.id, c.proposal, c.prompt, c.version, c.share, c.entry, e.how, e.entry FROM canary c
    LEFT JOIN canary_end e ON e.canary = c.id";

/// The canary of a prompt that runs. There is at most one.
pub fn running(db: &Connection, prompt: &PromptUri) -> Result<Option<Canary>> {
    let sql = format!("{SELECT} WHERE c.prompt = ? AND e.canary IS NULL ORDER BY c.id DESC LIMIT 1");
    one(db, &sql, params![prompt.unversioned().to_string()])
}

/// The canary of a proposal, running or ended.
pub fn of(db: &Connection, proposal: ProposalId) -> Result<Option<Canary>> {
    one(db, &format!("{SELECT} WHERE c.proposal = ? ORDER BY c.id DESC LIMIT 1"), params![proposal.0 as i64])
}

/// The version of a prompt that a session is served in place of the active one, where there is one.
pub fn served(db: &Connection, prompt: &PromptUri, session: &str) -> Result<Option<Version>> {
    Ok(running(db, prompt)?.filter(|canary| canary.is_for(session)).and_then(|canary| canary.uri.version))
}

fn one(db: &Connection, sql: &str, given: &[&dyn rusqlite::ToSql]) -> Result<Option<Canary>> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(given)?;
    rows.next()?.map(|row| read(db, row)).transpose()
}

fn read(db: &Connection, row: &Row<'_>) -> Result<Canary> {
    let uri = format!("{}@{}", row.get::<_, String>(2)?, row.get::<_, String>(3)?);
    let number = row.get::<_, i64>(5)? as u64;
    let at = |seq| {
        let entry = ledger::entry(db, seq)?;
        Ok::<_, StoreError>((instant(&entry.at).map_err(StoreError::corrupt)?, entry.hash.to_string()))
    };
    let (since, salt) = at(number)?;
    let how: Option<String> = row.get(6)?;
    let ended = match (how.as_deref(), row.get::<_, Option<i64>>(7)?) {
        (Some(how), Some(seq)) => {
            Some((if how == "promote" { End::Promote } else { End::Stop }, at(seq as u64)?.0))
        }
        _ => None,
    };
    Ok(Canary {
        number: row.get::<_, i64>(0)? as u64,
        proposal: ProposalId(row.get::<_, i64>(1)? as u64),
        uri: uri.parse().map_err(StoreError::corrupt)?,
        share: row.get(4)?,
        entry: number,
        since,
        ended,
        salt,
    })
}

/// The number that the next canary gets, inside a write transaction.
pub(super) fn next(db: &Connection) -> Result<u64> {
    let last: Option<i64> = db
        .prepare_cached("SELECT max(id) FROM canary")?
        .query_row([], |row| row.get(0))
        .optional()?
        .flatten();
    Ok(last.unwrap_or(0) as u64 + 1)
}

/// Adds a canary.
pub(super) fn begin(
    db: &Connection,
    number: u64,
    proposal: ProposalId,
    uri: &PromptUri,
    share: f64,
    entry: u64,
) -> Result<()> {
    let version = uri.version.as_ref().map(ToString::to_string);
    db.prepare_cached(
        "INSERT INTO canary (id, proposal, prompt, version, share, entry) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        number as i64,
        proposal.0 as i64,
        uri.unversioned().to_string(),
        version,
        share,
        entry as i64
    ])?;
    Ok(())
}

/// Adds the end of a canary.
pub(super) fn end(db: &Connection, number: u64, how: End, entry: u64) -> Result<()> {
    db.prepare_cached("INSERT INTO canary_end (canary, how, entry) VALUES (?1, ?2, ?3)")?
        .execute(params![number as i64, how.as_str(), entry as i64])?;
    Ok(())
}

/// What is in the tables of canaries and is not what their entries say, or the other way round. `ends` and `begins`:
/// the entries that say so.
pub(super) fn check(db: &Connection, begins: &[u64], ends: &[u64], faults: &mut Vec<String>) -> Result<()> {
    let mut told: Vec<u64> = Vec::new();
    let mut statement = db.prepare(&format!("{SELECT} ORDER BY c.id"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (id, seq): (i64, i64) = (row.get(0)?, row.get(5)?);
        let (Ok(canary), Ok(entry)) = (read(db, row), ledger::entry(db, seq as u64)) else {
            faults.push(format!("canary {id} does not read"));
            continue;
        };
        let said = fact(canary.number, canary.proposal, &canary.uri, canary.share);
        // It is the prompt's that the proposal is about: a grant is for some.
        let same = word(&entry.payload, "prompt") == canary.uri.unversioned().to_string()
            && entry.payload.get("canary") == Some(&said);
        if !begins.contains(&entry.seq) || !same {
            faults.push(format!("canary {id} was changed: entry {seq} does not tell of it as it is"));
        }
        told.push(entry.seq);
        let (how, last): (Option<String>, Option<i64>) = (row.get(6)?, row.get(7)?);
        if let (Some(how), Some(last)) = (how, last.map(|seq| seq as u64)) {
            let same = ledger::entry(db, last).is_ok_and(|entry| {
                entry.action.as_str() == how && entry.payload.get("canary") == Some(&json!(id))
            });
            if !ends.contains(&last) || !same {
                faults
                    .push(format!("the end of canary {id} rests on entry {last}, which does not tell of it"));
            }
            told.push(last);
        }
    }
    let mut statement =
        db.prepare("SELECT canary FROM canary_end WHERE canary NOT IN (SELECT id FROM canary) ORDER BY 1")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        faults.push(format!("canary {} ended, and is not there", row.get::<_, i64>(0)?));
    }
    let missing = begins.iter().chain(ends).filter(|seq| !told.contains(seq));
    faults.extend(missing.map(|seq| format!("entry {seq} tells of a canary that is not there")));
    Ok(())
}
