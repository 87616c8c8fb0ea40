//! `human feedback`: a signal about a call, by hand.

use std::io::Write;

use super::plain::shown;
use super::{Desk, Exit, Result};
use crate::domain::feedback::{Signal, Source};
use crate::intake::events::feedback_line;
use crate::store::telemetry::Put;

#[derive(Debug, clap::Args)]
pub struct FeedbackArgs {
    /// The call's provenance id
    provenance_id: String,
    /// positive, negative, rephrase or correction
    signal: Signal,
    /// Who gives it: user, agent or system
    #[arg(long, default_value = "user")]
    source: Source,
    /// What was good or bad, in words
    #[arg(long)]
    detail: Option<String>,
}

pub fn run(args: FeedbackArgs, desk: &mut Desk) -> Result<Exit> {
    // A store that is not there has no call to speak of, and is not made for it.
    desk.reading()?.close()?;
    let service = desk.writing()?;
    let (feedback, put) = service.add_feedback(&args.provenance_id, args.signal, args.source, args.detail)?;
    service.close()?;
    if desk.json {
        writeln!(desk.out, "{}", feedback_line(&feedback, &args.provenance_id)?)?;
    } else {
        let known = if put == Put::Duplicate { " (it was recorded before)" } else { "" };
        writeln!(
            desk.out,
            "Recorded: {} by {} on {}{known}",
            args.signal,
            args.source,
            shown(&args.provenance_id)
        )?;
    }
    Ok(Exit::Done)
}
