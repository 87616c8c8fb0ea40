//! How the rate of bad units changed from one time to the next, when the two versions never ran side by side: how well
//! the old version, shrunk to its peers and moved by what moved them, predicts what comes after.
//!
//! The guarantee is an average over prompts that are distributed as the prior, and whatever else changed at the time
//! is taken for the version's doing: such evidence is confounded, and is to be labelled so. Formula:
//! `statistics.md` 5.2; what it buys: 5.4. Start with [`Before`].

use super::beta;
use super::odds::{LogOdds, Units, ln_sum};
use super::shrink::{DIFFUSE, DIFFUSE_SHARE, Prior};

/// Nodes of each component of the posterior.
const NODES: usize = 15;
/// Odds ratios that are mixed over; their inverses in the other direction.
const PSI: [f64; 4] = [1.25, 1.5, 2.0, 3.0];

/// One rate that the old version may have had, with what is needed of it for each new unit.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Node {
    /// ln of its posterior weight.
    weight: f64,
    /// ln of the rate.
    bad: f64,
    /// ln of one less the rate.
    good: f64,
    /// ln(1 + (ψ − 1) · rate) for each ψ, then for each inverse.
    norms: [[f64; 4]; 2],
}

/// What the old version predicts.
#[derive(Debug, Clone, PartialEq)]
pub struct Before {
    nodes: Vec<Node>,
    /// Posterior weight of the diffuse part: near 1 for a prompt that is unlike its peers.
    pub diffuse: f64,
}

/// ln of the e-values for both directions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// Against "as before": large where it became worse.
    pub ln_e_regressed: f64,
    /// Large where it became better.
    pub ln_e_improved: f64,
}

impl Before {
    /// `prior`: fitted over the peers; `seen`: the old version; `offset`: by how much the logit of the peers' rates
    /// moved since (0 where nothing is known of it).
    pub fn new(prior: Prior, seen: Units, offset: f64) -> Before {
        let (bad, all) = (seen.bad.min(seen.all) as f64, seen.all as f64);
        let mean = prior.mean.clamp(1e-6, 1.0 - 1e-6);
        let (weight, c, d) =
            (DIFFUSE_SHARE, DIFFUSE.mean * DIFFUSE.strength, (1.0 - DIFFUSE.mean) * DIFFUSE.strength);
        let fleet = (mean * prior.strength, (1.0 - mean) * prior.strength);
        let ln_odds = beta::ln_marginal(bad, all, c, d) - beta::ln_marginal(bad, all, fleet.0, fleet.1)
            + (weight / (1.0 - weight)).ln();
        let diffuse = 1.0 / (1.0 + (-ln_odds).exp());
        // The smaller weight by itself: 1 − x would lose it.
        let peers = 1.0 / (1.0 + ln_odds.exp());
        let nodes = [(fleet, peers), ((c, d), diffuse)]
            .into_iter()
            .filter(|(_, weight)| *weight > 0.0)
            .flat_map(|((a, b), weight)| {
                let ln_weight = (weight / NODES as f64).ln();
                (0..NODES).map(move |i| {
                    let at = (i as f64 + 0.5) / NODES as f64;
                    let p = beta::quantile(a + bad, b + all - bad, at).clamp(1e-5, 0.9999);
                    node(ln_weight, p, offset)
                })
            })
            .collect();
        Before { nodes, diffuse }
    }

    /// Of each node: ln of its weight times its likelihood of `seen`.
    fn ln_likelihoods(&self, seen: Units) -> Vec<f64> {
        let bad = seen.bad.min(seen.all);
        let (bad, good) = (bad as f64, (seen.all - bad) as f64);
        self.nodes.iter().map(|n| n.weight + bad * n.bad + good * n.good).collect()
    }

    /// ln of the likelihood ratio of `seen` at the odds ratio that `of` picks a norm for, to the odds as before.
    fn ln_ratio(&self, base: &[f64], seen: Units, ln_psi: f64, norm: impl Fn(&Node) -> f64 + Copy) -> f64 {
        let all = seen.all as f64;
        let moved = self.nodes.iter().zip(base).map(|(node, ln)| ln - all * norm(node));
        seen.bad as f64 * ln_psi + ln_sum(moved) - ln_sum(base.iter().copied())
    }

    /// The evidence of what the new version saw so far.
    pub fn evidence(&self, seen: Units) -> Evidence {
        evidence([(self, seen)])
    }
}

fn node(ln_weight: f64, p: f64, offset: f64) -> Node {
    let odds = p / (1.0 - p) * offset.exp();
    let norms = |psi: [f64; 4]| psi.map(|psi| (psi * odds).ln_1p() - odds.ln_1p());
    Node {
        weight: ln_weight,
        bad: odds.ln() - odds.ln_1p(),
        good: -odds.ln_1p(),
        norms: [norms(PSI), norms(PSI.map(|psi| 1.0 / psi))],
    }
}

/// What the strata say of every odds ratio on the grid: the likelihood of what the new version saw, over the rates that
/// the old one may have had. Its estimate is shrunk as these rates are; its confidence sequence holds on average over
/// prompts distributed as the prior.
pub fn log_odds<'b>(strata: impl IntoIterator<Item = (&'b Before, Units)>) -> LogOdds {
    let mut sum = LogOdds::default();
    for (before, seen) in strata {
        let base = before.ln_likelihoods(seen);
        let bad = seen.bad.min(seen.all);
        sum.add_likelihood(|g| {
            before.ln_ratio(&base, Units { bad, ..seen }, g, |node| (node.bad.exp() * g.exp_m1()).ln_1p())
        });
    }
    sum
}

/// The evidence of several strata, each with a rate of its own before and all with the same odds ratio since. Of one
/// stratum it is the formula of `statistics.md` 5.2.
pub fn evidence<'b>(strata: impl IntoIterator<Item = (&'b Before, Units)>) -> Evidence {
    let mut sums = [[0.0; 4]; 2];
    for (before, mut seen) in strata {
        seen.bad = seen.bad.min(seen.all);
        let base = before.ln_likelihoods(seen);
        for (side, sums) in sums.iter_mut().enumerate() {
            let sign = if side == 0 { 1.0 } else { -1.0 };
            for (j, (sum, psi)) in sums.iter_mut().zip(PSI).enumerate() {
                *sum += before.ln_ratio(&base, seen, sign * psi.ln(), |node| node.norms[side][j]);
            }
        }
    }
    let [worse, better] = sums.map(|ln| ln_sum(ln) - (PSI.len() as f64).ln());
    Evidence { ln_e_regressed: worse, ln_e_improved: better }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn prior() -> Prior {
        Prior { mean: 0.12, strength: 40.0 }
    }

    #[test]
    fn known_values() {
        let before = Before::new(prior(), Units { bad: 120, all: 1000 }, -0.1);
        let found = before.evidence(Units { bad: 40, all: 600 });
        assert!((found.ln_e_regressed + 6.685_484_552_640_048).abs() < 1e-9);
        assert!((found.ln_e_improved - 3.826_823_257_249_117).abs() < 1e-9);
        assert!((before.diffuse - 0.033_273_383_633_617_59).abs() < 1e-9);
        let nothing = before.evidence(Units::default());
        assert!(nothing.ln_e_regressed.abs() < 1e-12 && nothing.ln_e_improved.abs() < 1e-12);
    }

    #[test]
    fn the_grid_agrees_with_the_evidence() {
        let before = Before::new(prior(), Units { bad: 120, all: 1000 }, 0.1);
        let seen = Units { bad: 70, all: 300 };
        let odds = log_odds([(&before, seen)]);
        let base = before.ln_likelihoods(seen);
        let at = |psi: f64| before.ln_ratio(&base, seen, psi.ln(), |n| (n.bad.exp() * (psi - 1.0)).ln_1p());
        let mixed = ln_sum(PSI.map(at)) - (PSI.len() as f64).ln();
        assert!((mixed - before.evidence(seen).ln_e_regressed).abs() < 1e-9);
        let [low, high] = odds.interval(0.05);
        assert!(0.0 < low && low < odds.estimate() && odds.estimate() < high && high < 2.0);
    }

    #[test]
    fn many_thin_strata_do_not_add_up_to_a_difference() {
        // Four units in each of eighteen strata, none of them bad where one in ten was: nothing to be said of worse.
        let thin: Vec<Before> =
            (0..18).map(|_| Before::new(prior(), Units { bad: 1, all: 8 }, 0.0)).collect();
        let odds = log_odds(thin.iter().map(|before| (before, Units { bad: 0, all: 4 })));
        assert!(odds.estimate() < 0.0 && odds.interval(0.05)[0] < 0.0, "{}", odds.estimate());
        let usual =
            log_odds(thin.iter().enumerate().map(|(i, b)| (b, Units { bad: u64::from(i % 2 == 0), all: 4 })));
        assert!(usual.estimate().abs() < 0.35 && usual.interval(0.05)[0] < 0.0, "{}", usual.estimate());
    }

    #[test]
    fn a_thin_stratum_adds_little_and_strata_agree() {
        let strong = Before::new(prior(), Units { bad: 120, all: 1000 }, 0.0);
        let thin = Before::new(prior(), Units { bad: 1, all: 9 }, 0.0);
        let (new, little) = (Units { bad: 60, all: 300 }, Units { bad: 1, all: 7 });
        let alone = strong.evidence(new).ln_e_regressed;
        let both = evidence([(&strong, new), (&thin, little)]).ln_e_regressed;
        assert!((both - alone).abs() < 0.5, "{alone} {both}");
        let twice = evidence([(&strong, new), (&strong, new)]).ln_e_regressed;
        assert!(twice > 1.5 * alone, "{alone} {twice}");
    }

    #[test]
    fn what_moved_the_peers_is_not_the_versions_doing() {
        let (old, new) = (Units { bad: 60, all: 600 }, Units { bad: 85, all: 600 });
        let alone = Before::new(prior(), old, 0.0).evidence(new);
        let moved = Before::new(prior(), old, 0.4).evidence(new);
        assert!(alone.ln_e_regressed > 0.0 && moved.ln_e_regressed < alone.ln_e_regressed - 1.0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn nothing_breaks_it(
            mean in 0.0f64..=1.0, strength in 0.01f64..5_000.0, a in 0u32..31, b in 0u32..31, c in 0u32..31, d in 0u32..31,
            offset in -3.0f64..3.0,
        ) {
            let size = |bits: u32| (1u64 << bits) - 1;
            let before = Before::new(Prior { mean, strength }, Units { bad: size(a), all: size(b) }, offset);
            let found = before.evidence(Units { bad: size(c), all: size(d) });
            prop_assert!((0.0..=1.0).contains(&before.diffuse), "{before:?}");
            prop_assert!(found.ln_e_regressed.is_finite() && found.ln_e_improved.is_finite(), "{found:?}");
            let odds = log_odds([(&before, Units { bad: size(c), all: size(d) })]);
            prop_assert!(odds.points().iter().all(|g| g.is_finite()), "{odds:?}");
        }
    }
}
