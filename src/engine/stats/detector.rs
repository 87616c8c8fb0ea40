//! Detectors of a rate that has risen: e-SR (Shiryaev-Roberts mixtures of e-values over odds ratios) and its fallback
//! by betting, for observations that depend on one another within a bucket.
//!
//! Formulas, parameters and measured delays: `statistics.md` section 4; Shin, Ramdas & Rinaldo (2022), E-detectors;
//! Waudby-Smith & Ramdas (2024) for the bets. Start with [`Detector::step`]. Not here: what is watched, and who is
//! woken.

use serde::{Deserialize, Serialize};

use super::beta;
use super::logit::{logistic, logit};
use super::shrink::{DIFFUSE, DIFFUSE_SHARE, Prior, Shrunk};

/// Odds ratios that a detector of one prompt looks for.
pub const RATIOS: [f64; 4] = [1.5, 2.0, 3.0, 5.0];
/// Odds ratios for streams pooled over many prompts, which see smaller shifts.
pub const POOLED_RATIOS: [f64; 4] = [1.2, 1.5, 2.0, 3.0];
/// Hours in which the mass one enters a detector: under the null, E\[M\] grows by at most one in them.
pub const PERIOD_HOURS: f64 = 720.0;
/// The quantile of the baseline's posterior that is taken as the boundary of the null.
pub const BOUNDARY: f64 = 0.9;
/// Observations that pull an hour's offset towards nothing.
pub const OFFSET_SHRINKAGE: f64 = 50.0;
/// Shares of the wealth that the fallback bets.
pub const STAKES: [f64; 5] = [0.05, 0.1, 0.2, 0.4, 0.8];

/// Largest logarithm of a factor, and largest evidence: numbers stay finite whatever comes.
const MOST_LN: f64 = 600.0;
const MOST: f64 = 1e200;

/// The boundary of "as good as ever": the `q`-quantile of the baseline's posterior under the peers' prior.
pub fn boundary(prior: Prior, k: f64, n: f64, q: f64) -> f64 {
    let posterior = prior.posterior(k, n);
    beta::quantile(posterior.alpha, posterior.beta, q)
}

/// A baseline of `k` in `n` under the peers' prior with its diffuse part: two posteriors and their weights. Where the
/// peers are like it, their posterior has all the weight that matters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Baseline([(f64, Shrunk); 2]);

impl Baseline {
    /// The baseline of `k` in `n`.
    pub fn new(prior: Prior, k: f64, n: f64) -> Baseline {
        let part = |weight: f64, prior: Prior| {
            let (a, b) = (prior.mean * prior.strength, (1.0 - prior.mean) * prior.strength);
            (weight.ln() + beta::ln_marginal(k, n, a, b), prior.posterior(k, n))
        };
        let [peers, diffuse] = [part(1.0 - DIFFUSE_SHARE, prior), part(DIFFUSE_SHARE, DIFFUSE)];
        let share = logistic(diffuse.0 - peers.0);
        Baseline([(1.0 - share, peers.1), (share, diffuse.1)])
    }

    /// Its mean.
    pub fn mean(&self) -> f64 {
        self.0.iter().map(|(weight, part)| weight * part.mean()).sum()
    }

    /// The boundary of "as good as ever": its 90 % quantile.
    pub fn boundary(&self) -> f64 {
        let ends = self.0.map(|(_, part)| beta::quantile(part.alpha, part.beta, BOUNDARY));
        let (mut low, mut high) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            let below: f64 =
                self.0.iter().map(|(w, part)| w * beta::cdf(part.alpha, part.beta, middle)).sum();
            if below < BOUNDARY {
                low = middle;
            } else {
                high = middle;
            }
        }
        f64::midpoint(low, high)
    }

    /// The Beta distribution of the same mean and variance.
    pub fn matched(&self) -> Shrunk {
        let mean = self.mean();
        let variance: f64 = self
            .0
            .iter()
            .map(|(weight, part)| {
                let m = part.mean();
                weight * (m * (1.0 - m) / (part.alpha + part.beta + 1.0) + (m - mean) * (m - mean))
            })
            .sum();
        let strength = mean * (1.0 - mean) / variance - 1.0;
        Shrunk { alpha: mean * strength, beta: (1.0 - mean) * strength }
    }
}

/// How much the boundary of a pooled stream lies above its strata's means, on the logit: the 90 % quantile of the
/// pooled rate of `k` in `n` above that rate; 0 where that is no rate to start from.
pub fn tolerance(k: f64, n: f64) -> f64 {
    let pooled = (k + 0.5) / (n + 1.0);
    let rate = if k > 0.0 && k < n { k / n } else { pooled };
    logit(beta::quantile(k + 0.5, n - k + 0.5, BOUNDARY)) - logit(rate)
}

/// By hour of the day, how much the ln odds lie above those expected: of `seen` in `n` where `expected` were, pulled
/// towards 0 by `shrinkage` observations. 0 for hours without observations.
pub fn hour_offsets(seen: &[f64; 24], n: &[f64; 24], expected: &[f64; 24], shrinkage: f64) -> [f64; 24] {
    std::array::from_fn(|h| {
        let mean = expected[h] / n[h];
        let offset = logit((seen[h] + shrinkage * mean) / (n[h] + shrinkage)) - logit(mean);
        if n[h] > 0.0 && offset.is_finite() { offset } else { 0.0 }
    })
}

/// What a bucket holds of one stratum: `k` of `n`, and the boundary rate `p0` at that hour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// Bad ones.
    pub k: f64,
    /// All.
    pub n: f64,
    /// The largest rate that is no degradation.
    pub p0: f64,
}

impl Seen {
    /// ln Λ of the odds ratio: how much better `k` of `n` agree with odds `ratio` times those of the boundary.
    pub fn ln_ratio(&self, ratio: f64) -> f64 {
        self.k * ratio.ln() - self.n * ((ratio - 1.0) * self.p0).ln_1p()
    }
}

/// One odds ratio's part of a detector.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Rung {
    /// R: its share of the evidence.
    pub mass: f64,
    /// Σ ln Λ above its lowest point so far.
    pub climb: f64,
    /// The bucket after that lowest point.
    pub onset: i32,
    /// Bad ones since then.
    pub k: i64,
    /// All since then.
    pub n: i64,
}

/// The state of an e-SR detector: a few floats, folded bucket by bucket, equal for equal buckets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Detector {
    /// By odds ratio.
    pub rungs: [Rung; 4],
}

impl Detector {
    /// A detector that begins with bucket `at`.
    pub fn new(at: i32) -> Detector {
        Detector { rungs: [Rung { onset: at, ..Rung::default() }; 4] }
    }

    /// Takes in bucket `at` of `hours` length, its strata in a fixed order. True for the odds ratios whose onset moved
    /// behind this bucket.
    pub fn step(&mut self, at: i32, hours: f64, ratios: &[f64; 4], strata: &[Seen]) -> [bool; 4] {
        let entering = hours / PERIOD_HOURS / ratios.len() as f64;
        let (k, n) = strata.iter().fold((0.0, 0.0), |(k, n), s| (k + s.k, n + s.n));
        let mut lowest = [false; 4];
        for ((rung, &ratio), lowest) in self.rungs.iter_mut().zip(ratios).zip(&mut lowest) {
            rung.mass = (rung.mass + entering).min(MOST);
            if n <= 0.0 {
                continue;
            }
            let null: f64 = strata.iter().map(|s| s.n * ((ratio - 1.0) * s.p0).ln_1p()).sum();
            let ln = k * ratio.ln() - null;
            rung.mass = (rung.mass * ln.min(MOST_LN).exp()).min(MOST);
            rung.climb += ln;
            rung.k += k as i64;
            rung.n += n as i64;
            if rung.climb <= 0.0 {
                *rung = Rung { mass: rung.mass, climb: 0.0, onset: at + 1, k: 0, n: 0 };
                *lowest = true;
            }
        }
        lowest
    }

    /// M, the evidence: at most once per M months and stream would it be so large by chance.
    pub fn evidence(&self) -> f64 {
        self.rungs.iter().map(|r| r.mass).sum()
    }

    /// The odds ratio, by number, that explains the buckets best; its onset is the most likely moment of change.
    pub fn leading(&self) -> usize {
        let better =
            |best: usize, i: usize| if self.rungs[i].mass > self.rungs[best].mass { i } else { best };
        (1..4).fold(0, better)
    }
}

/// The fallback: a bucket is one observation, its rate, whatever depends on what within it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Bets {
    /// By stake.
    pub wealth: [f64; 5],
}

impl Bets {
    /// Takes in a bucket of `hours` length with `k` of `n` bad and the boundary `p0 > 0`.
    pub fn step(&mut self, hours: f64, k: f64, n: f64, p0: f64) {
        let entering = hours / PERIOD_HOURS / STAKES.len() as f64;
        for (wealth, stake) in self.wealth.iter_mut().zip(STAKES) {
            *wealth += entering;
            if n > 0.0 {
                *wealth *= 1.0 + stake * (k / n - p0) / p0;
            }
            *wealth = wealth.min(MOST);
        }
    }

    /// M, as of a [`Detector`].
    pub fn evidence(&self) -> f64 {
        self.wealth.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn silence_is_no_evidence() {
        let mut detector = Detector::new(0);
        for hour in 0..720 {
            detector.step(hour, 1.0, &RATIOS, &[Seen { k: 0.0, n: 0.0, p0: 0.1 }]);
        }
        assert!((detector.evidence() - 1.0).abs() < 1e-9, "{}", detector.evidence());
    }

    #[test]
    fn peers_help_who_is_like_them_and_leave_others_alone() {
        let prior = Prior { mean: 0.1, strength: 64.0 };
        let usual = Baseline::new(prior, 84.0, 840.0);
        assert!((usual.boundary() - boundary(prior, 84.0, 840.0, BOUNDARY)).abs() < 2e-4);
        let odd = Baseline::new(prior, 60.0, 120.0);
        assert!(boundary(prior, 60.0, 120.0, BOUNDARY) < 0.43 && odd.boundary() > 0.53, "{odd:?}");
        assert!((odd.matched().mean() - odd.mean()).abs() < 1e-12 && (0.48..0.5).contains(&odd.mean()));
    }

    #[test]
    fn a_rise_is_found_where_it_began() {
        let mut detector = Detector::new(0);
        for hour in 0..400 {
            let k = if hour < 300 { u8::from(hour % 2 == 0) } else { 3 };
            let seen = Seen { k: f64::from(k), n: 10.0, p0: 0.1 };
            detector.step(hour, 1.0, &RATIOS, &[seen]);
        }
        let rung = detector.rungs[detector.leading()];
        assert!(detector.evidence() > 1e6 && (298..=302).contains(&rung.onset), "{rung:?}");
        assert!((296..=304).contains(&rung.k) && (996..=1004).contains(&rung.n), "{rung:?}");
    }

    #[test]
    fn evidence_has_expectation_at_most_its_mass() {
        // At the boundary, over all outcomes of n = 6 in one bucket: E[R'] = R + the mass that enters.
        let p0: f64 = 0.15;
        for ratios in [RATIOS, POOLED_RATIOS] {
            let mut mean = 0.0;
            let mut bet_mean = 0.0;
            for k in 0..=6_i32 {
                let ways = [1.0, 6.0, 15.0, 20.0, 15.0, 6.0, 1.0][k as usize];
                let chance = ways * p0.powi(k) * (1.0 - p0).powi(6 - k);
                let mut detector = Detector::new(0);
                detector.step(0, 720.0, &ratios, &[Seen { k: f64::from(k), n: 6.0, p0 }]);
                mean += chance * detector.evidence();
                let mut bets = Bets::default();
                bets.step(720.0, f64::from(k), 6.0, p0);
                bet_mean += chance * bets.evidence();
            }
            assert!((mean - 1.0).abs() < 1e-12 && (bet_mean - 1.0).abs() < 1e-12, "{mean} {bet_mean}");
        }
    }

    proptest! {
        #[test]
        fn numbers_stay_finite(buckets in prop::collection::vec((0u32..100_000, 0u32..100_000, 0.001f64..0.999), 1..60)) {
            let (mut detector, mut bets) = (Detector::new(0), Bets::default());
            for (hour, (k, more, p0)) in buckets.into_iter().enumerate() {
                let seen = Seen { k: f64::from(k), n: f64::from(k + more), p0 };
                detector.step(hour as i32, 1.0, &RATIOS, &[seen, seen]);
                bets.step(1.0, seen.k, seen.n, p0);
                prop_assert!(detector.evidence().is_finite() && detector.evidence() >= 0.0);
                prop_assert!(bets.evidence().is_finite() && bets.evidence() >= 0.0);
                prop_assert!(detector.rungs.iter().all(|r| r.climb >= 0.0 && r.k <= r.n && r.onset <= hour as i32 + 1));
            }
        }
    }
}
