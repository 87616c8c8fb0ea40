//! Turns recorded revisions of prompts into a history that `human prompts publish --history` takes.
//!
//!     cargo run --example revision_chains -- revision_chains.jsonl.gz > chains.jsonl
//!     human prompts publish --history chains.jsonl
//!
//! See `convert.rs` for what becomes of a record.

mod convert;

use std::io::{BufWriter, Write as _};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("name the file of revisions: revision_chains.jsonl.gz")?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let revisions = convert::convert(&std::fs::read(path)?, &mut out)?;
    out.flush()?;
    eprintln!("{revisions} revisions");
    Ok(())
}
