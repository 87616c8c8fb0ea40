//! Outliers in tokens and cost: several times the median of the peers, and surely more than twice it.

use std::collections::BTreeMap;

use super::gather::Prompt;
use super::lists::{MIN_SPENT, Scan};
use crate::domain::finding::{Assessment, Detector, Evidence, Lack};
use crate::domain::prompt::Name;
use crate::engine::stats::moments::Moments;
use crate::engine::stats::peers::{self, Excess, Spend};
use crate::engine::stats::{discovery, proportion};

/// A prompt is surely dear where its mean is surely more than this many times the median.
const NULL_RATIO: f64 = 2.0;
/// Nano-dollars in a dollar.
const NANO: f64 = 1e-9;

struct Case {
    /// Index of the prompt.
    at: usize,
    spend: Spend,
    median: f64,
    excess: Excess,
    peers: u64,
}

/// Finds outliers in tokens, then in cost.
pub fn outliers(scan: &mut Scan) {
    find(scan, Detector::TokenOutlier, 1.0, |prompt| prompt.tokens);
    find(scan, Detector::CostOutlier, NANO, |prompt| prompt.cost);
}

fn find(scan: &mut Scan, detector: Detector, unit: f64, sum: fn(&Prompt) -> Moments) {
    let null_ratio = NULL_RATIO.min(scan.thresholds.cost_ratio);
    let mut cases: Vec<Case> = Vec::new();
    // One list an organization: what one spends is no matter of another's.
    let mut families: BTreeMap<Option<&Name>, Vec<usize>> = BTreeMap::new();
    for (first, group) in scan.task_types() {
        let known: Vec<(usize, Spend)> = (first..)
            .zip(group)
            .map(|(at, prompt)| (at, Spend::from(sum(prompt))))
            .filter(|(at, spend)| !scan.lacks(*at, detector, Lack::Calls, spend.n, MIN_SPENT))
            .collect();
        let others = (known.len() as u64).saturating_sub(1);
        if others < scan.thresholds.peers {
            for (at, _) in known {
                scan.lacks(at, detector, Lack::Peers, others, scan.thresholds.peers);
            }
            continue;
        }
        let spends: Vec<Spend> = known.iter().map(|(_, spend)| *spend).collect();
        let Some((median, excesses)) = peers::outliers(&spends, null_ratio) else { continue };
        for ((at, spend), excess) in known.into_iter().zip(excesses) {
            families.entry(scan.prompts[at].subject.prompt.place.org()).or_default().push(cases.len());
            cases.push(Case { at, spend, median, excess, peers: others });
        }
    }
    for family in families.values() {
        let p: Vec<f64> = family.iter().map(|&i| cases[i].excess.p).collect();
        let adjusted = discovery::bh_adjust(&p);
        for i in discovery::bh(&p, scan.thresholds.false_discovery) {
            let case = &cases[family[i]];
            if case.excess.ratio >= scan.thresholds.cost_ratio {
                scan.findings.push(assess(scan, detector, unit, case, adjusted[i]));
            }
        }
    }
}

fn assess(scan: &Scan, detector: Detector, unit: f64, case: &Case, adjusted: f64) -> Assessment {
    let Case { spend, excess, median, .. } = case;
    let subject = &scan.prompts[case.at].subject;
    let mean = spend.mean * unit;
    let z = proportion::normal_quantile(f64::midpoint(1.0, proportion::CONFIDENCE));
    let Excess { ratio, robust_z, se, p } = *excess;
    Assessment {
        prompt_uri: subject.prompt.clone(),
        detector,
        task_type: subject.task_type.to_owned(),
        peers: case.peers,
        estimate: mean,
        interval: [mean * (-z * se).exp(), mean * (z * se).exp()],
        threshold: scan.thresholds.cost_ratio * median * unit,
        sample_size: spend.n,
        evidence: Evidence::PValue { p, adjusted, ratio, robust_z },
        expected_gain: mean - median * unit,
        model: None,
        better_model: None,
    }
}
