//! `prompts show` and `prompts diff`: a version's text, and what changed between two.

use std::time::{Duration, Instant};

use serde_json::json;

use super::desk::{Desk, Exit, Result, time};
use crate::domain::prompt::PromptUri;
use crate::domain::prompt_file::PromptFile;
use crate::engine::diff::{self, Diff, Role};
use crate::engine::tokens;
use crate::engine::visible::{one_line, visible};
use crate::store::prompt_shelf::View;

/// Unchanged lines shown around a change.
const CONTEXT: usize = 3;

/// Longest time for a comparison in full detail.
const PATIENCE: Duration = Duration::from_secs(2);

/// Arguments of `prompts show`.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// The prompt: URI, key or last segment, with `@VERSION` or the active one
    #[arg(value_name = "P[@V]")]
    pub prompt: String,
    /// Print the file as it was published: byte for byte where the output is no terminal; on a terminal control
    /// characters are shown as escapes
    #[arg(long)]
    pub raw: bool,
}

/// Arguments of `prompts diff`.
#[derive(Debug, clap::Args)]
pub struct DiffArgs {
    /// The old version
    #[arg(value_name = "P@A")]
    pub old: String,
    /// The new version
    #[arg(value_name = "P@B")]
    pub new: String,
}

/// The version that a name means: the one it says, else the active one.
fn named(view: &View<'_>, name: &str) -> Result<(PromptUri, PromptFile)> {
    let found = view.named(name)?;
    Ok(view.file(&found.uri, found.version)?)
}

/// Runs `prompts show`.
pub fn show(args: &ShowArgs, desk: &mut Desk<'_>) -> Result<Exit> {
    let view = desk.shelf.view()?;
    let (uri, file) = named(&view, &args.prompt)?;
    if args.raw && !desk.json {
        drop(view);
        let text = desk.safe(file.text());
        desk.out.write_all(text.as_bytes())?;
        return Ok(Exit::Done);
    }
    let bare = uri.unversioned();
    let active = view.active(&bare)?;
    let row = view.version_rows(&bare)?.into_iter().find(|row| Some(&row.version) == uri.version.as_ref());
    let published = row.map(|row| time(row.published_at));
    let tokens = tokens::estimate(file.template());
    let labels = view.labels(&bare)?;
    drop(view);
    let labels: Vec<_> =
        labels.into_iter().filter(|(_, v)| Some(v) == uri.version.as_ref()).map(|(label, _)| label).collect();
    if desk.json {
        return desk.document(&json!({
            "uri": bare,
            "version": uri.version,
            "active": active == uri.version,
            "labels": labels,
            "publishedAt": published,
            "digest": file.digest(),
            "description": file.description,
            "model": file.model,
            "taskType": file.task_type,
            "autoTune": file.auto_tune,
            "consent": file.consent,
            "requires": file.requires,
            "extends": file.extends.as_ref().map(ToString::to_string),
            "variables": file.inputs.variables,
            "estimatedTokens": tokens,
            "template": file.template(),
            "text": file.text(),
        }));
    }
    let state = match &active {
        active if *active == uri.version => "active".to_owned(),
        Some(other) => format!("not active ({other} is)"),
        None => "not active".to_owned(),
    };
    writeln!(desk.out, "{uri}")?;
    let variables: Vec<_> = file
        .inputs
        .variables
        .iter()
        .map(|v| if v.required { v.name.clone() } else { format!("{}?", v.name) })
        .collect();
    for (label, value) in [
        ("description", file.description.clone().unwrap_or_default()),
        ("state", state),
        ("labels", labels.join(", ")),
        ("published", published.unwrap_or_default()),
        ("model", file.model.clone().unwrap_or_default()),
        ("task", file.task_type.clone()),
        ("variables", variables.join(", ")),
        ("requires", file.requires.join(", ")),
        ("extends", file.extends.as_ref().map(ToString::to_string).unwrap_or_default()),
        ("tokens", format!("about {tokens}, before variables")),
        ("digest", file.digest()),
    ] {
        if !value.is_empty() {
            writeln!(desk.out, "  {label:<12} {}", one_line(&value))?;
        }
    }
    writeln!(desk.out)?;
    // For reading, wherever it goes: `--raw` and `--json` have the text itself.
    let text = visible(file.template());
    desk.out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        writeln!(desk.out)?;
    }
    Ok(Exit::Done)
}

/// Runs `prompts diff`.
pub fn diff(args: &DiffArgs, desk: &mut Desk<'_>) -> Result<Exit> {
    let view = desk.shelf.view()?;
    let (old_uri, old) = named(&view, &args.old)?;
    let (new_uri, new) = named(&view, &args.new)?;
    drop(view);
    let change = crate::engine::bump::Change::between(&old, &new);
    let (old_name, new_name) = (old_uri.to_string(), new_uri.to_string());
    let colour = desk.colour && !desk.json;
    let (folded, text) = comparison((&old_name, old.text()), (&new_name, new.text()), colour);
    if desk.json {
        return desk.document(&json!({
            "old": old_name,
            "new": new_name,
            "change": change.as_str(),
            "added": folded.added,
            "removed": folded.removed,
            "diff": text,
        }));
    }
    if folded.is_same() {
        writeln!(desk.out, "{old_name} and {new_name} are the same text")?;
        return Ok(Exit::Done);
    }
    desk.out.write_all(text.as_bytes())?;
    Ok(Exit::Done)
}

/// Two texts, each with its name, line by line: the rows, and how they are printed. All of it is safe to print.
pub fn comparison(old: (&str, &str), new: (&str, &str), colour: bool) -> (Diff, String) {
    // Two texts without a word in common could keep the comparison busy for minutes; past this it is coarser.
    let diff = Diff::between(old.1, new.1, Instant::now().checked_add(PATIENCE)).folded(CONTEXT);
    let paint = move |role: Role, text: &str| if colour { painted(role, text) } else { text.to_owned() };
    let text = diff::unified(old, new, &diff, &paint);
    (diff, text)
}

/// Terminal attributes by role. Changed words are underlined as well, and lines carry their sign: colour is never alone.
fn painted(role: Role, text: &str) -> String {
    let style = match role {
        Role::Same => return text.to_owned(),
        Role::Header => "1",
        Role::Note => "2",
        Role::Removed => "31",
        Role::RemovedWord => "1;4;31",
        Role::Added => "32",
        Role::AddedWord => "1;4;32",
    };
    // The reset comes before the line feed, so that no attribute reaches the next line.
    match text.strip_suffix('\n') {
        Some("") => "\n".to_owned(),
        Some(line) => format!("\u{1b}[{style}m{line}\u{1b}[0m\n"),
        None => format!("\u{1b}[{style}m{text}\u{1b}[0m"),
    }
}
