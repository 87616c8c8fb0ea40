//! The regularised incomplete beta function for every size of its parameters: a prompt may have one call or a
//! thousand million.
//!
//! The factor before the continued fraction is a binomial point probability, computed by Loader's saddle point
//! (*Fast and accurate computation of binomial probabilities*, 2000), where differences of ln Γ would lose a digit
//! with every power of ten; the fraction (DLMF 8.17.22) is followed until it stands still. Start with [`Incomplete`].
#![allow(clippy::many_single_char_names, reason = "the names of the textbooks")]

use statrs::function::gamma::ln_gamma;

/// ½ ln 2π.
const LN_SQRT_TAU: f64 = 0.918_938_533_204_672_8;
/// The fraction needs about √max(a, b) terms: enough for parameters up to 10¹².
const TERMS: u32 = 2_000_000;

/// `I_x(a, b)` of one pair of parameters at any number of points: what depends on them alone is computed once.
#[derive(Debug, Clone, Copy)]
pub struct Incomplete {
    a: f64,
    b: f64,
    /// Of the point probability the part that does not depend on x.
    constant: f64,
}

impl Incomplete {
    /// For `a, b > 0`.
    pub fn new(a: f64, b: f64) -> Incomplete {
        let n = a + b;
        let ln = stirling(n) - stirling(a) - stirling(b);
        Incomplete { a, b, constant: ln.exp() * (n / (std::f64::consts::TAU * a * b)).sqrt() }
    }

    /// `I_x(a, b)`; `x` outside \[0, 1\] is taken as the nearer end.
    pub fn at(&self, x: f64) -> f64 {
        let (a, b) = (self.a, self.b);
        if x <= 0.0 {
            0.0
        } else if x >= 1.0 {
            1.0
        } else if x < (a + 1.0) / (a + b + 2.0) {
            self.below(a, b, x, 1.0 - x)
        } else {
            1.0 - self.below(b, a, 1.0 - x, x)
        }
    }

    /// On the side where the fraction converges; `y = 1 − x`.
    fn below(&self, a: f64, b: f64, x: f64, y: f64) -> f64 {
        let n = a + b;
        // Γ(a+b+1) / (Γ(a+1) Γ(b+1)) · x^a · y^b.
        let point = self.constant * (-deviance(a, n * x) - deviance(b, n * y)).exp();
        (point * b / n * fraction(a, b, x)).clamp(0.0, 1.0)
    }
}

/// ln Γ(n+1) less Stirling's approximation of it.
fn stirling(n: f64) -> f64 {
    if n < 16.0 {
        return ln_gamma(n + 1.0) - (n + 0.5) * n.ln() + n - LN_SQRT_TAU;
    }
    let n2 = n * n;
    (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - (1.0 / 1680.0 - 1.0 / 1188.0 / n2) / n2) / n2) / n2) / n
}

/// x ln(x/m) + m − x, without cancellation where the two are near.
fn deviance(x: f64, m: f64) -> f64 {
    if (x - m).abs() >= 0.1 * (x + m) {
        return x * (x / m).ln() + m - x;
    }
    let v = (x - m) / (x + m);
    let mut sum = (x - m) * v;
    let mut term = 2.0 * x * v;
    for j in 1..50 {
        term *= v * v;
        let next = sum + term / f64::from(2 * j + 1);
        if next.to_bits() == sum.to_bits() {
            break;
        }
        sum = next;
    }
    sum
}

/// The continued fraction by Lentz's method.
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut h = d;
    for m in 1..=TERMS {
        let m = f64::from(m);
        let a2 = a + 2.0 * m;
        let even = m * (b - m) * x / ((a2 - 1.0) * a2);
        d = 1.0 / away(1.0 + even * d);
        c = away(1.0 + even / c);
        h *= d * c;
        let odd = -(a + m) * (a + b + m) * x / (a2 * (a2 + 1.0));
        d = 1.0 / away(1.0 + odd * d);
        c = away(1.0 + odd / c);
        let step = d * c;
        h *= step;
        if (step - 1.0).abs() <= 3e-16 {
            break;
        }
    }
    h
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn beta_inc(a: f64, b: f64, x: f64) -> f64 {
        Incomplete::new(a, b).at(x)
    }

    #[test]
    fn known_values() {
        let near = |got: f64, want: f64| assert!((got / want - 1.0).abs() < 1e-11, "{got} {want}");
        near(beta_inc(1.0, 1.0, 0.3), 0.3);
        near(beta_inc(3.0, 1.0, 0.5), 0.125);
        near(beta_inc(0.5, 0.5, 0.5), 0.5);
        for n in [1e3, 1e6, 1e9] {
            near(beta_inc(n, n, 0.5), 0.5);
        }
        // Sums of the binomial distribution in 60 digits.
        near(beta_inc(25.0, 976.0, 0.01), 4.202_920_844_836_743e-5);
    }

    proptest! {
        #[test]
        fn the_two_sides_are_one(a in 0.01f64..1e7, ratio in 0.001f64..1e3, x in 1e-6f64..0.999_999) {
            let b = (a * ratio).max(0.01);
            let (low, high) = (beta_inc(a, b, x), beta_inc(b, a, 1.0 - x));
            prop_assert!((0.0..=1.0).contains(&low));
            prop_assert!((low + high - 1.0).abs() < 1e-9, "{low} {high}");
        }

        #[test]
        fn agrees_where_the_library_is_sure(a in 0.1f64..300.0, b in 0.1f64..300.0, x in 0.001f64..0.999) {
            let theirs = statrs::function::beta::beta_reg(a, b, x);
            prop_assert!((beta_inc(a, b, x) - theirs).abs() < 1e-11);
        }
    }
}
