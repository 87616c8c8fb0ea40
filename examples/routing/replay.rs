//! Replays recorded outcomes: every item was asked of every model, so what another choice would have brought is known.
//!
//! A family of items stands for a prompt, an answer's success for feedback. Items are split in halves by their hash:
//! one half teaches, the other judges. Start with [`judge`] and [`stream`].
#![allow(dead_code, reason = "the example and a test use some of it each")]

use std::collections::BTreeMap;

use human::engine::affinity::{self, Exchange, Observation, Worth};
use human::engine::stats::hierarchy::Mass;
use human::engine::stats::preference;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::shared::{Result, Table};

/// Quality alone: neither dollars nor time count.
pub const QUALITY: Exchange = Exchange { cost: 0.0, latency: 0.0 };

/// An answer: whether it was right, and what it cost in US dollars.
#[derive(Debug, Clone, Copy, Default)]
pub struct Answer {
    /// 1 or 0.
    pub success: f64,
    /// US dollars.
    pub usd: f64,
}

/// One item and the answers of all models to it.
pub struct Item {
    name: String,
    family: usize,
    answers: Vec<Answer>,
}

/// A data set; an answer that a model did not give is a failure that cost nothing.
pub struct Outcomes {
    /// Names.
    pub models: Vec<String>,
    /// How many families there are.
    pub families: usize,
    /// The items.
    pub items: Vec<Item>,
}

impl Outcomes {
    /// Reads `source, family, item, …, model, …, success, …, cost_usd, …`; only `models`, if any are named.
    pub fn read(bytes: &[u8], models: &[&str]) -> Result<Outcomes> {
        let table = Table::read(bytes)?;
        let mut names: Vec<String> = models.iter().map(|m| (*m).to_owned()).collect();
        let mut families: BTreeMap<String, usize> = BTreeMap::new();
        let mut found: BTreeMap<(String, String), Vec<Option<Answer>>> = BTreeMap::new();
        for row in table.rows() {
            let (family, item, model) = (row.text("family")?, row.text("item")?, row.text("model")?);
            let place = match names.iter().position(|name| name == model) {
                Some(place) => place,
                None if models.is_empty() => {
                    names.push(model.to_owned());
                    names.len() - 1
                }
                None => continue,
            };
            let count = families.len();
            families.entry(family.to_owned()).or_insert(count);
            let answers = found.entry((family.to_owned(), item.to_owned())).or_default();
            if answers.len() <= place {
                answers.resize(place + 1, None);
            }
            let success = f64::from(row.number::<u8>("success")?.unwrap_or(0));
            answers[place] = Some(Answer { success, usd: row.number("cost_usd")?.unwrap_or(0.0) });
        }
        let items = found
            .into_iter()
            .map(|((family, name), mut answers)| {
                answers.resize(names.len(), None);
                let answers = answers.into_iter().map(Option::unwrap_or_default).collect();
                Item { name, family: families[&family], answers }
            })
            .collect();
        Ok(Outcomes { models: names, families: families.len(), items })
    }

    /// The items that teach, and those that judge.
    pub fn halves(&self) -> (Vec<&Item>, Vec<&Item>) {
        self.items.iter().partition(|item| xxh3_64(item.name.as_bytes()) & 1 == 0)
    }

    fn blank(&self) -> Vec<Vec<Seen>> {
        vec![vec![Seen::default(); self.models.len()]; self.families]
    }
}

/// What was seen of a family on a model.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    good: f64,
    calls: f64,
    usd: f64,
}

impl Seen {
    fn add(&mut self, answer: Answer) {
        self.good += answer.success;
        self.calls += 1.0;
        self.usd += answer.usd;
    }
}

impl From<&Seen> for Observation {
    fn from(seen: &Seen) -> Observation {
        Observation {
            feedback: Mass { k: seen.good, n: seen.calls },
            ok: seen.calls,
            calls: seen.calls,
            cost_usd: (seen.calls > 0.0).then(|| seen.usd / seen.calls),
            latency_ms: None,
        }
    }
}

/// Items in an order that follows from the seed alone.
fn shuffled<'i>(items: &[&'i Item], seed: u64) -> Vec<&'i Item> {
    let mut items = items.to_vec();
    items.sort_by_key(|item| xxh3_64_with_seed(item.name.as_bytes(), seed));
    items
}

/// How a family's calls are shared out among the models.
type Shares = Vec<Vec<f64>>;

/// A way to choose a model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Policy {
    /// Any.
    Random,
    /// The model that was best over all families.
    Single,
    /// The best mean of the family.
    RawMean,
    /// The same, each mean shrunk towards the model's own by ten calls.
    ShrunkMean,
    /// The best affinity score.
    Affinity(Exchange),
    /// The routing weights that follow from affinity.
    Weights(Exchange),
    /// The best of the family by the judging items themselves.
    Oracle,
}

impl Policy {
    /// As it is called in tables.
    pub fn name(self) -> &'static str {
        match self {
            Policy::Random => "random",
            Policy::Single => "best single model",
            Policy::RawMean => "raw family mean",
            Policy::ShrunkMean => "shrunk family mean",
            Policy::Affinity(QUALITY) => "affinity, quality alone",
            Policy::Affinity(_) => "affinity",
            Policy::Weights(QUALITY) => "routing, quality alone",
            Policy::Weights(_) => "routing",
            Policy::Oracle => "oracle per family",
        }
    }

    fn shares(self, seen: &[Vec<Seen>]) -> Shares {
        let models = seen.first().map_or(0, Vec::len);
        let overall: Vec<f64> = (0..models)
            .map(|m| {
                let (good, calls) =
                    seen.iter().fold((0.0, 0.0), |s, row| (s.0 + row[m].good, s.1 + row[m].calls));
                (good + 0.5) / (calls + 1.0)
            })
            .collect();
        let each = |score: &dyn Fn(&Seen, usize) -> f64| -> Shares {
            seen.iter()
                .map(|row| winner(&row.iter().enumerate().map(|(m, s)| score(s, m)).collect::<Vec<_>>()))
                .collect()
        };
        match self {
            Policy::Random => vec![vec![1.0 / models as f64; models]; seen.len()],
            Policy::Single => each(&|_, m| overall[m]),
            Policy::RawMean => each(&|s, m| if s.calls > 0.0 { s.good / s.calls } else { overall[m] }),
            Policy::Oracle => each(&|s, _| s.good),
            Policy::ShrunkMean => each(&|s, m| (s.good + 10.0 * overall[m]) / (s.calls + 10.0)),
            Policy::Affinity(exchange) => worth(seen, exchange)
                .iter()
                .map(|row| winner(&row.iter().map(Worth::score).collect::<Vec<_>>()))
                .collect(),
            Policy::Weights(exchange) => worth(seen, exchange)
                .iter()
                .map(|row| {
                    let chances = affinity::probability_best(row);
                    preference::weights(&chances.iter().map(|&best| (1.0, best)).collect::<Vec<_>>())
                })
                .collect(),
        }
    }
}

fn worth(seen: &[Vec<Seen>], exchange: Exchange) -> Vec<Vec<Worth>> {
    let rows: Vec<Vec<Observation>> =
        seen.iter().map(|row| row.iter().map(Observation::from).collect()).collect();
    affinity::worth(&rows, exchange)
}

fn winner(scores: &[f64]) -> Vec<f64> {
    let best = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let place = scores.iter().position(|s| *s >= best);
    (0..scores.len()).map(|m| f64::from(u8::from(Some(m) == place))).collect()
}

/// What a policy came to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outcome {
    /// Mean success.
    pub success: f64,
    /// US dollars per 1,000 calls.
    pub usd: f64,
    /// Success above the best single model's.
    pub gain: f64,
    /// Half the 95 % interval of that, items being drawn.
    pub half_width: f64,
}

/// Teaches with `per_cell` answers of each model to each family (all, if `None`), judges on the other half; means over
/// `runs` choices of those answers.
pub fn judge(outcomes: &Outcomes, policy: Policy, per_cell: Option<usize>, runs: u64) -> Outcome {
    let (train, test) = outcomes.halves();
    let mut sum = Outcome::default();
    for run in 0..runs {
        let mut seen = outcomes.blank();
        for item in shuffled(&train, run) {
            for (cell, answer) in seen[item.family].iter_mut().zip(&item.answers) {
                if per_cell.is_none_or(|most| cell.calls < most as f64) {
                    cell.add(*answer);
                }
            }
        }
        let single = Policy::Single.shares(&seen);
        if policy == Policy::Oracle {
            seen = outcomes.blank();
            for item in &test {
                seen[item.family].iter_mut().zip(&item.answers).for_each(|(cell, answer)| cell.add(*answer));
            }
        }
        let shares = policy.shares(&seen);
        let by = |shares: &Shares, item: &Item, of: fn(&Answer) -> f64| -> f64 {
            shares[item.family].iter().zip(&item.answers).map(|(w, answer)| w * of(answer)).sum()
        };
        let n = test.len() as f64;
        let success: Vec<f64> = test.iter().map(|item| by(&shares, item, |a| a.success)).collect();
        let gains: Vec<f64> =
            test.iter().zip(&success).map(|(item, own)| own - by(&single, item, |a| a.success)).collect();
        let gain = gains.iter().sum::<f64>() / n;
        let variance = gains.iter().map(|g| (g - gain).powi(2)).sum::<f64>() / n;
        let share = 1.0 / runs as f64;
        sum.success += share * success.iter().sum::<f64>() / n;
        sum.usd += share * 1e3 * test.iter().map(|item| by(&shares, item, |a| a.usd)).sum::<f64>() / n;
        sum.gain += share * gain;
        sum.half_width += share * 1.96 * (variance / n).sqrt();
    }
    sum
}

/// Success and dollars per 1,000 calls over a stream of all items, each asked of the one model that the policy's table
/// picks; the table is refreshed every `refresh` items and knows nothing but what was picked.
pub fn stream(outcomes: &Outcomes, policy: Policy, refresh: usize, runs: u64) -> (f64, f64) {
    let all: Vec<&Item> = outcomes.items.iter().collect();
    let (mut good, mut usd) = (0.0, 0.0);
    for run in 0..runs {
        let mut seen = outcomes.blank();
        let mut shares = policy.shares(&seen);
        for (i, item) in shuffled(&all, run).into_iter().enumerate() {
            if i % refresh == 0 {
                shares = policy.shares(&seen);
            }
            let weights = &shares[item.family];
            let mut left =
                (xxh3_64_with_seed(item.name.as_bytes(), !run) >> 11) as f64 / (1_u64 << 53) as f64;
            let fits = |weight: &f64| {
                left -= weight;
                left < 0.0
            };
            let model = weights.iter().position(fits).unwrap_or(weights.len() - 1);
            let answer = item.answers[model];
            seen[item.family][model].add(answer);
            good += answer.success;
            usd += answer.usd;
        }
    }
    let n = (all.len() as u64 * runs) as f64;
    (good / n, 1e3 * usd / n)
}
