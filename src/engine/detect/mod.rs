//! Which prompts underperform: the four detectors of the specification over the cells of a window, each with a list
//! procedure that bounds the share of false findings among thousands of prompts (`statistics.md` section 3).
//!
//! What counts: feedback by evidence units ([`Clock::Arrival`](super::rollup::Clock::Arrival)), of which a session or
//! user gives one an hour; screens and snapshots show signals, so their shares may differ from a finding's. Peers are the prompts of the task
//! type. What is too thin is said to be, never judged. Pure, and a function of the sums alone: neither the order of
//! prompts and cells nor their sharding leaves a trace. Start with [`scan`].

mod gather;
mod lists;
mod mismatch;
mod rates;
mod spend;
pub mod words;

pub use gather::Subject;
use lists::Scan;
pub use lists::{MIN_SPENT, WATCH_FROM};

use super::rollup::Cell;
use crate::domain::finding::{Assessment, Evidence, Findings, Thin, Thresholds};
use crate::domain::snapshot::SnapshotWindow;
use crate::domain::window::Window;

/// Looks at all subjects with all detectors.
///
/// `cells`: (index of the subject, number of the model, cell) in any order, any number per pair; cells of other
/// subjects are passed over. `models`: their names by number; models of one name are one.
pub fn scan<'c>(
    window: Window,
    subjects: &[Subject<'_>],
    models: &[&str],
    cells: impl IntoIterator<Item = (u32, u32, &'c Cell)>,
    thresholds: &Thresholds,
) -> Findings {
    let prompts = gather::gather(subjects, models, cells);
    let mut scan = Scan {
        prompts: &prompts,
        thresholds,
        findings: Vec::new(),
        watch: Vec::new(),
        shortfalls: vec![Vec::new(); prompts.len()],
    };
    rates::high_negative(&mut scan);
    rates::low_success(&mut scan);
    spend::outliers(&mut scan);
    mismatch::mismatches(&mut scan, models);
    let Scan { mut findings, mut watch, shortfalls, .. } = scan;
    findings.sort_by(|a, b| {
        let strength = |x: &Assessment| strength(&x.evidence);
        a.detector
            .cmp(&b.detector)
            .then_with(|| strength(b).total_cmp(&strength(a)))
            .then_with(|| a.prompt_uri.cmp(&b.prompt_uri))
    });
    watch.sort_by(|a, b| {
        let chance = |x: &Assessment| probability(&x.evidence);
        chance(b)
            .total_cmp(&chance(a))
            .then_with(|| a.prompt_uri.cmp(&b.prompt_uri))
            .then_with(|| a.detector.cmp(&b.detector))
    });
    let thin = prompts.iter().zip(shortfalls).filter(|(_, missing)| !missing.is_empty());
    let mut insufficient: Vec<Thin> = thin
        .map(|(prompt, shortfalls)| Thin { prompt_uri: prompt.subject.prompt.clone(), shortfalls })
        .collect();
    insufficient.sort_by(|a, b| a.prompt_uri.cmp(&b.prompt_uri));
    Findings {
        window: SnapshotWindow(window),
        prompts: prompts.len() as u64,
        thresholds: *thresholds,
        findings,
        watch,
        insufficient,
    }
}

/// The probability that evidence gives for the threshold being passed; p-values give none.
pub fn probability(evidence: &Evidence) -> f64 {
    match *evidence {
        Evidence::EValue { probability, .. } | Evidence::Probability { probability } => probability,
        Evidence::PValue { .. } => 0.0,
    }
}

fn strength(evidence: &Evidence) -> f64 {
    match *evidence {
        Evidence::EValue { ln_e, .. } => ln_e,
        Evidence::PValue { p, .. } => -p,
        Evidence::Probability { probability } => probability,
    }
}

#[cfg(test)]
mod tests;
