//! The verdict on a change, of benchmark outcomes of which the truth is known: two models, or two styles of a prompt,
//! asked the same questions.
//!
//!     cargo run --release --example verdicts -- llmdrift_calls.csv.gz model \
//!         gpt-4-0314 gpt-4-0613 gpt-3.5-turbo-0301 gpt-3.5-turbo-0613
//!     cargo run --release --example verdicts -- bbh_prompt_style.csv.gz prompt_variant direct cot
//!
//! Prints, for each family of questions, the raw difference and what the engine says of it; of several pairs, also what
//! they say together.

#[path = "../shared/mod.rs"]
mod shared;

mod compare;

use std::collections::BTreeMap;

/// Above the lines.
const HEADER: &str = "family                                     n   old   new   raw diff   odds of a bad answer   e worse  e better  verdict             tokens";

fn main() -> shared::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let usage = "name the file, the column, and two of its values, or more pairs: FILE.csv.gz COLUMN OLD NEW [OLD NEW]...";
    let [file, column, changes @ ..] = arguments.as_slice() else { return Err(usage.into()) };
    if changes.is_empty() || changes.len() % 2 != 0 {
        return Err(usage.into());
    }
    let rows = shared::Table::read(&std::fs::read(file)?)?;
    let mut together: BTreeMap<String, Vec<Vec<compare::Pair>>> = BTreeMap::new();
    for change in changes.chunks(2) {
        println!("{} -> {}\n{}", change[0], change[1], HEADER);
        for (family, pairs) in compare::answers(&rows, column, &change[0], &change[1])? {
            println!("{}", compare::line(&family, &pairs, &compare::verdict(&family, &[&pairs])?));
            together.entry(family).or_default().push(pairs);
        }
        println!();
    }
    if changes.len() > 2 {
        println!("together, each pair a stratum\n{HEADER}");
        for (family, strata) in &together {
            let models: Vec<&[compare::Pair]> = strata.iter().map(Vec::as_slice).collect();
            println!("{}", compare::line(family, &strata.concat(), &compare::verdict(family, &models)?));
        }
    }
    Ok(())
}
