//! The cases of prompts: whole sets, appended only; the newest of a prompt counts. Each has the ledger entry that vouches
//! for it.
//!
//! Start with [`latest`]; what is kept is kept by `store::authored`.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

use super::fault::{Result, StoreError};
use super::proposals::next_id;
use crate::domain::cases::Case;
use crate::domain::prompt::PromptUri;
use crate::engine::seal::canonical;

/// The tables of this file.
pub const SCHEMA: &str = "
CREATE TABLE prompt_cases (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    prompt TEXT NOT NULL,                         -- without version
    body   TEXT NOT NULL,                         -- canonical JSON of the set
    entry  INTEGER NOT NULL REFERENCES ledger (seq)
) STRICT;
CREATE INDEX prompt_cases_of ON prompt_cases (prompt, id);
CREATE TRIGGER prompt_cases_stay BEFORE UPDATE ON prompt_cases
BEGIN SELECT RAISE (ABORT, 'cases are appended only'); END;
CREATE TRIGGER prompt_cases_kept BEFORE DELETE ON prompt_cases
BEGIN SELECT RAISE (ABORT, 'cases are appended only'); END;
";

/// The cases of a prompt, as they were published together. The number makes each set's digest its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CaseSet {
    /// Its number in the store.
    pub number: u64,
    /// The prompt, without version.
    pub prompt_uri: PromptUri,
    /// The cases in the order of the file.
    pub cases: Vec<Case>,
}

/// The newest set of a prompt.
pub fn latest(db: &Connection, prompt: &PromptUri) -> Result<Option<CaseSet>> {
    let body: Option<String> = db
        .prepare_cached("SELECT body FROM prompt_cases WHERE prompt = ? ORDER BY id DESC LIMIT 1")?
        .query_row([prompt.unversioned().to_string()], |row| row.get(0))
        .optional()?;
    body.map(|body| serde_json::from_str(&body).map_err(StoreError::corrupt)).transpose()
}

/// The set that is to be the newest of a prompt, with its canonical JSON; nothing where the newest says the same.
pub(super) fn next(db: &Connection, prompt: &PromptUri, cases: &[Case]) -> Result<Option<(CaseSet, String)>> {
    let before = latest(db, prompt)?.map(|set| set.cases).unwrap_or_default();
    if before == cases {
        return Ok(None);
    }
    let set = CaseSet {
        number: next_id(db, "prompt_cases")?,
        prompt_uri: prompt.unversioned(),
        cases: cases.to_vec(),
    };
    let body = canonical(&set);
    Ok(Some((set, body)))
}

/// Adds a set, whose `body` is its canonical JSON.
pub(super) fn insert(db: &Connection, set: &CaseSet, body: &str, entry: u64) -> Result<()> {
    db.prepare_cached("INSERT INTO prompt_cases (id, prompt, body, entry) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![set.number as i64, set.prompt_uri.to_string(), body, entry as i64])?;
    Ok(())
}
