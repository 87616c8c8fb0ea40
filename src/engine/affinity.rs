//! How well each model serves a prompt: quality from feedback, shrunk to what the prompt's peers and the model's
//! other prompts say, discounted by failures, cost and latency.
//!
//! Formula and parameters: `statistics.md` 2.1. It never pins: routing takes it as one preference among others.
//! Start with [`affinities`].

use std::collections::{BTreeMap, BTreeSet};

use super::evidence::{self, count};
use super::rollup::{Cell, CellKey, Clock};
use super::stats::beta::{self, Scaled};
use super::stats::hierarchy::{self, Mass};
use super::stats::proportion::SIGNAL_WORTH;
pub use crate::domain::affinity::Worth;
use crate::domain::affinity::{AffinityRates, AffinityStats, PromptModelAffinity};
use crate::domain::feedback::Signal;
use crate::domain::prompt::PromptUri;

/// Calls that a model's overall success rate weighs against the prompt's own.
const SUCCESS_STRENGTH: f64 = 20.0;
/// Confidence of the interval of a score.
pub const CONFIDENCE: f64 = 0.9;
/// A cost below this counts as this: models without a price would beat all others by an infinite ratio.
const CHEAPEST_USD: f64 = 1e-6;
/// A latency below this counts as this.
const FASTEST_MS: f64 = 1.0;

/// Days in which feedback loses half of its weight: models change under their names, and tasks under their prompts.
pub const HALF_LIFE_DAYS: f64 = 30.0;

/// What a window holds of a prompt version on a model: the counts, and what is left of the weight of the feedback.
///
/// Reports count; scores weigh. That a signal is old lowers how much a score leans on it, never a count.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evidence {
    /// The counts.
    pub cell: Cell,
    /// Feedback, weighted by signal, source and age.
    pub feedback: Mass,
}

impl Evidence {
    /// Adds a cell whose signals are about `age_days` old at the end of the window.
    pub fn add(&mut self, cell: &Cell, age_days: f64) {
        self.cell.merge_ranked(cell, 1);
        let mass = evidence::signal_mass(&cell.signals, evidence::SOURCE_WEIGHT);
        let left = (-age_days.max(0.0) / HALF_LIFE_DAYS).exp2();
        self.feedback.k +=
            left * mass.iter().zip(SIGNAL_WORTH).map(|(mass, worth)| mass * worth).sum::<f64>();
        self.feedback.n += left * mass.iter().sum::<f64>();
    }

    fn merge(&mut self, other: &Evidence) {
        self.cell.merge_ranked(&other.cell, 1);
        self.feedback.k += other.feedback.k;
        self.feedback.n += other.feedback.n;
    }
}

/// What a prompt's calls on a model say.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Observation {
    /// Feedback, weighted by signal, source and age.
    pub feedback: Mass,
    /// Calls answered.
    pub ok: f64,
    /// Calls.
    pub calls: f64,
    /// Mean cost in US dollars, where known.
    pub cost_usd: Option<f64>,
    /// 95th percentile of durations in milliseconds, where known.
    pub latency_ms: Option<f64>,
}

impl From<&Evidence> for Observation {
    fn from(evidence: &Evidence) -> Observation {
        let cell = &evidence.cell;
        Observation {
            feedback: evidence.feedback,
            ok: count(cell.ok) as f64,
            calls: count(cell.calls) as f64,
            cost_usd: cell.known_cost_usd(),
            latency_ms: cell.latency_sketch.quantile(0.95).map(|us| us / 1e3),
        }
    }
}

/// How much quality dollars and time may buy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exchange {
    /// Exponent of the cost: .07 asks of twice the cost 5 % of relative quality.
    pub cost: f64,
    /// Exponent of the latency: .03 asks of twice the latency 2 %.
    pub latency: f64,
}

impl Default for Exchange {
    fn default() -> Self {
        Exchange { cost: 0.07, latency: 0.03 }
    }
}

impl Worth {
    /// Success, cost and latency in (0, 1].
    pub fn discount(&self) -> f64 {
        self.success * self.cost * self.latency
    }

    /// The same, if cost and latency weighed as `to` says and not as `from`, by which it was computed.
    #[must_use]
    pub fn weighed(self, from: Exchange, to: Exchange) -> Worth {
        // A discount is a ratio to a power: another power of it is another power of the ratio.
        let again = |discount: f64, from: f64, to: f64| discount.powf(to / from).min(1.0);
        Worth {
            cost: again(self.cost, from.cost, to.cost),
            latency: again(self.latency, from.latency, to.latency),
            ..self
        }
    }

    /// Mean quality.
    pub fn quality(&self) -> f64 {
        self.alpha / (self.alpha + self.beta)
    }

    /// The central interval that holds `conf` of the quality.
    pub fn quality_interval(&self, conf: f64) -> [f64; 2] {
        beta::central(self.alpha, self.beta, conf)
    }

    /// The affinity score: the mean of the discounted quality.
    pub fn score(&self) -> f64 {
        self.discount() * self.quality()
    }

    /// The central interval that holds `conf` of the discounted quality.
    pub fn interval(&self, conf: f64) -> [f64; 2] {
        self.quality_interval(conf).map(|q| self.discount() * q)
    }
}

impl From<&Worth> for Scaled {
    fn from(worth: &Worth) -> Scaled {
        Scaled { alpha: worth.alpha, beta: worth.beta, scale: worth.discount() }
    }
}

/// The probability of each to be the best.
pub fn probability_best(worth: &[Worth]) -> Vec<f64> {
    hierarchy::probability_best(&worth.iter().map(Scaled::from).collect::<Vec<_>>())
}

/// What a table of prompts × models teaches about its cells.
#[derive(Debug)]
pub struct Learnt<'a> {
    rows: &'a [Vec<Observation>],
    priors: Vec<Vec<hierarchy::CellPrior>>,
    success: Vec<f64>,
}

impl<'a> Learnt<'a> {
    /// From `rows[prompt][model]`; every row has the same length.
    pub fn from(rows: &'a [Vec<Observation>]) -> Learnt<'a> {
        let masses: Vec<Vec<Mass>> =
            rows.iter().map(|row| row.iter().map(|o| o.feedback).collect()).collect();
        let success = |m: usize| {
            let sum = |of: fn(&Observation) -> f64| rows.iter().map(|row| of(&row[m])).sum::<f64>();
            (sum(|o| o.ok) + 0.5) / (sum(|o| o.calls) + 1.0)
        };
        let models = rows.first().map_or(0, Vec::len);
        Learnt { rows, priors: hierarchy::fit(&masses).priors, success: (0..models).map(success).collect() }
    }

    /// The worth of each of `models` for a prompt; the cheapest and the fastest are sought among them. A model whose
    /// cost or latency is unknown counts as the worst that is known, so that not being measured is no advantage.
    pub fn worth(&self, prompt: usize, models: &[usize], exchange: Exchange) -> Vec<Worth> {
        let row: Vec<&Observation> = models.iter().map(|&m| &self.rows[prompt][m]).collect();
        let cost = discounts(&row, |o| o.cost_usd.map(|usd| usd.max(CHEAPEST_USD)), exchange.cost);
        let latency = discounts(&row, |o| o.latency_ms.map(|ms| ms.max(FASTEST_MS)), exchange.latency);
        let worth = |(i, o): (usize, &&Observation)| {
            let (prior, success) = (self.priors[prompt][models[i]], self.success[models[i]]);
            Worth {
                alpha: prior.strength * prior.mean + o.feedback.k,
                beta: prior.strength * (1.0 - prior.mean) + o.feedback.n - o.feedback.k,
                success: (SUCCESS_STRENGTH * success + o.ok) / (SUCCESS_STRENGTH + o.calls),
                cost: cost[i],
                latency: latency[i],
            }
        };
        row.iter().enumerate().map(worth).collect()
    }
}

/// The worth of each model for each prompt of a table `rows[prompt][model]`, all models being candidates everywhere.
pub fn worth(rows: &[Vec<Observation>], exchange: Exchange) -> Vec<Vec<Worth>> {
    let learnt = Learnt::from(rows);
    let models: Vec<usize> = (0..rows.first().map_or(0, Vec::len)).collect();
    (0..rows.len()).map(|prompt| learnt.worth(prompt, &models, exchange)).collect()
}

/// `(least / own)^exponent` for each of the models.
fn discounts(row: &[&Observation], of: impl Fn(&Observation) -> Option<f64>, exponent: f64) -> Vec<f64> {
    let known = || row.iter().copied().filter_map(&of);
    let (least, most) = (known().fold(f64::INFINITY, f64::min), known().fold(0.0, f64::max));
    if most <= 0.0 {
        return vec![1.0; row.len()];
    }
    row.iter().map(|o| (least / of(o).unwrap_or(most)).powf(exponent).min(1.0)).collect()
}

/// How one model stands for a prompt.
#[derive(Debug, Clone)]
pub struct Standing<'m> {
    /// The model.
    pub model: &'m str,
    /// What the prompt's own calls on it say; empty where there are none.
    pub evidence: Evidence,
    /// What it is worth.
    pub worth: Worth,
    /// The probability that it is the best of those asked about.
    pub probability_best: f64,
}

/// How models stand for one prompt, by name: `candidates`, or, without any named, those that the prompt ran on.
///
/// `peers`: the cells of each prompt of the same task type in the window, this prompt's at index `own`; peers teach
/// the priors, so an empty list of others only makes the score lean on less. `model` names a model.
pub fn standings<'m>(
    own: usize,
    peers: &[Vec<(CellKey, &Evidence)>],
    model: impl Fn(u32) -> &'m str,
    candidates: Option<&BTreeSet<&'m str>>,
) -> Vec<Standing<'m>> {
    let sums: Vec<ByModel<'m>> = peers.iter().map(|cells| by_model(cells, &model)).collect();
    let sums: Vec<&ByModel<'m>> = sums.iter().collect();
    let Some(mine) = sums.get(own) else { return vec![] };
    let models = models_of(&sums, candidates);
    let rows = observations(&sums, &models);
    stand(mine, own, &models, &Learnt::from(&rows), candidates)
}

/// Evidence by the names of models.
pub type ByModel<'m> = BTreeMap<&'m str, Evidence>;

fn by_model<'m>(cells: &[(CellKey, &Evidence)], model: impl Fn(u32) -> &'m str) -> ByModel<'m> {
    let mut sums: ByModel<'m> = BTreeMap::new();
    for (key, evidence) in cells.iter().filter(|(key, _)| key.version >= CellKey::FIRST_VERSION) {
        sums.entry(model(key.model)).or_default().merge(evidence);
    }
    sums
}

fn models_of<'m>(sums: &[&ByModel<'m>], candidates: Option<&BTreeSet<&'m str>>) -> Vec<&'m str> {
    let known = sums.iter().flat_map(|row| row.keys().copied());
    known.chain(candidates.into_iter().flatten().copied()).collect::<BTreeSet<_>>().into_iter().collect()
}

fn observations(sums: &[&ByModel<'_>], models: &[&str]) -> Vec<Vec<Observation>> {
    let row = |row: &&ByModel<'_>| {
        models.iter().map(|m| row.get(m).map(Observation::from).unwrap_or_default()).collect()
    };
    sums.iter().map(row).collect()
}

/// How models stand for the prompt in row `own`, of which `mine` is the evidence.
fn stand<'m>(
    mine: &ByModel<'m>,
    own: usize,
    models: &[&'m str],
    learnt: &Learnt<'_>,
    candidates: Option<&BTreeSet<&'m str>>,
) -> Vec<Standing<'m>> {
    let asked = |m: &str| match candidates {
        Some(candidates) => candidates.contains(m),
        None => mine.get(m).is_some_and(|evidence| evidence.cell.calls > 0),
    };
    let (places, names): (Vec<usize>, Vec<&str>) =
        models.iter().enumerate().filter(|(_, m)| asked(m)).map(|(place, m)| (place, *m)).unzip();
    let worth = learnt.worth(own, &places, Exchange::default());
    let chances = probability_best(&worth);
    names
        .into_iter()
        .zip(worth)
        .zip(chances)
        .map(|((model, worth), probability_best)| {
            let evidence = mine.get(model).cloned().unwrap_or_default();
            Standing { model, evidence, worth, probability_best }
        })
        .collect()
}

/// The affinities of one prompt to the models that it ran on, best score first; arguments as for [`standings`].
pub fn affinities<'m>(
    prompt: &PromptUri,
    own: usize,
    peers: &[Vec<(CellKey, &Evidence)>],
    model: impl Fn(u32) -> &'m str,
) -> Vec<PromptModelAffinity> {
    best_first(prompt, &standings(own, peers, model, None))
}

/// [`affinities`] of several prompts that are each other's peers, and have the same others: what they teach is learnt
/// once. `rows`: the evidence of each peer; `asked`: prompts, and which row is theirs.
pub fn affinities_of_peers(
    rows: &[&ByModel<'_>],
    asked: &[(&PromptUri, usize)],
) -> Vec<Vec<PromptModelAffinity>> {
    let models = models_of(rows, None);
    let seen = observations(rows, &models);
    let learnt = Learnt::from(&seen);
    let each = |(prompt, own): &(&PromptUri, usize)| {
        best_first(prompt, &stand(rows[*own], *own, &models, &learnt, None))
    };
    asked.iter().map(each).collect()
}

fn best_first(prompt: &PromptUri, standings: &[Standing<'_>]) -> Vec<PromptModelAffinity> {
    let mut affinities: Vec<PromptModelAffinity> = standings.iter().map(|s| affinity(prompt, s)).collect();
    affinities.sort_by(|a, b| {
        b.affinity_score.total_cmp(&a.affinity_score).then_with(|| a.model_id.cmp(&b.model_id))
    });
    affinities
}

fn affinity(prompt: &PromptUri, standing: &Standing) -> PromptModelAffinity {
    let cell = &standing.evidence.cell;
    let rates = AffinityRates {
        success: evidence::rate(cell.ok, cell.calls, evidence::MIN_CALLS),
        positive: evidence::share(&cell.signals, Signal::Positive),
        negative: evidence::share(&cell.signals, Signal::Negative),
    };
    let sample_size = count(cell.signals.total(Clock::Call));
    PromptModelAffinity {
        prompt_uri: prompt.clone(),
        model_id: standing.model.to_owned(),
        sample_size,
        stats: AffinityStats {
            avg_latency_ms: cell.mean_latency_ms(),
            avg_cost_usd: cell.mean_cost_usd(),
            success_rate: rates.success.rate,
            positive_signal_rate: rates.positive.rate,
            negative_signal_rate: rates.negative.rate,
        },
        rates,
        affinity_score: standing.worth.score(),
        interval: standing.worth.interval(CONFIDENCE),
        probability_best: standing.probability_best,
        verdict: evidence::verdict(sample_size, evidence::MIN_SIGNALS),
        worth: standing.worth,
    }
}

#[cfg(test)]
#[path = "affinity_tests.rs"]
mod tests;
