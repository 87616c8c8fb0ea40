//! Mean and variance of whole numbers from their sums, which merge by addition.

/// Count, sum and sum of squares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moments {
    n: i64,
    sum: i128,
    squares: i128,
}

impl Moments {
    /// Adds `n` numbers by their sums. Signed: what was added may be taken back.
    pub fn add(&mut self, n: i64, sum: i64, squares: i128) {
        self.merge(&Moments { n, sum: i128::from(sum), squares });
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Moments) {
        self.n += other.n;
        self.sum += other.sum;
        self.squares += other.squares;
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        u64::try_from(self.n).unwrap_or(0)
    }

    /// Their mean; 0 of none.
    pub fn mean(&self) -> f64 {
        self.sum as f64 / self.count().max(1) as f64
    }

    /// Their sample variance; what it is of fewer than two does not matter.
    pub fn variance(&self) -> f64 {
        let n = self.count() as f64;
        // n·Σx² − (Σx)², exactly while it fits: the difference of two large numbers.
        let exact = i128::from(self.n)
            .checked_mul(self.squares)
            .and_then(|squares| squares.checked_sub(self.sum.checked_mul(self.sum)?));
        let scatter =
            exact.map_or_else(|| n * (self.squares as f64 - self.mean() * self.sum as f64), |x| x as f64);
        (scatter / (n * (n - 1.0).max(1.0)).max(1.0)).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_give_mean_and_variance_exactly() {
        let mut moments = Moments::default();
        assert_eq!((moments.count(), moments.mean(), moments.variance()), (0, 0.0, 0.0));
        for x in [1_000_000_007_i64, 1_000_000_009, 1_000_000_011] {
            moments.add(1, x, i128::from(x) * i128::from(x));
        }
        assert_eq!((moments.count(), moments.mean(), moments.variance()), (3, 1_000_000_009.0, 4.0));
        let half = moments;
        moments.merge(&half);
        moments.add(-3, -3_000_000_027, -half.squares);
        assert_eq!(moments, half);
    }
}
