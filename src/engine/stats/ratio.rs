//! How a mean changed: the ratio of two means with an interval that may be watched while both grow.
//!
//! The interval is the normal mixture of Robbins (1970), asymptotic in both arms. Formula and measured error:
//! `statistics.md` 5.1 and 5.3. Start with [`change`].

use super::moments::Moments;

/// Observations that each arm needs, for the normal approximation to hold.
pub const ENOUGH: u64 = 50;
/// Precision at which the interval of a ratio of means is tightest, in units of the mixture's own.
pub const MIXTURE: f64 = 50.0;

/// A mean of `n` observations with their variance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Observations.
    pub n: f64,
    /// Their mean.
    pub mean: f64,
    /// Their variance.
    pub variance: f64,
}

impl From<Moments> for Sample {
    fn from(moments: Moments) -> Sample {
        Sample { n: moments.count() as f64, mean: moments.mean(), variance: moments.variance() }
    }
}

/// A difference on the log scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// The estimate.
    pub ln: f64,
    /// One over its variance; infinite where nothing varies.
    pub precision: f64,
}

/// ln of the ratio of two means, new to old; `None` where one is not positive or nothing was observed.
pub fn change(old: Sample, new: Sample) -> Option<Change> {
    let share = |s: Sample| s.variance.max(0.0) / (s.n * s.mean * s.mean);
    let usable = |s: Sample| s.n > 0.0 && s.mean > 0.0 && s.mean.is_finite() && s.variance.is_finite();
    if !usable(old) || !usable(new) {
        return None;
    }
    Some(Change { ln: (new.mean / old.mean).ln(), precision: 1.0 / (share(old) + share(new)) })
}

/// One change of several strata, each with its weight; `None` of none. Weights are the observations of a stratum, not its
/// precision: a stratum in which nothing varies would silence all others, however few calls it has.
pub fn pooled(strata: impl IntoIterator<Item = (Change, f64)>) -> Option<Change> {
    let strata: Vec<(Change, f64)> =
        strata.into_iter().filter(|(c, w)| c.precision > 0.0 && *w > 0.0).collect();
    let total: f64 = strata.iter().map(|(_, weight)| weight).sum();
    let ln = strata.iter().map(|(change, weight)| weight * change.ln).sum::<f64>() / total;
    let variance: f64 =
        strata.iter().map(|(change, weight)| (weight / total).powi(2) / change.precision).sum();
    (total > 0.0).then_some(Change { ln, precision: 1.0 / variance })
}

impl Change {
    /// The confidence sequence: with probability 1 − `alpha` it holds the true change however often it is looked at.
    /// `mixture`: the precision around which it is tightest.
    pub fn interval(&self, alpha: f64, mixture: f64) -> [f64; 2] {
        let v = self.precision;
        let half = if v.is_infinite() {
            0.0
        } else {
            ((v + mixture) * ((v + mixture) / (mixture * alpha * alpha)).ln()).sqrt() / v
        };
        [self.ln - half, self.ln + half]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_values() {
        let old = Sample { n: 847.0, mean: 1203.0, variance: 520_000.0 };
        let new = Sample { n: 790.0, mean: 1010.0, variance: 460_000.0 };
        let found = change(old, new).expect("a ratio");
        let [low, high] = found.interval(0.05, MIXTURE);
        assert!((found.ln + 0.174_868_106_139_373_7).abs() < 1e-12);
        assert!(
            (low + 0.272_044_704_332_481_57).abs() < 1e-9 && (high + 0.077_691_507_946_265_82).abs() < 1e-9
        );
        assert_eq!(change(old, Sample { mean: 0.0, ..new }), None);
        let flat = Sample { variance: 0.0, ..old };
        assert_eq!(change(flat, flat).map(|c| c.interval(0.05, MIXTURE)), Some([0.0, 0.0]));
    }

    #[test]
    fn strata_weigh_by_their_observations() {
        let (exact, noisy) =
            (Change { ln: 0.0, precision: f64::INFINITY }, Change { ln: 0.8, precision: 100.0 });
        let both = pooled([(exact, 50.0), (noisy, 950.0)]).expect("a ratio");
        assert!((both.ln - 0.76).abs() < 1e-12 && (both.precision - 100.0 / 0.9025).abs() < 1e-9);
        assert_eq!(pooled([(noisy, 7.0)]).map(|c| c.ln), Some(0.8));
        assert_eq!(pooled([]), None);
    }

    proptest! {
        #[test]
        fn it_never_breaks_and_narrows(
            n in 0.0f64..1e9, mean in 0.0f64..1e12, variance in 0.0f64..1e20, other in 1e-9f64..1e12,
        ) {
            let old = Sample { n: n + 1.0, mean: other, variance };
            if let Some(found) = change(old, Sample { n, mean, variance }) {
                let [low, high] = found.interval(0.05, MIXTURE);
                prop_assert!(low <= found.ln && found.ln <= high, "{low} {high}");
                let more = Change { precision: found.precision * 2.0, ..found }.interval(0.05, MIXTURE);
                prop_assert!(more[1] - more[0] <= high - low);
            }
        }
    }
}
