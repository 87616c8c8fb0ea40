//! From counts to rates that say how sure they are, and when there is too little to say anything.
//!
//! The one place where it is decided what is "enough". Start with [`MIN_SIGNALS`]; formulas are in
//! [`super::stats::proportion`].

use super::rollup::{Cell, Clock, Tallies};
use super::stats::proportion::{self, CONFIDENCE, SIGNAL_WORTH};
use crate::domain::feedback::{Signal, Source};
use crate::domain::snapshot::{FeedbackScore, Rate, Verdict};

/// Signals from which a share or a score is read as a finding (`statistics.md` 2.2 asks the same of a recommended
/// model). At 20 the 95 % interval of a share still spans up to .42.
pub const MIN_SIGNALS: u64 = 20;
/// Calls from which a rate of calls is read as a finding.
pub const MIN_CALLS: u64 = 20;

/// How much a source's signal counts in a score: feedback by programs is easier to get and to game.
pub const SOURCE_WEIGHT: [f64; 3] = [1.0, 0.5, 0.5];

/// A count that a cell holds, as what it is: never negative once all deltas are in.
pub fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// Whether `n` observations are enough.
pub fn verdict(n: u64, enough: u64) -> Verdict {
    if n >= enough { Verdict::Sufficient } else { Verdict::Insufficient }
}

/// The rate of `k` in `n` with its interval; `k` above `n` counts as `n` in both.
pub fn rate(k: i64, n: i64, enough: u64) -> Rate {
    let (k, n) = (count(k), count(n));
    let share = (n > 0).then(|| k.min(n) as f64 / n as f64);
    Rate {
        count: k,
        rate: share,
        interval: proportion::jeffreys(k, n, CONFIDENCE),
        sample_size: n,
        verdict: verdict(n, enough),
    }
}

/// The share of one signal among all signals of the calls.
pub fn share(signals: &Tallies, signal: Signal) -> Rate {
    rate(signals.signal(Clock::Call, signal), signals.total(Clock::Call), MIN_SIGNALS)
}

/// The share of the calls that failed.
pub fn errors(cell: &Cell) -> Rate {
    rate(cell.calls - cell.ok, cell.calls, MIN_CALLS)
}

/// Evidence units (the first signal per prompt version, session or user, and hour of arrival) to calls
/// (`statistics.md` 1).
pub fn coverage(units: i64, calls: i64) -> Rate {
    rate(units, calls, MIN_CALLS)
}

/// The mass of each signal, weighted by source.
pub fn signal_mass(signals: &Tallies, weights: [f64; 3]) -> [f64; 4] {
    mass_of(&signals.counts(Clock::Call), weights)
}

fn mass_of(counts: &Counts, weights: [f64; 3]) -> [f64; 4] {
    Signal::ALL.map(|signal| {
        counts.iter().zip(weights).map(|(of_source, w)| w * count(of_source[signal as usize]) as f64).sum()
    })
}

/// Counts of signals by source, then signal, as [`Tallies::counts`] gives them.
pub type Counts = [[i64; 4]; 3];

/// The score of the feedback, signals weighted by source.
pub fn score(signals: &Tallies) -> FeedbackScore {
    score_of_counts(&signals.counts(Clock::Call))
}

/// The score of these counts, signals weighted by source.
pub fn score_of_counts(counts: &Counts) -> FeedbackScore {
    score_of(mass_of(counts, SOURCE_WEIGHT), count(counts.iter().flatten().sum()))
}

/// The mean of [`score_of_counts`] alone, which is closed form: the interval is dear.
pub fn mean_score_of_counts(counts: &Counts) -> f64 {
    proportion::feedback_score(mass_of(counts, SOURCE_WEIGHT), SIGNAL_WORTH).mean
}

/// The score of the signals of one source, each counting fully.
pub fn score_from(signals: &Tallies, source: Source) -> FeedbackScore {
    let counts = Signal::ALL.map(|signal| count(signals.get(Clock::Call, source, signal)));
    score_of(counts.map(|n| n as f64), counts.iter().sum())
}

fn score_of(mass: [f64; 4], sample_size: u64) -> FeedbackScore {
    let score = proportion::feedback_score(mass, SIGNAL_WORTH);
    FeedbackScore {
        feedback_score: score.mean,
        interval: score.interval(CONFIDENCE),
        sample_size,
        verdict: verdict(sample_size, MIN_SIGNALS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_report() {
        let mut signals = Tallies::default();
        signals.add(Clock::Call, Source::User, Signal::Positive, 72);
        signals.add(Clock::Call, Source::User, Signal::Negative, 12);
        signals.add(Clock::Call, Source::User, Signal::Rephrase, 16);
        // Units by arrival are another clock's.
        signals.add(Clock::Arrival, Source::User, Signal::Negative, 500);
        let positive = share(&signals, Signal::Positive);
        assert_eq!(
            (positive.rate, positive.sample_size, positive.verdict),
            (Some(0.72), 100, Verdict::Sufficient)
        );
        assert!(positive.interval[0] > 0.62 && positive.interval[1] < 0.81);
        assert!((score(&signals).feedback_score - 0.798_267_326_732_673_2).abs() < 1e-12);
    }

    #[test]
    fn feedback_by_programs_weighs_half() {
        let (mut by_user, mut by_agent) = (Tallies::default(), Tallies::default());
        by_user.add(Clock::Call, Source::User, Signal::Positive, 30);
        by_agent.add(Clock::Call, Source::Agent, Signal::Positive, 60);
        assert!((score(&by_user).feedback_score - score(&by_agent).feedback_score).abs() < 1e-12);
        assert_eq!(score(&by_agent).sample_size, 60);
        assert!(score_from(&by_agent, Source::Agent).feedback_score > score(&by_agent).feedback_score);
        assert_eq!(score_from(&by_agent, Source::User).sample_size, 0);
    }

    #[test]
    fn thin_evidence_says_so() {
        assert_eq!(rate(0, 0, MIN_CALLS).rate, None);
        let [lo, hi] = rate(0, 0, MIN_CALLS).interval;
        assert!(lo < 1e-12 && hi > 1.0 - 1e-12);
        assert_eq!(rate(19, 19, MIN_CALLS).verdict, Verdict::Insufficient);
        assert_eq!(rate(20, 20, MIN_CALLS).verdict, Verdict::Sufficient);
        assert_eq!(rate(7, 5, MIN_CALLS).rate, Some(1.0));
    }
}
