//! Which traces are read together: those that links connect. Facts are kept by trace and by link; from a trace that has
//! grown, the others are found through the links.
//!
//! **Bounds**, for this is work inside the write transaction. A link that more than [`MAX_SHARED`] traces share says
//! nothing (a mock that gives every answer one id, a storm of failures in one moment) and connects nothing, whichever
//! of the traces came first. From a trace no more links are followed once [`MAX_TRACES`] traces are found, the nearest
//! first: what is beyond is not changed by what has come here. Of a trace that is sent in pieces the newest
//! [`MAX_SPANS`] spans meet those that come; in a longer one, a span no longer finds its call's older parts.

use rustc_hash::{FxHashMap, FxHashSet};

use super::sets::Sets;
use super::{SpanFact, links};
use crate::domain::feedback::alias;
use crate::store::telemetry::TelemetryWriter;
use crate::store::{Result, Transaction};

/// Most traces that one link connects.
pub(super) const MAX_SHARED: usize = 128;
/// Traces after which no more links are followed.
const MAX_TRACES: usize = 64;
/// Spans of one trace after which its older rows are not read, and spans of a group after which no more links are
/// followed.
const MAX_SPANS: usize = 8_192;

pub(super) type TraceId = [u8; 16];

/// What is known of one trace.
#[derive(Debug, Default)]
pub(super) struct Trace {
    /// What was known before; ordered.
    pub known: Vec<SpanFact>,
    /// What has come now.
    pub fresh: Vec<SpanFact>,
    /// Its links, without those that are only of what has come now.
    links: FxHashSet<u64>,
}

/// A trace that has grown, and those that it is linked with.
#[derive(Debug, Default)]
pub(super) struct Traces {
    by_id: FxHashMap<TraceId, Trace>,
    /// Whose facts a row holds, of the rows that have been read or written here.
    rows: FxHashMap<i64, TraceId>,
}

/// A link between traces of a group.
#[derive(Debug)]
struct Link {
    /// Where in the group the traces are that it connects; the one that has grown is number 0.
    members: Vec<usize>,
    /// Whether the trace that has grown shares it only now.
    fresh: bool,
    /// Whether it still connects: not too many share it.
    holds: bool,
}

/// The traces that are linked with one that has grown, itself first, and by what.
#[derive(Debug)]
pub(super) struct Group {
    traces: Vec<TraceId>,
    links: Vec<Link>,
}

impl Group {
    /// The parts of the group that were resolved together before the trace grew.
    pub(super) fn before(&self) -> Vec<Vec<TraceId>> {
        // Each was counted in the part that its own links made, which may have been several: what has come now can
        // connect them.
        self.parts(|link| {
            if link.fresh {
                link.members.iter().copied().filter(|i| *i != 0).collect()
            } else {
                link.members.clone()
            }
        })
    }

    /// The parts that are resolved together now.
    pub(super) fn now(&self) -> Vec<Vec<TraceId>> {
        self.parts(|link| if link.holds { link.members.clone() } else { Vec::new() })
    }

    fn parts(&self, connected: impl Fn(&Link) -> Vec<usize>) -> Vec<Vec<TraceId>> {
        let mut sets = Sets::of(self.traces.len());
        for link in &self.links {
            let members = connected(link);
            members.windows(2).for_each(|pair| sets.join(pair[0], pair[1]));
        }
        let mut parts: Vec<Vec<TraceId>> = vec![Vec::new(); self.traces.len()];
        for (i, trace) in self.traces.iter().enumerate() {
            parts[sets.find(i)].push(*trace);
        }
        parts.retain(|part| !part.is_empty());
        parts
    }
}

impl Traces {
    /// Adds what has come of a trace, `facts` (ordered), to what is known of it; what was known is left out of
    /// `facts`, and returned. The group that the trace now stands in.
    pub(super) fn grow(
        &mut self,
        tx: &mut Transaction<'_>,
        id: TraceId,
        mut facts: Vec<SpanFact>,
    ) -> Result<(Group, Vec<SpanFact>)> {
        let mut trace = self.load(tx, &id)?;
        let resent = facts.extract_if(.., |fact| trace.known.binary_search(fact).is_ok()).collect();
        let mut fresh = Vec::new();
        if !facts.is_empty() {
            let mut new: Vec<u64> =
                facts.iter().flat_map(links).filter(|link| !trace.links.contains(link)).collect();
            new.sort_unstable();
            new.dedup();
            for link in new {
                if tx.telemetry.fact_rows(link)?.len() <= MAX_SHARED {
                    fresh.push(link);
                }
            }
            let mut keys = vec![alias::trace(&id)];
            keys.extend(&fresh);
            let row = tx.telemetry.keep_facts(&keys, &postcard::to_allocvec(&facts)?)?;
            self.rows.insert(row, id);
        }
        trace.fresh = facts;
        self.by_id.insert(id, trace);
        Ok((self.group(tx, id, &fresh)?, resent))
    }

    /// A trace that has been found.
    pub(super) fn get(&self, id: &TraceId) -> Option<&Trace> {
        self.by_id.get(id)
    }

    /// What is known of a trace.
    fn load(&mut self, tx: &mut Transaction<'_>, id: &TraceId) -> Result<Trace> {
        let mut trace = Trace::default();
        for row in tx.telemetry.fact_rows(alias::trace(id))?.into_iter().rev() {
            if trace.known.len() >= MAX_SPANS {
                break;
            }
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

    /// The traces that links connect with `first`, of whose links `fresh` (ordered) have just come: the nearest first.
    fn group(&mut self, tx: &mut Transaction<'_>, first: TraceId, fresh: &[u64]) -> Result<Group> {
        let mut group = Group { traces: vec![first], links: Vec::new() };
        let mut followed: FxHashSet<u64> = FxHashSet::default();
        let mut open = fresh.to_vec();
        let (mut next, mut spans) = (0, 0);
        while let Some(trace) = group.traces.get(next).and_then(|id| self.by_id.get(id)) {
            let mut own: Vec<u64> = trace.links.iter().copied().collect();
            own.sort_unstable();
            open.extend(own);
            next += 1;
            for link in open.drain(..) {
                if group.traces.len() >= MAX_TRACES || spans >= MAX_SPANS {
                    return Ok(group);
                }
                if followed.insert(link) {
                    spans += self.follow(tx, link, fresh.binary_search(&link).is_ok(), &mut group)?;
                }
            }
        }
        Ok(group)
    }

    /// Adds the traces that share a link to the group, unless they are too many; how many spans they bring.
    fn follow(
        &mut self,
        tx: &mut Transaction<'_>,
        link: u64,
        fresh: bool,
        group: &mut Group,
    ) -> Result<usize> {
        let rows = tx.telemetry.fact_rows(link)?;
        if rows.len() - usize::from(fresh && !rows.is_empty()) > MAX_SHARED {
            return Ok(0);
        }
        let holds = rows.len() <= MAX_SHARED;
        let (mut members, mut spans) = (Vec::new(), 0);
        for row in rows {
            let Some(id) = self.trace_of(tx, row)? else { continue };
            if !self.by_id.contains_key(&id) {
                let loaded = self.load(tx, &id)?;
                self.by_id.insert(id, loaded);
            }
            // The row was found by a part of the link's hash.
            let Some(trace) = self.by_id.get(&id) else { continue };
            let known = group.traces.iter().position(|t| *t == id);
            let shares = trace.links.contains(&link) || (fresh && known == Some(0));
            if !shares {
                continue;
            }
            let member = known.unwrap_or_else(|| {
                group.traces.push(id);
                spans += trace.known.len();
                group.traces.len() - 1
            });
            if !members.contains(&member) {
                members.push(member);
            }
        }
        group.links.push(Link { members, fresh, holds });
        Ok(spans)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::span::{CallFact, Kind};
    use crate::store::{Access, Store};

    fn fact(trace: u32, span: u32) -> SpanFact {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&(trace + 1).to_be_bytes());
        let call = CallFact { response_id: Some("mock".into()), ok: true, ..CallFact::default() };
        SpanFact {
            trace: id,
            span: (u64::from(span) + 1).to_be_bytes(),
            parent: None,
            start_ns: 0,
            end_ns: 1,
            kind: Kind::Wrapper,
            call: Some(Box::new(call)),
            prompt: None,
            session: None,
            user: None,
            agent: None,
        }
    }

    fn inside<R: Send + 'static>(job: impl FnOnce(&mut Transaction<'_>) -> Result<R> + Send + 'static) -> R {
        let folder = tempfile::tempdir().unwrap();
        Store::open(&folder.path().join("store.db"), Access::Write).unwrap().write(job).unwrap()
    }

    #[test]
    fn a_long_trace_costs_a_bounded_look_back() {
        const OF_BODY: u32 = 512;
        let most = inside(|tx| {
            let mut most = 0;
            for body in 0..30 {
                let mut facts: Vec<SpanFact> = (0..OF_BODY).map(|i| fact(0, body * OF_BODY + i)).collect();
                facts.sort_unstable();
                let mut traces = Traces::default();
                let (group, resent) = traces.grow(tx, facts[0].trace, facts)?;
                assert!(resent.is_empty() && group.now().len() == 1);
                most = most.max(traces.by_id.values().map(|trace| trace.known.len()).sum());
            }
            Ok(most)
        });
        assert_eq!(most, MAX_SPANS);
    }

    #[test]
    fn a_link_that_too_many_share_costs_nothing_any_more() {
        let looked_at = inside(|tx| {
            let mut looked_at = Vec::new();
            for trace in 0..400 {
                let fact = fact(trace, 0);
                let mut traces = Traces::default();
                let (group, _) = traces.grow(tx, fact.trace, vec![fact.clone()])?;
                looked_at.push((traces.by_id.len(), group.before().len(), group.now().len()));
                for link in links(&fact) {
                    assert!(tx.telemetry.fact_rows(link)?.len() <= MAX_SHARED + 1);
                }
            }
            Ok(looked_at)
        });
        // Two parts at first, the trace that has come and the others; then one, as long as the link holds.
        assert_eq!(looked_at[1], (2, 2, 1));
        assert_eq!(looked_at[MAX_SHARED - 1], (MAX_SHARED, 2, 1));
        // One more, and all of them stand alone.
        assert_eq!(looked_at[MAX_SHARED], (MAX_SHARED + 1, 2, MAX_SHARED + 1));
        assert!(looked_at[MAX_SHARED + 1..].iter().all(|seen| *seen == (1, 1, 1)));
    }
}
