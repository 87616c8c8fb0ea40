//! Is a rate above a threshold? An e-value that may be read at any time, and exact binomial tails for one look.
//!
//! Formulas and what they promise: `statistics.md` section 3. Start with [`ln_e`].

use super::beta;

/// Odds ratios over which the e-value is averaged.
pub const ODDS_RATIOS: [f64; 5] = [1.25, 1.5, 2.0, 3.0, 5.0];

/// ln of the e-value of `k` in `n` against "the rate is at most `theta`": the mean, over [`ODDS_RATIOS`], of the
/// likelihood ratio of the odds times ψ.
///
/// Each term is a supermartingale for every rate up to `theta`, so e ≥ 1/α happens with probability at most α however
/// often one looks. Additive in (k, n) per term; 0 (e = 1) without observations; `k` is taken as at most `n`.
pub fn ln_e(k: u64, n: u64, theta: f64) -> f64 {
    let (k, n, theta) = (k.min(n) as f64, n as f64, theta.clamp(0.0, 1.0));
    if n <= 0.0 {
        return 0.0;
    }
    let terms = ODDS_RATIOS.map(|psi| k * psi.ln() - n * ((psi - 1.0) * theta).ln_1p());
    let top = terms.into_iter().fold(f64::NEG_INFINITY, f64::max);
    let mean = terms.iter().map(|term| (term - top).exp()).sum::<f64>() / ODDS_RATIOS.len() as f64;
    top + mean.ln()
}

/// P(X ≥ k) for X ~ Binomial(n, theta): the p-value of one look against "the rate is at most `theta`".
pub fn p_upper(k: u64, n: u64, theta: f64) -> f64 {
    if k == 0 {
        1.0
    } else if k > n {
        0.0
    } else {
        beta::cdf(k as f64, (n - k) as f64 + 1.0, theta)
    }
}

/// P(X ≤ k) for X ~ Binomial(n, theta): the p-value of one look against "the rate is at least `theta`".
pub fn p_lower(k: u64, n: u64, theta: f64) -> f64 {
    if k >= n { 1.0 } else { beta::cdf((n - k) as f64, k as f64 + 1.0, 1.0 - theta) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_seen_says_nothing() {
        assert_eq!(ln_e(0, 0, 0.2).to_bits(), 0.0f64.to_bits());
        assert!((p_upper(0, 0, 0.2) - 1.0).abs() < 1e-15 && (p_lower(0, 0, 0.2) - 1.0).abs() < 1e-15);
        assert!(p_upper(3, 2, 0.2) < 1e-300);
    }

    #[test]
    fn the_expectation_under_the_null_is_at_most_one() {
        for theta in [0.05, 0.2, 0.5] {
            for p in [theta, theta * 0.7] {
                let mut chance = (1.0f64 - p).powi(60);
                let mut expectation = 0.0;
                for k in 0..=60u32 {
                    expectation += chance * ln_e(u64::from(k), 60, theta).exp();
                    chance *= f64::from(60 - k) / f64::from(k + 1) * p / (1.0 - p);
                }
                assert!(expectation <= 1.0 + 1e-9, "{theta} {p}: {expectation}");
            }
        }
    }

    proptest! {
        #[test]
        fn extremes_stay_numbers(k in any::<u64>(), n in any::<u64>(), theta in 0.0f64..=1.0, small in 0u32..60) {
            let (k, n) = (k >> small, n >> small);
            prop_assert!(ln_e(k, n, theta).is_finite());
            prop_assert!(ln_e(n, n, theta).is_finite() && ln_e(0, n, theta) <= 1e-12);
            if n < 1 << 40 {
                for p in [p_upper(k, n, theta), p_lower(k, n, theta), p_upper(n, n, theta), p_lower(0, n, theta)] {
                    prop_assert!((0.0..=1.0).contains(&p), "{k} {n} {theta}: {p}");
                }
            }
        }

        #[test]
        fn tails_meet(n in 1u64..200_000, share in 0.0f64..1.0, theta in 0.001f64..0.999) {
            let k = ((n as f64 * share) as u64).max(1);
            prop_assert!((p_upper(k, n, theta) + p_lower(k - 1, n, theta) - 1.0).abs() < 1e-9);
        }

        #[test]
        fn more_complaints_are_more_evidence(k in 0u64..5_000, more in 1u64..100, rest in 0u64..5_000) {
            let n = k + more + rest;
            prop_assert!(ln_e(k + more, n, 0.2) > ln_e(k, n, 0.2));
        }
    }
}
