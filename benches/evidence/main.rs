//! What the evidence engine costs: the nightly fit, the full scan for underperformers, an hour of one monitored stream.
//!
//! `cargo bench --bench evidence`; `cargo bench --bench evidence -- scan` runs the groups whose name begins so. Medians.

mod fit;
mod monitor;

mod scan;

use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const GROUPS: [(&str, fn()); 3] = [("fit", fit::run), ("scan", scan::run), ("monitor", monitor::run)];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    for (name, run) in GROUPS {
        if wanted.is_empty() || wanted.iter().any(|w| name.starts_with(w.as_str())) {
            run();
        }
    }
}

/// The median of so many runs, in milliseconds.
fn median_ms(runs: usize, mut run: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..runs)
        .map(|_| {
            let began = Instant::now();
            run();
            began.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[runs / 2]
}
