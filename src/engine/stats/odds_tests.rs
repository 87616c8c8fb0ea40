//! What the vector of log odds must hold whatever comes in, and that its evidence is honest, by enumeration.

use proptest::prelude::*;

use super::*;

fn block(old_bad: u64, old: u64, new_bad: u64, new: u64) -> Block {
    Block { old: Units { bad: old_bad, all: old }, new: Units { bad: new_bad, all: new } }
}

fn of(blocks: &[Block]) -> LogOdds {
    let mut sum = LogOdds::default();
    for block in blocks {
        sum.add(block);
    }
    sum
}

/// The same likelihood by plain summation, for small blocks.
fn plainly(b: &Block, g: f64) -> f64 {
    let choose = |n: u64, k: u64| (0..k).map(|i| ((n - i) as f64 / (i + 1) as f64).ln()).sum::<f64>();
    let bad = b.old.bad + b.new.bad;
    let counts = bad.saturating_sub(b.old.all)..=bad.min(b.new.all);
    let weight = |x: u64| choose(b.new.all, x) + choose(b.old.all, bad - x);
    let sum = |g: f64| ln_sum(counts.clone().map(|x| weight(x) + x as f64 * g).collect::<Vec<_>>());
    b.new.bad as f64 * g - sum(g) + sum(0.0)
}

fn blocks() -> impl Strategy<Value = Vec<Block>> {
    let arm = (0u64..60).prop_flat_map(|all| (0..=all, Just(all)));
    let pair = (arm.clone(), arm).prop_map(|(old, new)| block(old.0, old.1, new.0, new.1));
    prop::collection::vec(pair, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn it_is_the_plain_sum(blocks in blocks()) {
        for b in &blocks {
            let got = of(&[*b]);
            for i in 0..POINTS {
                let want = plainly(b, ln_odds(i));
                prop_assert!((got.points()[i] - want).abs() <= 1e-10 * want.abs().max(1.0), "{b:?} {i}");
            }
        }
    }

    #[test]
    fn order_strata_and_shards_leave_no_trace(blocks in blocks(), turn in 0usize..40, cut in 0usize..40) {
        let whole = of(&blocks);
        let mut turned = blocks.clone();
        turned.rotate_left(turn % blocks.len());
        turned.reverse();
        let cut = cut % blocks.len();
        let mut shards = of(&blocks[cut..]);
        shards.merge(&of(&blocks[..cut]));
        for other in [of(&turned), shards] {
            for (a, b) in whole.points().iter().zip(other.points()) {
                prop_assert!((a - b).abs() <= 1e-12 * a.abs().max(1.0), "{a} {b}");
            }
        }
    }

    #[test]
    fn nothing_breaks_it(counts in prop::collection::vec((0u32..31, 0u32..31, 0u32..31, 0u32..31), 1..4)) {
        // Counts from nothing to two thousand million, bad ones beyond all of them included.
        let size = |bits: u32| (1u64 << bits) - 1;
        let blocks: Vec<Block> = counts
            .into_iter()
            .map(|(a, b, c, d)| block(size(a), size(b), size(c), size(d)))
            .collect();
        let sum = of(&blocks);
        prop_assert!(sum.points().iter().all(|g| g.is_finite()), "{blocks:?}");
        let [low, high] = sum.interval(0.05);
        prop_assert!(low <= sum.estimate() && sum.estimate() <= high);
        prop_assert!(sum.ln_e_regressed().is_finite() && sum.ln_e_improved().is_finite());
        prop_assert!(sum.ln_mixture().is_finite());
    }

    #[test]
    fn blocks_close_by_number_alone(seen in prop::collection::vec((0u64..4, 0u64..4), 0..60)) {
        let (mut good, mut bad) = (Closer::default(), Closer::default());
        for (old, new) in seen {
            let (a, b) = (good.add(block(0, old, 0, new)), bad.add(block(old, old, new, new)));
            prop_assert_eq!(a.is_some(), b.is_some());
            prop_assert!(a.is_none_or(|b| b.old.all >= BLOCK_UNITS && b.new.all >= BLOCK_UNITS));
        }
    }
}

#[test]
fn the_arms_may_change_places() {
    let forth = of(&[block(2, 12, 7, 15), block(1, 9, 2, 6)]);
    let back = of(&[block(7, 15, 2, 12), block(2, 6, 1, 9)]);
    assert!((forth.ln_e_regressed() - back.ln_e_improved()).abs() < 1e-12);
    assert!((forth.estimate() + back.estimate()).abs() < 1e-12);
}

#[test]
fn what_leaves_nothing_to_chance_says_nothing() {
    for b in [block(0, 0, 3, 9), block(0, 8, 0, 9), block(8, 8, 9, 9), block(3, 9, 0, 0)] {
        assert_eq!(of(&[b]), LogOdds::default());
    }
    let none = LogOdds::default();
    let [low, high] = none.interval(0.05);
    assert!(low <= -2.0 && high >= 2.0 && none.ln_e_regressed().abs() < 1e-12);
}

#[test]
fn the_expected_evidence_of_no_difference_is_none() {
    // An e-value's expectation is at most 1 under every rate at or below even odds.
    let (old, new) = (6_u64, 9_u64);
    let chance = |n: u64, k: u64, p: f64| {
        let choose: f64 = (0..k).map(|i| (n - i) as f64 / (i + 1) as f64).product();
        choose * p.powi(k as i32) * (1.0 - p).powi((n - k) as i32)
    };
    for p in [0.02, 0.12, 0.5, 0.9] {
        let (mut worse, mut better) = (0.0, 0.0);
        for a in 0..=old {
            for b in 0..=new {
                let sum = of(&[block(a, old, b, new)]);
                let weight = chance(old, a, p) * chance(new, b, p);
                worse += weight * sum.ln_e_regressed().exp();
                better += weight * sum.ln_e_improved().exp();
            }
        }
        assert!((worse - 1.0).abs() < 1e-10 && (better - 1.0).abs() < 1e-10, "{p}: {worse} {better}");
    }
}

#[test]
fn a_known_rate_is_an_endless_arm() {
    let mut known = LogOdds::default();
    known.add_known(0.2, Units { bad: 9, all: 20 });
    let long = of(&[block(2_000_000, 10_000_000, 9, 20)]);
    for (a, b) in known.points().iter().zip(long.points()) {
        assert!((a - b).abs() < 1e-4 * a.abs().max(1.0), "{a} {b}");
    }
}

#[test]
fn large_blocks_agree_on_both_sides_of_the_walk() {
    // 131,072 steps are walked, 140,000 are not.
    let arms = Arms::of(&block(200_000, 500_000, 210_000, 500_000)).expect("arms");
    let walked = arms.ln_weight(150_000.0, 210_000.0) + arms.ln_weight(210_000.0, 280_000.0);
    let direct =
        arms.ln_weight(150_000.0, 150_000.0 + WALK + 1.0) + arms.ln_weight(150_000.0 + WALK + 1.0, 280_000.0);
    let whole = arms.ln_weight(150_000.0, 150_000.0 + WALK + 1.0);
    assert!((walked - direct).abs() < 1e-6 * whole.abs().max(1.0), "{walked} {direct}");
}

#[test]
fn peers_that_differ_share_a_shift() {
    // Twice the odds in each of two prompts whose volume changes the other way: the pooled rates would say the odds fell.
    let blocks = [block(500, 1000, 66, 100), block(10, 110, 180, 1080)];
    let shift = mantel_haenszel(&blocks).expect("a shift");
    assert!((shift - 2.0_f64.ln()).abs() < 0.05, "{shift}");
    assert_eq!(mantel_haenszel(&[block(0, 10, 0, 10)]), None);
    assert_eq!(mantel_haenszel(&[]), None);
}

#[test]
fn known_values() {
    let (ln, variance) = haldane(12.0, 100.0, 30.0, 110.0);
    assert!(
        (ln - 0.986_743_406_894_476_7).abs() < 1e-12 && (variance - 0.136_508_680_522_597_46).abs() < 1e-12
    );
    let three = of(&[block(0, 5, 5, 5), block(0, 6, 4, 7), block(1, 9, 8, 9)]);
    assert!((three.ln_e_regressed() - 6.814_131_310_581_395).abs() < 1e-9);
    let [low, high] = three.interval(0.05);
    assert!((low - 0.5).abs() < 1e-12 && (high - 2.0).abs() < 1e-12);
}
