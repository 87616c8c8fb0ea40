//! Leaderboards: of a window, once; and of the last so many hours, kept in memory.

use super::catalog::Catalog;
use super::error::Result;
use crate::domain::call::{HOUR_MS, Millis};
use crate::engine::board::Board;
use crate::engine::rank::{NO_SUBJECT, Roster, Subject};
use crate::engine::rollup::{CellKey, Cells, Hour};
use crate::store::Reader;
use crate::store::telemetry::{Dictionary, TelemetryReader};

/// The parts of a leaderboard, owned: subjects, which version belongs to which, models, cells.
#[derive(Debug)]
pub struct Standings {
    /// What the rows are about.
    pub subjects: Vec<Subject>,
    of_version: Vec<u32>,
    models: Vec<String>,
    /// The cells of the window.
    pub cells: Cells,
}

impl Standings {
    /// The standings of all prompts of the catalog in these cells.
    pub fn of(catalog: &Catalog, cells: Cells) -> Standings {
        let mut subjects = Vec::new();
        let mut of_version =
            vec![NO_SUBJECT; CellKey::FIRST_VERSION as usize + catalog.dictionary.versions().count()];
        for uri in catalog.prompts() {
            for id in catalog.numbers(uri, None) {
                of_version[id as usize] = subjects.len() as u32;
            }
            subjects.push(Subject {
                name: uri.to_string(),
                scope: Some(uri.scope()),
                task_type: catalog.task_type(uri),
                managed: catalog.published.contains_key(uri),
            });
        }
        of_version[CellKey::UNPROMPTED as usize] = subjects.len() as u32;
        subjects.push(Subject {
            name: "(no prompt)".into(),
            scope: None,
            task_type: String::new(),
            managed: false,
        });
        let models = catalog.dictionary.models().iter().map(|m| m.name.clone()).collect();
        Standings { subjects, of_version, models, cells }
    }

    /// What [`crate::engine::rank::board`] ranks.
    pub fn roster(&self) -> Roster<'_> {
        Roster { subjects: &self.subjects, of_version: &self.of_version, models: &self.models }
    }
}

/// A leaderboard of the last so many hours that stays in memory and follows the store.
#[derive(Debug)]
pub struct LiveBoard {
    board: Board,
    position: i64,
}

impl LiveBoard {
    /// Loads the hours up to and with the one of `now`.
    pub fn load(reader: &Reader, hours: u32, now: Millis) -> Result<LiveBoard> {
        let end = now.div_euclid(HOUR_MS) as Hour + 1;
        let mut board = Board::new(end - hours as Hour..end);
        reader.cells(board.hours().clone(), false, None, &mut |_, key, cell| board.add(key, cell))?;
        Ok(LiveBoard { board, position: reader.position()? })
    }

    /// Follows what was committed since, and the clock. Costs what has changed, not what is there.
    pub fn follow(&mut self, reader: &Reader, dictionary: &Dictionary, now: Millis) -> Result<()> {
        let length = self.board.hours().end - self.board.hours().start;
        let end = now.div_euclid(HOUR_MS) as Hour + 1;
        let hours = end - length..end;
        let (Some((position, deltas)), Some((leaves, enters))) =
            (reader.changes(self.position)?, self.board.moves(&hours))
        else {
            *self = Self::load(reader, length as u32, now)?;
            return Ok(());
        };
        for delta in &deltas {
            self.board.apply(delta, &dictionary.composition(delta.composition)?.subjects);
        }
        let board = &mut self.board;
        reader.cells(leaves, true, None, &mut |_, key, cell| board.take(key, cell))?;
        reader.cells(enters, true, None, &mut |_, key, cell| board.add(key, cell))?;
        board.moved_to(hours);
        self.position = position;
        Ok(())
    }

    /// The cells, to be ranked.
    pub fn cells(&self) -> &Cells {
        self.board.cells()
    }
}
