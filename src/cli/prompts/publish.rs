//! `prompts publish`: files or folders, all of them or none; and whole histories.
//!
//! A history is JSONL, gzipped or not: one published version a line, oldest first for each prompt,
//! `{"at": RFC 3339, "text": the whole file with its human.version, "note": what was said about it, "actor": who}`.
//! `note` and `actor` may be absent. The version is required, so that importing a history twice changes nothing.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};

use chrono::DateTime;
use serde::{Deserialize, Serialize};

use super::desk::{Desk, Exit, PromptsError, Result};
use super::files;
use super::lint::unfilled;
use crate::domain::cases::Case;
use crate::domain::prompt_file::{MAX_FILE, PromptFile};
use crate::engine::bump::Change;
use crate::engine::lint::{self, Severity};
use crate::engine::visible::one_line;
use crate::store::prompt_error::PromptStoreError;
use crate::store::prompt_shelf::Shelving;
use crate::store::prompts::{Activation, Deed, Publication};

/// Longest line of a history: a prompt file in JSON, every byte escaped.
const MAX_LINE: u64 = 8 * MAX_FILE as u64;
/// Most faults listed at once.
const MAX_REASONS: usize = 20;

/// Arguments of `prompts publish`.
#[derive(Debug, clap::Args)]
pub struct PublishArgs {
    /// Prompt files, or folders of `*.prompt` files
    #[arg(required = true, value_name = "FILE|DIR")]
    pub paths: Vec<PathBuf>,
    /// Publish without making the versions active
    #[arg(long)]
    pub no_activate: bool,
    /// Take the files as histories: JSONL of past versions, `.gz` or not
    #[arg(long, conflicts_with = "no_activate")]
    pub history: bool,
    /// What to say about the versions in their history
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
}

/// What is printed for one publication.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    uri: String,
    version: String,
    outcome: &'static str,
    change: Option<&'static str>,
    previous_active: Option<String>,
    active: bool,
    /// How many cases lay beside the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    cases: Option<usize>,
}

impl Report {
    fn of(published: &Publication) -> Report {
        let unchanged = published.change == Some(Change::None);
        Report {
            uri: published.uri.unversioned().to_string(),
            version: published.uri.version.as_ref().map(ToString::to_string).unwrap_or_default(),
            outcome: if unchanged { "unchanged" } else { "published" },
            change: published.change.map(Change::as_str),
            previous_active: published.previous.as_ref().map(ToString::to_string),
            active: published.active,
            cases: None,
        }
    }
}

/// Runs `prompts publish`.
pub fn run(args: &PublishArgs, desk: &mut Desk<'_>) -> Result<Exit> {
    let deed = desk.deed(args.note.as_deref());
    let change = desk.shelf.change()?;
    let reports = if args.history {
        let mut reports = Vec::new();
        for path in &args.paths {
            import(&change, path, deed, &mut reports)?;
        }
        reports
    } else {
        let activation = if args.no_activate { Activation::No } else { Activation::Now };
        publish(&change, &files::named(&args.paths)?, activation, deed)?
    };
    change.commit()?;
    if desk.json {
        return desk.document(&reports);
    }
    if args.history {
        let new = reports.iter().filter(|r| r.outcome == "published").count();
        writeln!(desk.out, "Imported: {new} versions ({} were there already)", reports.len() - new)?;
        return Ok(Exit::Done);
    }
    let key_of = |uri: &str| uri.rsplit('/').next().unwrap_or(uri).to_owned();
    let mut keys: HashMap<String, HashSet<&str>> = HashMap::new();
    for report in &reports {
        keys.entry(key_of(&report.uri)).or_default().insert(&report.uri);
    }
    for Report { uri, version, outcome, change, previous_active, active, cases } in &reports {
        let key = key_of(uri);
        // A key that core, org and users share says only with its place which of them it is.
        let key = if keys[&key].len() > 1 { uri.clone() } else { key };
        let why = change.map(|change| format!(" ({change} changed)")).unwrap_or_default();
        match *outcome {
            "unchanged" => writeln!(desk.out, "Unchanged: {key}@{version}")?,
            _ => writeln!(desk.out, "Published: {key}@{version}{why}")?,
        }
        match previous_active {
            Some(previous) if previous != version && *active => {
                writeln!(desk.out, "Previous active: {previous} (available for rollback)")?;
            }
            Some(previous) if !active => writeln!(desk.out, "Active stays: {previous}")?,
            None if !active => {
                writeln!(desk.out, "No version is active: run `human prompts activate {uri}@{version}`")?;
            }
            _ => {}
        }
        if let Some(cases) = cases {
            writeln!(desk.out, "Cases: {cases}, for the drafts that are proposed for it")?;
        }
    }
    Ok(Exit::Done)
}

/// A file that was published: its name, itself, what became of it, and the cases beside it with the name of theirs.
type Done = (String, PromptFile, Publication, Option<(String, Vec<Case>)>);

/// Publishes all files, or says what is to correct in any of them. Links between them are looked at once all are in.
fn publish(
    change: &Shelving<'_>,
    paths: &[PathBuf],
    activation: Activation,
    deed: Deed<'_>,
) -> Result<Vec<Report>> {
    let mut reasons = Vec::new();
    let mut done: Vec<Done> = Vec::new();
    for path in paths {
        let name = path.display().to_string();
        match files::read(path)? {
            Err(error) => reasons.extend(error.each().map(|fault| one_line(&fault))),
            Ok(file) => match change.publish(&file, activation, deed) {
                Ok(published) => {
                    let cases = match files::cases(path)? {
                        None => None,
                        Some(Ok(cases)) => Some((files::beside(path).display().to_string(), cases)),
                        Some(Err(error)) => {
                            reasons.extend(error.each().map(|fault| one_line(&fault)));
                            None
                        }
                    };
                    done.push((name, file, published, cases));
                }
                Err(error @ PromptStoreError::Store(_)) => return Err(error.into()),
                Err(error) => reasons.push(one_line(&format!("{name}: {error}"))),
            },
        }
    }
    let mut holders: HashMap<String, &str> = HashMap::new();
    for (name, file, published, cases) in &done {
        let uri = published.uri.unversioned().to_string();
        if let Some(earlier) = holders.get(&uri) {
            reasons.push(one_line(&format!("{name}: {earlier} holds {uri} as well; publish one of the two")));
        }
        holders.insert(uri, name);
        for finding in lint::lint(file, Some(&**change)).iter().filter(|f| f.severity == Severity::Error) {
            let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
            reasons.push(format!("{}{line}: {}; {}", one_line(name), finding.message, finding.next));
        }
        let Some((beside, cases)) = cases else { continue };
        for finding in unfilled(file, cases, &**change) {
            reasons.push(format!("{}: {}; {}", one_line(beside), finding.message, finding.next));
        }
        match change.keep_cases(&published.uri, cases) {
            Ok(_) => {}
            Err(error @ PromptStoreError::Store(_)) => return Err(error.into()),
            Err(error) => reasons.push(one_line(&format!("{beside}: {error}"))),
        }
    }
    refuse(reasons)?;
    let report = |(_, _, published, cases): &Done| Report {
        cases: cases.as_ref().map(|(_, cases)| cases.len()),
        ..Report::of(published)
    };
    Ok(done.iter().map(report).collect())
}

fn refuse(mut reasons: Vec<String>) -> Result<()> {
    if reasons.is_empty() {
        return Ok(());
    }
    let more = reasons.len().saturating_sub(MAX_REASONS);
    reasons.truncate(MAX_REASONS);
    if more > 0 {
        reasons.push(format!("and {more} more"));
    }
    Err(PromptsError::Refused { reasons })
}

/// One line of a history.
#[derive(Deserialize)]
struct Past {
    at: String,
    text: String,
    #[serde(default)]
    note: Option<String>,
    #[serde(default)]
    actor: Option<String>,
}

fn import(change: &Shelving<'_>, path: &Path, deed: Deed<'_>, reports: &mut Vec<Report>) -> Result<()> {
    let file = File::open(path).map_err(|error| files::unreadable(path, error))?;
    let mut raw = BufReader::new(file);
    // By the first two bytes, whatever the name says.
    let gzipped = raw.fill_buf().map_err(|error| files::unreadable(path, error))?.starts_with(&[0x1f, 0x8b]);
    let plain: Box<dyn Read> =
        if gzipped { Box::new(flate2::read::MultiGzDecoder::new(raw)) } else { Box::new(raw) };
    let mut lines = BufReader::new(plain);
    for number in 1.. {
        let mut line = Vec::new();
        let read = lines.by_ref().take(MAX_LINE).read_until(b'\n', &mut line);
        if read.map_err(|error| files::unreadable(path, error))? == 0 {
            break;
        }
        let name = format!("{}:{number}", path.display());
        let refused =
            |why: String| PromptsError::Refused { reasons: vec![one_line(&format!("{name}: {why}"))] };
        if line.len() as u64 == MAX_LINE {
            return Err(refused(format!("the line is longer than {MAX_LINE} bytes")));
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let past: Past = serde_json::from_slice(&line)
            .map_err(|e| refused(format!("not a line of a history: {e}; see `at` and `text`")))?;
        let at = DateTime::parse_from_rfc3339(&past.at).map_err(|e| {
            refused(format!("`at` is not an RFC 3339 time ({e}); write 2026-11-22T10:00:00Z"))
        })?;
        let file = PromptFile::parse(&format!("{name} text"), past.text.as_bytes())?;
        if file.uri.version.is_none() {
            return Err(refused("the text names no version; add `human.version` to it".into()));
        }
        let deed = Deed {
            at: at.timestamp_millis(),
            actor: past.actor.as_deref().unwrap_or(deed.actor),
            reason: past.note.as_deref().or(deed.reason),
        };
        let published = change.publish(&file, Activation::AsOfThen, deed)?;
        reports.push(Report::of(&published));
    }
    Ok(())
}
