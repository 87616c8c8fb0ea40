//! Roll-ups: mergeable cells of counts, sums and sketches, and the signed deltas that they are folds of.
//!
//! A [`Delta`] is what one call or one signal adds to the cells, or, negated, takes back. Every cell in the store
//! is exactly the sum of the deltas of what is committed; everything is an integer, so order and sharding leave no
//! trace (see `statistics.md` 0.1 for what is kept and why).

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::stats::sketch::Sketch;
use crate::domain::feedback::{Signal, Source};
use crate::domain::prompt::Scope;

/// An hour since the epoch.
pub type Hour = i32;

/// Hours after its end in which an hour stays open for what arrives late (`statistics.md` 0.1).
pub const WATERMARK_HOURS: Hour = 2;

/// Number of a prompt version in the store's dictionary.
pub type VersionId = u32;

/// The part of a call that a cell is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Layer {
    /// The prompt was named among the call's prompts, without a layer of its own.
    Direct,
    /// The core layer of an effective prompt.
    Core,
    /// Its org overlay.
    Org,
    /// Its user patch.
    User,
}

impl From<Scope> for Layer {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Core => Layer::Core,
            Scope::Org => Layer::Org,
            Scope::User => Layer::User,
        }
    }
}

/// Which cell: a prompt version in a layer on a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CellKey {
    /// The prompt version; [`CellKey::FLEET`] and [`CellKey::UNPROMPTED`] are none.
    pub version: VersionId,
    /// The layer it had in the calls.
    pub layer: Layer,
    /// The model, by its number in the store's dictionary.
    pub model: u32,
}

impl CellKey {
    /// All calls of a model, whatever prompts they used: each call once.
    pub const FLEET: VersionId = 0;
    /// Calls that name no prompt.
    pub const UNPROMPTED: VersionId = 1;
    /// The first number of a real prompt version.
    pub const FIRST_VERSION: VersionId = 2;
}

/// Which clock a signal is counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Clock {
    /// Every signal, in the hour of its call: what screens and snapshots show.
    Call,
    /// Evidence units (the first signal per prompt, session or user, and hour), in the hour in which the signal
    /// arrived: what monitors and verdicts fold. For files and standard input the hour of the signal's own time stands
    /// for its arrival, so that history that is imported is folded as it happened.
    Arrival,
}

/// Counts of signals by clock, source and signal; sparse, ordered, zero counts removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tallies(Vec<(u8, i32)>);

fn slot(clock: Clock, source: Source, signal: Signal) -> u8 {
    clock as u8 * 12 + source as u8 * 4 + signal as u8
}

impl Tallies {
    /// Adds `count` (negative: takes back).
    pub fn add(&mut self, clock: Clock, source: Source, signal: Signal, count: i32) {
        self.add_slot(slot(clock, source, signal), count);
    }

    fn add_slot(&mut self, slot: u8, count: i32) {
        match self.0.binary_search_by_key(&slot, |s| s.0) {
            Ok(i) => {
                self.0[i].1 += count;
                if self.0[i].1 == 0 {
                    self.0.remove(i);
                }
            }
            Err(_) if count == 0 => {}
            Err(i) => self.0.insert(i, (slot, count)),
        }
    }

    /// The count of one source and signal by one clock.
    pub fn get(&self, clock: Clock, source: Source, signal: Signal) -> i64 {
        let slot = slot(clock, source, signal);
        self.0.iter().find(|s| s.0 == slot).map_or(0, |s| i64::from(s.1))
    }

    /// All counts by one clock, by source, then signal: one pass over what is there.
    pub fn counts(&self, clock: Clock) -> [[i64; 4]; 3] {
        let mut counts = [[0; 4]; 3];
        for &(slot, count) in &self.0 {
            if slot / 12 == clock as u8 {
                counts[usize::from(slot % 12 / 4)][usize::from(slot % 4)] = i64::from(count);
            }
        }
        counts
    }

    /// The count of one signal over all sources.
    pub fn signal(&self, clock: Clock, signal: Signal) -> i64 {
        Source::ALL.into_iter().map(|source| self.get(clock, source, signal)).sum()
    }

    /// All signals over all sources.
    pub fn total(&self, clock: Clock) -> i64 {
        Signal::ALL.into_iter().map(|signal| self.signal(clock, signal)).sum()
    }
}

/// What the store keeps of many calls: counts, sums, sums of squares, sketches. Merges by addition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// Calls.
    pub calls: i64,
    /// Calls that the provider answered.
    pub ok: i64,
    /// Calls with token counts.
    pub metered: i64,
    /// Calls with a cost.
    pub priced: i64,
    /// Calls whose cost was estimated from a price table.
    pub estimated: i64,
    /// Calls with a duration.
    pub timed: i64,
    /// Sum of input tokens.
    pub input_tokens: i64,
    /// Sum of output tokens.
    pub output_tokens: i64,
    /// Sum of cached input tokens.
    pub cached_tokens: i64,
    /// Sum of squares of a call's tokens (input + output).
    pub tokens_sq: i128,
    /// Sum of costs in nano-dollars.
    pub cost: i64,
    /// Sum of squares of costs.
    pub cost_sq: i128,
    /// Sum of durations in microseconds.
    pub latency: i64,
    /// Sum of squares of durations.
    pub latency_sq: i128,
    /// Signals.
    pub signals: Tallies,
    /// Tokens (input + output) of a call.
    pub token_sketch: Sketch,
    /// Cost of a call in nano-dollars.
    pub cost_sketch: Sketch,
    /// Duration of a call in microseconds.
    pub latency_sketch: Sketch,
}

/// What one call adds to a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallFacts {
    /// Whether the provider answered.
    pub ok: bool,
    /// Input and output tokens, where either is known.
    pub tokens: Option<(u32, u32)>,
    /// Cached input tokens.
    pub cached: u32,
    /// Cost in nano-dollars.
    pub cost: Option<i64>,
    /// Whether the cost was estimated here.
    pub estimated: bool,
    /// Duration in microseconds.
    pub latency_us: Option<u64>,
}

impl Cell {
    /// Adds one call, `sign` times (1 or −1).
    pub fn add_call(&mut self, call: &CallFacts, sign: i32) {
        let s = i64::from(sign);
        self.calls += s;
        self.ok += s * i64::from(call.ok);
        self.cached_tokens += s * i64::from(call.cached);
        if let Some((input, output)) = call.tokens {
            let total = i64::from(input) + i64::from(output);
            self.metered += s;
            self.input_tokens += s * i64::from(input);
            self.output_tokens += s * i64::from(output);
            self.tokens_sq += i128::from(s) * i128::from(total) * i128::from(total);
            self.token_sketch.add(total as u64, sign);
        }
        if let Some(cost) = call.cost {
            self.priced += s;
            self.estimated += s * i64::from(call.estimated);
            self.cost += s * cost;
            self.cost_sq += i128::from(s) * i128::from(cost) * i128::from(cost);
            self.cost_sketch.add(cost.max(0) as u64, sign);
        }
        if let Some(us) = call.latency_us {
            self.timed += s;
            self.latency += s * us as i64;
            self.latency_sq += i128::from(s) * i128::from(us) * i128::from(us);
            self.latency_sketch.add(us, sign);
        }
    }

    /// Adds all of `other`, `sign` times (1 or −1).
    pub fn merge(&mut self, other: &Cell, sign: i32) {
        self.merge_ranked(other, sign);
        self.token_sketch.merge(&other.token_sketch, sign);
        self.cost_sketch.merge(&other.cost_sketch, sign);
    }

    /// Adds what lists and reports read of `other`, `sign` times (1 or −1): all but the sketches of tokens and costs,
    /// which are for monitors alone. Of thousands of prompts these would be most of the memory.
    pub fn merge_ranked(&mut self, other: &Cell, sign: i32) {
        let s = i64::from(sign);
        self.calls += s * other.calls;
        self.ok += s * other.ok;
        self.metered += s * other.metered;
        self.priced += s * other.priced;
        self.estimated += s * other.estimated;
        self.timed += s * other.timed;
        self.input_tokens += s * other.input_tokens;
        self.output_tokens += s * other.output_tokens;
        self.cached_tokens += s * other.cached_tokens;
        self.tokens_sq += i128::from(s) * other.tokens_sq;
        self.cost += s * other.cost;
        self.cost_sq += i128::from(s) * other.cost_sq;
        self.latency += s * other.latency;
        self.latency_sq += i128::from(s) * other.latency_sq;
        for &(slot, count) in &other.signals.0 {
            self.signals.add_slot(slot, count * sign);
        }
        self.latency_sketch.merge(&other.latency_sketch, sign);
    }

    /// Whether nothing is left in it.
    pub fn is_empty(&self) -> bool {
        *self == Cell::default()
    }

    /// Mean tokens (input + output) of a call that reports them.
    pub fn mean_tokens(&self) -> Option<f64> {
        (self.metered > 0).then(|| (self.input_tokens + self.output_tokens) as f64 / self.metered as f64)
    }

    /// Mean cost of a priced call in US dollars.
    pub fn mean_cost_usd(&self) -> Option<f64> {
        (self.priced > 0).then(|| self.cost as f64 / self.priced as f64 / 1e9)
    }

    /// Mean cost where a cost is known: a cost of nothing is what a gateway reports for a model without a price.
    pub fn known_cost_usd(&self) -> Option<f64> {
        self.mean_cost_usd().filter(|usd| *usd > 0.0)
    }

    /// Mean duration of a timed call in milliseconds.
    pub fn mean_latency_ms(&self) -> Option<f64> {
        (self.timed > 0).then(|| self.latency as f64 / self.timed as f64 / 1e3)
    }
}

/// Which cells a call counts in: the prompt versions of one composition, by layer. Empty: no prompt is known.
pub type Subjects = [(VersionId, Layer)];

/// What a delta adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// A call.
    Call(CallFacts),
    /// A signal; by [`Clock::Arrival`] it is an evidence unit of one prompt version.
    Signal(Source, Signal),
    /// An evidence unit of the prompt version in the layer named.
    Unit(VersionId, Layer, Source, Signal),
}

/// One signed contribution to the cells of an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    /// 1 adds, −1 takes back.
    pub sign: i8,
    /// The hour: of the call, or, for a unit, of the arrival.
    pub hour: Hour,
    /// The call's composition, by its number in the store's dictionary.
    pub composition: u32,
    /// The call's model.
    pub model: u32,
    /// What is added.
    pub change: Change,
}

impl Delta {
    /// Hands every cell that the delta touches to `apply`, with its key.
    pub fn each(&self, subjects: &Subjects, mut apply: impl FnMut(CellKey, &Delta)) {
        let model = self.model;
        let key = |version, layer| CellKey { version, layer, model };
        if let Change::Unit(version, layer, ..) = self.change {
            return apply(key(version, layer), self);
        }
        apply(key(CellKey::FLEET, Layer::Direct), self);
        if subjects.is_empty() {
            apply(key(CellKey::UNPROMPTED, Layer::Direct), self);
        }
        for &(version, layer) in subjects {
            apply(key(version, layer), self);
        }
    }

    /// Adds the delta to one cell.
    pub fn add_to(&self, cell: &mut Cell) {
        let sign = i32::from(self.sign);
        match &self.change {
            Change::Call(facts) => cell.add_call(facts, sign),
            Change::Signal(source, signal) => cell.signals.add(Clock::Call, *source, *signal, sign),
            Change::Unit(_, _, source, signal) => cell.signals.add(Clock::Arrival, *source, *signal, sign),
        }
    }
}

/// Cells of one stretch of time.
pub type Cells = FxHashMap<CellKey, Cell>;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn facts() -> impl Strategy<Value = CallFacts> {
        (
            any::<bool>(),
            prop::option::of((0u32..100_000, 0u32..100_000)),
            0u32..1000,
            prop::option::of(0i64..10_000_000_000),
            any::<bool>(),
            prop::option::of(0u64..600_000_000),
        )
            .prop_map(|(ok, tokens, cached, cost, estimated, latency_us)| CallFacts {
                ok,
                tokens,
                cached,
                cost,
                estimated,
                latency_us,
            })
    }

    proptest! {
        #[test]
        fn any_sharding_and_order_gives_equal_cells(
            calls in prop::collection::vec(facts(), 0..50),
            shards in prop::collection::vec(0usize..4, 50),
        ) {
            let mut whole = Cell::default();
            let mut parts = vec![Cell::default(); 4];
            for (call, &shard) in calls.iter().zip(&shards) {
                whole.add_call(call, 1);
                parts[shard].add_call(call, 1);
            }
            let mut merged = Cell::default();
            for part in parts.iter().rev() {
                merged.merge(part, 1);
            }
            prop_assert_eq!(&merged, &whole);
            for call in calls.iter().rev() {
                merged.add_call(call, -1);
            }
            prop_assert!(merged.is_empty());
        }
    }
}
