//! `human demo`: a living demo world in a store of its own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::console::{self, ConsoleArgs};
use super::plain::shown;
use super::{CliError, Desk, Exit, Result};
use crate::config::Config;
use crate::console::runtime::Ended;
use crate::demo::{OWNER, Plan, World};
use crate::domain::call::Millis;
use crate::domain::identity::Identity;
use crate::domain::proposal::Standing;
use crate::domain::window::instant;
use crate::engine::number::count;
use crate::intake::Receipt;
use crate::intake::events::rfc3339;
use crate::keys::Keys;
use crate::service::{Ground, Service, now};
use crate::store::Access;

#[derive(Debug, Clone, clap::Args)]
pub struct DemoArgs {
    /// The seed: the same seed, the same world
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many prompts
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    prompts: u32,
    /// How many calls
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    calls: u64,
    /// How many days
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
    /// Only make the world; without it the console opens on it, and it lives on
    #[arg(long)]
    headless: bool,
    /// Calls a second that it lives on with
    #[arg(long, default_value_t = 6.0, value_name = "N", value_parser = rate)]
    per_second: f64,
    /// When the world ends: a date (its midnight, UTC) or an RFC 3339 time, before 2200 [default: now]
    #[arg(long, value_name = "TIME", value_parser = end)]
    end: Option<Millis>,
}

impl Default for DemoArgs {
    fn default() -> Self {
        let usual = Plan::standard(0);
        DemoArgs {
            seed: usual.seed,
            prompts: usual.prompts as u32,
            calls: usual.calls,
            days: usual.days,
            headless: false,
            per_second: 6.0,
            end: None,
        }
    }
}

pub fn run(args: &DemoArgs, desk: &mut Desk) -> Result<Exit> {
    let mut config = desk.config()?;
    if desk.overrides.store.is_none() {
        // Never the default store: a demo must not mix with what is real.
        config.store = Config::demo_store()?;
        remove(&config.store)?;
    }
    let plan = Plan {
        seed: args.seed,
        prompts: args.prompts as usize,
        calls: args.calls,
        days: args.days,
        end: args.end.unwrap_or_else(now),
    };
    if plan.start() < 0 {
        return Err(CliError::Usage(
            "the world would begin before 1970. Name a later --end, or fewer --days.".into(),
        ));
    }
    let began = Instant::now();
    let service = Service::open(config.clone(), Access::Write)?;
    let path = shown(&service.path().display().to_string()).into_owned();
    let world = World::new(plan);
    let held = service.totals()?.0.calls.max(0) as u64;
    let receipt = match service.ground(&world)? {
        Ground::Taken(what) => {
            return Err(CliError::Failed(format!(
                "`{path}` holds {what}, which is not of this world, and nothing was added: a demo does not mix with what \
                 is there. Name a new file with --store."
            )));
        }
        Ground::Made { .. } => Receipt { duplicate: held, ..Receipt::default() },
        Ground::Open => {
            let receipt = service.make_demo(&world)?;
            // The first look folds weeks of hours: it is not left to whoever looks first.
            service.watch(now())?;
            receipt
        }
    };
    let (totals, span) = service.totals()?;
    let (waiting, entries) =
        (service.proposals(None, Some(Standing::Open), now())?.len(), service.audit(None)?.head.seq);
    let folder = beside(service.path(), args.seed);
    service.close()?;
    let owned = write_keys(&world, &folder)?;
    if desk.json {
        return desk.document(&receipt);
    }
    let calls = totals.calls.max(0) as u64;
    let from_to = span.map_or(String::new(), |(a, b)| format!(", from {} to {}", rfc3339(a), rfc3339(b)));
    if calls == held {
        writeln!(
            desk.out,
            "Nothing added: {path} holds this world already, {} calls{from_to}. For a fresh one, whose calls end now, name \
             a new file with --store.",
            count(calls)
        )?;
    } else {
        let rest =
            if held > 0 { format!(" ({} of the calls were there)", count(held)) } else { String::new() };
        writeln!(
            desk.out,
            "A world of {} prompts and {} calls in {path} ({:.1} s){rest}",
            count(u64::from(args.prompts)),
            count(calls),
            began.elapsed().as_secs_f64()
        )?;
    }
    if waiting > 0 {
        writeln!(
            desk.out,
            "{} proposals wait, and {} entries are in the ledger: human --store {path} prompts proposals list; human --store \
             {path} audit verify",
            count(waiting as u64),
            count(entries)
        )?;
    }
    if let Some(owner) = owned {
        let folder = shown(&folder.display().to_string()).into_owned();
        writeln!(
            desk.out,
            "Decide as {owner}, whose key follows from the seed: HUMAN_CONFIG_DIR={folder} human --store {path} prompts \
             proposals show ID, accept ID, reject ID --reason WHY"
        )?;
    }
    desk.out.flush()?;
    if args.headless || desk.json {
        return Ok(Exit::Done);
    }
    if !desk.terminal {
        desk.say(&format!("Look around: human --store {path} prompts list"));
        return Ok(Exit::Done);
    }
    live(args, desk, config, &world, &folder)
}

/// Opens the console on the world, which lives on meanwhile.
fn live(args: &DemoArgs, desk: &mut Desk, config: Config, world: &World, folder: &Path) -> Result<Exit> {
    let service = Arc::new(Service::open(config, Access::Write)?);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let living = scope.spawn(|| service.live_demo(world, args.per_second, &stop));
        let ended =
            console::open(&ConsoleArgs::default(), desk, Arc::clone(&service), Some(Keys::of(folder)), false);
        stop.store(true, Ordering::Relaxed);
        let lived = living.join().unwrap_or_else(|_| Ok(()));
        if ended? == Ended::Undecided {
            return Err(console::undecided());
        }
        Ok(lived.map(|()| Exit::Done)?)
    })
}

/// The folder with the keys of the demo's steward and agent: beside its store, one for each seed.
fn beside(store: &Path, seed: u64) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(format!(".keys-{seed}"));
    name.into()
}

/// Writes the keys of the world's owner and agent; who the owner is.
fn write_keys(world: &World, folder: &Path) -> Result<Option<Identity>> {
    let (Some(owner), Some(agent)) = (world.steward(OWNER), world.agent()) else { return Ok(None) };
    let keys = Keys::of(folder);
    for who in [&agent, &owner] {
        keys.keep(who, &world.secret(who))?;
    }
    Ok(Some(owner))
}

fn rate(text: &str) -> std::result::Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.01..=20_000.0).contains(&rate) => Ok(rate),
        _ => Err("a number from 0.01 to 20000".into()),
    }
}

/// The latest time that a call may have, in milliseconds (exclusive): the end of 2199.
const LATEST: Millis = 7_258_118_400_000;

fn end(text: &str) -> std::result::Result<Millis, String> {
    match instant(text) {
        Ok(at) if at >= LATEST => Err("times before 2200 are taken".into()),
        Ok(at) => Ok(at),
        Err(why) => Err(format!("{why}; write `2026-11-22` or `2026-11-22T10:00:00Z`")),
    }
}

/// A demo begins anew each time.
fn remove(store: &std::path::Path) -> Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = store.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::remove_file(PathBuf::from(&name)) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(CliError::Failed(format!(
                    "the last demo in `{}` cannot be removed ({e}). Name another place with --store.",
                    store.display()
                )));
            }
            _ => {}
        }
    }
    Ok(())
}
