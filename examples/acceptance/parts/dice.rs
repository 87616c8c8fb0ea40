//! Random numbers of the worlds: one seeded PCG, distributions by `rand_distr`.
#![allow(dead_code, reason = "each part uses some")]

use rand_distr::{Beta, Binomial, Distribution, Gamma, Normal, Poisson, StandardNormal};
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// A seeded source of draws.
pub struct Dice(Pcg64Mcg);

impl Dice {
    /// The same seed, the same draws.
    pub fn new(seed: u64) -> Dice {
        Dice(Pcg64Mcg::seed_from_u64(seed))
    }

    /// Uniform in \[0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in \[low, high).
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// 10 to the power of a uniform exponent: between `low` and `high`, each decade as likely.
    pub fn log_uniform(&mut self, low: f64, high: f64) -> f64 {
        10f64.powf(self.uniform(low.log10(), high.log10()))
    }

    /// From 0 to `n` - 1.
    pub fn below(&mut self, n: usize) -> usize {
        ((self.unit() * n as f64) as usize).min(n.saturating_sub(1))
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// Standard normal, scaled and moved.
    pub fn normal(&mut self, mean: f64, sd: f64) -> f64 {
        let z: f64 = StandardNormal.sample(&mut self.0);
        mean + sd * z
    }

    /// Beta(a, b).
    pub fn beta(&mut self, a: f64, b: f64) -> f64 {
        Beta::new(a, b).map_or(f64::NAN, |d| d.sample(&mut self.0))
    }

    /// Gamma of this shape and scale.
    pub fn gamma(&mut self, shape: f64, scale: f64) -> f64 {
        Gamma::new(shape, scale).map_or(f64::NAN, |d| d.sample(&mut self.0))
    }

    /// exp(Normal(mean, sd)).
    pub fn log_normal(&mut self, mean: f64, sd: f64) -> f64 {
        Normal::new(mean, sd).map_or(f64::NAN, |d| d.sample(&mut self.0)).exp()
    }

    /// Poisson; 0 at a mean of 0.
    pub fn poisson(&mut self, mean: f64) -> u64 {
        if mean <= 0.0 { 0 } else { Poisson::new(mean).map_or(0.0, |d| d.sample(&mut self.0)) as u64 }
    }

    /// Successes in `n` trials.
    pub fn binomial(&mut self, n: u64, p: f64) -> u64 {
        Binomial::new(n, p.clamp(0.0, 1.0)).map_or(0, |d| d.sample(&mut self.0))
    }
}
