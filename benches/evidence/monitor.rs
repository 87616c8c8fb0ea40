//! The hourly update of one monitored stream.

use std::hint::black_box;
use std::time::Instant;

use human::engine::stats::detector::{Detector, RATIOS, Seen};
use human::engine::stats::logit::logistic;

/// An hour of one stream whose units come from three sources; less than 1 us is asked for.
pub fn run() {
    const STEPS: i32 = 5_000_000;
    let mut detector = Detector::new(0);
    let begun = Instant::now();
    for hour in 0..STEPS {
        let seen = [(1.0, 9.0, -2.0), (0.0, 4.0, -1.4), (1.0, 3.0, -2.2)];
        let seen = black_box(seen).map(|(k, n, bound)| Seen { k, n, p0: logistic(bound) });
        detector.step(hour, 1.0, &RATIOS, &seen);
    }
    black_box(detector.evidence());
    println!(
        "{:<40} {:>10.0} ns",
        "one hour of one stream",
        begun.elapsed().as_nanos() as f64 / f64::from(STEPS)
    );
}
