//! How the odds of a bad unit differ between two arms that run side by side: a likelihood on a grid of log odds
//! ratios, conditional on what both arms of a block have in common.
//!
//! Given how many bad units a block holds in all, how many of them are the new arm's depends on the odds ratio alone
//! (the noncentral hypergeometric distribution; Fisher): the hour, the drift and the rate itself cancel exactly. One
//! vector holds everything: e-values for both directions, a confidence sequence and the estimate, all of which may be
//! looked at as often as one likes. Vectors add over blocks, strata and shards.
//!
//! Formulas, thresholds and measured error rates: `statistics.md` 5.1 and 5.3. Start with [`LogOdds`].

use std::sync::LazyLock;

use statrs::function::gamma::ln_gamma;

/// Points of the grid: ln ψ from −2 to 2 by a tenth, ψ the odds ratio of a bad unit, new to old.
pub const POINTS: usize = 41;
/// The point of ψ = 1.
const EVEN: usize = POINTS / 2;
/// Spread of ln ψ under the prior weights.
const SPREAD: f64 = 0.7;
/// Units that each arm must have before a block is closed.
pub const BLOCK_UNITS: u64 = 5;
/// Steps of the distribution that are walked one by one; beyond, weights come from ln Γ.
const WALK: f64 = 131_072.0;

/// ln ψ of a point.
pub fn ln_odds(point: usize) -> f64 {
    (point as f64 - EVEN as f64) / 10.0
}

/// Prior weights in logarithms, each set summing to 1 over its points.
struct Weights {
    regressed: [f64; POINTS],
    improved: [f64; POINTS],
    all: [f64; POINTS],
}

static WEIGHTS: LazyLock<Weights> = LazyLock::new(|| {
    let of = |wanted: fn(usize) -> bool| {
        let raw: [f64; POINTS] = std::array::from_fn(|i| {
            if wanted(i) { -0.5 * (ln_odds(i) / SPREAD).powi(2) } else { f64::NEG_INFINITY }
        });
        let total = ln_sum(raw);
        raw.map(|w| w - total)
    };
    Weights { regressed: of(|i| i > EVEN), improved: of(|i| i < EVEN), all: of(|_| true) }
});

/// ln Σ exp; −∞ of nothing.
pub(super) fn ln_sum(terms: impl IntoIterator<Item = f64, IntoIter: Clone>) -> f64 {
    let terms = terms.into_iter();
    let top = terms.clone().fold(f64::NEG_INFINITY, f64::max);
    if top == f64::NEG_INFINITY {
        return top;
    }
    top + terms.map(|t| (t - top).exp()).sum::<f64>().ln()
}

/// Bad units among units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Units {
    /// The bad ones; more than `all` count as `all`.
    pub bad: u64,
    /// All of them.
    pub all: u64,
}

impl std::ops::AddAssign for Units {
    fn add_assign(&mut self, other: Units) {
        self.bad += other.bad;
        self.all += other.all;
    }
}

/// What the two arms saw in one stretch of time and stratum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Block {
    /// The old version.
    pub old: Units,
    /// The new version.
    pub new: Units,
}

/// Gathers what comes in until a block can be closed. When that is depends on numbers of units alone, never on how
/// many of them are bad, or the evidence would be biased.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Closer(Block);

impl Closer {
    /// Adds what came in; the block, once both arms have [`BLOCK_UNITS`].
    pub fn add(&mut self, seen: Block) -> Option<Block> {
        self.0.old += seen.old;
        self.0.new += seen.new;
        let is_full = self.0.old.all >= BLOCK_UNITS && self.0.new.all >= BLOCK_UNITS;
        is_full.then(|| std::mem::take(&mut self.0))
    }
}

/// The log-likelihood of every point of the grid, 0 at ψ = 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogOdds([f64; POINTS]);

impl Default for LogOdds {
    fn default() -> Self {
        LogOdds([0.0; POINTS])
    }
}

impl LogOdds {
    /// Adds a closed block.
    pub fn add(&mut self, block: &Block) {
        if let Some(arms) = Arms::of(block) {
            for (sum, ln) in self.0.iter_mut().zip(arms.ln_likelihoods()) {
                *sum += ln;
            }
        }
    }

    /// Adds `seen` against an arm whose rate of bad units is known to be `rate`: what [`add`](Self::add) tends to as
    /// the old arm grows. `rate` in (0, 1).
    pub fn add_known(&mut self, rate: f64, seen: Units) {
        let (bad, all) = (seen.bad.min(seen.all) as f64, seen.all as f64);
        self.add_likelihood(|g| bad * g - all * (rate * g.exp_m1()).ln_1p());
    }

    /// Adds another likelihood: `ln_ratio` of ln ψ is its logarithm, 0 at 0.
    pub fn add_likelihood(&mut self, ln_ratio: impl Fn(f64) -> f64) {
        for (i, sum) in self.0.iter_mut().enumerate() {
            *sum += ln_ratio(ln_odds(i));
        }
    }

    /// Adds what another vector holds: another stratum or shard.
    pub fn merge(&mut self, other: &LogOdds) {
        for (sum, ln) in self.0.iter_mut().zip(other.0) {
            *sum += ln;
        }
    }

    /// The log-likelihoods by point, those of ψ = 1 being 0.
    pub fn points(&self) -> &[f64; POINTS] {
        &self.0
    }

    fn mixed(&self, weights: &[f64; POINTS]) -> f64 {
        ln_sum(weights.iter().zip(&self.0).map(|(w, g)| w + g))
    }

    /// ln of the e-value against "not worse": large where the new arm is worse.
    pub fn ln_e_regressed(&self) -> f64 {
        self.mixed(&WEIGHTS.regressed) - self.0[EVEN]
    }

    /// ln of the e-value against "not better": large where the new arm is better.
    pub fn ln_e_improved(&self) -> f64 {
        self.mixed(&WEIGHTS.improved) - self.0[EVEN]
    }

    /// ln of the likelihood mixed over the whole grid.
    pub fn ln_mixture(&self) -> f64 {
        self.mixed(&WEIGHTS.all)
    }

    /// How strongly a point is rejected: ln of the e-value against it.
    pub fn ln_e_against(&self, point: usize) -> f64 {
        self.ln_mixture() - self.0[point]
    }

    /// The confidence sequence of ln ψ, as the outermost points that are not rejected: with probability 1 − `alpha`
    /// it holds the true one at every block. An end at ±2 means "or beyond".
    pub fn interval(&self, alpha: f64) -> [f64; 2] {
        let bound = self.ln_mixture() + alpha.ln();
        let kept = |i: &usize| self.0[*i] >= bound;
        // The most likely point is never rejected.
        let low = (0..POINTS).find(kept).unwrap_or(0);
        let high = (0..POINTS).rev().find(kept).unwrap_or(POINTS - 1);
        [ln_odds(low), ln_odds(high)]
    }

    /// The mean of ln ψ under the prior weights: nearer to 0 than the most likely one, and not torn between two.
    pub fn mean(&self) -> f64 {
        let total = self.ln_mixture();
        let weight = |i: usize| (WEIGHTS.all[i] + self.0[i] - total).exp();
        (0..POINTS).map(|i| weight(i) * ln_odds(i)).sum()
    }

    /// The most likely ln ψ; of equals the lowest.
    pub fn estimate(&self) -> f64 {
        let best = (1..POINTS).fold(0, |best, i| if self.0[i] > self.0[best] { i } else { best });
        ln_odds(best)
    }
}

/// A block as the distribution of the new arm's bad units given those of both.
struct Arms {
    old: f64,
    new: f64,
    bad: f64,
    new_bad: f64,
    low: f64,
    high: f64,
}

impl Arms {
    /// `None` where the counts leave nothing to chance.
    fn of(block: &Block) -> Option<Arms> {
        let (old, new) = (block.old.all as f64, block.new.all as f64);
        let new_bad = block.new.bad.min(block.new.all) as f64;
        let bad = new_bad + block.old.bad.min(block.old.all) as f64;
        let (low, high) = ((bad - old).max(0.0), bad.min(new));
        (low < high).then_some(Arms { old, new, bad, new_bad, low, high })
    }

    /// Weight of `x + 1` over that of `x` at ψ = 1.
    fn ratio(&self, x: f64) -> f64 {
        (self.new - x) * (self.bad - x) / ((x + 1.0) * (self.old - self.bad + x + 1.0))
    }

    /// The most probable count at ψ (Liao & Rosen 2001), to within one.
    fn mode(&self, psi: f64) -> f64 {
        let a = psi - 1.0;
        let b = -((self.bad + self.new + 2.0) * psi + self.old - self.bad);
        let c = psi * (self.new + 1.0) * (self.bad + 1.0);
        let root = (b * b - 4.0 * a * c).max(0.0).sqrt();
        (-2.0 * c / (b - root)).floor().clamp(self.low, self.high)
    }

    /// ln of the weight of `to` over that of `from` at ψ = 1.
    fn ln_weight(&self, from: f64, to: f64) -> f64 {
        if (to - from).abs() > WALK {
            let ln_of = |x: f64| {
                -[x, self.new - x, self.bad - x, self.old - self.bad + x]
                    .map(|count| ln_gamma(count + 1.0))
                    .iter()
                    .sum::<f64>()
            };
            return ln_of(to) - ln_of(from);
        }
        let (mut x, last) = (from.min(to), from.max(to));
        let (mut ln, mut product) = (0.0, 1.0_f64);
        while x < last {
            product *= self.ratio(x);
            x += 1.0;
            if !(1e-200..1e200).contains(&product) {
                ln += product.ln();
                product = 1.0;
            }
        }
        (ln + product.ln()) * if to < from { -1.0 } else { 1.0 }
    }

    /// Sum of all weights at ψ, that of `mode` being 1. Terms fall away on both sides as those of a normal
    /// distribution, so a block of a million units takes a few thousand steps.
    fn sum(&self, mode: f64, psi: f64) -> f64 {
        const NEGLIGIBLE: f64 = 1e-18;
        let mut sum = 1.0;
        let (mut term, mut x) = (1.0, mode);
        while x < self.high && term > NEGLIGIBLE * sum {
            term *= self.ratio(x) * psi;
            sum += term;
            x += 1.0;
        }
        (term, x) = (1.0, mode);
        while x > self.low && term > NEGLIGIBLE * sum {
            x -= 1.0;
            term /= self.ratio(x) * psi;
            sum += term;
        }
        sum
    }

    /// The log-likelihood ratio of each point to ψ = 1.
    fn ln_likelihoods(&self) -> [f64; POINTS] {
        let mut found = [0.0; POINTS];
        let centre = self.mode(1.0);
        let even = self.sum(centre, 1.0).ln();
        let up: Vec<usize> = (EVEN + 1..POINTS).collect();
        let down: Vec<usize> = (0..EVEN).rev().collect();
        for side in [up, down] {
            // Each mode is reached from the one before, so that the walk is never longer than the distribution.
            let (mut mode, mut ln_mode) = (centre, 0.0);
            for i in side {
                let g = ln_odds(i);
                let psi = g.exp();
                let next = self.mode(psi);
                ln_mode += self.ln_weight(mode, next);
                mode = next;
                found[i] = g * (self.new_bad - mode) - ln_mode - self.sum(mode, psi).ln() + even;
            }
        }
        found
    }
}

/// ln of the common odds ratio of blocks whose rates differ (Mantel & Haenszel 1959); `None` where a side is empty.
pub fn mantel_haenszel<'b>(blocks: impl IntoIterator<Item = &'b Block>) -> Option<f64> {
    let (mut worse, mut better) = (0.0, 0.0);
    for Block { old, new } in blocks {
        let all = (old.all + new.all) as f64;
        if all > 0.0 {
            worse += new.bad as f64 * old.all.saturating_sub(old.bad) as f64 / all;
            better += old.bad as f64 * new.all.saturating_sub(new.bad) as f64 / all;
        }
    }
    (worse > 0.0 && better > 0.0).then(|| (worse / better).ln())
}

/// The log odds ratio of two arms with its variance (Haldane 1956: half a unit is added to each count, so that it is
/// finite; counts may be fractional).
pub fn haldane(old_bad: f64, old: f64, new_bad: f64, new: f64) -> (f64, f64) {
    let cells = [new_bad, (new - new_bad).max(0.0), old_bad, (old - old_bad).max(0.0)].map(|n| n + 0.5);
    let ln = (cells[0] * cells[3] / (cells[1] * cells[2])).ln();
    (ln, cells.iter().map(|n| 1.0 / n).sum())
}

#[cfg(test)]
#[path = "odds_tests.rs"]
mod tests;
