//! The prior of a cell in a table of prompts × models: two-way logit effects, the prompt's effect taken without the
//! cell itself, their spreads chosen by MAP on a fixed grid.
//!
//! Formula, and what the alternatives cost in regret: `statistics.md` 2.1 and 2.3. Start with [`fit`].

use super::beta::{self, Scaled};
use super::incomplete::Incomplete;
use super::logit::{logistic, logit};

/// Spreads of the prompt effect that are tried.
const PROMPT_SPREADS: [f64; 5] = [0.2, 0.35, 0.6, 0.9, 1.3];
/// Spreads of the prompt × model effect that are tried.
const CELL_SPREADS: [f64; 6] = [0.1, 0.2, 0.35, 0.5, 0.75, 1.1];
/// How many observations the expectation of a model weighs against its own.
const MODEL_STRENGTH: f64 = 20.0;

/// Successes `k` in `n`, both possibly fractional.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Mass {
    /// Successes.
    pub k: f64,
    /// Trials.
    pub n: f64,
}

/// A cell's Beta prior.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CellPrior {
    /// Mean.
    pub mean: f64,
    /// How many observations it weighs.
    pub strength: f64,
}

/// What was learnt from the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Hierarchy {
    /// Spread of the prompt effect on the logit.
    pub prompt_spread: f64,
    /// Spread of the prompt × model effect on the logit.
    pub cell_spread: f64,
    /// The prior of each cell, row by row.
    pub priors: Vec<Vec<CellPrior>>,
}

fn sum<'a>(cells: impl Iterator<Item = &'a Mass>) -> Mass {
    cells.fold(Mass::default(), |sum, cell| Mass { k: sum.k + cell.k, n: sum.n + cell.n })
}

/// Fits the table `rows[prompt][model]`; every row has the same length. A cell with `n = 0` has its prior, too.
///
/// What the grid shares is computed once: effects once a prompt spread, and of a cell's likelihood only what depends on
/// its prior's strength at each of the cell spreads.
pub fn fit(rows: &[Vec<Mass>]) -> Hierarchy {
    let table = Table::new(rows);
    let mut best: Option<(f64, f64, f64, Vec<Expectation>)> = None;
    for prompt_spread in PROMPT_SPREADS {
        let expected = table.expectations(&table.effects(prompt_spread), prompt_spread);
        let mut better = None;
        for cell_spread in CELL_SPREADS {
            let seen = rows.iter().flatten().zip(&expected).filter(|(cell, _)| cell.n > 0.0);
            let likelihood: f64 = seen
                .map(|(cell, expectation)| {
                    let CellPrior { mean, strength } = expectation.prior(cell_spread);
                    beta::ln_marginal(cell.k, cell.n, mean * strength, (1.0 - mean) * strength)
                })
                .sum();
            let penalty = |spread: f64, typical: f64| 0.5 * ((spread / typical).ln() / 0.5).powi(2);
            let score = likelihood - penalty(prompt_spread, 0.6) - penalty(cell_spread, 0.4);
            let top = better.map(|(top, _)| top).or(best.as_ref().map(|best| best.0));
            if top.is_none_or(|top| score > top + 1e-9) {
                better = Some((score, cell_spread));
            }
        }
        if let Some((score, cell_spread)) = better {
            best = Some((score, prompt_spread, cell_spread, expected));
        }
    }
    let Some((_, prompt_spread, cell_spread, expected)) = best else {
        return Hierarchy { prompt_spread: 0.6, cell_spread: 0.35, priors: vec![] };
    };
    let mut priors = expected.iter().map(|expectation| expectation.prior(cell_spread));
    let priors = rows.iter().map(|row| priors.by_ref().take(row.len()).collect()).collect();
    Hierarchy { prompt_spread, cell_spread, priors }
}

/// What model and prompt say of a cell, before the spread of cells around it is known.
#[derive(Debug, Clone, Copy)]
struct Expectation {
    mean: f64,
    /// Variance of the prompt effect on the logit.
    variance: f64,
}

impl Expectation {
    fn prior(self, cell_spread: f64) -> CellPrior {
        let spread = self.mean * (1.0 - self.mean) * (cell_spread * cell_spread + self.variance);
        CellPrior { mean: self.mean, strength: (1.0 / spread - 1.0).max(1.0) }
    }
}

struct Table<'a> {
    rows: &'a [Vec<Mass>],
    by_prompt: Vec<Mass>,
    by_model: Vec<Mass>,
    mean: f64,
}

struct Effects {
    /// Logit of the overall mean.
    level: f64,
    models: Vec<f64>,
    /// Strength of a prompt's expectation.
    strength: f64,
}

impl<'a> Table<'a> {
    fn new(rows: &'a [Vec<Mass>]) -> Self {
        let models = rows.first().map_or(0, Vec::len);
        let all = sum(rows.iter().flatten());
        Table {
            rows,
            by_prompt: rows.iter().map(|row| sum(row.iter())).collect(),
            by_model: (0..models).map(|m| sum(rows.iter().map(|row| &row[m]))).collect(),
            mean: (all.k + 0.5) / (all.n + 1.0),
        }
    }

    /// Two sweeps: models given prompts, prompts given models.
    fn effects(&self, prompt_spread: f64) -> Effects {
        let level = logit(self.mean);
        let strength = 1.0 / (prompt_spread * prompt_spread * self.mean * (1.0 - self.mean));
        let mut models = vec![0.0; self.by_model.len()];
        let mut prompts = vec![0.0; self.rows.len()];
        for _ in 0..2 {
            let at: Vec<f64> = prompts.iter().map(|b| logistic(level + b)).collect();
            for (m, effect) in models.iter_mut().enumerate() {
                let expected = self.rows.iter().zip(&at).map(|(row, q)| row[m].n * q);
                *effect = shift(self.by_model[m], expected.sum(), MODEL_STRENGTH);
            }
            let at: Vec<f64> = models.iter().map(|a| logistic(level + a)).collect();
            for (p, effect) in prompts.iter_mut().enumerate() {
                let expected = self.rows[p].iter().zip(&at).map(|(cell, q)| cell.n * q);
                *effect = shift(self.by_prompt[p], expected.sum(), strength);
            }
        }
        Effects { level, models, strength }
    }

    /// Cell by cell, row by row.
    fn expectations(&self, effects: &Effects, prompt_spread: f64) -> Vec<Expectation> {
        let means: Vec<f64> = effects.models.iter().map(|a| logistic(effects.level + a)).collect();
        let spread2 = prompt_spread * prompt_spread;
        let mut found = Vec::with_capacity(self.rows.len() * means.len());
        for (row, own) in self.rows.iter().zip(&self.by_prompt) {
            let expected: f64 = row.iter().zip(&means).map(|(cell, q)| cell.n * q).sum();
            found.extend(row.iter().enumerate().map(|(m, cell)| {
                let (n, k) = (own.n - cell.n, own.k - cell.k);
                // What the prompt's other cells say about it, and how surely.
                let (effect, variance) = if n > 1e-9 {
                    let e = ((expected - cell.n * means[m]) / n).clamp(1e-6, 1.0 - 1e-6);
                    let effect = logit((k + effects.strength * e) / (n + effects.strength)) - logit(e);
                    (effect, 1.0 / (1.0 / spread2 + n * e * (1.0 - e)))
                } else {
                    (0.0, spread2)
                };
                let mean = logistic(effects.level + effects.models[m] + effect);
                Expectation { mean: mean.clamp(1e-4, 1.0 - 1e-4), variance }
            }));
        }
        found
    }
}

/// By how much, on the logit, `own` differs from what was expected of it; 0 without data.
fn shift(own: Mass, expected: f64, strength: f64) -> f64 {
    if own.n <= 0.0 {
        return 0.0;
    }
    let e = expected / own.n;
    logit((own.k + strength * e) / (own.n + strength)) - logit(e)
}

/// The probability of each being the largest, all independent: the midpoint rule on 256 cells of \[0, max scale\].
/// Empty for none; equal shares where nothing can be told apart.
///
/// Cells in which nobody can be the largest are passed over: below where one of them is never found, and above where
/// all of them always are. That is what makes it cheap where the evidence is strong.
pub fn probability_best(candidates: &[Scaled]) -> Vec<f64> {
    const CELLS: usize = 256;
    let top = candidates.iter().map(|c| c.scale).fold(0.0, f64::max);
    if candidates.len() < 2 || top <= 0.0 {
        return vec![1.0 / candidates.len().max(1) as f64; candidates.len()];
    }
    let cdfs: Vec<_> = candidates
        .iter()
        .map(|c| {
            let cdf = Incomplete::new(c.alpha, c.beta);
            move |t: usize| {
                let x = if c.scale > 0.0 { top * t as f64 / CELLS as f64 / c.scale } else { 1.0 };
                cdf.at(x)
            }
        })
        .collect();
    let first = |f: &dyn Fn(usize) -> bool| {
        let (mut low, mut high) = (0, CELLS);
        while low < high {
            let middle = usize::midpoint(low, high);
            if f(middle) { high = middle } else { low = middle + 1 }
        }
        low
    };
    let start = cdfs.iter().map(|f| first(&|t| f(t) > NEVER)).max().unwrap_or(0).saturating_sub(1);
    let end = cdfs.iter().map(|f| first(&|t| f(t) >= 1.0)).max().unwrap_or(CELLS);
    let mut wins = vec![0.0; candidates.len()];
    let mut before: Vec<f64> = cdfs.iter().map(|f| f(start)).collect();
    for t in start + 1..=end {
        let after: Vec<f64> = cdfs.iter().map(|f| f(t)).collect();
        for (i, win) in wins.iter_mut().enumerate() {
            let others = before.iter().zip(&after).enumerate().filter(|&(j, _)| j != i);
            *win += (after[i] - before[i]) * others.map(|(_, (f, g))| f64::midpoint(*f, *g)).product::<f64>();
        }
        before = after;
    }
    let total: f64 = wins.iter().sum();
    if total > 0.0 {
        for win in &mut wins {
            *win /= total;
        }
    } else {
        wins.fill(1.0 / candidates.len() as f64);
    }
    wins
}

/// A probability that is none, beside sums that come out near 1.
const NEVER: f64 = 1e-18;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_evidence_all_are_equal() {
        let fitted = fit(&[vec![Mass::default(); 3], vec![Mass::default(); 3]]);
        let first = fitted.priors[0][0];
        assert!(
            fitted.priors.iter().flatten().all(|prior| *prior == first) && (first.mean - 0.5).abs() < 1e-12
        );
        assert!(fit(&[]).priors.is_empty());
        let p = probability_best(&[Scaled { alpha: 1.0, beta: 1.0, scale: 1.0 }; 4]);
        assert!(p.iter().all(|p| (p - 0.25).abs() < 1e-12));
        assert_eq!(probability_best(&[]), Vec::<f64>::new());
        assert_eq!(probability_best(&[Scaled { alpha: 3.0, beta: 2.0, scale: 0.5 }]), vec![1.0]);
    }

    #[test]
    fn the_cells_own_luck_is_not_in_its_prior() {
        let plain = |k| vec![Mass { k, n: 10.0 }, Mass { k: 5.0, n: 10.0 }];
        let mut rows = vec![plain(5.0); 6];
        rows[0][0].k = 10.0;
        let priors = fit(&rows).priors;
        // The two prompts differ in this cell alone, so what the others say about it is the same.
        assert!((priors[0][0].mean - priors[1][0].mean).abs() < 1e-12);
        assert!(priors[0][1].mean > priors[1][1].mean);
    }
}
