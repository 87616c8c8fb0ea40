//! The days before a baseline, as far as it needs them: totals by prompt and model, and counts by hour of the day.
//!
//! Days are read when a baseline asks for them and kept while the fold goes on; the fold adds those that it passes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;

use rustc_hash::FxHashMap;

use super::Measure;
use crate::engine::rank::{NO_SUBJECT, Roster};
use crate::engine::rollup::{Cell, CellKey, Hour};

/// Where the cells come from.
pub trait Ledger {
    /// Why they do not.
    type Error;

    /// Hands every cell of `hours` to `each`, in any order and any number per key. The hour is that of the cell, or,
    /// unless `hourly`, any of `hours`.
    fn read(
        &mut self,
        hours: Range<Hour>,
        hourly: bool,
        each: &mut dyn FnMut(Hour, CellKey, &Cell),
    ) -> Result<(), Self::Error>;
}

/// Hours in a day.
pub const DAY: Hour = 24;
/// Days of a baseline.
pub const WINDOW_DAYS: i32 = 28;
/// Days of which the hours of the day are learned: as long as hours are kept by default.
pub const PROFILE_DAYS: i32 = 14;

/// Cells of one hour or more, by prompt (a number of the roster) and model, in this order.
pub type Grouped = Vec<Keyed>;

/// A sum of cells with its prompt and model.
pub type Keyed = ((u32, u32), Cell);

/// Bad and all observations by hour of the day.
pub type Profile = [[i64; 2]; 24];

/// Set in the model's number of cells whose calls another prompt's cells hold as well (see [`Roster::outer`]): they count
/// for their prompt, and not for what sums many prompts.
pub const OUTER: u32 = 1 << 31;

/// Prompt, by its number in the roster, and model of a cell; `None` for calls without a prompt.
fn place_of(roster: &Roster<'_>, key: &CellKey) -> Option<(u32, u32)> {
    let index = roster.of_version.get(key.version as usize).copied().unwrap_or(NO_SUBJECT);
    let outer = if roster.outer.contains(&(key.version, key.layer)) { OUTER } else { 0 };
    let prompt = roster.subjects.get(index as usize).filter(|s| s.scope.is_some()).map(|_| index)?;
    Some((prompt, key.model | outer))
}

/// Sums cells by prompt and model.
#[derive(Debug, Default)]
pub struct Sums(BTreeMap<(u32, u32), Cell>);

impl Sums {
    /// Adds a cell.
    pub fn add(&mut self, prompt: u32, model: u32, cell: &Cell) {
        self.0.entry((prompt, model)).or_default().merge(cell, 1);
    }

    /// The sums in order.
    pub fn into_grouped(self) -> Grouped {
        self.0.into_iter().filter(|(_, cell)| !cell.is_empty()).collect()
    }
}

/// The cells of one day as bytes: a few dozen each, where a cell in memory takes several hundred.
#[derive(Debug, Default)]
struct Packed {
    /// By prompt and model: where the cell begins.
    index: Vec<((u32, u32), u32)>,
    bytes: Vec<u8>,
}

impl Packed {
    fn of(cells: &[Keyed]) -> Packed {
        let mut packed = Packed::default();
        for (key, cell) in cells {
            packed.index.push((*key, packed.bytes.len() as u32));
            // Writing to memory does not fail.
            packed.bytes = postcard::to_extend(cell, std::mem::take(&mut packed.bytes)).unwrap_or_default();
        }
        packed
    }

    /// The cells of these prompts that `picks` names by prompt and model.
    fn cells<'p>(
        &'p self,
        prompts: &Range<u32>,
        picks: impl Fn(u32, u32) -> bool + 'p,
    ) -> impl Iterator<Item = Keyed> + 'p {
        let from = self.index.partition_point(|(key, _)| key.0 < prompts.start);
        let to = self.index.partition_point(|(key, _)| key.0 < prompts.end).max(from);
        let picked = self.index[from..to].iter().filter(move |((prompt, model), _)| picks(*prompt, *model));
        // What was packed here unpacks.
        picked.filter_map(|(key, at)| Some((*key, postcard::from_bytes(&self.bytes[*at as usize..]).ok()?)))
    }
}

/// Observations of one day by hour of the day: hour, bad, all. By prompt, measure and part.
type Profiles = FxHashMap<(u32, Measure, u8), Vec<(u8, u32, u32)>>;

/// What is known of days that are over.
#[derive(Debug, Default)]
pub struct History {
    days: BTreeMap<i32, Packed>,
    profiles: BTreeMap<i32, Profiles>,
    /// The sums of the days of `window`, which slides.
    fleet: Grouped,
    window: Range<i32>,
    passing: Passing,
}

/// The day that the fold is passing: how many of its hours it has, from midnight on, and what they sum to.
#[derive(Debug, Default)]
struct Passing {
    hours: Hour,
    sums: Sums,
    profiles: Profiles,
}

impl History {
    /// Takes in an hour that the fold has passed. Hours come in order; a day of which all came is known.
    pub fn passed(&mut self, hour: Hour, cells: &Grouped) {
        if hour.rem_euclid(DAY) == 0 {
            self.passing = Passing::default();
        }
        self.passing.hours += 1;
        for ((prompt, model), cell) in cells {
            self.passing.sums.add(*prompt, *model, cell);
        }
        profile(&mut self.passing.profiles, hour, cells);
        if self.passing.hours == DAY && (hour + 1).rem_euclid(DAY) == 0 {
            let Passing { sums, profiles, .. } = std::mem::take(&mut self.passing);
            let day = hour.div_euclid(DAY);
            self.days.insert(day, Packed::of(&sums.into_grouped()));
            self.profiles.insert(day, profiles);
        }
    }

    /// Reads what is missing of the days before `day` and lets go of those that no baseline asks for any more.
    pub fn load<L: Ledger>(&mut self, ledger: &mut L, roster: &Roster<'_>, day: i32) -> Result<(), L::Error> {
        for day in day - WINDOW_DAYS..day {
            if let Entry::Vacant(missing) = self.days.entry(day) {
                let mut sums = Sums::default();
                ledger.read(day * DAY..(day + 1) * DAY, false, &mut |_, key, cell| {
                    if let Some((prompt, model)) = place_of(roster, &key) {
                        sums.add(prompt, model, cell);
                    }
                })?;
                missing.insert(Packed::of(&sums.into_grouped()));
            }
        }
        for day in day - PROFILE_DAYS..day {
            if let Entry::Vacant(missing) = self.profiles.entry(day) {
                let mut profiles = Profiles::default();
                for hour in day * DAY..(day + 1) * DAY {
                    profile(&mut profiles, hour, &read_hour(ledger, roster, hour)?);
                }
                missing.insert(profiles);
            }
        }
        self.slide(day - WINDOW_DAYS..day);
        self.days = self.days.split_off(&(day - WINDOW_DAYS));
        self.profiles = self.profiles.split_off(&(day - PROFILE_DAYS));
        Ok(())
    }

    /// Moves the sums on: cells are sums of whole numbers, so what leaves is subtracted and nothing is lost.
    fn slide(&mut self, to: Range<i32>) {
        for day in self.window.start..to.start.min(self.window.end) {
            self.add(day, -1);
        }
        for day in to.start.max(self.window.end)..to.end {
            self.add(day, 1);
        }
        self.window = to;
    }

    fn add(&mut self, day: i32, sign: i32) {
        let Some(packed) = self.days.get(&day) else { return };
        let known = self.fleet.len();
        for (key, cell) in packed.cells(&ALL, |_, _| true) {
            match self.fleet[..known].binary_search_by_key(&key, |sum| sum.0) {
                Ok(at) => self.fleet[at].1.merge(&cell, sign),
                Err(_) => self.fleet.push((key, cell)),
            }
        }
        self.fleet.retain(|(_, cell)| !cell.is_empty());
        self.fleet.sort_by_key(|sum| sum.0);
    }

    /// The sums of the whole window before the day that was loaded for, by prompt and model.
    pub fn fleet(&self) -> &Grouped {
        &self.fleet
    }

    /// The sums over some days of the cells that are picked.
    pub fn totals(
        &self,
        days: Range<i32>,
        prompts: &Range<u32>,
        picks: impl Fn(u32, u32) -> bool + Copy,
    ) -> Grouped {
        let mut sums = Sums::default();
        for ((prompt, model), cell) in self.days.range(days).flat_map(|(_, day)| day.cells(prompts, picks)) {
            sums.add(prompt, model, &cell);
        }
        sums.into_grouped()
    }

    /// The first of the days on which one of the cells that are picked has something to see.
    pub fn first_day(
        &self,
        days: Range<i32>,
        prompts: &Range<u32>,
        picks: impl Fn(u32, u32) -> bool + Copy,
        seen: impl Fn(&Cell) -> bool,
    ) -> Option<i32> {
        let mut days = self.days.range(days);
        days.find(|(_, day)| day.cells(prompts, picks).any(|(_, cell)| seen(&cell))).map(|(day, _)| *day)
    }

    /// The hours of the day of a stratum.
    pub fn profile(&self, prompt: u32, measure: Measure, part: u8) -> Profile {
        let mut sum = Profile::default();
        let days = self.profiles.values().filter_map(|day| day.get(&(prompt, measure, part)));
        for &(hour, bad, all) in days.flatten() {
            let slot = &mut sum[usize::from(hour)];
            *slot = [slot[0] + i64::from(bad), slot[1] + i64::from(all)];
        }
        sum
    }
}

/// All prompts.
pub const ALL: Range<u32> = 0..u32::MAX;

/// Adds the cells of an hour to the profiles of its day.
fn profile(profiles: &mut Profiles, hour: Hour, cells: &Grouped) {
    let hour = hour.rem_euclid(DAY) as u8;
    for ((prompt, _), cell) in cells {
        for measure in Measure::ALL.into_iter().filter(|m| !m.is_quantity()) {
            for part in 0..measure.parts() {
                let all = measure.all(cell, part);
                if all > 0 {
                    let (bad, all) = (measure.bad(cell, part, 0).max(0) as u32, all as u32);
                    let hours = profiles.entry((*prompt, measure, part)).or_default();
                    match hours.last_mut().filter(|last| last.0 == hour) {
                        Some(last) => (last.1, last.2) = (last.1 + bad, last.2 + all),
                        None => hours.push((hour, bad, all)),
                    }
                }
            }
        }
    }
}

/// Reads one hour, by prompt and model. A day of thousands of prompts is too much to hold at once.
pub fn read_hour<L: Ledger>(ledger: &mut L, roster: &Roster<'_>, hour: Hour) -> Result<Grouped, L::Error> {
    let mut sums = Sums::default();
    ledger.read(hour..hour + 1, true, &mut |_, key, cell| {
        if let Some((prompt, model)) = place_of(roster, &key) {
            sums.add(prompt, model, cell);
        }
    })?;
    Ok(sums.into_grouped())
}
