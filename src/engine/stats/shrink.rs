//! Shrinkage: what the peers say about a thin cell. An empirical-Bayes Beta prior is fitted over the cells and
//! combined with each cell's own counts, so that rankings do not sort by luck.
//!
//! Formula and measured gains: `statistics.md` section 1 (ranking). Start with [`fit`].

use super::beta;

/// A Beta prior by its mean and its strength in observations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prior {
    /// Mean.
    pub mean: f64,
    /// How many observations it weighs.
    pub strength: f64,
}

/// Strength taken when there are fewer than [`MIN_CELLS`] cells to learn it from.
pub const DEFAULT_STRENGTH: f64 = 20.0;
/// Cells needed to learn a strength.
pub const MIN_CELLS: usize = 3;

/// Share of a prior that is diffuse where whoever is far from its peers is to be judged by its own data
/// (`statistics.md` 5.2).
pub const DIFFUSE_SHARE: f64 = 0.1;
/// That part: Beta(1, 3).
pub const DIFFUSE: Prior = Prior { mean: 0.25, strength: 4.0 };

/// A rate after shrinkage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shrunk {
    /// First shape parameter of the posterior.
    pub alpha: f64,
    /// Second shape parameter.
    pub beta: f64,
}

impl Shrunk {
    /// Posterior mean.
    pub fn mean(&self) -> f64 {
        self.alpha / (self.alpha + self.beta)
    }

    /// The central interval that holds `conf` of the posterior.
    pub fn interval(&self, conf: f64) -> [f64; 2] {
        beta::central(self.alpha, self.beta, conf)
    }
}

impl Prior {
    /// The posterior of a cell with `k` of `n`.
    pub fn posterior(&self, k: f64, n: f64) -> Shrunk {
        Shrunk { alpha: self.mean * self.strength + k, beta: (1.0 - self.mean) * self.strength + n - k }
    }
}

/// Fits the prior over cells `(k, n)`; counts may be fractional, cells with `n ≤ 0` say nothing.
///
/// The strength is the point of the grid 2^(0, ¼, … 12) with the largest beta-binomial likelihood, the smaller one
/// where two are within 1e-9; the mean at each strength weighs a cell by how much it can say beyond its prior.
pub fn fit(cells: &[(f64, f64)]) -> Prior {
    let cells: Vec<(f64, f64)> = cells.iter().copied().filter(|&(_, n)| n > 0.0).collect();
    if cells.len() < MIN_CELLS {
        let (k, n) = cells.iter().fold((0.0, 0.0), |(k, n), cell| (k + cell.0, n + cell.1));
        return Prior { mean: (k + 0.5) / (n + 1.0), strength: DEFAULT_STRENGTH };
    }
    let mut best: Option<(f64, Prior)> = None;
    for step in 0..=48 {
        let strength = (f64::from(step) / 4.0).exp2();
        let (mut sum, mut weights) = (0.0, 0.0);
        for &(k, n) in &cells {
            let weight = n / (1.0 + (n - 1.0) / (strength + 1.0));
            sum += weight * k / n;
            weights += weight;
        }
        let mean = (sum / weights).clamp(1e-4, 1.0 - 1e-4);
        let (a, b) = (mean * strength, (1.0 - mean) * strength);
        let norm = beta::ln_beta(a, b);
        let fit: f64 = cells.iter().map(|&(k, n)| beta::ln_beta(k + a, n - k + b) - norm).sum();
        if best.is_none_or(|(likelihood, _)| fit > likelihood + 1e-9) {
            best = Some((fit, Prior { mean, strength }));
        }
    }
    best.map_or(Prior { mean: 0.5, strength: DEFAULT_STRENGTH }, |(_, prior)| prior)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        let k = [2.0, 21.0, 1.0, 12.0, 6.0, 12.0];
        let n = [73.0, 203.0, 28.0, 65.0, 95.0, 93.0];
        let prior = fit(&k.into_iter().zip(n).collect::<Vec<_>>());
        assert!((prior.mean - 0.094_356_385_396_216_45).abs() < 1e-9);
        assert!((prior.strength - 53.817_370_576_237_73).abs() < 1e-9);

        let posterior = Prior { mean: 0.1, strength: 64.0 }.posterior(1.0, 1.0);
        assert!((posterior.mean() - 0.113_846_153_846_153_85).abs() < 1e-12);
        let [lo, hi] = posterior.interval(0.95);
        assert!(
            (lo - 0.049_236_141_244_528_346).abs() < 1e-9 && (hi - 0.200_819_343_150_094_34).abs() < 1e-9
        );
    }

    #[test]
    fn few_cells_fall_back() {
        assert_eq!(fit(&[]), Prior { mean: 0.5, strength: DEFAULT_STRENGTH });
        assert_eq!(fit(&[(3.0, 9.0), (0.0, 0.0)]), Prior { mean: 0.35, strength: DEFAULT_STRENGTH });
    }

    #[test]
    fn a_lucky_thin_cell_does_not_lead() {
        let cells = [(2.0, 2.0), (180.0, 200.0), (160.0, 200.0), (170.0, 200.0), (150.0, 200.0)];
        let prior = fit(&cells);
        let lucky = prior.posterior(2.0, 2.0).mean();
        assert!(lucky < prior.posterior(180.0, 200.0).mean(), "{lucky}");
    }
}
