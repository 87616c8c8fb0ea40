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

/// Which prompt of the roster a cell counts for; `None` for calls without one.
pub fn prompt_of(roster: &Roster<'_>, key: &CellKey) -> Option<u32> {
    let index = roster.of_version.get(key.version as usize).copied().unwrap_or(NO_SUBJECT);
    roster.subjects.get(index as usize).filter(|s| s.scope.is_some()).map(|_| index)
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

/// By prompt, measure and part.
type Profiles = FxHashMap<(u32, Measure, u8), Profile>;

/// What is known of days that are over.
#[derive(Debug, Default)]
pub struct History {
    totals: BTreeMap<i32, Grouped>,
    profiles: BTreeMap<i32, Profiles>,
}

impl History {
    /// Takes in a whole day that the fold has passed, hour by hour.
    pub fn passed(&mut self, day: i32, hours: &BTreeMap<Hour, Grouped>) {
        let mut sums = Sums::default();
        for ((prompt, model), cell) in hours.values().flatten() {
            sums.add(*prompt, *model, cell);
        }
        self.totals.insert(day, sums.into_grouped());
        self.profiles.insert(day, profiles(hours));
    }

    /// Reads what is missing of the days before `day` and lets go of those that no baseline asks for any more.
    pub fn load<L: Ledger>(&mut self, ledger: &mut L, roster: &Roster<'_>, day: i32) -> Result<(), L::Error> {
        self.totals = self.totals.split_off(&(day - WINDOW_DAYS));
        self.profiles = self.profiles.split_off(&(day - PROFILE_DAYS));
        for day in day - WINDOW_DAYS..day {
            if let Entry::Vacant(missing) = self.totals.entry(day) {
                let mut sums = Sums::default();
                ledger.read(day * DAY..(day + 1) * DAY, false, &mut |_, key, cell| {
                    if let Some(prompt) = prompt_of(roster, &key) {
                        sums.add(prompt, key.model, cell);
                    }
                })?;
                missing.insert(sums.into_grouped());
            }
        }
        for day in day - PROFILE_DAYS..day {
            if let Entry::Vacant(missing) = self.profiles.entry(day) {
                let hours = read_hours(ledger, roster, day * DAY..(day + 1) * DAY)?;
                missing.insert(profiles(&hours));
            }
        }
        Ok(())
    }

    /// The sums of the days, by prompt and model.
    pub fn totals(&self, days: Range<i32>) -> Grouped {
        let mut sums = Sums::default();
        for ((prompt, model), cell) in self.totals.range(days).flat_map(|(_, day)| day) {
            sums.add(*prompt, *model, cell);
        }
        sums.into_grouped()
    }

    /// The first of the days on which something was observed.
    pub fn first_day(&self, days: Range<i32>, seen: impl Fn(&Grouped) -> bool) -> Option<i32> {
        self.totals.range(days).find(|(_, day)| seen(day)).map(|(day, _)| *day)
    }

    /// The hours of the day of a stratum.
    pub fn profile(&self, prompt: u32, measure: Measure, part: u8) -> Profile {
        let mut sum = Profile::default();
        for profile in self.profiles.values().filter_map(|day| day.get(&(prompt, measure, part))) {
            for (sum, hour) in sum.iter_mut().zip(profile) {
                *sum = [sum[0] + hour[0], sum[1] + hour[1]];
            }
        }
        sum
    }
}

fn profiles(hours: &BTreeMap<Hour, Grouped>) -> Profiles {
    let mut profiles = Profiles::default();
    for (hour, cells) in hours {
        for ((prompt, _), cell) in cells {
            for measure in Measure::ALL.into_iter().filter(|m| !m.is_quantity()) {
                for part in 0..measure.parts() {
                    let n = measure.all(cell, part);
                    if n > 0 {
                        let profile = profiles.entry((*prompt, measure, part)).or_default();
                        let slot = &mut profile[hour.rem_euclid(DAY) as usize];
                        *slot = [slot[0] + measure.bad(cell, part, 0), slot[1] + n];
                    }
                }
            }
        }
    }
    profiles
}

/// Reads hours as such, in order.
pub fn read_hours<L: Ledger>(
    ledger: &mut L,
    roster: &Roster<'_>,
    hours: Range<Hour>,
) -> Result<BTreeMap<Hour, Grouped>, L::Error> {
    let mut sums: BTreeMap<Hour, Sums> = BTreeMap::new();
    ledger.read(hours, true, &mut |hour, key, cell| {
        if let Some(prompt) = prompt_of(roster, &key) {
            sums.entry(hour).or_default().add(prompt, key.model, cell);
        }
    })?;
    Ok(sums.into_iter().map(|(hour, sums)| (hour, sums.into_grouped())).collect())
}
