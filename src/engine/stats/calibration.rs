//! How much of what a proposer predicts comes true: a slope through its finished proposals, shrunk to one half, with
//! the scatter around it.
//!
//! Effects are on a log scale (odds ratio of signals; ratio of tokens, cost or latency), each realised one with its
//! standard error. Formula: `statistics.md` section 6. Start with [`calibrate`].

use super::odds::{LogOdds, Units};
use super::proportion::normal_quantile;

/// Slope before anything is known, and its variance.
const SLOPE: (f64, f64) = (0.5, 0.25);
/// Spread of effects around the slope before anything is known, and how many proposals that weighs.
const SCATTER: (f64, f64) = (0.15, 5.0);

/// A finished proposal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finished {
    /// What was predicted.
    pub predicted: f64,
    /// What was measured.
    pub realised: f64,
    /// Standard error of what was measured.
    pub error: f64,
}

/// What a proposer's predictions are worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration {
    /// The share of a prediction that comes true.
    pub slope: f64,
    /// Its variance.
    pub slope_variance: f64,
    /// Variance of effects around the slope.
    pub scatter: f64,
}

/// Learns from the finished proposals, in any order.
pub fn calibrate(finished: &[Finished]) -> Calibration {
    let slope = |scatter: f64| {
        let (mut precision, mut sum) = (1.0 / SLOPE.1, SLOPE.0 / SLOPE.1);
        for f in finished {
            let weight = 1.0 / (f.error * f.error + scatter);
            precision += weight * f.predicted * f.predicted;
            sum += weight * f.predicted * f.realised;
        }
        (sum / precision, 1.0 / precision)
    };
    let (spread, weight) = SCATTER;
    let mut scatter = spread * spread;
    for _ in 0..3 {
        let (b, _) = slope(scatter);
        let excess: f64 =
            finished.iter().map(|f| (f.realised - b * f.predicted).powi(2) - f.error * f.error).sum();
        scatter = (weight * spread * spread + excess.max(0.0)) / (weight + finished.len() as f64);
    }
    let (slope, slope_variance) = slope(scatter);
    Calibration { slope, slope_variance, scatter }
}

impl Calibration {
    /// What to expect of a new prediction, and the interval that holds what will be measured of it, with standard error
    /// `error`, with probability `conf`.
    pub fn expect(&self, predicted: f64, error: f64, conf: f64) -> (f64, [f64; 2]) {
        let mean = self.slope * predicted;
        let variance = self.slope_variance * predicted * predicted + self.scatter + error * error;
        let half = normal_quantile(1.0 - (1.0 - conf) / 2.0) * variance.sqrt();
        (mean, [mean - half, mean + half])
    }
}

/// How many of a proposer's proposals, oldest first, missed the interval that those before it gave.
pub fn missed(finished: &[Finished], conf: f64) -> Units {
    let misses = |i: &usize| {
        let f = finished[*i];
        let (_, [low, high]) = calibrate(&finished[..*i]).expect(f.predicted, f.error, conf);
        f.realised < low || f.realised > high
    };
    let bad = (0..finished.len()).filter(misses).count() as u64;
    Units { bad, all: finished.len() as u64 }
}

/// ln of the e-value against "the intervals miss as seldom as they say".
pub fn ln_e_overconfident(missed: Units, conf: f64) -> f64 {
    let mut odds = LogOdds::default();
    odds.add_known(1.0 - conf, missed);
    odds.ln_e_regressed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn history(n: usize, slope: f64) -> Vec<Finished> {
        let wobble = |i: usize| if i.is_multiple_of(2) { 0.02 } else { -0.02 };
        let predicted = |i: usize| -0.1 - 0.02 * (i % 5) as f64;
        (0..n)
            .map(|i| Finished {
                predicted: predicted(i),
                realised: slope * predicted(i) + wobble(i),
                error: 0.05,
            })
            .collect()
    }

    #[test]
    fn it_starts_at_a_half_and_learns() {
        let none = calibrate(&[]);
        assert!((none.slope - 0.5).abs() < 1e-12 && (none.scatter - 0.0225).abs() < 1e-12);
        assert!((none.slope_variance - 0.25).abs() < 1e-12);
        let few = calibrate(&history(3, 1.0)).slope;
        let many = calibrate(&history(200, 1.0)).slope;
        assert!(few > 0.5 && few < many && (many - 1.0).abs() < 0.05, "{few} {many}");
    }

    #[test]
    fn intervals_that_miss_are_noticed() {
        assert_eq!(missed(&history(30, 0.7), 0.8).bad, 0);
        let mut wild = history(30, 0.7);
        for (i, f) in wild.iter_mut().enumerate() {
            f.realised = if i % 2 == 0 { 2.0 } else { -2.0 } * (1.0 + i as f64);
        }
        let found = missed(&wild, 0.8);
        assert!(found.bad > 10 && ln_e_overconfident(found, 0.8) > 20.0_f64.ln(), "{found:?}");
        assert!(ln_e_overconfident(Units { bad: 6, all: 30 }, 0.8) < 1.0);
    }

    proptest! {
        #[test]
        fn nothing_breaks_it(
            past in prop::collection::vec((-5.0f64..5.0, -5.0f64..5.0, 0.0f64..3.0), 0..20),
            x in -5.0f64..5.0, s in 0.0f64..3.0,
        ) {
            let past: Vec<Finished> = past
                .into_iter()
                .map(|(predicted, realised, error)| Finished { predicted, realised, error })
                .collect();
            let found = calibrate(&past);
            let (mean, [low, high]) = found.expect(x, s, 0.8);
            prop_assert!(found.slope_variance > 0.0 && found.scatter > 0.0);
            prop_assert!(low < mean && mean < high, "{low} {mean} {high}");
            let mut turned = past.clone();
            turned.reverse();
            prop_assert!((calibrate(&turned).slope - found.slope).abs() < 1e-9);
        }
    }
}
