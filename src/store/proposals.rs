//! Proposals and what became of them. Rows are only ever added: a proposal is what was proposed, its standing the last
//! of the rows that follow, each with the ledger entry that explains it.
//!
//! Reading starts with [`Proposals`]; what is written is written by [`super::decide`].

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use semver::Version;
use serde::Serialize;
use serde_json::Value;

use super::fault::{Kind, Result, StoreError};
use super::ledger;
use super::prompt_error::PromptStoreError;
use super::prompts;
use crate::domain::call::Millis;
use crate::domain::identity::{Digest, Identity};
use crate::domain::ledger::{Action, Entry};
use crate::domain::prompt::PromptUri;
use crate::domain::prompt_file::PromptFile;
use crate::domain::proposal::{Kind as Of, Proposal, ProposalId, Standing};
use crate::domain::settled::Settled;
use crate::engine::bump::Change;
use crate::engine::seal::digest;
use crate::engine::told::is_about;

/// A proposal with what has become of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// What was proposed.
    pub proposal: Proposal,
    /// SHA-256 of the stored text of all of it.
    pub digest: Digest,
    /// What became of it last; see [`Kept::standing_at`].
    pub standing: Standing,
    /// Of what is deferred: until when, ms.
    pub until: Option<Millis>,
    /// Of what was applied: the version that it made active.
    pub version: Option<Version>,
    /// The ledger entry that made it.
    pub entry: u64,
}

impl Kept {
    /// What has become of it by `now`: what was put off until then waits again.
    pub fn standing_at(&self, now: Millis) -> Standing {
        match (self.standing, self.until) {
            (Standing::Deferred, Some(until)) if until <= now => Standing::Open,
            (standing, _) => standing,
        }
    }

    /// SHA-256 of the exact new content: what a decision names to say what was looked at.
    pub fn text_digest(&self) -> Digest {
        digest(self.proposal.text.as_bytes())
    }
}

/// Which proposals.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this prompt, whatever its version.
    pub prompt: Option<PromptUri>,
    /// Of this cause.
    pub cause: Option<String>,
    /// With this standing at the moment asked for.
    pub standing: Option<Standing>,
}

/// A proposal that waits, as lists of prompts count them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRow {
    /// The prompt's URI, without version.
    pub prompt: String,
    /// Whether its risk is high.
    pub is_high: bool,
    /// Of what is deferred: until when, ms.
    pub until: Option<Millis>,
}

/// One step in the history of a proposal.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// What became of it by this step.
    pub standing: Standing,
    /// The entry that explains it.
    pub entry: Entry,
}

impl Event {
    /// What was said for it: a reason, a note or a comment.
    pub fn words(&self) -> Option<&str> {
        ["reason", "note", "text"].into_iter().find_map(|key| self.entry.payload.get(key)?.as_str())
    }
}

/// A rejection, for whoever drafts anew.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejection {
    /// What was rejected.
    pub proposal: Proposal,
    /// Why.
    pub reason: String,
    /// By whom.
    pub by: Identity,
}

/// A run of the agent.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRow {
    /// Its number.
    pub id: u64,
    /// When, ms.
    pub at: Millis,
    /// Its record.
    pub body: Value,
    /// The entry that vouches for it.
    pub entry: u64,
}

/// What accepting a proposal does, as the store stands.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The active version, which the proposal changes.
    pub base: PromptFile,
    /// The new content.
    pub file: PromptFile,
    /// What differs.
    pub change: Change,
    /// The version that becomes active.
    pub version: Version,
}

/// The proposals of a store, on some connection.
#[derive(Debug, Clone, Copy)]
pub struct Proposals<'a>(&'a Connection);

const SELECT: &str = "
    SELECT p.body, p.entry, s.standing, s.until, s.version FROM proposal p
    LEFT JOIN proposal_standing s ON s.id = (SELECT max(id) FROM proposal_standing WHERE proposal = p.id)";

impl<'a> Proposals<'a> {
    /// Those that the connection sees.
    pub fn new(db: &'a Connection) -> Proposals<'a> {
        Proposals(db)
    }

    /// The proposal with this number.
    pub fn get(self, id: ProposalId) -> Result<Kept> {
        let mut statement = self.0.prepare_cached(&format!("{SELECT} WHERE p.id = ?"))?;
        let mut rows = statement.query([id.0 as i64])?;
        match rows.next()? {
            Some(row) => kept(row),
            None => Err(StoreError::new(
                Kind::Unknown,
                format!("there is no {id}; `human prompts proposals list` lists them"),
            )),
        }
    }

    /// Those that the filter asks for, as they stand at `now`, the newest first.
    pub fn list(self, filter: &Filter, now: Millis) -> Result<Vec<Kept>> {
        let sql = format!(
            "{SELECT} WHERE (?1 IS NULL OR p.prompt = ?1) AND (?2 IS NULL OR p.cause = ?2) ORDER BY p.id DESC"
        );
        let mut statement = self.0.prepare_cached(&sql)?;
        let prompt = filter.prompt.as_ref().map(|uri| uri.unversioned().to_string());
        let mut rows = statement.query(params![prompt, filter.cause])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let kept = kept(row)?;
            if filter.standing.is_none_or(|standing| standing == kept.standing_at(now)) {
                found.push(kept);
            }
        }
        Ok(found)
    }

    /// The proposals that wait for a decision, deferred or not, without their texts.
    pub fn open(self) -> Result<Vec<OpenRow>> {
        let mut statement = self.0.prepare_cached(
            "SELECT p.prompt, p.body ->> '$.risk.level', s.standing, s.until FROM proposal p
             LEFT JOIN proposal_standing s ON s.id = (SELECT max(id) FROM proposal_standing WHERE proposal = p.id)
             WHERE s.standing IS NULL OR s.standing IN ('open', 'deferred')",
        )?;
        let mut rows = statement.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let deferred = row.get::<_, Option<String>>(2)?.is_some_and(|s| s == Standing::Deferred.as_str());
            found.push(OpenRow {
                prompt: row.get(0)?,
                is_high: row.get::<_, Option<String>>(1)?.is_some_and(|level| level == "high"),
                until: row.get::<_, Option<Millis>>(3)?.filter(|_| deferred),
            });
        }
        Ok(found)
    }

    /// The proposal of this prompt and cause that waits, deferred or not.
    pub fn waiting(self, prompt: &PromptUri, cause: &str) -> Result<Option<Kept>> {
        let filter = Filter { prompt: Some(prompt.clone()), cause: Some(cause.to_owned()), standing: None };
        Ok(self.list(&filter, Millis::MIN)?.into_iter().find(|kept| kept.standing.is_open()))
    }

    /// All that happened to a proposal, in order, from the entry that made it.
    pub fn history(self, id: ProposalId) -> Result<Vec<Event>> {
        let first = self.get(id)?;
        let mut events = vec![Event { standing: Standing::Open, entry: ledger::entry(self.0, first.entry)? }];
        let mut statement = self
            .0
            .prepare_cached("SELECT standing, entry FROM proposal_standing WHERE proposal = ? ORDER BY id")?;
        let mut rows = statement.query([id.0 as i64])?;
        while let Some(row) = rows.next()? {
            let standing = row.get::<_, String>(0)?.parse().map_err(StoreError::corrupt)?;
            events.push(Event { standing, entry: ledger::entry(self.0, row.get::<_, i64>(1)? as u64)? });
        }
        Ok(events)
    }

    /// The stewards who wrote at a proposal: whoever proposed it, and all who put another text in its place.
    pub fn authors(self, kept: &Kept) -> Result<Vec<Identity>> {
        let (mut authors, mut entry) = (Vec::new(), ledger::entry(self.0, kept.entry)?);
        loop {
            if entry.actor.is_steward() {
                authors.push(entry.actor.clone());
            }
            // Whoever modifies or rebases names what it was made from.
            let Some(from) = entry.payload.get("from").and_then(Value::as_str) else { return Ok(authors) };
            entry = ledger::entry(self.0, self.get(from.parse().map_err(StoreError::corrupt)?)?.entry)?;
        }
    }

    /// What was rejected for this prompt, and why, the newest first; not what a steward took back.
    pub fn rejections(self, prompt: &PromptUri) -> Result<Vec<Rejection>> {
        let filter =
            Filter { prompt: Some(prompt.clone()), standing: Some(Standing::Rejected), ..Filter::default() };
        let mut rejections = Vec::new();
        for kept in self.list(&filter, Millis::MIN)? {
            let history = self.history(kept.proposal.id)?;
            if let Some(event) = history.iter().rfind(|event| event.entry.action == Action::Reject) {
                rejections.push(Rejection {
                    reason: event.words().unwrap_or_default().to_owned(),
                    by: event.entry.actor.clone(),
                    proposal: kept.proposal,
                });
            }
        }
        Ok(rejections)
    }

    /// The newest `limit` runs of the agent, the newest first.
    pub fn runs(self, limit: usize) -> Result<Vec<RunRow>> {
        let mut statement =
            self.0.prepare_cached("SELECT id, at, body, entry FROM agent_run ORDER BY id DESC LIMIT ?")?;
        let mut rows = statement.query([i64::try_from(limit).unwrap_or(i64::MAX)])?;
        let mut runs = Vec::new();
        while let Some(row) = rows.next()? {
            runs.push(RunRow {
                id: row.get::<_, i64>(0)? as u64,
                at: row.get(1)?,
                body: serde_json::from_str(&row.get::<_, String>(2)?).map_err(StoreError::corrupt)?,
                entry: row.get::<_, i64>(3)? as u64,
            });
        }
        Ok(runs)
    }

    /// When the newest run was that was not refused, ms: of this agent, or of any.
    pub fn last_run(self, agent: Option<&Identity>) -> Result<Option<Millis>> {
        let newest = self
            .0
            .prepare_cached(
                "SELECT max(at) FROM agent_run
                 WHERE body ->> '$.refused' IS NULL AND (?1 IS NULL OR body ->> '$.agent' = ?1)",
            )?
            .query_row([agent.map(ToString::to_string)], |row| row.get(0))?;
        Ok(newest)
    }

    /// The settled outcome of a proposal, and when it was settled.
    pub fn outcome(self, id: ProposalId) -> Result<Option<(Millis, Settled)>> {
        let row: Option<(Millis, String)> = self
            .0
            .prepare_cached(
                "SELECT at, body FROM proposal_outcome WHERE proposal = ? ORDER BY id DESC LIMIT 1",
            )?
            .query_row([id.0 as i64], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        row.map(|(at, body)| Ok((at, serde_json::from_str(&body).map_err(StoreError::corrupt)?))).transpose()
    }

    /// All settled outcomes with their proposals, oldest first.
    pub fn outcomes(self) -> Result<Vec<(Proposal, Settled)>> {
        let mut statement =
            self.0.prepare_cached("SELECT proposal, body FROM proposal_outcome ORDER BY id")?;
        let mut rows = statement.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let settled = serde_json::from_str(&row.get::<_, String>(1)?).map_err(StoreError::corrupt)?;
            found.push((self.get(ProposalId(row.get::<_, i64>(0)? as u64))?.proposal, settled));
        }
        Ok(found)
    }

    /// What made a version active that turned out worse and is active still: the proposal, when that was settled, ms, and
    /// as what. One for a prompt, the newest.
    pub fn regressed(self) -> Result<Vec<(Proposal, Millis, Settled)>> {
        let mut statement = self.0.prepare_cached(
            "SELECT proposal, at, body FROM proposal_outcome WHERE json_extract(body, '$.judgement') = 'regressed'
             ORDER BY id",
        )?;
        let mut rows = statement.query([])?;
        let mut found: BTreeMap<PromptUri, (Proposal, Millis, Settled)> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let proposal = self.get(ProposalId(row.get::<_, i64>(0)? as u64))?.proposal;
            let settled: Settled =
                serde_json::from_str(&row.get::<_, String>(2)?).map_err(StoreError::corrupt)?;
            let active = prompts::active(self.0, &proposal.prompt_uri).map_err(prompt_fault)?;
            if active.as_ref() == Some(&settled.new_version) {
                found.insert(proposal.prompt_uri.clone(), (proposal, row.get(1)?, settled));
            }
        }
        Ok(found.into_values().collect())
    }

    /// Stewards who have signed a proposal and whom the store still trusts, each once with the entry: for its acceptance,
    /// and once its canary has begun, for the promotion.
    pub fn signatures(self, id: ProposalId) -> Result<Vec<(Identity, u64)>> {
        // Most of a queue has never been touched: no entry has to be read for it.
        let touched = "SELECT EXISTS (SELECT 1 FROM proposal_standing WHERE proposal = ?)";
        if !self.0.prepare_cached(touched)?.query_row([id.0 as i64], |row| row.get::<_, bool>(0))? {
            return Ok(Vec::new());
        }
        let (trust, digest, history) = (ledger::trust(self.0)?, self.get(id)?.digest, self.history(id)?);
        let entries = history.into_iter().map(|event| event.entry).filter(|entry| is_about(entry, digest));
        let entries: Vec<Entry> = entries.collect();
        let began =
            entries.iter().filter(|entry| entry.action == Action::Canary).map(|entry| entry.seq).max();
        let mut signed: BTreeMap<Identity, u64> = BTreeMap::new();
        for entry in entries {
            let trusted = entry.key.is_some_and(|key| trust.trusts(&entry.actor, key));
            if entry.action == Action::Sign && trusted && began.is_none_or(|began| entry.seq > began) {
                signed.entry(entry.actor).or_insert(entry.seq);
            }
        }
        let mut signed: Vec<(Identity, u64)> = signed.into_iter().collect();
        signed.sort_by_key(|(_, entry)| *entry);
        Ok(signed)
    }

    /// The version that a proposal changes.
    pub fn base(self, proposal: &Proposal) -> Result<PromptFile> {
        prompts::get(self.0, &proposal.prompt_uri, &proposal.base_version).map_err(prompt_fault)
    }

    /// What accepting it does now. [`Kind::Changed`] where another version than its base is active; [`Kind::Unfit`] where
    /// its content is not a new version of its prompt.
    pub fn plan(self, proposal: &Proposal) -> Result<Plan> {
        let (uri, base) = (&proposal.prompt_uri, &proposal.base_version);
        let unfit = |why: String| StoreError::new(Kind::Unfit, format!("this is no change of {uri}: {why}"));
        match prompts::active(self.0, uri).map_err(prompt_fault)? {
            Some(active) if active == *base => {}
            Some(active) => {
                return Err(StoreError::new(
                    Kind::Changed,
                    format!(
                        "the change was made for {uri}@{base}, and {active} is active by now. Nothing was written. \
                         Go back to {base}, or let the agent move the proposal onto {active} with its next run."
                    ),
                ));
            }
            None => return Err(unfit("no version of it is active".into())),
        }
        let old = self.base(proposal)?;
        let file =
            PromptFile::parse("the proposal", proposal.text.as_bytes()).map_err(|e| unfit(e.to_string()))?;
        if file.uri.unversioned() != *uri {
            return Err(unfit(format!("its text says {}", file.uri)));
        }
        let known = prompts::versions(self.0, uri).map_err(prompt_fault)?;
        let change = Change::between(&old, &file);
        let version = match (proposal.kind, &proposal.to_version) {
            (Of::Rollback, Some(to)) => {
                let earlier = prompts::get(self.0, uri, to).map_err(prompt_fault)?;
                if earlier.text() != proposal.text {
                    return Err(unfit(format!("its text is not that of {to}")));
                }
                to.clone()
            }
            (Of::Rollback, None) => return Err(unfit("it does not say which version to go back to".into())),
            (_, Some(_)) => return Err(unfit("only a rollback goes back to a version".into())),
            _ if file.uri.version.as_ref() != Some(base) => {
                return Err(unfit(format!("its text does not say `human.version: {base}`")));
            }
            _ => change.next_free(base, &known),
        };
        if version == *base || change == Change::None && proposal.kind != Of::Rollback {
            return Err(unfit("it changes nothing".into()));
        }
        Ok(Plan { base: old, file, change, version })
    }
}

fn kept(row: &Row<'_>) -> Result<Kept> {
    let body: String = row.get(0)?;
    let proposal: Proposal = serde_json::from_str(&body)
        .map_err(|e| StoreError::corrupt(format_args!("a proposal does not read: {e}")))?;
    let standing: Option<String> = row.get(2)?;
    let version: Option<String> = row.get(4)?;
    Ok(Kept {
        proposal,
        digest: digest(body.as_bytes()),
        entry: row.get::<_, i64>(1)? as u64,
        standing: standing.map_or(Ok(Standing::Open), |text| text.parse()).map_err(StoreError::corrupt)?,
        until: row.get(3)?,
        version: version.map(|text| Version::parse(&text)).transpose().map_err(StoreError::corrupt)?,
    })
}

/// What the prompts say, in the words of a decision.
pub(super) fn prompt_fault(error: PromptStoreError) -> StoreError {
    match error {
        PromptStoreError::Store(error) => error,
        other => StoreError::new(Kind::Unfit, other.to_string()),
    }
}

/// The number that the next row of a table gets, inside a write transaction.
pub(super) fn next_id(db: &Connection, table: &str) -> Result<u64> {
    let last: Option<i64> = db
        .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = ?")?
        .query_row([table], |row| row.get(0))
        .optional()?;
    Ok(last.unwrap_or(0) as u64 + 1)
}

/// Adds a proposal, whose `body` is its canonical JSON.
pub(super) fn insert(db: &Connection, proposal: &Proposal, body: &str, entry: u64) -> Result<()> {
    let (prompt, cause) = (proposal.prompt_uri.to_string(), &proposal.evidence.cause);
    db.prepare_cached("INSERT INTO proposal (id, prompt, cause, body, entry) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![proposal.id.0 as i64, prompt, cause, body, entry as i64])?;
    Ok(())
}

/// Adds what became of a proposal.
pub(super) fn stand(
    db: &Connection,
    id: ProposalId,
    standing: Standing,
    until: Option<Millis>,
    version: Option<&Version>,
    entry: u64,
) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO proposal_standing (proposal, standing, until, version, entry) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        id.0 as i64,
        standing.as_str(),
        until,
        version.map(ToString::to_string),
        entry as i64
    ])?;
    Ok(())
}

/// Adds a run's record.
pub(super) fn insert_run(db: &Connection, id: u64, at: Millis, body: &str, entry: u64) -> Result<()> {
    db.prepare_cached("INSERT INTO agent_run (id, at, body, entry) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![id as i64, at, body, entry as i64])?;
    Ok(())
}

/// Adds a settled outcome.
pub(super) fn insert_outcome(
    db: &Connection,
    id: ProposalId,
    at: Millis,
    body: &str,
    entry: u64,
) -> Result<()> {
    db.prepare_cached("INSERT INTO proposal_outcome (proposal, at, body, entry) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![id.0 as i64, at, body, entry as i64])?;
    Ok(())
}
