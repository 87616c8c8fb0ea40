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
                // Every call is in one cell of the whole fleet, which is a row a day: whole days, so that none has to be
                // made of its calls, where the first of them is kept whole.
                let day = |at: Millis| at.div_euclid(24 * HOUR_MS) as Hour * 24;
                let hour = |at: Millis| at.div_euclid(HOUR_MS) as Hour;
                let is_whole = i64::from(day(first)) * HOUR_MS >= from;
                let hours = if is_whole { day(first) } else { hour(first) }..day(last) + 24;
                reader.cells(hours, false, Some(&[CellKey::FLEET]), &mut |_, _, cell| {
                    self.calls += cell.calls;
                })?;
            }
            self.from = Some(from);
        }
        Ok(self.calls.max(0) as u64)
    }
}
