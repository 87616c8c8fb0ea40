//! What follows for one prompt when cost weighs otherwise: scores, the probability of being the best, shares of the calls,
//! and what may be recommended. Formulas: `statistics.md` 2.1 and 2.2.
//!
//! It only shows: what routing does is decided by [`super::route`] and what is configured. Start with [`outlook`].

use super::affinity::{CONFIDENCE, Exchange, Worth, probability_best};
use super::evidence::MIN_SIGNALS;
use super::performance::RECOMMEND_FROM;
use super::stats::preference::{self, FLOOR};

/// A model of the prompt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contender {
    /// Its worth by the exchange as it is set.
    pub worth: Worth,
    /// Signals of this prompt on it.
    pub signals: u64,
    /// Mean cost of a call, US dollars.
    pub cost_usd: Option<f64>,
    /// Mean duration of a call, ms.
    pub latency_ms: Option<f64>,
}

/// How one model would stand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stand {
    /// Its affinity score.
    pub score: f64,
    /// Central 90 % interval of the score.
    pub interval: [f64; 2],
    /// The probability that it is the best.
    pub probability: f64,
    /// Its share of the calls.
    pub weight: f64,
    /// Whether no other model is as good, as cheap and as fast, and better in one of these.
    pub pareto: bool,
}

/// What may be said of the best.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Advice {
    /// Surely the best of these, by its index.
    Recommended(usize),
    /// The best so far, by its index: probability of at least [`RECOMMEND_FROM`] is missing, or signals of its own.
    Leaning {
        /// Its index.
        model: usize,
        /// Signals that are missing until its own are enough.
        missing: u64,
    },
    /// There is no signal on any.
    Insufficient,
}

impl Advice {
    /// The model that it names.
    pub fn model(self) -> Option<usize> {
        match self {
            Advice::Recommended(model) | Advice::Leaning { model, .. } => Some(model),
            Advice::Insufficient => None,
        }
    }
}

/// How all models of a prompt would stand.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// Each, in the order of the contenders.
    pub stands: Vec<Stand>,
    /// What may be said of the best.
    pub advice: Advice,
    /// Share of the calls that does not go to the model with the largest share.
    pub exploration: f64,
}

impl Outlook {
    /// Indices, best score first.
    pub fn ranking(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.stands.len()).collect();
        order.sort_by(|&a, &b| self.stands[b].score.total_cmp(&self.stands[a].score));
        order
    }

    /// What each model gets at least.
    pub fn floor(&self) -> f64 {
        FLOOR / self.stands.len().max(1) as f64
    }
}

/// How a prompt's models stand if `to` weighs instead of `set`.
pub fn outlook(contenders: &[Contender], set: Exchange, to: Exchange) -> Outlook {
    let worth: Vec<Worth> = contenders.iter().map(|c| c.worth.weighed(set, to)).collect();
    let chances = probability_best(&worth);
    let weights = preference::weights(&chances.iter().map(|&chance| (1.0, chance)).collect::<Vec<_>>());
    let stands: Vec<Stand> = worth
        .iter()
        .enumerate()
        .map(|(i, worth)| Stand {
            score: worth.score(),
            interval: worth.interval(CONFIDENCE),
            probability: chances[i],
            weight: weights[i],
            pareto: !contenders.iter().any(|other| beats(other, &contenders[i])),
        })
        .collect();
    let best = (0..stands.len()).max_by(|&a, &b| chances[a].total_cmp(&chances[b]));
    let heard = contenders.iter().any(|c| c.signals > 0);
    let advice = match best.filter(|_| heard) {
        None => Advice::Insufficient,
        Some(i) if chances[i] >= RECOMMEND_FROM && contenders[i].signals >= MIN_SIGNALS => {
            Advice::Recommended(i)
        }
        Some(i) => Advice::Leaning { model: i, missing: MIN_SIGNALS.saturating_sub(contenders[i].signals) },
    };
    let exploration = 1.0 - weights.iter().copied().fold(0.0, f64::max);
    Outlook { stands, advice, exploration: if weights.is_empty() { 0.0 } else { exploration } }
}

/// Whether it is as good in everything and better in something. What is not known beats nothing.
fn beats(a: &Contender, b: &Contender) -> bool {
    let dear = |c: &Contender| c.cost_usd.unwrap_or(f64::INFINITY);
    let slow = |c: &Contender| c.latency_ms.unwrap_or(f64::INFINITY);
    let (good, other) = (a.worth.quality(), b.worth.quality());
    good >= other
        && dear(a) <= dear(b)
        && slow(a) <= slow(b)
        && (good > other || dear(a) < dear(b) || slow(a) < slow(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::affinity::{Observation, worth};
    use crate::engine::stats::hierarchy::Mass;
    use proptest::prelude::*;

    fn observed(k: f64, n: f64, cost: f64, ms: f64) -> Observation {
        let feedback = Mass { k, n };
        Observation { feedback, ok: 500.0, calls: 500.0, cost_usd: Some(cost), latency_ms: Some(ms) }
    }

    fn contenders(row: &[Observation], exchange: Exchange) -> Vec<Contender> {
        let worth = worth(&[row.to_vec()], exchange).remove(0);
        row.iter()
            .zip(worth)
            .map(|(o, worth)| Contender {
                worth,
                signals: o.feedback.n as u64,
                cost_usd: o.cost_usd,
                latency_ms: o.latency_ms,
            })
            .collect()
    }

    /// A good dear one, a fair cheap one, and one that is worse than both in everything.
    fn row() -> Vec<Observation> {
        vec![
            observed(270.0, 300.0, 0.02, 900.0),
            observed(240.0, 300.0, 0.002, 800.0),
            observed(150.0, 300.0, 0.03, 2000.0),
        ]
    }

    #[test]
    fn weighing_again_is_as_weighing_at_first() {
        let set = Exchange::default();
        let to = Exchange { cost: 0.3, ..set };
        for (was, want) in contenders(&row(), set).iter().zip(contenders(&row(), to)) {
            let now = was.worth.weighed(set, to);
            assert!((now.score() - want.worth.score()).abs() < 1e-12, "{now:?} {want:?}");
        }
    }

    #[test]
    fn what_is_dear_loses_as_cost_weighs_more() {
        let set = Exchange::default();
        let models = contenders(&row(), set);
        let free = outlook(&models, set, Exchange { cost: 0.0, ..set });
        assert_eq!((free.advice, free.ranking()[0]), (Advice::Recommended(0), 0));
        let dear = outlook(&models, set, Exchange { cost: 0.5, ..set });
        assert_eq!((dear.advice, dear.ranking()[0]), (Advice::Recommended(1), 1));
        assert_eq!(free.stands.iter().map(|s| s.pareto).collect::<Vec<_>>(), [true, true, false]);
        assert!((free.exploration - 2.0 * free.floor()).abs() < 1e-3);
    }

    #[test]
    fn what_is_missing_is_said() {
        let set = Exchange::default();
        let thin = [observed(7.0, 8.0, 0.01, 500.0), observed(0.0, 0.0, 0.01, 500.0)];
        let found = outlook(&contenders(&thin, set), set, set);
        assert_eq!(found.advice, Advice::Leaning { model: 0, missing: 12 });
        assert_eq!(outlook(&contenders(&thin[1..], set), set, set).advice, Advice::Insufficient);
        let none = outlook(&[], set, set);
        assert_eq!((none.advice, none.exploration), (Advice::Insufficient, 0.0));
    }

    proptest! {
        #[test]
        fn shares_are_whole_at_any_weight(gamma in 0.0f64..0.5) {
            let set = Exchange::default();
            let found = outlook(&contenders(&row(), set), set, Exchange { cost: gamma, ..set });
            prop_assert!((found.stands.iter().map(|s| s.weight).sum::<f64>() - 1.0).abs() < 1e-9);
            prop_assert!(found.stands.iter().all(|s| s.weight >= found.floor() - 1e-12));
        }
    }
}
