//! Section 2: affinity and routing, in a drawn world of prompts × models.
//!
//! Quality on the logit: the model's (dearer ones are better, ±.35), the prompt's (±.6) and their own (±.45). Cost and
//! latency are known, feedback is positive with the probability of the quality.

use human::engine::affinity::{self, Exchange, HALF_LIFE_DAYS, Observation, Worth};
use human::engine::stats::hierarchy::Mass;
use human::engine::stats::preference::{FLOOR, weights};

use super::dice::Dice;
use super::{Part, Row, Size};

/// The figures of this section.
pub const PARTS: &[Part] = &[
    ("B1", |size| estimation(size, 0xB1)),
    ("B3", |size| routing(size, 0xB3, false)),
    ("B4", |size| routing(size, 0xB4, true)),
    ("B6", |size| own_routing(size, 0xB6)),
];

const PRICES: [f64; 6] = [0.2, 0.5, 1.0, 2.0, 4.0, 10.0];
const MODELS: usize = PRICES.len();
/// Signals a cell, on average, in the worlds of B1 and B2.
const VOLUMES: [f64; 7] = [1.0, 2.0, 5.0, 10.0, 30.0, 100.0, 300.0];
/// Calls so many that success is no question here.
const ANSWERED: f64 = 1e9;

type Cells<T> = Vec<[T; MODELS]>;

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

/// What is true of each prompt on each model.
struct World {
    quality: Cells<f64>,
    /// What cost and latency leave of it, by the engine.
    discount: Cells<f64>,
    facts: Vec<Vec<Observation>>,
}

impl World {
    fn draw(dice: &mut Dice, prompts: usize) -> World {
        let logs = PRICES.map(f64::ln);
        let mean = logs.iter().sum::<f64>() / MODELS as f64;
        let sd = (logs.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / MODELS as f64).sqrt();
        let models = logs.map(|l| 0.3 * (l - mean) / sd + dice.normal(0.0, 0.35));
        let slowness = PRICES.map(|price| dice.log_normal(0.0, 0.4) * price.powf(0.15));
        let (mut quality, mut facts) = (Vec::new(), Vec::new());
        for _ in 0..prompts {
            let own = dice.normal(0.0, 0.6);
            quality.push(models.map(|m| logistic(logit(0.75) + m + own + dice.normal(0.0, 0.45))));
            let cell = |m: usize| Observation {
                feedback: Mass::default(),
                ok: ANSWERED,
                calls: ANSWERED,
                cost_usd: Some(1e-3 * PRICES[m] * dice.log_normal(0.0, 0.25)),
                latency_ms: Some(1e3 * slowness[m] * dice.log_normal(0.0, 0.2)),
            };
            facts.push((0..MODELS).map(cell).collect());
        }
        let discount = by_model(&affinity::worth(&facts, Exchange::default()), Worth::discount);
        World { quality, discount, facts }
    }

    /// What the engine makes of the feedback.
    fn worth(&self, feedback: &Cells<Mass>) -> Vec<Vec<Worth>> {
        let mut rows = self.facts.clone();
        for (row, masses) in rows.iter_mut().zip(feedback) {
            row.iter_mut().zip(masses).for_each(|(cell, mass)| cell.feedback = *mass);
        }
        affinity::worth(&rows, Exchange::default())
    }

    fn utility(&self, prompt: usize) -> [f64; MODELS] {
        std::array::from_fn(|m| self.quality[prompt][m] * self.discount[prompt][m])
    }
}

fn by_model(worth: &[Vec<Worth>], of: impl Fn(&Worth) -> f64) -> Cells<f64> {
    worth.iter().map(|row| std::array::from_fn(|m| of(&row[m]))).collect()
}

fn top(values: &[f64; MODELS]) -> usize {
    (0..MODELS).max_by(|&a, &b| values[a].total_cmp(&values[b])).unwrap_or(0)
}

/// B1: do 90 % intervals cover; B2: is the pick as often the best as is claimed.
fn estimation(size: Size, seed: u64) -> Vec<Row> {
    // All prompts of a world share its models: it is worlds that must be many.
    let (worlds, prompts) = (size.of(24, 5), size.of(200, 30));
    let mut rows = Vec::new();
    let mut misses = Vec::new();
    for (i, volume) in VOLUMES.into_iter().enumerate().skip(size.of(0, 1)).step_by(size.of(1, 2)) {
        let mut dice = Dice::new(seed + i as u64);
        let (mut covered, mut cells, mut claimed, mut actual) = (0.0, 0.0, 0.0, 0.0);
        for _ in 0..worlds {
            let world = World::draw(&mut dice, prompts);
            let feedback: Cells<Mass> = world
                .quality
                .iter()
                .map(|row| {
                    row.map(|q| {
                        let mean = volume * dice.log_normal(-0.32, 0.8);
                        let n = dice.poisson(mean);
                        Mass { k: dice.binomial(n, q) as f64, n: n as f64 }
                    })
                })
                .collect();
            for (p, row) in world.worth(&feedback).iter().enumerate() {
                let truth = world.utility(p);
                for (worth, truth) in row.iter().zip(truth) {
                    let [lo, hi] = worth.interval(affinity::CONFIDENCE);
                    covered += f64::from(u8::from(lo <= truth && truth <= hi));
                    cells += 1.0;
                }
                let pick = top(&std::array::from_fn(|m| row[m].score()));
                claimed += affinity::probability_best(row)[pick];
                actual += f64::from(u8::from(top(&truth) == pick));
            }
        }
        let [least, most] = size.of([0.86, 0.94], [0.83, 0.96]);
        let coverage: f64 = covered / cells;
        rows.push(Row {
            id: "B1",
            what: format!("90 % affinity interval covers, {volume} signals a cell"),
            required: format!("{least} to {most}"),
            measured: format!("{coverage:.4}"),
            reached: (least..=most).contains(&coverage),
        });
        misses.push((claimed - actual).abs() / (f64::from(worlds) * prompts as f64));
    }
    let most = misses.iter().copied().fold(0.0, f64::max);
    let mean = misses.iter().sum::<f64>() / misses.len() as f64;
    rows.push(Row::at_most("B2", "|claimed P(best) - actual|, any volume", most, size.of(0.08, 0.13)));
    rows.push(Row::at_most("B2", "|claimed P(best) - actual|, mean over volumes", mean, size.of(0.05, 0.08)));
    rows
}

/// What becomes of the feedback that routing itself has brought about.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Weighing {
    /// Each signal counts as it is, less by age: what the product does.
    Plain,
    /// Each counts by the inverse of the weight that its call was routed with, a cell's sum being what it is
    /// effectively worth (Kish 1965).
    Inverse,
}

/// A cell after a month of routing.
struct Ended {
    truth: f64,
    estimate: f64,
    interval: [f64; 2],
    /// Mean of its feedback, if there is any.
    raw: Option<f64>,
}

/// What a month of routing came to.
struct Month {
    /// Of the routing and of uniform routing, summed by prompt, by call, and by prompt in the last five days.
    regrets: [[f64; 3]; 2],
    least: f64,
    most: f64,
    cells: Vec<Ended>,
}

const DAYS: usize = 30;

/// A month of 10 to 10,000 calls a day and prompt, 2 to 20 % of them with feedback; the table is refreshed
/// `refreshes` times a day. With `drift`, 30 % of the prompts lose 1.2 on the logit of their best model on day 15.
fn month(seed: u64, prompts: usize, refreshes: usize, drift: bool, weighing: Weighing) -> Month {
    let mut dice = Dice::new(seed);
    let mut world = World::draw(&mut dice, prompts);
    let volumes: Vec<f64> = (0..prompts).map(|_| dice.log_uniform(10.0, 10_000.0)).collect();
    let shares: Vec<f64> = (0..prompts).map(|_| dice.log_uniform(0.02, 0.2)).collect();
    let keep = (-1.0 / (HALF_LIFE_DAYS * refreshes as f64)).exp2();
    let mut plain: Cells<Mass> = vec![[Mass::default(); MODELS]; prompts];
    // Sums of weights, of those of successes, and of their squares.
    let mut inverse: Cells<[f64; 3]> = vec![[[0.0; 3]; MODELS]; prompts];
    let (mut least, mut most) = (1.0_f64, 0.0_f64);
    let mut regrets = [[0.0; 3]; 2];
    let steps = DAYS * refreshes;
    for step in 0..steps {
        if drift && step == steps / 2 {
            for p in 0..prompts {
                let best = top(&world.utility(p));
                if dice.chance(0.3) {
                    world.quality[p][best] = logistic(logit(world.quality[p][best]) - 1.2);
                }
            }
        }
        for (p, row) in estimate(&world, &plain, &inverse, weighing).iter().enumerate() {
            let chances = affinity::probability_best(row);
            let weights = weights(&chances.iter().map(|&best| (1.0, best)).collect::<Vec<_>>());
            let utility = world.utility(p);
            let gaps = utility.map(|u| utility[top(&utility)] - u);
            let calls = dice.poisson(volumes[p] / refreshes as f64);
            let regret = weights.iter().zip(gaps).map(|(w, gap)| w * gap).sum();
            let uniform = gaps.iter().sum::<f64>() / MODELS as f64;
            for (sums, regret) in regrets.iter_mut().zip([regret, uniform]) {
                sums[0] += regret;
                sums[1] += regret * calls as f64;
                sums[2] += if step >= steps - 5 * refreshes { regret } else { 0.0 };
            }
            let (mut calls, mut share) = (calls, 1.0);
            for (m, &weight) in weights.iter().enumerate() {
                let routed = dice.binomial(calls, weight / f64::max(share, weight));
                (calls, share) = (calls - routed, share - weight);
                let signals = dice.binomial(routed, shares[p]);
                let (n, k) = (signals as f64, dice.binomial(signals, world.quality[p][m]) as f64);
                let (mass, sums) = (&mut plain[p][m], &mut inverse[p][m]);
                *mass = Mass { k: keep * mass.k + k, n: keep * mass.n + n };
                let w = 1.0 / weight;
                *sums = [keep * sums[0] + w * n, keep * sums[1] + w * k, keep * keep * sums[2] + w * w * n];
                (least, most) = (least.min(weight), most.max(weight));
            }
        }
    }
    let worth = estimate(&world, &plain, &inverse, weighing);
    let cell = |p: usize, m: usize| Ended {
        truth: world.quality[p][m],
        estimate: worth[p][m].quality(),
        interval: worth[p][m].quality_interval(affinity::CONFIDENCE),
        raw: (plain[p][m].n > 0.0).then(|| plain[p][m].k / plain[p][m].n),
    };
    let cells =
        (0..prompts).flat_map(|p| (0..MODELS).map(move |m| (p, m))).map(|(p, m)| cell(p, m)).collect();
    Month { regrets, least, most, cells }
}

fn estimate(
    world: &World,
    plain: &Cells<Mass>,
    inverse: &Cells<[f64; 3]>,
    weighing: Weighing,
) -> Vec<Vec<Worth>> {
    let effective = |[sum, good, squares]: [f64; 3]| {
        let n = if squares > 0.0 { sum * sum / squares } else { 0.0 };
        Mass { k: if sum > 0.0 { n * good / sum } else { 0.0 }, n }
    };
    match weighing {
        Weighing::Plain => world.worth(plain),
        Weighing::Inverse => world.worth(&inverse.iter().map(|row| row.map(effective)).collect()),
    }
}

/// Worlds differ more than prompts do: their models are shared.
fn months(size: Size, worlds: u64, seed: u64, drift: bool, weighing: Weighing) -> Vec<Month> {
    let (prompts, refreshes) = (size.of(200, 24), size.of(4, 1));
    (0..size.of(worlds, 3)).map(|i| month(seed + i, prompts, refreshes, drift, weighing)).collect()
}

/// Regret as a multiple of that of uniform routing: by prompt (0), by call (1), in the last days (2).
fn regret(months: &[Month], which: usize) -> f64 {
    let sum = |i: usize| months.iter().map(|m| m.regrets[i][which]).sum::<f64>();
    sum(0) / sum(1)
}

/// B3, B4, B5: what routing loses, against sending each model the same share.
fn routing(size: Size, seed: u64, drift: bool) -> Vec<Row> {
    let months = months(size, 8, seed, drift, Weighing::Plain);
    let mut rows = if drift {
        vec![
            Row::at_most(
                "B4",
                "regret / uniform, best models worsen on day 15",
                regret(&months, 0),
                size.of(0.29, 0.5),
            ),
            Row::at_most("B4", "  the same, last 5 days", regret(&months, 2), size.of(0.27, 0.5)),
        ]
    } else {
        vec![
            Row::at_most("B3", "regret / uniform, 30 days", regret(&months, 0), size.of(0.20, 0.4)),
            Row::at_most("B3", "  the same, by call", regret(&months, 1), size.of(0.07, 0.25)),
        ]
    };
    let least = months.iter().map(|m| m.least).fold(1.0, f64::min);
    let most = months.iter().map(|m| m.most).fold(0.0, f64::max);
    let floor = FLOOR / MODELS as f64;
    let world = if drift { "drift" } else { "no drift" };
    rows.push(Row {
        id: "B5",
        what: format!("least and most propensity of a call, {world}"),
        required: format!(">= {floor:.5}, <= {:.5}", 1.0 - FLOOR + floor),
        measured: format!("{least:.5}, {most:.5}"),
        reached: least >= floor - 1e-12 && most <= 1.0 - FLOOR + floor + 1e-12,
    });
    rows
}

/// B6: is affinity unbiased under its own routing, and would weighing by inverse propensity make it so.
fn own_routing(size: Size, seed: u64) -> Vec<Row> {
    let [plain, inverse] =
        [Weighing::Plain, Weighing::Inverse].map(|weighing| months(size, 5, seed, false, weighing));
    let cells = |months: &[Month], of: &dyn Fn(&Ended) -> Option<f64>| {
        let found: Vec<f64> = months.iter().flat_map(|m| m.cells.iter().filter_map(of)).collect();
        found.iter().sum::<f64>() / found.len() as f64
    };
    let raw = cells(&plain, &|c| c.raw.map(|raw| raw - c.truth));
    let [bias, weighed] = [&plain, &inverse].map(|months| cells(months, &|c| Some(c.estimate - c.truth)));
    let covered = |c: &Ended| f64::from(u8::from(c.interval[0] <= c.truth && c.truth <= c.interval[1]));
    let coverage = cells(&plain, &|c| Some(covered(c)));
    let least = size.of(0.86, 0.78);
    let most = size.of(0.03, 0.06);
    vec![
        Row {
            id: "B6",
            what: "bias of quality under its own routing".into(),
            required: format!("within {most}"),
            measured: format!("{bias:+.4} (raw means {raw:+.4}, inverse propensity {weighed:+.4})"),
            reached: bias.abs() <= most,
        },
        Row::at_least("B6", "90 % interval under its own routing covers", coverage, least),
        Row::at_least(
            "B6",
            "regret by inverse propensity / as the product weighs",
            regret(&inverse, 0) / regret(&plain, 0),
            size.of(1.0, 0.7),
        ),
    ]
}
