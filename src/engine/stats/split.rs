//! Whether traffic is split as it was configured: the guard against comparing arms that are not alike.
//!
//! A sample-ratio mismatch means that something chooses who gets which version, and then the difference between the
//! versions is not theirs. Formula: `statistics.md` 5.1. One function: [`ln_e_mismatch`].

use super::beta;

/// How tightly the mixture sits around the configured share.
const STRENGTH: f64 = 100.0;
/// ln of the e-value from which an alarm is raised: one in a hundred sound splits, however often one looks.
pub const ALARM: f64 = 4.605_170_185_988_091;

/// ln of the e-value against "each call went to the new version with probability `share`". `share` is taken as within
/// 1e-9 of 0 and 1.
pub fn ln_e_mismatch(old: u64, new: u64, share: f64) -> f64 {
    let share = share.clamp(1e-9, 1.0 - 1e-9);
    let (old, new) = (old as f64, new as f64);
    let (a, b) = (STRENGTH * share, STRENGTH * (1.0 - share));
    beta::ln_marginal(new, old + new, a, b) - new * share.ln() - old * (-share).ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_values() {
        assert!((ln_e_mismatch(480, 520, 0.5) + 0.473_125_233_670_145_9).abs() < 1e-9);
        assert!((ln_e_mismatch(9000, 800, 0.1) - 17.047_252_604_341_68).abs() < 1e-9);
        assert!(ln_e_mismatch(9000, 1100, 0.1) < ALARM && ln_e_mismatch(9000, 800, 0.1) > ALARM);
        assert!((ALARM - 100.0_f64.ln()).abs() < 1e-15);
    }

    proptest! {
        #[test]
        fn nothing_breaks_it(old in 0u64..1 << 40, new in 0u64..1 << 40, share in -0.5f64..1.5) {
            prop_assert!(ln_e_mismatch(old, new, share).is_finite());
        }
    }
}
