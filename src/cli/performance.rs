//! `human prompts list` and `performance`: how prompts perform. The verbs on texts and versions are in
//! [`super::prompts`].

use std::io::Write;

use super::prompts::{self, PromptsCommand};
use super::report::Report;
use super::{CliError, Desk, Exit, Result, WindowArg, board, watch};
use crate::domain::snapshot::PromptPerformanceSnapshot;
use crate::engine::rank::{self, Filter, Sort};
use crate::engine::trend::health::Health;
use crate::intake::events::rfc3339;
use crate::service::{Service, now};
use crate::store::Kind;
use crate::store::prompt_shelf::PromptShelf;

#[derive(Debug, clap::Subcommand)]
pub enum PromptsVerb {
    /// The leaderboard: every prompt that was called or published
    List(ListArgs),
    /// How a prompt performs, on which model, at what cost, with what feedback
    Performance(PerformanceArgs),
    #[command(flatten)]
    Texts(PromptsCommand),
}

#[derive(Debug, clap::Args)]
pub struct ListArgs {
    #[command(flatten)]
    window: WindowArg,
    /// The column to sort by; `-` before or after it turns the order round
    #[arg(long, default_value = "calls", value_name = "COLUMN", allow_hyphen_values = true)]
    sort: String,
    /// Only prompts that match: words, scope:core, model:gpt-4o, neg>10, calls>1k, !word
    #[arg(long, default_value = "", value_name = "TERMS")]
    filter: String,
    /// Most prompts that are listed; 0 for all
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

#[derive(Debug, clap::Args)]
pub struct PerformanceArgs {
    /// The prompt: URI, key or last segment, with or without @version
    prompt: String,
    #[command(flatten)]
    window: WindowArg,
    /// Only this version
    #[arg(long)]
    version: Option<String>,
}

pub fn run(verb: PromptsVerb, desk: &mut Desk) -> Result<Exit> {
    match verb {
        PromptsVerb::List(args) => list(&args, desk),
        PromptsVerb::Performance(args) => performance(&args, desk),
        PromptsVerb::Texts(command) => texts(&command, desk),
    }
}

fn list(args: &ListArgs, desk: &mut Desk) -> Result<Exit> {
    let sort: Sort = args.sort.parse().map_err(CliError::Usage)?;
    let filter = args.filter.parse::<Filter>().map_err(|e| CliError::Usage(e.to_string()))?;
    let service = desk.reading()?;
    let standings = service.standings(args.window.window())?;
    let limit = if args.limit == 0 { usize::MAX } else { args.limit };
    let ranked = rank::board(standings.roster(), standings.cells.iter(), &filter, sort, limit);
    if desk.json {
        for row in &ranked.rows {
            serde_json::to_writer(&mut desk.out, &row.line())?;
            writeln!(desk.out)?;
        }
        return Ok(Exit::Done);
    }
    if ranked.rows.is_empty() {
        desk.say(&format!("No prompt matches in the {}.", args.window.window.words()));
    } else {
        let page = desk.page();
        desk.out.write_all(board::text(&ranked, page).as_bytes())?;
    }
    if standings.cells.is_empty() {
        where_the_calls_are(&service, desk)?;
    }
    Ok(Exit::Done)
}

/// A performance as JSON: the snapshot, and how the prompt is.
#[derive(serde::Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    snapshot: &'a PromptPerformanceSnapshot,
    health: Option<&'a Health>,
}

fn performance(args: &PerformanceArgs, desk: &mut Desk) -> Result<Exit> {
    let service = desk.reading()?;
    let window = args.window.window();
    let found = service.performance(&args.prompt, window, args.version.as_deref())?;
    let health = service.health(&args.prompt, now())?;
    if desk.json {
        let health = health.as_ref();
        return desk.document(&Told { snapshot: &found.snapshot, health });
    }
    let named = args.version.as_deref().or(args.prompt.split_once('@').map(|(_, v)| v));
    let version = named.and_then(|v| v.parse().ok()).or_else(|| {
        // Unpublished prompts have no active version: the one most called stands for it.
        let most = found.snapshot.version_breakdown.iter().max_by_key(|v| v.part.call_count);
        found.active.clone().or_else(|| most.map(|v| v.version.clone()))
    });
    let prompt = match version {
        Some(version) => found.snapshot.prompt_uri.at(version),
        None => found.snapshot.prompt_uri.clone(),
    };
    let report = Report {
        prompt: &prompt,
        snapshot: &found.snapshot,
        window: &args.window.window.words(),
        affinities: &found.affinities,
        recommendations: &[],
    };
    let page = desk.page();
    desk.out.write_all(report.text(page).as_bytes())?;
    writeln!(desk.out, "\n{}", watch::line(health.as_ref()))?;
    if found.snapshot.stats.total_calls == 0 {
        where_the_calls_are(&service, desk)?;
    }
    Ok(Exit::Done)
}

/// An empty window over a store that is not empty: says where to look.
fn where_the_calls_are(service: &Service, desk: &mut Desk) -> Result<()> {
    desk.out.flush()?;
    let (totals, span) = service.totals()?;
    match span {
        None => desk.say("The store has no calls yet. `human ingest FILE` feeds it."),
        Some((first, last)) => desk.say(&format!(
            "The store's {} calls are from {} to {}: name a window with --window START..END.",
            super::number::count(totals.calls.max(0) as u64),
            rfc3339(first),
            rfc3339(last)
        )),
    }
    Ok(())
}

fn texts(command: &PromptsCommand, desk: &mut Desk) -> Result<Exit> {
    let config = desk.config()?;
    let mut shelf = match PromptShelf::open(&config.store, command.access(config.store.exists())) {
        Err(error) if error.kind == Kind::Missing && command.is_about_files() => PromptShelf::empty()?,
        opened => opened?,
    };
    let actor =
        std::env::var("USER").or_else(|_| std::env::var("USERNAME")).unwrap_or_else(|_| "local".into());
    let mut at = prompts::Desk {
        shelf: &mut shelf,
        out: &mut desk.out,
        json: desk.json,
        terminal: desk.terminal,
        colour: desk.colour,
        now: now(),
        actor: &actor,
    };
    Ok(match prompts::run(command, &mut at)? {
        prompts::Exit::Done => Exit::Done,
        prompts::Exit::Failed => Exit::Failed,
    })
}
