//! What may be spent on models: tokens and dollars, per run and per day. A call reserves what it may cost at most, and
//! settles for what it did cost. Start with [`Budget::reserve`].
//!
//! A budget in dollars needs prices: a call whose price nobody knows is refused where dollars are limited, because a
//! guessed price would make the limit a decoration. A model on this machine costs nothing where no price is listed.

use serde::Deserialize;

use crate::domain::call::{Call, NanoUsd};

/// The most that may be spent: the `[llm.budget]` section of the configuration. `None`: no limit.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Dollars that one run may cost.
    pub usd_per_run: Option<f64>,
    /// Dollars that a day (UTC) may cost.
    pub usd_per_day: Option<f64>,
    /// Tokens of one run, in and out.
    pub tokens_per_run: Option<u64>,
    /// Tokens of a day.
    pub tokens_per_day: Option<u64>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            usd_per_run: Some(0.5),
            usd_per_day: Some(2.0),
            tokens_per_run: Some(300_000),
            tokens_per_day: Some(1_000_000),
        }
    }
}

impl Limits {
    /// What is wrong with them, as a clause.
    pub fn fault(&self) -> Option<String> {
        let dollars = [("usd_per_run", self.usd_per_run), ("usd_per_day", self.usd_per_day)];
        let (name, usd) =
            dollars.into_iter().find(|(_, usd)| usd.is_some_and(|usd| usd.is_nan() || usd < 0.0))?;
        Some(format!("{name} = {}: it must be 0 or more", usd.unwrap_or_default()))
    }

    /// Whether dollars are limited.
    pub fn dollars(&self) -> bool {
        [self.usd_per_run, self.usd_per_day].into_iter().flatten().any(f64::is_finite)
    }
}

/// What was spent, or may be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spend {
    /// Tokens, in and out.
    pub tokens: u64,
    /// Nano-dollars.
    pub cost: NanoUsd,
}

impl std::ops::Add for Spend {
    type Output = Spend;
    fn add(self, other: Spend) -> Spend {
        Spend { tokens: self.tokens.saturating_add(other.tokens), cost: self.cost.saturating_add(other.cost) }
    }
}

/// Why a call was not made.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum OverBudget {
    /// It would cost more dollars than are left.
    #[error(
        "this call may cost up to ${needed:.4}, and ${left:.4} of the ${limit} per {span} are left: wait, or raise `usd_per_{span}` in [llm.budget]"
    )]
    Dollars {
        /// `run` or `day`.
        span: &'static str,
        /// What it may cost.
        needed: f64,
        /// What is left.
        left: f64,
        /// The limit.
        limit: f64,
    },
    /// It would use more tokens than are left.
    #[error(
        "this call may use up to {needed} tokens, and {left} of the {limit} per {span} are left: wait, or raise `tokens_per_{span}` in [llm.budget]"
    )]
    Tokens {
        /// `run` or `day`.
        span: &'static str,
        /// What it may use.
        needed: u64,
        /// What is left.
        left: u64,
        /// The limit.
        limit: u64,
    },
    /// Nobody knows what it would cost.
    #[error(
        "no price of this model is known, so a budget in dollars cannot be kept: import one with `human models import`, or set `usd_per_run` and `usd_per_day` in [llm.budget] to `inf`"
    )]
    NoPrice,
}

/// A part of the budget that a call in flight may use. It is given back by [`Budget::settle`].
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a hold blocks its part of the budget until it is settled"]
pub struct Hold(Spend);

impl Hold {
    /// What it holds: the most that the call may have cost.
    pub fn most(&self) -> Spend {
        self.0
    }
}

/// What writes a call down; an error says why it was not.
pub type Book<'b> = &'b dyn Fn(&Call) -> Result<(), String>;

/// What is left to spend in a run.
#[derive(Clone)]
pub struct Budget<'b> {
    limits: Limits,
    run: Spend,
    others: Spend,
    held: Spend,
    book: Option<Book<'b>>,
}

impl<'b> Budget<'b> {
    /// A run's budget, on a day on which `others` was spent already.
    pub fn new(limits: Limits, others: Spend) -> Budget<'b> {
        Budget { limits, run: Spend::default(), others, held: Spend::default(), book: None }
    }

    /// The same, of which every call is written down as it ends: what leaves no record counts against no budget.
    #[must_use]
    pub fn booked(self, book: Book<'b>) -> Budget<'b> {
        Budget { book: Some(book), ..self }
    }

    /// What was spent today by others than this run, as it is known by now.
    pub fn beside(&mut self, others: Spend) {
        self.others = others;
    }

    /// Writes a call down.
    pub(super) fn book(&self, call: &Call) -> Result<(), String> {
        self.book.map_or(Ok(()), |book| book(call))
    }

    /// What this run has spent.
    pub fn spent(&self) -> Spend {
        self.run
    }

    /// Takes what a call may cost at most out of the budget; `cost` is `None` where nobody knows the price.
    pub fn reserve(&mut self, tokens: u64, cost: Option<NanoUsd>) -> Result<Hold, OverBudget> {
        if cost.is_none() && self.limits.dollars() {
            return Err(OverBudget::NoPrice);
        }
        let wanted = Spend { tokens, cost: cost.unwrap_or(0).max(0) };
        let spans = [
            ("run", self.run, self.limits.usd_per_run, self.limits.tokens_per_run),
            ("day", self.others + self.run, self.limits.usd_per_day, self.limits.tokens_per_day),
        ];
        for (span, spent, usd, most) in spans {
            let gone = spent + self.held;
            if let Some(limit) = usd {
                let (needed, left) = (dollars(wanted.cost), (limit - dollars(gone.cost)).max(0.0));
                if needed > left {
                    return Err(OverBudget::Dollars { span, needed, left, limit });
                }
            }
            if let Some(limit) = most {
                let left = limit.saturating_sub(gone.tokens);
                if wanted.tokens > left {
                    return Err(OverBudget::Tokens { span, needed: wanted.tokens, left, limit });
                }
            }
        }
        self.held = self.held + wanted;
        Ok(Hold(wanted))
    }

    /// Gives a hold back, and counts what the call did cost. That may be more than was held, where a provider counts
    /// tokens in another way: then the next call finds less.
    #[allow(clippy::needless_pass_by_value, reason = "a hold is settled once")]
    pub fn settle(&mut self, hold: Hold, actual: Spend) {
        self.held.tokens = self.held.tokens.saturating_sub(hold.0.tokens);
        self.held.cost = self.held.cost.saturating_sub(hold.0.cost);
        self.run = self.run + actual;
    }
}

fn dollars(cost: NanoUsd) -> f64 {
    cost as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn limits(usd: Option<f64>, tokens: Option<u64>) -> Limits {
        Limits { usd_per_run: usd, usd_per_day: None, tokens_per_run: tokens, tokens_per_day: None }
    }

    #[test]
    fn what_was_spent_before_counts_for_the_day() {
        let limits = Limits { usd_per_day: Some(1.0), usd_per_run: Some(1.0), ..Limits::default() };
        let mut budget = Budget::new(limits, Spend { tokens: 0, cost: 900_000_000 });
        let error = budget.reserve(10, Some(200_000_000)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "this call may cost up to $0.2000, and $0.1000 of the $1 per day are left: wait, or raise `usd_per_day` in \
             [llm.budget]"
        );
        let hold = budget.reserve(10, Some(50_000_000)).unwrap();
        assert!(budget.reserve(10, Some(60_000_000)).is_err(), "what is held is not left");
        budget.settle(hold, Spend::default());
        assert!(budget.reserve(10, Some(60_000_000)).is_ok());
    }

    #[test]
    fn an_unknown_price_is_refused_only_where_dollars_are_limited() {
        assert_eq!(
            Budget::new(Limits::default(), Spend::default()).reserve(1, None),
            Err(OverBudget::NoPrice)
        );
        for limits in [limits(None, Some(10)), limits(Some(f64::INFINITY), Some(10))] {
            let mut budget = Budget::new(limits, Spend::default());
            assert!(matches!(budget.reserve(11, None), Err(OverBudget::Tokens { left: 10, .. })));
            assert!(budget.reserve(10, None).is_ok());
        }
    }

    proptest! {
        /// Whatever is asked for, and whatever it then costs (no more than was held): the limits hold.
        #[test]
        fn limits_are_never_passed(calls in prop::collection::vec((0_u64..600, 0_i64..600_000_000, 0_u64..=100), 0..40)) {
            let mut budget = Budget::new(limits(Some(1.0), Some(1000)), Spend::default());
            for (tokens, cost, share) in calls {
                if let Ok(hold) = budget.reserve(tokens, Some(cost)) {
                    let most = hold.most();
                    let actual = Spend { tokens: most.tokens * share / 100, cost: most.cost * share as i64 / 100 };
                    budget.settle(hold, actual);
                }
                let spent = budget.spent();
                prop_assert!(spent.tokens <= 1000 && spent.cost <= 1_000_000_000, "{spent:?}");
                prop_assert_eq!(budget.held, Spend::default());
            }
        }
    }
}
