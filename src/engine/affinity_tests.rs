//! Affinity: small cases by hand, and the claims of its intervals and probabilities in a drawn world
//! (acceptance figures B1 and B2 of `statistics.md` section 7).

use super::*;
use crate::domain::feedback::Source;
use crate::domain::snapshot::Verdict;
use crate::engine::rollup::{CallFacts, Layer};

fn observed(calls: i64, positive: i32, negative: i32, cost: i64) -> Evidence {
    let mut cell = Cell::default();
    for _ in 0..calls {
        let facts = CallFacts {
            ok: true,
            tokens: Some((100, 50)),
            cached: 0,
            cost: Some(cost),
            estimated: false,
            latency_us: Some(900_000),
        };
        cell.add_call(&facts, 1);
    }
    cell.signals.add(Clock::Call, Source::User, Signal::Positive, positive);
    cell.signals.add(Clock::Call, Source::User, Signal::Negative, negative);
    fresh(&cell)
}

fn fresh(cell: &Cell) -> Evidence {
    let mut evidence = Evidence::default();
    evidence.add(cell, 0.0);
    evidence
}

#[test]
fn old_feedback_weighs_less_and_counts_the_same() {
    let mut cell = Cell::default();
    cell.signals.add(Clock::Call, Source::User, Signal::Positive, 40);
    let mut evidence = fresh(&cell);
    evidence.add(&cell, 30.0);
    evidence.add(&cell, 60.0);
    assert!((evidence.feedback.n - 70.0).abs() < 1e-12 && (evidence.feedback.k - 70.0).abs() < 1e-12);
    assert_eq!(evidence.cell.signals.total(Clock::Call), 120);
}

#[test]
fn candidates_without_calls_stand_on_what_their_peers_say() {
    let (good, bad) = (observed(300, 90, 10, 1000), observed(300, 60, 40, 1000));
    let key = |model| CellKey { version: 5, layer: Layer::Direct, model };
    let peers = [vec![], vec![(key(0), &good), (key(1), &bad)]];
    let names = ["good", "bad"];
    let candidates = BTreeSet::from(["good", "bad", "new"]);
    let found = standings(0, &peers, |m| names[m as usize], Some(&candidates));
    assert_eq!(found.iter().map(|s| s.model).collect::<Vec<_>>(), ["bad", "good", "new"]);
    assert!(found.iter().all(|s| s.evidence == Evidence::default()));
    assert!(found[1].worth.quality() > found[0].worth.quality());
    assert!(standings(0, &peers, |m| names[m as usize], None).is_empty());
}

#[test]
fn the_better_model_leads_and_a_thin_one_says_so() {
    let (good, bad, thin) =
        (observed(300, 90, 10, 1000), observed(300, 60, 40, 1000), observed(3, 1, 0, 1000));
    let key = |model| CellKey { version: 5, layer: Layer::Direct, model };
    let uri: PromptUri = "prompt://core/a".parse().unwrap();
    let names = ["good", "bad", "thin"];
    let peers = [vec![(key(0), &good), (key(1), &bad), (key(2), &thin)]];
    let found = affinities(&uri, 0, &peers, |m| names[m as usize]);
    assert_eq!(found[0].model_id, "good");
    assert_eq!(found.last().unwrap().model_id, "bad");
    assert!(found[0].probability_best > found[2].probability_best);
    let thin = found.iter().find(|a| a.model_id == "thin").unwrap();
    assert_eq!(thin.verdict, Verdict::Insufficient);
    assert!(thin.affinity_score < found[0].affinity_score, "one lucky signal must not lead");
    assert!((found.iter().map(|a| a.probability_best).sum::<f64>() - 1.0).abs() < 1e-9);
}

#[test]
fn an_unknown_cost_is_no_advantage() {
    let row = |costs: [Option<f64>; 3]| {
        let o = |cost_usd| Observation { calls: 10.0, ok: 10.0, cost_usd, ..Observation::default() };
        discounts(&costs.map(o).each_ref(), |o| o.cost_usd, 0.07)
    };
    let [cheap, dear, unknown] = row([Some(0.001), Some(0.01), None])[..] else { panic!() };
    let same = |a: f64, b: f64| (a - b).abs() < 1e-12;
    assert!(same(cheap, 1.0) && dear < 0.9 && same(unknown, dear));
    assert!(row([None; 3]).into_iter().all(|d| same(d, 1.0)));
}

/// A small, seeded source of chance.
struct Dice(u64);

impl Dice {
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self, spread: f64) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        spread * radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    fn poisson(&mut self, mean: f64) -> u32 {
        let (mut n, mut product, floor) = (0, self.unit(), (-mean).exp());
        while product > floor {
            n += 1;
            product *= self.unit();
        }
        n
    }
}

#[test]
fn intervals_and_probabilities_hold_what_they_claim() {
    const MODELS: usize = 6;
    const PROMPTS: usize = 60;
    // All prompts of a world share its models: it is worlds that must be many.
    const WORLDS: usize = 16;
    let mut dice = Dice(0x5EED_1234_5678_9ABC);
    let logistic = |x: f64| 1.0 / (1.0 + (-x).exp());
    for per_cell in [4.0, 30.0] {
        let (mut covered, mut cells, mut claimed, mut actual, mut prompts) = (0, 0, 0.0, 0, 0);
        for _ in 0..WORLDS {
            let models: Vec<f64> = (0..MODELS).map(|m| 0.2 * (m as f64 - 2.5) + dice.normal(0.35)).collect();
            let mut quality = vec![vec![0.0; MODELS]; PROMPTS];
            let mut rows = vec![vec![Observation::default(); MODELS]; PROMPTS];
            for (row, truth) in rows.iter_mut().zip(&mut quality) {
                let prompt = dice.normal(0.6);
                for (m, (cell, q)) in row.iter_mut().zip(truth).enumerate() {
                    *q = logistic(1.1 + models[m] + prompt + dice.normal(0.45));
                    let mean = per_cell * (dice.normal(0.8) - 0.32).exp();
                    let n = dice.poisson(mean.min(600.0));
                    let k = (0..n).filter(|_| dice.unit() < *q).count();
                    cell.feedback = Mass { k: k as f64, n: f64::from(n) };
                    (cell.ok, cell.calls) = (1000.0, 1000.0);
                    cell.cost_usd = Some(0.001 * f64::from(1 << m));
                }
            }
            for (row, truth) in worth(&rows, Exchange::default()).iter().zip(&quality) {
                let true_worth: Vec<f64> = row.iter().zip(truth).map(|(w, q)| w.discount() * q).collect();
                for (w, truth) in row.iter().zip(&true_worth) {
                    let [lo, hi] = w.interval(CONFIDENCE);
                    covered += usize::from(lo <= *truth && *truth <= hi);
                    cells += 1;
                }
                let chances = probability_best(row);
                let top = |values: &[f64]| (0..MODELS).max_by(|&a, &b| values[a].total_cmp(&values[b]));
                let pick = top(&row.iter().map(Worth::score).collect::<Vec<_>>()).unwrap();
                claimed += chances[pick];
                actual += usize::from(top(&true_worth) == Some(pick));
                prompts += 1;
            }
        }
        let coverage = f64::from(covered as u32) / f64::from(cells);
        let (claimed, actual) = (claimed / f64::from(prompts), f64::from(actual as u32) / f64::from(prompts));
        println!("{per_cell} a cell: coverage {coverage:.3}, claims {claimed:.3}, is {actual:.3}");
        assert!((0.85..=0.95).contains(&coverage), "{per_cell} a cell: coverage {coverage}");
        assert!((claimed - actual).abs() <= 0.08, "{per_cell} a cell: claims {claimed}, is {actual}");
    }
}
