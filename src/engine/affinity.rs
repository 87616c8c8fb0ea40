//! How well each model serves a prompt: quality from feedback, shrunk to what the prompt's peers and the model's
//! other prompts say, discounted by failures, cost and latency.
//!
//! Formula and parameters: `statistics.md` 2.1. It never pins: routing takes it as one preference among others.
//! Start with [`affinities`].

use std::collections::{BTreeMap, BTreeSet};

use super::evidence::{self, count};
use super::rollup::{Cell, CellKey, Clock};
use super::stats::beta;
use super::stats::hierarchy::{self, Mass};
use super::stats::proportion::SIGNAL_WORTH;
use crate::domain::affinity::{AffinityRates, AffinityStats, PromptModelAffinity};
use crate::domain::feedback::Signal;
use crate::domain::prompt::PromptUri;

/// Twice the cost must buy 5 % of relative quality.
const COST_EXPONENT: f64 = 0.07;
/// Twice the latency must buy 2 %.
const LATENCY_EXPONENT: f64 = 0.03;
/// Calls that a model's overall success rate weighs against the prompt's own.
const SUCCESS_STRENGTH: f64 = 20.0;
/// Confidence of the interval of a score.
const CONFIDENCE: f64 = 0.9;
/// A cost below this counts as this: models without a price would beat all others by an infinite ratio.
const CHEAPEST_USD: f64 = 1e-6;
/// A latency below this counts as this.
const FASTEST_MS: f64 = 1.0;

/// What a prompt's calls on a model say.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Observation {
    /// Feedback, weighted by signal and source.
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

impl Observation {
    /// What a cell says.
    pub fn of(cell: &Cell) -> Observation {
        let mass = evidence::signal_mass(&cell.signals, evidence::SOURCE_WEIGHT);
        Observation {
            feedback: Mass {
                k: mass.iter().zip(SIGNAL_WORTH).map(|(mass, worth)| mass * worth).sum(),
                n: mass.iter().sum(),
            },
            ok: count(cell.ok) as f64,
            calls: count(cell.calls) as f64,
            cost_usd: cell.mean_cost_usd(),
            latency_ms: cell.latency_sketch.quantile(0.95).map(|us| us / 1e3),
        }
    }
}

/// A model's worth for a prompt: `discount · Q`, `Q ~ Beta(alpha, beta)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Worth {
    /// First shape parameter of the quality.
    pub alpha: f64,
    /// Second shape parameter.
    pub beta: f64,
    /// Success, cost and latency in (0, 1].
    pub discount: f64,
}

impl Worth {
    /// The affinity score: its mean.
    pub fn score(&self) -> f64 {
        self.discount * self.alpha / (self.alpha + self.beta)
    }

    /// The central interval that holds `conf` of it.
    pub fn interval(&self, conf: f64) -> [f64; 2] {
        beta::central(self.alpha, self.beta, conf).map(|q| self.discount * q)
    }
}

/// The worth of each model for each prompt of a table `rows[prompt][model]`; every row has the same length.
///
/// A prompt's models are those with calls; the cheapest and the fastest are sought among them. A model whose cost or
/// latency is unknown counts as the worst that is known, so that not being measured is no advantage.
pub fn worth(rows: &[Vec<Observation>]) -> Vec<Vec<Worth>> {
    let masses: Vec<Vec<Mass>> = rows.iter().map(|row| row.iter().map(|o| o.feedback).collect()).collect();
    let priors = hierarchy::fit(&masses).priors;
    let models = rows.first().map_or(0, Vec::len);
    let success: Vec<f64> = (0..models)
        .map(|m| {
            let (ok, calls) =
                rows.iter().fold((0.0, 0.0), |sum, row| (sum.0 + row[m].ok, sum.1 + row[m].calls));
            (ok + 0.5) / (calls + 1.0)
        })
        .collect();
    let row_worth = |(row, priors): (&Vec<Observation>, Vec<hierarchy::CellPrior>)| {
        let cost = discounts(row, |o| o.cost_usd.map(|usd| usd.max(CHEAPEST_USD)), COST_EXPONENT);
        let latency = discounts(row, |o| o.latency_ms.map(|ms| ms.max(FASTEST_MS)), LATENCY_EXPONENT);
        let model_worth = |(m, (o, prior)): (usize, (&Observation, hierarchy::CellPrior))| Worth {
            alpha: prior.strength * prior.mean + o.feedback.k,
            beta: prior.strength * (1.0 - prior.mean) + o.feedback.n - o.feedback.k,
            discount: (SUCCESS_STRENGTH * success[m] + o.ok) / (SUCCESS_STRENGTH + o.calls)
                * cost[m]
                * latency[m],
        };
        row.iter().zip(priors).enumerate().map(model_worth).collect()
    };
    rows.iter().zip(priors).map(row_worth).collect()
}

/// `(least / own)^exponent` for each model of a prompt that has calls.
fn discounts(row: &[Observation], of: impl Fn(&Observation) -> Option<f64>, exponent: f64) -> Vec<f64> {
    let known = || row.iter().filter(|o| o.calls > 0.0).filter_map(&of);
    let (least, most) = (known().fold(f64::INFINITY, f64::min), known().fold(0.0, f64::max));
    if most <= 0.0 {
        return vec![1.0; row.len()];
    }
    row.iter().map(|o| (least / of(o).unwrap_or(most)).powf(exponent).min(1.0)).collect()
}

/// The affinities of one prompt to the models that it ran on, best score first.
///
/// `peers`: the cells of each prompt of the same task type in the window, this prompt's at index `own`; peers teach
/// the priors, so an empty list of others only makes the score lean on less. `model` names a model.
pub fn affinities<'m>(
    prompt: &PromptUri,
    own: usize,
    peers: &[Vec<(CellKey, &Cell)>],
    model: impl Fn(u32) -> &'m str,
) -> Vec<PromptModelAffinity> {
    let by_model = |cells: &Vec<(CellKey, &Cell)>| {
        let mut sums: BTreeMap<&'m str, Cell> = BTreeMap::new();
        for (key, cell) in cells.iter().filter(|(key, _)| key.version >= CellKey::FIRST_VERSION) {
            sums.entry(model(key.model)).or_default().merge(cell, 1);
        }
        sums
    };
    let sums: Vec<BTreeMap<&str, Cell>> = peers.iter().map(by_model).collect();
    let Some(mine) = sums.get(own) else { return vec![] };
    let models: BTreeSet<&str> = sums.iter().flat_map(|row| row.keys().copied()).collect();
    let rows: Vec<Vec<Observation>> = sums
        .iter()
        .map(|row| models.iter().map(|m| row.get(m).map(Observation::of).unwrap_or_default()).collect())
        .collect();
    let worth = worth(&rows);
    let found: Vec<(&Cell, &str, Worth)> = models
        .iter()
        .zip(&worth[own])
        .filter_map(|(m, worth)| mine.get(m).filter(|cell| cell.calls > 0).map(|cell| (cell, *m, *worth)))
        .collect();
    let candidates: Vec<_> = found.iter().map(|(_, _, w)| (w.alpha, w.beta, w.discount)).collect();
    let mut affinities: Vec<PromptModelAffinity> = found
        .iter()
        .zip(hierarchy::probability_best(&candidates))
        .map(|((cell, m, worth), probability)| affinity(prompt, m, cell, worth, probability))
        .collect();
    affinities.sort_by(|a, b| {
        b.affinity_score.total_cmp(&a.affinity_score).then_with(|| a.model_id.cmp(&b.model_id))
    });
    affinities
}

fn affinity(
    prompt: &PromptUri,
    model: &str,
    cell: &Cell,
    worth: &Worth,
    probability: f64,
) -> PromptModelAffinity {
    let rates = AffinityRates {
        success: evidence::rate(cell.ok, cell.calls, evidence::MIN_CALLS),
        positive: evidence::share(&cell.signals, Signal::Positive),
        negative: evidence::share(&cell.signals, Signal::Negative),
    };
    let sample_size = count(cell.signals.total(Clock::Call));
    PromptModelAffinity {
        prompt_uri: prompt.clone(),
        model_id: model.to_owned(),
        sample_size,
        stats: AffinityStats {
            avg_latency_ms: cell.mean_latency_ms(),
            avg_cost_usd: cell.mean_cost_usd(),
            success_rate: rates.success.rate,
            positive_signal_rate: rates.positive.rate,
            negative_signal_rate: rates.negative.rate,
        },
        rates,
        affinity_score: worth.score(),
        interval: worth.interval(CONFIDENCE),
        probability_best: probability,
        verdict: evidence::verdict(sample_size, evidence::MIN_SIGNALS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::feedback::Source;
    use crate::domain::snapshot::Verdict;
    use crate::engine::rollup::{CallFacts, Layer};
    use crate::engine::stats::vectors;
    use serde_json::{Value, json};

    fn table(v: &Value, key: &str) -> Vec<Vec<f64>> {
        serde_json::from_value(v[key].clone()).unwrap()
    }

    #[test]
    fn reaches_the_vectors() {
        let Some(all) = vectors::of("affinity") else { return };
        for vector in all {
            let [k, n, ok, calls, cost, latency] =
                ["k", "n", "succ", "calls", "cost", "lat"].map(|key| table(&vector.input, key));
            let cell = |p: usize, m: usize| Observation {
                feedback: Mass { k: k[p][m], n: n[p][m] },
                ok: ok[p][m],
                calls: calls[p][m],
                cost_usd: Some(cost[p][m]),
                latency_ms: Some(latency[p][m]),
            };
            let rows: Vec<Vec<_>> =
                (0..k.len()).map(|p| (0..k[p].len()).map(|m| cell(p, m)).collect()).collect();
            let masses: Vec<Vec<_>> = rows.iter().map(|r| r.iter().map(|o| o.feedback).collect()).collect();
            let fitted = hierarchy::fit(&masses);
            let each = |f: &dyn Fn(&Worth) -> f64| -> Vec<Vec<f64>> {
                worth(&rows).iter().map(|row| row.iter().map(f).collect()).collect()
            };
            let best: Vec<Vec<f64>> = worth(&rows)
                .iter()
                .map(|row| {
                    hierarchy::probability_best(
                        &row.iter().map(|w| (w.alpha, w.beta, w.discount)).collect::<Vec<_>>(),
                    )
                })
                .collect();
            let of = |f: fn(&hierarchy::CellPrior) -> f64| -> Vec<Vec<f64>> {
                fitted.priors.iter().map(|row| row.iter().map(f).collect()).collect()
            };
            let got = json!({
                "sP": fitted.prompt_spread, "sI": fitted.cell_spread,
                "prior_mean": of(|p| p.mean), "kappa": of(|p| p.strength),
                "D": each(&|w| w.discount), "affinity": each(&Worth::score),
                "lo": each(&|w| w.interval(0.9)[0]), "hi": each(&|w| w.interval(0.9)[1]),
                "p_best": best,
            });
            let mut want = vector.expect.clone();
            want.as_object_mut().unwrap().remove("weight").expect("the routing weight is another room's");
            vectors::assert_near(&vector.id, &got, &want);
        }
    }

    fn observed(calls: i64, positive: i32, negative: i32, cost: i64) -> Cell {
        let mut cell = Cell::default();
        for _ in 0..calls {
            let facts = CallFacts {
                ok: true,
                tokens: Some((100, 50)),
                cached: 0,
                cost: Some(cost),
                estimated: false,
                latency_us: Some(900_000),
            };
            cell.add_call(&facts, 1);
        }
        cell.signals.add(Clock::Call, Source::User, Signal::Positive, positive);
        cell.signals.add(Clock::Call, Source::User, Signal::Negative, negative);
        cell
    }

    #[test]
    fn the_better_model_leads_and_a_thin_one_says_so() {
        let (good, bad, thin) =
            (observed(300, 90, 10, 1000), observed(300, 60, 40, 1000), observed(3, 1, 0, 1000));
        let key = |model| CellKey { version: 5, layer: Layer::Direct, model };
        let uri: PromptUri = "prompt://core/a".parse().unwrap();
        let names = ["good", "bad", "thin"];
        let peers = [vec![(key(0), &good), (key(1), &bad), (key(2), &thin)]];
        let found = affinities(&uri, 0, &peers, |m| names[m as usize]);
        assert_eq!(found[0].model_id, "good");
        assert_eq!(found.last().unwrap().model_id, "bad");
        assert!(found[0].probability_best > found[2].probability_best);
        let thin = found.iter().find(|a| a.model_id == "thin").unwrap();
        assert_eq!(thin.verdict, Verdict::Insufficient);
        assert!(thin.affinity_score < found[0].affinity_score, "one lucky signal must not lead");
        assert!((found.iter().map(|a| a.probability_best).sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn an_unknown_cost_is_no_advantage() {
        let row = |costs: [Option<f64>; 3]| {
            let o = |cost_usd| Observation { calls: 10.0, ok: 10.0, cost_usd, ..Observation::default() };
            discounts(&costs.map(o), |o| o.cost_usd, COST_EXPONENT)
        };
        let [cheap, dear, unknown] = row([Some(0.001), Some(0.01), None])[..] else { panic!() };
        assert!(cheap == 1.0 && dear < 1.0 && unknown == dear);
        assert_eq!(row([None; 3]), [1.0; 3]);
    }
}
