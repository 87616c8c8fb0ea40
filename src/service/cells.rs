//! The cells of a window, exact to the millisecond.

use super::error::Result;
use crate::domain::call::{HOUR_MS, Millis};
use crate::domain::window::Window;
use crate::engine::rollup::{Cell, CellKey, Cells, Hour, VersionId};
use crate::store::Reader;
use crate::store::telemetry::{Dictionary, TelemetryReader};

/// The window that can be answered exactly: an edge that lies where only hours or days are known moves out to them.
pub fn answerable(reader: &Reader, window: Window) -> Result<Window> {
    let known = reader.detail()?;
    let step = |at: Millis| match at {
        _ if at >= known.calls_from => 1,
        _ if at >= i64::from(known.hours_from) * HOUR_MS => HOUR_MS,
        _ => 24 * HOUR_MS,
    };
    let (from, to) = (step(window.from_ms), step(window.to_ms));
    Ok(Window {
        from_ms: window.from_ms.div_euclid(from) * from,
        to_ms: window.to_ms.saturating_add(to - 1).div_euclid(to) * to,
    })
}

/// Hands the cells of a window that can be answered ([`answerable`]) to `fold`, part by part, with the hour, or the first hour of the day, of the part.
pub fn each_cell(
    reader: &Reader,
    dictionary: &Dictionary,
    window: Window,
    versions: Option<&[VersionId]>,
    fold: &mut dyn FnMut(Hour, CellKey, &Cell),
) -> Result<()> {
    let edges = window.edges();
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
