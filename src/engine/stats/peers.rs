//! What is usual among peers, robustly: medians, so that a few outliers do not hide each other.
//!
//! Formulas and measured rates: `statistics.md` section 3. Start with [`low_rate`] and [`outliers`].

use statrs::function::erf::erfc;

use super::moments::Moments;
use super::shrink::{self, Prior};

/// A normal sample's standard deviation in median absolute deviations.
pub const MAD_TO_SD: f64 = 1.4826;
/// From this many observations on, a sample's own variance is taken at its word.
pub const OWN_VARIANCE: u64 = 20;

/// The median; `None` of nothing.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let middle = values.len() / 2;
    let odd = values.len() % 2 == 1;
    let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if odd {
        return Some(upper);
    }
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Some(f64::midpoint(lower, upper))
}

/// What success rate is low among these peers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LowRate {
    /// The prior that the peers are.
    pub prior: Prior,
    /// Median of the shrunk rates.
    pub median: f64,
    /// Their robust standard deviation.
    pub spread: f64,
    /// Below this a rate is low.
    pub theta: f64,
}

/// The median of the shrunk rates less the larger of `margin` and `spreads` robust standard deviations.
///
/// `cells`: successes and trials of each peer; without trials a peer says nothing. Few or no peers fall back on the
/// prior, whose threshold is a number, too: whether they are enough is not decided here.
pub fn low_rate(cells: &[(f64, f64)], margin: f64, spreads: f64) -> LowRate {
    let prior = shrink::fit(cells);
    let rates: Vec<f64> =
        cells.iter().filter(|(_, n)| *n > 0.0).map(|&(k, n)| prior.posterior(k, n).mean()).collect();
    let middle = median(rates.clone()).unwrap_or(prior.mean);
    let spread =
        MAD_TO_SD * median(rates.into_iter().map(|rate| (rate - middle).abs()).collect()).unwrap_or(0.0);
    let theta = (middle - margin.max(spreads * spread)).clamp(0.01, 0.99);
    LowRate { prior, median: middle, spread, theta }
}

/// What a peer spends a call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spend {
    /// Mean.
    pub mean: f64,
    /// Sample variance between calls; what it is of fewer than two calls does not matter.
    pub variance: f64,
    /// Calls.
    pub n: u64,
}

impl From<Moments> for Spend {
    fn from(moments: Moments) -> Spend {
        Spend { mean: moments.mean(), variance: moments.variance(), n: moments.count() }
    }
}

/// How a peer's spending compares with the median peer's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Excess {
    /// Mean to median.
    pub ratio: f64,
    /// ln of the ratio in robust standard deviations of the peers: shown, not decided on.
    pub robust_z: f64,
    /// Standard error of ln of the ratio.
    pub se: f64,
    /// p-value against "the ratio is at most `null_ratio`".
    pub p: f64,
}

/// The median of the means, and each peer against it, log-normally. `None` where the median is not positive: free
/// peers make every price an outlier.
pub fn outliers(spends: &[Spend], null_ratio: f64) -> Option<(f64, Vec<Excess>)> {
    let middle = median(spends.iter().map(|s| s.mean).collect()).filter(|m| *m > 0.0 && m.is_finite())?;
    let log = |s: &Spend| (s.mean / middle).max(f64::MIN_POSITIVE).ln();
    let spread = MAD_TO_SD * median(spends.iter().map(|s| log(s).abs()).collect())?;
    let own = spends.iter().filter(|s| s.n >= 2 && s.mean > 0.0).map(|s| s.variance / (s.mean * s.mean));
    let usual = median(own.collect()).unwrap_or(1.0);
    let compare = |s: &Spend| {
        let (mean, log) = (s.mean.max(middle * 1e-12), log(s));
        let least = usual * mean * mean;
        let variance = match s.n {
            0 | 1 => least,
            n if n < OWN_VARIANCE => s.variance.max(least),
            _ => s.variance,
        };
        let se = (variance.max(0.0) / s.n.max(1) as f64).sqrt() / mean;
        let above = log - null_ratio.ln();
        // Calls that all cost the same leave no doubt.
        let p = if above <= 0.0 && se <= 0.0 { 1.0 } else { upper_normal(above / se) };
        Excess { ratio: s.mean / middle, robust_z: log / spread.max(f64::EPSILON), se, p }
    };
    Some((middle, spends.iter().map(compare).collect()))
}

/// P(Z > z) of the standard normal distribution.
pub fn upper_normal(z: f64) -> f64 {
    erfc(z / std::f64::consts::SQRT_2) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn medians() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 3.0, 2.0]), Some(2.5));
    }

    #[test]
    fn no_peers_no_panic() {
        let none = low_rate(&[], 0.03, 1.5);
        assert!((none.theta - 0.47).abs() < 1e-12 && none.spread.abs() < 1e-15);
        assert!(low_rate(&[(10.0, 10.0)], 0.03, 1.5).theta.is_finite());
        assert!(outliers(&[], 2.0).is_none());
        assert!(outliers(&[Spend { mean: 0.0, variance: 0.0, n: 9 }], 2.0).is_none());
    }

    #[test]
    fn outliers_do_not_hide_each_other() {
        let spend = |mean: f64| Spend { mean, variance: mean * mean / 4.0, n: 400 };
        let spends: Vec<Spend> =
            (0..20).map(|i| spend(if i < 6 { 900.0 } else { 100.0 + f64::from(i) })).collect();
        let (middle, found) = outliers(&spends, 2.0).unwrap();
        assert!((113.0..118.0).contains(&middle));
        assert!(found[..6].iter().all(|e| e.p < 1e-9 && e.ratio > 7.0));
        assert!(found[6..].iter().all(|e| e.p > 0.999));
    }

    #[test]
    fn calls_that_all_cost_the_same() {
        let spend = |mean: f64| Spend { mean, variance: 0.0, n: 50 };
        let (_, found) =
            outliers(&[spend(1.0), spend(1.0), spend(1.0), spend(5.0), spend(2.0)], 2.0).unwrap();
        assert!(found[3].p < 1e-300 && found[3].robust_z.is_finite());
        assert!((found[4].p - 1.0).abs() < 1e-15 && (found[0].p - 1.0).abs() < 1e-15);
    }

    proptest! {
        #[test]
        fn numbers_stay_numbers(
            spends in prop::collection::vec((0.0f64..1e12, 0.0f64..1e20, 0u64..1_000_000_000_000), 1..30),
            cells in prop::collection::vec((0u64..1_000_000_000, 0u64..1_000_000_000), 0..30),
        ) {
            let spends: Vec<Spend> = spends.into_iter().map(|(mean, variance, n)| Spend { mean, variance, n }).collect();
            for e in outliers(&spends, 2.0).into_iter().flat_map(|(_, all)| all) {
                prop_assert!((0.0..=1.0).contains(&e.p) && e.robust_z.is_finite() && e.se.is_finite() && e.ratio.is_finite());
            }
            let cells: Vec<(f64, f64)> = cells.into_iter().map(|(k, more)| (k as f64, (k + more) as f64)).collect();
            let low = low_rate(&cells, 0.03, 1.5);
            prop_assert!((0.01..=0.99).contains(&low.theta) && low.median.is_finite());
        }
    }
}
