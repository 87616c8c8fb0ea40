//! Lists of findings whose share of false ones is bounded: which of many tests are reported.
//!
//! Every function takes one number a test and gives the indices of those on the list, ascending. A number that is
//! not one (NaN) is evidence of nothing. Procedures and measured rates: `statistics.md` section 3. Start with
//! [`e_bh`], the only one whose list may be read again and again.

/// Benjamini & Hochberg 1995: the largest r with p₍r₎ ≤ q·r/N. For a list that is made once.
pub fn bh(p: &[f64], q: f64) -> Vec<usize> {
    let count = p.len() as f64;
    let p = readable(p, 1.0);
    longest(&p, f64::total_cmp, |rank, p| p <= q * rank / count)
}

/// The smallest q at which [`bh`] lists each test: p-values adjusted for their number, at most 1.
pub fn bh_adjust(p: &[f64]) -> Vec<f64> {
    let count = p.len() as f64;
    let p = readable(p, 1.0);
    let mut adjusted = vec![1.0; p.len()];
    let mut least = 1.0_f64;
    for (rank, &at) in order(&p, f64::total_cmp).iter().enumerate().rev() {
        least = least.min(p[at] * count / (rank + 1) as f64);
        adjusted[at] = least;
    }
    adjusted
}

/// e-BH (Wang & Ramdas 2022) on ln e: the largest r with e₍r₎ ≥ N/(q·r). Valid under any dependence, and, since
/// e-values are, at any time that it is read.
pub fn e_bh(ln_e: &[f64], q: f64) -> Vec<usize> {
    let count = ln_e.len() as f64;
    let ln_e = readable(ln_e, f64::NEG_INFINITY);
    longest(&ln_e, |a, b| b.total_cmp(a), |rank, ln_e| ln_e >= (count / (q * rank)).ln())
}

/// The longest list whose mean probability of being false is at most `q`; `false_by` are these probabilities.
pub fn bayes_fdr(false_by: &[f64], q: f64) -> Vec<usize> {
    let false_by = readable(false_by, 1.0);
    let mut sum = 0.0;
    longest(&false_by, f64::total_cmp, |rank, chance| {
        sum += chance;
        sum / rank <= q
    })
}

fn readable(values: &[f64], nothing: f64) -> Vec<f64> {
    values.iter().map(|v| if v.is_nan() { nothing } else { *v }).collect()
}

fn order(values: &[f64], by: impl Fn(&f64, &f64) -> std::cmp::Ordering) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| by(&values[a], &values[b]));
    order
}

/// The first r in order, r being the largest rank (from 1) that passes.
fn longest(
    values: &[f64],
    by: impl Fn(&f64, &f64) -> std::cmp::Ordering,
    mut passes: impl FnMut(f64, f64) -> bool,
) -> Vec<usize> {
    let mut order = order(values, by);
    let mut length = 0;
    for (i, &at) in order.iter().enumerate() {
        if passes((i + 1) as f64, values[at]) {
            length = i + 1;
        }
    }
    order.truncate(length);
    order.sort_unstable();
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn by_hand() {
        let p = [0.04, 0.01, 0.9, 0.03];
        assert_eq!(bh(&p, 0.1), [0, 1, 3]);
        assert_eq!(bh(&p, 0.03), Vec::<usize>::new());
        assert!((bh_adjust(&p)[1] - 0.04).abs() < 1e-15 && (bh_adjust(&p)[3] - 0.16 / 3.0).abs() < 1e-15);
        // One of ten needs e = 100 at q = .1; two of ten need 50 each.
        let mut e = [0.0; 10];
        e[4] = 99.0_f64.ln();
        assert!(e_bh(&e, 0.1).is_empty());
        e[7] = 51.0_f64.ln();
        assert_eq!(e_bh(&e, 0.1), [4, 7]);
        assert_eq!(bayes_fdr(&[0.02, 0.5, 0.15, 0.4], 0.1), [0, 2]);
    }

    #[test]
    fn nothing_and_nonsense() {
        let none = Vec::<usize>::new();
        assert_eq!((bh(&[], 0.1), e_bh(&[], 0.1), bayes_fdr(&[], 0.1)), (none.clone(), none.clone(), none));
        assert!(bh_adjust(&[]).is_empty());
        assert_eq!(bh(&[f64::NAN, 1e-9], 0.1), [1]);
        assert_eq!(e_bh(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY], 0.1), [1]);
        assert_eq!(bayes_fdr(&[f64::NAN, 0.0], 0.1), [1]);
    }

    proptest! {
        #[test]
        fn lists_do_not_depend_on_the_order(
            values in prop::collection::vec((0u32..1000).prop_map(|v| f64::from(v) / 5000.0), 1..60), turn in 0usize..60,
        ) {
            let mut turned = values.clone();
            turned.rotate_left(turn % values.len());
            let pick = |all: &[f64], list: Vec<usize>| {
                let mut picked: Vec<u64> = list.into_iter().map(|i| all[i].to_bits()).collect();
                picked.sort_unstable();
                picked
            };
            for list in [bh, bayes_fdr] {
                prop_assert_eq!(pick(&values, list(&values, 0.1)), pick(&turned, list(&turned, 0.1)));
            }
            let ln = |all: &[f64]| all.iter().map(|v| v * 60.0).collect::<Vec<_>>();
            prop_assert_eq!(pick(&values, e_bh(&ln(&values), 0.1)), pick(&turned, e_bh(&ln(&turned), 0.1)));
        }

        #[test]
        fn adjusted_values_are_the_list(p in prop::collection::vec(0.0f64..0.3, 1..40)) {
            let adjusted = bh_adjust(&p);
            for (at, value) in adjusted.iter().enumerate() {
                let listed = bh(&p, value * (1.0 + 1e-12)).contains(&at);
                prop_assert!(listed && (*value >= 1.0 || !bh(&p, value * (1.0 - 1e-9)).contains(&at)));
            }
        }
    }
}
