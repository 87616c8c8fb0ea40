//! Prompts and their versions: published once and never changed, activated by appended rows, so that "which version was
//! active then" has one answer. Functions over a connection; decides nothing about who may do what.
//!
//! One function per write, each to be called inside a write transaction (`tx`), the store's writer's or the caller's:
//! [`publish`], [`activate`], [`rollback`], [`set_label`].

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use semver::Version;
use serde::Serialize;

use crate::domain::call::Millis;
use crate::domain::prompt::{Name, Place, PromptUri};
use crate::domain::prompt_file::{PromptFile, PromptFileError};
use crate::engine::bump::{self, Change};
use crate::store::prompt_error::PromptStoreError;

/// The tables of this file. What was published or activated is neither updated nor deleted; triggers refuse it.
pub const SCHEMA: &str = "
CREATE TABLE prompt (
    id           INTEGER PRIMARY KEY,
    uri          TEXT NOT NULL UNIQUE,            -- without version
    scope        TEXT NOT NULL,
    org          TEXT,
    user         TEXT,
    key          TEXT NOT NULL,
    last_segment TEXT NOT NULL,
    created_at   INTEGER NOT NULL                 -- ms since 1970
) STRICT;
CREATE INDEX prompt_by_key ON prompt (key);
CREATE INDEX prompt_by_last_segment ON prompt (last_segment);
CREATE INDEX prompt_by_user ON prompt (user, org) WHERE user IS NOT NULL;

CREATE TABLE prompt_version (
    prompt       INTEGER NOT NULL REFERENCES prompt (id),
    version      TEXT NOT NULL,                   -- SemVer 2
    published_at INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    digest       TEXT NOT NULL,                   -- SHA-256 of the canonical text, hex
    text         TEXT NOT NULL,                   -- the whole file
    note         TEXT,
    task_type    TEXT NOT NULL,
    description  TEXT,
    model        TEXT,
    auto_tune    INTEGER NOT NULL,
    consent      INTEGER NOT NULL,
    requires     TEXT NOT NULL,                   -- JSON array
    extends      TEXT,
    PRIMARY KEY (prompt, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE prompt_activation (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    prompt  INTEGER NOT NULL,
    version TEXT NOT NULL,
    at_ms   INTEGER NOT NULL,
    kind    TEXT NOT NULL CHECK (kind IN ('publish', 'activate', 'rollback')),
    actor   TEXT NOT NULL,
    reason  TEXT,
    FOREIGN KEY (prompt, version) REFERENCES prompt_version (prompt, version)
) STRICT;
CREATE INDEX prompt_activation_by_time ON prompt_activation (prompt, at_ms, id);

CREATE TABLE prompt_label (
    prompt  INTEGER NOT NULL,
    label   TEXT NOT NULL,
    version TEXT NOT NULL,
    at_ms   INTEGER NOT NULL,
    PRIMARY KEY (prompt, label),
    FOREIGN KEY (prompt, version) REFERENCES prompt_version (prompt, version)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER prompt_version_stays BEFORE UPDATE ON prompt_version
BEGIN SELECT RAISE (ABORT, 'a published version is immutable'); END;
CREATE TRIGGER prompt_version_kept BEFORE DELETE ON prompt_version
BEGIN SELECT RAISE (ABORT, 'a published version is kept'); END;
CREATE TRIGGER prompt_activation_stays BEFORE UPDATE ON prompt_activation
BEGIN SELECT RAISE (ABORT, 'activations are appended only'); END;
CREATE TRIGGER prompt_activation_kept BEFORE DELETE ON prompt_activation
BEGIN SELECT RAISE (ABORT, 'activations are appended only'); END;
";

type Result<T> = std::result::Result<T, PromptStoreError>;

/// Who writes, when and why.
#[derive(Debug, Clone, Copy)]
pub struct Deed<'a> {
    /// When.
    pub at: Millis,
    /// Who: a steward, an agent, or the person at this machine.
    pub actor: &'a str,
    /// Why, for the history.
    pub reason: Option<&'a str>,
}

/// What becomes of a published version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// It becomes the active one.
    Now,
    /// It is published only.
    No,
    /// It was active from the deed's time on, which may lie before what is recorded already.
    AsOfThen,
}

/// What a publication did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The prompt with its version.
    pub uri: PromptUri,
    /// What differs from the highest version before; `None` for a first version. `Change::None`: nothing was written.
    pub change: Option<Change>,
    /// The version active before, where there was one.
    pub previous: Option<Version>,
    /// Whether this version is the active one now.
    pub active: bool,
}

/// Publishes a file. Without a version of its own it gets the next one by the rule of `engine::bump`; the same text
/// under the same version again writes nothing.
pub fn publish(
    tx: &Connection,
    file: &PromptFile,
    activation: Activation,
    deed: Deed<'_>,
) -> Result<Publication> {
    let uri = file.uri.unversioned();
    let known = versions(tx, &uri)?;
    let latest = known.first().map(|version| get(tx, &uri, version)).transpose()?;
    let previous = active(tx, &uri)?;
    let unchanged = |version: Version| Publication {
        active: previous.as_ref() == Some(&version),
        uri: uri.at(version),
        change: Some(Change::None),
        previous: previous.clone(),
    };
    let change = latest.as_ref().map(|latest| Change::between(latest, file));
    let next = match (change, known.first()) {
        (Some(change), Some(highest)) => change.next(highest),
        _ => bump::FIRST,
    };
    let version = match &file.uri.version {
        Some(version) if known.contains(version) => {
            if get(tx, &uri, version)?.digest() == file.digest() {
                return Ok(unchanged(version.clone()));
            }
            return Err(PromptStoreError::VersionTaken { uri: Box::new(file.uri.clone()), next });
        }
        Some(version) => version.clone(),
        None => match (change, known.first()) {
            (Some(Change::None), Some(latest)) => return Ok(unchanged(latest.clone())),
            _ => next,
        },
    };
    let file = file
        .with_version(&version)
        .map_err(|fault| PromptStoreError::Unwritable { uri: Box::new(file.uri.clone()), fault })?;
    insert(tx, &file, &version, deed)?;
    match activation {
        Activation::No => {}
        Activation::Now => append(tx, &uri, &version, "publish", deed)?,
        Activation::AsOfThen => append_at(tx, &uri, &version, "publish", deed)?,
    }
    let active = active(tx, &uri)?.as_ref() == Some(&version);
    // A version that differs from its predecessor in number alone is still a publication.
    let change = change.map(|change| if change == Change::None { Change::Metadata } else { change });
    Ok(Publication { uri: uri.at(version), change, previous, active })
}

fn insert(tx: &Connection, file: &PromptFile, version: &Version, deed: Deed<'_>) -> Result<()> {
    let uri = file.uri.unversioned();
    let user = match &uri.place {
        Place::User(_, user) => Some(user.as_str()),
        _ => None,
    };
    tx.prepare_cached(
        "INSERT INTO prompt (uri, scope, org, user, key, last_segment, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (uri) DO NOTHING",
    )?
    .execute(params![
        uri.to_string(),
        uri.scope().as_str(),
        uri.place.org().map(Name::as_str),
        user,
        uri.key.as_str(),
        uri.key.last_segment(),
        deed.at,
    ])?;
    tx.prepare_cached(
        "INSERT INTO prompt_version (prompt, version, published_at, actor, digest, text, note, task_type, description,
                                     model, auto_tune, consent, requires, extends)
         SELECT id, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14 FROM prompt WHERE uri = ?1",
    )?
    .execute(params![
        uri.to_string(),
        version.to_string(),
        deed.at,
        deed.actor,
        file.digest(),
        file.text(),
        deed.reason,
        file.task_type,
        file.description,
        file.model,
        file.auto_tune,
        file.consent,
        serde_json::Value::from(file.requires.clone()).to_string(),
        file.extends.as_ref().map(ToString::to_string),
    ])?;
    Ok(())
}

/// Makes a published version the active one; says which was before. Activating the active version writes nothing.
pub fn activate(
    tx: &Connection,
    uri: &PromptUri,
    version: &Version,
    deed: Deed<'_>,
) -> Result<Option<Version>> {
    get(tx, uri, version)?;
    let before = active(tx, uri)?;
    if before.as_ref() != Some(version) {
        append(tx, uri, version, "activate", deed)?;
    }
    Ok(before)
}

/// What a rollback did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollback {
    /// The version left.
    pub from: Version,
    /// The version that is active again.
    pub to: Version,
}

/// Goes back to `to`, or to the version that was active before the active one. Undo is a new row.
pub fn rollback(tx: &Connection, uri: &PromptUri, to: Option<&Version>, deed: Deed<'_>) -> Result<Rollback> {
    let uri = &uri.unversioned();
    let known = versions(tx, uri)?;
    let from = active(tx, uri)?.ok_or_else(|| PromptStoreError::NotActive { uri: Box::new(uri.clone()) })?;
    let to = match to {
        Some(to) => {
            get(tx, uri, to)?;
            to.clone()
        }
        None => before_active(&activations(tx, uri)?)
            .ok_or_else(|| PromptStoreError::NothingBefore { uri: Box::new(uri.clone()), known })?,
    };
    if from != to {
        append(tx, uri, &to, "rollback", deed)?;
    }
    Ok(Rollback { from, to })
}

/// The version below the active one. Rolling back twice goes back twice: a rollback takes what it left off the stack.
fn before_active(rows: &[ActivationRow]) -> Option<Version> {
    let mut stack: Vec<&Version> = Vec::new();
    for row in rows {
        if row.kind == "rollback"
            && let Some(at) = stack.iter().rposition(|version| **version == row.version)
        {
            stack.truncate(at + 1);
        } else if stack.last() != Some(&&row.version) {
            stack.push(&row.version);
        }
    }
    stack.len().checked_sub(2).map(|i| stack[i].clone())
}

/// Appends an activation that takes effect: not before what is recorded, whatever the clock says.
fn append(tx: &Connection, uri: &PromptUri, version: &Version, kind: &str, deed: Deed<'_>) -> Result<()> {
    let last: Option<Millis> = tx
        .prepare_cached(
            "SELECT max(at_ms) FROM prompt_activation WHERE prompt = (SELECT id FROM prompt WHERE uri = ?1)",
        )?
        .query_row([uri.to_string()], |row| row.get(0))?;
    let at = last.map_or(deed.at, |last| deed.at.max(last));
    append_at(tx, uri, version, kind, Deed { at, ..deed })
}

fn append_at(tx: &Connection, uri: &PromptUri, version: &Version, kind: &str, deed: Deed<'_>) -> Result<()> {
    tx.prepare_cached(
        "INSERT INTO prompt_activation (prompt, version, at_ms, kind, actor, reason)
         SELECT id, ?2, ?3, ?4, ?5, ?6 FROM prompt WHERE uri = ?1",
    )?
    .execute(params![uri.to_string(), version.to_string(), deed.at, kind, deed.actor, deed.reason])?;
    Ok(())
}

/// Points a label at a published version, moving it where it stood elsewhere.
pub fn set_label(tx: &Connection, uri: &PromptUri, version: &Version, label: &str, at: Millis) -> Result<()> {
    let refuse = |why| PromptStoreError::Label { label: label.to_owned(), why };
    if label == "active" {
        return Err(refuse("`active` is set by activating a version"));
    }
    let fits = label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !fits || !label.starts_with(|c: char| c.is_ascii_lowercase()) || label.len() > 64 {
        return Err(refuse("a label begins with a-z and holds a-z, 0-9 and `-`, at most 64"));
    }
    get(tx, uri, version)?;
    tx.prepare_cached(
        "INSERT INTO prompt_label (prompt, label, version, at_ms) SELECT id, ?2, ?3, ?4 FROM prompt WHERE uri = ?1
         ON CONFLICT (prompt, label) DO UPDATE SET version = excluded.version, at_ms = excluded.at_ms",
    )?
    .execute(params![uri.unversioned().to_string(), label, version.to_string(), at])?;
    Ok(())
}

/// The labels of a prompt and the versions that they point at.
pub fn labels(conn: &Connection, uri: &PromptUri) -> Result<Vec<(String, Version)>> {
    let mut statement = conn.prepare_cached(
        "SELECT label, version FROM prompt_label JOIN prompt ON prompt.id = prompt WHERE uri = ?1 ORDER BY label",
    )?;
    let rows =
        statement.query_map([uri.unversioned().to_string()], |row| Ok((row.get(0)?, version_in(row, 1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The published versions of a prompt, the highest first; none where the prompt is not known.
pub fn versions(conn: &Connection, uri: &PromptUri) -> Result<Vec<Version>> {
    let mut statement = conn.prepare_cached(
        "SELECT version FROM prompt_version JOIN prompt ON prompt.id = prompt WHERE uri = ?1",
    )?;
    let rows = statement.query_map([uri.unversioned().to_string()], |row| version_in(row, 0))?;
    let mut versions = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    versions.sort_unstable_by(|a, b| b.cmp(a));
    Ok(versions)
}

/// The version active now: the one activated last.
pub fn active(conn: &Connection, uri: &PromptUri) -> Result<Option<Version>> {
    active_at(conn, uri, Millis::MAX)
}

/// The version that was active at a time.
pub fn active_at(conn: &Connection, uri: &PromptUri, at: Millis) -> Result<Option<Version>> {
    let mut statement = conn.prepare_cached(
        "SELECT version FROM prompt_activation WHERE prompt = (SELECT id FROM prompt WHERE uri = ?1) AND at_ms <= ?2
         ORDER BY at_ms DESC, id DESC LIMIT 1",
    )?;
    Ok(statement
        .query_row(params![uri.unversioned().to_string(), at], |row| version_in(row, 0))
        .optional()?)
}

/// A published version as a file.
pub fn get(conn: &Connection, uri: &PromptUri, version: &Version) -> Result<PromptFile> {
    let mut statement = conn.prepare_cached(
        "SELECT text FROM prompt_version WHERE prompt = (SELECT id FROM prompt WHERE uri = ?1) AND version = ?2",
    )?;
    let text: Option<String> = statement
        .query_row(params![uri.unversioned().to_string(), version.to_string()], |row| row.get(0))
        .optional()?;
    match text {
        Some(text) => read(&uri.at(version.clone()), &text),
        None => Err(PromptStoreError::UnknownVersion {
            uri: Box::new(uri.unversioned()),
            version: version.to_string(),
            known: versions(conn, uri)?,
        }),
    }
}

/// SHA-256 of a published version's canonical text, hex.
pub fn version_digest(conn: &Connection, uri: &PromptUri) -> Result<String> {
    let version = uri.version.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut statement = conn.prepare_cached(
        "SELECT digest FROM prompt_version WHERE prompt = (SELECT id FROM prompt WHERE uri = ?1) AND version = ?2",
    )?;
    Ok(statement.query_row([uri.unversioned().to_string(), version], |row| row.get(0))?)
}

fn read(uri: &PromptUri, text: &str) -> Result<PromptFile> {
    let damaged = |why: String| PromptStoreError::Damaged { uri: uri.to_string(), why };
    let file =
        PromptFile::parse("store", text.as_bytes()).map_err(|e: PromptFileError| damaged(e.to_string()))?;
    if file.uri != *uri {
        return Err(damaged(format!("its text says {}", file.uri)));
    }
    Ok(file)
}

/// One version in a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionRow {
    /// The version.
    pub version: Version,
    /// When it was published.
    pub published_at: Millis,
    /// By whom.
    pub actor: String,
    /// SHA-256 of its canonical text.
    pub digest: String,
    /// What was said about it when it was published.
    pub note: Option<String>,
}

/// One activation in a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActivationRow {
    /// The version that became active.
    pub version: Version,
    /// When.
    pub at: Millis,
    /// `publish`, `activate` or `rollback`.
    pub kind: String,
    /// By whom.
    pub actor: String,
    /// Why.
    pub reason: Option<String>,
}

/// The versions of a prompt, the one published last first.
pub fn version_rows(conn: &Connection, uri: &PromptUri) -> Result<Vec<VersionRow>> {
    let mut statement = conn.prepare_cached(
        "SELECT version, published_at, actor, digest, note FROM prompt_version JOIN prompt ON prompt.id = prompt
         WHERE uri = ?1",
    )?;
    let rows = statement.query_map([uri.unversioned().to_string()], |row| {
        Ok(VersionRow {
            version: version_in(row, 0)?,
            published_at: row.get(1)?,
            actor: row.get(2)?,
            digest: row.get(3)?,
            note: row.get(4)?,
        })
    })?;
    let mut rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    rows.sort_by(|a, b| (b.published_at, &b.version).cmp(&(a.published_at, &a.version)));
    Ok(rows)
}

/// The activations of a prompt in the order in which they took effect.
pub fn activations(conn: &Connection, uri: &PromptUri) -> Result<Vec<ActivationRow>> {
    let mut statement = conn.prepare_cached(
        "SELECT version, at_ms, kind, actor, reason FROM prompt_activation
         WHERE prompt = (SELECT id FROM prompt WHERE uri = ?1) ORDER BY at_ms, id",
    )?;
    let rows = statement.query_map([uri.unversioned().to_string()], |row| {
        Ok(ActivationRow {
            version: version_in(row, 0)?,
            at: row.get(1)?,
            kind: row.get(2)?,
            actor: row.get(3)?,
            reason: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn version_in(row: &Row<'_>, column: usize) -> rusqlite::Result<Version> {
    let text: String = row.get(column)?;
    Version::parse(&text).map_err(|e| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(e))
    })
}

#[cfg(test)]
#[path = "prompts_tests.rs"]
mod tests;
