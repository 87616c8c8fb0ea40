//! What a proposer's predictions are worth, by what became of its finished proposals (`statistics.md` section 6).
//!
//! Effects are logarithms of ratios: ln .82 is 18 % less. Start with [`Proposer`].

use crate::domain::outcome::{Delivery, Expectation, Judgement, Measure};
use crate::engine::stats::calibration::{self, Calibration, Finished};

/// Confidence of the intervals of predictions.
const CONFIDENCE: f64 = 0.8;
/// Standard error of a measured effect where the proposer has none yet: that of tokens after some 200 calls of each
/// version.
const TYPICAL_ERROR: f64 = 0.1;

/// What a proposer has learnt us to make of its predictions.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposer {
    finished: Vec<Finished>,
    calibration: Calibration,
}

impl Proposer {
    /// From its finished proposals of one kind of change, oldest first.
    pub fn new(finished: Vec<Finished>) -> Proposer {
        let calibration = calibration::calibrate(&finished);
        Proposer { finished, calibration }
    }

    /// What to expect of a prediction, on the log scale.
    pub fn expected(&self, predicted: f64) -> f64 {
        self.calibration.slope * predicted
    }

    /// The same for people: effects relative, with the interval that what will be measured falls into four times in
    /// five.
    pub fn expectation(&self, measure: Measure, predicted: f64) -> Expectation {
        let (expected, interval) = self.calibration.expect(predicted, self.typical_error(), CONFIDENCE);
        let missed = calibration::missed(&self.finished, CONFIDENCE);
        Expectation {
            measure,
            predicted: predicted.exp_m1(),
            expected: expected.exp_m1(),
            interval: interval.map(f64::exp_m1),
            realises: self.calibration.slope,
            sample_size: missed.all,
            missed: missed.bad,
            overconfident: calibration::ln_e_overconfident(missed, CONFIDENCE) >= 20.0_f64.ln(),
        }
    }

    /// The median standard error with which its effects were measured.
    fn typical_error(&self) -> f64 {
        let mut errors: Vec<f64> = self.finished.iter().map(|f| f.error).collect();
        errors.sort_by(f64::total_cmp);
        errors.get(errors.len() / 2).copied().unwrap_or(TYPICAL_ERROR)
    }
}

/// What became of a prediction: `predicted` and `expected` as logarithms, `measured` the confidence sequence of the
/// effect's logarithm.
pub fn delivery(predicted: f64, expected: f64, measured: [f64; 2], judgement: Judgement) -> Delivery {
    if judgement == Judgement::Regressed {
        return Delivery::Backfired;
    }
    // Turned so that more is what was promised.
    let way = predicted.signum();
    let [a, b] = measured.map(|end| way * end);
    let (low, high, wanted) = (a.min(b), a.max(b), (way * expected).max(0.0));
    match () {
        () if high < 0.0 => Delivery::Backfired,
        () if high < wanted => Delivery::UnderDelivered,
        () if low > 0.0 => Delivery::Delivered,
        () => Delivery::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(n: usize, slope: f64) -> Vec<Finished> {
        (0..n)
            .map(|i| {
                let predicted = -0.12 - 0.04 * (i % 4) as f64;
                let wobble = if i.is_multiple_of(2) { 0.03 } else { -0.03 };
                Finished { predicted, realised: slope * predicted + wobble, error: 0.04 }
            })
            .collect()
    }

    #[test]
    fn the_sentence() {
        let proposer = Proposer::new(finished(14, 0.59));
        let said = proposer.expectation(Measure::Tokens, 0.82_f64.ln());
        let text = said.to_string();
        assert!(text.starts_with("predicted -18 % tokens; this proposer realises 6"), "{text}");
        assert!(text.contains(" % of what it predicts (n=14) -> expect -11 % [-"), "{text}");
        assert!(said.interval[0] < said.expected && said.expected < said.interval[1] && !said.overconfident);
        let new = Proposer::new(Vec::new()).expectation(Measure::Cost, -0.2).to_string();
        assert!(new.contains("cost; this proposer has no finished proposals -> expect -10 % ["), "{new}");
        let json = serde_json::to_value(said).expect("JSON");
        assert_eq!((json["measure"].as_str(), json["sampleSize"].as_u64()), (Some("tokens"), Some(14)));
    }

    #[test]
    fn a_proposer_whose_intervals_miss_is_named() {
        let wild: Vec<Finished> = (0..20)
            .map(|i| Finished { predicted: -0.1, realised: (-2.0_f64).powi(i), error: 0.01 })
            .collect();
        let said = Proposer::new(wild).expectation(Measure::Tokens, -0.1);
        assert!(said.overconfident && said.to_string().contains("missed their 80 % interval"), "{said}");
    }

    #[test]
    fn what_became_of_it() {
        let running = Judgement::Running;
        for (measured, judgement, became) in [
            ([-0.2, -0.05], running, Delivery::Delivered),
            ([-0.5, -0.3], running, Delivery::Delivered),
            ([-0.09, -0.02], running, Delivery::UnderDelivered),
            ([-0.05, 0.05], running, Delivery::UnderDelivered),
            ([-0.2, 0.05], running, Delivery::Open),
            ([0.02, 0.2], running, Delivery::Backfired),
            ([-0.2, -0.05], Judgement::Regressed, Delivery::Backfired),
        ] {
            assert_eq!(delivery(-0.18, -0.11, measured, judgement), became, "{measured:?}");
        }
        assert_eq!(delivery(0.18, 0.11, [0.05, 0.2], running), Delivery::Delivered);
    }
}
