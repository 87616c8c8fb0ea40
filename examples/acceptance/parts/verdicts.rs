//! Sections 5 and 6: verdicts on versions that are looked at every hour, and what predictions are worth.

use human::engine::stats::before_after::Before;
use human::engine::stats::calibration::{Finished, calibrate};
use human::engine::stats::odds::{self, Block, Closer, LogOdds, POINTS, Units, mantel_haenszel};
use human::engine::stats::ratio::{self, Sample};
use human::engine::stats::shrink;

use super::dice::Dice;
use super::{Part, Row, Size};

/// The figures of this section.
pub const PARTS: &[Part] = &[
    ("E1", no_difference),
    ("E2", differences),
    ("E3", sequences),
    ("E4", selected),
    ("E5", drift),
    ("E6", means),
    ("F1", predictions),
];

/// Odds against, from which a verdict is given.
const ENOUGH: f64 = 20.0;
const DAYS: u64 = 28;

fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Sine of the time of day, zero at `start` o'clock.
fn tide(hour: u64, start: f64) -> f64 {
    (std::f64::consts::TAU * ((hour % 24) as f64 - start) / 24.0).sin()
}

/// Two versions side by side for four weeks: bad share .12 in the old one, by day and night more or less of both.
struct Pair {
    per_day: f64,
    share_new: f64,
    ln_odds: f64,
    /// What happens to both arms on the eighth day, on the logit.
    step: f64,
}

/// What became of many such pairs.
struct Seen {
    regressed: f64,
    improved: f64,
    /// Confidence sequences that ever left out the truth.
    missed: f64,
    /// Median units of both arms until the verdict in the true direction; infinite where fewer than half get there.
    units: f64,
}

impl Pair {
    fn hour(&self, dice: &mut Dice, hour: u64) -> Block {
        let mean = self.per_day / 24.0 * tide(hour, 9.0).exp() / 1.27 * dice.gamma(5.0, 0.2);
        let step = if hour >= 7 * 24 { self.step } else { 0.0 };
        let old = logit(0.12) + 0.3 * tide(hour, 3.0) + step;
        let mut arm = |share: f64, logit: f64| {
            let all = dice.poisson(mean * share);
            Units { bad: dice.binomial(all, logistic(logit)), all }
        };
        Block { old: arm(1.0 - self.share_new, old), new: arm(self.share_new, old + self.ln_odds) }
    }

    fn run(&self, runs: usize, seed: u64) -> Seen {
        let mut dice = Dice::new(seed);
        let truth = (0..POINTS).find(|&i| (odds::ln_odds(i) - self.ln_odds).abs() < 1e-9).unwrap_or(0);
        let (mut regressed, mut improved, mut missed) = (0, 0, 0);
        let mut found = Vec::new();
        for _ in 0..runs {
            let (mut closer, mut sum) = (Closer::default(), LogOdds::default());
            let (mut worse, mut better, mut left) = (None, None, false);
            let mut units = 0;
            for hour in 0..24 * DAYS {
                let came = self.hour(&mut dice, hour);
                units += came.old.all + came.new.all;
                let Some(block) = closer.add(came) else { continue };
                sum.add(&block);
                if sum.ln_e_regressed() >= ENOUGH.ln() {
                    worse.get_or_insert(units);
                }
                if sum.ln_e_improved() >= ENOUGH.ln() {
                    better.get_or_insert(units);
                }
                left |= sum.ln_e_against(truth) > ENOUGH.ln();
            }
            regressed += usize::from(worse.is_some());
            improved += usize::from(better.is_some());
            missed += usize::from(left);
            let right = if self.ln_odds < 0.0 { better } else { worse };
            found.push(right.map_or(f64::INFINITY, |units| units as f64));
        }
        let share = |n: usize| n as f64 / runs as f64;
        Seen {
            regressed: share(regressed),
            improved: share(improved),
            missed: share(missed),
            units: median(found),
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    let (low, high) = (values[(n - 1) / 2], values[n / 2]);
    if high.is_finite() { f64::midpoint(low, high) } else { high }
}

/// Seeds 501 to 504.
fn no_difference(size: Size) -> Vec<Row> {
    // 60 runs of a true .03: more than .10 once in a thousand.
    let (runs, most) = size.of((3000, 0.05), (60, 0.12));
    let mut rows = Vec::new();
    for (seed, name, per_day, share_new, step) in [
        (501, "50:50, 40 a day", 40.0, 0.5, 0.0),
        (502, "90:10, 40 a day", 40.0, 0.1, 0.0),
        (503, "50:50, both arms drift by .7", 40.0, 0.5, 0.7),
        (504, "50:50, 300 a day", 300.0, 0.5, 0.0),
    ] {
        if size == Size::Quick && seed == 504 {
            continue;
        }
        let seen = Pair { per_day, share_new, ln_odds: 0.0, step }.run(runs, seed);
        rows.push(Row::at_most(
            "E1",
            format!("no difference, {name}: called regressed"),
            seen.regressed,
            most,
        ));
        rows.push(Row::at_most("E1", format!("no difference, {name}: called improved"), seen.improved, most));
    }
    rows
}

/// Seeds 511 to 513. Odds ratios 3, 2 and .5 as the points 1.1, .7 and -.7 of the grid.
fn differences(size: Size) -> Vec<Row> {
    // Quick: 60 runs, so a share is off by up to .16 and a median by up to a third.
    let (runs, less, more) = size.of((1000, 0.0, 1.0), (60, 0.16, 1.35));
    let seen = |ln_odds, seed| Pair { per_day: 40.0, share_new: 0.5, ln_odds, step: 0.0 }.run(runs, seed);
    let (three, two, half) = (seen(1.1, 511), seen(0.7, 512), seen(-0.7, 513));
    vec![
        Row::at_most("E2", "odds x3, 40 a day: median units to regressed", three.units, 190.0 * more),
        Row::at_least("E2", "odds x2: called regressed in 28 days", two.regressed, 0.93 - less),
        Row::at_most("E2", "odds x2: median units", two.units, 430.0 * more),
        Row::at_least("E2", "odds x.5: called improved in 28 days", half.improved, 0.73 - less),
        Row::at_most("E2", "odds x.5: median units", half.units, 730.0 * more),
    ]
}

/// Seeds 520 and up.
fn sequences(size: Size) -> Vec<Row> {
    let (runs, most) = size.of((1000, 0.05), (40, 0.13));
    let mut rows = Vec::new();
    let streams = [
        ("40 a day", 40.0, 0.5),
        ("40 a day 90:10", 40.0, 0.1),
        ("6 a day", 6.0, 0.5),
        ("300 a day", 300.0, 0.5),
    ];
    for (i, (name, per_day, share_new)) in streams.into_iter().enumerate().take(size.of(4, 3)) {
        let mut worst: f64 = 0.0;
        for (j, ln_odds) in [0.0, -0.7, 0.4, 0.7, 1.1].into_iter().enumerate().take(size.of(5, 2)) {
            let pair = Pair { per_day, share_new, ln_odds, step: 0.0 };
            worst = worst.max(pair.run(runs, 520 + 10 * i as u64 + j as u64).missed);
        }
        rows.push(Row::at_most(
            "E3",
            format!("confidence sequence of ln odds, {name}: worst share ever missed"),
            worst,
            most,
        ));
    }
    rows
}

/// Four weeks of a new version at 30 units a day with a bad share of `p`; whether it was ever called regressed, and
/// ever improved.
fn after(dice: &mut Dice, before: &Before, p: f64) -> [bool; 2] {
    let mut seen = Units::default();
    let mut called = [false; 2];
    for _ in 0..24 * DAYS {
        let all = dice.poisson(30.0 / 24.0);
        seen += Units { bad: dice.binomial(all, p), all };
        if all > 0 {
            let found = before.evidence(seen);
            called[0] |= found.ln_e_regressed >= ENOUGH.ln();
            called[1] |= found.ln_e_improved >= ENOUGH.ln();
        }
    }
    called
}

/// New versions that change nothing, of prompts chosen because they looked bad. Fleets of 4,000 prompts of Beta(6, 54)
/// with 10 to 1,000 units. Seeds 541 to 543.
fn selected(size: Size) -> Vec<Row> {
    let (fleets, fleet) = size.of((13, 4000), (1, 1000));
    // Quick: some 40 prompts a row.
    let slack = size.of(0.0, 0.1);
    let ways = [("all", 541), ("above 20 %", 542), ("worst 2 %", 543)];
    let mut rows = Vec::new();
    for (name, seed) in ways {
        let mut dice = Dice::new(seed);
        let (mut called, mut prompts) = ([0.0; 2], 0.0);
        for _ in 0..fleets {
            let cells: Vec<(f64, Units)> = (0..fleet)
                .map(|_| {
                    let (p, all) = (dice.beta(6.0, 54.0), dice.log_uniform(10.0, 1000.0).round() as u64);
                    (p, Units { bad: dice.binomial(all, p), all })
                })
                .collect();
            let prior =
                shrink::fit(&cells.iter().map(|(_, u)| (u.bad as f64, u.all as f64)).collect::<Vec<_>>());
            let rate = |u: &Units| u.bad as f64 / u.all as f64;
            let mut chosen = cells;
            match seed {
                541 => chosen.truncate(size.of(150, 40)),
                542 => {
                    chosen.retain(|(_, u)| rate(u) > 0.2 && u.all >= 20);
                    chosen.truncate(size.of(150, 40));
                }
                _ => {
                    chosen.sort_by(|a, b| rate(&b.1).total_cmp(&rate(&a.1)));
                    chosen.truncate(fleet / 50);
                }
            }
            for (p, old) in chosen {
                let before = Before::new(prior, old, 0.0);
                for (sum, was) in called.iter_mut().zip(after(&mut dice, &before, p)) {
                    *sum += f64::from(was);
                }
                prompts += 1.0;
            }
        }
        let what = |verdict| format!("before/after, no effect, {name} ({prompts} prompts): called {verdict}");
        rows.push(Row::at_most("E4", what("improved"), called[1] / prompts, 0.07 + slack));
        rows.push(Row::at_most("E4", what("regressed"), called[0] / prompts, 0.05 + slack));
    }
    rows
}

/// The whole fleet moves by .4 on the logit as the version changes; forty peers tell. Seed 551.
fn drift(size: Size) -> Vec<Row> {
    let (runs, slack) = size.of((1000, 0.0), (60, 0.1));
    let mut dice = Dice::new(551);
    let (mut called, mut blind) = ([0.0; 2], 0.0);
    let moved = |p: f64| logistic(logit(p) + 0.4);
    for _ in 0..runs {
        let p = dice.beta(6.0, 54.0).clamp(0.01, 0.6);
        let old = Units { bad: dice.binomial(600, p), all: 600 };
        let peers: Vec<Block> = (0..40)
            .map(|_| {
                let q = dice.beta(6.0, 54.0);
                let mut units = |rate| Units { bad: dice.binomial(840, rate), all: 840 };
                Block { old: units(q), new: units(moved(q)) }
            })
            .collect();
        let prior =
            shrink::fit(&peers.iter().map(|b| (b.old.bad as f64, b.old.all as f64)).collect::<Vec<_>>());
        let offset = mantel_haenszel(&peers).unwrap_or(0.0);
        for (sum, was) in called.iter_mut().zip(after(&mut dice, &Before::new(prior, old, offset), moved(p)))
        {
            *sum += f64::from(was);
        }
        blind += f64::from(after(&mut dice, &Before::new(prior, old, 0.0), moved(p))[0]);
    }
    let runs = f64::from(runs);
    vec![
        Row::at_most(
            "E5",
            "before/after, fleet drifts, by peers: called regressed",
            called[0] / runs,
            0.07 + slack,
        ),
        Row::at_most(
            "E5",
            "before/after, fleet drifts, by peers: called improved",
            called[1] / runs,
            0.07 + slack,
        ),
        // The offset is what does it.
        Row::at_least("E5", "the same without the peers' offset: called regressed", blind / runs, 0.3),
    ]
}

/// The ratio of two means of log-normal tokens, looked at every ten calls an arm from 50 on; the calls of both arms when
/// it first leaves out 1, if it does.
fn leaves_one(dice: &mut Dice, sigma: f64, ratio: f64, calls: usize) -> Option<f64> {
    let mut sums = [[0.0; 2]; 2];
    for n in 1..=calls / 2 {
        for (sum, mean) in sums.iter_mut().zip([1.0, ratio]) {
            let x = mean * 1000.0 * dice.log_normal(0.0, sigma);
            *sum = [sum[0] + x, sum[1] + x * x];
        }
        if n >= ratio::ENOUGH as usize && n % 10 == 0 {
            let count = n as f64;
            let [old, new] = sums.map(|[sum, squares]| {
                let mean = sum / count;
                Sample { n: count, mean, variance: (squares - count * mean * mean) / (count - 1.0) }
            });
            let interval = ratio::change(old, new)?.interval(0.05, ratio::MIXTURE);
            if interval[0] > 0.0 || interval[1] < 0.0 {
                return Some(2.0 * count);
            }
        }
    }
    None
}

/// Seeds 561 to 565.
fn means(size: Size) -> Vec<Row> {
    let (runs, calls, most, slack) = size.of((2000, 10_000, 0.05, 1.0), (60, 1500, 0.13, 1.3));
    let mut rows: Vec<Row> = [(0.5, 561), (0.7, 562), (1.0, 563), (1.4, 564)]
        .into_iter()
        .map(|(sigma, seed)| {
            let mut dice = Dice::new(seed);
            let left = (0..runs).filter(|_| leaves_one(&mut dice, sigma, 1.0, calls).is_some()).count();
            let share = left as f64 / f64::from(runs);
            Row::at_most(
                "E6",
                format!("ratio of mean tokens, spread {sigma}: ever leaves out 1"),
                share,
                most,
            )
        })
        .collect();
    let mut dice = Dice::new(565);
    let found = |_| leaves_one(&mut dice, 0.7, 0.82, 10_000).unwrap_or(f64::INFINITY);
    let units = median((0..runs.min(500)).map(found).collect());
    rows.push(Row::at_most("E6", "-18 % tokens, spread .7: median calls", units, 650.0 * slack));
    rows
}

/// Proposers that realise 30 %, all, nothing or something between of what they predict; each is followed through forty
/// proposals. Seeds 601 to 604.
fn predictions(size: Size) -> Vec<Row> {
    // Quick: 60 proposers, about 180 to 1,800 intervals a figure.
    let (runs, slack, more) = size.of((400, 0.0, 0.0), (60, 0.09, 0.08));
    let mut rows = Vec::new();
    for (seed, name, slope) in [
        (601, "30 %", Some(0.3)),
        (602, "all", Some(1.0)),
        (603, "nothing", Some(0.0)),
        (604, "0 to 110 %", None),
    ] {
        let mut dice = Dice::new(seed);
        // By how many proposals came before: under 3, under 10, more.
        let (mut held, mut shown) = ([0.0; 3], [0.0; 3]);
        let (mut error, mut raw) = (0.0, 0.0);
        for _ in 0..runs {
            let slope = slope.unwrap_or_else(|| dice.uniform(0.0, 1.1));
            let mut past: Vec<Finished> = Vec::new();
            for i in 0..40 {
                let predicted = -dice.normal(0.5, 0.25).abs();
                let effect = slope * predicted + dice.normal(0.0, 0.15);
                let spread = dice.log_uniform(0.1, 0.5);
                let realised = effect + dice.normal(0.0, spread);
                let (mean, interval) = calibrate(&past).expect(predicted, spread, 0.8);
                let stage = usize::from(i >= 3) + usize::from(i >= 10);
                shown[stage] += 1.0;
                held[stage] += f64::from(interval[0] <= realised && realised <= interval[1]);
                if stage == 1 {
                    error += (mean - effect).powi(2);
                    raw += (predicted - effect).powi(2);
                }
                past.push(Finished { predicted, realised, error: spread });
            }
        }
        for (stage, before) in ["first 3", "next 7", "later"].into_iter().enumerate() {
            let coverage = held[stage] / shown[stage];
            let (low, high) = (0.74 - slack, 0.88 + slack);
            rows.push(Row {
                id: "F1",
                what: format!("80 % interval, realises {name}, {before}: coverage"),
                required: format!("{low:.2} to {high:.2}"),
                measured: format!("{coverage:.4}"),
                reached: (low..=high).contains(&coverage),
            });
        }
        if seed != 602 {
            let what = format!("realises {name}, after 3: error to the raw prediction's");
            rows.push(Row::at_most("F2", what, (error / raw).sqrt(), 0.6 + more));
        }
    }
    rows
}
