//! Two versions in the same hours (`statistics.md` 5.1): blocks are closed by stratum (model and source of feedback),
//! and their vectors of log odds added.

use std::collections::BTreeMap;

use super::course::{Course, Tally};
use super::finding::{Bar, Finding, effect};
use crate::domain::feedback::Source;
use crate::domain::outcome::OddsEffect;
use crate::engine::rollup::Hour;
use crate::engine::stats::odds::{Block, Closer, LogOdds, Units};

/// A vector of log odds with the strata that feed it.
#[derive(Default)]
struct Odds {
    closers: BTreeMap<(u32, u8), Closer>,
    sum: LogOdds,
    units: [u64; 2],
}

impl Odds {
    /// Adds what a stratum saw; whether a block was closed.
    fn add(&mut self, stratum: (u32, u8), old: Units, new: Units) -> bool {
        let closed = self.closers.entry(stratum).or_default().add(Block { old, new });
        if let Some(block) = &closed {
            self.sum.add(block);
            self.units[0] += block.old.all;
            self.units[1] += block.new.all;
        }
        closed.is_some()
    }

    fn evidence(&self) -> [f64; 2] {
        [self.sum.ln_e_regressed(), self.sum.ln_e_improved()]
    }

    fn effect(&self) -> OddsEffect {
        effect(&self.sum, self.sum.estimate(), self.units, self.evidence())
    }
}

/// Compares both versions where both ran; see [`super::course::Courses::side_by_side`].
pub fn compare(old: &Course, new: &Course, bar: Bar) -> Finding {
    let (mut negative, mut errors, mut responses) = (Odds::default(), Odds::default(), Odds::default());
    let mut finding =
        Finding { decided: None, negative: negative.effect(), errors: errors.effect(), ln_e_response: 0.0 };
    let mut stretches: Vec<(Hour, u32)> = old.stretches().chain(new.stretches()).map(|(at, _)| at).collect();
    stretches.sort_unstable();
    stretches.dedup();
    for together in stretches.chunk_by(|a, b| a.0 == b.0) {
        let mut closed = false;
        for &(hour, model) in together {
            let both: [Tally; 2] = [old.at((hour, model)), new.at((hour, model))];
            for source in Source::ALL {
                let [a, b] = both.map(|tally| tally.units(source));
                closed |= negative.add((model, source as u8), a, b);
            }
            errors.add((model, 0), both[0].failures(), both[1].failures());
            responses.add((model, 0), both[0].arrivals(), both[1].arrivals());
        }
        if closed {
            finding.judge(bar, together[0].0, negative.evidence());
        }
    }
    let [more, fewer] = responses.evidence();
    Finding {
        negative: negative.effect(),
        errors: errors.effect(),
        ln_e_response: more.max(fewer),
        ..finding
    }
}
