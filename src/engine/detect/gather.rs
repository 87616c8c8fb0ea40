//! From cells to what the detectors read: sums by prompt, and by prompt and model.

use crate::domain::feedback::{Signal, Source};
use crate::domain::prompt::PromptUri;
use crate::engine::affinity::Observation;
use crate::engine::evidence::{SOURCE_WEIGHT, count};
use crate::engine::rollup::{Cell, Clock};
use crate::engine::stats::hierarchy::Mass;
use crate::engine::stats::moments::Moments;
use crate::engine::stats::proportion::SIGNAL_WORTH;
use crate::engine::stats::sketch::Pool;

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The prompt, with the version that its cells are of, where they are of one.
    pub prompt: &'a PromptUri,
    /// The prompts that it is compared with.
    pub task_type: &'a str,
}

/// A prompt's sums.
#[derive(Debug)]
pub struct Prompt<'a> {
    pub subject: Subject<'a>,
    pub calls: u64,
    pub ok: u64,
    /// Evidence units, and the negative ones among them.
    pub units: u64,
    pub negative: u64,
    pub tokens: Moments,
    pub cost: Moments,
    /// By model, in the order of their numbers.
    pub models: Vec<(u32, Observation)>,
}

impl<'a> Prompt<'a> {
    fn new(subject: Subject<'a>) -> Self {
        Prompt {
            subject,
            calls: 0,
            ok: 0,
            units: 0,
            negative: 0,
            tokens: Moments::default(),
            cost: Moments::default(),
            models: Vec::new(),
        }
    }
}

/// The prompts, by task type, then URI.
pub fn gather<'a, 'c>(
    subjects: &[Subject<'a>],
    models: &[&str],
    cells: impl IntoIterator<Item = (u32, u32, &'c Cell)>,
) -> Vec<Prompt<'a>> {
    let first_of_name = |model: u32| match models.get(model as usize) {
        Some(name) => models.iter().position(|m| m == name).map_or(model, |at| at as u32),
        None => model,
    };
    let same: Vec<u32> = (0..models.len() as u32).map(first_of_name).collect();
    let mut found: Vec<(u32, u32, &Cell)> = cells
        .into_iter()
        .filter(|(subject, ..)| (*subject as usize) < subjects.len())
        .map(|(subject, model, cell)| (subject, same.get(model as usize).copied().unwrap_or(model), cell))
        .collect();
    found.sort_unstable_by_key(|(subject, model, _)| (*subject, *model));

    let mut prompts: Vec<Prompt> = subjects.iter().map(|subject| Prompt::new(*subject)).collect();
    let mut pool = Pool::default();
    for cells in found.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let (subject, model, _) = cells[0];
        add(&mut prompts[subject as usize], model, cells, &mut pool);
    }
    prompts.sort_unstable_by(|a, b| {
        (a.subject.task_type, a.subject.prompt).cmp(&(b.subject.task_type, b.subject.prompt))
    });
    prompts
}

/// Adds the cells of one model.
fn add(prompt: &mut Prompt, model: u32, parts: &[(u32, u32, &Cell)], pool: &mut Pool) {
    let (mut calls, mut ok, mut units) = (0, 0, [[0; 4]; 3]);
    let mut cost = Moments::default();
    pool.clear();
    for (_, _, cell) in parts {
        calls += cell.calls;
        ok += cell.ok;
        prompt.tokens.add(cell.metered, cell.input_tokens + cell.output_tokens, cell.tokens_sq);
        cost.add(cell.priced, cell.cost, cell.cost_sq);
        for (sum, n) in units.iter_mut().flatten().zip(cell.signals.counts(Clock::Arrival).iter().flatten()) {
            *sum += n;
        }
        pool.add(&cell.latency_sketch);
    }
    let mut feedback = Mass::default();
    for (source, weight) in Source::ALL.into_iter().zip(SOURCE_WEIGHT) {
        for (signal, value) in Signal::ALL.into_iter().zip(SIGNAL_WORTH) {
            let n = count(units[source as usize][signal as usize]);
            feedback.n += weight * n as f64;
            feedback.k += weight * value * n as f64;
            prompt.units += n;
            prompt.negative += if signal == Signal::Negative { n } else { 0 };
        }
    }
    prompt.calls += count(calls);
    prompt.ok += count(ok).min(count(calls));
    prompt.cost.merge(&cost);
    let observation = Observation {
        feedback,
        ok: count(ok) as f64,
        calls: count(calls) as f64,
        // As `Cell::known_cost_usd`.
        cost_usd: (cost.mean() > 0.0).then_some(cost.mean() / 1e9),
        latency_ms: pool.quantile(0.95).map(|us| us / 1e3),
    };
    prompt.models.push((model, observation));
}
