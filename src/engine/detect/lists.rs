//! The lists that a scan fills on its way from detector to detector. Start with [`Scan`].

use super::gather::Prompt;
use crate::domain::finding::{Assessment, Detector, Lack, Shortfall, Thresholds};
use crate::domain::snapshot::Verdict;

/// The probability of being beyond its threshold from which a prompt that is on no list is watched.
pub const WATCH_FROM: f64 = 0.5;
/// Calls that a mean of tokens or costs is compared from: below [`OWN_VARIANCE`](crate::engine::stats::peers::OWN_VARIANCE) the spread of
/// the peers stands in for its own, so three are enough to be taken with due doubt.
pub const MIN_SPENT: u64 = 3;

/// A scan on its way from detector to detector.
pub struct Scan<'p, 'a> {
    /// Ordered by task type, then URI.
    pub prompts: &'p [Prompt<'a>],
    pub thresholds: &'p Thresholds,
    pub findings: Vec<Assessment>,
    pub watch: Vec<Assessment>,
    /// By prompt.
    pub shortfalls: Vec<Vec<Shortfall>>,
}

impl<'p, 'a> Scan<'p, 'a> {
    /// The prompts of each task type, with the index of the first.
    pub fn task_types(&self) -> impl Iterator<Item = (usize, &'p [Prompt<'a>])> + use<'p, 'a> {
        let mut first = 0;
        self.prompts.chunk_by(|a, b| a.subject.task_type == b.subject.task_type).map(move |group| {
            let at = first;
            first += group.len();
            (at, group)
        })
    }

    /// Says that prompt `at` has too little, if it has.
    pub fn lacks(&mut self, at: usize, detector: Detector, of: Lack, have: u64, need: u64) -> bool {
        if have < need {
            let verdict = Verdict::Insufficient;
            self.shortfalls[at].push(Shortfall { detector, verdict, of, have, missing: need - have });
        }
        have < need
    }
}
