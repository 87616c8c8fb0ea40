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
use crate::theme::{Depth, Marks, NotADepth, Theme, ascii_only};

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
        agent_ran: service.last_run(None).unwrap_or_default(),
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
        depth: depth(desk.when, &set, env)?,
        ascii: ascii_only(set.ascii, env),
        marks: marks(&set)?,
        themes,
        ask: passphrase,
    };
    runtime::run(launch).map_err(|error| match error.kind() {
        // In words of its own.
        ErrorKind::Other => CliError::Failed(error.to_string()),
        _ => CliError::Output(error),
    })
}

/// The colours of the terminal: what the flag says, then `NO_COLOR`, the configuration, the terminal itself.
fn depth(when: When, set: &ConsoleSection, env: impl Fn(&str) -> Option<String>) -> Result<Depth> {
    let fault = |e: NotADepth| CliError::Usage(format!("[console] colours: {e}"));
    let asked = set.colours.as_deref().map(str::parse).transpose().map_err(fault)?;
    Ok(match when {
        When::Never => Depth::Mono,
        When::Auto => Depth::detect(asked, env),
        When::Always => Depth::detect(asked, |name| env(name).filter(|_| name != "NO_COLOR")),
    })
}

fn marks(set: &ConsoleSection) -> Result<Marks> {
    let asked = set.marks.as_deref().map(str::parse).transpose();
    Ok(asked.map_err(|e: String| CliError::Usage(format!("[console] marks: {e}")))?.unwrap_or_default())
}

fn patch(set: &ConsoleSection) -> Patch {
    let keys = |bound: &Bound| match bound {
        Bound::One(keys) => vec![keys.clone()],
        Bound::Many(all) => all.clone(),
    };
    set.keys.iter().map(|(action, bound)| (action.clone(), keys(bound))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_goes_before_no_color_and_no_color_before_the_configuration() {
        let set =
            |colours: &str| ConsoleSection { colours: Some(colours.into()), ..ConsoleSection::default() };
        let plain = |name: &str| (name == "NO_COLOR").then(|| "1".to_owned());
        for (when, no_color, expected) in [
            (When::Auto, false, Depth::True),
            (When::Auto, true, Depth::Mono),
            (When::Always, true, Depth::True),
            (When::Never, false, Depth::Mono),
        ] {
            let env = |name: &str| if no_color { plain(name) } else { None };
            assert_eq!(depth(when, &set("truecolor"), env).ok(), Some(expected), "{when:?} {no_color}");
        }
        assert!(depth(When::Auto, &set("many"), plain).is_err());
    }

    #[test]
    fn charts_are_drawn_as_the_configuration_says() {
        let set = |said: &str| ConsoleSection { marks: Some(said.into()), ..ConsoleSection::default() };
        assert_eq!(marks(&ConsoleSection::default()).ok(), Some(Marks::Braille));
        assert_eq!(marks(&set("block")).ok(), Some(Marks::Block));
        let error = marks(&set("dots")).unwrap_err().to_string();
        assert!(error.contains("write braille, block or ascii"), "{error}");
    }
}
