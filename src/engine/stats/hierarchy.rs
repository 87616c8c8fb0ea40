//! The prior of a cell in a table of prompts × models: two-way logit effects, the prompt's effect taken without the
//! cell itself, their spreads chosen by MAP on a fixed grid.
//!
//! Formula, and what the alternatives cost in regret: `statistics.md` 2.1 and 2.3. Start with [`fit`].

use super::beta;

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

fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn sum<'a>(cells: impl Iterator<Item = &'a Mass>) -> Mass {
    cells.fold(Mass::default(), |sum, cell| Mass { k: sum.k + cell.k, n: sum.n + cell.n })
}

/// Fits the table `rows[prompt][model]`; every row has the same length. A cell with `n = 0` has its prior, too.
pub fn fit(rows: &[Vec<Mass>]) -> Hierarchy {
    let table = Table::new(rows);
    let mut best: Option<(f64, Hierarchy)> = None;
    for prompt_spread in PROMPT_SPREADS {
        let effects = table.effects(prompt_spread);
        for cell_spread in CELL_SPREADS {
            let priors = table.priors(&effects, prompt_spread, cell_spread);
            let seen = rows.iter().flatten().zip(priors.iter().flatten()).filter(|(cell, _)| cell.n > 0.0);
            let likelihood: f64 = seen
                .map(|(cell, prior)| {
                    let (a, b) = (prior.mean * prior.strength, (1.0 - prior.mean) * prior.strength);
                    beta::ln_marginal(cell.k, cell.n, a, b)
                })
                .sum();
            let penalty = |spread: f64, typical: f64| 0.5 * ((spread / typical).ln() / 0.5).powi(2);
            let score = likelihood - penalty(prompt_spread, 0.6) - penalty(cell_spread, 0.4);
            if best.as_ref().is_none_or(|(top, _)| score > top + 1e-9) {
                best = Some((score, Hierarchy { prompt_spread, cell_spread, priors }));
            }
        }
    }
    best.map_or(Hierarchy { prompt_spread: 0.6, cell_spread: 0.35, priors: vec![] }, |(_, fitted)| fitted)
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
            for (m, effect) in models.iter_mut().enumerate() {
                let own = self.by_model[m];
                let expected = self.rows.iter().zip(&prompts).map(|(row, b)| row[m].n * logistic(level + b));
                *effect = shift(own, expected.sum(), MODEL_STRENGTH);
            }
            for (p, effect) in prompts.iter_mut().enumerate() {
                let own = self.by_prompt[p];
                let expected = self.rows[p].iter().zip(&models).map(|(cell, a)| cell.n * logistic(level + a));
                *effect = shift(own, expected.sum(), strength);
            }
        }
        Effects { level, models, strength }
    }

    fn priors(&self, effects: &Effects, prompt_spread: f64, cell_spread: f64) -> Vec<Vec<CellPrior>> {
        let means: Vec<f64> = effects.models.iter().map(|a| logistic(effects.level + a)).collect();
        let spread2 = prompt_spread * prompt_spread;
        let row_priors = |(row, own): (&Vec<Mass>, &Mass)| {
            let expected: f64 = row.iter().zip(&means).map(|(cell, q)| cell.n * q).sum();
            let cell_prior = |(m, cell): (usize, &Mass)| {
                let (n, k) = (own.n - cell.n, own.k - cell.k);
                // What the prompt's other cells say about it, and how surely.
                let (effect, variance) = if n > 1e-9 {
                    let e = ((expected - cell.n * means[m]) / n).clamp(1e-6, 1.0 - 1e-6);
                    let effect = logit((k + effects.strength * e) / (n + effects.strength)) - logit(e);
                    (effect, 1.0 / (1.0 / spread2 + n * e * (1.0 - e)))
                } else {
                    (0.0, spread2)
                };
                let mean = logistic(effects.level + effects.models[m] + effect).clamp(1e-4, 1.0 - 1e-4);
                let spread = mean * (1.0 - mean) * (cell_spread * cell_spread + variance);
                CellPrior { mean, strength: (1.0 / spread - 1.0).max(1.0) }
            };
            row.iter().enumerate().map(cell_prior).collect()
        };
        self.rows.iter().zip(&self.by_prompt).map(row_priors).collect()
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

/// The probability of each of `D·Q` being the largest, `Q ~ Beta(alpha, beta)` independently: the midpoint rule on
/// 256 cells of \[0, max D\]. Empty for none; equal shares where nothing can be told apart.
pub fn probability_best(candidates: &[(f64, f64, f64)]) -> Vec<f64> {
    const CELLS: usize = 256;
    let top = candidates.iter().map(|c| c.2).fold(0.0, f64::max);
    if candidates.len() < 2 || top <= 0.0 {
        return vec![1.0 / candidates.len().max(1) as f64; candidates.len()];
    }
    let cdfs: Vec<Vec<f64>> = candidates
        .iter()
        .map(|&(alpha, beta, discount)| {
            let at = |t: usize| if discount > 0.0 { top * t as f64 / CELLS as f64 / discount } else { 1.0 };
            (0..=CELLS).map(|t| beta::cdf(alpha, beta, at(t))).collect()
        })
        .collect();
    let mut wins = vec![0.0; candidates.len()];
    for t in 0..CELLS {
        for (i, win) in wins.iter_mut().enumerate() {
            let others = cdfs.iter().enumerate().filter(|&(j, _)| j != i);
            *win += (cdfs[i][t + 1] - cdfs[i][t])
                * others.map(|(_, f)| f64::midpoint(f[t], f[t + 1])).product::<f64>();
        }
    }
    let total: f64 = wins.iter().sum();
    if total > 0.0 {
        wins.iter_mut().for_each(|win| *win /= total);
    } else {
        wins.fill(1.0 / candidates.len() as f64);
    }
    wins
}

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
        let p = probability_best(&[(1.0, 1.0, 1.0); 4]);
        assert!(p.iter().all(|p| (p - 0.25).abs() < 1e-12));
        assert_eq!(probability_best(&[]), Vec::<f64>::new());
        assert_eq!(probability_best(&[(3.0, 2.0, 0.5)]), vec![1.0]);
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
