//! Chance for the demo world: one seeded stream of numbers, spreads and short ids.
//!
//! Must give the same numbers for the same seed on every platform and in every release: the stream is PCG-64-MCG,
//! an algorithm with published test vectors, and everything derived from it uses only operations that IEEE 754
//! fixes to the bit (no `exp`, no `powf`). Start with [`Dice`].

use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A seeded stream of numbers.
#[derive(Debug, Clone)]
pub struct Dice(Pcg64Mcg);

impl Dice {
    /// The stream that belongs to `purpose` under `seed`; other purposes do not disturb it.
    pub fn new(seed: u64, purpose: &str) -> Dice {
        Dice(Pcg64Mcg::seed_from_u64(xxh3_64_with_seed(purpose.as_bytes(), seed)))
    }

    /// A number in `0.0..1.0`.
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number in `low..high`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// An index in `0..len`; 0 for an empty range.
    pub fn below(&mut self, len: usize) -> usize {
        ((u128::from(self.0.next_u64()) * len as u128) >> 64) as usize
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// One of `items`, all equally likely.
    pub fn choose<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// An index with probability proportional to its weight.
    pub fn weighted(&mut self, weights: &[f64]) -> usize {
        weighted(weights, self.unit())
    }
}

/// The index at the fraction `point` of the weights laid end to end.
pub fn weighted(weights: &[f64], point: f64) -> usize {
    let mut left = point * weights.iter().sum::<f64>();
    for (i, w) in weights.iter().enumerate() {
        left -= w;
        if left < 0.0 {
            return i;
        }
    }
    weights.iter().rposition(|w| *w > 0.0).unwrap_or(0)
}

/// e^x for |x| ≤ 4 to about 1 %, the same bits everywhere: enough for the width of a spread.
fn exp(x: f64) -> f64 {
    let mut y = 1.0 + x / 1024.0;
    for _ in 0..10 {
        y *= y;
    }
    y
}

/// Log-normal multipliers with mean 1, drawn from a table of equally likely values.
#[derive(Debug, Clone)]
pub struct Spread(Vec<f32>);

impl Spread {
    const SIZE: usize = 4096;

    /// Multipliers whose logarithm has standard deviation `sigma`.
    pub fn new(sigma: f64) -> Spread {
        let mut dice = Dice::new(0, "spread");
        let raw: Vec<f64> = (0..Self::SIZE)
            .map(|_| {
                // Irwin-Hall: twelve uniforms are a normal number that ends at six sigma.
                let z = (0..12).map(|_| dice.unit()).sum::<f64>() - 6.0;
                exp(sigma * z)
            })
            .collect();
        let mean = raw.iter().sum::<f64>() / raw.len() as f64;
        Spread(raw.into_iter().map(|v| (v / mean) as f32).collect())
    }

    /// One multiplier.
    pub fn roll(&self, dice: &mut Dice) -> f64 {
        f64::from(self.0[dice.below(self.0.len())])
    }
}

/// Short ids: numbers turned into base 32 text that is unique within a seed and looks unlike its neighbour.
#[derive(Debug, Clone, Copy)]
pub struct Ids {
    offset: u64,
    letters: usize,
}

const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const SCATTER: u64 = 0x9e37_79b9_7f4a_7c15;

impl Ids {
    /// Ids of `letters` characters (at most 12) for `purpose` under `seed`.
    pub fn new(seed: u64, purpose: &str, letters: usize) -> Ids {
        Ids { offset: xxh3_64_with_seed(purpose.as_bytes(), seed), letters: letters.min(12) }
    }

    /// The id of `number`: different numbers below 32^letters have different ids.
    pub fn text(self, number: u64) -> String {
        // An odd factor is a bijection modulo any power of two; it scatters neighbours.
        let mut left = number.wrapping_mul(SCATTER).wrapping_add(self.offset);
        let mut text = String::with_capacity(self.letters);
        for _ in 0..self.letters {
            text.push(LETTERS[(left & 31) as usize] as char);
            left >>= 5;
        }
        text
    }

    /// The number of an id: the inverse of [`Ids::text`]. `None` for a text that is no id of this form.
    pub fn number(self, text: &str) -> Option<u64> {
        if text.len() != self.letters {
            return None;
        }
        let mut left = 0u64;
        for letter in text.bytes().rev() {
            left = left << 5 | LETTERS.iter().position(|l| *l == letter)? as u64;
        }
        // Newton's iteration doubles the right digits of the factor's inverse; an odd number is its own modulo 8.
        let inverse = (0..5).fold(SCATTER, |x, _| x.wrapping_mul(2u64.wrapping_sub(SCATTER.wrapping_mul(x))));
        let number = left.wrapping_sub(self.offset).wrapping_mul(inverse);
        Some(number & ((1u64 << (5 * self.letters)) - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_stream_is_fixed() {
        let mut dice = Dice::new(7, "test");
        let first: Vec<usize> = (0..6).map(|_| dice.below(1000)).collect();
        assert_eq!(
            first,
            [554, 106, 454, 36, 134, 109],
            "a new stream is a new world: say so in the release notes"
        );
    }

    #[test]
    fn an_id_has_its_number() {
        let ids = Ids::new(7, "call", 12);
        for number in [0, 1, 31, 999_999, (1 << 60) - 1] {
            assert_eq!(ids.number(&ids.text(number)), Some(number));
        }
        assert_ne!(Ids::new(8, "call", 12).number(&ids.text(5)), Some(5));
        assert_eq!((ids.number("short"), ids.number("UPPERCASE!!!"), ids.number("é")), (None, None, None));
    }

    #[test]
    fn spreads_have_mean_one_and_their_width() {
        let spread = Spread::new(0.4);
        let n = spread.0.len() as f64;
        let mean = spread.0.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
        let logs: Vec<f64> = spread.0.iter().map(|v| f64::from(*v).ln()).collect();
        let centre = logs.iter().sum::<f64>() / n;
        let sd = (logs.iter().map(|l| (l - centre).powi(2)).sum::<f64>() / n).sqrt();
        assert!((mean - 1.0).abs() < 1e-4, "{mean}");
        assert!((sd - 0.4).abs() < 0.02, "{sd}");
    }

    #[test]
    fn ids_are_unique_and_short() {
        let (a, b) = (Ids::new(1, "call", 12), Ids::new(2, "call", 12));
        let all: HashSet<String> = (0..50_000).flat_map(|n| [a.text(n), b.text(n)]).collect();
        assert_eq!(all.len(), 100_000);
        assert!(all.iter().all(|id| id.len() == 12));
    }

    #[test]
    fn weights_are_kept() {
        let mut dice = Dice::new(3, "weights");
        let mut seen = [0; 3];
        for _ in 0..30_000 {
            seen[dice.weighted(&[1.0, 0.0, 3.0])] += 1;
        }
        assert_eq!(seen[1], 0);
        assert!((6_800..8_200).contains(&seen[0]), "{seen:?}");
    }
}
