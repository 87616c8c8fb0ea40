//! What a comparison finds, whichever way it compares.

use crate::domain::outcome::OddsEffect;
use crate::engine::rollup::Hour;
use crate::engine::stats::odds::LogOdds;

/// Miss rate of the confidence sequences.
pub const ALPHA: f64 = 0.05;

/// From which e-values a verdict is given, in logarithms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// For "regressed".
    pub regressed: f64,
    /// For "improved".
    pub improved: f64,
}

/// Which way it was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Worse.
    Regressed,
    /// Better.
    Improved,
}

/// What was found out about the odds of negative units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finding {
    /// The first verdict, and the beginning of the stretch that brought it.
    pub decided: Option<(Direction, Hour)>,
    /// The effect as of the last stretch.
    pub negative: OddsEffect,
    /// The effect on failed calls.
    pub errors: OddsEffect,
    /// ln of the e-value against "as many calls get feedback as before", the larger of both directions.
    pub ln_e_response: f64,
}

impl Finding {
    /// Notes the first crossing of a bar on the way from the change to now; what comes after it does not undo it. The
    /// way is looked at anew each time: late telemetry, and hours that have become days, may move a crossing.
    pub fn judge(&mut self, bar: Bar, at: Hour, [regressed, improved]: [f64; 2]) {
        if self.decided.is_none() {
            let way = if regressed >= bar.regressed {
                Some(Direction::Regressed)
            } else if improved >= bar.improved {
                Some(Direction::Improved)
            } else {
                None
            };
            self.decided = way.map(|way| (way, at));
        }
    }
}

/// An effect on the odds as a vector holds it; `estimate`: ln of the odds ratio; `units`: old and new; `evidence`: ln of
/// the e-values for worse and better.
pub fn effect(
    odds: &LogOdds,
    estimate: f64,
    [old_units, new_units]: [u64; 2],
    evidence: [f64; 2],
) -> OddsEffect {
    let known = old_units > 0 && new_units > 0;
    OddsEffect {
        odds_ratio: known.then(|| estimate.exp()),
        interval: known.then(|| odds.interval(ALPHA).map(f64::exp)),
        old_units,
        new_units,
        ln_e_regressed: evidence[0],
        ln_e_improved: evidence[1],
    }
}
