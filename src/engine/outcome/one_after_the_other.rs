//! The old version before the change, the new one after it (`statistics.md` 5.2): confounded with whatever else
//! changed, of which the peers' drift is taken out.

use std::collections::BTreeMap;

use super::course::{Course, Courses, Tally};
use super::finding::{Bar, Finding, effect};
use crate::domain::feedback::Source;
use crate::domain::outcome::OddsEffect;
use crate::engine::rollup::Hour;
use crate::engine::stats::before_after::{self, Before};
use crate::engine::stats::odds::{BLOCK_UNITS, Block, LogOdds, Units, mantel_haenszel};
use crate::engine::stats::shrink::{self, Prior};

/// Units of the peers, before and after, from which their drift is believed.
const PEER_UNITS: u64 = 200;
/// Hours that feedback is given to come before a call counts as one without.
const RESPONSE: Hour = 24;

/// What a prompt of the same task type saw before the change and since.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Peer {
    /// Before.
    pub before: Course,
    /// Since.
    pub since: Course,
}

/// What the peers say of feedback by one source.
struct Fleet {
    prior: Prior,
    /// How far their rates moved on the logit.
    offset: f64,
}

impl Fleet {
    fn of(peers: &[(Tally, Tally)], own: &Tally, source: Source) -> Fleet {
        let blocks: Vec<Block> = peers
            .iter()
            .map(|(before, since)| Block { old: before.units(source), new: since.units(source) })
            .collect();
        // The prompt is one of its fleet: without peers it is all that the prior knows.
        let cells: Vec<(f64, f64)> = blocks
            .iter()
            .map(|b| b.old)
            .chain([own.units(source)])
            .map(|u| (u.bad.min(u.all) as f64, u.all as f64))
            .collect();
        let enough = |of: fn(&Block) -> Units| blocks.iter().map(|b| of(b).all).sum::<u64>() >= PEER_UNITS;
        let known = enough(|b| b.old) && enough(|b| b.new);
        let offset = if known { mantel_haenszel(&blocks).unwrap_or(0.0) } else { 0.0 };
        Fleet { prior: shrink::fit(&cells), offset }
    }
}

/// A stratum: what the old version predicts for it, and what was seen of it with the old one and the new.
struct Stratum {
    before: Before,
    old: Units,
    new: Units,
}

impl Stratum {
    fn new(prior: Prior, old: Units, offset: f64) -> Stratum {
        Stratum { before: Before::new(prior, old, offset), old, new: Units::default() }
    }
}

fn evidence<'s>(strata: impl IntoIterator<Item = &'s Stratum>) -> [f64; 2] {
    let found = before_after::evidence(strata.into_iter().map(|s| (&s.before, s.new)));
    [found.ln_e_regressed, found.ln_e_improved]
}

fn effect_of(strata: &[&Stratum]) -> OddsEffect {
    let units = |of: fn(&Stratum) -> Units| strata.iter().map(|s| of(s).all).sum();
    let odds = before_after::log_odds(strata.iter().map(|s| (&s.before, s.new)));
    // A prompt that looked bad by luck has two likely pasts: the mean weighs both.
    effect(&odds, odds.mean(), [units(|s| s.old), units(|s| s.new)], evidence(strata.iter().copied()))
}

/// A rate of calls, model by model, each model's prior being its own rate before: there is no fleet whose calls fail
/// alike.
fn of_calls(
    before: &BTreeMap<u32, Tally>,
    since: &BTreeMap<u32, Tally>,
    of: fn(&Tally) -> Units,
) -> OddsEffect {
    let strata: Vec<Stratum> = before
        .iter()
        .filter_map(|(model, tally)| {
            let (old, new) = (of(tally), of(since.get(model)?));
            let prior = shrink::fit(&[(old.bad as f64, old.all as f64)]);
            (old.all >= BLOCK_UNITS).then(|| Stratum { new, ..Stratum::new(prior, old, 0.0) })
        })
        .collect();
    effect_of(&strata.iter().collect::<Vec<_>>())
}

/// Compares what came after with what the old version predicts; `until`: the end of the last hour that is counted.
///
/// Models on which the old version has next to no units are left out: they would tell of the model.
pub fn compare(courses: &Courses, peers: &[Peer], until: Hour, bar: Bar) -> Finding {
    let own = courses.before.total();
    let totals: Vec<(Tally, Tally)> = peers.iter().map(|p| (p.before.total(), p.since.total())).collect();
    let fleets = Source::ALL.map(|source| Fleet::of(&totals, &own, source));
    let old = courses.before.by_model();
    let mut strata: BTreeMap<(u32, u8), Stratum> = BTreeMap::new();
    for (model, tally) in &old {
        for (source, fleet) in Source::ALL.into_iter().zip(&fleets) {
            let seen = tally.units(source);
            if seen.all >= BLOCK_UNITS {
                strata.insert((*model, source as u8), Stratum::new(fleet.prior, seen, fleet.offset));
            }
        }
    }
    let nothing = effect(&LogOdds::default(), 0.0, [0, 0], [0.0, 0.0]);
    let mut finding = Finding { decided: None, negative: nothing, errors: nothing, ln_e_response: 0.0 };
    for ((hour, model), tally) in courses.new.stretches() {
        let mut came = false;
        for source in Source::ALL {
            let seen = tally.units(source);
            if let Some(stratum) = strata.get_mut(&(model, source as u8)).filter(|_| seen.all > 0) {
                stratum.new += seen;
                came = true;
            }
        }
        if came {
            finding.judge(bar, hour, evidence(strata.values()));
        }
    }
    let mut answered = Course::default();
    answered.extend(courses.new.stretches().filter(|((hour, _), _)| hour + RESPONSE < until));
    let responses = of_calls(&old, &answered.by_model(), Tally::responses);
    Finding {
        negative: effect_of(&strata.values().collect::<Vec<_>>()),
        errors: of_calls(&old, &courses.new.by_model(), Tally::failures),
        ln_e_response: responses.ln_e_regressed.max(responses.ln_e_improved),
        ..finding
    }
}
