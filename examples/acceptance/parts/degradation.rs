//! D: false alarms and delays of the monitors in worlds whose truth is known; M: equal cells, equal monitors; P: the
//! cost of an hour.
//!
//! The worlds follow the simulations behind `statistics.md` section 4: hourly counts with a daily rhythm and bursts,
//! 28 days of history before 30 days of watching, a change three days after the watching began. Baselines, offsets,
//! boundaries and updates are the engine's.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::hint::black_box;
use std::ops::Range;
use std::time::Instant;

use human::domain::feedback::{Signal, Source};
use human::domain::prompt::Scope;
use human::engine::rank::{Roster, Subject};
use human::engine::rollup::{CallFacts, Cell, CellKey, Clock, Hour, Layer};
use human::engine::stats::detector::{
    self, Baseline, Bets, Detector, OFFSET_SHRINKAGE, POOLED_RATIOS, RATIOS, Seen,
};
use human::engine::stats::logit::{logistic, logit};
use human::engine::stats::shrink::{self, Prior};
use human::engine::trend::{Ledger, Monitors, PAGE, WARN};

use super::dice::Dice;
use super::{Part, Row, Size};

/// The figures of this section.
pub const PARTS: &[Part] = &[
    ("D1", false_alarms),
    ("D1", clustered),
    ("D1", source_mix),
    ("D3", delays),
    ("D7", boundary),
    ("D8", pooled),
    ("M1", replay),
    ("P1", cost),
];

const WATCHED_DAYS: usize = 30;
/// Hours of watching before the change.
const CHANGE: usize = 72;
/// The prior of a fleet that is known: what fits the heterogeneous one.
const KNOWN: Prior = Prior { mean: 0.10, strength: 64.0 };

/// Hourly counts of one prompt.
struct Stream {
    n: Vec<u32>,
    k: Vec<u32>,
    rate: f64,
}

/// What happens in a world.
#[derive(Clone, Copy)]
struct World {
    history_days: usize,
    /// Feedback a day; `None`: calls and feedback rates over three decades.
    volume: Option<f64>,
    /// The rate; `None`: drawn from Beta(6, 54).
    rate: Option<f64>,
    /// The rate from hour [`CHANGE`] on.
    becomes: Option<f64>,
    season: f64,
}

const CALM: World = World { history_days: 28, volume: None, rate: None, becomes: None, season: 0.0 };

fn daily(hour: usize) -> f64 {
    let rhythm = |h: usize| (2.0 * std::f64::consts::PI * (h as f64 - 9.0) / 24.0).sin().exp();
    rhythm(hour) / (0..24).map(rhythm).sum::<f64>()
}

fn seasonal(rate: f64, amplitude: f64, hour: usize) -> f64 {
    logistic(logit(rate) + amplitude * (2.0 * std::f64::consts::PI * (hour as f64 - 3.0) / 24.0).sin())
}

impl World {
    fn stream(&self, dice: &mut Dice) -> Stream {
        let drawn = dice.log_uniform(10.0, 10_000.0) * dice.uniform(0.02, 0.2);
        let volume = self.volume.unwrap_or(drawn);
        let rate = self.rate.unwrap_or_else(|| dice.beta(6.0, 54.0).clamp(0.005, 0.9));
        let begin = self.history_days * 24;
        let profile: [f64; 24] = std::array::from_fn(daily);
        let (mut n, mut k) = (Vec::new(), Vec::new());
        for at in 0..begin + WATCHED_DAYS * 24 {
            let weekend = if at / 24 % 7 >= 5 { 0.5 } else { 1.0 };
            let mean = volume * profile[at % 24] * weekend * dice.gamma(5.0, 0.2);
            let now = if at >= begin + CHANGE { self.becomes.unwrap_or(rate) } else { rate };
            let events = dice.poisson(mean);
            n.push(events as u32);
            k.push(dice.binomial(events, seasonal(now, self.season, at % 24)) as u32);
        }
        Stream { n, k, rate }
    }

    fn fleet(&self, prompts: usize, seed: u64) -> Vec<Stream> {
        let mut dice = Dice::new(seed);
        (0..prompts).map(|_| self.stream(&mut dice)).collect()
    }
}

fn total(counts: &[u32]) -> f64 {
    counts.iter().map(|c| f64::from(*c)).sum()
}

/// The fleet's baselines as the product makes them: ln odds of each boundary, and the hours' offsets.
fn baselines(fleet: &[Stream], begin: usize, known: Option<Prior>) -> (Vec<f64>, [f64; 24]) {
    let history: Vec<(f64, f64)> =
        fleet.iter().map(|s| (total(&s.k[..begin]), total(&s.n[..begin]))).collect();
    let prior = known.unwrap_or_else(|| shrink::fit(&history));
    let (mut seen, mut all, mut expected) = ([0.0; 24], [0.0; 24], [0.0; 24]);
    for (stream, (k, n)) in fleet.iter().zip(&history) {
        let mean = Baseline::new(prior, *k, *n).mean();
        for at in 0..begin {
            seen[at % 24] += f64::from(stream.k[at]);
            all[at % 24] += f64::from(stream.n[at]);
            expected[at % 24] += f64::from(stream.n[at]) * mean;
        }
    }
    let bounds = history.iter().map(|(k, n)| logit(Baseline::new(prior, *k, *n).boundary())).collect();
    (bounds, detector::hour_offsets(&seen, &all, &expected, OFFSET_SHRINKAGE))
}

/// The hours in which a stream first warns and first pages.
fn alarms(stream: &Stream, begin: usize, bound: f64, offsets: &[f64; 24]) -> [Option<usize>; 2] {
    let mut detector = Detector::new(begin as i32);
    let mut first = [None; 2];
    for at in begin..stream.n.len() {
        let p0 = logistic(bound + offsets[at % 24]);
        let seen = Seen { k: f64::from(stream.k[at]), n: f64::from(stream.n[at]), p0 };
        detector.step(at as i32, 1.0, &RATIOS, &[seen]);
        note(&mut first, detector.evidence(), at);
    }
    first
}

fn note(first: &mut [Option<usize>; 2], evidence: f64, at: usize) {
    for (first, threshold) in first.iter_mut().zip([WARN, PAGE]) {
        if evidence >= threshold && first.is_none() {
            *first = Some(at);
        }
    }
}

fn fleet_alarms(fleet: &[Stream], begin: usize, known: Option<Prior>) -> Vec<[Option<usize>; 2]> {
    let (bounds, offsets) = baselines(fleet, begin, known);
    fleet.iter().zip(bounds).map(|(stream, bound)| alarms(stream, begin, bound, &offsets)).collect()
}

/// The shares of streams that ever warn and ever page.
fn shares(found: &[[Option<usize>; 2]]) -> [f64; 2] {
    [0, 1].map(|i| found.iter().filter(|f| f[i].is_some()).count() as f64 / found.len() as f64)
}

/// A limit, wider by three standard errors where a sample is small.
fn limit(size: Size, most: f64, expected: f64, sample: usize) -> f64 {
    let wider = most + 3.0 * (expected * (1.0 - expected) / sample as f64).sqrt();
    size.of(most, (1_000.0 * wider).round() / 1_000.0)
}

fn false_rows(size: Size, world: &str, found: &[[Option<usize>; 2]]) -> Vec<Row> {
    let [warned, paged] = shares(found);
    let (page, warn) = (limit(size, 0.010, 0.004, found.len()), limit(size, 0.025, 0.012, found.len()));
    vec![
        Row::at_most("D1", format!("false pages a prompt-month, {world}"), paged, page),
        Row::at_most("D2", format!("false warnings a prompt-month, {world}"), warned, warn),
    ]
}

fn false_alarms(size: Size) -> Vec<Row> {
    let prompts = size.of(3_000, 250);
    let worlds = [
        ("independent", CALM, 401),
        ("daily season", World { season: 0.3, ..CALM }, 402),
        ("season, 3 days of history", World { season: 0.3, history_days: 3, ..CALM }, 403),
    ];
    let rows = worlds.into_iter().flat_map(|(name, world, seed)| {
        let fleet = world.fleet(prompts, seed);
        false_rows(size, name, &fleet_alarms(&fleet, world.history_days * 24, None))
    });
    rows.collect()
}

/// Sessions that send several signals, mostly of one mood: hourly raw counts and counts of evidence units.
fn sessions(dice: &mut Dice, season: f64) -> [Stream; 2] {
    let volume = dice.log_uniform(0.2, 2_000.0).min(600.0);
    let rate = dice.beta(6.0, 54.0).clamp(0.005, 0.9);
    let hours = (28 + WATCHED_DAYS) * 24;
    let empty = || Stream { n: vec![0; hours], k: vec![0; hours], rate };
    let (mut raw, mut units) = (empty(), empty());
    let profile: [f64; 24] = std::array::from_fn(daily);
    for slot in 0..hours * 6 {
        let hour = slot / 6;
        let mean = volume / 1.75 * profile[hour % 24] / 6.0 * dice.gamma(5.0, 0.2);
        let q = seasonal(rate, season, hour % 24);
        for _ in 0..dice.poisson(mean) {
            let kind = dice.unit();
            let signals = match kind {
                _ if kind < 0.8 => 1,
                _ if kind < 0.95 => 2 + dice.below(3),
                _ => 5 + dice.below(11),
            };
            let (one_mood, bad) = (dice.chance(0.7), dice.chance(q));
            for signal in 0..signals {
                let at = ((slot + dice.below(3)) / 6).min(hours - 1);
                let bad = if one_mood { bad } else { dice.chance(q) };
                raw.n[at] += 1;
                raw.k[at] += u32::from(bad);
                if signal == 0 {
                    units.n[hour] += 1;
                    units.k[hour] += u32::from(bad);
                }
            }
        }
    }
    [raw, units]
}

fn clustered(size: Size) -> Vec<Row> {
    let prompts = size.of(1_000, 80);
    let begin = 28 * 24;
    let mut rows = Vec::new();
    for (name, season, seed) in [("flat", 0.0, 411), ("seasonal", 0.3, 412)] {
        let mut dice = Dice::new(seed);
        let (mut raw, mut units) = (Vec::new(), Vec::new());
        for _ in 0..prompts {
            let [all, first] = sessions(&mut dice, season);
            raw.push(all);
            units.push(first);
        }
        let found = fleet_alarms(&units, begin, None);
        rows.extend(false_rows(size, &format!("sessions as units, {name}"), &found));
        let (bounds, offsets) = baselines(&raw, begin, None);
        let paged = raw.iter().zip(bounds).filter(|(stream, bound)| {
            let mut bets = Bets::default();
            (begin..stream.n.len()).any(|at| {
                let p0 = logistic(bound + offsets[at % 24]);
                bets.step(1.0, f64::from(stream.k[at]), f64::from(stream.n[at]), p0);
                bets.evidence() >= PAGE
            })
        });
        let far = paged.count() as f64 / prompts as f64;
        let most = limit(size, 0.015, 0.008, prompts);
        rows.push(Row::at_most(
            "D9",
            format!("false pages, no sessions, an hour counts once, {name}"),
            far,
            most,
        ));
    }
    rows
}

/// Agents, who judge more harshly, give 30 % and then 60 % of the feedback; nothing gets worse.
fn source_mix(size: Size) -> Vec<Row> {
    let prompts = size.of(2_000, 250);
    let mut dice = Dice::new(421);
    let begin = 28 * 24;
    let mut by_source: [Vec<Stream>; 2] = [Vec::new(), Vec::new()];
    for _ in 0..prompts {
        let volume = dice.log_uniform(3.0, 600.0);
        let rates = [dice.beta(6.0, 69.0).clamp(0.01, 0.5), dice.beta(12.0, 48.0).clamp(0.02, 0.6)];
        let mut made = rates.map(|rate| Stream { n: Vec::new(), k: Vec::new(), rate });
        for at in 0..begin + WATCHED_DAYS * 24 {
            let agents = if at < begin + 5 * 24 { 0.3 } else { 0.6 };
            let mean = volume / 24.0 * dice.gamma(5.0, 0.2);
            for (stream, share) in made.iter_mut().zip([1.0 - agents, agents]) {
                let n = dice.poisson(mean * share);
                stream.n.push(n as u32);
                stream.k.push(dice.binomial(n, stream.rate) as u32);
            }
        }
        for (all, one) in by_source.iter_mut().zip(made) {
            all.push(one);
        }
    }
    let [users, agents] = &by_source;
    let bounds = [baselines(users, begin, None).0, baselines(agents, begin, None).0];
    let found: Vec<[Option<usize>; 2]> = (0..prompts)
        .map(|i| {
            let mut detector = Detector::new(begin as i32);
            let mut first = [None; 2];
            for at in begin..users[i].n.len() {
                let seen = [(users, 0), (agents, 1)].map(|(streams, source)| Seen {
                    k: f64::from(streams[i].k[at]),
                    n: f64::from(streams[i].n[at]),
                    p0: logistic(bounds[source][i]),
                });
                detector.step(at as i32, 1.0, &RATIOS, &seen);
                note(&mut first, detector.evidence(), at);
            }
            first
        })
        .collect();
    false_rows(size, "agents' share 30 -> 60 %", &found)
}

/// Median events from the change to the warning and to the page, and the share of runs that page in time.
fn delay(size: Size, volume: f64, becomes: f64, seed: u64) -> ([f64; 2], f64) {
    let world = World { volume: Some(volume), rate: Some(0.1), becomes: Some(becomes), ..CALM };
    let fleet = world.fleet(size.of(600, 60), seed);
    let begin = world.history_days * 24;
    let change = begin + CHANGE;
    let found = fleet_alarms(&fleet, begin, Some(KNOWN));
    let median = |which: usize| {
        let mut events: Vec<f64> = fleet
            .iter()
            .zip(&found)
            .filter(|(_, f)| f[which].is_none_or(|at| at >= change))
            .map(|(s, f)| f[which].map_or(f64::INFINITY, |at| total(&s.n[change..=at])))
            .collect();
        events.sort_by(f64::total_cmp);
        events[events.len() / 2]
    };
    let paged = found.iter().filter(|f| f[1].is_some_and(|at| at >= change)).count();
    let paged = paged as f64 / found.len() as f64;
    ([median(0), median(1)], paged)
}

fn delays(size: Size) -> Vec<Row> {
    let mut rows = Vec::new();
    // A median of few runs scatters by about a sixth; three standard errors of it.
    let wide = size.of(1.0, 1.25);
    let mut add = |id, volume: f64, becomes: f64, seed, page: f64, warn: Option<f64>| {
        let ([warned, paged], share) = delay(size, volume, becomes, seed);
        let what =
            |alarm: &str| format!("median events to {alarm}, 10 -> {:.0} %, {volume} a day", 100.0 * becomes);
        rows.push(Row::at_most(id, what("page"), paged, page * wide));
        if let Some(warn) = warn {
            rows.push(Row::at_most(id, what("warning"), warned, warn * wide));
        }
        share
    };
    add("D3", 30.0, 0.2, 431, 255.0, Some(195.0));
    add("D4", 300.0, 0.2, 432, 270.0, Some(225.0));
    add("D5", 30.0, 0.3, 433, 75.0, None);
    add("D5", 300.0, 0.3, 434, 95.0, None);
    let share = add("D6", 300.0, 0.15, 435, 960.0, Some(730.0));
    rows.push(Row::at_least("D6", "share paged within 27 days, 10 -> 15 %, 300 a day", share, 1.0));
    rows
}

/// The worst case of the promise: the true rate lies exactly at the boundary.
fn boundary(size: Size) -> Vec<Row> {
    let prompts = size.of(4_000, 150);
    let mut rows = Vec::new();
    for (volume, seed) in [(1.0, 441), (10.0, 442), (100.0, 443), (1_000.0, 444)] {
        let world = World { history_days: 1, volume: Some(volume), ..CALM };
        let mut dice = Dice::new(seed);
        let found: Vec<[Option<usize>; 2]> = (0..prompts)
            .map(|_| {
                let stream = world.stream(&mut dice);
                alarms(&stream, 24, logit(stream.rate), &[0.0; 24])
            })
            .collect();
        let [warned, paged] = shares(&found);
        let (page, warn) = (limit(size, 0.010, 0.005, prompts), limit(size, 0.05, 0.027, prompts));
        rows.push(Row::at_most(
            "D7",
            format!("pages with the rate at the boundary, {volume} a day"),
            paged,
            page,
        ));
        rows.push(Row::at_most(
            "D7",
            format!("warnings with the rate at the boundary, {volume} a day"),
            warned,
            warn,
        ));
    }
    rows
}

/// Forty prompts with five signals a day each, all of which shift: the hour of the page since the watching began.
fn pool(dice: &mut Dice, shift: f64) -> Option<usize> {
    const PROMPTS: usize = 40;
    let prior = Prior { mean: 0.1, strength: 60.0 };
    let rates: Vec<f64> = (0..PROMPTS).map(|_| dice.beta(6.0, 54.0).clamp(0.005, 0.6)).collect();
    // Hour by hour within 28 days is 28 days at once: a sum of Poisson counts is one.
    let history: Vec<(f64, f64)> = rates
        .iter()
        .map(|rate| {
            let n = dice.poisson(5.0 * 28.0);
            (dice.binomial(n, *rate) as f64, n as f64)
        })
        .collect();
    let (k, n) = history.iter().fold((0.0, 0.0), |(k, n), h| (k + h.0, n + h.1));
    let tolerance = detector::tolerance(k, n);
    let bounds: Vec<f64> = history
        .iter()
        .map(|(k, n)| logistic(logit(Baseline::new(prior, *k, *n).mean()) + tolerance))
        .collect();
    let mut detector = Detector::new(0);
    (0..WATCHED_DAYS * 24).find(|hour| {
        let moved = if *hour >= CHANGE { shift } else { 0.0 };
        let seen: Vec<Seen> = rates
            .iter()
            .zip(&bounds)
            .filter_map(|(rate, p0)| {
                let n = dice.poisson(5.0 / 24.0);
                let k = dice.binomial(n, logistic(logit(*rate) + moved));
                (n > 0).then_some(Seen { k: k as f64, n: n as f64, p0: *p0 })
            })
            .collect();
        detector.step(*hour as i32, 1.0, &POOLED_RATIOS, &seen);
        detector.evidence() >= PAGE
    })
}

fn pooled(size: Size) -> Vec<Row> {
    let mut dice = Dice::new(451);
    let runs: usize = size.of(1_000, 60);
    let far = (0..runs).filter(|_| pool(&mut dice, 0.0).is_some()).count() as f64 / runs as f64;
    let runs: usize = size.of(400, 40);
    // 10 % becomes 15 %.
    let mut hours: Vec<f64> = (0..runs)
        .map(|_| pool(&mut dice, 0.47).map_or(f64::INFINITY, |at| at as f64 - CHANGE as f64 + 1.0))
        .filter(|hours| *hours > 0.0)
        .collect();
    hours.sort_by(f64::total_cmp);
    let median = hours[hours.len() / 2];
    vec![
        Row::at_most(
            "D8",
            "median hours to page, 40 prompts x 5 a day, 10 -> 15 %",
            median,
            120.0 * size.of(1.0, 1.4),
        ),
        Row::at_most(
            "D8",
            "false pages of a pooled stream a month",
            far,
            limit(size, 0.015, 0.005, size.of(1_000, 60)),
        ),
    ]
}

/// Cells in memory, each in as many parts as the dice say.
struct Shards(BTreeMap<Hour, Vec<(CellKey, Cell)>>);

impl Ledger for Shards {
    type Error = Infallible;

    fn read(
        &mut self,
        hours: Range<Hour>,
        _hourly: bool,
        each: &mut dyn FnMut(Hour, CellKey, &Cell),
    ) -> Result<(), Infallible> {
        for (hour, cells) in self.0.range(hours) {
            for (key, cell) in cells {
                each(*hour, *key, cell);
            }
        }
        Ok(())
    }
}

/// The same events in `parts` shards, in an order of their own.
fn shards(parts: usize, seed: u64) -> Shards {
    let mut dice = Dice::new(461);
    let mut order = Dice::new(seed);
    let mut hours = BTreeMap::new();
    for hour in 0..24 * 24 {
        let mut cells: BTreeMap<(usize, CellKey), Cell> = BTreeMap::new();
        for version in 2..8 {
            for _ in 0..dice.poisson(4.0) {
                let key = CellKey { version, layer: Layer::Direct, model: dice.below(2) as u32 };
                let facts = CallFacts {
                    ok: dice.chance(0.97),
                    tokens: Some((dice.below(900) as u32, 100)),
                    cached: 0,
                    cost: Some(1_000),
                    estimated: false,
                    latency_us: Some(dice.log_normal(13.0, 0.5) as u64),
                };
                let source = Source::ALL[dice.below(3)];
                let bad = dice.chance(if version == 3 && hour > 400 { 0.5 } else { 0.1 });
                let cell = cells.entry((order.below(parts), key)).or_default();
                cell.add_call(&facts, 1);
                let signal = if bad { Signal::Negative } else { Signal::Positive };
                cell.signals.add(Clock::Arrival, source, signal, 1);
            }
        }
        let mut cells: Vec<(CellKey, Cell)> = cells.into_iter().map(|((_, key), cell)| (key, cell)).collect();
        for at in (1..cells.len()).rev() {
            cells.swap(at, order.below(at + 1));
        }
        hours.insert(hour, cells);
    }
    Shards(hours)
}

fn replay(size: Size) -> Vec<Row> {
    let subject = |name: &str| Subject {
        name: format!("prompt://org/X/{name}"),
        scope: Some(Scope::Org),
        task_type: "t".into(),
        managed: false,
    };
    let subjects = ["a", "b", "c", "d", "e", "f"].map(subject);
    let of_version: Vec<u32> = [u32::MAX, u32::MAX].into_iter().chain(0..6).collect();
    let models = ["m".to_owned(), "n".to_owned()];
    let roster = Roster {
        subjects: &subjects,
        of_version: &of_version,
        models: &models,
        outer: &rustc_hash::FxHashSet::default(),
    };
    let fold = |mut cells: Shards, steps: &mut dyn FnMut() -> Hour| {
        let mut monitors = Monitors::new(0);
        while monitors.until < 24 * 24 {
            let open = (monitors.until + steps()).min(24 * 24);
            let Ok(()) = monitors.advance(&mut cells, &roster, &[], open, &mut |_| {});
        }
        monitors
    };
    let whole = fold(shards(1, 1), &mut || Hour::MAX / 2);
    let runs = size.of(300, 4);
    let mut dice = Dice::new(462);
    let differ = (0..runs).filter(|run| {
        let cells = shards(1 + dice.below(5), 1_000 + *run);
        fold(cells, &mut || 1 + dice.below(60) as Hour) != whole
    });
    let risen = whole.streams.values().filter(|s| s.detector.evidence() >= PAGE).count();
    vec![
        Row::at_most(
            "M1",
            format!("of {runs} shardings in other steps, monitors that differ in a bit"),
            differ.count() as f64,
            0.0,
        ),
        Row::at_least(
            "M1",
            "streams that page in that world (else it would prove little)",
            risen as f64,
            1.0,
        ),
    ]
}

/// Printed, not required: what an hour of one stream costs.
fn cost(size: Size) -> Vec<Row> {
    const STEPS: i32 = 1_000;
    let mut detector = Detector::new(0);
    let seen = [(1.0, 9.0, 0.12), (0.0, 4.0, 0.2), (1.0, 3.0, 0.1)].map(|(k, n, p0)| Seen { k, n, p0 });
    // The least of many: what the machine does besides is not the detector's cost.
    let least = (0..size.of(5_000, 50)).map(|_| {
        let begun = Instant::now();
        for hour in 0..STEPS {
            detector.step(hour, 1.0, &RATIOS, black_box(&seen));
        }
        begun.elapsed().as_nanos() as f64 / f64::from(STEPS)
    });
    let nanos = least.fold(f64::INFINITY, f64::min);
    let row = Row::at_most("P1", "an hour of one stream with three sources", 0.0, 1.0);
    vec![Row {
        required: "< 1 us (not asserted)".into(),
        measured: format!("{nanos:.0} ns"),
        reached: true,
        ..row
    }]
}
