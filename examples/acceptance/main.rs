//! Runs the acceptance table of the evidence engine: simulated worlds whose truth is known, each figure beside what
//! is required of it. Exit code 1 if a figure is missed.
//!
//!     cargo run --release --example acceptance            the whole table: 1,000 prompts or 300 runs a figure
//!     cargo run --release --example acceptance -- quick   small worlds, a minute; the tests run this, too
//!     cargo run --release --example acceptance -- D3 E    rows whose id begins so
//!
//! Every number follows from the seeds written beside the worlds: two runs print the same table.

mod parts;

use std::process::ExitCode;
use std::time::Instant;

use parts::Size;

fn main() -> ExitCode {
    let (quick, wanted): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|a| a == "quick");
    let size = if quick.is_empty() { Size::Full } else { Size::Quick };
    let begun = Instant::now();
    println!("{:<4} {:<62} {:<28} measured", "id", "figure", "required");
    let rows = parts::run(size, &wanted, |row| {
        let mark = if row.reached { "" } else { "   MISSED" };
        println!("{:<4} {:<62} {:<28} {}{mark}", row.id, row.what, row.required, row.measured);
    });
    let missed = rows.iter().filter(|row| !row.reached).count();
    println!(
        "{} of {} figures reached in {:.0} s",
        rows.len() - missed,
        rows.len(),
        begun.elapsed().as_secs_f64()
    );
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
