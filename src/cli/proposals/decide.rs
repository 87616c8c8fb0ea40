//! `proposals accept`, `reject`, `reopen`, `modify`, `defer` and `comment`: a steward's word, signed.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::list::key_at;
use super::show::{changes, document};
use super::{AcceptArgs, CommentArgs, DeferArgs, ModifyArgs, RejectArgs};
use crate::cli::{CliError, Desk, Exit, Result};
use crate::domain::prompt::Scope;
use crate::domain::prompt_file::MAX_FILE;
use crate::domain::proposal::{ProposalId, RiskLevel};
use crate::domain::window::time;
use crate::engine::seal::Pen;
use crate::service::proposals::Shown;
use crate::service::{Service, now};
use crate::store::canary::Canary;
use crate::store::decide::Accepted;

/// The configured store, a proposal that is in it, and the key that will sign what is decided about it.
fn about(id: ProposalId, desk: &Desk) -> Result<(Service, Shown, Option<Pen>)> {
    // A store that is not there has no proposal to speak of, and is not made for it.
    let reading = desk.reading()?;
    let found = reading.proposal(id, now())?;
    reading.close()?;
    let service = desk.writing()?;
    let pen = Desk::pen(&service.trust()?)?;
    Ok((service, found, pen))
}

pub fn accept(args: AcceptArgs, desk: &mut Desk) -> Result<Exit> {
    let id = args.id.id;
    let (service, found, pen) = about(id, desk)?;
    let proposal = &found.listed.proposal;
    let weighty = proposal.prompt_uri.scope() == Scope::Core || proposal.risk.level == RiskLevel::High;
    let promotes = found.listed.canary.as_ref().is_some_and(Canary::is_running);
    if weighty && (found.publishes.is_some() || promotes) && args.digest.is_none() && !args.yes {
        confirm(&found, desk)?;
    }
    // Without a digest it is the text of this very proposal, which nobody can change under its number.
    let shown = args.digest.unwrap_or(found.digest);
    let accepted = service.accept(pen, id, shown, args.note, now())?;
    service.close()?;
    match accepted {
        Accepted::Signed(given, needed) => {
            if desk.json {
                return desk.document(
                    &json!({"proposal": id, "status": found.listed.status, "signatures": given, "needed": needed}),
                );
            }
            writeln!(desk.out, "Signed: {id}, {given} of {needed}")?;
        }
        Accepted::Applied(applied) => {
            if desk.json {
                return desk.document(&json!({
                    "proposal": id, "status": "accepted", "uri": applied.uri, "previousActive": applied.previous,
                    "change": applied.change.as_str(), "rolledBack": applied.rolled_back, "entry": applied.entry,
                    "canaryShare": applied.canary,
                }));
            }
            let what = match (applied.rolled_back, promotes) {
                (true, _) => "Rolled back",
                (_, true) => "Promoted",
                _ => "Published",
            };
            writeln!(desk.out, "{what}: {}", key_at(&applied.uri))?;
            match applied.canary {
                Some(share) => writeln!(
                    desk.out,
                    "Canary: for {:.0} % of the sessions; active stays {}",
                    share * 100.0,
                    applied.previous
                )?,
                None => writeln!(desk.out, "Previous active: {} (available for rollback)", applied.previous)?,
            }
        }
    }
    Ok(Exit::Done)
}

/// Asks for the key of a prompt whose change is to be looked at twice.
fn confirm(found: &Shown, desk: &mut Desk) -> Result<()> {
    let proposal = &found.listed.proposal;
    let why =
        if proposal.prompt_uri.scope() == Scope::Core { "a core prompt" } else { "a change of high risk" };
    // A script that says `accept` means it, and signs for it; a person is asked to look.
    if !desk.terminal || !io::stdin().is_terminal() || desk.json {
        return Ok(());
    }
    desk.out.write_all(changes(found, desk.colour).as_bytes())?;
    write!(desk.out, "{} is {why}. Type its key, {}, to accept: ", proposal.id, proposal.prompt_uri.key)?;
    desk.out.flush()?;
    let mut typed = String::new();
    io::stdin().lock().read_line(&mut typed)?;
    if typed.trim() == proposal.prompt_uri.key.as_str() {
        return Ok(());
    }
    Err(CliError::Failed(format!("{} was not accepted: its prompt's key was not typed.", proposal.id)))
}

pub fn reject(args: RejectArgs, desk: &mut Desk) -> Result<Exit> {
    let id = args.id.id;
    let (service, _, pen) = about(id, desk)?;
    let entry = service.reject(pen, id, args.reason, now())?;
    service.close()?;
    if desk.json {
        return desk.document(&json!({"proposal": id, "status": "rejected", "entry": entry}));
    }
    writeln!(desk.out, "Rejected: {id}")?;
    Ok(Exit::Done)
}

pub fn reopen(args: RejectArgs, desk: &mut Desk) -> Result<Exit> {
    let id = args.id.id;
    let (service, _, pen) = about(id, desk)?;
    let entry = service.reopen(pen, id, args.reason, now())?;
    service.close()?;
    if desk.json {
        return desk.document(&json!({"proposal": id, "status": "open", "entry": entry}));
    }
    writeln!(desk.out, "Waits again: {id}")?;
    Ok(Exit::Done)
}

pub fn defer(args: &DeferArgs, desk: &mut Desk) -> Result<Exit> {
    let id = args.id.id;
    let (service, _, pen) = about(id, desk)?;
    let entry = service.defer(pen, id, args.until, now())?;
    service.close()?;
    let until = time(args.until);
    if desk.json {
        return desk.document(&json!({"proposal": id, "status": "deferred", "until": until, "entry": entry}));
    }
    writeln!(desk.out, "Deferred: {id} until {until}")?;
    Ok(Exit::Done)
}

pub fn comment(args: CommentArgs, desk: &mut Desk) -> Result<Exit> {
    let id = args.id.id;
    let (service, found, pen) = about(id, desk)?;
    let entry = service.comment(pen, id, args.text, now())?;
    service.close()?;
    if desk.json {
        return desk.document(&json!({"proposal": id, "status": found.listed.status, "entry": entry}));
    }
    writeln!(desk.out, "Commented: {id}")?;
    Ok(Exit::Done)
}

pub fn modify(args: &ModifyArgs, desk: &mut Desk) -> Result<Exit> {
    let id = args.id.id;
    let (service, found, pen) = about(id, desk)?;
    let text = match &args.file {
        Some(path) => read(path)?,
        None => edited(&found)?,
    };
    let made = service.modify(pen, id, text, now())?;
    let new = service.proposal(made.id, now())?;
    service.close()?;
    if desk.json {
        return document(&new, desk);
    }
    writeln!(desk.out, "Modified: {id} is now {} ({} risk)", made.id, made.risk.level.as_str())?;
    let diff = changes(&new, desk.colour);
    desk.out.write_all(diff.as_bytes())?;
    Ok(Exit::Done)
}

/// The text of a prompt file, at most as long as one may be.
pub fn read(path: &Path) -> Result<String> {
    let failed = |why: String| CliError::Failed(format!("`{}` cannot be taken: {why}.", path.display()));
    let length = std::fs::metadata(path).map_err(|e| failed(e.to_string()))?.len();
    if length > MAX_FILE as u64 {
        return Err(failed(format!("it is longer than {MAX_FILE} bytes")));
    }
    std::fs::read_to_string(path).map_err(|e| failed(e.to_string()))
}

/// The text of a proposal as a person's editor leaves it.
fn edited(found: &Shown) -> Result<String> {
    let editor =
        ["VISUAL", "EDITOR"].into_iter().find_map(|v| std::env::var(v).ok().filter(|v| !v.trim().is_empty()));
    let Some(editor) = editor else {
        return Err(CliError::Usage(
            "no editor is named. Set EDITOR, or give the new text with --file.".into(),
        ));
    };
    let failed = |what: String| CliError::Failed(format!("the text could not be edited: {what}."));
    let name = format!("{}-{}.prompt", found.listed.proposal.id, std::process::id());
    let path = std::env::temp_dir().join(name);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&path).map_err(|e| failed(e.to_string()))?;
    file.write_all(found.listed.proposal.text.as_bytes()).map_err(|e| failed(e.to_string()))?;
    drop(file);
    let mut words = editor.split_whitespace();
    let ended = Command::new(words.next().unwrap_or_default()).args(words).arg(&path).status();
    let text = match ended {
        Ok(status) if status.success() => read(&path),
        Ok(status) => Err(failed(format!("`{editor}` ended with {status}"))),
        Err(error) => Err(failed(format!("`{editor}` does not start ({error})"))),
    };
    std::fs::remove_file(&path).ok();
    text
}
