//! The cells of a window, exact to the millisecond.

use super::error::Result;
use crate::domain::call::{HOUR_MS, Millis};
use crate::domain::window::Window;
use crate::engine::rollup::{Cell, CellKey, Cells, Hour, VersionId};
use crate::store::Reader;
use crate::store::telemetry::{Dictionary, TelemetryReader};

/// The window that can be answered exactly: where only whole days are known, its edges move out to these.
pub fn answerable(reader: &Reader, window: Window) -> Result<Window> {
    const DAY: i64 = 24 * HOUR_MS;
    let exact_from = i64::from(reader.exact_from()?) * HOUR_MS;
    let to_day = |at: Millis, day: Millis| if at < exact_from { day * DAY } else { at };
    Ok(Window {
        from_ms: to_day(window.from_ms, window.from_ms.div_euclid(DAY)),
        to_ms: to_day(window.to_ms, (window.to_ms + DAY - 1).div_euclid(DAY)),
    })
}

/// Hands the cells of a window to `fold`, part by part, with the hour, or the first hour of the day, of the part.
pub fn each_cell(
    reader: &Reader,
    dictionary: &Dictionary,
    window: Window,
    versions: Option<&[VersionId]>,
    fold: &mut dyn FnMut(Hour, CellKey, &Cell),
) -> Result<()> {
    let edges = answerable(reader, window)?.edges();
    reader.cells(edges.hours, false, versions, fold)?;
    for part in edges.partial {
        let mut cells = Cells::default();
        let mut failed = Ok(());
        reader.deltas(
            part.start,
            part.end,
            &mut |delta| match dictionary.composition(delta.composition) {
                Err(error) => failed = Err(error),
                Ok(composition) => delta.each(&composition.subjects, |key, delta| {
                    if versions.is_none_or(|v| v.binary_search(&key.version).is_ok()) {
                        delta.add_to(cells.entry(key).or_default());
                    }
                }),
            },
        )?;
        failed?;
        let hour = part.start.div_euclid(HOUR_MS) as Hour;
        for (key, cell) in &cells {
            fold(hour, *key, cell);
        }
    }
    Ok(())
}
