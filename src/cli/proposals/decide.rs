//! `proposals accept`, `reject`, `reopen`, `modify`, `defer` and `comment`: a steward's word, signed.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;

use serde_json::json;

use super::list::key_at;
use super::show::{changes, document};
use super::{AcceptArgs, CommentArgs, DeferArgs, ModifyArgs, RejectArgs};
use crate::cli::plain::shown;
use crate::cli::prompts::files::bounded;
use crate::cli::{CliError, Desk, Exit, Result};
use crate::console::editor;
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
    let wrote = (args.file.is_none() && text != found.listed.proposal.text).then(|| text.clone());
    let made = service.modify(pen, id, text, now()).inspect_err(|_| {
        if let Some(text) = &wrote {
            keep(text, desk);
        }
    })?;
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
    let failed = |why: String| {
        CliError::Failed(format!("`{}` cannot be taken: {why}.", shown(&path.display().to_string())))
    };
    let (bytes, length) = bounded(path, MAX_FILE).map_err(|error| failed(error.to_string()))?;
    if bytes.len() > MAX_FILE {
        return Err(failed(format!("it has {length} bytes, and a prompt file has at most {MAX_FILE}")));
    }
    String::from_utf8(bytes).map_err(|error| failed(error.to_string()))
}

/// The text of a proposal as a person's editor leaves it.
fn edited(found: &Shown) -> Result<String> {
    let is_set = |name| std::env::var(name).is_ok_and(|value| !value.trim().is_empty());
    if !["VISUAL", "EDITOR"].into_iter().any(is_set) {
        return Err(CliError::Usage(
            "no editor is named. Set EDITOR, or give the new text with --file.".into(),
        ));
    }
    let proposal = &found.listed.proposal;
    let text = editor::edit(&format!("{}.prompt", proposal.id), &proposal.text);
    Ok(text.map_err(|error| CliError::Failed(error.to_string()))?.unwrap_or_else(|| proposal.text.clone()))
}

/// Keeps what somebody wrote and what was not taken, and says where.
fn keep(text: &str, desk: &Desk) {
    match editor::kept(text) {
        Ok(path) => desk.say(&format!(
            "What you wrote is in `{path}`: correct it there, and give it with --file.",
            path = path.display()
        )),
        Err(error) => desk.say(&format!("What you wrote could not be kept ({error}):\n{text}")),
    }
}
