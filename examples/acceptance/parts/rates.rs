//! Section 1: whether intervals hold what they promise. Coverage of rates is enumerated exactly; scores and fleets are
//! drawn.

use std::collections::HashMap;

use human::engine::stats::proportion::{SIGNAL_WORTH, confidence_sequence, feedback_score, jeffreys};
use human::engine::stats::{beta, shrink};

use super::dice::Dice;
use super::{Part, Row, Size};

/// The figures of this section.
pub const PARTS: &[Part] = &[("A1", rates), ("A2", scores), ("A3", fleets), ("A4", watched)];

fn holds([low, high]: [f64; 2], p: f64) -> bool {
    low <= p + 1e-12 && p - 1e-12 <= high
}

/// Modified Jeffreys at 95 %, n from 1 to 50, 397 rates from .005 to .995: every outcome with its probability.
fn rates(_: Size) -> Vec<Row> {
    let (mut sum, mut least, mut cases) = (0.0, 1.0_f64, 0.0);
    for n in 1..=50_u32 {
        let intervals: Vec<[f64; 2]> = (0..=n).map(|k| jeffreys(k.into(), n.into(), 0.95)).collect();
        for step in 0..397 {
            let p = 0.005 + 0.99 * f64::from(step) / 396.0;
            let mut chance = (1.0 - p).powi(n as i32);
            let mut coverage = 0.0;
            for (k, interval) in intervals.iter().enumerate() {
                if holds(*interval, p) {
                    coverage += chance;
                }
                chance *= f64::from(n - k as u32) / (k as f64 + 1.0) * p / (1.0 - p);
            }
            (sum, least, cases) = (sum + coverage, least.min(coverage), cases + 1.0);
        }
    }
    vec![
        Row::at_least("A1", "modified Jeffreys 95 %, n 1..50: mean coverage", sum / cases, 0.95),
        Row::at_least("A1", "modified Jeffreys 95 %, n 1..50: least coverage", least, 0.895),
    ]
}

/// Scores of four signals, prompts drawn from Dirichlet(6, 1.2, 1.6, .7). Seed 102.
fn scores(size: Size) -> Vec<Row> {
    let prompts = size.of(20_000, 1_200);
    // A sample of 1,200 is off by .019 once in a thousand.
    let least = size.of(0.93, 0.911);
    let mut dice = Dice::new(102);
    let row = |n: u64| {
        let mut known: HashMap<[u64; 4], [f64; 2]> = HashMap::new();
        let mut held = 0_u32;
        for _ in 0..prompts {
            let mass = [6.0, 1.2, 1.6, 0.7].map(|shape| dice.gamma(shape, 1.0));
            let total: f64 = mass.iter().sum();
            let truth: f64 = mass.iter().zip(SIGNAL_WORTH).map(|(m, worth)| m / total * worth).sum();
            let (mut left, mut rest, mut counts) = (n, total, [0; 4]);
            for (count, m) in counts.iter_mut().zip(mass) {
                *count = dice.binomial(left, m / rest);
                (left, rest) = (left - *count, rest - m);
            }
            // What rounding left over is the last signal's.
            counts[3] += left;
            let interval = known
                .entry(counts)
                .or_insert_with(|| feedback_score(counts.map(|c| c as f64), SIGNAL_WORTH).interval(0.95));
            held += u32::from(holds(*interval, truth));
        }
        Row::at_least(
            "A2",
            format!("score of four signals 95 %, n {n}: coverage"),
            f64::from(held) / f64::from(prompts),
            least,
        )
    };
    [1, 2, 5, 12, 50].map(row).into()
}

/// Fleets of 400 prompts with 1 to 50 signals each, their prior learnt from themselves. Seed 103.
fn fleets(size: Size) -> Vec<Row> {
    let mut dice = Dice::new(103);
    let mut rows = Vec::new();
    for (name, a, b, width_most, error_most) in
        [("rate, Beta(6, 54)", 6.0, 54.0, 0.5, 0.45), ("score, Beta(18, 6)", 18.0, 6.0, 0.7, 0.6)]
    {
        let (mut held, mut prompts) = (0, 0);
        let (mut width, mut alone, mut error, mut raw) = (0.0, 0.0, 0.0, 0.0);
        for _ in 0..size.of(40, 3) {
            let cells: Vec<(f64, u64, u64)> = (0..400)
                .map(|_| {
                    let (p, n) = (dice.beta(a, b), 1 + dice.below(50) as u64);
                    (p, dice.binomial(n, p), n)
                })
                .collect();
            let prior = shrink::fit(&cells.iter().map(|&(_, k, n)| (k as f64, n as f64)).collect::<Vec<_>>());
            for (p, k, n) in cells {
                let (bad, all) = (k as f64, n as f64);
                let shrunk = prior.posterior(bad, all);
                let [low, high] = shrunk.interval(0.95);
                held += usize::from(holds([low, high], p));
                prompts += 1;
                width += high - low;
                // Jeffreys as it stands, without the modification that makes it wider.
                let end = |at| beta::quantile(bad + 0.5, all - bad + 0.5, at);
                alone += if k == n { 1.0 } else { end(0.975) } - if k == 0 { 0.0 } else { end(0.025) };
                error += (shrunk.mean() - p).powi(2);
                raw += (bad / all - p).powi(2);
            }
        }
        let coverage = held as f64 / f64::from(prompts);
        // 1,200 prompts: coverage .019, a ratio of errors about .03.
        let (least, slack) = size.of((0.93, 0.0), (0.911, 0.03));
        rows.extend([
            Row::at_least("A3", format!("{name}: coverage of the shrunk 95 % interval"), coverage, least),
            Row::at_most("A3", format!("{name}: its width to Jeffreys'"), width / alone, width_most + slack),
            Row::at_most(
                "A3",
                format!("{name}: its error to the raw share's"),
                (error / raw).sqrt(),
                error_most + slack,
            ),
        ]);
    }
    rows
}

/// The probability, exactly, that the confidence sequence ever leaves the rate out when looked at after every event.
fn watched(size: Size) -> Vec<Row> {
    let last = size.of(1000, 150);
    let rates = [0.1, 0.5];
    let mut alive = rates.map(|_| vec![1.0]);
    for n in 1..=last {
        let mut next = rates.map(|_| vec![0.0; n + 1]);
        for ((alive, next), p) in alive.iter().zip(&mut next).zip(rates) {
            for (k, chance) in alive.iter().enumerate() {
                next[k] += chance * (1.0 - p);
                next[k + 1] += chance * p;
            }
        }
        for k in 0..=n {
            if next.iter().any(|chances| chances[k] > 0.0) {
                let [low, high] = confidence_sequence(k as u64, n as u64, 0.05);
                for (chances, p) in next.iter_mut().zip(rates) {
                    if p < low || high < p {
                        chances[k] = 0.0;
                    }
                }
            }
        }
        alive = next;
    }
    let row = |(p, alive): (f64, Vec<f64>)| {
        let missed = 1.0 - alive.iter().sum::<f64>();
        Row::at_most(
            "A4",
            format!("confidence sequence, rate {p}, every event to {last}: ever missed"),
            missed,
            0.05,
        )
    };
    rates.into_iter().zip(alive).map(row).collect()
}
