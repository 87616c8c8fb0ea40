//! Leaderboards: of a window, once; and of the last so many hours, kept in memory.

use std::ops::Range;

use rustc_hash::FxHashSet;

use super::catalog::Catalog;
use super::error::Result;
use crate::domain::call::{HOUR_MS, Millis};
use crate::engine::board::Board;
use crate::engine::rank::{NO_SUBJECT, Roster, Subject};
use crate::engine::rollup::{CellKey, Cells, Delta, Hour, Layer, VersionId};
use crate::store::Reader;
use crate::store::telemetry::{Detail, Dictionary, TelemetryReader};

/// The parts of a leaderboard, owned: subjects, which version belongs to which, models, cells.
#[derive(Debug)]
pub struct Standings {
    /// What the rows are about.
    pub subjects: Vec<Subject>,
    of_version: Vec<u32>,
    models: Vec<String>,
    outer: FxHashSet<(VersionId, Layer)>,
    /// How many compositions it has seen.
    compositions: usize,
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
        let mut standings = Standings {
            subjects,
            of_version,
            models: Vec::new(),
            outer: FxHashSet::default(),
            compositions: 0,
            cells,
        };
        standings.follow(&catalog.dictionary);
        standings
    }

    /// Takes in the models and compositions that the dictionary has learnt since, where the subjects are the same.
    pub(super) fn follow(&mut self, dictionary: &Dictionary) {
        let known = self.models.len();
        self.models.extend(dictionary.models().iter().skip(known).map(|m| m.name.clone()));
        let all = dictionary.compositions();
        let fresh = &all[self.compositions.min(all.len())..];
        self.compositions = all.len();
        for composition in fresh {
            // The layer nearest the user stands for the call; of prompts that are joined, the first.
            let nearness = |layer: Layer| match layer {
                Layer::User => 0,
                Layer::Org => 1,
                Layer::Core => 2,
                Layer::Direct => 3,
            };
            let inner = composition.subjects.iter().min_by_key(|(_, layer)| nearness(*layer));
            self.outer.extend(composition.subjects.iter().filter(|subject| Some(*subject) != inner));
        }
    }

    /// What [`crate::engine::rank::board`] ranks.
    pub fn roster(&self) -> Roster<'_> {
        Roster {
            subjects: &self.subjects,
            of_version: &self.of_version,
            models: &self.models,
            outer: &self.outer,
        }
    }
}

/// A leaderboard of the last so many hours that stays in memory and follows the store.
///
/// Where the store knows only whole days any more, it begins with the first of them.
#[derive(Debug)]
pub struct LiveBoard {
    board: Board,
    length: u32,
    position: i64,
}

impl LiveBoard {
    /// Loads the hours up to and with the one of `now`.
    pub fn load(reader: &Reader, hours: u32, now: Millis) -> Result<LiveBoard> {
        let mut board = Board::new(stretch(&reader.detail()?, hours, now));
        reader.cells(board.hours().clone(), false, None, &mut |_, key, cell| board.add(key, cell))?;
        Ok(LiveBoard { board, length: hours, position: reader.position()? })
    }

    /// Follows what was committed since, and the clock. Costs what has changed, not what is there. What was committed
    /// since; `None` where the hours have moved or all was loaded anew, so that any cell may be another.
    pub fn follow(
        &mut self,
        reader: &Reader,
        dictionary: &Dictionary,
        now: Millis,
    ) -> Result<Option<Vec<Delta>>> {
        let known = reader.detail()?;
        let hours = stretch(&known, self.length, now);
        let moves = self.board.moves(&hours).filter(|(leaves, _)| is_known(&known, leaves));
        let (Some((position, deltas)), Some((leaves, enters))) = (reader.changes(self.position)?, moves)
        else {
            *self = Self::load(reader, self.length, now)?;
            return Ok(None);
        };
        let compositions = deltas.iter().map(|delta| dictionary.composition(delta.composition));
        let compositions = compositions.collect::<std::result::Result<Vec<_>, _>>()?;
        // Until all of it is in, this is the board of no position: an error half-way is mended by the next load.
        self.position = i64::MIN;
        for (delta, composition) in deltas.iter().zip(compositions) {
            self.board.apply(delta, &composition.subjects);
        }
        let board = &mut self.board;
        let stays = leaves.is_empty() && enters.is_empty();
        if !stays {
            reader.cells(leaves, false, None, &mut |_, key, cell| board.take(key, cell))?;
            reader.cells(enters, false, None, &mut |_, key, cell| board.add(key, cell))?;
        }
        board.moved_to(hours);
        self.position = position;
        Ok(stays.then_some(deltas))
    }

    /// The hours that it sums.
    pub fn hours(&self) -> &Range<Hour> {
        self.board.hours()
    }

    /// The cells, to be ranked.
    pub fn cells(&self) -> &Cells {
        self.board.cells()
    }
}

/// The last `length` hours with the one of `now`, from an edge on.
pub(super) fn stretch(known: &Detail, length: u32, now: Millis) -> Range<Hour> {
    let end = now.div_euclid(HOUR_MS) as Hour + 1;
    let start = end - length as Hour;
    let start = if start >= known.first_hour() { start } else { start.div_euclid(24) * 24 };
    start..end
}

/// Whether the store can tell these hours from those around them: they are whole days where it knows only days.
fn is_known(known: &Detail, hours: &Range<Hour>) -> bool {
    let last_day = (hours.end.div_euclid(24) * 24).max(hours.start);
    let ends_whole = hours.end.rem_euclid(24) == 0 || last_day >= known.first_hour();
    hours.is_empty() || ends_whole && (hours.start.rem_euclid(24) == 0 || hours.start >= known.first_hour())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::call::Call;
    use crate::store::telemetry::{NamedCall, Retention, TelemetryWriter};
    use crate::store::{Access, Store};
    use proptest::prelude::*;

    const BASE: i64 = 480_000 * HOUR_MS;

    fn call(hour: u8, form: u8) -> NamedCall {
        let at = BASE + i64::from(hour) * HOUR_MS + i64::from(form);
        let call = Call {
            input_tokens: Some(u32::from(form)),
            output_tokens: Some(1),
            duration_us: Some(7),
            ..Call::bare(format!("c{hour}"), at, format!("m{}", form % 3))
        };
        NamedCall { call, aliases: Vec::new() }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Put(u8, u8),
        Retract(u8, u8),
        /// What is this many hours old becomes days; calls that are a day older go.
        Sweep(u8),
        /// This many hours pass.
        Pass(u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => (any::<u8>(), any::<u8>()).prop_map(|(hour, form)| Step::Put(hour, form)),
            1 => (any::<u8>(), any::<u8>()).prop_map(|(hour, form)| Step::Retract(hour, form)),
            1 => any::<u8>().prop_map(Step::Sweep),
            2 => (0u8..30).prop_map(Step::Pass),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn a_board_that_followed_is_one_that_was_loaded(
            steps in prop::collection::vec(step(), 1..60), hours in 1u32..200,
        ) {
            let dir = tempfile::tempdir().unwrap();
            let store = Store::open(&dir.path().join("s.db"), Access::Write).unwrap();
            store.write(|tx| tx.telemetry.put_call(&call(0, 0))).unwrap();
            let mut now = BASE + 100 * HOUR_MS;
            let mut board = LiveBoard::load(&store.read().unwrap(), hours, now).unwrap();
            for step in steps {
                match step {
                    Step::Put(hour, form) => {
                        store.write(move |tx| tx.telemetry.put_call(&call(hour, form))).unwrap();
                    }
                    Step::Retract(hour, form) => {
                        let gone = call(hour, form).call;
                        store.write(move |tx| tx.telemetry.retract_call(gone.at, &gone.provenance_id)).unwrap();
                    }
                    Step::Sweep(hours) => {
                        // Retention counts from the wall clock.
                        let hour_days = ((wall() - now) / HOUR_MS + i64::from(hours)) as u32 / 24 + 1;
                        let keep = Retention { call_days: hour_days + 1, hour_days, ..Retention::default() };
                        while store.write(move |tx| tx.sweep(&keep)).unwrap().more {}
                    }
                    Step::Pass(length) => now += i64::from(length) * HOUR_MS,
                }
                let reader = store.read().unwrap();
                board.follow(&reader, &reader.dictionary().unwrap(), now).unwrap();
                let fresh = LiveBoard::load(&reader, hours, now).unwrap();
                prop_assert_eq!(board.cells(), fresh.cells());
            }
        }
    }

    fn wall() -> Millis {
        crate::service::now()
    }
}
