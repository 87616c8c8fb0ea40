//! Prompts against models, for their own page and for the lines of boards.

use std::sync::Arc;
use std::time::Instant;

use super::boards::answered;
use super::grid::{Grid, grid};
use super::known::Known;
use super::wish::AffinityGrid;
use super::{Live, Result};
use crate::domain::call::Millis;
use crate::domain::window::WindowSpec;
use crate::service::catalog::Catalog;
use crate::store::Reader;

/// How long a grid stands behind the lines of a board, ms, and in how many times of what making it took.
const FRESH: (Millis, Millis) = (30_000, 30);

impl Live {
    /// All prompts against all models in a window: the 2,000 prompts and 40 models that are used most. A line says what
    /// [`Service::performance`](crate::service::Service::performance) says of its prompt in that window.
    pub fn affinity(&mut self, window: WindowSpec, now: Millis) -> Result<Arc<AffinityGrid>> {
        self.answer(|live, reader, known| live.grid_of(reader, &known.catalog, window, now))
    }

    fn grid_of(
        &mut self,
        reader: &Reader,
        catalog: &Catalog,
        spec: WindowSpec,
        now: Millis,
    ) -> Result<Arc<AffinityGrid>> {
        let began = Instant::now();
        let grid = Arc::new(grid(reader, catalog, answered(reader, spec, now)?, now)?);
        let rest = FRESH.0.max(FRESH.1 * began.elapsed().as_millis() as Millis);
        self.grid = Some(Grid::new(spec, Arc::clone(&grid), now + rest));
        Ok(grid)
    }

    /// The grid behind the lines of a board: made here where the fleet is small, else the one that was handed over.
    pub(super) fn grid_for_board(
        &mut self,
        reader: &Reader,
        known: &Known,
        spec: WindowSpec,
        now: Millis,
    ) -> Result<()> {
        let stands = self.grid.as_ref().is_some_and(|grid| grid.spec == spec && now < grid.until);
        if !stands && !known.is_large() {
            self.grid_of(reader, &known.catalog, spec, now)?;
        }
        Ok(())
    }
}
