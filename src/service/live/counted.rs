//! How many calls there are, without counting them again.

use crate::domain::call::{HOUR_MS, Millis};
use crate::engine::rollup::{CellKey, Change, Hour};
use crate::service::error::Result;
use crate::store::Reader;
use crate::store::telemetry::TelemetryReader;

/// The calls in the store, counted once and followed.
#[derive(Debug, Default)]
pub struct Counted {
    calls: i64,
    position: i64,
    /// From when on calls are kept, ms; `None` before the first count.
    from: Option<Millis>,
}

impl Counted {
    /// The calls in a view.
    pub fn follow(&mut self, reader: &Reader) -> Result<u64> {
        let from = reader.detail()?.calls_from;
        let changes = if self.from == Some(from) { reader.changes(self.position)? } else { None };
        if let Some((position, deltas)) = changes {
            let calls = deltas.iter().filter(|delta| matches!(delta.change, Change::Call(_)));
            self.calls += calls.map(|delta| i64::from(delta.sign)).sum::<i64>();
            self.position = position;
        } else {
            self.calls = 0;
            self.position = reader.position()?;
            if let Some((first, last)) = reader.span()? {
                // Every call is in one cell of the whole fleet, which is a row a day.
                let hour = |at: Millis| at.div_euclid(HOUR_MS) as Hour;
                let hours = hour(first)..hour(last) + 1;
                reader.cells(hours, false, Some(&[CellKey::FLEET]), &mut |_, _, cell| {
                    self.calls += cell.calls;
                })?;
            }
            self.from = Some(from);
        }
        Ok(self.calls.max(0) as u64)
    }
}
