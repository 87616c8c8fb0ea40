//! `human prompts propose`: a steward's own change, governed and judged like the agent's.

use std::io::Write as _;
use std::path::PathBuf;

use super::decide::read;
use super::show::{changes, document};
use crate::cli::plain::shown;
use crate::cli::{CliError, Desk, Exit, Result};
use crate::domain::prompt_file::PromptFile;
use crate::service::now;

/// The arguments of `prompts propose`.
#[derive(Debug, clap::Args)]
pub struct ProposeArgs {
    /// The changed file of a published prompt; its `human.version` is the active version's, or absent
    file: PathBuf,
    /// One line on what it changes [default: what differs]
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    rationale: String,
}

pub fn run(args: ProposeArgs, desk: &mut Desk) -> Result<Exit> {
    let text = read(&args.file)?;
    let file = PromptFile::parse(&args.file.display().to_string(), text.as_bytes())
        .map_err(|error| CliError::Failed(error.each().collect::<Vec<_>>().join("\n")))?;
    // A store that is not there has no prompt to change, and is not made for it.
    desk.reading()?.close()?;
    let service = desk.writing()?;
    let pen = Desk::pen(&service.trust()?)?;
    let made = service.propose_file(pen.as_ref(), &file, args.title, args.rationale, now())?;
    let found = service.proposal(made.id, now())?;
    service.close()?;
    if desk.json {
        return document(&found, desk);
    }
    writeln!(
        desk.out,
        "Proposed: {}, {} ({}, {} risk)",
        made.id,
        shown(&made.title),
        made.kind.as_str(),
        made.risk.level.as_str()
    )?;
    let diff = changes(&found, desk.colour);
    desk.out.write_all(diff.as_bytes())?;
    Ok(Exit::Done)
}
