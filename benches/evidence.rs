//! What the evidence engine costs.
//!
//! `cargo bench --bench evidence`; `cargo bench --bench evidence -- fit` runs the groups whose name begins so.

use std::hint::black_box;
use std::time::Instant;

use human::engine::affinity::{Exchange, Observation, probability_best, worth};
use human::engine::stats::hierarchy::{Mass, fit as fit_priors};

const GROUPS: &[(&str, fn())] = &[("fit", fit)];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    for (name, run) in GROUPS {
        if wanted.is_empty() || wanted.iter().any(|w| name.starts_with(w.as_str())) {
            run();
        }
    }
}

/// The nightly fit of 5,000 prompts × 6 models, and what follows from it for all of them.
fn fit() {
    let mut state = 0x5EED_u64;
    let mut unit = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut cell = |m: usize| {
        let n = (0.3 * 10_f64.powf(4.0 * unit())).floor();
        Observation {
            feedback: Mass { k: (n * (0.3 + 0.6 * unit())).floor(), n },
            ok: 19.0 * n,
            calls: 20.0 * n,
            cost_usd: Some(0.001 * f64::from(1 << m)),
            latency_ms: Some(500.0 + 100.0 * m as f64),
        }
    };
    let rows: Vec<Vec<Observation>> = (0..5_000).map(|_| (0..6).map(&mut cell).collect()).collect();
    let masses: Vec<Vec<Mass>> = rows.iter().map(|row| row.iter().map(|o| o.feedback).collect()).collect();
    report("fit: priors of 5,000 prompts x 6 models", 5, || {
        black_box(fit_priors(black_box(&masses)));
    });
    report("fit: worth and P(best) of them all", 5, || {
        let worth = worth(black_box(&rows), Exchange::default());
        black_box(worth.iter().map(|row| probability_best(row)).collect::<Vec<_>>());
    });
}

fn report(name: &str, runs: usize, mut run: impl FnMut()) {
    let mut times: Vec<f64> = (0..runs)
        .map(|_| {
            let began = Instant::now();
            run();
            began.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("{name:<40} {:>10.3} ms median, {:.3} worst of {runs}", times[runs / 2], times[runs - 1]);
}
