//! Would another model serve better? The probability that one scaled Beta variable exceeds another by a margin.
//!
//! Formula: `statistics.md` section 3 (affinity mismatch). Start with [`probability_of_gain`].

use super::beta;

/// Nodes of the quantile rule.
const NODES: u32 = 256;

/// `scale · Q`, `Q ~ Beta(alpha, beta)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scaled {
    /// First shape parameter.
    pub alpha: f64,
    /// Second shape parameter.
    pub beta: f64,
    /// Factor in \[0, 1\].
    pub scale: f64,
}

impl Scaled {
    /// Mean.
    pub fn mean(&self) -> f64 {
        self.scale * self.alpha / (self.alpha + self.beta)
    }

    /// Variance.
    pub fn variance(&self) -> f64 {
        let n = self.alpha + self.beta;
        self.scale * self.scale * self.alpha * self.beta / (n * n * (n + 1.0))
    }
}

/// P(to > from + margin), the two independent: the mean, over the quantiles of `from` in the middles of 256 equal
/// shares, of the chance that `to` exceeds them.
pub fn probability_of_gain(from: Scaled, to: Scaled, margin: f64) -> f64 {
    let node = |i: u32| {
        let share = (f64::from(i) + 0.5) / f64::from(NODES);
        let bar = beta::quantile(from.alpha, from.beta, share) * from.scale + margin;
        if bar >= to.scale { 0.0 } else { 1.0 - beta::cdf(to.alpha, to.beta, bar / to.scale) }
    };
    (0..NODES).map(node).sum::<f64>() / f64::from(NODES)
}
