//! Which spans describe one model call. Pure; costs n log n for n spans, whatever their parents say.
//!
//! Four reasons to join, in this order: one span lies below the other (an SDK's span inside a framework's), a span
//! closes a stream that another opened, both carry the provider's id of one answer, or one lies within the time of
//! the other, in the same process and with the same model (an instrumentation that does not activate its span sends
//! the SDK's span into another trace; failed calls have no id). Start with [`group`].

use std::cmp::Reverse;

use rustc_hash::{FxHashMap, FxHashSet};
use xxhash_rust::xxh3::xxh3_64;

use super::conventions;
use super::sets::Sets;
use super::span::{CallFact, Kind, SpanFact};

/// Clocks of two processes may differ by this much when an answer's id already says that spans belong together.
const SKEW_NS: u64 = 1_000_000_000;
/// A span that describes a call from the inside may end this much after the one outside.
const SLACK_NS: u64 = 2_000_000;
/// The buckets of [`links`].
const BUCKET_NS: u64 = 250_000_000;
/// An SDK's span is found if it begins this soon after the framework's span, whatever bucket that began in.
const REACH_NS: u64 = 50_000_000;
/// Most candidates that are looked at for one span.
const MAX_TRIED: usize = 64;
/// A stream's second half begins where the first ended, give or take this.
const TAIL_GAP_NS: u64 = 1_000_000_000;

/// Names under which spans of different traces find each other: the answer's id; and, where a span may belong to one
/// that has none, a bucket of time in one process for one model. Facts of traces that share a link are to be given to
/// `resolve` together. At most three.
///
/// Buckets are narrow and spans seldom have two of them, so that a storm of failures does not become one chain.
pub fn links(fact: &SpanFact) -> Vec<u64> {
    let Some(call) = &fact.call else { return Vec::new() };
    let mut links: Vec<u64> =
        call.response_id.iter().map(|id| xxh3_64(&[b"r", id.as_bytes()].concat())).collect();
    if !fact.kind.is_call() {
        return links;
    }
    let model = stem(call).unwrap_or_default();
    let mut bucket = |tag: &[u8], at_ns: u64| {
        let parts = [tag, &call.process.to_le_bytes(), &(at_ns / BUCKET_NS).to_le_bytes(), model.as_bytes()];
        let link = xxh3_64(&parts.concat());
        if !links.contains(&link) {
            links.push(link);
        }
    };
    let (root, named) = (fact.parent.is_none(), call.response_id.is_some());
    let standing = conventions::standing(&call.scope);
    if fact.kind == Kind::StreamTail {
        if root {
            bucket(b"s", begin(fact));
            bucket(b"s", begin(fact).saturating_sub(REACH_NS));
        }
        return links;
    }
    if standing.inside && root && (!named || call.streamed) {
        bucket(b"w", fact.start_ns);
    }
    if standing.outside && !named {
        bucket(b"w", fact.start_ns);
        bucket(b"w", fact.start_ns + REACH_NS);
    }
    if root && opens_stream(fact) {
        bucket(b"s", fact.end_ns);
    }
    links
}

/// Whether a span may be the first half of a stream whose second half tells the usage.
fn opens_stream(fact: &SpanFact) -> bool {
    let call = fact.call.as_ref().filter(|call| call.ok && call.output_tokens.is_none());
    fact.kind == Kind::ModelCall && call.is_some_and(|call| call.scope.starts_with("logfire."))
}

/// When the call began; the tail of a stream knows how long the stream took.
fn begin(fact: &SpanFact) -> u64 {
    let stream = fact.call.as_ref().and_then(|call| call.stream_ns).unwrap_or(0);
    fact.start_ns.saturating_sub(stream)
}

/// The model asked for without the provider before it: `openai/gpt-4o` -> `gpt-4o`.
fn stem(call: &CallFact) -> Option<String> {
    let model = call.model_requested.as_ref().or(call.model_named.as_ref()).or(call.model_used.as_ref())?;
    Some(bare(model))
}

fn bare(model: &str) -> String {
    model.rsplit('/').next().unwrap_or(model).to_lowercase()
}

/// The spans of a set of traces, each once, in the order of their ids, with the way up from each.
pub(super) struct Forest<'f> {
    pub facts: Vec<&'f SpanFact>,
    /// The parent, where it is there. Free of cycles.
    pub parent: Vec<Option<usize>>,
    /// Steps to the root.
    pub depth: Vec<u32>,
    /// What the spans above say.
    pub above: Vec<Above>,
}

/// The nearest spans above a span that say something, up to a judge: what lies beyond it is what is judged.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Above {
    /// That names a prompt.
    pub prompt: Option<usize>,
    /// That names a session.
    pub session: Option<usize>,
    /// That names a user.
    pub user: Option<usize>,
    /// That names an agent.
    pub agent: Option<usize>,
    /// The judge.
    pub judge: Option<usize>,
}

impl Above {
    /// What a child of span `i` has above it, where `beyond` is what `i` has above itself.
    fn below(i: usize, fact: &SpanFact, beyond: Above) -> Above {
        let judge = fact.kind == Kind::Evaluator;
        let beyond = if judge { Above { judge: Some(i), ..Above::default() } } else { beyond };
        let here = |said: bool| said.then_some(i);
        Above {
            prompt: here(fact.prompt.as_ref().is_some_and(|p| p.name.is_some())).or(beyond.prompt),
            session: here(fact.session.is_some()).or(beyond.session),
            user: here(fact.user.is_some()).or(beyond.user),
            agent: here(fact.agent.is_some()).or(beyond.agent),
            judge: beyond.judge,
        }
    }
}

impl<'f> Forest<'f> {
    /// Of several facts of one span the greatest is kept, so that order does not matter.
    pub(super) fn of(facts: impl IntoIterator<Item = &'f SpanFact>) -> Self {
        let mut facts: Vec<&SpanFact> = facts.into_iter().collect();
        facts.sort_unstable_by(|a, b| (a.trace, a.span).cmp(&(b.trace, b.span)).then_with(|| b.cmp(a)));
        facts.dedup_by_key(|fact| (fact.trace, fact.span));
        let place = |trace, span| facts.binary_search_by(|f| (f.trace, f.span).cmp(&(trace, span))).ok();
        let mut parent: Vec<Option<usize>> =
            facts.iter().map(|f| f.parent.and_then(|parent| place(f.trace, parent))).collect();
        let depth = depths(&mut parent);
        let mut above = vec![Above::default(); facts.len()];
        for i in downwards(&depth) {
            if let Some(parent) = parent[i] {
                above[i] = Above::below(parent, facts[parent], above[parent]);
            }
        }
        Forest { facts, parent, depth, above }
    }

    fn call(&self, i: usize) -> &CallFact {
        // Only indices of calls come here; a default would be a call without a word.
        static NONE: std::sync::LazyLock<CallFact> = std::sync::LazyLock::new(CallFact::default);
        self.facts[i].call.as_deref().unwrap_or(&NONE)
    }
}

/// All indices, parents before children.
fn downwards(depth: &[u32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..depth.len()).collect();
    order.sort_unstable_by_key(|&i| depth[i]);
    order
}

/// Steps to the root of each; where parents run in a circle, it is cut.
fn depths(parent: &mut [Option<usize>]) -> Vec<u32> {
    const UNKNOWN: u32 = u32::MAX;
    const ON_THE_WAY: u32 = u32::MAX - 1;
    let mut depth = vec![UNKNOWN; parent.len()];
    let mut way = Vec::new();
    for start in 0..parent.len() {
        let mut at = start;
        let mut above = loop {
            match depth[at] {
                UNKNOWN => {
                    depth[at] = ON_THE_WAY;
                    way.push(at);
                    match parent[at] {
                        Some(next) => at = next,
                        None => break None,
                    }
                }
                ON_THE_WAY => {
                    if let Some(&last) = way.last() {
                        parent[last] = None;
                    }
                    break None;
                }
                known => break Some(known),
            }
        };
        while let Some(i) = way.pop() {
            let here = above.map_or(0, |depth| depth + 1);
            depth[i] = here;
            above = Some(here);
        }
    }
    depth
}

/// The calls: each a list of spans, the outermost first.
pub(super) fn group(forest: &Forest<'_>) -> Vec<Vec<usize>> {
    let mut sets = Sets::of(forest.facts.len());
    let around = nest(forest, &mut sets);
    let calls: Vec<usize> =
        (0..forest.facts.len()).filter(|i| forest.facts[*i].kind.is_call() && !around.contains(i)).collect();
    close_streams(forest, &calls, &mut sets);
    same_answer(forest, &calls, &mut sets);
    within(forest, &calls, &mut sets);

    let mut groups: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
    for i in calls {
        groups.entry(sets.find(i)).or_default().push(i);
    }
    let mut groups: Vec<Vec<usize>> = groups.into_values().collect();
    for group in &mut groups {
        group.sort_unstable_by_key(|&i| {
            let fact = forest.facts[i];
            (fact.start_ns, forest.depth[i], Reverse(fact.end_ns), i)
        });
    }
    groups.sort_unstable();
    groups
}

/// Joins each call span with the nearest call span above it. Returns those that lie around several answered calls:
/// they are wrappers, whatever they call themselves. An answer without an id is told by its tokens and its time.
fn nest(forest: &Forest<'_>, sets: &mut Sets) -> FxHashSet<usize> {
    let facts = &forest.facts;
    // The nearest call above, through spans that add nothing. A tool, an agent or a judge that runs inside a call
    // makes calls of its own.
    let mut above: Vec<Option<usize>> = vec![None; facts.len()];
    let mut below: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
    for i in downwards(&forest.depth) {
        above[i] = forest.parent[i].and_then(|parent| match facts[parent].kind {
            Kind::ModelCall => Some(parent),
            Kind::Wrapper | Kind::Plain => above[parent],
            _ => None,
        });
        match (above[i], facts[i].kind) {
            (Some(outer), Kind::ModelCall) => below.entry(outer).or_default().push(i),
            (Some(outer), Kind::StreamTail) => sets.join(outer, i),
            _ => {}
        }
    }
    let mut around = FxHashSet::default();
    for (outer, inner) in below {
        let answers: FxHashSet<&str> = inner
            .iter()
            .filter(|&&i| forest.call(i).ok)
            .filter_map(|&i| forest.call(i).response_id.as_deref())
            .collect();
        let own = forest.call(outer).response_id.as_deref();
        if answers.len() + unnamed_answers(forest, &inner) < 2 {
            for &i in &inner {
                sets.join(outer, i);
            }
        } else if own.is_some_and(|own| answers.contains(own)) {
            inner
                .iter()
                .filter(|&&i| forest.call(i).response_id.as_deref() == own)
                .for_each(|&i| sets.join(outer, i));
        } else {
            around.insert(outer);
        }
    }
    around
}

/// How many answers without an id there are among spans: those that report output tokens, while no other answer is
/// under way. Spans that overlap may describe one answer, and count as one.
fn unnamed_answers(forest: &Forest<'_>, spans: &[usize]) -> usize {
    let answered = |i: &usize| {
        let call = forest.call(*i);
        call.ok && (call.response_id.is_some() || call.output_tokens.is_some_and(|n| n > 0))
    };
    let mut answered: Vec<usize> = spans.iter().copied().filter(answered).collect();
    if answered.len() < 2 {
        return 0;
    }
    answered.sort_unstable_by_key(|&i| (forest.facts[i].start_ns, i));
    // Runs of spans that overlap: when each ends, and whether an id is among them.
    let mut runs: Vec<(u64, bool)> = Vec::new();
    for i in answered {
        let (fact, named) = (forest.facts[i], forest.call(i).response_id.is_some());
        match runs.last_mut() {
            Some((end_ns, any)) if fact.start_ns < *end_ns => {
                (*end_ns, *any) = (fact.end_ns.max(*end_ns), *any || named);
            }
            _ => runs.push((fact.end_ns, named)),
        }
    }
    runs.iter().filter(|(_, named)| !named).count()
}

/// Joins the tail of a stream with the span that opened it: same instrumentation, process and model, no usage yet,
/// ended when the stream began. First within one place of a trace, then across traces.
fn close_streams(forest: &Forest<'_>, calls: &[usize], sets: &mut Sets) {
    let mut tails: Vec<usize> =
        calls.iter().copied().filter(|&i| forest.facts[i].kind == Kind::StreamTail).collect();
    tails.sort_unstable_by_key(|&i| (begin(forest.facts[i]), i));
    let mut taken = FxHashSet::default();
    for same_place in [true, false] {
        let key = |i: usize| {
            let (fact, call) = (forest.facts[i], forest.call(i));
            let place = same_place.then_some((fact.trace, fact.parent));
            (place, call.scope.as_str(), call.process, stem(call))
        };
        let mut openers: FxHashMap<_, Vec<(u64, usize)>> = FxHashMap::default();
        for &i in calls {
            if opens_stream(forest.facts[i])
                && !tails.is_empty()
                && (same_place || forest.facts[i].parent.is_none())
            {
                openers.entry(key(i)).or_default().push((forest.facts[i].end_ns, i));
            }
        }
        for list in openers.values_mut() {
            list.sort_unstable();
        }
        tails.retain(|&tail| {
            if !same_place && forest.facts[tail].parent.is_some() {
                return true;
            }
            let opened = begin(forest.facts[tail]);
            let candidates = openers.get(&key(tail)).map_or(&[][..], Vec::as_slice);
            let from = candidates.partition_point(|(end, _)| end + TAIL_GAP_NS < opened);
            let near =
                candidates[from..].iter().take(MAX_TRIED).take_while(|(end, _)| *end <= opened + TAIL_GAP_NS);
            let best =
                near.filter(|(_, i)| !taken.contains(i)).min_by_key(|(end, i)| (end.abs_diff(opened), *i));
            if let Some(&(_, opener)) = best {
                taken.insert(opener);
                sets.join(opener, tail);
            }
            best.is_none()
        });
    }
}

/// Joins spans with one answer's id that overlap in time. One instrumentation describes a call once: two of its
/// spans with one id, neither below the other, are two calls (a mock, a cache) that were given the same answer.
fn same_answer(forest: &Forest<'_>, calls: &[usize], sets: &mut Sets) {
    struct Cluster<'a> {
        member: usize,
        end_ns: u64,
        scopes: Vec<&'a str>,
    }
    let mut by_id: FxHashMap<&str, Vec<usize>> = FxHashMap::default();
    for &i in calls {
        if let Some(id) = &forest.call(i).response_id {
            by_id.entry(id).or_default().push(i);
        }
    }
    // LiteLLM writes the id into a span of its own, below the call.
    for (i, fact) in forest.facts.iter().enumerate().filter(|(_, fact)| !fact.kind.is_call()) {
        if let (Some(parent), Some(id)) =
            (forest.parent[i], fact.call.as_ref().and_then(|c| c.response_id.as_deref()))
            && forest.facts[parent].kind == Kind::ModelCall
            && forest.call(parent).response_id.is_none()
        {
            by_id.entry(id).or_default().push(parent);
        }
    }
    for mut spans in by_id.into_values().filter(|spans| spans.len() > 1) {
        spans.sort_unstable_by_key(|&i| (forest.facts[i].start_ns, i));
        let mut clusters: Vec<Cluster<'_>> = Vec::new();
        for i in spans {
            let (fact, scope) = (forest.facts[i], forest.call(i).scope.as_str());
            let set = sets.find(i);
            let fits = clusters.iter_mut().rev().take(8).find(|cluster| {
                sets.find(cluster.member) == set
                    || fact.start_ns <= cluster.end_ns + SKEW_NS && !cluster.scopes.contains(&scope)
            });
            match fits {
                Some(cluster) => {
                    sets.join(cluster.member, i);
                    cluster.end_ns = cluster.end_ns.max(fact.end_ns);
                    cluster.scopes.push(scope);
                }
                None => clusters.push(Cluster { member: i, end_ns: fact.end_ns, scopes: vec![scope] }),
            }
        }
    }
}

/// What is known of a set of joined spans.
struct Known<'a> {
    outermost: usize,
    start_ns: u64,
    end_ns: u64,
    ok: bool,
    ids: Vec<&'a str>,
    scopes: Vec<&'a str>,
    models: Vec<String>,
    output_tokens: Option<u32>,
}

impl Known<'_> {
    /// Whether two sets can describe one call: no instrumentation in both, no two answers.
    fn distinct(&self, other: &Known<'_>) -> bool {
        !self.scopes.iter().any(|scope| other.scopes.contains(scope))
            && (self.ids.is_empty()
                || other.ids.is_empty()
                || self.ids.iter().any(|id| other.ids.contains(id)))
    }
}

/// Joins a call that has lost its outside with the call whose time it lies in: the inner one is a root, or stands
/// beside the outer one; same process, other instrumentation, same model, no contradiction in id, outcome or usage.
/// Of several that fit, the one that began last.
fn within(forest: &Forest<'_>, calls: &[usize], sets: &mut Sets) {
    let mut known: FxHashMap<usize, Known<'_>> = FxHashMap::default();
    let mut sorted = calls.to_vec();
    sorted.sort_unstable_by_key(|&i| (forest.facts[i].start_ns, forest.depth[i], i));
    for i in sorted {
        let (fact, call) = (forest.facts[i], forest.call(i));
        let set = known.entry(sets.find(i)).or_insert_with(|| Known {
            outermost: i,
            start_ns: fact.start_ns,
            end_ns: 0,
            ok: call.ok,
            ids: Vec::new(),
            scopes: Vec::new(),
            models: Vec::new(),
            output_tokens: None,
        });
        set.end_ns = set.end_ns.max(fact.end_ns);
        set.ids.extend(call.response_id.as_deref());
        set.scopes.push(&call.scope);
        set.output_tokens = set.output_tokens.or(call.output_tokens.filter(|n| *n > 0));
        for model in [&call.model_requested, &call.model_named, &call.model_used].into_iter().flatten() {
            set.models.push(bare(model));
        }
    }
    let mut sets_by_process: FxHashMap<u64, Vec<usize>> = FxHashMap::default();
    for (set, it) in &known {
        sets_by_process.entry(forest.call(it.outermost).process).or_default().push(*set);
    }
    // An outer span is one without an id; sets of spans join under the least of their indices.
    for mut list in sets_by_process.into_values() {
        list.sort_unstable_by_key(|set| (known[set].start_ns, known[set].outermost));
        let outers: Vec<usize> = list.iter().copied().filter(|set| known[set].ids.is_empty()).collect();
        for inner in list {
            let it = &known[&inner];
            let upto = outers.partition_point(|set| known[set].start_ns <= it.start_ns);
            let fits = outers[..upto].iter().rev().take(MAX_TRIED).find(|&&outer| {
                let (whole, mine) = (sets.find(outer), sets.find(inner));
                // What an earlier join brought in counts: no instrumentation describes one call twice.
                whole != mine && contains(forest, &known[&outer], it) && known[&whole].distinct(&known[&mine])
            });
            if let Some(&outer) = fits {
                let (whole, mine) = (sets.find(outer), sets.find(inner));
                sets.join(outer, inner);
                let (kept, gone) = (whole.min(mine), whole.max(mine));
                let (ids, scopes) = (known[&gone].ids.clone(), known[&gone].scopes.clone());
                if let Some(set) = known.get_mut(&kept) {
                    set.ids.extend(ids);
                    set.scopes.extend(scopes);
                }
            }
        }
    }
}

fn contains(forest: &Forest<'_>, outer: &Known<'_>, inner: &Known<'_>) -> bool {
    let (o, i) = (forest.facts[outer.outermost], forest.facts[inner.outermost]);
    let lost = i.parent.is_none() && i.trace != o.trace;
    // The inner one hangs where the outer one should: on the outer's parent, or, where a framework puts spans of its
    // own in between, further up.
    let hangs = forest.parent[inner.outermost];
    let mut way =
        std::iter::successors(forest.parent[outer.outermost], |&i| forest.parent[i]).take(MAX_TRIED);
    let beside = i.trace == o.trace
        && i.parent.is_some()
        && (i.parent == o.parent || hangs.is_some_and(|hangs| way.any(|above| above == hangs)));
    let usage = match (outer.output_tokens, inner.output_tokens) {
        // Traceloop counts one token more in a stream.
        (Some(outer), Some(inner)) => outer.abs_diff(inner) <= 2,
        _ => true,
    };
    (lost || beside)
        && inner.end_ns <= outer.end_ns + SLACK_NS
        && (outer.ok == inner.ok || !outer.ok)
        && usage
        && agree(&outer.models, &inner.models)
}

/// Whether two sets of names can mean one model: `gpt-4o` and `gpt-4o-2024-08-06` can.
fn agree(a: &[String], b: &[String]) -> bool {
    a.is_empty()
        || b.is_empty()
        || a.iter().any(|a| b.iter().any(|b| a.starts_with(b.as_str()) || b.starts_with(a.as_str())))
}
