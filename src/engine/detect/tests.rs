//! Each detector on planted prompts, in worlds small enough to read; the rates of false findings are measured by
//! `examples/acceptance`.

use proptest::prelude::*;

use super::*;
use crate::domain::feedback::{Signal, Source};
use crate::domain::finding::{Detector, Lack};
use crate::domain::prompt::PromptUri;
use crate::engine::rollup::Clock;
use crate::engine::stats::threshold;

const WINDOW: Window = Window { from_ms: 0, to_ms: 7 * 86_400_000 };

fn uri(i: usize) -> PromptUri {
    format!("prompt://org/HUMAN_CORP/legal.p{i:06}").parse().unwrap()
}

/// Calls of 1,000 tokens and a tenth of a cent, or as many times more, that vary from call to call by half.
fn cell(calls: i64, failed: i64, negative: i32, positive: i32, times: i64) -> Cell {
    let mut cell = Cell { calls, ok: calls - failed, metered: calls, priced: calls, ..Cell::default() };
    let spread = |mean: i64| i128::from(calls) * i128::from(mean * mean + mean * mean / 4);
    (cell.input_tokens, cell.tokens_sq) = (calls * 1000 * times, spread(1000 * times));
    (cell.cost, cell.cost_sq) = (calls * 1_000_000 * times, spread(1_000_000 * times));
    cell.signals.add(Clock::Arrival, Source::User, Signal::Negative, negative);
    cell.signals.add(Clock::Arrival, Source::User, Signal::Positive, positive);
    cell
}

fn healthy(i: usize) -> Cell {
    let n = 60 + 7 * (i as i32 % 11);
    cell(i64::from(n) * 10, i64::from(n) / 5, n / 10, n - n / 10, 1)
}

/// Scans one task type, `cells[prompt][model]`.
fn scan_all(cells: &[Vec<Cell>]) -> Findings {
    let uris: Vec<PromptUri> = (0..cells.len()).map(uri).collect();
    let subjects: Vec<Subject> = uris.iter().map(|prompt| Subject { prompt, task_type: "legal" }).collect();
    let each = cells.iter().enumerate().flat_map(|(prompt, cells)| {
        cells.iter().enumerate().map(move |(model, cell)| (prompt as u32, model as u32, cell))
    });
    scan(WINDOW, &subjects, &["gpt-4o", "claude-sonnet", "gemini"], each, &Thresholds::default())
}

fn world(planted: Cell) -> Findings {
    let mut cells: Vec<Vec<Cell>> = (0..30).map(|i| vec![healthy(i)]).collect();
    cells[17] = vec![planted];
    scan_all(&cells)
}

fn found(findings: &Findings) -> Vec<(String, Detector)> {
    let mut found: Vec<_> =
        findings.findings.iter().map(|f| (f.prompt_uri.key.to_string(), f.detector)).collect();
    found.sort();
    found
}

fn the_planted(detectors: &[Detector]) -> Vec<(String, Detector)> {
    detectors.iter().map(|d| ("legal.p000017".to_owned(), *d)).collect()
}

#[test]
fn nothing_is_found_in_a_healthy_world() {
    let findings = world(healthy(17));
    assert_eq!((found(&findings), findings.watch.len(), findings.prompts), (vec![], 0, 30));
    // One model each: there is none to change to.
    let lacks =
        |thin: &Thin| thin.shortfalls.iter().map(|s| (s.detector, s.of, s.missing)).collect::<Vec<_>>();
    assert_eq!(findings.insufficient.len(), 30);
    assert!(
        findings.insufficient.iter().all(|t| lacks(t) == [(Detector::AffinityMismatch, Lack::Models, 1)])
    );
}

#[test]
fn a_high_negative_rate() {
    let findings = world(cell(1420, 20, 57, 85, 1));
    assert_eq!(found(&findings), the_planted(&[Detector::HighNegative]));
    let f = &findings.findings[0];
    assert_eq!((f.sample_size, f.peers, f.task_type.as_str()), (142, 29, "legal"));
    assert!((f.estimate - 57.0 / 142.0).abs() < 1e-12 && (f.threshold - 0.2).abs() < 1e-12);
    assert!(f.interval[0] > 0.2 && f.interval[1] < 0.6 && f.interval[0] < f.estimate);
    let Evidence::EValue { ln_e, e, probability } = f.evidence else { panic!("{:?}", f.evidence) };
    assert!((ln_e - threshold::ln_e(57, 142, 0.2)).abs() < 1e-12 && (e / ln_e.exp() - 1.0).abs() < 1e-9);
    // 30 prompts at q = .10: a list of one needs e ≥ 300.
    assert!(e > 300.0 && probability > 0.99);
    // Shrunk: less than the raw difference from the peers' tenth.
    assert!(f.expected_gain > 0.15 && f.expected_gain < f.estimate - 0.09);
    let json = serde_json::to_value(&findings).unwrap();
    assert_eq!(json["findings"][0]["detector"], "high-negative");
    assert_eq!(json["findings"][0]["evidence"]["kind"], "eValue");
    assert!(json["findings"][0]["expectedGain"].is_number() && json["thresholds"]["falseDiscovery"] == 0.1);
}

#[test]
fn what_is_likely_but_unsure_is_watched() {
    let mut cells: Vec<Vec<Cell>> =
        (0..30).map(|i| vec![cell(500, 5, 2 + (i % 9), 48 - (i % 9), 1)]).collect();
    cells[17] = vec![cell(400, 4, 28, 72, 1)];
    cells[18] = vec![cell(400, 4, 26, 74, 1)];
    let findings = scan_all(&cells);
    assert!(findings.findings.is_empty());
    let watched: Vec<_> = findings.watch.iter().map(|w| w.prompt_uri.key.to_string()).collect();
    assert_eq!(watched, ["legal.p000017", "legal.p000018"]);
    assert!(probability(&findings.watch[0].evidence) > probability(&findings.watch[1].evidence));
}

#[test]
fn low_success_against_peers() {
    let findings = world(cell(2000, 200, 6, 60, 1));
    assert_eq!(found(&findings), the_planted(&[Detector::LowSuccess]));
    let f = &findings.findings[0];
    assert!((f.estimate - 0.9).abs() < 1e-12 && (0.9..0.96).contains(&f.threshold));
    assert!(f.interval[1] < f.threshold && f.expected_gain > 0.05 && f.sample_size == 2000);
    // All peers fail alike: that is the platform's trouble, not the prompt's.
    let all: Vec<Vec<Cell>> = (0..30).map(|_| vec![cell(2000, 200, 6, 60, 1)]).collect();
    assert_eq!(found(&scan_all(&all)), vec![]);
}

#[test]
fn outliers_in_tokens_and_cost() {
    let findings = world(cell(300, 6, 3, 27, 4));
    assert_eq!(found(&findings), the_planted(&[Detector::TokenOutlier, Detector::CostOutlier]));
    let [tokens, cost] = &findings.findings[..] else { panic!() };
    assert!((tokens.estimate - 4000.0).abs() < 1e-9 && (tokens.expected_gain - 3000.0).abs() < 1e-9);
    assert!((cost.estimate - 0.004).abs() < 1e-12 && (cost.threshold - 0.003).abs() < 1e-12);
    assert!(tokens.interval[0] > 3700.0 && tokens.interval[1] < 4300.0);
    let Evidence::PValue { p, adjusted, ratio, robust_z } = tokens.evidence else { panic!() };
    assert!(p <= adjusted && adjusted <= 0.1 && (ratio - 4.0).abs() < 1e-9 && robust_z > 3.0);
    // Two and a half times the median is surely more than twice, and still no outlier.
    let mut near = cell(300, 6, 3, 27, 2);
    (near.input_tokens, near.output_tokens) = (near.input_tokens * 5 / 4, near.output_tokens * 5 / 4);
    (near.cost, near.tokens_sq) = (near.cost * 5 / 4, near.tokens_sq * 25 / 16);
    near.cost_sq = near.cost_sq * 25 / 16;
    assert_eq!(found(&world(near)), vec![]);
    // Two calls are not compared.
    let thin = world(cell(2, 0, 0, 0, 40));
    assert_eq!(found(&thin), vec![]);
    let lacks = &thin.insufficient.iter().find(|t| t.prompt_uri == uri(17)).unwrap().shortfalls;
    assert!(
        lacks
            .iter()
            .any(|s| (s.detector, s.of, s.have, s.missing) == (Detector::TokenOutlier, Lack::Calls, 2, 1))
    );
}

#[test]
fn free_peers_make_no_outlier() {
    let mut cells: Vec<Vec<Cell>> = (0..30).map(|i| vec![healthy(i)]).collect();
    for own in &mut cells[1..] {
        (own[0].cost, own[0].cost_sq) = (0, 0);
    }
    assert_eq!(found(&scan_all(&cells)), vec![]);
}

fn on_two_models(own: Cell, other: Cell) -> Findings {
    let mut cells: Vec<Vec<Cell>> =
        (0..30).map(|_| vec![cell(300, 3, 10, 90, 1), cell(200, 2, 8, 60, 1)]).collect();
    cells[17] = vec![own, other];
    scan_all(&cells)
}

#[test]
fn the_wrong_model() {
    let findings = on_two_models(cell(800, 8, 70, 130, 1), cell(150, 1, 3, 90, 1));
    let mismatch: Vec<_> =
        findings.findings.iter().filter(|f| f.detector == Detector::AffinityMismatch).collect();
    let [f] = &mismatch[..] else { panic!("{findings:?}") };
    assert_eq!((f.prompt_uri.clone(), f.sample_size), (uri(17), 293));
    assert_eq!((f.model.as_deref(), f.better_model.as_deref()), (Some("gpt-4o"), Some("claude-sonnet")));
    assert!(f.estimate > 0.1 && f.interval[0] > 0.03 && probability(&f.evidence) > 0.95);
    // The better one is used already.
    let right = on_two_models(cell(150, 1, 70, 130, 1), cell(800, 8, 3, 90, 1));
    assert!(right.findings.iter().all(|f| f.detector != Detector::AffinityMismatch));
    // No model has more than half of the calls: none is assigned.
    let spread = on_two_models(cell(400, 4, 70, 130, 1), cell(400, 1, 3, 90, 1));
    assert!(spread.findings.iter().all(|f| f.detector != Detector::AffinityMismatch));
}

#[test]
fn two_numbers_of_one_model_are_one() {
    let uris: Vec<PromptUri> = (0..2).map(uri).collect();
    let subjects: Vec<Subject> = uris.iter().map(|prompt| Subject { prompt, task_type: "legal" }).collect();
    let (a, b) = (cell(100, 0, 10, 90, 1), cell(90, 0, 1, 80, 1));
    let all = [(0, 0, &a), (0, 1, &b)];
    let lacks = |models: &[&str]| {
        scan(WINDOW, &subjects, models, all, &Thresholds::default()).insufficient[0].clone()
    };
    let of_models = |thin: Thin| thin.shortfalls.iter().any(|s| s.of == Lack::Models);
    assert!(of_models(lacks(&["gpt-4o", "gpt-4o"])) && !of_models(lacks(&["gpt-4o", "claude-sonnet"])));
}

#[test]
fn thin_prompts_are_said_to_be_thin() {
    let findings = world(cell(19, 19, 19, 0, 1));
    assert_eq!(found(&findings), vec![]);
    assert!(findings.watch.is_empty());
    let thin = findings.insufficient.iter().find(|t| t.prompt_uri == uri(17)).unwrap();
    let said: Vec<_> = thin.shortfalls.iter().map(|s| (s.detector, s.of, s.have, s.missing)).collect();
    assert_eq!(
        said,
        [
            (Detector::HighNegative, Lack::Units, 19, 1),
            (Detector::LowSuccess, Lack::Calls, 19, 1),
            (Detector::AffinityMismatch, Lack::Units, 19, 1),
        ]
    );
    assert_eq!(serde_json::to_value(thin).unwrap()["shortfalls"][0]["verdict"], "insufficient");
}

#[test]
fn alone_or_not_at_all() {
    let empty = scan_all(&[]);
    assert_eq!(
        (empty.prompts, empty.findings.len(), empty.watch.len(), empty.insufficient.len()),
        (0, 0, 0, 0)
    );
    // A prompt without peers is judged by its own threshold alone.
    let alone = scan_all(&[vec![cell(1000, 500, 90, 60, 9)]]);
    let all: Vec<_> = alone.findings.iter().map(|f| (f.detector, f.peers)).collect();
    assert_eq!(all, [(Detector::HighNegative, 0)]);
    let peers = alone.insufficient[0].shortfalls.iter().filter(|s| s.of == Lack::Peers);
    assert!(peers.clone().count() == 3 && peers.clone().all(|s| (s.have, s.missing) == (0, 8)));
    // Nine have eight peers each; eight have seven.
    let few = |n| scan_all(&(0..n).map(|i| vec![healthy(i)]).collect::<Vec<_>>()).insufficient;
    assert!(few(8).iter().all(|t| t.shortfalls.iter().any(|s| s.of == Lack::Peers && s.missing == 1)));
    assert!(few(9).iter().all(|t| t.shortfalls.iter().all(|s| s.of != Lack::Peers)));
    // A prompt that nobody called.
    let idle = scan_all(&[vec![]]);
    assert_eq!((idle.findings.len(), idle.insufficient[0].shortfalls.len()), (0, 5));
}

#[test]
fn a_hundred_thousand_prompts_do_not_overflow() {
    let huge = Cell {
        calls: 3_000_000_000,
        ok: 2_999_000_000,
        metered: 3_000_000_000,
        input_tokens: i64::MAX / 4,
        tokens_sq: i128::MAX / 8,
        priced: 3_000_000_000,
        cost: i64::MAX / 4,
        cost_sq: i128::MAX / 8,
        ..cell(0, 0, i32::MAX / 2, i32::MAX / 2, 1)
    };
    let small = cell(30, 0, 2, 20, 1);
    let uris: Vec<PromptUri> = (0..100_000).map(uri).collect();
    let types = ["a", "b", "c", "d"];
    let subjects: Vec<Subject> =
        uris.iter().enumerate().map(|(i, prompt)| Subject { prompt, task_type: types[i % 4] }).collect();
    let each = (0..100_000).map(|i| (i, 0, if i % 1000 == 7 { &huge } else { &small }));
    let findings = scan(WINDOW, &subjects, &["gpt-4o"], each, &Thresholds::default());
    assert_eq!(findings.prompts, 100_000);
    let high = findings.findings.iter().filter(|f| f.detector == Detector::HighNegative).count();
    assert_eq!(high, 100);
    assert!(
        findings.findings.iter().all(|f| f.estimate.is_finite() && f.interval.iter().all(|x| x.is_finite()))
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn order_and_sharding_leave_no_trace(
        counts in prop::collection::vec((0i64..400, 0i64..40, 0i32..60, 0i32..120, 1i64..5), 1..24),
        turn in 0usize..1000, split in 1i64..5,
    ) {
        let uris: Vec<PromptUri> = (0..counts.len()).map(uri).collect();
        let task_type = |i: usize| if i.is_multiple_of(3) { "legal" } else { "support" };
        let whole: Vec<(usize, u32, Cell)> = counts
            .iter()
            .enumerate()
            .flat_map(|(i, &(calls, failed, negative, positive, times))| {
                let one = cell(calls, failed.min(calls), negative, positive, times);
                let other = cell(calls / 3, 0, positive / 4, negative, 1);
                [(i, 0, one), (i, 1, other)]
            })
            .collect();
        let run = |order: &[usize], cells: &[(usize, u32, Cell)]| {
            let subjects: Vec<Subject> =
                order.iter().map(|&i| Subject { prompt: &uris[i], task_type: task_type(i) }).collect();
            let place = |i: usize| order.iter().position(|&o| o == i).unwrap() as u32;
            let each = cells.iter().map(|(i, model, cell)| (place(*i), *model, cell));
            scan(WINDOW, &subjects, &["gpt-4o", "gemini"], each, &Thresholds::default())
        };
        let order: Vec<usize> = (0..uris.len()).collect();
        let mut turned = order.clone();
        turned.rotate_left(turn % order.len());
        turned.reverse();
        // The same calls in shards: each cell is cut in two, and the parts come in another order.
        let mut shards: Vec<(usize, u32, Cell)> = Vec::new();
        for (i, model, cell) in &whole {
            let part = Cell { calls: cell.calls / split, ok: cell.ok / split, metered: cell.metered / split,
                input_tokens: cell.input_tokens / split, tokens_sq: cell.tokens_sq / 3, ..Cell::default() };
            let mut rest = cell.clone();
            rest.merge(&part, -1);
            shards.insert(0, (*i, *model, rest));
            shards.push((*i, *model, part));
        }
        prop_assert_eq!(run(&order, &whole), run(&turned, &shards));
    }
}
