//! `human prompts list` and `performance`: how prompts perform. The verbs on texts and versions are in
//! [`super::prompts`].

use std::io::Write;

use super::prompts::{self, PromptsCommand};
use super::proposals::{self, ProposalsVerb, ProposeArgs};
use super::report::{Recommendation, Report};
use super::{CliError, Desk, Exit, Result, WindowArg, board, watch};
use crate::domain::outcome::Outcome;
use crate::domain::proposal::Standing;
use crate::domain::snapshot::PromptPerformanceSnapshot;
use crate::engine::detect::words::{self as found, Said};
use crate::engine::outcome::words;
use crate::engine::rank::{self, Filter, Sort};
use crate::engine::trend::health::Health;
use crate::intake::events::rfc3339;
use crate::service::proposals::Listed;
use crate::service::{Performance, Service, account, now};
use crate::store::Kind;
use crate::store::prompt_shelf::PromptShelf;
use crate::store::telemetry::CallQuery;

#[derive(Debug, clap::Subcommand)]
pub enum PromptsVerb {
    /// The leaderboard: every prompt that was called or published
    List(ListArgs),
    /// How a prompt performs, on which model, at what cost, with what feedback
    Performance(PerformanceArgs),
    /// Propose a changed file of a published prompt: its text, its recommended model or its metadata
    ///
    /// The proposal is judged and decided like the agent's. A newer one by a steward for the same prompt takes its place.
    Propose(ProposeArgs),
    /// What is proposed for prompts, and deciding on it
    #[command(subcommand)]
    Proposals(ProposalsVerb),
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
    /// Only prompts that match: words, scope:core, model:gpt-4o, neg>10, calls>1k, !word. A share or score that rests on
    /// too little (a fraction, or `insufficient`) is neither more nor less than any number
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
        PromptsVerb::Propose(args) => proposals::propose(args, desk),
        PromptsVerb::Proposals(verb) => proposals::run(verb, desk),
        PromptsVerb::Texts(command) => texts(&command, desk),
    }
}

fn list(args: &ListArgs, desk: &mut Desk) -> Result<Exit> {
    let sort: Sort = args.sort.parse().map_err(CliError::Usage)?;
    let filter = args.filter.parse::<Filter>().map_err(|e| CliError::Usage(e.to_string()))?;
    let service = desk.reading()?;
    let standings = service.standings(args.window.window())?;
    let limit = if args.limit == 0 { usize::MAX } else { args.limit };
    let ranked = rank::board(standings.roster(), &standings.cells, &filter, sort, limit);
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

/// The snapshot, and what else is known of the prompt.
#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    #[serde(flatten)]
    snapshot: &'a PromptPerformanceSnapshot,
    /// How the prompt is; `null` where nothing is watched yet.
    health: Option<&'a Health>,
    /// What came of the latest change of version; absent where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'a Outcome>,
    /// What is proposed for it and waits, the oldest first.
    proposals: &'a [Listed],
    recommendations: &'a [Said<'a>],
}

fn performance(args: &PerformanceArgs, desk: &mut Desk) -> Result<Exit> {
    if let (Some((_, named)), Some(version)) = (args.prompt.split_once('@'), &args.version)
        && named != version.as_str()
    {
        return Err(CliError::Usage(format!(
            "`{}` names a version, and `--version {}` names another. Keep one of the two.",
            args.prompt.escape_debug(),
            version.escape_debug()
        )));
    }
    let service = desk.reading()?;
    let window = args.window.window();
    let found = service.performance(&args.prompt, window, args.version.as_deref())?;
    let prompt = found.snapshot.prompt_uri.unversioned();
    let latest = service.latest_outcome(&prompt.to_string(), now())?;
    let findings = service.findings(window)?;
    let health = service.health(&prompt.to_string(), now())?;
    // Findings are of the active version: of another one that was asked for there are none.
    let said = found::of(&findings, |uri| {
        let other =
            found.version.as_ref().is_some_and(|named| uri.version.as_ref().is_some_and(|v| v != named));
        uri.unversioned() == prompt && !other
    });
    let mut open = service.proposals(Some(&prompt.to_string()), Some(Standing::Open), now())?;
    open.reverse();
    if desk.json {
        return desk.document(&Document {
            proposals: &open,
            snapshot: &found.snapshot,
            health: health.as_ref(),
            outcome: latest.as_ref(),
            recommendations: &said,
        });
    }
    let called = found.snapshot.stats.total_calls > 0;
    let version = found.version.clone().or_else(|| {
        // Unpublished prompts have no active version: the one most called stands for it.
        let most = found.snapshot.version_breakdown.iter().max_by_key(|v| v.part.call_count);
        found.active.clone().or_else(|| most.map(|v| v.version.clone()))
    });
    let mut notes = vec![watch::line(health.as_ref())];
    notes.extend(latest.as_ref().map(words::line));
    let proposed = open
        .iter()
        .map(|open| Recommendation { id: open.proposal.id.to_string(), title: open.proposal.title.clone() });
    let mut recommended: Vec<Recommendation> = proposed.collect();
    if called {
        let line = |said: &Said| Recommendation { id: said.id().to_owned(), title: said.text.clone() };
        recommended.extend(said.iter().map(line));
    }
    let report = Report {
        prompt: &version.map_or_else(|| prompt.clone(), |version| prompt.at(version)),
        snapshot: &found.snapshot,
        window: &args.window.window.words(),
        affinities: &found.affinities,
        notes: &notes,
        recommendations: &recommended,
    };
    let page = desk.page();
    desk.out.write_all(report.text(page).as_bytes())?;
    if !called {
        last_call(&service, &found, args, desk)?;
    }
    Ok(Exit::Done)
}

/// A prompt without calls in the window: says when it had its last.
fn last_call(service: &Service, found: &Performance, args: &PerformanceArgs, desk: &mut Desk) -> Result<()> {
    desk.out.flush()?;
    let numbers = service.catalog()?.numbers(&found.snapshot.prompt_uri, found.version.as_ref());
    let mut last = None;
    service.calls(&CallQuery { versions: Some(numbers), ..CallQuery::default() }, &mut |kept| {
        last = Some(kept.call.at);
        false
    })?;
    let whose = if found.version.is_some() { "This version" } else { "This prompt" };
    desk.say(&match last {
        None => format!("{whose} has no calls in the store."),
        Some(at) => format!(
            "{whose} has no calls in this window ({}); its last was at {}. Name a window with --window START..END.",
            args.window.window.words(),
            rfc3339(at)
        ),
    });
    Ok(())
}

/// An empty window over a store that is not empty: says where to look.
fn where_the_calls_are(service: &Service, desk: &mut Desk) -> Result<()> {
    desk.out.flush()?;
    let (totals, span) = service.totals()?;
    match span {
        None => desk.say("The store has no calls yet. `human ingest FILE` feeds it."),
        Some((first, last)) => desk.say(&format!(
            "The store's {} calls are from {} to {}: name a window with --window START..END.",
            crate::engine::number::count(totals.calls.max(0) as u64),
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
    let pen = if command.signs() { Desk::pen(&shelf.trust()?)? } else { None };
    let actor = pen.as_ref().map_or_else(account, |pen| pen.identity().to_string());
    if let Some(pen) = pen {
        shelf.sign_with(pen);
    }
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
