//! `human agent …`: what the Prompt Refinement Agent is allowed. It is a program with a key of its own, which acts under
//! a grant that a steward signed, and under no other.

use std::io::Write;
use std::time::Duration;

use serde_json::json;

use super::plain::shown;
use super::steward::{KeepArgs, kept_in};
use super::{CliError, Desk, Exit, Result, agent_record};
use crate::domain::call::Millis;
use crate::domain::identity::{Grant, GrantScope, Identity, UriPattern};
use crate::domain::prompt::Name;
use crate::domain::run::{Looked, Run, Spent};
use crate::domain::window::{WindowSpec, instant, time};
use crate::engine::number::count;
use crate::engine::visible;
use crate::keys;
use crate::service::{Schedule, now};

/// The verbs of this family.
#[derive(Debug, clap::Subcommand)]
pub enum AgentVerb {
    /// Look at the evidence, and propose what follows from it
    Run(RunArgs),
    /// Allow the agent something, in place of what it was allowed before
    Grant(GrantArgs),
    /// Take the grant back
    Revoke(WhichArgs),
    /// What the agent is allowed, and what it has done
    Status(WhichArgs),
}

#[derive(Debug, clap::Args)]
pub struct GrantArgs {
    /// What it may do: telemetry:read, prompts:read, proposals:write, prompts:auto-apply
    #[arg(long, required = true, num_args = 1.., value_delimiter = ',', value_name = "SCOPE")]
    scope: Vec<GrantScope>,
    /// With which prompts: a URI without version, in which `*` at the end stands for any rest
    #[arg(long, default_value = "prompt://*", value_name = "PATTERN")]
    prompts: UriPattern,
    /// Until when: after 30d, 12h, or a date or an RFC 3339 time
    #[arg(long, value_name = "WHEN")]
    expires: String,
    #[command(flatten)]
    which: WhichArgs,
    #[command(flatten)]
    keep: KeepArgs,
}

#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// Run once; without it, again and again until interrupted
    #[arg(long)]
    once: bool,
    /// Find, and draft by rules, but write nothing and ask no model
    #[arg(long)]
    dry_run: bool,
    /// Evidence of which time
    #[arg(long, default_value = "7d", value_name = "W")]
    window: WindowSpec,
    /// Hours between runs
    #[arg(long, default_value_t = 6, value_name = "HOURS", value_parser = clap::value_parser!(u64).range(1..=720))]
    every: u64,
    #[command(flatten)]
    which: WhichArgs,
}

#[derive(Debug, clap::Args)]
pub struct WhichArgs {
    /// The agent's organization [default: `intake.default_org` of the configuration]
    #[arg(long, value_name = "ORG")]
    org: Option<Name>,
}

impl WhichArgs {
    /// The agent that is meant: of the organization named; else the only one that the store knows; else that of the
    /// configuration's organization.
    pub(super) fn agent(&self, desk: &Desk) -> Result<Identity> {
        let org = if let Some(org) = &self.org {
            org.clone()
        } else {
            let known = desk.reading().and_then(|service| Ok(service.trust()?)).unwrap_or_default();
            let mut agents = known.grants().map(|granted| granted.grant.agent.clone());
            match (agents.next(), agents.next()) {
                (Some(only), None) => return Ok(only),
                _ => desk.config()?.identity.default_org,
            }
        };
        Identity::refinement(&org).map_err(|e| CliError::Failed(e.to_string()))
    }
}

pub fn run(verb: &AgentVerb, desk: &mut Desk) -> Result<Exit> {
    match verb {
        AgentVerb::Run(args) => run_agent(args, desk),
        AgentVerb::Grant(args) => grant(args, desk),
        AgentVerb::Revoke(args) => revoke(args, desk),
        AgentVerb::Status(args) => status(args, desk),
    }
}

fn run_agent(args: &RunArgs, desk: &mut Desk) -> Result<Exit> {
    if args.once || args.dry_run {
        return Ok(if run_once(args, desk)? { Exit::Refused } else { Exit::Done });
    }
    let agent = args.which.agent(desk)?;
    let pen = Desk::keys()?.agent(&agent)?;
    let every = Duration::from_secs(args.every * 3_600);
    let mut schedule = Schedule::new(pen, every, args.window);
    loop {
        let wait = match when_due(&mut schedule, args, &agent, desk) {
            Ok(wait) => wait,
            Err(error) if error.may_pass() => {
                let next = time(now() + every.as_millis() as Millis);
                desk.say(&format!(
                    "human: this run failed: {error}\nThe agent goes on, and runs again at {next}."
                ));
                every
            }
            Err(error) => return Err(error),
        };
        desk.out.flush()?;
        std::thread::sleep(wait);
    }
}

/// Lets the agent run if it is due; how long it takes until it is, which whoever else lets it run puts off.
fn when_due(schedule: &mut Schedule, args: &RunArgs, agent: &Identity, desk: &mut Desk) -> Result<Duration> {
    let service = desk.writing()?;
    let wait = schedule.due_in(&service, now())?;
    if !wait.is_zero() {
        service.close()?;
        let next = time(now() + wait.as_millis() as Millis);
        desk.say(&format!("{agent} ran less than {} h ago, and runs at {next}.", args.every));
        return Ok(wait);
    }
    let run = schedule.run(&service)?;
    let wait = schedule.due_in(&service, now())?;
    service.close()?;
    report(&run, desk)?;
    Ok(wait)
}

/// Runs once; whether the run was refused.
fn run_once(args: &RunArgs, desk: &mut Desk) -> Result<bool> {
    let agent = args.which.agent(desk)?;
    let pen = Desk::keys()?.agent(&agent)?;
    let service = if args.dry_run { desk.reading()? } else { desk.writing()? };
    let run = service.let_run(&pen, args.window.at(now()), args.dry_run)?;
    service.close()?;
    report(&run, desk)?;
    Ok(run.refused.is_some())
}

fn report(run: &Run, desk: &mut Desk) -> Result<()> {
    if desk.json {
        return desk.document(run).map(drop);
    }
    print(run, desk)
}

fn print(run: &Run, desk: &mut Desk) -> Result<()> {
    writeln!(desk.out, "{}  {}  {}..{}", run.agent, run.at, run.window[0], run.window[1])?;
    if let Some(why) = &run.refused {
        writeln!(desk.out, "Refused: {why}.")?;
        return Ok(());
    }
    let Looked { prompts, findings, elsewhere, watched, insufficient, outcomes, moved } = run.looked;
    writeln!(
        desk.out,
        "Looked at {} prompts: {findings} findings, {watched} on the watch list, {insufficient} with too little evidence \
         for some detector, {outcomes} open outcomes, {moved} proposals whose base moved on.",
        count(prompts)
    )?;
    if elsewhere > 0 {
        writeln!(desk.out, "{elsewhere} more, of prompts that the grant does not cover, were left alone.")?;
    }
    if let Some(why) = &run.without_model {
        writeln!(desk.out, "Drafted by rules: {}.", visible::one_line(why))?;
    }
    for step in &run.steps {
        writeln!(
            desk.out,
            "\n{}  {}\n  {}\n  {}",
            step.prompt_uri,
            step.cause,
            visible::one_line(&step.found),
            visible::one_line(&step.did.to_string())
        )?;
    }
    let Spent { calls, tokens, usd } = run.spent;
    if calls > 0 {
        writeln!(desk.out, "\nSpent on drafting: {calls} calls, {} tokens, ${usd:.4}.", count(tokens))?;
    }
    if run.dry {
        writeln!(desk.out, "\nA dry run: nothing was written, and no model was asked.")?;
    }
    Ok(())
}

/// When a grant ends.
fn expiry(text: &str, now: Millis) -> Result<Millis> {
    let at = match text.parse::<WindowSpec>() {
        Ok(spec @ WindowSpec::Last(..)) => 2 * now - spec.at(now).from_ms,
        _ => instant(text).map_err(|_| {
            let shown = text.escape_debug();
            CliError::Usage(format!(
                "`{shown}` is no time. Write `30d`, `12h`, `2026-12-24` or an RFC 3339 time."
            ))
        })?,
    };
    if at > now {
        return Ok(at);
    }
    Err(CliError::Usage(format!("{} is over. Name a time that is to come: `30d`, `2027-01-01`.", time(at))))
}

fn grant(args: &GrantArgs, desk: &mut Desk) -> Result<Exit> {
    let expires_at = expiry(&args.expires, now())?;
    let agent = args.which.agent(desk)?;
    let service = desk.writing()?;
    let pen = Desk::pen(&service.trust()?)?;
    let keys = Desk::keys()?;
    let card = match keys.card(&agent)? {
        Some(card) => card,
        None => args.keep.make(&keys, &agent, desk)?,
    };
    let mut scopes = args.scope.clone();
    scopes.sort_unstable();
    scopes.dedup();
    let key = keys.public_key(&card)?;
    let grant = Grant { agent, key, scopes, prompts: args.prompts.clone(), expires_at };
    let entry = service.grant(pen, grant.clone())?;
    service.close()?;
    if desk.json {
        return desk.document(&json!({
            "agent": grant.agent, "fingerprint": keys::fingerprint(key), "keptIn": kept_in(&card),
            "scopes": grant.scopes, "prompts": grant.prompts, "expiresAt": time(expires_at), "entry": entry.seq,
        }));
    }
    writeln!(
        desk.out,
        "Granted: {}  {}\nKey: {}\nScopes: {}\nPrompts: {}\nUntil: {}",
        grant.agent,
        keys::fingerprint(key),
        shown(&card.place()),
        words(&grant.scopes),
        shown(&grant.prompts.to_string()),
        time(expires_at)
    )?;
    Ok(Exit::Done)
}

fn words(scopes: &[GrantScope]) -> String {
    scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ")
}

fn revoke(args: &WhichArgs, desk: &mut Desk) -> Result<Exit> {
    let agent = args.agent(desk)?;
    let service = desk.writing()?;
    let pen = Desk::pen(&service.trust()?)?;
    let entry = service.revoke(pen, agent.clone())?;
    service.close()?;
    if desk.json {
        let seq = entry.as_ref().map(|entry| entry.seq);
        return desk.document(&json!({"agent": agent, "revoked": true, "entry": seq}));
    }
    let already = if entry.is_some() { "Revoked: " } else { "No grant to revoke: " };
    writeln!(desk.out, "{already}{agent}")?;
    Ok(Exit::Done)
}

fn status(args: &WhichArgs, desk: &mut Desk) -> Result<Exit> {
    let agent = args.agent(desk)?;
    let service = desk.reading()?;
    let trust = service.trust()?;
    let granted = trust.granted(&agent);
    let keys = Desk::keys()?;
    let here = match keys.card(&agent)? {
        Some(card) => Some(keys.public_key(&card)?),
        None => None,
    };
    let now = now();
    let record = service.agent_record(&agent, now)?;
    let standing = match granted {
        None => "no grant",
        Some(granted) if granted.revoked => "revoked",
        Some(granted) if now >= granted.grant.expires_at => "expired",
        Some(granted) if here != Some(granted.grant.key) => "granted to a key that is not at this machine",
        Some(_) => "granted",
    };
    if desk.json {
        let grant = granted.map(|granted| {
            let grant = &granted.grant;
            json!({
                "scopes": grant.scopes, "prompts": grant.prompts, "expiresAt": time(grant.expires_at),
                "fingerprint": keys::fingerprint(grant.key), "by": granted.by, "entry": granted.entry,
                "revoked": granted.revoked,
            })
        });
        return desk.document(&json!({
            "agent": agent, "standing": standing, "grant": grant, "runs": record.runs,
            "lastRun": record.last_runs.first().map(|run| &run.at), "record": record,
        }));
    }
    writeln!(desk.out, "{agent}\nStanding  {standing}")?;
    if let Some(granted) = granted {
        let grant = &granted.grant;
        writeln!(
            desk.out,
            "Scopes    {}\nPrompts   {}\nUntil     {}\nKey       {}\nBy        {} (entry {})",
            words(&grant.scopes),
            shown(&grant.prompts.to_string()),
            time(grant.expires_at),
            keys::fingerprint(grant.key),
            granted.by,
            granted.entry
        )?;
    }
    agent_record::print(&record, desk)?;
    if granted.is_none() {
        desk.out.flush()?;
        desk.say("A steward allows it something with `human agent grant --scope SCOPE --expires 30d`.");
    }
    Ok(Exit::Done)
}
