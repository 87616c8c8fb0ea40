//! Where a prompt's calls go: first who may answer at all, then a soft preference among those.
//!
//! ```text
//! candidates -- capability, policy, budget, health --> eligible -- affinity --> weights -- hash of the call --> model
//! ```
//!
//! A model that lacks what the prompt needs is never ranked, and an unknown capability is no yes. Nobody eligible is
//! shut out: each keeps its part of the floor, so that what is learnt never stops (`statistics.md` 2.2). A table is a
//! value with a digest; which model a call gets follows from the table and the call's id, so every choice can be
//! replayed. Start with [`table`] and [`pick`].
//!
//! # Why the evidence is not weighted by propensity
//!
//! Routing sends calls where evidence is good, so raw means of cells are biased by it: an unlucky model is asked less
//! and keeps its bad luck. Within a cell the posterior does not care why a call was routed, because the weights depend
//! only on what had been seen; what is left is the prior, whose model effects are learnt mostly where a model does
//! well. Measured after 30 days of own routing in eight worlds of 200 prompts × 6 models (row B6 of
//! `examples/acceptance` repeats five of them):
//!
//! | evidence | bias of quality | 90 % interval covers | regret |
//! |---|---|---|---|
//! | raw cell means | -.030 | | |
//! | posterior, signals as they are | +.024 | .883 | 1 |
//! | each signal by inverse propensity, scaled to its effective count | +.028 | | 1.45 |
//!
//! So affinity is somewhat kind to models that are hardly asked (their cells lean on the prior), which its intervals
//! allow for. Inverse propensities throw away more than they mend: signals count as they are, and nothing has to be
//! logged for their sake; the propensity of each choice is there for whoever evaluates another policy.

use std::fmt;

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::affinity::{CONFIDENCE, Standing};
use super::cards::Facts;
use super::evidence::{self, count};
use super::performance::RECOMMEND_FROM;
use super::rollup::{Cell, Clock};
use super::stats::preference;
use crate::domain::model::{Capability, Day, Support};
use crate::domain::prompt::PromptUri;
use crate::domain::route::{Choice, Discount, Estimate, FilteredModel, RankedModel, RouteTable};
use crate::domain::snapshot::{SnapshotWindow, Verdict};
use crate::domain::window::Window;

/// A model that might answer.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Its name.
    pub model: &'a str,
    /// What is known of it.
    pub facts: Facts,
    /// Mean cost of a call in US dollars, of this prompt if it has any, else of all.
    pub cost_usd: Option<f64>,
    /// All its calls of the last hours, whatever the prompt, and how many of them were answered.
    pub recent: Recent,
    /// The registry's preference; 1 for none.
    pub base: f64,
    /// Whether the prompt's own file names it: it stands first where nothing else decides.
    pub named: bool,
}

/// Calls of the last hours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recent {
    /// Calls.
    pub calls: i64,
    /// Calls answered.
    pub ok: i64,
}

/// What is asked of a model.
#[derive(Debug, Clone, Default)]
pub struct Demand {
    /// What it must be able to do.
    pub needs: Vec<Capability>,
    /// The most that a call may cost on average, US dollars.
    pub max_cost_usd: Option<f64>,
    /// Models that must not be used.
    pub excluded: Vec<String>,
    /// The day of the calls; `None` asks nothing of dates.
    pub day: Option<Day>,
}

/// What stands against a model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Obstacle {
    /// It cannot do it.
    Lacks(Capability),
    /// Nobody says that it can.
    Unknown(Capability),
    /// It was excluded.
    Excluded,
    /// It is no longer offered since a day.
    Retired(Day),
    /// Its calls cost more than they may: mean, most.
    TooDear(f64, f64),
    /// Nobody knows what its calls cost.
    NoCost,
    /// Most of its calls fail now.
    Failing(Recent),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Obstacle::Lacks(capability) => write!(f, "lacks {capability}"),
            Obstacle::Unknown(capability) => write!(f, "unknown whether it has {capability}"),
            Obstacle::Excluded => f.write_str("excluded"),
            Obstacle::Retired(day) => write!(f, "no longer offered since {day}"),
            Obstacle::TooDear(mean, most) => write!(f, "costs ${mean:.6} a call, more than ${most}"),
            Obstacle::NoCost => f.write_str("its cost is unknown, and there is a budget"),
            Obstacle::Failing(recent) => {
                write!(f, "failing: {} of its last {} calls were answered", recent.ok, recent.calls)
            }
        }
    }
}

/// Everything that stands against a model; nothing makes it eligible.
pub fn obstacles(candidate: &Candidate, demand: &Demand) -> Vec<Obstacle> {
    let mut found = Vec::new();
    for &need in &demand.needs {
        match candidate.facts.capabilities.get(need) {
            Support::Yes => {}
            Support::No => found.push(Obstacle::Lacks(need)),
            Support::Unknown => found.push(Obstacle::Unknown(need)),
        }
    }
    if demand.excluded.iter().any(|name| name.eq_ignore_ascii_case(candidate.model)) {
        found.push(Obstacle::Excluded);
    }
    let retired = candidate.facts.retired.zip(demand.day).filter(|(retired, today)| retired <= today);
    found.extend(retired.map(|(retired, _)| Obstacle::Retired(retired)));
    if let Some(most) = demand.max_cost_usd {
        match candidate.cost_usd {
            None => found.push(Obstacle::NoCost),
            Some(mean) if mean > most => found.push(Obstacle::TooDear(mean, most)),
            Some(_) => {}
        }
    }
    if is_failing(candidate.recent) {
        found.push(Obstacle::Failing(candidate.recent));
    }
    found
}

/// Whether it is sure that most calls fail: the whole interval of the share answered is below one half.
fn is_failing(recent: Recent) -> bool {
    let answered = evidence::rate(recent.ok, recent.calls, evidence::MIN_CALLS);
    answered.verdict == Verdict::Sufficient && answered.interval[1] < 0.5
}

/// The table of a prompt.
///
/// `standings`: how each eligible candidate stands *among the eligible ones*; candidates with [`obstacles`] are listed
/// with them and have no standing.
pub fn table(
    prompt: &PromptUri,
    window: Window,
    candidates: &[Candidate],
    demand: &Demand,
    standings: &[Standing],
) -> RouteTable {
    let of = |model: &str| candidates.iter().find(|c| c.model == model);
    let preferences: Vec<(f64, f64)> =
        standings.iter().map(|s| (of(s.model).map_or(1.0, |c| c.base), s.probability_best)).collect();
    let weights = preference::weights(&preferences);
    let mut order: Vec<usize> = (0..standings.len()).collect();
    // Weights that differ by rounding alone are equal.
    let coarse = |i: usize| (weights[i] * 1e9).round() as i64;
    let named = |i: usize| of(standings[i].model).is_some_and(|c| c.named);
    order.sort_by(|&a, &b| {
        let by_weight = coarse(b).cmp(&coarse(a));
        let by_name = || standings[a].model.cmp(standings[b].model);
        by_weight.then_with(|| named(b).cmp(&named(a))).then_with(by_name)
    });
    let models: Vec<RankedModel> = order
        .iter()
        .enumerate()
        .map(|(rank, &i)| ranked(rank, &standings[i], weights[i], preferences[i].0, named(i)))
        .collect();
    // Without a signal on any of them there is nothing to lean on.
    let heard = models.iter().any(|m| m.sample_size > 0);
    let best = models.iter().filter(|_| heard).max_by(|a, b| a.probability.total_cmp(&b.probability));
    let (recommended, leaning) = match best {
        Some(best) if is_sure(best) => (Some(best.model_id.clone()), None),
        best => (None, best.map(|best| best.model_id.clone())),
    };
    let filtered = candidates
        .iter()
        .map(|c| (c, obstacles(c, demand)))
        .filter(|(_, obstacles)| !obstacles.is_empty())
        .map(|(c, obstacles)| FilteredModel {
            model_id: c.model.to_owned(),
            reasons: obstacles.iter().map(ToString::to_string).collect(),
        })
        .collect();
    RouteTable {
        prompt_uri: prompt.clone(),
        snapshot_id: digest(prompt, &models),
        window: SnapshotWindow(window),
        needs: demand.needs.iter().map(ToString::to_string).collect(),
        recommended_model: recommended,
        leaning,
        models,
        filtered,
    }
}

fn is_sure(model: &RankedModel) -> bool {
    model.probability >= RECOMMEND_FROM && model.verdict == Verdict::Sufficient
}

fn ranked(rank: usize, standing: &Standing, weight: f64, base: f64, named: bool) -> RankedModel {
    let (worth, cell): (_, &Cell) = (&standing.worth, &standing.evidence.cell);
    let sample_size = count(cell.signals.total(Clock::Call));
    let mut model = RankedModel {
        model_id: standing.model.to_owned(),
        weight,
        probability: standing.probability_best,
        reason: String::new(),
        base,
        score: Estimate { mean: worth.score(), interval: worth.interval(CONFIDENCE) },
        quality: Estimate { mean: worth.quality(), interval: worth.quality_interval(CONFIDENCE) },
        discount: Discount { success: worth.success, cost: worth.cost, latency: worth.latency },
        sample_size,
        evidence_mass: standing.evidence.feedback.n,
        calls: count(cell.calls),
        avg_cost_usd: cell.mean_cost_usd(),
        p95_latency_ms: cell.latency_sketch.quantile(0.95).map(|us| us / 1e3),
        verdict: evidence::verdict(sample_size, evidence::MIN_SIGNALS),
    };
    let first = rank == 0;
    let reason = match (model.calls, sample_size, model.verdict) {
        (0, ..) if named => "named by the prompt; no calls of it yet, only what its peers say",
        (0, ..) => "no calls of this prompt yet, only what its peers say",
        (_, 0, _) => "no feedback of this prompt yet, only what its peers say",
        (.., Verdict::Insufficient) => "insufficient: few signals of its own, leans on its peers",
        _ if is_sure(&model) => "recommended: surely the best of these",
        _ if first => "leaning: the best so far, not surely",
        _ if model.probability >= 0.05 => "may be the best",
        _ => "hardly the best: asked now and then to keep learning",
    };
    reason.clone_into(&mut model.reason);
    model
}

/// Digest of what decides where a call goes.
fn digest(prompt: &PromptUri, models: &[RankedModel]) -> String {
    let mut text = prompt.to_string().into_bytes();
    for model in models {
        text.push(b'\n');
        text.extend_from_slice(model.model_id.as_bytes());
        text.push(0);
        // To a thousand-millionth: sums of the same evidence in other parts differ in their last bits.
        text.extend_from_slice(&((model.weight * 1e9).round() as u64).to_be_bytes());
    }
    format!("{:032x}", xxh3_128(&text))
}

/// Where the call with this id goes; `None` where no model is eligible.
///
/// A point in \[0, 1) that is a hash of the call's and the table's ids falls into one of the weights laid end to end: the
/// same call and table, the same model, and over many calls each model its weight.
pub fn pick(table: &RouteTable, provenance_id: &str) -> Option<Choice> {
    let text = [provenance_id.as_bytes(), &[0], table.snapshot_id.as_bytes()].concat();
    let mut left = (xxh3_64(&text) >> 11) as f64 / (1_u64 << 53) as f64;
    let fits = |model: &&RankedModel| {
        left -= model.weight;
        left < 0.0
    };
    // Weights that sum to a hair less than 1 leave a hair to the last.
    let model = table.models.iter().find(fits).or(table.models.last())?;
    Some(Choice {
        provenance_id: provenance_id.to_owned(),
        snapshot_id: table.snapshot_id.clone(),
        model_id: model.model_id.clone(),
        propensity: model.weight,
    })
}

#[cfg(test)]
#[path = "route_tests.rs"]
mod tests;
