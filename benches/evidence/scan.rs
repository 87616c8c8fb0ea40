//! The full scan for underperformers: how it grows with cells, and that it does not grow with calls.

use human::domain::feedback::{Signal, Source};
use human::domain::finding::{Detector, Findings, Thresholds};
use human::domain::prompt::PromptUri;
use human::domain::window::Window;
use human::engine::detect::{self, Subject};
use human::engine::rollup::{Cell, Clock};

use super::median_ms;

/// Task types of the fleet.
const TYPES: [&str; 8] =
    ["analysis", "classify", "code", "draft", "extraction", "finance", "legal", "support"];
const MODELS: [&str; 4] = ["gpt-4o", "claude-sonnet", "gemini", "llama"];

/// The full scan, all detectors: 2,500, 5,000 and 10,000 prompts on four models; then ten times the calls.
pub fn run() {
    println!("full scan, all detectors, prompts x 4 models");
    for (prompts, times, luck) in
        [(2_500, 1, true), (5_000, 1, true), (10_000, 1, true), (10_000, 10, true), (10_000, 1, false)]
    {
        let cells = fleet(prompts, times, luck);
        let uris: Vec<PromptUri> = (0..prompts).map(uri).collect();
        let subject = |(i, prompt)| Subject { prompt, task_type: TYPES[i % TYPES.len()] };
        let subjects: Vec<Subject> = uris.iter().enumerate().map(subject).collect();
        let counted: i64 = cells.iter().map(|(_, _, cell)| cell.calls).sum();
        let mut found = None;
        let took = median_ms(5, || {
            let each = cells.iter().map(|(prompt, model, cell)| (*prompt, *model, cell));
            let window = Window { from_ms: 0, to_ms: 1 };
            found = Some(detect::scan(window, &subjects, &MODELS, each, &Thresholds::default()));
        });
        println!(
            "{prompts:>7} prompts {:>7} cells {counted:>12} calls {:<28} {took:>8.1} ms {:>6.2} us a cell   {}",
            cells.len(),
            if luck { "most on a good model" } else { "half on the wrong model" },
            took * 1e3 / cells.len() as f64,
            found.as_ref().map_or(String::new(), summary)
        );
    }
}

fn summary(found: &Findings) -> String {
    let of = |detector| found.findings.iter().filter(|f| f.detector == detector).count();
    format!(
        "{} negative, {} success, {} tokens, {} cost, {} mismatch; {} watched",
        of(Detector::HighNegative),
        of(Detector::LowSuccess),
        of(Detector::TokenOutlier),
        of(Detector::CostOutlier),
        of(Detector::AffinityMismatch),
        found.watch.len()
    )
}

fn uri(i: usize) -> PromptUri {
    let text = format!("prompt://org/HUMAN_CORP/{}.p{i}", TYPES[i % TYPES.len()]);
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// Each prompt on four models, a sixth of them thin. Three in a hundred are unhappy, failing, or dear. `luck`: most
/// calls go to a model that serves well, but for three in a hundred; without it, to any.
fn fleet(prompts: usize, times: i64, luck: bool) -> Vec<(u32, u32, Cell)> {
    let mut dice = Dice(0x5EED_0001);
    let mut cells = Vec::with_capacity(prompts * 4);
    for prompt in 0..prompts {
        let volume = (10f64.powf(1.5 + 3.0 * dice.unit()) as i64).max(8);
        let bad = |chance: f64| chance < 0.03;
        let (unhappy, failing, dear) = (bad(dice.unit()), bad(dice.unit()), bad(dice.unit()));
        let level = 0.06 + 0.08 * dice.unit() + if unhappy { 0.2 } else { 0.0 };
        let quality: [f64; 4] = std::array::from_fn(|_| level * (0.4 + 1.2 * dice.unit()));
        let best = (0..4).min_by(|&a, &b| quality[a].total_cmp(&quality[b])).unwrap_or(0);
        let most = if luck && !bad(dice.unit()) { best } else { (dice.unit() * 4.0) as usize };
        let size = 400.0 + 900.0 * dice.unit() * if dear { 6.0 } else { 1.0 };
        for (model, quality) in quality.into_iter().enumerate() {
            let n = (volume * if model == most { 7 } else { 1 } / 10).max(1) * times;
            let fails = if failing { 0.12 } else { 0.01 + 0.01 * dice.unit() };
            let tokens = (size * (0.9 + 0.2 * dice.unit())) as i64;
            let cost = tokens * 3_000 * (model as i64 + 1);
            let square = |x: i64| i128::from(n) * i128::from(x) * i128::from(x) * 3 / 2;
            let mut cell = Cell {
                calls: n,
                ok: n - (n as f64 * fails) as i64,
                metered: n,
                priced: n,
                timed: n,
                input_tokens: n * tokens,
                tokens_sq: square(tokens),
                cost: n * cost,
                cost_sq: square(cost),
                ..Cell::default()
            };
            // Durations from half to thrice the usual, in as many bins as real ones fill.
            for step in 0..40 {
                let us = 700_000.0 * (0.5 + 2.5 * f64::from(step) / 40.0) * (1.0 + 0.2 * model as f64);
                cell.latency_sketch.add(us as u64, (n / 40).max(1) as i32);
            }
            let units = (n as f64 * 0.1) as i32;
            let negative = (f64::from(units) * quality + dice.unit()) as i32;
            cell.signals.add(Clock::Arrival, Source::User, Signal::Negative, negative.min(units));
            cell.signals.add(Clock::Arrival, Source::User, Signal::Positive, (units - negative).max(0));
            cells.push((prompt as u32, model as u32, cell));
        }
    }
    cells
}

/// Xorshift: the fleet needs variety, not chance of quality.
struct Dice(u64);

impl Dice {
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}
