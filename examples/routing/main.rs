//! What routing by affinity brings on recorded outcomes of real models, against the alternatives.
//!
//!     cargo run --release --example routing -- mmlu_pro.csv.gz MODEL,MODEL…
//!     cargo run --release --example routing -- llmrouter14.csv.gz
//!
//! Each figure is measured on items that taught nothing; `±` is half the 95 % interval of the gain over the best single
//! model. `replay.rs` says how.

mod replay;
#[path = "../shared/mod.rs"]
mod shared;

use human::engine::affinity::Exchange;
use replay::{Outcomes, Policy, QUALITY};

const LEARNT: [Policy; 7] = [
    Policy::Single,
    Policy::RawMean,
    Policy::ShrunkMean,
    Policy::Affinity(QUALITY),
    Policy::Weights(QUALITY),
    Policy::Affinity(Exchange { cost: 0.07, latency: 0.03 }),
    Policy::Weights(Exchange { cost: 0.07, latency: 0.03 }),
];

fn main() -> shared::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("name the file of outcomes, and, if not all, its models")?;
    let named = arguments.next().unwrap_or_default();
    let models: Vec<&str> = named.split(',').filter(|m| !m.is_empty()).collect();
    let outcomes = Outcomes::read(&std::fs::read(&path)?, &models)?;
    let (train, test) = outcomes.halves();
    println!(
        "{path}: {} models, {} families, {} items teach, {} judge",
        outcomes.models.len(),
        outcomes.families,
        train.len(),
        test.len()
    );
    println!("\n{:<10} {:<26} {:>8} {:>10} {:>16}", "taught by", "policy", "success", "$/1,000", "gain");
    let line = |taught: &str, policy: Policy, per_cell: Option<usize>| {
        let o = replay::judge(&outcomes, policy, per_cell, if per_cell.is_some() { 20 } else { 1 });
        let gain = format!("{:+.4} ± {:.4}", o.gain, o.half_width);
        println!("{taught:<10} {:<26} {:>8.4} {:>10.3} {gain:>16}", policy.name(), o.success, o.usd);
    };
    line("-", Policy::Random, None);
    line("-", Policy::Oracle, None);
    for per_cell in [None, Some(100), Some(20), Some(5)] {
        let taught = per_cell.map_or("all".to_owned(), |n| format!("{n} a cell"));
        for policy in LEARNT {
            line(&taught, policy, per_cell);
        }
    }
    println!("\n{:<37} {:>8} {:>10}", "one stream, one answer an item", "success", "$/1,000");
    // A score that is never asked again learns nothing: what routes a stream are the weights.
    let routes = |policy: &Policy| !matches!(policy, Policy::Affinity(_));
    for policy in [Policy::Random].into_iter().chain(LEARNT).filter(routes) {
        let (success, usd) = replay::stream(&outcomes, policy, 50, 5);
        println!("{:<37} {success:>8.4} {usd:>10.3}", policy.name());
    }
    Ok(())
}
