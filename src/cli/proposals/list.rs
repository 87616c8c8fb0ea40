//! `proposals list`: one line for each.

use std::io::Write;

use super::ListArgs;
use crate::cli::plain::shown;
use crate::cli::table::{self, set};
use crate::cli::{Desk, Exit, Result};
use crate::domain::window::time;
use crate::engine::number::count;
use crate::service::now;
use crate::service::proposals::Listed;
use crate::store::canary::{Canary, End};

pub fn run(args: &ListArgs, desk: &mut Desk) -> Result<Exit> {
    let mut found = desk.reading()?.proposals(args.prompt.as_deref(), args.status, now())?;
    let all = found.len();
    found.truncate(if args.limit == 0 { usize::MAX } else { args.limit });
    if desk.json {
        for listed in &found {
            serde_json::to_writer(&mut desk.out, listed)?;
            writeln!(desk.out)?;
        }
        return Ok(Exit::Done);
    }
    if found.is_empty() {
        desk.say(match (args.status, &args.prompt) {
            (None, None) => "Nothing has been proposed yet.",
            _ => {
                "Nothing like that has been proposed; without --status and --prompt all proposals are listed."
            }
        });
        return Ok(Exit::Done);
    }
    let columns = [
        table::id("PROPOSAL", 9),
        table::whole("STATUS", 8),
        table::whole("RISK", 7),
        table::whole("KIND", 4),
        table::name("PROMPT", 6, 16),
        table::text("TITLE", 24),
    ];
    let rows: Vec<Vec<String>> = found.iter().map(row).collect();
    let page = desk.page();
    desk.out.write_all(set(page, 0, &columns, &rows).as_bytes())?;
    desk.out.flush()?;
    if found.len() < all {
        let (some, all) = (count(found.len() as u64), count(all as u64));
        desk.say(&format!("{some} of {all} proposals; --limit 0 lists all."));
    }
    Ok(Exit::Done)
}

/// `open`, with what else there is to say of it.
pub fn status(listed: &Listed) -> String {
    let (given, needed) = (listed.signatures.by.len(), listed.signatures.needed);
    match listed.until {
        Some(until) => format!("{} until {}", listed.status, time(until)),
        None if listed.status == "open" && given > 0 => format!("open, {given} of {needed}"),
        None => match &listed.canary {
            Some(canary) if canary.is_running() => format!("{}, canary", listed.status),
            Some(Canary { ended: Some((End::Stop, _)), .. }) => format!("{}, stopped", listed.status),
            _ => listed.status.to_owned(),
        },
    }
}

/// `legal.contract-analysis@1.1.0`.
pub fn key_at(uri: &crate::domain::prompt::PromptUri) -> String {
    match &uri.version {
        Some(version) => format!("{}@{version}", uri.key),
        None => uri.key.to_string(),
    }
}

/// A canary in words: since when, for whom, and how it ended.
pub fn canary(canary: &Canary) -> String {
    let end = match canary.ended {
        None => "running".to_owned(),
        Some((End::Promote, at)) => format!("promoted {}", time(at)),
        Some((End::Stop, at)) => format!("stopped {}", time(at)),
    };
    let version = canary.uri.version.as_ref().map(ToString::to_string).unwrap_or_default();
    let share = canary.share * 100.0;
    format!("{version} for {share:.0} % of the sessions since {}, {end}", time(canary.since))
}

fn row(listed: &Listed) -> Vec<String> {
    let proposal = &listed.proposal;
    vec![
        proposal.id.to_string(),
        status(listed),
        proposal.risk.level.as_str().to_owned(),
        proposal.kind.as_str().to_owned(),
        key_at(&proposal.prompt_uri.at(proposal.base_version.clone())),
        shown(&proposal.title).into_owned(),
    ]
}
