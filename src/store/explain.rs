//! Whether the ledger explains what is in the store: every published version, every activation, every label, and every
//! row about proposals has an entry that says the same of it, and nothing that an entry says is missing.
//!
//! An entry's payload says of a version (`published`), an activation (`activated`) or a label (`labelled`) what the row
//! says; whoever writes such rows puts it there with [`published`], [`activated`] and [`labelled`]. What was in a store
//! before it had a ledger is told by one entry of the system ([`anchor`]). Start with [`check`].

use std::collections::BTreeMap;

use rusqlite::{Connection, Row};
use serde_json::{Value, json};

use super::canary;
use super::fault::{Result, StoreError};
use super::ledger;
use crate::domain::call::Millis;
use crate::domain::identity::{Digest, Identity};
use crate::domain::ledger::{Action, Entry};
use crate::domain::prompt::{Place, PromptUri};
use crate::domain::prompt_file::PromptFile;
use crate::engine::seal::digest;

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

/// What the entries say, taken together.
#[derive(Default)]
struct Told {
    /// By `uri@version`.
    versions: BTreeMap<String, (u64, Value)>,
    activations: Vec<(u64, Value)>,
    /// By `uri` and label; the last word counts.
    labels: BTreeMap<(String, String), (u64, Value)>,
    /// By entry: what was done, and the digests of rows about proposals and cases; zeros where one does not read.
    deeds: BTreeMap<u64, (Action, [Option<Digest>; 4])>,
    faults: Vec<String>,
}

fn word(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

fn unversioned(uri: &str) -> &str {
    uri.split_once('@').map_or(uri, |(uri, _)| uri)
}

impl Told {
    fn hear(&mut self, entry: Entry) {
        let Entry { seq, action, payload, actor, .. } = entry;
        // What was there before stands in the first entry alone, and an entry tells only of what its action writes:
        // anybody may have a run recorded.
        let found = if seq == 1 { &payload["found"] } else { &Value::Null };
        let each = |key: &str, tellers: &[Action]| {
            let many = found[key].as_array().into_iter().flatten();
            let one = payload.get(key).filter(|_| tellers.contains(&action));
            many.chain(one).cloned().collect::<Vec<Value>>()
        };
        let (versions, activations) = (each("published", PUBLISHES), each("activated", ACTIVATES));
        if matches!(actor, Identity::Agent(..)) {
            let all = versions.iter().chain(&activations).map(|fact| word(fact, "uri"));
            let core = all.filter(|uri| uri.starts_with("prompt://core/"));
            self.faults
                .extend(core.map(|uri| format!("entry {seq} changes {uri} without a steward's signature")));
        }
        for fact in versions {
            let uri = word(&fact, "uri");
            if let Some((earlier, _)) = self.versions.insert(uri.clone(), (seq, fact)) {
                self.faults.push(format!("entries {earlier} and {seq} both publish {uri}"));
            }
        }
        self.activations.extend(activations.into_iter().map(|fact| (seq, fact)));
        for fact in each("labelled", &[Action::Label]) {
            let key = (unversioned(&word(&fact, "uri")).to_owned(), word(&fact, "label"));
            self.labels.insert(key, (seq, fact));
        }
        let read = |said: &Value| said.as_str().and_then(|text| text.parse().ok()).unwrap_or(Digest::ZERO);
        let digests = DIGESTS.map(|key| payload.get(key).map(read));
        self.deeds.insert(seq, (action, digests));
    }
}

/// Actions that may publish a version.
const PUBLISHES: &[Action] = &[Action::Publish, Action::Accept, Action::AutoApply, Action::Canary];
/// Actions that may make a version the active one.
const ACTIVATES: &[Action] = &[
    Action::Publish,
    Action::Activate,
    Action::Rollback,
    Action::Accept,
    Action::AutoApply,
    Action::Canary,
    Action::Promote,
    Action::Stop,
];

/// What payloads call the digests of rows about proposals and cases.
const DIGESTS: [&str; 4] = ["proposalDigest", "runDigest", "outcomeDigest", "casesDigest"];

/// All that the ledger does not explain; nothing where it explains everything. That the ledger itself holds is
/// [`ledger::verify`]'s to say.
pub fn check(db: &Connection) -> Result<Vec<String>> {
    let mut told = Told::default();
    ledger::entries(db, 0, &mut |entry| {
        told.hear(entry);
        true
    })?;
    let mut faults = std::mem::take(&mut told.faults);
    check_versions(db, &mut told, &mut faults)?;
    check_activations(db, &told, &mut faults)?;
    check_labels(db, &mut told, &mut faults)?;
    check_bodies(db, &told, &mut faults)?;
    check_standings(db, &told, &mut faults)?;
    Ok(faults)
}

fn check_versions(db: &Connection, told: &mut Told, faults: &mut Vec<String>) -> Result<()> {
    let mut statement = db.prepare(VERSIONS)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
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
    }
    faults.extend(
        told.versions
            .iter()
            .map(|(uri, (seq, _))| format!("entry {seq} publishes {uri}, which is not there")),
    );
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

fn check_activations(db: &Connection, told: &Told, faults: &mut Vec<String>) -> Result<()> {
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

/// Proposals, runs, outcomes and cases: the entry that a row names has the digest of its body, and no
/// digest is without its row.
fn check_bodies(db: &Connection, told: &Told, faults: &mut Vec<String>) -> Result<()> {
    let tables = [
        ("proposal", "SELECT id, body, entry FROM proposal ORDER BY id"),
        ("run", "SELECT id, body, entry FROM agent_run ORDER BY id"),
        ("outcome", "SELECT id, body, entry FROM proposal_outcome ORDER BY id"),
        ("set of cases", "SELECT id, body, entry FROM prompt_cases ORDER BY id"),
    ];
    for (i, (what, sql)) in tables.into_iter().enumerate() {
        // Later entries may repeat the digest of what they are about.
        let mut missing: BTreeMap<Digest, u64> = BTreeMap::new();
        for (seq, (_, digests)) in &told.deeds {
            if let Some(said) = digests[i] {
                missing.entry(said).or_insert(*seq);
            }
        }
        let mut statement = db.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (id, body, seq): (i64, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let is = digest(body.as_bytes());
            missing.remove(&is);
            match told.deeds.get(&(seq as u64)).and_then(|(_, digests)| digests[i]) {
                Some(said) if said == is => {}
                Some(_) => {
                    faults.push(format!("{what} {id} was changed: entry {seq} has another digest of it"));
                }
                None => faults.push(format!("{what} {id} rests on entry {seq}, which does not tell of it")),
            }
        }
        faults.extend(missing.values().map(|seq| format!("entry {seq} tells of a {what} that is not there")));
    }
    let mut statement = db.prepare("SELECT id, prompt, cause, body FROM proposal ORDER BY id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (id, prompt, cause): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let body: Value = serde_json::from_str(&row.get::<_, String>(3)?).map_err(StoreError::corrupt)?;
        if word(&body, "promptUri") != prompt || word(&body["evidence"], "cause") != cause {
            faults.push(format!("proposal {id} was changed: its columns are not what its body says"));
        }
    }
    let mut statement = db.prepare("SELECT id, prompt, body FROM prompt_cases ORDER BY id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (id, prompt): (i64, String) = (row.get(0)?, row.get(1)?);
        let body: Value = serde_json::from_str(&row.get::<_, String>(2)?).map_err(StoreError::corrupt)?;
        if word(&body, "promptUri") != prompt || body["number"] != id {
            faults.push(format!("set of cases {id} was changed: its columns are not what its body says"));
        }
    }
    Ok(())
}

/// Actions that leave a proposal as it stands, whatever has become of it.
const SAYS: &[Action] = &[Action::Sign, Action::Comment];

/// Which actions make a proposal stand so that stood otherwise before. What was decided waits again by one of them alone:
/// a steward takes a rejection back.
fn leads_to(before: &str, standing: &str) -> &'static [Action] {
    match standing {
        "open" if before == "rejected" => &[Action::Reopen],
        "open" | "deferred" if !matches!(before, "open" | "deferred") => &[],
        "open" => &[Action::Propose, Action::Rebase, Action::Modify, Action::Defer],
        "deferred" => &[Action::Defer],
        "accepted" => &[Action::Accept, Action::Canary, Action::Promote, Action::Stop],
        "auto-applied" => &[Action::AutoApply, Action::Canary, Action::Promote, Action::Stop],
        "rejected" => &[Action::Reject],
        "superseded" => &[Action::Supersede, Action::Propose, Action::Rebase, Action::Modify, Action::Accept],
        "stale" => &[Action::Stale, Action::Accept, Action::AutoApply, Action::Publish],
        _ => &[],
    }
}

fn check_standings(db: &Connection, told: &Told, faults: &mut Vec<String>) -> Result<()> {
    let mut statement = db.prepare(
        "SELECT s.proposal, s.standing, s.version, s.entry, p.body FROM proposal_standing s
         LEFT JOIN proposal p ON p.id = s.proposal ORDER BY s.id",
    )?;
    let mut rows = statement.query([])?;
    // How each stood before: a row for every step, in order.
    let mut stood: BTreeMap<i64, (String, Option<String>)> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let (proposal, standing): (i64, String) = (row.get(0)?, row.get(1)?);
        let (version, seq): (Option<String>, i64) = (row.get(2)?, row.get(3)?);
        let own = row.get::<_, Option<String>>(4)?.map(|body| digest(body.as_bytes()));
        let explained = told.deeds.get(&(seq as u64)).is_some_and(|(action, [said, ..])| {
            // What takes another's place is entered as itself.
            let is_about = standing == "superseded" || said.is_none_or(|said| Some(said) == own);
            let before = stood.get(&proposal).map_or(("open", None), |(s, v)| (s.as_str(), v.as_deref()));
            let leads = if SAYS.contains(action) {
                before == (standing.as_str(), version.as_deref())
            } else {
                leads_to(before.0, &standing).contains(action)
            };
            leads && is_about
        });
        stood.insert(proposal, (standing.clone(), version.clone()));
        if !explained {
            faults.push(format!(
                "proposal {proposal} is said to be {standing}, which entry {seq} does not explain"
            ));
        }
        if let Some(version) = version {
            let known: i64 = db.query_row(
                "SELECT count(*) FROM prompt_version v JOIN prompt p ON p.id = v.prompt
                 JOIN proposal o ON o.prompt = p.uri WHERE o.id = ?1 AND v.version = ?2",
                rusqlite::params![proposal, version],
                |row| row.get(0),
            )?;
            if known == 0 {
                faults.push(format!(
                    "proposal {proposal} is said to have become {version}, which is not published"
                ));
            }
        }
    }
    let of = |actions: &[Action]| -> Vec<u64> {
        let deeds = told.deeds.iter().filter(|(_, (action, _))| actions.contains(action));
        deeds.map(|(seq, _)| *seq).collect()
    };
    canary::check(db, &of(&[Action::Canary]), &of(&[Action::Promote, Action::Stop]), faults)
}

#[cfg(test)]
#[path = "explain_tests.rs"]
mod tests;
