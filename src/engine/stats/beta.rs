//! The Beta distribution: density, distribution function and quantiles that hold to 1e-9.
//!
//! `statrs` gives ln B; its inverse of the incomplete beta function is off by up to 1e-8 at extremes, so quantiles are
//! found here by Newton steps that never leave a bracket, and its incomplete beta function ends after 140 terms, too
//! few for large counts (see [`super::incomplete`]). Start with [`quantile`].

use statrs::function::beta as special;

use super::incomplete::Incomplete;

/// ln B(a, b), for `a, b > 0`.
pub fn ln_beta(a: f64, b: f64) -> f64 {
    special::ln_beta(a, b)
}

/// P(X ≤ x) for X ~ Beta(a, b), `a, b > 0`; `x` outside \[0, 1\] is taken as the nearer end.
pub fn cdf(a: f64, b: f64, x: f64) -> f64 {
    Incomplete::new(a, b).at(x)
}

/// The `p`-quantile of Beta(a, b), `a, b > 0` and finite: the `x` with `cdf(a, b, x) = p`.
///
/// Newton's method on the distribution function inside a shrinking bracket; a step that would leave the bracket
/// is replaced by a bisection. `a` or `b` that are not positive and finite give NaN.
pub fn quantile(a: f64, b: f64, p: f64) -> f64 {
    if !(a > 0.0 && b > 0.0 && a.is_finite() && b.is_finite()) || p.is_nan() {
        return f64::NAN;
    }
    if p <= 0.0 {
        return 0.0;
    }
    if p >= 1.0 {
        return 1.0;
    }
    let (norm, cdf) = (ln_beta(a, b), Incomplete::new(a, b));
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    let mut x = a / (a + b);
    // 1,100 bisections reach the smallest positive number; in practice fewer than ten Newton steps are taken.
    for _ in 0..1_100 {
        let miss = cdf.at(x) - p;
        if miss == 0.0 {
            return x;
        }
        if miss > 0.0 {
            high = x;
        } else {
            low = x;
        }
        let density = ((a - 1.0) * x.ln() + (b - 1.0) * (-x).ln_1p() - norm).exp();
        let newton = x - miss / density;
        let next = if newton > low && newton < high { newton } else { f64::midpoint(low, high) };
        if (next - x).abs() <= 1e-15 * x || next <= low || next >= high {
            return next;
        }
        x = next;
    }
    x
}

/// The central interval of Beta(a, b) that holds `conf` of the mass.
pub fn central(a: f64, b: f64, conf: f64) -> [f64; 2] {
    let tail = (1.0 - conf) / 2.0;
    [quantile(a, b, tail), quantile(a, b, 1.0 - tail)]
}

/// ln of the chance of `k` (possibly fractional) successes in `n` under a rate drawn from Beta(a, b), up to the
/// binomial coefficient.
pub fn ln_marginal(k: f64, n: f64, a: f64, b: f64) -> f64 {
    ln_rise(a, k) + ln_rise(b, n - k) - ln_rise(a + b, n)
}

/// ln Γ(x + k) − ln Γ(x), for `x > 0`, `k ≥ 0`; fits call it millions of times.
///
/// Stirling's series, its argument raised to where six terms of it hold to the last digits.
fn ln_rise(x: f64, k: f64) -> f64 {
    if k == 0.0 {
        return 0.0;
    }
    stirling(x + k) - stirling(x)
}

/// ln Γ(x) − ln √(2π), `x > 0`.
fn stirling(x: f64) -> f64 {
    /// B₂ᵢ / (2i (2i − 1)).
    const SERIES: [f64; 6] =
        [1.0 / 12.0, -1.0 / 360.0, 1.0 / 1260.0, -1.0 / 1680.0, 1.0 / 1188.0, -691.0 / 360_360.0];
    let (mut x, mut lowered) = (x, 0.0);
    if x < 10.0 {
        let mut raised = 1.0_f64;
        while x < 10.0 {
            raised *= x;
            x += 1.0;
        }
        lowered = raised.ln();
    }
    let inverse = 1.0 / x;
    let square = inverse * inverse;
    let tail = SERIES.iter().rev().fold(0.0, |sum, term| sum * square + term) * inverse;
    (x - 0.5) * x.ln() - x + tail - lowered
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_quantiles() {
        // Beta(1, 1) is uniform; Beta(a, 1) has the quantile p^(1/a).
        assert!((quantile(1.0, 1.0, 0.3) - 0.3).abs() < 1e-14);
        assert!((quantile(3.0, 1.0, 0.5) - 0.5_f64.cbrt()).abs() < 1e-14);
        assert!((quantile(1.0, 200.0, 0.025) - (1.0 - 0.975_f64.powf(1.0 / 200.0))).abs() < 1e-14);
        assert!(quantile(0.0, 1.0, 0.5).is_nan());
    }

    proptest! {
        #[test]
        fn the_marginal_is_a_ratio_of_beta_functions(
            a in 0.001f64..3_000.0, b in 0.001f64..3_000.0, n in 0.0f64..5_000.0, share in 0.0f64..1.0,
        ) {
            let k = n * share;
            let (got, want) = (ln_marginal(k, n, a, b), ln_beta(a + k, b + n - k) - ln_beta(a, b));
            prop_assert!((got - want).abs() < 1e-9 * want.abs().max(1.0), "{k} {n} {a} {b}: {got} {want}");
        }

        #[test]
        fn small_parameters_agree_with_another_implementation(a in 0.05f64..500.0, b in 0.05f64..500.0, x in 0.0f64..1.0) {
            let (own, other) = (cdf(a, b, x), special::beta_reg(a, b, x));
            prop_assert!((own - other).abs() < 1e-9, "{a} {b} {x}: {own} {other}");
        }

        #[test]
        fn quantile_inverts_cdf(a in 0.05f64..5_000.0, b in 0.05f64..5_000.0, p in 0.001f64..0.999) {
            let x = quantile(a, b, p);
            prop_assert!((0.0..=1.0).contains(&x));
            // Where the density is steep, one step of a double moves the probability.
            let (below, above) = (cdf(a, b, x - 1e-13), cdf(a, b, x + 1e-13));
            prop_assert!(below - 1e-9 <= p && p <= above + 1e-9, "{a} {b} {p}: {x} {below} {above}");
        }
    }
}
