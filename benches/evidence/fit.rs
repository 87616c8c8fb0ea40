//! The nightly fit of affinity: priors, then what follows from them.

use std::hint::black_box;

use human::engine::affinity::{Exchange, Observation, probability_best, worth};
use human::engine::stats::hierarchy::{self, Mass};

use super::median_ms;

/// The nightly fit of 5,000 prompts × 6 models, and what follows from it for all of them.
pub fn run() {
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
    let priors = median_ms(5, || {
        black_box(hierarchy::fit(black_box(&masses)));
    });
    println!("nightly fit: priors of 5,000 prompts x 6 models      {priors:>8.1} ms");
    let took = median_ms(5, || {
        let all = worth(black_box(&rows), Exchange::default());
        black_box(all.iter().map(|row| probability_best(row)).collect::<Vec<_>>());
    });
    println!("nightly fit: worth and P(best) of them all           {took:>8.1} ms");
}
