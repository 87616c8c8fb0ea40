//! Prompts against models, for their own page and for the lines of boards.

use std::sync::Arc;
use std::time::Instant;

use super::boards::answered;
use super::grid::{Grid, grid};
use super::wish::AffinityGrid;
use super::{Live, Result};
use crate::domain::call::Millis;
use crate::domain::window::WindowSpec;

/// How long a grid stands, ms, and in how many times of what making it took: evidence moves slowly, and a store that is
/// written to without end would be read without end.
const FRESH: (Millis, Millis) = (30_000, 30);

impl Live {
    /// All prompts against all models in a window: the 2,000 prompts and 40 models that are used most. A line says what
    /// [`Service::performance`](crate::service::Service::performance) said of its prompt in that window, at most half a
    /// minute ago or thirty times as long as it takes to say so.
    pub fn affinity(&mut self, window: WindowSpec, now: Millis) -> Result<Arc<AffinityGrid>> {
        self.answer(|live, reader, known| {
            if let Some(grid) = live.grid.as_ref().filter(|grid| grid.spec == window && now < grid.until) {
                return Ok(Arc::clone(&grid.page));
            }
            let began = Instant::now();
            let page = Arc::new(grid(reader, &known.catalog, answered(reader, window, now)?, now)?);
            let rest = FRESH.0.max(FRESH.1 * began.elapsed().as_millis() as Millis);
            live.grid = Some(Grid::new(window, Arc::clone(&page), now + rest));
            Ok(page)
        })
    }
}
