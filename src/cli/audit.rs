//! `human audit …`: what was decided, whether the ledger holds, and a bundle of it for strangers.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::plain::shown;
use super::{CliError, Desk, Exit, Result, table};
use crate::domain::identity::{Digest, Identity, PublicKey};
use crate::domain::ledger::{Action, Entry};
use crate::domain::window::WindowSpec;
use crate::engine::number::count;
use crate::engine::seal::Head;
use crate::engine::trust::Trust;
use crate::keys::fingerprint;
use crate::service::{Audit, LogQuery, ServiceError, inspect, now};

/// The verbs of this family.
#[derive(Debug, clap::Subcommand)]
pub enum AuditVerb {
    /// What was decided, by whom, the newest first
    Log(LogArgs),
    /// Check hashes, signatures, who was allowed to, and that every published version and every proposal is explained
    Verify(VerifyArgs),
    /// Write a bundle that can be checked without the store
    Export(ExportArgs),
}

#[derive(Debug, clap::Args)]
pub struct LogArgs {
    /// Only what is about this prompt: URI, key or last segment
    #[arg(long, value_name = "P")]
    prompt: Option<String>,
    /// Only what this identity did: in full, or its name
    #[arg(long, value_name = "WHO")]
    actor: Option<String>,
    /// Only this action, such as publish, accept, grant
    #[arg(long, value_name = "ACTION")]
    action: Option<Action>,
    /// Only entries of this window [default: all]
    #[arg(long, value_name = "WINDOW")]
    window: Option<WindowSpec>,
    /// Most entries that are listed; 0 for all [default: 50, with --json all]
    #[arg(long)]
    limit: Option<usize>,
}

#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// An entry with this hash must be there: shows that the end was not cut off since it was noted
    #[arg(long, value_name = "HASH")]
    head: Option<Digest>,
    /// Check a bundle instead of the store; `-` for standard input
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// Where to write it; `-` for standard output
    file: PathBuf,
    /// Also the texts of all published versions
    #[arg(long)]
    texts: bool,
}

pub fn run(verb: &AuditVerb, desk: &mut Desk) -> Result<Exit> {
    match verb {
        AuditVerb::Log(args) => log(args, desk),
        AuditVerb::Verify(VerifyArgs { head, bundle: Some(file) }) => verify_bundle(file, *head, desk),
        AuditVerb::Verify(VerifyArgs { head, bundle: None }) => verify(*head, desk),
        AuditVerb::Export(args) => export(args, desk),
    }
}

fn log(args: &LogArgs, desk: &mut Desk) -> Result<Exit> {
    let service = desk.reading()?;
    let prompt =
        args.prompt.as_ref().map(|name| service.catalog()?.find(name)).transpose()?.map(|(uri, _)| uri);
    let limit = args.limit.unwrap_or(if desk.json { 0 } else { 50 });
    let query = LogQuery {
        prompt,
        actor: args.actor.clone(),
        action: args.action,
        window: args.window.map(|window| window.at(now())),
        limit: (limit > 0).then_some(limit),
    };
    let (entries, more) = service.log(&query)?;
    if desk.json {
        for entry in &entries {
            serde_json::to_writer(&mut desk.out, entry)?;
            writeln!(desk.out)?;
        }
        return Ok(Exit::Done);
    }
    if entries.is_empty() {
        desk.say("No entry matches.");
        return Ok(Exit::Done);
    }
    let row = |entry: &Entry| {
        vec![
            entry.seq.to_string(),
            shown(&entry.at).into_owned(),
            shown(&entry.actor.to_string()).into_owned(),
            entry.action.to_string(),
            shown(&entry.subject).into_owned(),
            shown(&why(&entry.payload)).into_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
    let columns = [
        table::number("ENTRY", 9),
        table::whole("AT (UTC)", 6),
        table::text("BY", 5),
        table::whole("ACTION", 9),
        table::name("SUBJECT", 8, 20),
        table::text("WHY", 3),
    ];
    let page = desk.page();
    desk.out.write_all(table::set(page, 0, &columns, &rows).as_bytes())?;
    if more {
        desk.out.flush()?;
        desk.say(&format!(
            "The newest {}; --limit 0 lists all, --json with all that they rest on.",
            count(limit as u64)
        ));
    }
    Ok(Exit::Done)
}

/// The reason that an entry gives.
fn why(payload: &Value) -> String {
    let reason = payload["reason"].as_str().or(payload["why"].as_str());
    reason.unwrap_or("-").to_owned()
}

fn verdict(faults: &[String]) -> Exit {
    if faults.is_empty() { Exit::Done } else { Exit::Broken }
}

/// Prints what a check found, the same way for a store and for a bundle.
fn say(
    what: &str,
    head: Head,
    owner: Option<(&Identity, Option<PublicKey>)>,
    faults: &[String],
    desk: &mut Desk,
) -> Result<Exit> {
    if !faults.is_empty() {
        writeln!(desk.out, "DOES NOT HOLD: {}", shown(what))?;
        for fault in faults {
            writeln!(desk.out, "  {}", shown(fault))?;
        }
        return Ok(Exit::Broken);
    }
    writeln!(desk.out, "Holds: {}, {} entries\nHead: {}", shown(what), count(head.seq), head.hash)?;
    match owner {
        Some((owner, key)) => {
            let key = key.map(|key| format!("  {}", fingerprint(key))).unwrap_or_default();
            writeln!(desk.out, "Owner: {owner}{key}")?;
        }
        None => writeln!(desk.out, "Owner: none, and nothing is signed")?,
    }
    Ok(Exit::Done)
}

fn key_of(trust: &Trust, owner: &Identity) -> Option<PublicKey> {
    trust.stewards().find(|(steward, _)| *steward == owner).map(|(_, known)| known.key)
}

fn verify(head: Option<Digest>, desk: &mut Desk) -> Result<Exit> {
    let path = desk.config()?.store.display().to_string();
    let read = desk.reading().and_then(|service| {
        let audit = service.audit(head)?;
        let trust = if audit.faults.is_empty() { service.trust()? } else { Trust::default() };
        Ok((audit, trust))
    });
    let (audit, trust) = match read {
        // What is too damaged to be read does not hold.
        Err(CliError::Service(ServiceError::Store(error))) => {
            let faults = vec![error.damage().map_err(ServiceError::from)?];
            (Audit { head: Head::START, owner: None, faults }, Trust::default())
        }
        read => read?,
    };
    if desk.json {
        desk.document(&json!({
            "store": path, "holds": audit.faults.is_empty(), "entries": audit.head.seq, "head": audit.head.hash,
            "owner": audit.owner, "faults": audit.faults,
        }))?;
        return Ok(verdict(&audit.faults));
    }
    let owner = audit.owner.as_ref().map(|owner| (owner, key_of(&trust, owner)));
    say(&path, audit.head, owner, &audit.faults, desk)
}

fn verify_bundle(file: &Path, head: Option<Digest>, desk: &mut Desk) -> Result<Exit> {
    let unreadable = |error: std::io::Error| {
        CliError::Failed(format!(
            "`{}` cannot be read ({error}). Check the path and its permissions.",
            file.display()
        ))
    };
    let found = if file == Path::new("-") {
        inspect(std::io::stdin().lock(), head)
    } else {
        inspect(BufReader::new(File::open(file).map_err(unreadable)?), head)
    };
    let found = found.map_err(unreadable)?;
    let owner = found.trust.owner();
    if desk.json {
        let key = owner.and_then(|owner| key_of(&found.trust, owner)).map(fingerprint);
        desk.document(&json!({
            "bundle": file.display().to_string(), "holds": found.faults.is_empty(), "entries": found.head.seq, "head": found.head.hash,
            "texts": found.texts, "owner": owner, "ownerFingerprint": key, "faults": found.faults,
        }))?;
        return Ok(verdict(&found.faults));
    }
    let what = match found.texts {
        0 => file.display().to_string(),
        texts => format!("{} with {} texts", file.display(), count(texts)),
    };
    say(&what, found.head, owner.map(|owner| (owner, key_of(&found.trust, owner))), &found.faults, desk)
}

fn export(args: &ExportArgs, desk: &mut Desk) -> Result<Exit> {
    let service = desk.reading()?;
    let unwritable = |error: std::io::Error| {
        let file = args.file.display();
        CliError::Failed(format!(
            "`{file}` cannot be written ({error}). Check the path, its permissions and the disk."
        ))
    };
    if args.file == Path::new("-") {
        service.export(&mut desk.out, args.texts, now())??;
        return Ok(Exit::Done);
    }
    let place = resolved(&args.file);
    let store = resolved(service.path());
    // The write-ahead log and its index stand beside the store, and are part of it.
    let is_part = |end: &str| {
        let mut part = store.clone().into_os_string();
        part.push(end);
        place == part
    };
    if ["", "-wal", "-shm"].into_iter().any(is_part) {
        let file = args.file.display();
        return Err(CliError::Usage(format!(
            "`{file}` is the store itself, and was left as it is. Name another file for the bundle."
        )));
    }
    let mut failed = None;
    let head = whole(&place, |out| match service.export(out, args.texts, now()) {
        Ok(written) => written,
        Err(error) => {
            failed = Some(error);
            Err(io::Error::other("it could not be read"))
        }
    });
    if let Some(error) = failed {
        return Err(error.into());
    }
    let head = head.map_err(unwritable)?;
    let file = args.file.display().to_string();
    if desk.json {
        return desk.document(&json!({"bundle": file, "entries": head.seq, "head": head.hash}));
    }
    writeln!(desk.out, "Exported: {} entries to {}\nHead: {}", count(head.seq), shown(&file), head.hash)?;
    Ok(Exit::Done)
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

/// The path without links and detours, also of a file that is yet to be made.
fn resolved(path: &Path) -> PathBuf {
    let made = || Some(fs::canonicalize(folder(path)).ok()?.join(path.file_name()?));
    fs::canonicalize(path).ok().or_else(made).unwrap_or_else(|| path.to_owned())
}

/// Writes a file whole or not at all: beside its place first. A device or a pipe is written to as it is.
fn whole<T>(place: &Path, write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<T>) -> io::Result<T> {
    if fs::metadata(place).is_ok_and(|known| !known.is_file()) {
        let file = File::options().write(true).open(place)?;
        let mut out = BufWriter::new(&file);
        return write(&mut out).and_then(|done| out.flush().map(|()| done));
    }
    let mut builder = tempfile::Builder::new();
    builder.prefix(".human-audit-");
    // As any other new file: a bundle is made to be handed on.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let new = builder.tempfile_in(folder(place))?;
    let mut out = BufWriter::new(new.as_file());
    let done = write(&mut out)?;
    out.flush()?;
    drop(out);
    new.as_file().sync_all()?;
    new.persist(place).map_err(|error| error.error)?;
    Ok(done)
}
