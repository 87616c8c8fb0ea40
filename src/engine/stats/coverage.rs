//! Whether the intervals hold what they promise, by exact enumeration: the acceptance figures A1 and A4 of
//! `statistics.md` section 7, and the claim that makes the confidence sequence worth its width. Tests only.

use super::proportion::{confidence_sequence, feedback_score, jeffreys, wilson};

/// Probabilities of 0..=n successes at rate `p`.
fn binomial(n: usize, p: f64) -> Vec<f64> {
    let mut chances = vec![1.0];
    for _ in 0..n {
        let mut next = vec![0.0; chances.len() + 1];
        for (k, chance) in chances.iter().enumerate() {
            next[k] += chance * (1.0 - p);
            next[k + 1] += chance * p;
        }
        chances = next;
    }
    chances
}

fn holds([lo, hi]: [f64; 2], p: f64) -> bool {
    lo <= p && p <= hi
}

#[test]
fn modified_jeffreys_covers() {
    let (mut sum, mut least, mut cases) = (0.0, 1.0_f64, 0);
    for n in 1..=50_usize {
        let intervals: Vec<[f64; 2]> = (0..=n).map(|k| jeffreys(k as u64, n as u64, 0.95)).collect();
        for p in (1..200).map(|i| f64::from(i) / 200.0) {
            let chances = binomial(n, p);
            let covered = chances.iter().zip(&intervals).filter(|(_, i)| holds(**i, p)).map(|(c, _)| c);
            let coverage: f64 = covered.sum();
            (sum, least, cases) = (sum + coverage, least.min(coverage), cases + 1);
        }
    }
    let mean = sum / f64::from(cases);
    assert!(mean >= 0.95 && least >= 0.895, "mean {mean}, least {least}");
}

/// The probability that an interval, looked at after each of `last` events from the `first` on, ever leaves `p` out.
fn ever_missed(p: f64, first: usize, last: usize, interval: impl Fn(u64, u64) -> [f64; 2]) -> f64 {
    let mut alive = vec![1.0];
    for n in 1..=last {
        let mut next = vec![0.0; n + 1];
        for (k, chance) in alive.iter().enumerate() {
            next[k] += chance * (1.0 - p);
            next[k + 1] += chance * p;
        }
        if n >= first {
            for (k, chance) in next.iter_mut().enumerate().filter(|(_, chance)| **chance > 0.0) {
                if !holds(interval(k as u64, n as u64), p) {
                    *chance = 0.0;
                }
            }
        }
        alive = next;
    }
    1.0 - alive.iter().sum::<f64>()
}

#[test]
fn the_confidence_sequence_may_be_watched_and_others_may_not() {
    for p in [0.1, 0.5] {
        let sequence = ever_missed(p, 1, 150, |k, n| confidence_sequence(k, n, 0.05));
        let peeked = ever_missed(p, 10, 150, |k, n| wilson(k, n, 0.95));
        assert!(sequence <= 0.05, "{p}: {sequence}");
        assert!(
            peeked > 0.2,
            "{p}: a fixed-n interval under peeking misses far more than it says ({peeked})"
        );
    }
}

#[test]
fn with_worths_of_nought_and_one_the_score_is_a_plain_rate() {
    for (k, n) in [(0, 4), (3, 10), (72, 100)] {
        let score = feedback_score([f64::from(k), f64::from(n - k), 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]);
        assert!((score.alpha - (f64::from(k) + 0.5)).abs() < 1e-9);
        assert!((score.beta - (f64::from(n - k) + 0.5)).abs() < 1e-9);
    }
}
