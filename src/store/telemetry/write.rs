//! Writing telemetry inside one transaction.

use rusqlite::{Connection, OptionalExtension, params};

use super::body::{Body, pack_id, unpack_id};
use super::calls::OF_SECOND;
use super::dictionary::Mark;
use super::index::{self, CALLS, FACTS, Place};
use super::journal::{self, Page};
use super::memory::Memory;
use super::{NamedCall, Put, Retention, Swept, TelemetryWriter, cells, facts, retention};
use crate::domain::call::{Call, Millis};
use crate::domain::feedback::{Feedback, alias};
use crate::engine::rollup::{Change, Delta};
use crate::store::fault::Result;

/// One write transaction's work on the telemetry.
#[derive(Debug)]
pub struct Telemetry<'a> {
    pub(super) db: &'a Connection,
    pub(super) memory: &'a mut Memory,
    page: Page,
    buffer: Vec<u8>,
    /// Names that wait for no call any more.
    pub(super) closed: Vec<u64>,
    /// Wall clock, for what is bounded in time.
    pub(super) now: Millis,
}

/// A call's row: its key and body.
#[derive(Debug)]
pub(super) struct Row<'c> {
    pub at: Millis,
    pub id: Vec<u8>,
    pub body: Body<'c>,
}

/// Where a job began, to go back to when it fails.
#[derive(Debug, Clone, Copy)]
pub struct Savepoint {
    deltas: usize,
    aliases: usize,
    facts: usize,
    closed: usize,
    calls_from: Millis,
    dictionary: Mark,
}

impl<'a> Telemetry<'a> {
    /// Begins; `memory` has just followed `db`.
    pub fn new(db: &'a Connection, memory: &'a mut Memory, now: Millis) -> Self {
        Telemetry { db, memory, page: Page::default(), buffer: Vec::new(), closed: Vec::new(), now }
    }

    /// Remembers how far the work has come.
    pub fn savepoint(&self) -> Savepoint {
        Savepoint {
            deltas: self.page.deltas.len(),
            aliases: self.page.aliases.len(),
            facts: self.page.facts.len(),
            closed: self.closed.len(),
            calls_from: self.memory.calls_from,
            dictionary: self.memory.dictionary.mark(),
        }
    }

    /// Forgets what came after `savepoint`, whose rows have been rolled back.
    pub fn back_to(&mut self, savepoint: Savepoint) {
        self.page.deltas.truncate(savepoint.deltas);
        // What the memory has learned of names stays: a name is only where to look, and nothing will be found there.
        self.page.aliases.truncate(savepoint.aliases);
        self.page.facts.truncate(savepoint.facts);
        // Names that met their calls wait again; names that were added and wait for nothing cost a look.
        self.memory.open.extend(self.closed.drain(savepoint.closed..));
        self.memory.calls_from = savepoint.calls_from;
        self.memory.dictionary.back_to(savepoint.dictionary);
    }

    /// Appends the journal page; what to absorb once the transaction has committed.
    pub fn finish(self) -> Result<Option<(i64, Page)>> {
        if self.page.deltas.is_empty() && self.page.aliases.is_empty() && self.page.facts.is_empty() {
            return Ok(None);
        }
        let seq = journal::append(self.db, &self.page)?;
        Ok(Some((seq, self.page)))
    }

    /// Lets go of what `keep` says is too old: one step, with whether there is more.
    pub fn sweep(&mut self, keep: &Retention) -> Result<Swept> {
        let swept = retention::sweep(self.db, keep, self.now)?;
        self.memory.calls_from = retention::calls_from(self.db)?;
        Ok(swept)
    }

    /// Whether the last sweep is a day ago or more.
    pub fn sweep_is_due(&self) -> Result<bool> {
        retention::is_due(self.db, self.now)
    }

    /// The database, for tables of other rooms.
    pub fn db(&self) -> &Connection {
        self.db
    }

    pub(super) fn journal(&mut self, sign: i8, at: Millis, body: &Body<'_>, change: Change) -> Result<()> {
        self.push(Delta {
            sign,
            hour: cells::hour_of(at)?,
            composition: body.composition,
            model: body.model,
            change,
        });
        Ok(())
    }

    pub(super) fn push(&mut self, delta: Delta) {
        self.page.deltas.push(delta);
    }

    fn body<'c>(&mut self, named: &'c NamedCall) -> Result<Body<'c>> {
        let call = &named.call;
        let dictionary = &mut self.memory.dictionary;
        let composition = match &call.prompts {
            None => 0,
            Some(metadata) => dictionary.intern_composition(self.db, metadata)?,
        };
        let provider = call.provider.as_deref().unwrap_or("");
        let model = dictionary.intern_model(self.db, &call.model, provider)?;
        let agent = call.agent.as_deref().map(|a| dictionary.intern_agent(self.db, a)).transpose()?;
        Ok(Body::of(call, &named.aliases, composition, model, agent))
    }

    fn insert(&mut self, call: &Call, row: &Row<'_>) -> Result<bool> {
        self.buffer.clear();
        row.body.pack(&mut self.buffer);
        let added = self
            .db
            .prepare_cached("INSERT OR IGNORE INTO call VALUES (?, ?, ?)")?
            .execute(params![row.at, row.id, self.buffer])?;
        if added == 0 {
            return Ok(false);
        }
        let own = alias::provenance(&call.provenance_id);
        if self.elsewhere(own, call)? {
            self.db
                .prepare_cached("DELETE FROM call WHERE at = ? AND id = ?")?
                .execute(params![row.at, row.id])?;
            return Ok(false);
        }
        self.journal(1, row.at, &row.body, Change::Call(row.body.facts()))?;
        let second = row.at.div_euclid(1000);
        for &name in std::iter::once(&own).chain(&*row.body.aliases) {
            self.page.aliases.push((name, second));
            self.memory.names.add(name, second);
        }
        for name in std::iter::once(own).chain(row.body.aliases.iter().copied()) {
            if self.memory.open.contains(&name) {
                self.attach_waiting(name, call, row)?;
            }
        }
        Ok(true)
    }

    /// Whether the same id was counted with another time: an id counts once.
    fn elsewhere(&self, own: u64, call: &Call) -> Result<bool> {
        for (id, row) in self.named(own)? {
            if row.at != call.at && id == call.provenance_id {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Seconds in which there may be a call with this name.
    fn seconds(&self, name: u64) -> Result<Vec<Place>> {
        let mut found = self.memory.names.find(name).to_vec();
        index::find(self.db, &CALLS, &self.memory.name_segments, name, &mut found)?;
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    fn row(&self, at: Millis, provenance_id: &str) -> Result<Option<Row<'static>>> {
        let id = pack_id(provenance_id, at);
        let mut statement = self.db.prepare_cached("SELECT body FROM call WHERE at = ? AND id = ?")?;
        let body: Option<Vec<u8>> = statement.query_row(params![at, id], |r| r.get(0)).optional()?;
        body.map(|bytes| Ok(Row { at, id, body: Body::unpack(&bytes)?.into_owned() })).transpose()
    }

    /// The calls that really have the name.
    pub(super) fn named(&self, name: u64) -> Result<Vec<(String, Row<'static>)>> {
        let mut found = Vec::new();
        for second in self.seconds(name)? {
            let mut statement = self.db.prepare_cached(OF_SECOND)?;
            let mut rows = statement.query([second])?;
            while let Some(row) = rows.next()? {
                let (at, id): (Millis, Vec<u8>) = (row.get(0)?, row.get(1)?);
                let body = Body::unpack(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?;
                let text = unpack_id(&id, at)?;
                if body.aliases.contains(&name) || alias::provenance(&text) == name {
                    found.push((text, Row { at, id, body: body.into_owned() }));
                }
            }
        }
        Ok(found)
    }

    fn retract(&mut self, provenance_id: &str, row: &Row<'_>) -> Result<()> {
        self.detach(provenance_id, row)?;
        self.db
            .prepare_cached("DELETE FROM call WHERE at = ? AND id = ?")?
            .execute(params![row.at, row.id])?;
        self.journal(-1, row.at, &row.body, Change::Call(row.body.facts()))
    }
}

impl TelemetryWriter for Telemetry<'_> {
    fn put_call(&mut self, named: &NamedCall) -> Result<Put> {
        if named.call.at < self.memory.calls_from {
            return Ok(Put::Expired);
        }
        let row = Row {
            at: named.call.at,
            id: pack_id(&named.call.provenance_id, named.call.at),
            body: self.body(named)?,
        };
        Ok(if self.insert(&named.call, &row)? { Put::Accepted } else { Put::Duplicate })
    }

    fn correct_call(&mut self, before: Option<Millis>, named: &NamedCall) -> Result<Put> {
        let call = &named.call;
        if before.unwrap_or(call.at).min(call.at) < self.memory.calls_from {
            return Ok(Put::Expired);
        }
        let mut put = Put::Accepted;
        if let Some(before) = before.filter(|at| *at != call.at)
            && self.retract_call(before, &call.provenance_id)?
        {
            put = Put::Corrected;
        }
        let row = Row { at: call.at, id: pack_id(&call.provenance_id, call.at), body: self.body(named)? };
        if let Some(known) = self.row(call.at, &call.provenance_id)? {
            if known.body == row.body {
                return Ok(Put::Duplicate);
            }
            self.retract(&call.provenance_id, &known)?;
            put = Put::Corrected;
        }
        Ok(if self.insert(call, &row)? { put } else { Put::Duplicate })
    }

    fn retract_call(&mut self, at: Millis, provenance_id: &str) -> Result<bool> {
        match self.row(at, provenance_id)? {
            None => Ok(false),
            Some(row) => self.retract(provenance_id, &row).map(|()| true),
        }
    }

    fn put_feedback(&mut self, feedback: &Feedback) -> Result<Put> {
        self.add_feedback(feedback)
    }

    fn fact_rows(&mut self, key: u64) -> Result<Vec<i64>> {
        let mut rows = self.memory.facts.find(key).to_vec();
        index::find(self.db, &FACTS, &self.memory.fact_segments, key, &mut rows)?;
        rows.sort_unstable();
        rows.dedup();
        Ok(rows)
    }

    fn facts(&mut self, row: i64) -> Result<Option<Vec<u8>>> {
        facts::read(self.db, row)
    }

    fn keep_facts(&mut self, keys: &[u64], body: &[u8]) -> Result<i64> {
        let row = facts::add(self.db, body, self.now)?;
        for &key in keys {
            self.page.facts.push((key, row));
            self.memory.facts.add(key, row);
        }
        Ok(row)
    }
}
