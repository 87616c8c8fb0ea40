//! The telemetry half of the store. The traits here are all that the rest of the program knows of it: batches of
//! calls and feedback go in, cells and calls come out. They speak of no SQL, so that a column store can stand here.
//!
//! How it is kept (SQLite):
//!
//! ```text
//!   put_call ──> call      clustered by (time, id), one row a call, dictionary-coded
//!            └─> journal   the signed deltas and aliases of one transaction, one row a transaction
//!                   │ every FLUSH deltas: folded into
//!                   ├──> cells          one row an hour (and a day) and 64 prompt versions
//!                   └──> alias segments sorted hashes by which feedback finds its calls
//! ```
//!
//! `covered` is the journal position up to which cells and segments hold everything; a reader folds the rest.
//! Roll-ups are therefore exactly the fold of the committed calls, whenever a process ends.

mod body;
mod brief;
mod calls;
mod cells;
mod dictionary;
mod facts;
mod feedback;
mod index;
mod journal;
mod memory;
#[cfg(test)]
mod model_test;
mod read;
mod retention;
mod units;
mod write;

use std::ops::Range;
use std::sync::Arc;

pub use calls::CallQuery;
pub use cells::SHARD;
pub use dictionary::{Dictionary, ModelName};
pub use journal::{changed_from, changes_since, set_changed_from};
pub use memory::Memory;
pub use read::Tail;
pub use retention::{Retention, Swept};
pub use write::Telemetry;

use super::fault::Result;
use crate::domain::call::{Call, HOUR_MS, Millis};
use crate::domain::feedback::Feedback;
use crate::engine::rollup::{CallFacts, Cell, CellKey, Delta, Hour, VersionId};

/// Tables of this module.
pub const SCHEMA: &str = "
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE prompt_version_seen (id INTEGER PRIMARY KEY, uri TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE composition (id INTEGER PRIMARY KEY, metadata TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE model (id INTEGER PRIMARY KEY, name TEXT NOT NULL, provider TEXT NOT NULL, UNIQUE (name, provider)) STRICT;
CREATE TABLE agent (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

-- at: start, ms. id: provenance id, packed. body: see body.rs.
CREATE TABLE call (at INTEGER NOT NULL, id BLOB NOT NULL, body BLOB NOT NULL, PRIMARY KEY (at, id)) STRICT, WITHOUT ROWID;

CREATE TABLE journal (seq INTEGER PRIMARY KEY AUTOINCREMENT, page BLOB NOT NULL) STRICT;
-- slot: level, start hour, shard (see cells.rs).
CREATE TABLE cells (slot INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;

CREATE TABLE alias_segment (
    id INTEGER PRIMARY KEY AUTOINCREMENT, tier INTEGER NOT NULL, entries INTEGER NOT NULL, bits INTEGER NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL, bloom BLOB NOT NULL
) STRICT;
-- slot: segment << 20 | bucket.
CREATE TABLE alias_bucket (slot INTEGER PRIMARY KEY, entries BLOB NOT NULL) STRICT;

CREATE TABLE feedback (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, alias INTEGER NOT NULL, target TEXT NOT NULL,
    signal INTEGER, source INTEGER NOT NULL, detail TEXT, at INTEGER NOT NULL,
    open INTEGER NOT NULL    -- 1 while calls that it is about may still come
) STRICT;
CREATE INDEX feedback_open ON feedback (alias) WHERE open = 1;
-- Which calls a piece of feedback counts for.
CREATE TABLE feedback_call (
    at INTEGER NOT NULL, id BLOB NOT NULL, feedback INTEGER NOT NULL, PRIMARY KEY (at, id, feedback)
) STRICT, WITHOUT ROWID;
-- Candidates for an evidence unit; the first of (hour, unit) is the one that counts.
CREATE TABLE unit (
    hour INTEGER NOT NULL, unit INTEGER NOT NULL, rank INTEGER NOT NULL, delta BLOB NOT NULL,
    PRIMARY KEY (hour, unit, rank)
) STRICT, WITHOUT ROWID;

-- What is known of spans whose traces may still grow: one row a transaction and trace, found by trace and by link.
CREATE TABLE fact (seq INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL) STRICT;
CREATE TABLE fact_segment (
    id INTEGER PRIMARY KEY AUTOINCREMENT, tier INTEGER NOT NULL, entries INTEGER NOT NULL, bits INTEGER NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL, bloom BLOB NOT NULL
) STRICT;
CREATE TABLE fact_bucket (slot INTEGER PRIMARY KEY, entries BLOB NOT NULL) STRICT;
";

/// What became of a thing that was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is new, and counted.
    Accepted,
    /// It was there already, and is counted once.
    Duplicate,
    /// It was there in another form, which has been taken back.
    Corrected,
    /// It is older than the calls that are kept, so that nobody can tell whether it was counted: it is not counted.
    Expired,
}

/// A call with the further names under which feedback may address it.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedCall {
    /// The call.
    pub call: Call,
    /// Aliases beyond its provenance id.
    pub aliases: Vec<u64>,
}

/// Writing: inside one transaction, which is durable when it is acknowledged.
pub trait TelemetryWriter {
    /// Counts a call once, by its provenance id.
    fn put_call(&mut self, call: &NamedCall) -> Result<Put>;
    /// Counts a call in this form: a form of it that was counted before at `at` is taken back first.
    fn correct_call(&mut self, before: Option<Millis>, call: &NamedCall) -> Result<Put>;
    /// Takes a call back. False if it is not there.
    fn retract_call(&mut self, at: Millis, provenance_id: &str) -> Result<bool>;
    /// Counts feedback once, by its id, for every call that its target names, now or when that call comes.
    fn put_feedback(&mut self, feedback: &Feedback) -> Result<Put>;
    /// The rows of facts kept under `key` (a trace or a link), oldest first. Some may be of another key.
    fn fact_rows(&mut self, key: u64) -> Result<Vec<i64>>;
    /// A row of facts, if it is still kept.
    fn facts(&mut self, row: i64) -> Result<Option<Vec<u8>>>;
    /// Keeps `body` under each of `keys` for as long as the join window lasts; its row.
    fn keep_facts(&mut self, keys: &[u64], body: &[u8]) -> Result<i64>;
}

/// A call as it is kept, with the feedback that counts for it.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptCall {
    /// The call.
    pub call: Call,
    /// The feedback, oldest first.
    pub feedback: Vec<Feedback>,
}

/// Totals of the whole store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Calls kept.
    pub calls: i64,
    /// Feedback kept.
    pub feedback: i64,
    /// Feedback whose call has not come.
    pub waiting: i64,
    /// Feedback without a signal.
    pub unsignalled: i64,
}

/// From when on the store knows more than whole days. A window is exact where both its edges are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detail {
    /// The first hour that has cells of its own; `hours_from` of an empty store is 0.
    pub hours_from: Hour,
    /// The time from which calls are kept, ms: from here on any edge is exact.
    pub calls_from: Millis,
}

impl Detail {
    /// The first hour that can be told from those around it, by its own cell or by its calls.
    pub fn first_hour(&self) -> Hour {
        let whole = (self.calls_from + HOUR_MS - 1).div_euclid(HOUR_MS);
        self.hours_from.min(Hour::try_from(whole).unwrap_or(Hour::MAX))
    }
}

/// Reading: one consistent state of the store.
pub trait TelemetryReader {
    /// The dictionary that cells are coded with.
    fn dictionary(&self) -> Result<Arc<Dictionary>>;
    /// Hands every cell of the hours to `fold`, restricted to `versions` if given (ordered). A cell may come in
    /// several parts; the hour is that of the part, or, unless `hourly`, the first hour of a whole day in the range.
    fn cells(
        &self,
        hours: Range<Hour>,
        hourly: bool,
        versions: Option<&[VersionId]>,
        fold: &mut dyn FnMut(Hour, CellKey, &Cell),
    ) -> Result<()>;
    /// Hands the calls of every cell of the hours that are kept as hours to `fold`: a fraction of what reading the
    /// cells costs. A cell may come in several parts.
    fn calls_by_hour(&self, hours: Range<Hour>, fold: &mut dyn FnMut(Hour, CellKey, i64)) -> Result<()>;
    /// Hands what the newest calls that began at or after `from` ms add to their cells to `each`, with their times,
    /// newest first, at most `most` of them.
    fn newest(&self, from: Millis, most: usize, each: &mut dyn FnMut(Millis, &CallFacts)) -> Result<()>;
    /// How far this view goes: the place from which [`changes`](Self::changes) go on.
    fn position(&self) -> Result<i64>;
    /// The deltas committed after `position`, and how far they go; `None` if too much has happened to say.
    fn changes(&self, position: i64) -> Result<Option<(i64, Vec<Delta>)>>;
    /// From when on the store knows more than whole days.
    fn detail(&self) -> Result<Detail>;
    /// Hands the deltas of calls and signals that began in `[from, to)` ms to `fold`, for the edges of a window
    /// that lie inside an hour.
    fn deltas(&self, from: Millis, to: Millis, fold: &mut dyn FnMut(&Delta)) -> Result<()>;
    /// Hands the calls that match to `each`, newest first, until it says false.
    fn calls(&self, query: &CallQuery, each: &mut dyn FnMut(KeptCall) -> bool) -> Result<()>;
    /// Hands the calls of `[from, to)` ms for which feedback counts to `each`, newest first, until it says false: their
    /// composition, and whether they carry a session or a user. A fraction of what [`calls`](Self::calls) costs.
    fn heard(&self, from: Millis, to: Millis, each: &mut dyn FnMut(u32, bool) -> bool) -> Result<()>;
    /// Totals of the whole store.
    fn totals(&self) -> Result<Totals>;
    /// First and last time of a call.
    fn span(&self) -> Result<Option<(Millis, Millis)>>;
}
