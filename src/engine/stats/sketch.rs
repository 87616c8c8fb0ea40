//! A quantile sketch of non-negative integers whose state is a sum of counts, so that sketches merge by addition
//! and what was added can be taken back.
//!
//! Method: DDSketch (Masson, Rim & Lee, PVLDB 2019) with relative error α = 1 %, sparse, without collapsing:
//! value `v ≥ 1` falls into bin `⌈ln v / ln γ⌉`, `γ = (1+α)/(1−α)`; zero has a bin of its own.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Relative error of a quantile.
pub const ALPHA: f64 = 0.01;
const GAMMA: f64 = (1.0 + ALPHA) / (1.0 - ALPHA);
/// The bin of zero; values from 1 on start at bin 0.
pub const ZERO: i16 = -1;

/// Counts of values by bin, ordered by bin. A count may be negative while a difference is being built up;
/// bins that reach zero are removed, so equal multisets of values have equal sketches, whatever the order.
///
/// A bin holds at most 2³¹−1 values; beyond that it saturates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sketch {
    bins: Vec<(i16, i32)>,
}

/// The bin of a value that is 0 or at least 1.
pub fn bin_of(value: f64) -> i16 {
    if value < 1.0 {
        return ZERO;
    }
    // u64::MAX falls into bin 2219.
    (value.ln() / GAMMA.ln()).ceil() as i16
}

/// The value that is within α of every value of the bin.
fn value_of(bin: i16) -> f64 {
    if bin == ZERO { 0.0 } else { 2.0 * GAMMA.powi(i32::from(bin)) / (GAMMA + 1.0) }
}

impl Sketch {
    /// Adds `count` times `value` (negative: takes back).
    pub fn add(&mut self, value: u64, count: i32) {
        self.add_bin(bin_of(value as f64), count);
    }

    /// The counts by bin, which are all that it holds.
    pub fn bins(&self) -> &[(i16, i32)] {
        &self.bins
    }

    /// Adds `count` values of a bin (negative: takes back).
    pub fn add_bin(&mut self, bin: i16, count: i32) {
        match self.bins.binary_search_by_key(&bin, |b| b.0) {
            Ok(i) => {
                let sum = self.bins[i].1.saturating_add(count);
                if sum == 0 {
                    self.bins.remove(i);
                } else {
                    self.bins[i].1 = sum;
                }
            }
            Err(_) if count == 0 => {}
            Err(i) => self.bins.insert(i, (bin, count)),
        }
    }

    /// Adds all of `other`, `sign` times (1 or −1).
    pub fn merge(&mut self, other: &Sketch, sign: i32) {
        if self.bins.is_empty() && sign == 1 {
            self.bins.clone_from(&other.bins);
            return;
        }
        if other.bins.len() <= 4 {
            for &(bin, count) in &other.bins {
                self.add_bin(bin, count.saturating_mul(sign));
            }
            return;
        }
        let mut merged = Vec::with_capacity(self.bins.len() + other.bins.len());
        let (mut a, mut b) = (self.bins.iter().copied().peekable(), other.bins.iter().copied().peekable());
        loop {
            let next = match (a.peek(), b.peek()) {
                (None, None) => break,
                (Some(&x), Some(&y)) if x.0 == y.0 => {
                    a.next();
                    b.next();
                    (x.0, x.1.saturating_add(y.1.saturating_mul(sign)))
                }
                (Some(&x), Some(&y)) if x.0 < y.0 => {
                    a.next();
                    x
                }
                (Some(&x), None) => {
                    a.next();
                    x
                }
                (_, Some(&y)) => {
                    b.next();
                    (y.0, y.1.saturating_mul(sign))
                }
            };
            if next.1 != 0 {
                merged.push(next);
            }
        }
        self.bins = merged;
    }

    /// How many values it holds.
    pub fn count(&self) -> i64 {
        self.bins.iter().map(|b| i64::from(b.1)).sum()
    }

    /// Whether nothing is left in it.
    pub fn is_empty(&self) -> bool {
        self.bins.is_empty()
    }

    /// The `q`-quantile (0 ≤ q ≤ 1) within 1 % of the exact lower quantile; `None` when empty.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        self.quantile_bin(q).map(value_of)
    }

    /// The bin of the `q`-quantile; `None` when empty.
    pub fn quantile_bin(&self, q: f64) -> Option<i16> {
        let n = self.count();
        if n <= 0 {
            return None;
        }
        let rank = (q.clamp(0.0, 1.0) * (n - 1) as f64).floor() as i64;
        let mut seen = 0;
        for &(bin, count) in &self.bins {
            seen += i64::from(count);
            if seen > rank {
                return Some(bin);
            }
        }
        self.bins.last().map(|b| b.0)
    }

    /// How many values lie in bins above this one.
    pub fn above(&self, bin: i16) -> i64 {
        self.bins.iter().rev().take_while(|b| b.0 > bin).map(|b| i64::from(b.1)).sum()
    }
}

/// Room in which many sketches are added up for their quantiles, and which is used again for the next ones: a merge
/// makes a new sketch each time, this makes none.
#[derive(Debug, Clone, Default)]
pub struct Pool {
    /// By bin − [`ZERO`].
    counts: Vec<i64>,
    total: i64,
}

impl Pool {
    /// Empties it.
    pub fn clear(&mut self) {
        self.counts.clear();
        self.total = 0;
    }

    /// Adds a sketch.
    pub fn add(&mut self, sketch: &Sketch) {
        let index = |bin: i16| usize::try_from(i32::from(bin) - i32::from(ZERO)).unwrap_or(0);
        if let Some(last) = sketch.bins.last() {
            let room = index(last.0) + 1;
            if room > self.counts.len() {
                self.counts.resize(room, 0);
            }
        }
        for &(bin, count) in &sketch.bins {
            self.counts[index(bin)] += i64::from(count);
            self.total += i64::from(count);
        }
    }

    /// The `q`-quantile, as [`Sketch::quantile`] of the merged sketch.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        if self.total <= 0 {
            return None;
        }
        let rank = (q.clamp(0.0, 1.0) * (self.total - 1) as f64).floor() as i64;
        let mut seen = 0;
        let at = self.counts.iter().position(|count| {
            seen += count;
            seen > rank
        })?;
        Some(value_of(at as i16 + ZERO))
    }
}

/// On disk: for each bin the gap to the bin before, doubled, plus one where the count is not 1 and follows. Most bins
/// of an hour hold one value, so with a variable-length code they cost a byte.
impl Serialize for Sketch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut before = i32::from(ZERO);
        let mut words: Vec<u32> = Vec::with_capacity(2 * self.bins.len());
        for &(bin, count) in &self.bins {
            let gap = (i32::from(bin) - before) as u32;
            before = i32::from(bin);
            words.push(gap << 1 | u32::from(count != 1));
            if count != 1 {
                words.push(((count << 1) ^ (count >> 31)) as u32);
            }
        }
        words.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Sketch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut words = Vec::<u32>::deserialize(deserializer)?.into_iter();
        let mut before = i32::from(ZERO);
        let mut bins = Vec::with_capacity(words.len());
        while let Some(word) = words.next() {
            before = before.saturating_add_unsigned(word >> 1);
            let bin =
                i16::try_from(before).map_err(|_| serde::de::Error::custom("sketch bin out of range"))?;
            let count = if word & 1 == 0 {
                1
            } else {
                let count = words.next().ok_or_else(|| serde::de::Error::custom("sketch count missing"))?;
                (count >> 1).cast_signed() ^ -((count & 1).cast_signed())
            };
            bins.push((bin, count));
        }
        Ok(Sketch { bins })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[u64]) -> Sketch {
        let mut sketch = Sketch::default();
        for &v in values {
            sketch.add(v, 1);
        }
        sketch
    }

    proptest! {
        #[test]
        fn quantiles_are_within_one_percent(mut values in prop::collection::vec(0u64..u64::MAX / 2, 1..200), q in 0.0..=1.0f64) {
            let sketch = of(&values);
            values.sort_unstable();
            let exact = values[(q * (values.len() - 1) as f64).floor() as usize] as f64;
            let got = sketch.quantile(q).unwrap();
            prop_assert!((got - exact).abs() <= ALPHA * exact * 1.000_001, "{got} for {exact}");
        }

        #[test]
        fn merging_is_adding_and_taking_back_leaves_nothing(
            a in prop::collection::vec(0u64..1_000_000, 0..60),
            b in prop::collection::vec(0u64..1_000_000, 0..60),
        ) {
            let both = of(&a.iter().chain(&b).copied().collect::<Vec<_>>());
            let mut merged = of(&a);
            merged.merge(&of(&b), 1);
            prop_assert_eq!(&merged, &both);
            let mut pool = Pool::default();
            pool.add(&of(&b));
            pool.clear();
            for part in [&of(&a), &of(&b)] {
                pool.add(part);
            }
            for q in [0.0, 0.5, 0.95, 1.0] {
                prop_assert_eq!(pool.quantile(q), both.quantile(q));
            }
            merged.merge(&of(&b), -1);
            prop_assert_eq!(&merged, &of(&a));
            merged.merge(&of(&a), -1);
            prop_assert!(merged.is_empty());
            let mut difference = of(&a);
            difference.merge(&both, -1);
            let stored = postcard::to_allocvec(&difference).unwrap();
            prop_assert_eq!(postcard::from_bytes::<Sketch>(&stored).unwrap(), difference);
        }
    }
}
