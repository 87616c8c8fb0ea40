//! One batch's work inside the write transaction: events are counted, spans meet the other spans of their traces,
//! and what turns out to be a second description of a call already counted corrects it.
//!
//! The calls of a group of traces are a pure function of the facts known of it ([`resolve()`]). So the correction is
//! the difference between what the facts known before gave and what all facts give now: any order of arrival ends in
//! the same calls. Which facts are read together, and the bounds of that, is in `grouping`.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::events::call_line;
use super::grouping::{MAX_SHARED, TraceId, Traces};
use super::prepare::Preparation;
use super::resolve::provenance_id;
use super::{Resolved, SpanFact, links, resolve};
use crate::domain::feedback::{Feedback, alias};
use crate::store::telemetry::{NamedCall, Put, TelemetryWriter};
use crate::store::{Quarantined, Result, StoreError, Transaction};

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
            keys.extend(facts.iter().flat_map(links));
            keys[1..].sort_unstable();
            keys.dedup();
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

    /// Counts what became of a call. One that is too old to be told from those already counted is quarantined.
    fn call(&mut self, tx: &Transaction<'_>, call: &NamedCall, put: Put) -> Result<()> {
        if put == Put::Expired {
            let reason = "it is older than the calls that are kept (`[retention]`), so that it cannot be told whether \
                          it was counted before";
            let line = call_line(&call.call).map_err(StoreError::corrupt)?;
            tx.quarantine(&Quarantined {
                origin: "retention".into(),
                format: "events".into(),
                reason: reason.into(),
                bytes: line.into_bytes(),
            })?;
        }
        self.count(put);
        Ok(())
    }

    fn count(&mut self, put: Put) {
        match put {
            Put::Accepted => self.accepted += 1,
            Put::Duplicate => self.duplicate += 1,
            Put::Corrected => self.corrected += 1,
            Put::Expired => self.quarantined += 1,
        }
    }
}

/// Counts a batch.
pub fn commit(tx: &mut Transaction<'_>, items: Vec<Item>, preparation: &Arc<Preparation>) -> Result<Receipt> {
    let mut receipt = Receipt::default();
    for item in items {
        match item {
            Item::Call(call) => {
                let put = tx.telemetry.put_call(&call)?;
                receipt.call(tx, &call, put)?;
            }
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
    mut arrived: Arrived,
    preparation: &Preparation,
    receipt: &mut Receipt,
) -> Result<()> {
    let mut common = Vec::new();
    for (i, key) in arrived.keys.iter().enumerate() {
        match tx.telemetry.fact_rows(*key)?.len() {
            0 => {}
            // A link that so many share connects nothing, and is not kept any more.
            rows if i > 0 && rows > MAX_SHARED => common.push(*key),
            _ => return join(tx, arrived, preparation, receipt),
        }
    }
    arrived.keys.retain(|key| !common.contains(key));
    tx.telemetry.keep_facts(&arrived.keys, &arrived.body)?;
    for call in &arrived.calls {
        let put = tx.telemetry.put_call(call)?;
        receipt.call(tx, call, put)?;
    }
    Ok(())
}

/// Brings the counted calls of the traces that are linked with this one from what the facts gave before to what they
/// give now.
fn join(
    tx: &mut Transaction<'_>,
    arrived: Arrived,
    preparation: &Preparation,
    receipt: &mut Receipt,
) -> Result<()> {
    let mut traces = Traces::default();
    let (group, resent) = traces.grow(tx, arrived.trace, arrived.facts)?;
    let grown = traces.get(&arrived.trace).is_some_and(|trace| !trace.fresh.is_empty());
    let resolved = |parts: Vec<Vec<TraceId>>, fresh: bool| -> Vec<Resolved> {
        let facts = |id: &TraceId| {
            let trace = traces.get(id);
            let fresh = trace.filter(|_| fresh).map_or(&[][..], |trace| &trace.fresh);
            trace.map_or(&[][..], |trace| &trace.known).iter().chain(fresh)
        };
        parts.iter().flat_map(|part| resolve(part.iter().flat_map(facts))).collect()
    };
    // A call whose spans come in several bodies is a duplicate once: where the span comes again that names it.
    let resent: FxHashSet<String> =
        resent.iter().filter(|fact| fact.call.is_some()).map(provenance_id).collect();
    let before = resolved(group.before(), false);
    if !grown {
        receipt.duplicate += before.iter().filter(|r| resent.contains(&r.call.provenance_id)).count() as u64;
        return Ok(());
    }
    let now = resolved(group.now(), true);
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
            receipt.duplicate += u64::from(resent.contains(id));
            continue;
        }
        let call = preparation.prepare(resolved.clone());
        let put = match previous {
            None => tx.telemetry.put_call(&call)?,
            Some(previous) => tx.telemetry.correct_call(Some(previous.call.at), &call)?,
        };
        receipt.call(tx, &call, put)?;
    }
    Ok(())
}
