//! Routing by affinity on recorded outcomes of real models: nine models on fourteen families of questions, one half of
//! the items teaching, the other judging. Skipped, with a printed line, where the outcomes are absent.

#[path = "../examples/routing/replay.rs"]
mod replay;
#[path = "../examples/shared/mod.rs"]
mod shared;

use replay::{Outcomes, Policy, QUALITY, judge, stream};

fn outcomes(file: &str) -> Option<Outcomes> {
    let shared = std::env::var_os("HUMAN_SHARED")
        .map_or_else(|| std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), Into::into);
    let path = shared.join("data/outcomes").join(file);
    let Ok(bytes) = std::fs::read(&path) else {
        println!("skipped: no outcomes at {}", path.display());
        return None;
    };
    Some(Outcomes::read(&bytes, &[]).expect("outcomes"))
}

#[test]
fn affinity_is_as_good_as_the_best_known_and_safe_on_thin_cells() {
    let Some(outcomes) = outcomes("llmrouter14.csv.gz") else { return };
    for per_cell in [None, Some(20), Some(5)] {
        let of = |policy| judge(&outcomes, policy, per_cell, if per_cell.is_some() { 5 } else { 1 });
        let (affinity, raw, shrunk) =
            (of(Policy::Affinity(QUALITY)), of(Policy::RawMean), of(Policy::ShrunkMean));
        println!("{per_cell:?}: {affinity:?}, raw {:.4}, shrunk {:.4}", raw.success, shrunk.success);
        assert!(affinity.gain > -affinity.half_width, "{per_cell:?}: below the best single model");
        assert!(affinity.success > shrunk.success - 0.005, "{per_cell:?}: below shrunk means");
        assert!(per_cell.is_none() || affinity.success > raw.success, "{per_cell:?}: below raw means");
        let routing = of(Policy::Weights(QUALITY));
        assert!(routing.gain > -routing.half_width, "{per_cell:?}: soft weights cost too much");
        assert!(
            of(Policy::Random).success < routing.success - 0.1
                && affinity.success < of(Policy::Oracle).success
        );
    }
}

#[test]
fn a_stream_is_learnt_from_what_was_routed_alone() {
    let Some(outcomes) = outcomes("llmrouter14.csv.gz") else { return };
    let (random, _) = stream(&outcomes, Policy::Random, 50, 1);
    let (routed, _) = stream(&outcomes, Policy::Weights(QUALITY), 200, 1);
    println!("random {random:.4}, routed {routed:.4}");
    assert!(routed > random + 0.1);
}
