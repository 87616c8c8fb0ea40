//! Whether the ledger explains what is in the store: every published version, every activation, every label, and every
//! row about proposals has an entry that says the same of it, and nothing that an entry says is missing.
//!
//! An entry's payload says of a version (`published`), an activation (`activated`) or a label (`labelled`) what the row
//! says; whoever writes such rows puts it there with [`published`], [`activated`] and [`labelled`]. What was in a store
//! before it had a ledger is told by one entry of the system ([`anchor`]). Start with [`check`].

use rusqlite::{Connection, Row};
use serde_json::{Value, json};

use super::canary;
use super::fault::{Result, StoreError};
use super::ledger;
use crate::domain::call::Millis;
use crate::domain::prompt::{Place, PromptUri};
use crate::domain::prompt_file::PromptFile;
use crate::domain::proposal::ProposalId;
use crate::engine::seal::digest;
use crate::engine::told::{Body, Told, unversioned, word};

const VERSIONS: &str =
    "SELECT p.uri, v.version, v.published_at, v.actor, v.note, v.text, v.digest, v.task_type,
        v.description, v.model, v.auto_tune, v.consent, v.requires, v.extends,
        p.scope, p.org, p.user, p.key, p.last_segment
    FROM prompt_version v JOIN prompt p ON p.id = v.prompt";
const ACTIVATIONS: &str = "SELECT p.uri, a.version, a.at_ms, a.kind, a.actor, a.reason, a.id
    FROM prompt_activation a JOIN prompt p ON p.id = a.prompt";
const LABELS: &str = "SELECT p.uri, l.version, l.label, l.at_ms
    FROM prompt_label l JOIN prompt p ON p.id = l.prompt";

fn at(row: &Row<'_>) -> rusqlite::Result<String> {
    Ok(format!("{}@{}", row.get::<_, String>(0)?, row.get::<_, String>(1)?))
}

fn version_fact(row: &Row<'_>) -> rusqlite::Result<Value> {
    Ok(json!({
        "uri": at(row)?, "at": row.get::<_, i64>(2)?, "actor": row.get::<_, String>(3)?,
        "note": row.get::<_, Option<String>>(4)?, "digest": digest(row.get::<_, String>(5)?.as_bytes()),
    }))
}

fn activation_fact(row: &Row<'_>) -> rusqlite::Result<Value> {
    Ok(json!({
        "uri": at(row)?, "at": row.get::<_, i64>(2)?, "kind": row.get::<_, String>(3)?,
        "actor": row.get::<_, String>(4)?, "reason": row.get::<_, Option<String>>(5)?, "number": row.get::<_, i64>(6)?,
    }))
}

fn label_fact(row: &Row<'_>) -> rusqlite::Result<Value> {
    Ok(json!({"uri": at(row)?, "label": row.get::<_, String>(2)?, "at": row.get::<_, i64>(3)?}))
}

/// What an entry says of a version that its transaction has published: `{uri, at, actor, note, digest}`.
pub fn published(tx: &Connection, uri: &PromptUri) -> Result<Value> {
    let version = uri.version.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut statement = tx.prepare_cached(&format!("{VERSIONS} WHERE p.uri = ?1 AND v.version = ?2"))?;
    Ok(statement.query_row([uri.unversioned().to_string(), version], version_fact)?)
}

/// What an entry says of the activation that its transaction has appended to the prompt's: `{uri, at, kind, actor,
/// reason, number}`.
pub fn activated(tx: &Connection, uri: &PromptUri) -> Result<Value> {
    let mut statement = tx.prepare_cached(&format!(
        "{ACTIVATIONS} WHERE a.id = (SELECT max(id) FROM prompt_activation) AND p.uri = ?1"
    ))?;
    Ok(statement.query_row([uri.unversioned().to_string()], activation_fact)?)
}

/// What an entry says of a label that its transaction has set: `{uri, label, at}`.
pub fn labelled(tx: &Connection, uri: &PromptUri, label: &str) -> Result<Value> {
    let mut statement = tx.prepare_cached(&format!("{LABELS} WHERE p.uri = ?1 AND l.label = ?2"))?;
    Ok(statement.query_row([uri.unversioned().to_string(), label.to_owned()], label_fact)?)
}

fn facts(db: &Connection, sql: &str, fact: fn(&Row<'_>) -> rusqlite::Result<Value>) -> Result<Vec<Value>> {
    let mut statement = db.prepare(sql)?;
    let rows = statement.query_map([], fact)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn versions(db: &Connection) -> Result<Vec<Value>> {
    facts(db, VERSIONS, version_fact)
}

fn activations(db: &Connection) -> Result<Vec<Value>> {
    facts(db, &format!("{ACTIVATIONS} ORDER BY a.id"), activation_fact)
}

fn labels(db: &Connection) -> Result<Vec<Value>> {
    facts(db, LABELS, label_fact)
}

/// Hands the text of every published version to `each`, with its URI.
pub fn texts(db: &Connection, each: &mut dyn FnMut(String, String)) -> Result<()> {
    let mut statement = db.prepare(&format!("{VERSIONS} ORDER BY 1, 2"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        each(at(row)?, row.get(5)?);
    }
    Ok(())
}

/// Enters what is in a store that had no ledger: one entry of the system, with every version, activation and label.
pub fn anchor(tx: &Connection, now: Millis) -> Result<()> {
    let (versions, activations, labels) = (versions(tx)?, activations(tx)?, labels(tx)?);
    if versions.is_empty() {
        return Ok(());
    }
    let payload = json!({"found": {"published": versions, "activated": activations, "labelled": labels}});
    ledger::found(tx, now, payload)
}

/// All that the ledger does not explain, and all that does not read; nothing where it explains everything. That the ledger
/// itself holds is [`ledger::verify`]'s to say.
pub fn check(db: &Connection) -> Result<Vec<String>> {
    let mut told = Told::default();
    ledger::entries(db, 0, &mut |entry| {
        told.hear(&entry);
        true
    })?;
    let mut faults = std::mem::take(&mut told.faults);
    for check in
        [check_versions, check_activations, check_labels, check_bodies, check_standings, check_canaries]
    {
        if let Err(error) = check(db, &mut told, &mut faults) {
            faults.push(error.damage()?);
        }
    }
    Ok(faults)
}

/// Hands every row to `look`. One that does not read is a fault, and those after it are looked at all the same.
fn each_row(
    db: &Connection,
    sql: &str,
    faults: &mut Vec<String>,
    mut look: impl FnMut(&Row<'_>, &mut Vec<String>) -> Result<()>,
) -> Result<()> {
    let mut statement = db.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if let Err(error) = look(row, faults) {
            faults.push(error.damage()?);
        }
    }
    Ok(())
}

fn check_versions(db: &Connection, told: &mut Told, faults: &mut Vec<String>) -> Result<()> {
    each_row(db, VERSIONS, faults, |row, faults| {
        let (uri, fact) = (at(row)?, version_fact(row)?);
        match told.versions.remove(&uri) {
            None => faults.push(format!("{uri} is published, and no entry explains it")),
            Some((seq, said)) if said != fact => {
                faults.push(format!("{uri} was changed: entry {seq} says something else of it"));
            }
            Some(_) => {
                if let Some(column) = differs(row)? {
                    faults.push(format!("{uri} was changed: its {column} is not what its text says"));
                }
            }
        }
        Ok(())
    })?;
    let missing = told.versions.iter();
    faults.extend(missing.map(|(uri, (seq, _))| format!("entry {seq} publishes {uri}, which is not there")));
    Ok(())
}

/// The first column of a version that repeats its text, and does not.
fn differs(row: &Row<'_>) -> Result<Option<&'static str>> {
    let text: String = row.get(5)?;
    let Ok(file) = PromptFile::parse("store", text.as_bytes()) else { return Ok(Some("text")) };
    let (org, user) = match &file.uri.place {
        Place::Core => (None, None),
        Place::Org(org) => (Some(org), None),
        Place::User(org, user) => (Some(org), Some(user)),
    };
    let text = |at: usize| row.get::<_, Option<String>>(at);
    let name = |name: Option<&crate::domain::prompt::Name>| name.map(ToString::to_string);
    let columns = [
        ("identity", file.uri.to_string() == at(row)?),
        ("digest", text(6)? == Some(file.digest())),
        ("task type", text(7)?.as_ref() == Some(&file.task_type)),
        ("description", text(8)? == file.description),
        ("model", text(9)? == file.model),
        ("autoTune", row.get::<_, i64>(10)? == i64::from(file.auto_tune)),
        ("consent", row.get::<_, i64>(11)? == i64::from(file.consent)),
        ("requirements", text(12)? == Some(Value::from(file.requires.clone()).to_string())),
        ("base", text(13)? == file.extends.as_ref().map(ToString::to_string)),
        ("scope", text(14)?.as_deref() == Some(file.uri.scope().as_str())),
        ("organization", text(15)? == name(org)),
        ("user", text(16)? == name(user)),
        ("key", text(17)?.as_deref() == Some(file.uri.key.as_str())),
        ("last segment", text(18)?.as_deref() == Some(file.uri.key.last_segment())),
    ];
    Ok(columns.into_iter().find(|(_, same)| !same).map(|(column, _)| column))
}

fn check_activations(db: &Connection, told: &mut Told, faults: &mut Vec<String>) -> Result<()> {
    let found = activations(db)?;
    let count: i64 = db.query_row("SELECT count(*) FROM prompt_activation", [], |row| row.get(0))?;
    if found.len() as i64 != count {
        faults.push("an activation is of no prompt".into());
    }
    let mut said = told.activations.iter();
    for fact in &found {
        match said.next() {
            Some((_, said)) if said == fact => {}
            Some((seq, _)) => {
                let uri = word(fact, "uri");
                faults.push(format!("the activation of {uri} is not the one that entry {seq} tells of"));
                // What follows would be told of the wrong one.
                return Ok(());
            }
            None => faults.push(format!("{} became active, and no entry explains it", word(fact, "uri"))),
        }
    }
    faults.extend(said.map(|(seq, fact)| {
        format!("entry {seq} makes {} the active version, and no such activation is there", word(fact, "uri"))
    }));
    Ok(())
}

fn check_labels(db: &Connection, told: &mut Told, faults: &mut Vec<String>) -> Result<()> {
    for fact in labels(db)? {
        let (uri, label) = (word(&fact, "uri"), word(&fact, "label"));
        match told.labels.remove(&(unversioned(&uri).to_owned(), label.clone())) {
            Some((_, said)) if said == fact => {}
            Some((seq, _)) => {
                faults.push(format!(
                    "the label `{label}` of {uri} was changed: entry {seq} says something else"
                ));
            }
            None => faults.push(format!("{uri} has the label `{label}`, and no entry explains it")),
        }
    }
    let missing = told.labels.iter();
    faults.extend(missing.map(|((uri, label), (seq, _))| {
        format!("entry {seq} gives {uri} the label `{label}`, which is not there")
    }));
    Ok(())
}

/// Proposals, runs, outcomes and cases: each row has an entry of its own, which has the digest of its body and says the
/// same of it; no such entry is without its row. Rows are numbered without a gap.
fn check_bodies(db: &Connection, told: &mut Told, faults: &mut Vec<String>) -> Result<()> {
    for body in Body::ALL {
        let sql = match body {
            Body::Proposal => "SELECT id, body, entry, NULL, id FROM proposal ORDER BY id",
            Body::Run => "SELECT id, body, entry, at, id FROM agent_run ORDER BY id",
            Body::Outcome => "SELECT id, body, entry, at, proposal FROM proposal_outcome ORDER BY id",
            Body::Cases => "SELECT id, body, entry, NULL, 0 FROM prompt_cases ORDER BY id",
        };
        let (what, mut number, mut last) = (body.as_str(), 0, 0);
        each_row(db, sql, faults, |row, faults| {
            number += 1;
            let (id, seq, of): (i64, i64, i64) = (row.get(0)?, row.get(2)?, row.get(4)?);
            if id != number || seq <= last {
                faults.push(format!("{what} {id} is not in its place: one is missing, or moved"));
            }
            (number, last) = (id, seq);
            let Some(said) = told.bodies.remove(&(body, seq as u64)) else {
                faults.push(format!("{what} {id} rests on entry {seq}, which does not tell of it"));
                return Ok(());
            };
            let is = digest(row.get::<_, String>(1)?.as_bytes());
            let of = match body {
                Body::Proposal | Body::Outcome => json!(ProposalId(of as u64)),
                Body::Run => json!(of),
                // Their number is in their body.
                Body::Cases => said.of.clone(),
            };
            let at: Option<Millis> = row.get(3)?;
            if said.digest != is || said.of != of || at.is_some() && said.at != at {
                faults.push(format!("{what} {id} was changed: entry {seq} says something else of it"));
            }
            Ok(())
        })?;
    }
    let missing = told.bodies.keys();
    faults.extend(
        missing.map(|(body, seq)| format!("entry {seq} tells of a {} that is not there", body.as_str())),
    );
    each_row(db, "SELECT id, prompt, cause, body FROM proposal ORDER BY id", faults, |row, faults| {
        let (id, prompt, cause): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let body: Value = serde_json::from_str(&row.get::<_, String>(3)?).map_err(StoreError::corrupt)?;
        let same = word(&body, "promptUri") == prompt && word(&body["evidence"], "cause") == cause;
        if !same || body["id"] != json!(ProposalId(id as u64)) {
            faults.push(format!("proposal {id} was changed: its columns are not what its body says"));
        }
        Ok(())
    })?;
    each_row(db, "SELECT id, prompt, body FROM prompt_cases ORDER BY id", faults, |row, faults| {
        let (id, prompt): (i64, String) = (row.get(0)?, row.get(1)?);
        let body: Value = serde_json::from_str(&row.get::<_, String>(2)?).map_err(StoreError::corrupt)?;
        if word(&body, "promptUri") != prompt || body["number"] != id {
            faults.push(format!("set of cases {id} was changed: its columns are not what its body says"));
        }
        Ok(())
    })
}

/// What became of proposals: one row for each entry that decides on one, in the order of the entries, and no other.
fn check_standings(db: &Connection, told: &mut Told, faults: &mut Vec<String>) -> Result<()> {
    let (mut number, mut last) = (0, 0);
    let sql = "SELECT id, proposal, standing, until, version, entry FROM proposal_standing ORDER BY id";
    each_row(db, sql, faults, |row, faults| {
        let (id, proposal, seq): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(5)?);
        number += 1;
        if id != number || seq < last {
            faults.push(format!(
                "step {id} of proposal {proposal} is not in its place: one is missing, or moved"
            ));
        }
        (number, last) = (id, seq);
        let standing: String = row.get(2)?;
        let (until, version): (Option<Millis>, Option<String>) = (row.get(3)?, row.get(4)?);
        let said = told.steps.remove(&(proposal as u64, seq as u64));
        let explained = said.is_some_and(|said| {
            said.standing.as_str() == standing && said.until == until && said.version == version
        });
        if !explained {
            faults.push(format!(
                "proposal {proposal} is said to be {standing}, which entry {seq} does not explain"
            ));
        }
        Ok(())
    })?;
    faults.extend(told.steps.iter().map(|((proposal, seq), step)| {
        format!("entry {seq} makes proposal {proposal} {}, and no such step is there", step.standing.as_str())
    }));
    Ok(())
}

fn check_canaries(db: &Connection, told: &mut Told, faults: &mut Vec<String>) -> Result<()> {
    let (begins, ends) = &told.canaries;
    canary::check(db, begins, ends, faults)
}

#[cfg(test)]
#[path = "explain_tests.rs"]
mod tests;
