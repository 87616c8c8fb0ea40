//! Says of recorded edits of prompts what would be said of them as proposals: lints, risk, version.
//!
//!     cargo run --example revision_pairs -- revision_pairs.jsonl.gz [-v]
//!
//! Prints the risk by size class and tag; with `-v` each edit first. See `pairs.rs` for what becomes of a record.

mod pairs;

use std::io::Write as _;

use human::engine::visible::one_line;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("name the file of edits: revision_pairs.jsonl.gz")?;
    let verbose = std::env::args().any(|word| word == "-v");
    let mut out = std::io::stdout().lock();
    let all = pairs::read(&std::fs::read(path)?)?;
    let judged = all.iter().map(|pair| Ok((pair, pairs::judge(pair)?)));
    let judged: Vec<_> = judged.collect::<Result<_, Box<dyn std::error::Error>>>()?;
    for (pair, judged) in judged.iter().filter(|_| verbose) {
        let pairs::Judged { risk, next, change, lints, .. } = judged;
        writeln!(
            out,
            "{} {} -> {next} ({}), {} risk, {} lints",
            one_line(&pair.id),
            one_line(&pair.size_class),
            change.as_str(),
            risk.level.as_str(),
            lints.len()
        )?;
        for reason in &risk.reasons {
            writeln!(out, "    {:<7} {}", reason.level.as_str(), reason.text)?;
        }
    }
    let rows: Vec<_> = judged.iter().map(|(pair, judged)| (*pair, judged)).collect();
    write!(out, "{}", pairs::table(&rows))?;
    let (text, files) = rows.iter().fold((0, 0), |(text, files), (_, judged)| {
        (text + usize::from(judged.base.template() != judged.new.template()), files + 1)
    });
    writeln!(out, "{files} edits, {text} of them of the text")?;
    Ok(())
}
