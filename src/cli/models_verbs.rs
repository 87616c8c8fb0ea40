//! `human models`: the verbs. What they print is in [`super::models`].

use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::models;
use super::plain::shown;
use super::routing;
use super::{CliError, Desk, Exit, Result};
use crate::domain::model::Day;
use crate::engine::number::count;
use crate::intake::prices;
use crate::keys;
use crate::llm::Endpoint;
use crate::service::now;

/// The most that is read of a key.
const MAX_KEY: u64 = 4_096;

/// The verbs of this family.
#[derive(Debug, clap::Subcommand)]
pub enum ModelsVerb {
    /// What models cost and can do
    List {
        /// Only models whose name or provider has this in it
        filter: Option<String>,
        /// Prices of this day [default: today]
        #[arg(long, value_name = "DATE")]
        on: Option<Day>,
        /// Most models that are listed; 0 for all
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// How models serve a prompt: quality from feedback, less failures, cost and latency
    Affinity(routing::AffinityArgs),
    /// Where a prompt's calls go: who may answer, and which share each gets
    Route(routing::RouteArgs),
    /// Keep the key to a provider in the platform's keyring: typed without being shown, or read from standard input
    Key {
        /// The provider, `openai` or `anthropic`; where `base_url` names another address, its host (with the port, if any)
        provider: String,
    },
    /// Take a price table: LiteLLM, models.dev, OpenRouter, or this program's own CSV; gzip or not
    Import {
        /// The table
        file: PathBuf,
        /// The day from which its prices hold [default: what the table says, else today]
        #[arg(long, value_name = "DATE")]
        as_of: Option<Day>,
    },
}

pub fn run(verb: &ModelsVerb, desk: &mut Desk) -> Result<Exit> {
    match verb {
        ModelsVerb::List { filter, on, limit } => list(filter.as_deref(), *on, *limit, desk),
        ModelsVerb::Affinity(args) => routing::affinity(args, desk),
        ModelsVerb::Route(args) => routing::route(args, desk),
        ModelsVerb::Key { provider } => key(provider, desk),
        ModelsVerb::Import { file, as_of } => import(file, *as_of, desk),
    }
}

fn list(filter: Option<&str>, on: Option<Day>, limit: usize, desk: &mut Desk) -> Result<Exit> {
    let known = match desk.reading() {
        Ok(service) => service.model_table()?,
        // Without a store there is still the built-in table.
        Err(CliError::Service(crate::service::ServiceError::Store(e)))
            if e.kind == crate::store::Kind::Missing =>
        {
            let table = prices::bundled();
            crate::service::ModelTable { prices: table.prices, cards: table.cards, bundled: true }
        }
        Err(error) => return Err(error),
    };
    let mut lines = models::lines(&known.prices, &known.cards, on.unwrap_or(Day::of(now())));
    if let Some(wanted) = filter.map(str::to_lowercase) {
        lines.retain(|l| {
            l.model_id.to_lowercase().contains(&wanted) || l.provider.to_lowercase().contains(&wanted)
        });
    }
    let found = lines.len();
    lines.truncate(if limit == 0 { usize::MAX } else { limit });
    if desk.json {
        for line in &lines {
            serde_json::to_writer(&mut desk.out, line)?;
            writeln!(desk.out)?;
        }
        return Ok(Exit::Done);
    }
    let page = desk.page();
    desk.out.write_all(models::text(&lines, page).as_bytes())?;
    desk.out.flush()?;
    if lines.len() < found {
        desk.say(&format!(
            "{} of {} models; --limit 0 lists all.",
            count(lines.len() as u64),
            count(found as u64)
        ));
    }
    if known.bundled {
        desk.say("From the built-in table; `human models import FILE` takes a newer one.");
    }
    Ok(Exit::Done)
}

/// Keeps a key where drafts look for it. It is never an argument, which other programs can read.
fn key(provider: &str, desk: &mut Desk) -> Result<Exit> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "._-:[]".contains(c);
    if provider.is_empty() || provider.len() > 253 || !provider.chars().all(is_name) {
        let shown = provider.escape_debug();
        return Err(CliError::Usage(format!(
            "`{shown}` is no provider. Write `openai`, `anthropic`, or the host of `base_url`; the key is asked for."
        )));
    }
    let provider = provider.to_lowercase();
    let given = given(&provider)?;
    let key = given.trim();
    if key.is_empty() || !key.chars().all(|c| c.is_ascii_graphic()) {
        return Err(CliError::Failed(
            "this is no key: a key is one word of plain characters. Nothing was kept.".into(),
        ));
    }
    keys::keep_provider_key(&provider, key).map_err(|fault| {
        CliError::Failed(format!(
            "the key was not kept: {fault}. Unlock the platform's keyring and try once more, or set the environment \
             variable that `api_key_env` names."
        ))
    })?;
    if desk.json {
        return desk.document(&serde_json::json!({"provider": provider, "keptIn": "keyring"}));
    }
    writeln!(desk.out, "Kept in the platform's keyring: the key to {provider}")?;
    desk.out.flush()?;
    let asked = desk.config().ok().and_then(|config| config.llm.as_ref().map(Endpoint::keyring_entry));
    if let Some(asked) = asked.filter(|asked| *asked != provider) {
        desk.say(&format!("The model that is configured in [llm] asks for the key to `{asked}`."));
    }
    Ok(Exit::Done)
}

/// What is typed without being shown, or piped in.
fn given(provider: &str) -> Result<Zeroizing<String>> {
    let refused =
        |e: std::io::Error| CliError::Failed(format!("the key cannot be read ({e}). Nothing was kept."));
    if std::io::stdin().is_terminal() {
        let typed = rpassword::prompt_password(format!("Key to {provider} (not shown): "));
        return typed.map(Zeroizing::new).map_err(refused);
    }
    let mut given = Zeroizing::new(String::with_capacity(MAX_KEY as usize));
    std::io::stdin().lock().take(MAX_KEY).read_to_string(&mut given).map_err(refused)?;
    Ok(given)
}

fn import(file: &PathBuf, as_of: Option<Day>, desk: &mut Desk) -> Result<Exit> {
    let mut bytes = Vec::new();
    // One byte more than is taken: what is longer is refused by the reader, not by the memory.
    File::open(file).and_then(|f| f.take(prices::MAX_BYTES + 1).read_to_end(&mut bytes)).map_err(|e| {
        CliError::Failed(format!("`{}` cannot be read ({e}). Nothing was imported.", file.display()))
    })?;
    let source = file.file_name().map_or("table".into(), |n| n.to_string_lossy().into_owned());
    let (format, table) = prices::read(&bytes, &source, as_of, Day::of(now()))
        .map_err(|e| CliError::Failed(format!("`{}`: {e}. Nothing was imported.", file.display())))?;
    let (rows, cards) = (table.prices.len() as u64, table.cards.len() as u64);
    let service = desk.writing()?;
    let done = service.import_models(table.prices, table.cards)?;
    service.close()?;
    if desk.json {
        let refused: Vec<_> =
            table.refused.iter().map(|r| serde_json::json!({"row": r.row, "reason": r.reason})).collect();
        return desk.document(&serde_json::json!({
            "format": format.as_str(), "prices": rows, "cards": cards, "added": done.added, "changed": done.changed,
            "unchanged": done.unchanged, "refused": refused,
        }));
    }
    writeln!(
        desk.out,
        "{}: {} prices and {} model cards; {} added, {} changed, {} known before",
        format.as_str(),
        count(rows),
        count(cards),
        count(done.added as u64),
        count(done.changed as u64),
        count(done.unchanged as u64)
    )?;
    desk.out.flush()?;
    for refused in table.refused.iter().take(if desk.verbose { usize::MAX } else { 5 }) {
        desk.say(&format!("left out {}: {}", shown(&refused.row), shown(&refused.reason)));
    }
    if table.refused.len() > 5 && !desk.verbose {
        desk.say(&format!("left out {} in all; -v names each", count(table.refused.len() as u64)));
    }
    Ok(Exit::Done)
}
