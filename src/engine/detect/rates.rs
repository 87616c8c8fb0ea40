//! High negative rate, and low success against peers: an e-value per prompt, e-BH over all.

use super::gather::Prompt;
use super::lists::{Scan, WATCH_FROM};
use crate::domain::finding::{Assessment, Detector, Evidence, Lack};
use crate::engine::evidence::{MIN_CALLS, MIN_SIGNALS};
use crate::engine::stats::proportion::{self, CONFIDENCE};
use crate::engine::stats::shrink::{self, Prior};
use crate::engine::stats::{beta, discovery, peers, threshold};

/// A low success rate is at least this many robust standard deviations of the peers below their median.
const SPREADS: f64 = 1.5;

/// A prompt's bad events against a tolerated rate.
#[derive(Debug, Clone, Copy)]
struct Case {
    /// Index of the prompt.
    at: usize,
    /// Bad events.
    k: u64,
    n: u64,
    tolerated: f64,
    /// What the bad rate usually is among the peers.
    usual: f64,
    prior: Prior,
    peers: u64,
}

/// More negative units than tolerated.
pub fn high_negative(scan: &mut Scan) {
    let mut cases = Vec::new();
    for (first, group) in scan.task_types() {
        let counts: Vec<(f64, f64)> = group.iter().map(|p| (p.negative as f64, p.units as f64)).collect();
        let prior = shrink::fit(&counts);
        let heard = group.iter().filter(|p| p.units > 0).count() as u64;
        for (at, prompt) in (first..).zip(group) {
            if !scan.lacks(at, Detector::HighNegative, Lack::Units, prompt.units, MIN_SIGNALS) {
                cases.push(Case {
                    at,
                    k: prompt.negative,
                    n: prompt.units,
                    tolerated: scan.thresholds.negative_rate,
                    usual: prior.mean,
                    prior,
                    peers: heard - 1,
                });
            }
        }
    }
    list(scan, Detector::HighNegative, &cases);
}

/// Fewer answered calls than the peers' median less a margin.
pub fn low_success(scan: &mut Scan) {
    const THIS: Detector = Detector::LowSuccess;
    let mut cases = Vec::new();
    for (first, group) in scan.task_types() {
        let called: Vec<&Prompt> = group.iter().filter(|p| p.calls > 0).collect();
        let counts: Vec<(f64, f64)> = called.iter().map(|p| (p.ok as f64, p.calls as f64)).collect();
        let others = (counts.len() as u64).saturating_sub(1);
        let low = (others >= scan.thresholds.peers)
            .then(|| peers::low_rate(&counts, scan.thresholds.success_margin, SPREADS));
        for (at, prompt) in (first..).zip(group) {
            if scan.lacks(at, THIS, Lack::Calls, prompt.calls, MIN_CALLS) {
                continue;
            }
            let Some(low) = &low else {
                scan.lacks(at, THIS, Lack::Peers, others, scan.thresholds.peers);
                continue;
            };
            cases.push(Case {
                at,
                k: prompt.calls - prompt.ok,
                n: prompt.calls,
                tolerated: 1.0 - low.theta,
                usual: 1.0 - low.median,
                prior: Prior { mean: 1.0 - low.prior.mean, strength: low.prior.strength },
                peers: others,
            });
        }
    }
    list(scan, THIS, &cases);
}

/// Lists the cases by e-BH; what is probable but not listed is watched.
fn list(scan: &mut Scan, detector: Detector, cases: &[Case]) {
    let ln_e: Vec<f64> = cases.iter().map(|c| threshold::ln_e(c.k, c.n, c.tolerated)).collect();
    let mut listed = discovery::e_bh(&ln_e, scan.thresholds.false_discovery).into_iter().peekable();
    for (i, (case, ln_e)) in cases.iter().zip(ln_e).enumerate() {
        let posterior = case.prior.posterior(case.k as f64, case.n as f64);
        let probability = 1.0 - beta::cdf(posterior.alpha, posterior.beta, case.tolerated);
        let found = listed.next_if_eq(&i).is_some();
        if !found && probability < WATCH_FROM {
            continue;
        }
        let Prompt { subject, .. } = &scan.prompts[case.at];
        // Success is read the other way round.
        let good = detector == Detector::LowSuccess;
        let counted = if good { case.n - case.k } else { case.k };
        let assessment = Assessment {
            prompt_uri: subject.prompt.clone(),
            detector,
            task_type: subject.task_type.to_owned(),
            peers: case.peers,
            estimate: counted as f64 / case.n as f64,
            interval: proportion::confidence_sequence(counted, case.n, 1.0 - CONFIDENCE),
            threshold: if good { 1.0 - case.tolerated } else { case.tolerated },
            sample_size: case.n,
            evidence: Evidence::EValue { ln_e, e: ln_e.exp().min(f64::MAX), probability },
            expected_gain: (posterior.mean() - case.usual).max(0.0),
            model: None,
            better_model: None,
        };
        if found { scan.findings.push(assessment) } else { scan.watch.push(assessment) }
    }
}
