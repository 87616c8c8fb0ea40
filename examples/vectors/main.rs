//! Checks the closed forms of the evidence engine against a file of test vectors.
//!
//!     cargo run --release --example vectors -- FILE
//!
//! FILE: a JSON object with `vectors: [{id, fn, input, expect}]`. Each value must be within 1e-9·max(1, |expected|).
//! Prints each miss, then `N of M within tolerance`; exit code 1 on a miss, 2 if the file cannot be read.

mod forms;

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: vectors FILE, a JSON file of test vectors");
        return ExitCode::from(2);
    };
    let vectors = match std::fs::read(&path).map_err(|e| e.to_string()).and_then(|t| forms::parse(&t)) {
        Ok(vectors) => vectors,
        Err(error) => {
            eprintln!("{} cannot be read as test vectors: {error}", path.display());
            return ExitCode::from(2);
        }
    };
    let misses: Vec<String> = vectors.iter().filter_map(|v| forms::check(v).err()).collect();
    for miss in &misses {
        println!("{miss}");
    }
    println!("{} of {} within tolerance", vectors.len() - misses.len(), vectors.len());
    if misses.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
