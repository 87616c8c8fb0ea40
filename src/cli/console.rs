//! `human console`, and `human` alone: the full-screen console.

use std::io::{ErrorKind, IsTerminal as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clap::CommandFactory as _;

use super::steward::passphrase;
use super::{Cli, CliError, Desk, Result, When};
use crate::config::{Config, ConsoleSection, Keys as Bound};
use crate::console::app::Settings;
use crate::console::hand::Means;
use crate::console::keymap::{Keymap, Patch};
use crate::console::reader::Ground;
use crate::console::runtime::{self, Ended, Launch};
use crate::keys::Keys;
use crate::service::Service;
use crate::store::Access;
use crate::theme::{Depth, Theme, ascii_only};

/// The theme that is shown where none is named.
const THEME: &str = "terminal";

#[derive(Debug, Default, clap::Args)]
pub struct ConsoleArgs {
    /// The theme: see `human config themes`
    #[arg(long, value_name = "NAME")]
    theme: Option<String>,
    /// Decide nothing: the store is opened for reading
    #[arg(long)]
    read_only: bool,
}

/// Runs it; how it ended.
pub fn run(args: &ConsoleArgs, desk: &mut Desk) -> Result<Ended> {
    if desk.json {
        return Err(CliError::Usage("the console prints no JSON; `human prompts list --json` does.".into()));
    }
    if !desk.terminal || !std::io::stdin().is_terminal() {
        // Somebody who types `human` into a script wants to know what there is.
        eprint!("{}", Cli::command().render_help());
        return Err(CliError::Usage(
            "the console needs a terminal for its input and output. Name a command, or run it in a terminal."
                .into(),
        ));
    }
    let access = if args.read_only { Access::Read } else { Access::Write };
    let service = Arc::new(Service::open(desk.config()?, access)?);
    let keys = Config::folder().ok().map(|folder| Keys::of(&folder));
    open(args, desk, service, keys, true)
}

/// Something was still waiting for the store when the console was quit.
pub fn undecided() -> CliError {
    CliError::Failed(
        "the console was quit while a decision still waited for the store: whether it was written is not known. `human \
         audit log --limit 5` shows what was."
            .into(),
    )
}

/// Opens the console on a store; `demo` offers a demo world where the store is empty.
pub fn open(
    args: &ConsoleArgs,
    desk: &Desk,
    service: Arc<Service>,
    keys: Option<Keys>,
    demo: bool,
) -> Result<Ended> {
    let set = service.config().console.clone();
    let env = |name: &str| std::env::var(name).ok();
    let themes = Config::folder().ok().map(|folder| folder.join("themes"));
    let name = args.theme.clone().or_else(|| set.theme.clone()).unwrap_or_else(|| THEME.to_owned());
    let theme = Theme::named(&name, themes.as_deref()).map_err(|error| CliError::Usage(error.to_string()))?;
    let keymap = Keymap::new(&patch(&set)).map_err(|faults| {
        CliError::Usage(format!("[console.keys] cannot be used: {}.", faults.join("; ")))
    })?;
    let settings = Settings {
        window: set.window.unwrap_or_default(),
        read_only: args.read_only,
        mouse: set.mouse.unwrap_or(true),
        bell: set.bell.unwrap_or(false),
        title: set.title.unwrap_or(false),
        themes: Theme::names(themes.as_deref()),
        theme: name,
        demo,
        agent_every: service.config().agent_hours.map(|hours| Duration::from_secs(u64::from(hours) * 3_600)),
    };
    let launch = Launch {
        means: Means {
            ground: Ground { service, keys, steward: env("HUMAN_STEWARD").filter(|name| !name.is_empty()) },
            unlocked: Arc::new(Mutex::new(None)),
        },
        settings,
        keymap,
        theme,
        depth: depth(desk, &set, &env)?,
        ascii: ascii_only(set.ascii, env),
        themes,
        ask: passphrase,
    };
    runtime::run(launch).map_err(|error| match error.kind() {
        // In words of its own.
        ErrorKind::Other => CliError::Failed(error.to_string()),
        _ => CliError::Output(error),
    })
}

/// The colours of the terminal: what was asked for, else what it says.
fn depth(desk: &Desk, set: &ConsoleSection, env: &impl Fn(&str) -> Option<String>) -> Result<Depth> {
    let asked = match (desk.when, &set.colours) {
        (When::Never, _) => Some(Depth::Mono),
        (_, Some(text)) => {
            Some(text.parse().map_err(|e| CliError::Usage(format!("[console] colours: {e}")))?)
        }
        (_, None) => None,
    };
    Ok(Depth::detect(asked, env))
}

fn patch(set: &ConsoleSection) -> Patch {
    let keys = |bound: &Bound| match bound {
        Bound::One(keys) => vec![keys.clone()],
        Bound::Many(all) => all.clone(),
    };
    set.keys.iter().map(|(action, bound)| (action.clone(), keys(bound))).collect()
}
