//! Monitors as a whole, over cells in memory: equal cells give equal monitors, silence is not health, and a pool is
//! more than its loudest prompt.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ops::Range;

use proptest::prelude::*;

use super::by_model::{OnModel, by_model};
use super::cause::{Around, Kind, causes};
use super::health::{Level, health};
use super::*;
use crate::domain::prompt::Scope;
use crate::engine::performance::Names;
use crate::engine::rank::{NO_SUBJECT, Roster, Subject as Row};
use crate::engine::rollup::{CallFacts, CellKey, Layer};

const PROMPTS: u32 = 9;

struct Cells(BTreeMap<Hour, Vec<(CellKey, Cell)>>);

impl Ledger for Cells {
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

/// A hash as dice: what an hour brings depends on the hour alone.
fn roll(parts: [i32; 3]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(&parts.map(i32::to_le_bytes).concat()) >> 11
}

/// Cells of nine prompts; `worse` says by prompt and hour whether one in two units is bad instead of one in twelve.
/// Each cell comes in `parts`.
fn cells(hours: Range<Hour>, parts: usize, worse: impl Fn(u32, Hour) -> bool) -> Cells {
    let mut all = BTreeMap::new();
    for hour in hours {
        let mut shards = vec![BTreeMap::<CellKey, Cell>::new(); parts];
        for prompt in 0..PROMPTS {
            for event in 0..3 {
                let dice = roll([hour, prompt as i32, event]);
                let key = CellKey { version: prompt + 2, layer: Layer::Direct, model: 0 };
                let cell = shards[dice as usize % parts].entry(key).or_default();
                let facts = CallFacts {
                    ok: !dice.is_multiple_of(97),
                    tokens: Some((dice as u32 % 500, 1)),
                    cached: 0,
                    cost: Some(7),
                    estimated: false,
                    latency_us: Some(dice % 1_000_000),
                };
                cell.add_call(&facts, 1);
                let bad = if worse(prompt, hour) { dice.is_multiple_of(2) } else { dice.is_multiple_of(12) };
                let signal = if bad { Signal::Negative } else { Signal::Positive };
                cell.signals.add(Clock::Arrival, Source::ALL[event as usize], signal, 1);
            }
        }
        all.insert(hour, shards.into_iter().flatten().collect());
    }
    Cells(all)
}

fn fold(mut cells: Cells, steps: &[Hour], open: Hour, acknowledged: &[Acknowledged]) -> Monitors {
    let subjects: Vec<Row> = (0..PROMPTS)
        .map(|i| Row {
            name: format!("prompt://org/X/p{i}"),
            scope: Some(Scope::Org),
            task_type: if i < 5 { "low".into() } else { "high".into() },
            managed: false,
        })
        .collect();
    let of_version: Vec<u32> = [NO_SUBJECT; 2].into_iter().chain(0..PROMPTS).collect();
    let models = ["m".to_owned()];
    let roster = Roster {
        subjects: &subjects,
        of_version: &of_version,
        models: &models,
        outer: &rustc_hash::FxHashSet::default(),
    };
    let mut monitors = Monitors::new(0);
    let mut pauses: Vec<Hour> = steps.iter().copied().filter(|hour| *hour < open).collect();
    pauses.sort_unstable();
    for pause in pauses.into_iter().chain([open]) {
        // As a process that ends keeps them, and the next one reads them.
        let kept = postcard::to_allocvec(&monitors).unwrap();
        monitors = postcard::from_bytes(&kept).unwrap();
        let Ok(()) = monitors.advance(&mut cells, &roster, acknowledged, pause, &mut |_| {});
    }
    monitors
}

fn id(text: &str) -> StreamId {
    text.parse().unwrap()
}

fn level(monitors: &Monitors, stream: &str) -> Level {
    let names: Vec<String> = (0..PROMPTS).map(|i| format!("prompt://org/X/p{i}")).collect();
    let id = id(stream);
    let names = names.iter().map(String::as_str);
    health(&id, &monitors.streams[&id], monitors.until, PAGE, false, names).level
}

#[test]
fn names_are_read_as_they_are_written() {
    for text in ["prompt://org/X/a.b#unhappy", "model:gpt#4o#errors", "task:code#negative"] {
        assert_eq!(id(text).to_string(), text);
    }
    for text in
        ["", "#negative", "task:code#errors", "model:m#cost", "prompt://core/a", "prompt://core/a#mood"]
    {
        assert!(text.parse::<StreamId>().is_err(), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3, ..ProptestConfig::default() })]
    #[test]
    fn equal_cells_give_equal_monitors(
        parts in 1usize..5, steps in prop::collection::vec(1i32..360, 0..8), seen in 150i32..340,
    ) {
        let worse = |prompt, hour| prompt == 2 && hour > 200;
        let acknowledged = [Acknowledged { hour: seen, stream: id("prompt://org/X/p2#negative") }];
        let whole = fold(cells(0..360, 1, worse), &[], 360, &acknowledged);
        prop_assert_eq!(&whole, &fold(cells(0..360, parts, worse), &steps, 360, &acknowledged));
    }
}

#[test]
fn what_rises_is_named_and_an_acknowledgement_accepts_it() {
    let worse = |prompt, hour| prompt == 2 && hour >= 300;
    let monitors = fold(cells(0..400, 1, worse), &[], 400, &[]);
    assert_eq!(level(&monitors, "prompt://org/X/p2#negative"), Level::Page);
    let stream = &monitors.streams[&id("prompt://org/X/p2#negative")];
    let onset = stream.detector.rungs[stream.detector.leading()].onset;
    assert!((296..306).contains(&onset), "{onset}");
    for quiet in ["prompt://org/X/p3#negative", "prompt://org/X/p2#errors", "prompt://org/X/p2#latency"] {
        assert_eq!(level(&monitors, quiet), Level::Stable, "{quiet}");
    }
    // One loud prompt is no incident of its model or its task type.
    assert_eq!(level(&monitors, "model:m#negative"), Level::Stable);
    assert_eq!(level(&monitors, "task:low#negative"), Level::Stable);

    let acknowledged = [Acknowledged { hour: 400, stream: id("prompt://org/X/p2#negative") }];
    let early = fold(cells(0..500, 1, worse), &[], 410, &acknowledged);
    assert_eq!(level(&early, "prompt://org/X/p2#negative"), Level::Insufficient);
    let later = fold(cells(0..500, 1, worse), &[], 500, &acknowledged);
    assert_eq!(level(&later, "prompt://org/X/p2#negative"), Level::Stable);
}

#[test]
fn what_all_prompts_of_a_model_do_is_the_models() {
    let monitors = fold(cells(0..360, 1, |prompt, hour| prompt % 2 == 0 && hour >= 330), &[], 360, &[]);
    assert_eq!(level(&monitors, "model:m#negative"), Level::Page);
}

#[test]
fn silence_is_not_health_and_no_alarm() {
    let mut monitors = fold(cells(0..200, 1, |_, _| false), &[], 240, &[]);
    assert_eq!(level(&monitors, "prompt://org/X/p1#negative"), Level::Stable);
    monitors = fold(cells(0..200, 1, |_, _| false), &[], 200 + 24 * 40, &[]);
    assert_eq!(level(&monitors, "prompt://org/X/p1#negative"), Level::Insufficient);
    assert!(monitors.streams.values().all(|s| s.detector.evidence() < WATCH));
}

struct Plain;

impl Names for Plain {
    fn model(&self, model: u32) -> &str {
        ["old", "new"][model as usize]
    }
    fn version(&self, _: u32) -> Option<&semver::Version> {
        None
    }
}

#[test]
fn causes_are_what_the_counts_support() {
    let cell = |calls: i64, units: i32| {
        let mut cell = Cell { calls, ok: calls, ..Cell::default() };
        cell.signals.add(Clock::Arrival, Source::User, Signal::Positive, units);
        cell
    };
    let key = |model| CellKey { version: 2, layer: Layer::Direct, model };
    let mut around = Around {
        before: BTreeMap::from([(key(0), cell(1_000, 50))]),
        after: BTreeMap::from([(key(0), cell(500, 25)), (key(1), cell(500, 25))]),
        weeks: [1_000; 2],
    };
    let kinds = |around: &Around| causes(around, &Plain).iter().map(|c| c.kind).collect::<Vec<_>>();
    assert_eq!(kinds(&around), [Kind::NewModel]);
    // Few calls say nothing, however different their shares.
    let few = Around {
        before: BTreeMap::from([(key(0), cell(6, 1)), (key(1), cell(6, 1))]),
        after: BTreeMap::from([(key(0), cell(1, 1)), (key(1), cell(5, 1))]),
        weeks: [4, 6],
    };
    assert_eq!(kinds(&few), []);
    around.after = BTreeMap::from([(key(0), cell(3_000, 600))]);
    around.weeks = [1_000, 3_000];
    assert_eq!(kinds(&around), [Kind::ResponseRate, Kind::Volume]);
}

#[test]
fn what_got_worse_on_one_model_is_told_from_what_did_on_all() {
    let cell = |good: i32, bad: i32| {
        let mut cell = Cell { calls: 1_000, ok: 1_000, ..Cell::default() };
        cell.signals.add(Clock::Arrival, Source::User, Signal::Positive, good);
        cell.signals.add(Clock::Arrival, Source::System, Signal::Negative, bad);
        cell
    };
    let key = |model| CellKey { version: 2, layer: Layer::Direct, model };
    let around = Around {
        before: BTreeMap::from([(key(0), cell(90, 10)), (key(1), cell(95, 5))]),
        after: BTreeMap::from([(key(0), cell(45, 5)), (key(1), cell(50, 50))]),
        weeks: [0; 2],
    };
    let found = by_model(&around, None, &id("prompt://core/a#negative"), &Plain);
    let shares = |on: &OnModel| [on.before, on.after].map(|e| e.map(|e| (e.rate, e.sample_size)));
    let told: Vec<_> = found.iter().map(|on| (on.model.as_str(), shares(on))).collect();
    let [first, second] = [Plain.model(1), Plain.model(0)];
    assert_eq!(
        told,
        [(first, [Some((0.05, 100)), Some((0.5, 100))]), (second, [Some((0.1, 100)), Some((0.1, 50))]),]
    );
}

#[test]
fn an_hour_closes_two_hours_after_its_end() {
    let end = 0;
    assert_eq!(open_hour(end), -2);
    assert_eq!(open_hour(end + 3_599_999), -2);
    assert_eq!(open_hour(end + 3_600_000), -1);
    assert!((page_threshold(10) - 100.0).abs() < 1e-12 && (page_threshold(5_000) - 1_000.0).abs() < 1e-12);
}
