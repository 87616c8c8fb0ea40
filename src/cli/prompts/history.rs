//! `prompts history`: the versions of a prompt, the newest first, and which was active when, by whom and why.

use serde_json::json;

use super::desk::{Desk, Exit, Result, time};
use crate::engine::visible::one_line;

/// Arguments of `prompts history`.
#[derive(Debug, clap::Args)]
pub struct HistoryArgs {
    /// The prompt: URI, key or last segment
    #[arg(value_name = "P")]
    pub prompt: String,
    /// Most versions and activations that are listed; 0 for all
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
}

/// Runs `prompts history`.
pub fn run(args: &HistoryArgs, desk: &mut Desk<'_>) -> Result<Exit> {
    let limit = if args.limit == 0 { usize::MAX } else { args.limit };
    let view = desk.shelf.view()?;
    let uri = view.named(&args.prompt)?.uri;
    let active = view.active(&uri)?;
    let versions = view.version_rows(&uri)?;
    let mut activations = view.activations(&uri)?;
    drop(view);
    activations.reverse();
    if desk.json {
        let versions: Vec<_> = versions
            .iter()
            .take(limit)
            .map(|v| {
                json!({"version": v.version, "publishedAt": time(v.published_at), "actor": v.actor, "digest": v.digest,
                       "note": v.note, "active": Some(&v.version) == active.as_ref()})
            })
            .collect();
        let activations: Vec<_> = activations
            .iter()
            .take(limit)
            .map(|a| json!({"version": a.version, "at": time(a.at), "kind": a.kind, "actor": a.actor, "reason": a.reason}))
            .collect();
        return desk.document(
            &json!({"uri": uri, "active": active, "versions": versions, "activations": activations}),
        );
    }
    writeln!(desk.out, "{uri}\n\nVersions (* is active now)")?;
    let width = versions.iter().map(|v| v.version.to_string().len()).max().unwrap_or(0);
    for v in versions.iter().take(limit) {
        let mark = if Some(&v.version) == active.as_ref() { "*" } else { " " };
        let (version, at) = (v.version.to_string(), time(v.published_at));
        let note = v.note.as_deref().map(one_line).unwrap_or_default();
        let line = format!(
            "{mark} {version:<width$}  {at:<24}  {}  {}  {note}",
            &v.digest[..12],
            one_line(&v.actor)
        );
        writeln!(desk.out, "{}", line.trim_end())?;
    }
    more(desk, versions.len(), limit)?;
    writeln!(desk.out, "\nActivations")?;
    for a in activations.iter().take(limit) {
        let (version, at) = (a.version.to_string(), time(a.at));
        let reason = a.reason.as_deref().map(one_line).unwrap_or_default();
        let line = format!("  {version:<width$}  {at:<24}  {:<8}  {}  {reason}", a.kind, one_line(&a.actor));
        writeln!(desk.out, "{}", line.trim_end())?;
    }
    more(desk, activations.len(), limit)?;
    Ok(Exit::Done)
}

fn more(desk: &mut Desk<'_>, all: usize, limit: usize) -> Result<()> {
    if all > limit {
        writeln!(desk.out, "  and {} older ones; --limit 0 lists all", all - limit)?;
    }
    Ok(())
}
