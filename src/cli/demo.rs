//! `human demo`: a living demo world in a store of its own.

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use super::number::count;
use super::{CliError, Desk, Exit, Result};
use crate::config::Config;
use crate::demo::{Plan, World};
use crate::service::{Service, now};
use crate::store::Access;

#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// The seed: the same seed, the same world
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many prompts
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    prompts: u32,
    /// How many calls
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    calls: u64,
    /// How many days
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
    /// Only make the world
    #[arg(long)]
    headless: bool,
    /// When the world ends, RFC 3339 [default: now]
    #[arg(long, value_name = "TIME")]
    end: Option<chrono::DateTime<chrono::Utc>>,
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
        end: args.end.map_or_else(now, |t| t.timestamp_millis()),
    };
    let began = Instant::now();
    let service = Service::open(config, Access::Write)?;
    let receipt = service.make_demo(&World::new(plan))?;
    let path = service.path().to_owned();
    service.close()?;
    if desk.json {
        return desk.document(&receipt);
    }
    writeln!(
        desk.out,
        "A world of {} prompts and {} calls in {} ({:.1} s)",
        count(u64::from(args.prompts)),
        count(args.calls),
        path.display(),
        began.elapsed().as_secs_f64()
    )?;
    desk.out.flush()?;
    if !args.headless {
        desk.say(&format!("Look around: human --store {} prompts list", path.display()));
    }
    Ok(Exit::Done)
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
