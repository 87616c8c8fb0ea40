//! The cells of the windows that were asked for of late, with what ranks them.

use std::ops::Range;
use std::time::Instant;

use rustc_hash::FxHashMap;

use super::known::Known;
use crate::domain::call::{HOUR_MS, Millis};
use crate::domain::window::{Unit, Window, WindowSpec};
use crate::engine::rank::Lineup;
use crate::engine::rollup::{CellKey, Cells, Change, Delta, Hour, VersionId};
use crate::service::error::Result;
use crate::service::standings::{LiveBoard, stretch};
use crate::service::{Service, answerable};
use crate::store::Reader;
use crate::store::telemetry::{Dictionary, TelemetryReader};

/// Windows that are kept at once.
const MOST: usize = 3;
/// How long what is read anew whenever it is asked for is fresh, ms, and in how many times of what reading it took.
const FRESH: (Millis, u32) = (2_000, 10);
/// Steps of a trend, at most.
const STEPS: Hour = 30;
/// Lengths of a step in hours, as far as a day.
const LENGTHS: [Hour; 8] = [1, 2, 3, 4, 6, 8, 12, 24];

/// The whole hours that stand for a window: `None` for parts of an hour, and from a time to a time, which are read to
/// the millisecond.
pub fn whole_hours(spec: WindowSpec) -> Option<u32> {
    let WindowSpec::Last(count, unit) = spec else { return None };
    match unit {
        Unit::Minute => count.is_multiple_of(60).then_some(count / 60),
        Unit::Hour => Some(count),
        Unit::Day => Some(count * 24),
        Unit::Week => Some(count * 168),
    }
}

/// The window that is answered where `spec` is asked for: the last hours whole, with the one of `now`.
pub fn answered(reader: &Reader, spec: WindowSpec, now: Millis) -> Result<Window> {
    match whole_hours(spec) {
        Some(hours) => Ok(of_hours(&stretch(&reader.detail()?, hours, now))),
        None => answerable(reader, spec.at(now)),
    }
}

fn of_hours(hours: &Range<Hour>) -> Window {
    Window { from_ms: i64::from(hours.start) * HOUR_MS, to_ms: i64::from(hours.end) * HOUR_MS }
}

/// The windows that are kept, the one that was asked for last at the end.
#[derive(Debug, Default)]
pub struct Boards(Vec<Kept>);

impl Boards {
    /// The cells of a window as they are now.
    pub fn of(&mut self, reader: &Reader, known: &Known, spec: WindowSpec, now: Millis) -> Result<&mut Kept> {
        let kept = if let Some(place) = self.0.iter().position(|kept| kept.spec == spec) {
            // Taken out meanwhile: what fails half-way is read anew.
            let mut kept = self.0.remove(place);
            kept.follow(reader, known, now)?;
            kept
        } else {
            if self.0.len() >= MOST {
                self.0.remove(0);
            }
            Kept::load(reader, known, spec, now)?
        };
        self.0.push(kept);
        let last = self.0.len() - 1;
        Ok(&mut self.0[last])
    }
}

/// The cells of one window.
#[derive(Debug)]
pub struct Kept {
    spec: WindowSpec,
    held: Held,
    lineup: Lineup,
    numbering: u64,
    calls: Option<CallsByStep>,
}

#[derive(Debug)]
enum Held {
    /// Moves with the store and the clock.
    Moving(LiveBoard),
    /// Read anew when it is old.
    Still { cells: Cells, window: Window, position: i64, read: Millis, took: Millis },
}

impl Held {
    fn load(reader: &Reader, known: &Known, spec: WindowSpec, now: Millis) -> Result<Held> {
        if let Some(hours) = whole_hours(spec) {
            return Ok(Held::Moving(LiveBoard::load(reader, hours, now)?));
        }
        let began = Instant::now();
        let window = answerable(reader, spec.at(now))?;
        let cells = Service::cells(reader, &known.catalog.dictionary, window, None)?;
        let took = began.elapsed().as_millis() as Millis;
        Ok(Held::Still { cells, window, position: reader.position()?, read: now, took })
    }
}

impl Kept {
    fn load(reader: &Reader, known: &Known, spec: WindowSpec, now: Millis) -> Result<Kept> {
        let held = Held::load(reader, known, spec, now)?;
        let mut kept = Kept { spec, held, lineup: Lineup::default(), numbering: 0, calls: None };
        kept.line_up(known);
        Ok(kept)
    }

    fn line_up(&mut self, known: &Known) {
        self.lineup = Lineup::new(known.standings.roster(), self.cells());
        self.numbering = known.numbering;
    }

    /// The cells.
    pub fn cells(&self) -> &Cells {
        match &self.held {
            Held::Moving(board) => board.cells(),
            Held::Still { cells, .. } => cells,
        }
    }

    /// What ranks them.
    pub fn lineup(&self) -> &Lineup {
        &self.lineup
    }

    /// The window that they are of.
    pub fn window(&self) -> Window {
        match &self.held {
            Held::Moving(board) => of_hours(board.hours()),
            Held::Still { window, .. } => *window,
        }
    }

    fn follow(&mut self, reader: &Reader, known: &Known, now: Millis) -> Result<()> {
        let deltas = match &mut self.held {
            Held::Moving(board) => board.follow(reader, &known.catalog.dictionary, now)?,
            Held::Still { position, read, took, .. } => {
                let same = *position == reader.position()? && matches!(self.spec, WindowSpec::Between(_));
                let fresh = (now - *read).abs() < FRESH.0.max(*took * Millis::from(FRESH.1));
                if !(same || fresh) {
                    self.held = Held::load(reader, known, self.spec, now)?;
                    self.calls = None;
                    self.line_up(known);
                } else if self.numbering != known.numbering {
                    self.line_up(known);
                }
                return Ok(());
            }
        };
        let Some(deltas) = deltas else {
            self.calls = None;
            self.line_up(known);
            return Ok(());
        };
        let mut changed: Vec<CellKey> = Vec::new();
        for delta in &deltas {
            let subjects = &known.catalog.dictionary.composition(delta.composition)?.subjects;
            delta.each(subjects, |key, _| changed.push(key));
        }
        changed.sort_unstable();
        changed.dedup();
        if let Some(calls) = &mut self.calls {
            calls.follow(&deltas, &known.catalog.dictionary)?;
        }
        let mut lineup = std::mem::take(&mut self.lineup);
        let followed = self.numbering == known.numbering
            && lineup.follow(known.standings.roster(), self.cells(), &changed);
        self.lineup = lineup;
        if !followed {
            self.line_up(known);
        }
        Ok(())
    }

    /// The window as it was asked for.
    pub fn spec(&self) -> WindowSpec {
        self.spec
    }

    /// Reads the calls by step over the window, where that was not done yet.
    pub fn read_calls(&mut self, reader: &Reader) -> Result<()> {
        if self.calls.is_none() {
            self.calls = Some(CallsByStep::read(reader, &self.window().hours().0)?);
        }
        Ok(())
    }

    /// The calls of some versions by step, oldest first.
    pub fn calls_of(&self, versions: &[VersionId]) -> Vec<u64> {
        self.calls.as_ref().map(|calls| calls.sum(versions)).unwrap_or_default()
    }
}

/// Calls of each version by steps of some hours, counted from the epoch, so that a step stays what it is while the
/// window moves.
#[derive(Debug)]
pub struct CallsByStep {
    /// Hours of a step.
    step: Hour,
    /// The steps, counted from the epoch.
    steps: Range<Hour>,
    of: FxHashMap<VersionId, Vec<i64>>,
}

/// The shortest step of `lengths` or of whole days by which `hours` are at most `most` steps.
pub fn step_of(hours: Hour, most: Hour) -> Hour {
    let shortest = (hours + most - 1) / most;
    let within_a_day = LENGTHS.into_iter().find(|length| *length >= shortest);
    within_a_day.unwrap_or((shortest + 23) / 24 * 24)
}

impl CallsByStep {
    fn read(reader: &Reader, hours: &Range<Hour>) -> Result<CallsByStep> {
        let mut step = step_of(hours.end - hours.start, STEPS);
        if hours.start.div_euclid(step) * step < reader.detail()?.hours_from {
            step = (step + 23) / 24 * 24;
        }
        let steps = hours.start.div_euclid(step)..(hours.end + step - 1).div_euclid(step);
        let mut read = CallsByStep { step, steps: steps.clone(), of: FxHashMap::default() };
        let covered = steps.start * step..steps.end * step;
        let mut add = |hour: Hour, key: CellKey, calls: i64| read.add(hour, key.version, calls);
        if step % 24 == 0 {
            reader.cells(covered, false, None, &mut |hour, key, cell| add(hour, key, cell.calls))?;
        } else {
            reader.calls_by_hour(covered, &mut add)?;
        }
        Ok(read)
    }

    fn add(&mut self, hour: Hour, version: VersionId, calls: i64) {
        let step = hour.div_euclid(self.step);
        if calls != 0 && self.steps.contains(&step) && version >= CellKey::UNPROMPTED {
            let counts = self.of.entry(version).or_insert_with(|| vec![0; self.steps.len()]);
            counts[(step - self.steps.start) as usize] += calls;
        }
    }

    fn follow(&mut self, deltas: &[Delta], dictionary: &Dictionary) -> Result<()> {
        for delta in deltas.iter().filter(|delta| matches!(delta.change, Change::Call(_))) {
            let subjects = &dictionary.composition(delta.composition)?.subjects;
            delta.each(subjects, |key, delta| self.add(delta.hour, key.version, i64::from(delta.sign)));
        }
        Ok(())
    }

    /// The calls of some versions, oldest first.
    pub fn sum(&self, versions: &[VersionId]) -> Vec<u64> {
        let mut sums = vec![0; self.steps.len()];
        for counts in versions.iter().filter_map(|version| self.of.get(version)) {
            for (sum, count) in sums.iter_mut().zip(counts) {
                *sum += count;
            }
        }
        sums.into_iter().map(|sum: i64| sum.max(0) as u64).collect()
    }
}
