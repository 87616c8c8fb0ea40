//! Rows of cells, read no further than they are wanted: most readers want a few versions, or of all versions the calls
//! alone, and a cell that is passed over is not put together.
//!
//! [`Passed`] mirrors the layout of [`Cell`], because the format does not say where a cell ends.

use std::fmt;
use std::marker::PhantomData;

use postcard::take_from_bytes;
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use crate::engine::rollup::{Cell, CellKey};
use crate::store::fault::Result;

/// A cell of which only the calls are kept.
#[derive(Deserialize)]
struct Passed {
    calls: i64,
    /// Further counts, and the sums of tokens.
    _counts: [i64; 8],
    _tokens_sq: i128,
    _cost: (i64, i128),
    _latency: (i64, i128),
    _signals: PassedList<(u8, i32)>,
    _sketches: [PassedList<u32>; 3],
}

/// A list that is read and not kept.
struct PassedList<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for PassedList<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_seq(PassedList(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for PassedList<T> {
    type Value = PassedList<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Self, A::Error> {
        while list.next_element::<T>()?.is_some() {}
        Ok(self)
    }
}

/// Hands the cells of a row whose keys are `wanted` to `each`.
pub fn each(
    row: &[u8],
    wanted: impl Fn(&CellKey) -> bool,
    mut each: impl FnMut(CellKey, &Cell),
) -> Result<()> {
    let (cells, mut rest) = take_from_bytes::<u64>(row)?;
    for _ in 0..cells {
        let (key, cell) = take_from_bytes::<CellKey>(rest)?;
        rest = if wanted(&key) {
            let (cell, rest) = take_from_bytes::<Cell>(cell)?;
            each(key, &cell);
            rest
        } else {
            take_from_bytes::<Passed>(cell)?.1
        };
    }
    Ok(())
}

/// Hands the calls of all cells of a row to `each`.
pub fn each_calls(row: &[u8], mut each: impl FnMut(CellKey, i64)) -> Result<()> {
    let (cells, mut rest) = take_from_bytes::<u64>(row)?;
    for _ in 0..cells {
        let ((key, passed), after) = take_from_bytes::<(CellKey, Passed)>(rest)?;
        each(key, passed.calls);
        rest = after;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::feedback::{Signal, Source};
    use crate::engine::rollup::{CallFacts, Clock, Layer};

    #[test]
    fn what_is_passed_over_is_as_long_as_what_is_read() {
        let row: Vec<(CellKey, Cell)> = (0..40)
            .map(|i: u32| {
                let mut cell = Cell::default();
                for n in 0..i64::from(i) {
                    let facts = CallFacts {
                        ok: n % 3 != 0,
                        tokens: (n % 5 != 0).then_some((i * 31, 7)),
                        cached: 3,
                        cost: Some(n * 1_000_003),
                        estimated: n % 2 == 0,
                        latency_us: Some(n as u64 * 999),
                    };
                    cell.add_call(&facts, if n % 7 == 0 { -1 } else { 1 });
                    cell.signals.add(Clock::Arrival, Source::User, Signal::Negative, n as i32);
                }
                (CellKey { version: i, layer: Layer::Org, model: i % 3 }, cell)
            })
            .collect();
        let bytes = postcard::to_allocvec(&row).unwrap();
        let mut read = Vec::new();
        each(&bytes, |key| key.version % 4 == 1, |key, cell| read.push((key, cell.clone()))).unwrap();
        assert_eq!(read, row.iter().filter(|(key, _)| key.version % 4 == 1).cloned().collect::<Vec<_>>());
        let mut calls = Vec::new();
        each_calls(&bytes, |key, n| calls.push((key, n))).unwrap();
        assert_eq!(calls, row.iter().map(|(key, cell)| (*key, cell.calls)).collect::<Vec<_>>());
        assert!(each_calls(&bytes[..bytes.len() - 1], |_, _| {}).is_err());
    }
}
