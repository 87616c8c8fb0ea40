//! The events of a world, one at a time and in time order.
//!
//! Sessions arrive minute by minute by the hour of the week; each makes its calls and each call may earn a signal
//! later. Memory holds only open sessions and signals under way, never the past. Must not know why a prompt behaves
//! as it does: that stands in `stories.rs`. Start with [`Traffic::next`].

mod adopt;

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::domain::call::{Call, HOUR_MS, Millis};
use crate::domain::event::Event;
use crate::domain::feedback::{Feedback, Signal, Source, Target, alias};
use crate::domain::prompt::{PromptCallMetadata, PromptLayer};

use super::arrivals::{Arrival, Arrivals};
use super::dice::{Dice, Ids, Spread, weighted};
use super::models::{COUNT, MODELS};
use super::prompts::ORG;
use super::stories;
use super::words::{Failure, remarks};
use super::world::{DAY_MS, Edition, Recipe, Turn, World};

/// Longest time from a call to its signal.
pub const LATEST_FEEDBACK_MS: i64 = 4 * DAY_MS;
/// How long before its first event a live stream begins, so that sessions are under way.
const WARM_UP_MS: i64 = HOUR_MS / 12;
/// Share of sessions whose user comments often, and how much more often.
const VOCAL: (f64, f64) = (0.15, 3.0);
/// How much of a signal is the session's mood rather than the single answer.
const MOOD: f64 = 0.6;
/// Odds of an unhappy signal by source: agents are lenient, checks by the platform report what is wrong.
const SOURCE_ODDS: [f64; 3] = [1.0, 0.7, 1.8];
/// Odds of an unhappy signal at night (UTC).
const NIGHT_ODDS: f64 = 1.25;
/// Share of calls with a long enough prefix that find it in the provider's cache.
const CACHED: f64 = 0.4;
const USERS: [&str; 32] = [
    "ana", "jonas", "mei", "priya", "tomas", "lena", "amir", "beth", "carl", "dina", "eike", "fay", "gus",
    "hana", "ivan", "judy", "kofi", "lia", "marc", "nora", "omar", "pia", "quinn", "rosa", "sven", "tara",
    "uma", "vera", "wes", "xeni", "yann", "zoe",
];

/// The stream of a world's events. See [`World::traffic`] and [`World::live`].
#[derive(Debug)]
pub struct Traffic<'w> {
    world: &'w World,
    dice: Dice,
    tokens_in: Spread,
    tokens_out: Spread,
    speed: Spread,
    call_ids: Ids,
    session_ids: Ids,
    feedback_ids: Ids,

    arrivals: Arrivals<'w>,
    /// Events before this moment are not told.
    since: Millis,
    next_turn: usize,
    serving: Vec<Serving>,
    active: Vec<usize>,
    /// What became active beside the plan, until the plan's next version does.
    adopted: Vec<Option<Edition>>,
    models: [Mood; COUNT],
    open: BinaryHeap<Reverse<Session>>,
    pending: BinaryHeap<Reverse<Pending>>,
    sessions: u64,
    calls: u64,
    /// Numbers drawn evenly so far: for signals on each model, and for models.
    evens: [u32; COUNT],
    even_models: u32,
}

/// The current state of a recipe.
#[derive(Debug)]
struct Serving {
    metadata: Option<Arc<PromptCallMetadata>>,
    odds: f64,
    input: f64,
    prefix: u32,
    models: [f64; COUNT],
    sources: [f64; 3],
}

/// The current state of a model.
#[derive(Debug, Clone, Copy)]
struct Mood {
    odds: f64,
    slower: f64,
    errors: f64,
}

/// A session between two calls. Ordered by the time of its next call.
#[derive(Debug, Clone)]
struct Session {
    next: Millis,
    number: u64,
    recipe: usize,
    user: &'static str,
    left: u32,
    mood: f64,
    vocal: bool,
}

/// A signal under way. Ordered by the time of its arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Pending {
    at: Millis,
    call: u64,
    signal: Signal,
    source: Source,
    detail: Option<&'static str>,
}

impl PartialEq for Session {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Session {}
impl PartialOrd for Session {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Session {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.next, self.number).cmp(&(other.next, other.number))
    }
}

impl World {
    /// The planned events from the start to the end of the plan, in time order: exactly as many calls as planned, and
    /// the feedback that has arrived by the end. Each event is made when it is asked for.
    pub fn traffic(&self) -> Traffic<'_> {
        Traffic::planned(self)
    }

    /// Whether a call of [`World::traffic`] has this provenance id.
    pub fn is_call(&self, provenance_id: &str) -> bool {
        let ids = Ids::new(self.plan().seed, "call", 12);
        ids.number(provenance_id).is_some_and(|number| number < self.plan().calls)
    }

    /// The world's life from `from` on without end, at about `per_second` calls a second; every story has happened
    /// that the plan puts before `from`. Its ids occur neither in [`World::traffic`] nor in a stream from another moment.
    pub fn live(&self, from: Millis, per_second: f64) -> Traffic<'_> {
        Traffic::live(self, from, per_second)
    }
}

impl<'w> Traffic<'w> {
    fn planned(world: &'w World) -> Traffic<'w> {
        Traffic::new(world, world.plan.start(), "traffic", Arrivals::planned(world))
    }

    fn live(world: &'w World, from: Millis, per_second: f64) -> Traffic<'w> {
        let begin = from - WARM_UP_MS;
        let arrivals = Arrivals::live(world, begin, per_second);
        let mut traffic = Traffic::new(world, begin, &format!("live {from}"), arrivals);
        traffic.since = from;
        // Numbers far from those of any other stream of this world.
        let base = xxh3_64_with_seed(&from.to_le_bytes(), world.plan.seed) >> 8;
        (traffic.calls, traffic.sessions) = (base, base);
        traffic
    }

    fn new(world: &'w World, from: Millis, purpose: &str, arrivals: Arrivals<'w>) -> Traffic<'w> {
        let seed = world.plan.seed;
        let active = world
            .prompts
            .iter()
            .map(|p| p.versions.iter().rposition(|e| e.active_from <= world.plan.start()).unwrap_or(0))
            .collect();
        let mut traffic = Traffic {
            world,
            dice: Dice::new(seed, purpose),
            tokens_in: Spread::new(0.35),
            tokens_out: Spread::new(0.45),
            speed: Spread::new(0.30),
            call_ids: Ids::new(seed, "call", 12),
            session_ids: Ids::new(seed, "session", 8),
            feedback_ids: Ids::new(seed, "feedback", 12),
            arrivals,
            since: from,
            next_turn: 0,
            serving: Vec::with_capacity(world.recipes.len()),
            active,
            adopted: world.prompts.iter().map(|_| None).collect(),
            models: [Mood { odds: 1.0, slower: 1.0, errors: 0.0 }; COUNT],
            open: BinaryHeap::new(),
            pending: BinaryHeap::new(),
            sessions: 0,
            calls: 0,
            evens: [0; COUNT],
            even_models: 0,
        };
        for recipe in &world.recipes {
            let serving = traffic.serve(recipe);
            traffic.serving.push(serving);
        }
        traffic.turn(from);
        traffic
    }

    /// Signals that are under way: what the stream holds beside its open sessions.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Open sessions.
    pub fn open_sessions(&self) -> usize {
        self.open.len()
    }

    fn serve(&self, recipe: &Recipe) -> Serving {
        let (mut odds, mut input, mut text) = (1.0, recipe.character.input, 0.0);
        let mut layers = Vec::with_capacity(recipe.prompts.len());
        for p in &recipe.prompts {
            let prompt = &self.world.prompts[*p];
            let newest = &prompt.versions[prompt.versions.len() - 1];
            let now = self.adopted[*p].as_ref().unwrap_or(&prompt.versions[self.active[*p]]);
            odds *= now.odds;
            input += now.tokens - newest.tokens;
            text += now.tokens;
            let version = now.version.clone();
            layers.push(PromptLayer {
                scope: prompt.uri.scope(),
                uri: prompt.uri.at(version.clone()),
                version,
            });
        }
        let input = input.max(text * 0.8);
        let metadata = (!layers.is_empty()).then(|| {
            Arc::new(PromptCallMetadata {
                prompt_uris: layers.iter().map(|l| l.uri.clone()).collect(),
                prompt_versions: layers.iter().map(|l| l.version.clone()).collect(),
                layers,
                composition_method: recipe.method,
                variables_used: recipe.variables.clone(),
                estimated_tokens: Some(input as u32),
                org_id: ORG.to_owned(),
            })
        });
        let character = &recipe.character;
        let (models, sources) = (character.models, character.sources);
        Serving { metadata, odds, input, prefix: text as u32 / 64 * 64, models, sources }
    }

    /// Lets everything happen that is due by `now`.
    fn turn(&mut self, now: Millis) {
        while let Some((at, turn)) = self.world.turns.get(self.next_turn)
            && *at <= now
        {
            self.next_turn += 1;
            match *turn {
                Turn::Active { prompt, version } => {
                    (self.active[prompt], self.adopted[prompt]) = (version, None);
                    self.serve_anew(prompt);
                }
                Turn::Models { recipe, shares } => self.serving[recipe].models = shares,
                Turn::Sources { recipe, shares } => self.serving[recipe].sources = shares,
                Turn::Model { model, odds, slower, errors } => {
                    self.models[model] = Mood { odds, slower, errors }
                }
            }
        }
    }

    /// What uses the prompt goes on with the version that is active now, on the models and judged as before.
    fn serve_anew(&mut self, prompt: usize) {
        for recipe in &self.world.uses[prompt] {
            let old = &self.serving[*recipe];
            let (models, sources) = (old.models, old.sources);
            let new = self.serve(&self.world.recipes[*recipe]);
            self.serving[*recipe] = Serving { models, sources, ..new };
        }
    }

    /// Opens the sessions of the next stretch of time; false at the end of the plan.
    fn advance(&mut self) -> bool {
        if !self.arrivals.advance() {
            return false;
        }
        while let Some(Arrival { at, recipe, calls }) = self.arrivals.next(&mut self.dice) {
            let user = self.world.recipes[recipe].user.unwrap_or_else(|| USERS[self.dice.below(USERS.len())]);
            let (mood, vocal) = (self.dice.unit(), self.dice.chance(VOCAL.0));
            let number = self.sessions;
            self.sessions += 1;
            self.open.push(Reverse(Session { next: at, number, recipe, user, left: calls, mood, vocal }));
        }
        true
    }

    /// The next call of `session`, which goes on if it has calls left.
    fn call(&mut self, mut session: Session) -> Call {
        let at = session.next;
        self.turn(at);
        let number = self.calls;
        self.calls += 1;
        let recipe = &self.world.recipes[session.recipe];
        let serving = &self.serving[session.recipe];
        let point = if recipe.character.even { even(&mut self.even_models) } else { self.dice.unit() };
        let model = weighted(&serving.models, point);
        let (facts, mood) = (&MODELS[model], self.models[model]);

        let input = (serving.input * self.tokens_in.roll(&mut self.dice)).max(1.0) as u32;
        let output = (recipe.character.output * self.tokens_out.roll(&mut self.dice)).max(1.0) as u32;
        let cacheable = serving.prefix >= 128 && facts.cached < facts.input;
        let cached =
            if cacheable && self.dice.chance(CACHED) { serving.prefix.min(input / 64 * 64) } else { 0 };
        let speed = self.speed.roll(&mut self.dice) * mood.slower * 1_000.0;
        let first = facts.first_ms * speed;
        let duration = first + facts.token_ms * f64::from(output) * speed;
        let cost = i64::from(input - cached) * facts.input
            + i64::from(cached) * facts.cached
            + i64::from(output) * facts.output;

        let failing = facts.errors + mood.errors;
        let roll = self.dice.unit();
        let failure = if roll < failing {
            Some(Failure::of_model(roll / failing))
        } else if roll < failing + recipe.character.errors {
            Some(Failure::OF_PROMPT)
        } else {
            None
        };
        let call = Call {
            provenance_id: self.call_ids.text(number),
            at,
            prompts: serving.metadata.clone(),
            model: facts.name.to_owned(),
            provider: Some(facts.provider.to_owned()),
            // A provider that fails reports no usage, and bills none.
            input_tokens: failure.is_none().then_some(input),
            output_tokens: failure.is_none().then_some(output),
            cached_tokens: failure.is_none().then_some(cached),
            cost: Some(if failure.is_some() { 0 } else { cost }),
            cost_estimated: false,
            duration_us: Some(failure.map_or(duration, |f| f.milliseconds * speed) as u64),
            ttft_us: failure.is_none().then_some(first as u64),
            ok: failure.is_none(),
            error: failure.map(|f| f.text.to_owned()),
            agent: Some(recipe.agent.clone()),
            session: Some(self.session_ids.text(session.number)),
            user: Some(session.user.to_owned()),
        };
        if failure.is_none() {
            self.maybe_signal(&session, number, at + duration as i64 / 1_000, model);
        }
        session.left -= 1;
        if session.left > 0 {
            session.next = self.after(at);
            self.open.push(Reverse(session));
        }
        call
    }

    /// The time of a session's call after one at `at`; a session ends within the plan.
    fn after(&mut self, at: Millis) -> Millis {
        let gap = 4_000 + (55_000.0 * self.tokens_out.roll(&mut self.dice)) as i64;
        match self.arrivals.end() {
            Some(end) if at + gap >= end => at + self.dice.below((end - at).max(1) as usize) as i64,
            _ => at + gap,
        }
    }

    /// Decides now whether, how and when somebody will judge the call that was answered at `answered`.
    fn maybe_signal(&mut self, session: &Session, call: u64, answered: Millis, model: usize) {
        let character = &self.world.recipes[session.recipe].character;
        let quiet = (1.0 - VOCAL.0 * VOCAL.1) / (1.0 - VOCAL.0);
        if !self.dice.chance(character.feedback * if session.vocal { VOCAL.1 } else { quiet }) {
            return;
        }
        let (signal, source) = self.judge(session, answered, model);
        let delay = match source {
            Source::System => self.dice.between(200.0, 20_000.0),
            Source::Agent => self.dice.between(1_000.0, 240_000.0),
            Source::User if self.dice.chance(0.08) => {
                self.dice.between(HOUR_MS as f64, LATEST_FEEDBACK_MS as f64 - 600_000.0)
            }
            Source::User => 8_000.0 + 150_000.0 * self.tokens_out.roll(&mut self.dice),
        };
        let at = answered + delay as i64;
        let detail =
            if self.dice.chance(0.25) { Some(*self.dice.choose(remarks(signal, source))) } else { None };
        if self.arrivals.end().is_some_and(|end| at >= end) {
            return;
        }
        self.pending.push(Reverse(Pending { at, call, signal, source, detail }));
    }

    /// What is said about an answer, and by whom.
    fn judge(&mut self, session: &Session, answered: Millis, model: usize) -> (Signal, Source) {
        let character = &self.world.recipes[session.recipe].character;
        let serving = &self.serving[session.recipe];
        let source = self.dice.weighted(&serving.sources);
        let mut odds =
            stories::odds(character.unhappy) * serving.odds * character.odds[model] * self.models[model].odds;
        let [negative, rephrase, correction] = character.complaints;
        let mut complaints = character.complaints;
        let luck = if character.even {
            even(&mut self.evens[model])
        } else {
            let night = (answered / HOUR_MS).rem_euclid(24) < 6;
            odds *= SOURCE_ODDS[source] * if night { NIGHT_ODDS } else { 1.0 };
            // Only a user can rephrase; an agent that asks again mostly reports a poor answer.
            complaints = match Source::ALL[source] {
                Source::User => complaints,
                Source::Agent => [negative + rephrase / 2.0, rephrase / 2.0, correction],
                Source::System => [negative + rephrase, 0.0, correction],
            };
            if self.dice.chance(MOOD) { session.mood } else { self.dice.unit() }
        };
        let unhappy = odds / (1.0 + odds);
        let signal = if luck < unhappy {
            [Signal::Negative, Signal::Rephrase, Signal::Correction][weighted(&complaints, luck / unhappy)]
        } else {
            Signal::Positive
        };
        (signal, Source::ALL[source])
    }

    fn feedback(&self, pending: Pending) -> Feedback {
        let call = self.call_ids.text(pending.call);
        Feedback {
            id: self.feedback_ids.text(pending.call),
            target: Target { alias: alias::provenance(&call), text: call },
            signal: Some(pending.signal),
            source: pending.source,
            detail: pending.detail.map(str::to_owned),
            at: pending.at,
        }
    }
}

impl Iterator for Traffic<'_> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        loop {
            let event = self.step()?;
            if event.at() >= self.since {
                return Some(event);
            }
        }
    }
}

impl Traffic<'_> {
    /// The next event, those of the warm-up included.
    fn step(&mut self) -> Option<Event> {
        loop {
            let call = self.open.peek().map(|Reverse(s)| s.next);
            let signal = self.pending.peek().map(|Reverse(p)| p.at);
            let known = self.arrivals.known_until();
            match (call, signal) {
                (call, Some(at)) if at < known && call.is_none_or(|c| at < c) => {
                    let Reverse(pending) = self.pending.pop()?;
                    return Some(Event::Feedback(self.feedback(pending)));
                }
                (Some(at), _) if at < known => {
                    let Reverse(session) = self.open.pop()?;
                    return Some(Event::Call(self.call(session)));
                }
                _ if self.advance() => {}
                _ => return None,
            }
        }
    }
}

/// The next number of a sequence that fills `0.0..1.0` as evenly as can be (Weyl's, by the golden ratio).
fn even(drawn: &mut u32) -> f64 {
    *drawn = drawn.wrapping_add(1);
    (f64::from(*drawn) * 0.618_033_988_749_894_9).fract()
}
