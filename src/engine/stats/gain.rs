//! Would another model serve better? The probability that one scaled Beta variable exceeds another by a margin.
//!
//! Formula: `statistics.md` section 3 (affinity mismatch). Start with [`probability_of_gain`].

use super::beta::{self, Scaled};

/// Nodes of the quantile rule.
const NODES: u32 = 256;

/// P(to > from + margin), the two independent: the mean, over the quantiles of `from` in the middles of 256 equal
/// shares, of the chance that `to` exceeds them.
///
/// A scan asks for thousands of these, so quantiles and chances are not sought one by one: each is the one before and
/// an integral of the density over the short way between, by Gauss's rule, exact to about 1e-12.
pub fn probability_of_gain(from: Scaled, to: Scaled, margin: f64) -> f64 {
    let mut quantiles = Quantiles::new(from);
    let mut chances = Chances::new(to);
    let node = |_| chances.above(quantiles.next() * from.scale + margin);
    ((0..NODES).map(node).sum::<f64>() / f64::from(NODES)).clamp(0.0, 1.0)
}

/// A Beta density.
#[derive(Debug, Clone, Copy)]
struct Density {
    alpha: f64,
    beta: f64,
    norm: f64,
}

impl Density {
    fn new(of: Scaled) -> Density {
        Density { alpha: of.alpha, beta: of.beta, norm: beta::ln_beta(of.alpha, of.beta) }
    }

    /// Whether it is bounded, so that Gauss's rule holds.
    fn is_bounded(&self) -> bool {
        self.alpha >= 1.0 && self.beta >= 1.0
    }

    fn at(&self, x: f64) -> f64 {
        ((self.alpha - 1.0) * x.ln() + (self.beta - 1.0) * (-x).ln_1p() - self.norm).exp()
    }

    /// The mass between two near points: five nodes of Gauss and Legendre.
    fn mass(&self, low: f64, high: f64) -> f64 {
        const NODES: [(f64, f64); 2] = [
            (0.538_469_310_105_683_1, 0.478_628_670_499_366_47),
            (0.906_179_845_938_664, 0.236_926_885_056_189_1),
        ];
        let (middle, half) = (f64::midpoint(low, high), (high - low) / 2.0);
        let pair = |(node, weight): (f64, f64)| {
            weight * (self.at(middle - half * node) + self.at(middle + half * node))
        };
        half * (0.568_888_888_888_888_9 * self.at(middle) + NODES.into_iter().map(pair).sum::<f64>())
    }
}

/// The quantiles of a Beta distribution in the middles of [`NODES`] equal shares, ascending.
struct Quantiles {
    density: Density,
    passed: u32,
    last: f64,
}

impl Quantiles {
    fn new(of: Scaled) -> Quantiles {
        Quantiles { density: Density::new(of), passed: 0, last: 0.0 }
    }

    fn next(&mut self) -> f64 {
        let share = (f64::from(self.passed) + 0.5) / f64::from(NODES);
        self.last =
            self.step().unwrap_or_else(|| beta::quantile(self.density.alpha, self.density.beta, share));
        self.passed += 1;
        self.last
    }

    /// One share further, by Newton's method on the mass in between; `None` where that does not converge.
    fn step(&self) -> Option<f64> {
        let (x, share) = (self.last, 1.0 / f64::from(NODES));
        if self.passed == 0 || !self.density.is_bounded() {
            return None;
        }
        let way = share / self.density.at(x);
        let slope = (self.density.alpha - 1.0) / x - (self.density.beta - 1.0) / (1.0 - x);
        let mut next = x + way * (1.0 - 0.5 * slope * way);
        for _ in 0..8 {
            if !(next > x && next < 1.0) {
                return None;
            }
            let miss = self.density.mass(x, next) - share;
            next -= miss / self.density.at(next);
            // The error is squared by the step that was just made.
            if miss.abs() <= 1e-7 * share {
                return (next > x && next < 1.0).then_some(next);
            }
        }
        None
    }
}

/// P(scale · Q > bar) at ascending bars.
struct Chances {
    density: Density,
    scale: f64,
    /// Steps up to this are short: a quarter of a standard deviation.
    short: f64,
    last: Option<(f64, f64)>,
}

impl Chances {
    fn new(of: Scaled) -> Chances {
        let density = Density::new(of);
        let short = 0.25 * Scaled { scale: 1.0, ..of }.variance().sqrt();
        Chances {
            density,
            scale: of.scale,
            short: if density.is_bounded() { short } else { 0.0 },
            last: None,
        }
    }

    fn above(&mut self, bar: f64) -> f64 {
        if bar >= self.scale {
            return 0.0;
        }
        let x = bar / self.scale;
        let chance = match self.last {
            Some((last, chance)) if x > 0.0 && x - last <= self.short => chance - self.density.mass(last, x),
            _ => 1.0 - beta::cdf(self.density.alpha, self.density.beta, x),
        };
        self.last = Some((x, chance));
        chance
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The rule, node by node.
    fn plainly(from: Scaled, to: Scaled, margin: f64) -> f64 {
        let node = |i: u32| {
            let share = (f64::from(i) + 0.5) / f64::from(NODES);
            let bar = beta::quantile(from.alpha, from.beta, share) * from.scale + margin;
            if bar >= to.scale { 0.0 } else { 1.0 - beta::cdf(to.alpha, to.beta, bar / to.scale) }
        };
        (0..NODES).map(node).sum::<f64>() / f64::from(NODES)
    }

    #[test]
    fn equals_are_even() {
        let one = Scaled { alpha: 30.0, beta: 10.0, scale: 0.9 };
        assert!((probability_of_gain(one, one, 0.0) - 0.5).abs() < 1e-9);
        let worthless = Scaled { scale: 0.0, ..one };
        assert!(probability_of_gain(one, worthless, 0.0) < 1e-12);
        assert!((probability_of_gain(worthless, one, 0.0) - 1.0).abs() < 1e-9);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn the_walk_is_the_rule(
            from in (-2.0f64..4.0, -2.0f64..4.0, 0.2f64..1.0), to in (-2.0f64..4.0, -2.0f64..4.0, 0.2f64..1.0),
            margin in 0.0f64..0.1,
        ) {
            let scaled = |(a, b, scale): (f64, f64, f64)| Scaled { alpha: 10f64.powf(a), beta: 10f64.powf(b), scale };
            let (from, to) = (scaled(from), scaled(to));
            let (walked, plain) = (probability_of_gain(from, to, margin), plainly(from, to, margin));
            prop_assert!((walked - plain).abs() < 1e-9, "{from:?} {to:?} {margin}: {walked} {plain}");
        }
    }
}
