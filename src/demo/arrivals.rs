//! When sessions begin: by the hour of the week for a plan, at a steady rate for a live world.
//!
//! Counts calls, not sessions, so that a plan's number of calls comes out exactly. Must not know what sessions do.
//! Start with [`Arrivals::next`].

use crate::domain::call::{HOUR_MS, Millis};

use super::dice::Dice;
use super::world::{DAY_MS, World};

/// Most calls of a session.
pub const LONGEST_SESSION: u32 = 8;

const MINUTE_MS: i64 = 60_000;
/// Cumulative shares of sessions with 1 to 8 calls.
const SESSION_CALLS: [f64; LONGEST_SESSION as usize] = [0.38, 0.60, 0.75, 0.85, 0.91, 0.95, 0.98, 1.0];
/// Relative traffic by hour of the day (UTC) and by day of the week from Sunday.
const HOURS: [f64; 24] = [
    0.18, 0.14, 0.12, 0.12, 0.16, 0.28, 0.52, 0.95, 1.45, 1.75, 1.80, 1.60, 1.35, 1.55, 1.85, 1.90, 1.75,
    1.50, 1.20, 0.95, 0.75, 0.55, 0.38, 0.25,
];
const WEEKDAYS: [f64; 7] = [0.34, 1.08, 1.16, 1.18, 1.15, 1.02, 0.40];

/// A session that begins.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// When it makes its first call.
    pub at: Millis,
    /// What it calls, an index into the world's recipes.
    pub recipe: usize,
    /// How many calls it makes.
    pub calls: u32,
}

/// The stream of arriving sessions, told stretch by stretch; within a stretch they come in no order.
#[derive(Debug)]
pub struct Arrivals<'w> {
    world: &'w World,
    pace: Pace,
    /// The stretch of time being told.
    from: Millis,
    until: Millis,
    /// Calls that arrived sessions have made or will make.
    issued: u64,
    /// The part of these that went to each recipe with a fixed share.
    given: Vec<u64>,
    next_thin: usize,
}

#[derive(Debug)]
enum Pace {
    /// All calls of the plan, by the hour of the week; `passed` of the total `weight` lies behind.
    Planned { calls: u64, weight: f64, passed: f64 },
    /// So many calls each second since `begin`.
    Live { begin: Millis, per_second: f64 },
}

impl<'w> Arrivals<'w> {
    /// The sessions of the plan.
    pub fn planned(world: &'w World) -> Arrivals<'w> {
        let plan = &world.plan;
        let mut weight = 0.0;
        let mut at = plan.start();
        while at < plan.end {
            weight += busy(at);
            at += MINUTE_MS;
        }
        let calls = plan.calls - world.thin.len() as u64;
        Arrivals::new(world, plan.start(), 0, Pace::Planned { calls, weight, passed: 0.0 })
    }

    /// Sessions at a steady rate (0.001 to 1,000,000 calls a second) from `begin` on, without end.
    pub fn live(world: &'w World, begin: Millis, per_second: f64) -> Arrivals<'w> {
        // `max` turns a NaN into the least rate, which `clamp` alone would keep.
        let per_second = per_second.max(0.001).clamp(0.001, 1e6);
        Arrivals::new(world, begin, world.thin.len(), Pace::Live { begin, per_second })
    }

    fn new(world: &'w World, from: Millis, next_thin: usize, pace: Pace) -> Arrivals<'w> {
        Arrivals { world, pace, from, until: from, issued: 0, given: vec![0; world.shares.len()], next_thin }
    }

    /// All sessions that begin before this moment have been told.
    pub fn known_until(&self) -> Millis {
        self.until
    }

    /// When the traffic ends, if it does.
    pub fn end(&self) -> Option<Millis> {
        matches!(self.pace, Pace::Planned { .. }).then_some(self.world.plan.end)
    }

    /// Goes on to the next stretch; false at the end.
    pub fn advance(&mut self) -> bool {
        if self.end().is_some_and(|end| self.until >= end) {
            return false;
        }
        self.from = self.until;
        match &mut self.pace {
            Pace::Planned { passed, .. } => {
                *passed += busy(self.from);
                self.until = (self.from + MINUTE_MS).min(self.world.plan.end);
            }
            Pace::Live { .. } => self.until = self.from + 1_000,
        }
        true
    }

    /// The next session that begins within the stretch.
    pub fn next(&mut self, dice: &mut Dice) -> Option<Arrival> {
        if let Some((at, recipe)) = self.world.thin.get(self.next_thin)
            && *at < self.until
        {
            self.next_thin += 1;
            return Some(Arrival { at: *at, recipe: *recipe, calls: 1 });
        }
        let room = self.due()?;
        let recipe = self.recipe(dice);
        let roll = dice.unit();
        let calls = SESSION_CALLS.iter().position(|share| roll < *share).unwrap_or(0) as u64 + 1;
        let calls = calls.min(room);
        self.issued += calls;
        if let Some(fixed) = self.world.shares.iter().position(|(fixed, _)| *fixed == recipe) {
            self.given[fixed] += calls;
        }
        let at = self.from + dice.below((self.until - self.from) as usize) as i64;
        Some(Arrival { at, recipe, calls: calls as u32 })
    }

    /// How many calls the next session may have at most, if one is due by the end of the stretch.
    fn due(&self) -> Option<u64> {
        match self.pace {
            Pace::Planned { calls, weight, passed } => {
                let last = self.until >= self.world.plan.end;
                let target = if last { calls } else { ((calls as f64 * passed / weight) as u64).min(calls) };
                (self.issued < target).then(|| calls - self.issued)
            }
            Pace::Live { begin, per_second } => {
                let target = (self.until - begin) as f64 / 1_000.0 * per_second;
                ((self.issued as f64) < target).then_some(u64::MAX)
            }
        }
    }

    /// A recipe with a fixed share that lags behind it, else one by chance.
    fn recipe(&self, dice: &mut Dice) -> usize {
        let lagging =
            |((_, share), given): &(&(usize, f64), &u64)| (**given as f64) < share * self.issued as f64;
        if let Some(((recipe, _), _)) = self.world.shares.iter().zip(&self.given).find(lagging) {
            return *recipe;
        }
        let weights = &self.world.weights;
        let point = dice.unit() * weights[weights.len() - 1];
        weights.partition_point(|w| *w <= point).min(weights.len() - 1)
    }
}

/// Relative traffic at a moment.
fn busy(at: Millis) -> f64 {
    // 1970 began on a Thursday.
    let weekday = (at.div_euclid(DAY_MS) + 4).rem_euclid(7);
    HOURS[at.div_euclid(HOUR_MS).rem_euclid(24) as usize] * WEEKDAYS[weekday as usize]
}
