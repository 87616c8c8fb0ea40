//! How sure a rate is: intervals for `k` of `n`, the score of four kinds of signals, and the confidence sequence
//! for numbers that a person watches while they grow.
//!
//! Formulas, parameters and measured coverage: `statistics.md` section 1. Start with [`jeffreys`]. Not here: what
//! the rates are of, and when there is too little of it.

use statrs::function::erf::erfc_inv;

use super::beta;

/// Confidence of the intervals on screens and in snapshots.
pub const CONFIDENCE: f64 = 0.95;

/// The modified Jeffreys interval of `k` successes in `n` (Brown, Cai & DasGupta 2001): mean coverage .959 at 95 %.
///
/// `n = 0` gives \[0, 1\]; `k` is taken as at most `n`.
pub fn jeffreys(k: u64, n: u64, conf: f64) -> [f64; 2] {
    if n == 0 {
        return [0.0, 1.0];
    }
    let k = k.min(n);
    let tail = (1.0 - conf) / 2.0;
    let (successes, trials) = (k as f64, n as f64);
    let (a, b) = (successes + 0.5, trials - successes + 0.5);
    let low = match k {
        0 => 0.0,
        _ if k == n => tail.powf(1.0 / trials),
        1 => 0.0,
        _ => beta::quantile(a, b, tail),
    };
    let high = match n - k {
        0 => 1.0,
        _ if k == 0 => 1.0 - tail.powf(1.0 / trials),
        1 => 1.0,
        _ => beta::quantile(a, b, 1.0 - tail),
    };
    [low, high]
}

/// The Wilson interval (Wilson 1927): closed form, for places that need thousands of intervals a frame.
pub fn wilson(k: u64, n: u64, conf: f64) -> [f64; 2] {
    if n == 0 {
        return [0.0, 1.0];
    }
    let trials = n as f64;
    let p = k.min(n) as f64 / trials;
    let z = normal_quantile(1.0 - (1.0 - conf) / 2.0);
    let spread = z * z / trials;
    let centre = (p + spread / 2.0) / (1.0 + spread);
    let half = z / (1.0 + spread) * (p * (1.0 - p) / trials + spread / (4.0 * trials)).sqrt();
    [(centre - half).max(0.0), (centre + half).min(1.0)]
}

/// The `p`-quantile of the standard normal distribution.
pub fn normal_quantile(p: f64) -> f64 {
    -std::f64::consts::SQRT_2 * erfc_inv(2.0 * p)
}

/// A Beta distribution over a score in \[0, 1\].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// First shape parameter.
    pub alpha: f64,
    /// Second shape parameter.
    pub beta: f64,
    /// Mean.
    pub mean: f64,
    /// Variance.
    pub variance: f64,
}

impl Score {
    /// The central interval that holds `conf` of the mass.
    pub fn interval(&self, conf: f64) -> [f64; 2] {
        beta::central(self.alpha, self.beta, conf)
    }
}

/// Worth of a positive, negative, rephrase and correction signal.
pub const SIGNAL_WORTH: [f64; 4] = [1.0, 0.0, 0.5, 0.25];
/// Dirichlet prior of the four signals, in the same order; with worths 0 and 1 alone it is Jeffreys' prior.
pub const SIGNAL_PRIOR: [f64; 4] = [0.5, 1.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0];

/// The score of four kinds of signals: the Dirichlet posterior of their shares, its weighted mean and variance
/// matched by a Beta distribution. `counts` may be fractional (weighted by source or age); order as
/// [`SIGNAL_WORTH`].
pub fn feedback_score(counts: [f64; 4], worth: [f64; 4]) -> Score {
    let mass: [f64; 4] = std::array::from_fn(|i| counts[i].max(0.0) + SIGNAL_PRIOR[i]);
    let total: f64 = mass.iter().sum();
    let mean = (0..4).map(|i| worth[i] * mass[i]).sum::<f64>() / total;
    let square = (0..4).map(|i| worth[i] * worth[i] * mass[i]).sum::<f64>() / total;
    let variance = (square - mean * mean) / (total + 1.0);
    let strength = mean * (1.0 - mean) / variance - 1.0;
    Score { alpha: mean * strength, beta: (1.0 - mean) * strength, mean, variance }
}

/// The beta-binomial confidence sequence (Robbins 1970; Howard et al. 2021): with probability 1 − `alpha` it holds
/// the true rate at *every* `n`, so it may be looked at as often as one likes. Decisions rest on this one.
pub fn confidence_sequence(k: u64, n: u64, alpha: f64) -> [f64; 2] {
    if n == 0 {
        return [0.0, 1.0];
    }
    let (k, n) = (k.min(n) as f64, n as f64);
    let evidence = beta::ln_marginal(k, n, 0.5, 0.5);
    let bound = -alpha.ln();
    let rejected = |p: f64| {
        let likelihood =
            if k > 0.0 { k * p.ln() } else { 0.0 } + if n > k { (n - k) * (-p).ln_1p() } else { 0.0 };
        evidence - likelihood >= bound
    };
    let estimate = k / n;
    // Between a rejected end and the estimate, which is never rejected, lies exactly one crossing.
    let crossing = |mut outside: f64| {
        let mut inside = estimate;
        for _ in 0..80 {
            let middle = f64::midpoint(outside, inside);
            if rejected(middle) {
                outside = middle;
            } else {
                inside = middle;
            }
        }
        f64::midpoint(outside, inside)
    };
    [if k == 0.0 { 0.0 } else { crossing(0.0) }, if k >= n { 1.0 } else { crossing(1.0) }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn near(got: f64, want: f64) {
        assert!((got - want).abs() <= 1e-9 * want.abs().max(1.0), "got {got}, want {want}");
    }

    fn near2(got: [f64; 2], want: [f64; 2]) {
        near(got[0], want[0]);
        near(got[1], want[1]);
    }

    #[test]
    fn known_values() {
        near2(jeffreys(0, 1, 0.95), [0.0, 0.975]);
        near2(jeffreys(10, 10, 0.95), [0.025_f64.powf(0.1), 1.0]);
        near2(jeffreys(1, 2, 0.95), [0.0, 1.0]);
        near2(wilson(0, 1, 0.95), [0.0, 0.793_450_685_622_762_6]);
        near2(confidence_sequence(3, 10, 0.05), [0.032_515_139_788_058_88, 0.747_587_109_914_996_4]);
        near2(confidence_sequence(720, 847, 0.05), [0.801_999_596_944_661_2, 0.890_891_033_520_117_2]);
        let seed = feedback_score([72.0, 12.0, 16.0, 0.0], SIGNAL_WORTH);
        near(seed.mean, 0.798_267_326_732_673_2);
        near2(seed.interval(0.95), [0.726_864_675_578_645_2, 0.861_311_032_031_954_2]);
        let none = feedback_score([0.0; 4], SIGNAL_WORTH);
        near2(none.interval(0.95), [0.061_094_661_964_015_515, 0.995_301_337_253_788_6]);
    }

    proptest! {
        #[test]
        fn intervals_hold_the_estimate_and_narrow(k in 0u64..400, extra in 0u64..400) {
            let n = k + extra;
            prop_assume!(n > 0);
            let p = k as f64 / n as f64;
            for [lo, hi] in [jeffreys(k, n, 0.95), wilson(k, n, 0.95), confidence_sequence(k, n, 0.05)] {
                prop_assert!(0.0 <= lo && lo <= p + 1e-12 && p <= hi + 1e-12 && hi <= 1.0);
            }
            let [lo, hi] = jeffreys(k, n, 0.95);
            let [lo10, hi10] = jeffreys(k * 10, n * 10, 0.95);
            prop_assert!(hi10 - lo10 < hi - lo);
            let [cs_lo, cs_hi] = confidence_sequence(k * 10, n * 10, 0.05);
            prop_assert!(cs_hi - cs_lo > hi10 - lo10);
        }
    }
}
