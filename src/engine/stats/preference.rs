//! From the probability of being the best to the share of the traffic: a preference, never a pin.
//!
//! Formula, and the regret of the alternatives: `statistics.md` 2.2 and 2.4. Start with [`weights`].

/// The share of the traffic that is spread evenly, so that what is learnt never stops.
pub const FLOOR: f64 = 0.02;

/// `W_i = (1 − ε) · base_i · P_i³ / Σ base · P³ + ε / K`: who is to get which share of the calls.
///
/// `candidates`: base preference (not negative) and probability of being the best. Sums to 1; nobody gets less than
/// `ε / K` or, with all others at that floor, more than `1 − ε (K − 1) / K`. Where no product tells anything, the base
/// alone decides, and where that is nothing either, shares are equal.
pub fn weights(candidates: &[(f64, f64)]) -> Vec<f64> {
    let count = candidates.len() as f64;
    let shares: [fn(f64, f64) -> f64; 3] = [|base, best| base * best.powi(3), |base, _| base, |_, _| 1.0];
    let found = shares.into_iter().find_map(|share| {
        let total: f64 = candidates.iter().map(|&(base, best)| share(base, best)).sum();
        (total > 0.0).then_some((share, total))
    });
    let Some((share, total)) = found else { return vec![] };
    let weight = |&(base, best): &(f64, f64)| (1.0 - FLOOR) * share(base, best) / total + FLOOR / count;
    candidates.iter().map(weight).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_sure_winner_leaves_the_floor_to_the_others() {
        let shares = weights(&[(1.0, 1.0), (1.0, 0.0), (1.0, 0.0), (1.0, 0.0)]);
        assert!((shares[0] - 0.985).abs() < 1e-12 && shares[1..].iter().all(|w| (w - 0.005).abs() < 1e-12));
        // Without evidence the registry's own preference stands.
        let shares = weights(&[(3.0, 0.5), (1.0, 0.5)]);
        assert!((shares[0] - 0.745).abs() < 1e-12);
        assert_eq!(weights(&[(0.0, 0.3), (0.0, 0.7)]), vec![0.5, 0.5]);
        assert_eq!(weights(&[(0.4, 1.0)]), vec![1.0]);
        assert!(weights(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn nobody_is_pinned_and_nobody_is_shut_out(
            candidates in prop::collection::vec((0.0f64..10.0, 0.0f64..1.0), 1..12),
        ) {
            let (shares, count) = (weights(&candidates), candidates.len() as f64);
            prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            for share in shares {
                prop_assert!(share >= FLOOR / count - 1e-15);
                prop_assert!(share <= 1.0 - FLOOR * (count - 1.0) / count + 1e-12);
            }
        }
    }
}
