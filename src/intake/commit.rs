//! One batch's work inside the write transaction: events are counted, spans meet the other spans of their traces,
//! and what turns out to be a second description of a call already counted corrects it.
//!
//! The calls of a group of traces are a pure function of the facts known of it ([`resolve()`]). So the correction is
//! the difference between what the facts known before gave and what all facts give now: any order of arrival ends in
//! the same calls.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::prepare::Preparation;
use super::{Resolved, SpanFact, links, resolve};
use crate::domain::feedback::{Feedback, alias};
use crate::store::telemetry::{NamedCall, Put, TelemetryWriter};
use crate::store::{Quarantined, Result, Transaction};

/// Traces that one group may join; beyond it a link is taken for a coincidence.
const MAX_TRACES: usize = 64;

/// Spans of one trace that arrived together, with all that can be said of them without the store: most telemetry is of
/// traces that are new and whole, and is then counted as it stands here.
#[derive(Debug)]
pub struct Arrived {
    trace: TraceId,
    /// Ordered, each once.
    facts: Vec<SpanFact>,
    /// The trace and its links, under which the facts are kept.
    keys: Vec<u64>,
    /// The facts as they are kept.
    body: Vec<u8>,
    /// The calls that these facts alone give.
    calls: Vec<NamedCall>,
}

impl Arrived {
    /// Sorts spans by trace, in the order of their coming.
    pub fn of(spans: Vec<SpanFact>, preparation: &Preparation) -> Result<Vec<Arrived>> {
        let mut order = Vec::new();
        let mut by_trace: FxHashMap<TraceId, Vec<SpanFact>> = FxHashMap::default();
        for fact in spans {
            let facts = by_trace.entry(fact.trace).or_default();
            if facts.is_empty() {
                order.push(fact.trace);
            }
            facts.push(fact);
        }
        let arrived = order.into_iter().map(|trace| {
            let mut facts = by_trace.remove(&trace).unwrap_or_default();
            facts.sort_unstable();
            facts.dedup();
            let mut keys = vec![alias::trace(&trace)];
            for link in facts.iter().flat_map(links) {
                if !keys.contains(&link) {
                    keys.push(link);
                }
            }
            let body = postcard::to_allocvec(&facts)?;
            let calls = resolve(&facts).into_iter().map(|resolved| preparation.prepare(resolved)).collect();
            Ok(Arrived { trace, facts, keys, body, calls })
        });
        arrived.collect()
    }

    /// How many spans there are.
    pub fn spans(&self) -> usize {
        self.facts.len()
    }
}

/// Something that intake has read.
#[derive(Debug)]
pub enum Item {
    /// A native call.
    Call(NamedCall),
    /// Feedback, native or foreign.
    Feedback(Feedback),
    /// Spans of one trace of foreign telemetry.
    Trace(Arrived),
    /// What cannot be taken.
    Quarantine(Quarantined),
    /// A beginning that was quarantined, by its number: the whole of it has come.
    Completed(i64),
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Receipt {
    /// Calls and feedback that are new.
    pub accepted: u64,
    /// Calls and feedback that were there already.
    pub duplicate: u64,
    /// Inputs that could not be taken.
    pub quarantined: u64,
    /// Calls counted before in another form, and corrected.
    pub corrected: u64,
    /// Scores that no rule translates into a signal: kept, counted for nothing.
    pub unsignalled: u64,
    /// Spans read.
    pub spans: u64,
}

impl Receipt {
    /// Adds another batch's.
    pub fn add(&mut self, other: &Receipt) {
        self.accepted += other.accepted;
        self.duplicate += other.duplicate;
        self.quarantined += other.quarantined;
        self.corrected += other.corrected;
        self.unsignalled += other.unsignalled;
        self.spans += other.spans;
    }

    fn count(&mut self, put: Put) {
        match put {
            Put::Accepted => self.accepted += 1,
            Put::Duplicate => self.duplicate += 1,
            Put::Corrected => self.corrected += 1,
        }
    }
}

/// Counts a batch.
pub fn commit(tx: &mut Transaction<'_>, items: Vec<Item>, preparation: &Arc<Preparation>) -> Result<Receipt> {
    let mut receipt = Receipt::default();
    for item in items {
        match item {
            Item::Call(call) => receipt.count(tx.telemetry.put_call(&call)?),
            Item::Feedback(feedback) => {
                let put = tx.telemetry.put_feedback(&feedback)?;
                receipt.count(put);
                receipt.unsignalled += u64::from(put == Put::Accepted && feedback.signal.is_none());
            }
            Item::Trace(arrived) => {
                receipt.spans += arrived.spans() as u64;
                take(tx, arrived, preparation, &mut receipt)?;
            }
            Item::Quarantine(item) => {
                tx.quarantine(&item)?;
                receipt.quarantined += 1;
            }
            Item::Completed(seq) => tx.release(seq)?,
        }
    }
    Ok(receipt)
}

/// Counts the calls of a trace: as they stand where nothing was known of it and nothing is linked with it, else with
/// what is known.
fn take(
    tx: &mut Transaction<'_>,
    arrived: Arrived,
    preparation: &Preparation,
    receipt: &mut Receipt,
) -> Result<()> {
    for key in &arrived.keys {
        if !tx.telemetry.fact_rows(*key)?.is_empty() {
            return join(tx, arrived, preparation, receipt);
        }
    }
    tx.telemetry.keep_facts(&arrived.keys, &arrived.body)?;
    for call in &arrived.calls {
        receipt.count(tx.telemetry.put_call(call)?);
    }
    Ok(())
}

type TraceId = [u8; 16];

/// What is known of one trace.
#[derive(Debug, Default)]
struct Trace {
    known: Vec<SpanFact>,
    fresh: Vec<SpanFact>,
    links: FxHashSet<u64>,
}

/// A trace that has grown, and those that it is linked with.
#[derive(Debug, Default)]
struct Traces {
    by_id: FxHashMap<TraceId, Trace>,
    /// Whose facts a row holds, of the rows that have been read or written here.
    rows: FxHashMap<i64, TraceId>,
}

fn join(
    tx: &mut Transaction<'_>,
    arrived: Arrived,
    preparation: &Preparation,
    receipt: &mut Receipt,
) -> Result<()> {
    let mut traces = Traces::default();
    let Arrived { trace: id, mut facts, .. } = arrived;
    let mut trace = traces.load(tx, &id)?;
    facts.retain(|fact| trace.known.binary_search(fact).is_err());
    if !facts.is_empty() {
        let mut keys = vec![alias::trace(&id)];
        keys.extend(facts.iter().flat_map(links).filter(|link| trace.links.insert(*link)));
        let row = tx.telemetry.keep_facts(&keys, &postcard::to_allocvec(&facts)?)?;
        traces.rows.insert(row, id);
    }
    trace.fresh = facts;
    traces.by_id.insert(id, trace);
    let group = traces.group(tx, id)?;
    settle(tx, &group, &traces.by_id, preparation, receipt)
}

impl Traces {
    /// What is known of a trace.
    fn load(&mut self, tx: &mut Transaction<'_>, id: &TraceId) -> Result<Trace> {
        let mut trace = Trace::default();
        for row in tx.telemetry.fact_rows(alias::trace(id))? {
            let Some(body) = tx.telemetry.facts(row)? else { continue };
            let facts: Vec<SpanFact> = postcard::from_bytes(&body)?;
            // A row is of one trace; a hash that is cut short may bring another's.
            if let Some(first) = facts.first() {
                self.rows.insert(row, first.trace);
            }
            trace.known.extend(facts.into_iter().filter(|fact| fact.trace == *id));
        }
        trace.known.sort_unstable();
        trace.links = trace.known.iter().flat_map(links).collect();
        Ok(trace)
    }

    /// The traces that links connect with `first`, in the order of their ids.
    fn group(&mut self, tx: &mut Transaction<'_>, first: TraceId) -> Result<Vec<TraceId>> {
        let mut found = vec![first];
        let mut followed: FxHashSet<u64> = FxHashSet::default();
        let mut next = 0;
        while next < found.len() && found.len() < MAX_TRACES {
            let id = found[next];
            next += 1;
            let mut open: Vec<u64> =
                self.by_id.get(&id).map_or_else(Vec::new, |trace| trace.links.iter().copied().collect());
            open.sort_unstable();
            for link in open {
                if !followed.insert(link) {
                    continue;
                }
                for row in tx.telemetry.fact_rows(link)? {
                    let Some(other) = self.trace_of(tx, row)? else { continue };
                    if found.contains(&other) {
                        continue;
                    }
                    if !self.by_id.contains_key(&other) {
                        let loaded = self.load(tx, &other)?;
                        self.by_id.insert(other, loaded);
                    }
                    // The row was found by a part of the link's hash.
                    if self.by_id.get(&other).is_some_and(|trace| trace.links.contains(&link)) {
                        found.push(other);
                    }
                }
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Whose facts a row holds.
    fn trace_of(&mut self, tx: &mut Transaction<'_>, row: i64) -> Result<Option<TraceId>> {
        if let Some(id) = self.rows.get(&row) {
            return Ok(Some(*id));
        }
        let Some(body) = tx.telemetry.facts(row)? else { return Ok(None) };
        let facts: Vec<SpanFact> = postcard::from_bytes(&body)?;
        let id = facts.first().map(|fact| fact.trace);
        self.rows.extend(id.map(|id| (row, id)));
        Ok(id)
    }
}

/// Brings the counted calls of a group from what the facts gave before to what they give now.
fn settle(
    tx: &mut Transaction<'_>,
    group: &[TraceId],
    traces: &FxHashMap<TraceId, Trace>,
    preparation: &Preparation,
    receipt: &mut Receipt,
) -> Result<()> {
    let of_group = || group.iter().filter_map(|id| traces.get(id));
    let known: Vec<SpanFact> = of_group().flat_map(|t| t.known.iter().cloned()).collect();
    // Before, each trace stood in the group that its own links made, which is this one without what is fresh.
    let before = resolve(&known);
    if of_group().all(|t| t.fresh.is_empty()) {
        receipt.duplicate += before.len() as u64;
        return Ok(());
    }
    let mut all = known;
    all.extend(of_group().flat_map(|t| t.fresh.iter().cloned()));
    let now = resolve(&all);
    let ids: FxHashSet<&str> = now.iter().map(|r| r.call.provenance_id.as_str()).collect();
    let mut counted: FxHashMap<&str, &Resolved> = FxHashMap::default();
    for gone in &before {
        if ids.contains(gone.call.provenance_id.as_str()) {
            counted.insert(&gone.call.provenance_id, gone);
        } else if tx.telemetry.retract_call(gone.call.at, &gone.call.provenance_id)? {
            receipt.corrected += 1;
        }
    }
    for resolved in &now {
        let id = resolved.call.provenance_id.as_str();
        let previous = counted.get(id);
        if previous.is_some_and(|p| *p == resolved) {
            continue;
        }
        let call = preparation.prepare(resolved.clone());
        receipt.count(match previous {
            None => tx.telemetry.put_call(&call)?,
            Some(previous) => tx.telemetry.correct_call(Some(previous.call.at), &call)?,
        });
    }
    Ok(())
}
