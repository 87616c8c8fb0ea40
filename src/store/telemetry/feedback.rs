//! Feedback meets its calls: when it comes after them, when they come after it, and when a call is taken back.
//! The time that a signal names stands for its arrival: a file is history, replayed as it happened.

use rusqlite::{Connection, Row as SqlRow, params};
use xxhash_rust::xxh3::xxh3_64;

use super::body::{Body, pack_id};
use super::journal;
use super::write::{Row, Telemetry};
use super::{Put, units};
use crate::domain::call::{Call, HOUR_MS, Millis};
use crate::domain::feedback::{Feedback, Signal, Source, Target, alias};
use crate::engine::rollup::Change;
use crate::store::fault::{Result, StoreError};

/// Columns that [`read`] reads, of the table named `f`.
pub const COLUMNS: &str = "f.seq, f.id, f.alias, f.target, f.signal, f.source, f.detail, f.at";

/// A row of the columns above.
pub fn read(row: &SqlRow<'_>) -> Result<(i64, Feedback)> {
    let signal: Option<u32> = row.get(4)?;
    let source: u32 = row.get(5)?;
    let torn = || StoreError::corrupt("a feedback row holds an unknown signal or source");
    let feedback = Feedback {
        id: row.get(1)?,
        target: Target { alias: row.get::<_, i64>(2)? as u64, text: row.get(3)? },
        signal: signal.map(|s| Signal::ALL.get(s as usize).copied().ok_or_else(torn)).transpose()?,
        source: Source::ALL.get(source as usize).copied().ok_or_else(torn)?,
        detail: row.get(6)?,
        at: row.get(7)?,
    };
    Ok((row.get(0)?, feedback))
}

/// The feedback that counts for a call, oldest first.
pub fn of_call(db: &Connection, at: Millis, id: &[u8]) -> Result<Vec<(i64, Feedback)>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM feedback_call c JOIN feedback f ON f.seq = c.feedback
         WHERE c.at = ? AND c.id = ? ORDER BY f.at, f.id"
    ))?;
    let mut rows = statement.query(params![at, id])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// The session, the user, or the call itself: whose feedback within an hour is one unit of evidence.
fn who<'a>(body: &'a Body<'_>, provenance_id: &'a str) -> &'a str {
    body.session.as_deref().or(body.user.as_deref()).unwrap_or(provenance_id)
}

impl Telemetry<'_> {
    pub(super) fn add_feedback(&mut self, feedback: &Feedback) -> Result<Put> {
        let target = &feedback.target;
        let calls = self.named(target.alias)?;
        // A provenance id names one call; a span, a trace or an association may yet name more.
        let open = calls.is_empty() || target.alias != alias::provenance(&target.text);
        let added = self
            .db
            .prepare_cached(
                "INSERT OR IGNORE INTO feedback (id, alias, target, signal, source, detail, at, open) VALUES (?,?,?,?,?,?,?,?)",
            )?
            .execute(params![
                feedback.id,
                target.alias as i64,
                target.text,
                feedback.signal.map(|s| s as u8),
                feedback.source as u8,
                feedback.detail,
                feedback.at,
                open,
            ])?;
        if added == 0 {
            return Ok(Put::Duplicate);
        }
        let seq = self.db.last_insert_rowid();
        if open {
            self.memory.open.insert(target.alias);
        }
        for (provenance_id, row) in &calls {
            self.link(seq, feedback, provenance_id, row)?;
        }
        Ok(Put::Accepted)
    }

    /// Links the feedback that waits under `name` to a call that has just come.
    pub(super) fn attach_waiting(&mut self, name: u64, call: &Call, row: &Row<'_>) -> Result<()> {
        let mut waiting = Vec::new();
        {
            let mut statement = self.db.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM feedback f WHERE f.alias = ? AND f.open = 1"
            ))?;
            let mut rows = statement.query([name as i64])?;
            while let Some(found) = rows.next()? {
                waiting.push(read(found)?);
            }
        }
        let closes = name == alias::provenance(&call.provenance_id);
        if (waiting.is_empty() || closes) && self.memory.open.remove(&name) {
            self.closed.push(name);
        }
        for (seq, feedback) in &waiting {
            self.link(*seq, feedback, &call.provenance_id, row)?;
            if closes {
                self.db.prepare_cached("UPDATE feedback SET open = 0 WHERE seq = ?")?.execute([seq])?;
            }
        }
        Ok(())
    }

    /// Takes back what feedback counts for a call that is taken back; it waits again.
    pub(super) fn detach(&mut self, provenance_id: &str, row: &Row<'_>) -> Result<()> {
        for (seq, feedback) in of_call(self.db, row.at, &row.id)? {
            self.count(-1, &feedback, provenance_id, row)?;
            self.db
                .prepare_cached("DELETE FROM feedback_call WHERE at = ? AND id = ? AND feedback = ?")?
                .execute(params![row.at, row.id, seq])?;
            let reopened = self
                .db
                .prepare_cached("UPDATE feedback SET open = 1 WHERE seq = ? AND open = 0")?
                .execute([seq])?;
            if reopened > 0 {
                journal::set_number(
                    self.db,
                    "reopened",
                    journal::number(self.db, "reopened")?.unwrap_or(0) + 1,
                )?;
            }
            self.memory.open.insert(feedback.target.alias);
        }
        Ok(())
    }

    fn link(&mut self, seq: i64, feedback: &Feedback, provenance_id: &str, row: &Row<'_>) -> Result<()> {
        let added = self
            .db
            .prepare_cached("INSERT OR IGNORE INTO feedback_call VALUES (?, ?, ?)")?
            .execute(params![row.at, row.id, seq])?;
        if added > 0 {
            self.count(1, feedback, provenance_id, row)?;
        }
        Ok(())
    }

    fn count(&mut self, sign: i8, feedback: &Feedback, provenance_id: &str, row: &Row<'_>) -> Result<()> {
        let Some(signal) = feedback.signal else { return Ok(()) };
        self.journal(sign, row.at, &row.body, Change::Signal(feedback.source, signal))?;
        let subjects = self.memory.dictionary.composition(row.body.composition)?.subjects.clone();
        for &(version, layer) in &*subjects {
            let mut unit = version.to_le_bytes().to_vec();
            unit.extend_from_slice(who(&row.body, provenance_id).as_bytes());
            let mut tie = feedback.id.clone().into_bytes();
            tie.push(0);
            tie.extend(pack_id(provenance_id, row.at));
            let claim = units::Claim {
                hour: super::cells::hour_of(feedback.at)?,
                // 47 bits: an integer of six bytes, and 22 of them are the millisecond within the hour.
                unit: (xxh3_64(&unit) >> 17) as i64,
                rank: feedback.at.rem_euclid(HOUR_MS) << 25 | (xxh3_64(&tie) >> 39) as i64,
                composition: row.body.composition,
                model: row.body.model,
                change: Change::Unit(version, layer, feedback.source, signal),
            };
            for delta in units::stake(self.db, sign, &claim)?.into_iter().flatten() {
                self.push(delta);
            }
        }
        Ok(())
    }
}
