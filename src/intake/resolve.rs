//! From the facts of spans to calls: pure, and the same for any order and any repetition of the facts. Which spans
//! belong to one call is decided in `join`; here each group is read as one call. Start with [`resolve`].
//!
//! A group is read from the outside in for what the caller knows best (model, cost, outcome, prompt, session) and
//! from the inside out for what the wire knows best (tokens).

use std::cmp::Reverse;

use rustc_hash::{FxHashMap, FxHashSet};

use super::join::{self, Above, Forest};
use super::signal::hex;
use super::span::{CallFact, Kind, PromptFact, SpanFact};
use super::wire::millis;
use crate::domain::call::Call;
use crate::domain::feedback::alias;

/// Most spans above a call by which feedback may address it.
const MAX_ANCESTORS: usize = 128;

/// Where a call's prompt was found, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PromptSource {
    /// On the outermost span of the call.
    Own,
    /// On another span of the same call.
    DuplicateSpan,
    /// On the nearest span above that names one.
    Ancestor,
    /// On the span of a template filled in just before, beside the call.
    SiblingPrompt,
    /// No name, but a template.
    TemplateOnly,
    /// Nowhere.
    None,
}

/// A prompt as foreign telemetry names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ForeignPrompt {
    /// The name, verbatim.
    pub name: Option<String>,
    /// The version, verbatim.
    pub version: Option<String>,
    /// Where it was found.
    pub source: PromptSource,
    /// The attribute that gave the name, in the notation of `conventions`.
    pub key_attribute: Option<String>,
    /// SHA-256 of the template.
    pub template_sha256: Option<[u8; 32]>,
    /// Names of the template's variables, sorted.
    pub variables: Vec<String>,
}

/// One logical model call.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// The call; `prompts` is left to `identify`. Its id is that of the span that ended first, for exporters send
    /// spans as they end: what arrives later rarely changes it.
    pub call: Call,
    /// The prompt, as named.
    pub foreign: ForeignPrompt,
    /// The names under which feedback may address the call, sorted: its spans and those above them, its traces, its
    /// associations, session and answer's id, and the ids that it had while fewer of its spans were known. Nothing
    /// above a judge's span: feedback there is about the judged.
    pub aliases: Vec<u64>,
    /// Whether `call.input_tokens`, as reported, leaves out `call.cached_tokens`: prices need both added.
    pub excludes_cache: bool,
}

/// Groups the facts of one or several traces into calls, by time and id. Takes any set of facts; a group that is not
/// complete yet gives what can be said so far.
pub fn resolve<'f>(facts: impl IntoIterator<Item = &'f SpanFact>) -> Vec<Resolved> {
    let forest = Forest::of(facts);
    let prompts = Prompts::of(&forest);
    let mut calls: Vec<Resolved> =
        join::group(&forest).iter().map(|spans| Group { forest: &forest, spans }.read(&prompts)).collect();
    calls.sort_by(|a, b| (a.call.at, &a.call.provenance_id).cmp(&(b.call.at, &b.call.provenance_id)));
    calls
}

/// The id of the call whose span ended first of all that describe it.
pub(super) fn provenance_id(fact: &SpanFact) -> String {
    format!("{}-{}", hex(&fact.trace), hex(&fact.span))
}

/// A place in a trace: the trace and the parent.
type Place = ([u8; 16], [u8; 8]);

/// The spans of kind PROMPT by place, sorted by end.
struct Prompts(FxHashMap<Place, Vec<(u64, usize)>>);

impl Prompts {
    fn of(forest: &Forest<'_>) -> Self {
        let mut places: FxHashMap<Place, Vec<(u64, usize)>> = FxHashMap::default();
        for (i, fact) in forest.facts.iter().enumerate() {
            if let (Kind::Prompt, Some(parent), Some(_)) = (fact.kind, fact.parent, &fact.prompt) {
                places.entry((fact.trace, parent)).or_default().push((fact.end_ns, i));
            }
        }
        for list in places.values_mut() {
            list.sort_unstable();
        }
        Prompts(places)
    }

    /// The last that ended before `fact` began, beside it.
    fn before(&self, fact: &SpanFact) -> Option<usize> {
        let list = self.0.get(&(fact.trace, fact.parent?))?;
        let upto = list.partition_point(|(end, _)| *end <= fact.start_ns);
        list[..upto].last().map(|(_, i)| *i)
    }
}

/// The spans of one call, the outermost first.
struct Group<'g, 'f> {
    forest: &'g Forest<'f>,
    spans: &'g [usize],
}

impl<'f> Group<'_, 'f> {
    fn facts(&self) -> impl DoubleEndedIterator<Item = &'f SpanFact> {
        self.spans.iter().map(|&i| self.forest.facts[i])
    }

    fn calls(&self) -> impl DoubleEndedIterator<Item = &'f CallFact> {
        self.facts().filter_map(|fact| fact.call.as_deref())
    }

    /// The first that any span says, from the outside in.
    fn first<T: Clone + 'f>(&self, said: impl Fn(&'f CallFact) -> &'f Option<T>) -> Option<T> {
        self.calls().find_map(|call| said(call).clone())
    }

    /// What the spans of the call say, else the nearest span above.
    fn surrounding(
        &self,
        said: impl Fn(&'f SpanFact) -> &'f Option<String>,
        above: impl Fn(&Above) -> Option<usize>,
    ) -> Option<String> {
        let above =
            self.spans.iter().filter_map(|&i| above(&self.forest.above[i])).map(|i| self.forest.facts[i]);
        self.facts().chain(above).find_map(|fact| said(fact).clone())
    }

    fn session(&self) -> Option<String> {
        self.surrounding(|fact| &fact.session, |above| above.session)
    }

    fn read(&self, prompts: &Prompts) -> Resolved {
        let start = self.facts().map(|fact| fact.start_ns).min().unwrap_or(0);
        let end = self.facts().map(|fact| fact.end_ns).max().unwrap_or(start);
        let first_ended = self.facts().min_by_key(|f| (f.end_ns, Reverse(f.start_ns), f.trace, f.span));
        let model = self.first(|c| &c.model_used).or_else(|| self.first(|c| &c.model_named));
        let model = model.or_else(|| self.first(|c| &c.model_requested));
        // The span nearest to the wire that counts.
        let usage =
            self.calls().rev().find(|call| call.input_tokens.is_some() || call.output_tokens.is_some());
        let tokens = |said: fn(&CallFact) -> Option<u32>| {
            usage.and_then(said).or_else(|| self.calls().rev().find_map(said))
        };
        let ok = self.ok();
        let error = self.first(|c| &c.error_type).or_else(|| self.first(|c| &c.error_text));
        Resolved {
            call: Call {
                provenance_id: first_ended.map_or_else(String::new, provenance_id),
                at: millis(start),
                prompts: None,
                model: model.unwrap_or_else(|| "unknown".into()),
                provider: self.first(|c| &c.provider),
                input_tokens: tokens(|call| call.input_tokens),
                output_tokens: tokens(|call| call.output_tokens),
                cached_tokens: self.calls().rev().find_map(|call| call.cached_tokens),
                cost: self.first(|c| &c.cost),
                cost_estimated: false,
                duration_us: Some((end - start) / 1_000),
                ttft_us: self.first(|c| &c.ttft_us),
                ok,
                error: if ok { None } else { Some(error.unwrap_or_else(|| "error".into())) },
                agent: self.surrounding(|fact| &fact.agent, |above| above.agent),
                session: self.session(),
                user: self.surrounding(|fact| &fact.user, |above| above.user),
            },
            foreign: self.prompt(prompts),
            aliases: self.aliases(first_ended),
            excludes_cache: usage.is_some_and(|call| call.excludes_cache),
        }
    }

    /// The outermost span decides: an attempt inside may fail and be repeated. It says nothing about a stream that
    /// breaks after it ended, so the span that ended last has a word too.
    fn ok(&self) -> bool {
        let outermost = self.calls().next().is_none_or(|call| call.ok);
        let last = self.facts().max_by_key(|fact| (fact.end_ns, fact.start_ns, fact.span));
        outermost && last.and_then(|fact| fact.call.as_ref()).is_none_or(|call| call.ok)
    }

    fn prompt(&self, prompts: &Prompts) -> ForeignPrompt {
        let own = || self.facts().filter_map(|fact| fact.prompt.as_deref());
        let named = |fact: &&PromptFact| fact.name.is_some();
        let outermost = self.facts().next().and_then(|fact| fact.prompt.as_deref());
        let at = |i: usize| self.forest.facts[i].prompt.as_deref();
        let above = || self.spans.iter().filter_map(|&i| self.forest.above[i].prompt).filter_map(at);
        let beside = || self.facts().filter_map(|fact| prompts.before(fact)).filter_map(at);

        let found = outermost
            .filter(named)
            .map(|fact| (PromptSource::Own, fact))
            .or_else(|| own().find(named).map(|fact| (PromptSource::DuplicateSpan, fact)))
            .or_else(|| above().find(named).map(|fact| (PromptSource::Ancestor, fact)))
            .or_else(|| beside().next().map(|fact| (PromptSource::SiblingPrompt, fact)))
            .or_else(|| {
                own().find(|fact| fact.template.is_some()).map(|fact| (PromptSource::TemplateOnly, fact))
            });
        let Some((source, fact)) = found else {
            let variables =
                own().find(|f| !f.variables.is_empty()).map(|f| f.variables.clone()).unwrap_or_default();
            return ForeignPrompt {
                name: None,
                version: None,
                source: PromptSource::None,
                key_attribute: None,
                template_sha256: None,
                variables,
            };
        };
        // What the spans of the call say about the template goes before what the namer says.
        let variables = own().chain([fact]).map(|fact| &fact.variables).find(|names| !names.is_empty());
        let template = own().chain([fact]).find_map(|fact| fact.template);
        ForeignPrompt {
            name: fact.name.clone(),
            version: if fact.name.is_some() { fact.version.clone() } else { fact.template_version.clone() },
            source,
            key_attribute: fact.key.clone(),
            template_sha256: template,
            variables: variables.cloned().unwrap_or_default(),
        }
    }

    fn aliases(&self, namesake: Option<&SpanFact>) -> Vec<u64> {
        let mut aliases = Vec::new();
        let mut seen = FxHashSet::default();
        for &i in self.spans {
            let fact = self.forest.facts[i];
            aliases.push(alias::span(&fact.trace, &fact.span));
            // Before the span came that names the call, this one did: native feedback may know the call by it.
            if namesake.is_some_and(|f| (f.trace, f.span) != (fact.trace, fact.span)) {
                aliases.push(alias::provenance(&provenance_id(fact)));
            }
            if let Some(call) = &fact.call {
                aliases.extend(
                    call.associations.iter().chain(&call.response_id).map(|id| alias::association(id)),
                );
            }
            // A judge inside a trace is no part of what is judged; a judge's own trace is.
            let judge = self.forest.above[i].judge;
            if judge.is_none_or(|judge| self.forest.facts[judge].parent.is_none()) {
                aliases.push(alias::trace(&fact.trace));
            }
            let mut upwards = self.forest.parent[i];
            while let Some(i) = upwards.filter(|i| seen.len() < MAX_ANCESTORS && seen.insert(*i)) {
                let fact = self.forest.facts[i];
                aliases.push(alias::span(&fact.trace, &fact.span));
                upwards = self.forest.parent[i].filter(|_| fact.kind != Kind::Evaluator);
            }
        }
        aliases.extend(self.session().map(|id| alias::association(&id)));
        aliases.sort_unstable();
        aliases.dedup();
        aliases
    }
}
