//! What a change is expected to do: what it promises, with an 80 % interval, and what to expect of the promise by the
//! proposer's record. Effects are logarithms of ratios inside, relative outside: −0.18 is 18 % less.
//!
//! What is known is computed: a shorter template shortens the input of every call by as much. What is not known widens
//! the interval: nobody knows how a reworded prompt changes the length of its answers, or whether it helps. A prompt that
//! was found for its negative rate looks worse than it is, so that part of what will be measured comes by itself: rates
//! are shrunk to their peers before anything is promised (`statistics.md` 5.4). Start with [`text`] and [`model`].

use crate::domain::affinity::PromptModelAffinity;
use crate::domain::outcome::{Expectation, Measure, OddsEffect};
use crate::domain::proposal::Prediction;
use crate::domain::snapshot::Rate;
use crate::engine::evidence::{MIN_CALLS, MIN_SIGNALS};
use crate::engine::outcome::proposer::Proposer;
use crate::engine::rollup::Cell;
use crate::engine::stats::logit::logit;
use crate::engine::stats::proportion::normal_quantile;
use crate::engine::stats::shrink::{Prior, Shrunk};

/// Confidence of the intervals.
const CONFIDENCE: f64 = 0.8;
/// Standard error of an estimated count of tokens: nine in ten are within 9 % (see [`tokens`](super::tokens)).
const COUNT_ERROR: f64 = 0.055;
/// How far the length of answers wanders when a prompt is reworded, and costs and durations when the calls move to
/// another model: the scatter that proposals have before anything is known of them (`statistics.md` 6).
const WANDER: f64 = 0.15;
/// The least that is left of a call's tokens or cost, as a share: an estimate cannot say more.
const LEAST: f64 = 0.05;
/// Nano-dollars in a dollar.
const NANO: f64 = 1e-9;

/// A promise, what to expect of it, and what it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicted {
    /// What the proposal promises.
    pub prediction: Prediction,
    /// What to expect, by the proposer's record.
    pub expectation: Expectation,
    /// What a reader is to know, clauses with their numbers.
    pub notes: Vec<String>,
}

/// What a call of a prompt takes, on average.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spending {
    /// Input tokens.
    pub input: f64,
    /// Output tokens.
    pub output: f64,
    /// Cost in US dollars, where calls have one.
    pub cost_usd: Option<f64>,
    /// Calls with token counts.
    pub calls: u64,
}

impl Spending {
    /// From the roll-up of a prompt's calls; `None` where too few of them have token counts.
    pub fn of(cell: &Cell) -> Option<Spending> {
        let calls = u64::try_from(cell.metered).ok().filter(|calls| *calls >= MIN_CALLS)?;
        let mean = |sum: i64| sum as f64 / calls as f64;
        let priced = u64::try_from(cell.priced).ok().filter(|priced| *priced >= MIN_CALLS);
        Some(Spending {
            input: mean(cell.input_tokens),
            output: mean(cell.output_tokens),
            cost_usd: priced.map(|priced| cell.cost as f64 / priced as f64 * NANO),
            calls,
        })
    }
}

/// Negative signals of a prompt, and how they usually are among its peers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Negative {
    /// Negative units of feedback.
    pub negative: u64,
    /// All of them.
    pub units: u64,
    /// The peers' rates.
    pub peers: Prior,
}

/// A change of text, and what is known of the prompt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rewording {
    /// Estimated tokens of the template as it is.
    pub tokens_before: u32,
    /// Estimated tokens of the template as it is to be.
    pub tokens_after: u32,
    /// What calls take; `None`: too few to say.
    pub spending: Option<Spending>,
    /// US dollars for an input token of the models that the calls go to, on average.
    pub input_price: Option<f64>,
    /// What people say of it, where the change is to make that better.
    pub negative: Option<Negative>,
}

/// What another text promises: tokens and cost where its length changes, negative signals where it was found for them.
pub fn text(change: &Rewording, proposer: &Proposer) -> Vec<Predicted> {
    let mut promised = Vec::new();
    let fewer = f64::from(change.tokens_before) - f64::from(change.tokens_after);
    if let Some(spending) = change.spending.filter(|_| fewer != 0.0) {
        // Nothing saves more than there is.
        let fewer = fewer.min(spending.input);
        promised.extend(tokens(&spending, fewer, proposer));
        promised.extend(change.input_price.and_then(|price| cost(&spending, fewer, price, proposer)));
    }
    promised.extend(change.negative.and_then(|negative| as_peers(negative, proposer)));
    promised
}

fn tokens(spending: &Spending, fewer: f64, proposer: &Proposer) -> Option<Predicted> {
    let all = spending.input + spending.output;
    let left = (all - fewer).max(LEAST * all);
    if all <= 0.0 {
        return None;
    }
    let error = (COUNT_ERROR * (all - left) / left).hypot(WANDER * spending.output / left);
    let note = format!(
        "{:.0} of {all:.0} tokens of a call are input, over {} calls; answers are taken to stay as long as they are",
        spending.input, spending.calls
    );
    Some(predicted(Measure::Tokens, (left / all).ln(), error, vec![note], proposer))
}

fn cost(spending: &Spending, fewer: f64, price: f64, proposer: &Proposer) -> Option<Predicted> {
    let all = spending.cost_usd.filter(|cost| *cost > 0.0)?;
    let left = (all - fewer * price).max(LEAST * all);
    let answers = (all - spending.input * price).max(0.0);
    let error = (COUNT_ERROR * (all - left) / left).hypot(WANDER * answers / left);
    let note = format!("a call costs ${all:.6}; only its input gets shorter, and cached input saves less");
    Some(predicted(Measure::Cost, (left / all).ln(), error, vec![note], proposer))
}

/// What it would be worth if the prompt became as its peers usually are, beginning from its own shrunk rate.
fn as_peers(Negative { negative, units, peers }: Negative, proposer: &Proposer) -> Option<Predicted> {
    if units < MIN_SIGNALS {
        return None;
    }
    let own = peers.posterior(negative as f64, units as f64);
    let effect = logit(peers.mean) - logit(own.mean());
    if effect >= 0.0 {
        return None;
    }
    let [low, high] = own.interval(CONFIDENCE).map(|rate| logit(peers.mean) - logit(rate));
    let percent = |rate: f64| rate * 100.0;
    let mut notes = vec![format!(
        "promises the rate of its peers, {:.1} %; its own is {:.1} % once shrunk to them (n={units})",
        percent(peers.mean),
        percent(own.mean())
    )];
    let raw = negative as f64 / units as f64;
    if raw > own.mean() {
        notes.push(format!(
            "{:.1} % were measured: the drop to {:.1} % comes by itself and is no effect",
            percent(raw),
            percent(own.mean())
        ));
    }
    notes.push("of real rewordings 21.5 % made things worse".to_owned());
    // More than one in ten rewordings harms: an 80 % interval that ends below nought would claim otherwise.
    let interval = [high.min(low), low.max(high).max(0.0)];
    Some(Predicted {
        prediction: Prediction {
            measure: Measure::Negative,
            effect: effect.exp_m1(),
            interval: interval.map(f64::exp_m1),
        },
        expectation: proposer.expectation(Measure::Negative, effect),
        notes,
    })
}

/// What another recommended model promises, from what both did for this prompt: cost and duration where both are known,
/// negative signals shrunk to `peers`, the rates of the prompt's models. Empty where one of them is hardly known.
pub fn model(
    from: &PromptModelAffinity,
    to: &PromptModelAffinity,
    peers: Prior,
    proposer: &Proposer,
) -> Vec<Predicted> {
    let follows = "for the calls that follow the recommendation".to_owned();
    let calls = [from, to].map(|model| model.rates.success.sample_size);
    let mut promised = Vec::new();
    for (measure, means) in [
        (Measure::Cost, [from.stats.avg_cost_usd, to.stats.avg_cost_usd]),
        (Measure::Latency, [from.stats.avg_latency_ms, to.stats.avg_latency_ms]),
    ] {
        if let [Some(old), Some(new)] = means
            && old > 0.0
            && new > 0.0
            && calls.iter().all(|calls| *calls >= MIN_CALLS)
        {
            let note = format!(
                "means of {} and {} calls; the models may have had different calls",
                calls[0], calls[1]
            );
            promised.push(predicted(
                measure,
                (new / old).ln(),
                WANDER,
                vec![note, follows.clone()],
                proposer,
            ));
        }
    }
    let rates = [&from.rates.negative, &to.rates.negative];
    if rates.iter().all(|rate| rate.sample_size >= MIN_SIGNALS) {
        let shrunk = rates.map(|rate| posterior(peers, rate));
        let effect = logit(shrunk[1].mean()) - logit(shrunk[0].mean());
        let error = shrunk.iter().map(|s| 1.0 / s.alpha + 1.0 / s.beta).sum::<f64>().sqrt();
        let note = format!(
            "{:.1} % of {} signals against {:.1} % of {}, both shrunk to the prompt's models",
            shrunk[1].mean() * 100.0,
            rates[1].sample_size,
            shrunk[0].mean() * 100.0,
            rates[0].sample_size
        );
        promised.push(predicted(Measure::Negative, effect, error, vec![note, follows], proposer));
    }
    promised
}

/// What going back from a change promises: that the odds of a negative signal become again what they were before, the
/// inverse of what was measured with the ends of its interval. `None` where nothing was.
pub fn back(measured: &OddsEffect) -> Option<Prediction> {
    let (ratio, [low, high]) = (measured.odds_ratio?, measured.interval?);
    let inverse = |ratio: f64| ratio.recip() - 1.0;
    let known = [ratio, low, high].iter().all(|ratio| ratio.is_finite() && *ratio > 0.0);
    known.then(|| Prediction {
        measure: Measure::Negative,
        effect: inverse(ratio),
        interval: [inverse(high), inverse(low)],
    })
}

fn posterior(peers: Prior, rate: &Rate) -> Shrunk {
    peers.posterior(rate.count as f64, rate.sample_size as f64)
}

fn predicted(
    measure: Measure,
    effect: f64,
    error: f64,
    notes: Vec<String>,
    proposer: &Proposer,
) -> Predicted {
    let half = normal_quantile(f64::midpoint(1.0, CONFIDENCE)) * error;
    let interval = [(effect - half).exp_m1(), (effect + half).exp_m1()];
    Predicted {
        prediction: Prediction { measure, effect: effect.exp_m1(), interval },
        expectation: proposer.expectation(measure, effect),
        notes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::affinity::{AffinityRates, AffinityStats};
    use crate::domain::snapshot::Verdict;
    use crate::engine::evidence;
    use crate::engine::stats::calibration::Finished;
    use proptest::prelude::*;

    fn novice() -> Proposer {
        Proposer::new(Vec::new())
    }

    fn spending(input: f64, output: f64) -> Spending {
        Spending { input, output, cost_usd: Some(0.01), calls: 500 }
    }

    fn rewording(before: u32, after: u32) -> Rewording {
        Rewording {
            tokens_before: before,
            tokens_after: after,
            spending: Some(spending(800.0, 200.0)),
            input_price: Some(1e-5),
            negative: None,
        }
    }

    #[test]
    fn a_shorter_template_saves_its_own_tokens() {
        let promised = text(&rewording(500, 320), &novice());
        let [tokens, cost] = &promised[..] else { panic!("{promised:?}") };
        assert!((tokens.prediction.effect + 0.18).abs() < 1e-9);
        // 180 tokens at $0.00001 of $0.01.
        assert!((cost.prediction.effect + 0.18).abs() < 1e-9);
        for told in &promised {
            let [low, high] = told.prediction.interval;
            assert!(low < told.prediction.effect && told.prediction.effect < high && high < 0.0);
            assert!(
                told.expectation.expected > told.prediction.effect,
                "an unknown proposer is believed by half"
            );
        }
        assert!(tokens.notes[0].contains("answers are taken to stay"));
        // Long answers make it less sure.
        let talkative = Rewording { spending: Some(spending(800.0, 4_000.0)), ..rewording(500, 320) };
        assert!(text(&talkative, &novice())[0].prediction.interval[1] > 0.0);
    }

    #[test]
    fn what_is_not_known_is_not_promised() {
        assert_eq!(text(&rewording(500, 500), &novice()), []);
        assert_eq!(text(&Rewording { spending: None, ..rewording(500, 400) }, &novice()), []);
        assert_eq!(Spending::of(&Cell { metered: 3, input_tokens: 300, ..Cell::default() }), None);
        let cell =
            Cell { metered: 100, input_tokens: 80_000, output_tokens: 20_000, priced: 3, ..Cell::default() };
        let known = Spending::of(&cell).unwrap();
        assert_eq!((known.input, known.output, known.cost_usd), (800.0, 200.0, None));
        assert_eq!(text(&Rewording { spending: Some(known), ..rewording(500, 400) }, &novice()).len(), 1);
    }

    #[test]
    fn regression_to_the_mean_is_not_sold() {
        let peers = Prior { mean: 0.12, strength: 40.0 };
        let told = |negative, units| {
            let negative = Some(Negative { negative, units, peers });
            text(&Rewording { negative, ..rewording(1, 1) }, &novice()).pop()
        };
        let thin = told(12, 30).unwrap();
        let naive = (logit(0.12) - logit(0.4)).exp_m1();
        assert!(thin.prediction.effect > naive + 0.1, "{} {naive}", thin.prediction.effect);
        assert!(thin.prediction.interval[1] >= 0.0 && thin.notes[1].contains("comes by itself"), "{thin:?}");
        // The same share of many units is the prompt's own.
        assert!(told(1_200, 3_000).unwrap().prediction.effect < thin.prediction.effect);
        assert_eq!((told(5, 12), told(1, 100)), (None, None));
    }

    #[test]
    fn a_record_corrects() {
        let liar: Vec<Finished> =
            (0..20).map(|_| Finished { predicted: -0.2, realised: 0.0, error: 0.02 }).collect();
        let (believed, told) =
            (&text(&rewording(500, 320), &novice())[0], &text(&rewording(500, 320), &Proposer::new(liar))[0]);
        assert_eq!(told.prediction, believed.prediction);
        assert!(told.expectation.expected > -0.03 && believed.expectation.expected < -0.08);
    }

    #[test]
    fn going_back_undoes_what_was_measured() {
        let odds = OddsEffect {
            odds_ratio: Some(2.0),
            interval: Some([1.0, 4.0]),
            old_units: 300,
            new_units: 200,
            ln_e_regressed: 5.0,
            ln_e_improved: 0.0,
        };
        let told = back(&odds).unwrap();
        assert_eq!((told.measure, told.effect, told.interval), (Measure::Negative, -0.5, [-0.75, 0.0]));
        assert_eq!(back(&OddsEffect { odds_ratio: None, ..odds }), None);
        assert_eq!(back(&OddsEffect { interval: None, ..odds }), None);
    }

    fn affinity(cost: Option<f64>, negative: (i64, i64), calls: i64) -> PromptModelAffinity {
        PromptModelAffinity {
            prompt_uri: "prompt://core/a".parse().unwrap(),
            model_id: "m".into(),
            sample_size: negative.1 as u64,
            stats: AffinityStats {
                avg_latency_ms: None,
                avg_cost_usd: cost,
                success_rate: None,
                positive_signal_rate: None,
                negative_signal_rate: None,
            },
            rates: AffinityRates {
                success: evidence::rate(calls, calls, 20),
                positive: evidence::rate(0, 0, 20),
                negative: evidence::rate(negative.0, negative.1, 20),
            },
            affinity_score: 0.5,
            interval: [0.0, 1.0],
            probability_best: 0.5,
            verdict: Verdict::Sufficient,
            worth: crate::domain::affinity::Worth::default(),
        }
    }

    #[test]
    fn another_model() {
        let peers = Prior { mean: 0.15, strength: 30.0 };
        let told = model(
            &affinity(Some(0.02), (60, 200), 900),
            &affinity(Some(0.01), (10, 200), 900),
            peers,
            &novice(),
        );
        let [cost, negative] = &told[..] else { panic!("{told:?}") };
        assert!((cost.prediction.effect + 0.5).abs() < 1e-9);
        assert!(
            negative.prediction.interval[1] < 0.0
                && negative.prediction.effect > (logit(0.05) - logit(0.3)).exp_m1()
        );
        assert_eq!(
            model(&affinity(Some(0.02), (2, 5), 10), &affinity(None, (1, 5), 900), peers, &novice()),
            []
        );
    }

    proptest! {
        #[test]
        fn promises_are_numbers(
            before in 0..20_000_u32, after in 0..20_000_u32, input in 0.0..30_000.0_f64, output in 0.0..9_000.0_f64,
            negative in 0..400_u64, more in 0..400_u64, price in 0.0..0.001_f64,
        ) {
            let peers = Prior { mean: 0.2, strength: 10.0 };
            let change = Rewording {
                tokens_before: before, tokens_after: after, spending: Some(spending(input, output)), input_price: Some(price),
                negative: Some(Negative { negative, units: negative + more, peers }),
            };
            for told in text(&change, &novice()) {
                let Prediction { effect, interval: [low, high], .. } = told.prediction;
                prop_assert!(low.is_finite() && high.is_finite() && effect > -1.0);
                prop_assert!(low <= effect + 1e-12 && effect <= high + 1e-12, "{low} {effect} {high}");
            }
        }
    }
}
