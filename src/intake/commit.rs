//! One batch's work inside the write transaction: events are counted, spans meet the other spans of their traces,
//! and what turns out to be a second description of a call already counted corrects it.
//!
//! The calls of a group of traces are a pure function of the facts known of it ([`resolve()`]). So the correction is
//! the difference between what the facts known before gave and what all facts give now: any order of arrival ends in
//! the same calls.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::prepare::Preparation;
use super::{Resolved, SpanFact, links, resolve};
use crate::domain::feedback::{Feedback, alias};
use crate::store::telemetry::{NamedCall, Put, TelemetryWriter};
use crate::store::{Quarantined, Result, StoreError, Transaction};

/// Traces that one group may join; beyond it a link is taken for a coincidence.
const MAX_TRACES: usize = 64;

/// Something that intake has read.
#[derive(Debug)]
pub enum Item {
    /// A native call.
    Call(NamedCall),
    /// Feedback, native or foreign.
    Feedback(Feedback),
    /// Spans of foreign telemetry.
    Spans(Vec<SpanFact>),
    /// What cannot be taken.
    Quarantine(Quarantined),
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
    let mut spans = Vec::new();
    for item in items {
        match item {
            Item::Call(call) => receipt.count(tx.telemetry.put_call(&call)?),
            Item::Feedback(feedback) => {
                let put = tx.telemetry.put_feedback(&feedback)?;
                receipt.count(put);
                receipt.unsignalled += u64::from(put == Put::Accepted && feedback.signal.is_none());
            }
            Item::Spans(facts) => spans.extend(facts),
            Item::Quarantine(item) => {
                tx.quarantine(&item)?;
                receipt.quarantined += 1;
            }
        }
    }
    receipt.spans = spans.len() as u64;
    if !spans.is_empty() {
        join(tx, spans, preparation, &mut receipt)?;
    }
    Ok(receipt)
}

type TraceId = [u8; 16];

/// What is known of one trace.
#[derive(Debug, Default)]
struct Trace {
    known: Vec<SpanFact>,
    fresh: Vec<SpanFact>,
    links: FxHashSet<u64>,
}

fn join(
    tx: &mut Transaction<'_>,
    spans: Vec<SpanFact>,
    preparation: &Preparation,
    receipt: &mut Receipt,
) -> Result<()> {
    let mut traces: FxHashMap<TraceId, Trace> = FxHashMap::default();
    let mut order = Vec::new();
    let mut arrived: FxHashMap<TraceId, Vec<SpanFact>> = FxHashMap::default();
    for fact in spans {
        let facts = arrived.entry(fact.trace).or_default();
        if facts.is_empty() {
            order.push(fact.trace);
        }
        facts.push(fact);
    }
    for id in &order {
        let mut trace = load(tx, id)?;
        let mut facts = arrived.remove(id).unwrap_or_default();
        facts.sort_unstable();
        facts.dedup();
        facts.retain(|fact| !trace.known.contains(fact));
        if !facts.is_empty() {
            tx.telemetry.keep_fact(alias::trace(id), &postcard::to_allocvec(&facts)?)?;
            for link in facts.iter().flat_map(links) {
                if trace.links.insert(link) {
                    tx.telemetry.keep_fact(link, id)?;
                }
            }
        }
        trace.fresh = facts;
        traces.insert(*id, trace);
    }
    let mut done: FxHashSet<TraceId> = FxHashSet::default();
    for id in &order {
        if !done.contains(id) {
            let group = group(tx, *id, &mut traces)?;
            settle(tx, &group, &traces, preparation, receipt)?;
            done.extend(group);
        }
    }
    Ok(())
}

fn load(tx: &mut Transaction<'_>, id: &TraceId) -> Result<Trace> {
    let mut trace = Trace::default();
    for body in tx.telemetry.facts(alias::trace(id))? {
        let facts: Vec<SpanFact> = postcard::from_bytes(&body)?;
        trace.known.extend(facts.into_iter().filter(|fact| fact.trace == *id));
    }
    trace.links = trace.known.iter().flat_map(links).collect();
    Ok(trace)
}

/// The traces that links connect with `first`, in the order of their ids.
fn group(
    tx: &mut Transaction<'_>,
    first: TraceId,
    traces: &mut FxHashMap<TraceId, Trace>,
) -> Result<Vec<TraceId>> {
    let mut found = vec![first];
    let mut followed: FxHashSet<u64> = FxHashSet::default();
    let mut next = 0;
    while next < found.len() && found.len() < MAX_TRACES {
        let id = found[next];
        next += 1;
        let mut open: Vec<u64> = match traces.get(&id) {
            Some(trace) => trace.links.iter().copied().collect(),
            None => Vec::new(),
        };
        open.sort_unstable();
        for link in open {
            if !followed.insert(link) {
                continue;
            }
            for body in tx.telemetry.facts(link)? {
                let other: TraceId =
                    body.as_slice().try_into().map_err(|_| StoreError::corrupt("a link names no trace"))?;
                if found.contains(&other) {
                    continue;
                }
                if let Entry::Vacant(place) = traces.entry(other) {
                    place.insert(load(tx, &other)?);
                }
                found.push(other);
            }
        }
    }
    found.sort_unstable();
    Ok(found)
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
    let before = if known.is_empty() { Vec::new() } else { resolve(&known) };
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
