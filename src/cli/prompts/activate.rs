//! `prompts activate`, `prompts rollback` and `prompts label`: which published version is the active one, and what
//! others are called.

use semver::Version;
use serde_json::json;

use super::desk::{Desk, Exit, PromptsError, Result};

/// Arguments of `prompts activate`.
#[derive(Debug, clap::Args)]
pub struct ActivateArgs {
    /// The version: URI, key or last segment, with `@VERSION`
    #[arg(value_name = "P@V")]
    pub prompt: String,
    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// Arguments of `prompts rollback`.
#[derive(Debug, clap::Args)]
pub struct RollbackArgs {
    /// The prompt: URI, key or last segment
    #[arg(value_name = "P")]
    pub prompt: String,
    /// The version to go back to; without it, the one that was active before
    #[arg(long, value_name = "V")]
    pub to: Option<Version>,
    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// Arguments of `prompts label`.
#[derive(Debug, clap::Args)]
pub struct LabelArgs {
    /// The version: URI, key or last segment, with `@VERSION`
    #[arg(value_name = "P@V")]
    pub prompt: String,
    /// The label, such as `staging`; where another version has it, it moves
    pub label: String,
}

/// Runs `prompts label`.
pub fn label(args: &LabelArgs, desk: &mut Desk<'_>) -> Result<Exit> {
    let at = desk.deed(None).at;
    let change = desk.shelf.change()?;
    let named = change.named(&args.prompt)?;
    let Some(version) = named.version else {
        let message = format!("say which version to label: {}@VERSION", named.uri);
        return Err(PromptsError::Usage(message));
    };
    change.set_label(&named.uri, &version, &args.label, at)?;
    change.commit()?;
    if desk.json {
        return desk.document(&json!({"uri": named.uri, "version": version, "label": args.label}));
    }
    writeln!(desk.out, "Labelled: {}@{version} is {}", named.uri.key, args.label)?;
    Ok(Exit::Done)
}

/// Runs `prompts activate`.
pub fn activate(args: &ActivateArgs, desk: &mut Desk<'_>) -> Result<Exit> {
    let deed = desk.deed(args.reason.as_deref());
    let change = desk.shelf.change()?;
    let named = change.named(&args.prompt)?;
    let Some(version) = named.version else {
        let message = format!("say which version to activate: {}@VERSION", named.uri);
        return Err(PromptsError::Usage(message));
    };
    let previous = change.activate(&named.uri, &version, deed)?;
    change.commit()?;
    if desk.json {
        return desk.document(&json!({"uri": named.uri, "active": version, "previousActive": previous}));
    }
    match previous {
        Some(previous) if previous == version => {
            writeln!(desk.out, "Active already: {}@{version}", named.uri.key)?;
        }
        previous => {
            writeln!(desk.out, "Active: {}@{version}", named.uri.key)?;
            if let Some(previous) = previous {
                writeln!(desk.out, "Previous active: {previous} (available for rollback)")?;
            }
        }
    }
    Ok(Exit::Done)
}

/// Runs `prompts rollback`.
pub fn rollback(args: &RollbackArgs, desk: &mut Desk<'_>) -> Result<Exit> {
    if args.reason.trim().is_empty() {
        return Err(PromptsError::Usage("a rollback needs a reason; say why with `--reason TEXT`".into()));
    }
    let deed = desk.deed(Some(&args.reason));
    let change = desk.shelf.change()?;
    let named = change.named(&args.prompt)?;
    if named.version.is_some() {
        let message = format!(
            "`{}` names a version; name the one to go back to with `--to`",
            args.prompt.escape_debug()
        );
        return Err(PromptsError::Usage(message));
    }
    let done = change.rollback(&named.uri, args.to.as_ref(), deed)?;
    change.commit()?;
    if desk.json {
        return desk.document(&json!({"uri": named.uri, "active": done.to, "previousActive": done.from}));
    }
    if done.from == done.to {
        writeln!(desk.out, "Active already: {}@{}", named.uri.key, done.to)?;
    } else {
        writeln!(desk.out, "Rolled back: {}@{}\nPrevious active: {}", named.uri.key, done.to, done.from)?;
    }
    Ok(Exit::Done)
}
