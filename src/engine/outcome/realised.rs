//! What a proposal promised beside what was measured, and what its proposer has learnt us from the settled ones.

use super::proposer::{Proposer, delivery};
use crate::domain::outcome::{Measure, Outcome};
use crate::domain::proposal::{Kind, Prediction, Proposal};
use crate::domain::settled::{Realised, Settled};
use crate::engine::stats::calibration::Finished;

/// Half the width of a 95 % interval in standard errors. A confidence sequence is wider than an interval: errors are
/// overstated rather than understated.
const HALF_WIDTH: f64 = 1.96;

/// The proposer of changes of one kind, as far as a measure goes, from the settled outcomes, oldest first.
pub fn proposer(settled: &[(Proposal, Settled)], kind: Kind, measure: Measure) -> Proposer {
    let of_kind = settled.iter().filter(|(proposal, _)| proposal.kind == kind);
    let effects = of_kind.flat_map(|(_, settled)| &settled.effects).filter(|e| e.measure == measure);
    Proposer::new(effects.filter_map(finished).collect())
}

fn finished(effect: &Realised) -> Option<Finished> {
    let [low, high] = effect.interval?.map(f64::ln_1p);
    let (predicted, realised) = (effect.predicted.ln_1p(), effect.realised?.ln_1p());
    let error = (high - low) / (2.0 * HALF_WIDTH);
    let known = [predicted, realised, error].iter().all(|x| x.is_finite()) && error > 0.0;
    known.then_some(Finished { predicted, realised, error })
}

/// Each promise beside what the outcome measured of it.
pub fn realised(
    predicted: &[Prediction],
    outcome: &Outcome,
    proposer: impl Fn(Measure) -> Proposer,
) -> Vec<Realised> {
    let each = predicted.iter().map(|prediction| {
        let measure = prediction.measure;
        let (ratio, interval) = measured(outcome, measure);
        let promised = prediction.effect.ln_1p();
        let became = interval.map(|ends| {
            delivery(promised, proposer(measure).expected(promised), ends.map(f64::ln), outcome.judgement)
        });
        Realised {
            measure,
            predicted: prediction.effect,
            realised: ratio.map(|ratio| ratio - 1.0),
            interval: interval.map(|ends| ends.map(|end| end - 1.0)),
            delivery: became,
        }
    });
    each.collect()
}

/// The ratio of a measure, new to old, and its interval.
fn measured(outcome: &Outcome, measure: Measure) -> (Option<f64>, Option<[f64; 2]>) {
    let mean = match measure {
        Measure::Negative => return (outcome.negative.odds_ratio, outcome.negative.interval),
        Measure::Tokens => outcome.tokens,
        Measure::Cost => outcome.cost,
        Measure::Latency => outcome.latency,
    };
    (mean.ratio, mean.interval)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::outcome::{Basis, Delivery, Judgement, OddsEffect, RatioEffect};
    use crate::domain::snapshot::{SnapshotWindow, Verdict};
    use crate::domain::window::Window;
    use semver::Version;

    #[test]
    fn a_promise_stands_beside_what_was_measured() {
        let mean = |ratio: Option<f64>, interval| RatioEffect {
            ratio,
            interval,
            old_calls: 500,
            new_calls: 500,
            verdict: Verdict::Sufficient,
        };
        let odds = OddsEffect {
            odds_ratio: None,
            interval: None,
            old_units: 3,
            new_units: 4,
            ln_e_regressed: 0.0,
            ln_e_improved: 0.0,
        };
        let outcome = Outcome {
            prompt_uri: "prompt://core/a".parse().unwrap(),
            old_version: Version::new(1, 0, 0),
            new_version: Version::new(1, 1, 0),
            window: SnapshotWindow(Window { from_ms: 0, to_ms: 1 }),
            active_days: 3.0,
            basis: Basis::Concurrent,
            label: Basis::Concurrent.label(),
            judgement: Judgement::Running,
            suggest_rollback: false,
            decided_at: None,
            negative: odds,
            errors: odds,
            tokens: mean(Some(0.82), Some([0.78, 0.86])),
            cost: mean(Some(0.99), Some([0.97, 1.01])),
            latency: mean(None, None),
            guards: vec![],
        };
        let promise = |measure| Prediction { measure, effect: -0.18, interval: [-0.25, -0.1] };
        let predicted = [Measure::Tokens, Measure::Cost, Measure::Latency, Measure::Negative].map(promise);
        let found = realised(&predicted, &outcome, |_| Proposer::new(vec![]));
        assert!((found[0].realised.unwrap() + 0.18).abs() < 1e-9);
        assert_eq!(found[0].delivery, Some(Delivery::Delivered));
        assert_eq!(found[1].delivery, Some(Delivery::UnderDelivered));
        assert_eq!((found[2].realised, found[2].delivery, found[3].delivery), (None, None, None));
        // Of what was measured the next prediction learns; of what was not, nothing.
        assert!(finished(&found[0]).is_some_and(|f| (f.realised - 0.82_f64.ln()).abs() < 1e-9));
        assert!(finished(&found[2]).is_none());
    }
}
