//! The command line: one file per family of verbs, one way to print text and JSON.
//!
//! Start with [`run`]. Data goes to standard output, words about it to standard error; whatever came from outside
//! goes through [`plain::shown`] before a terminal sees it.

mod agent;
mod agent_record;
mod audit;
pub mod board;
mod calls;
mod console;
mod demo;
mod doctor;
mod feedback;
mod ingest;
pub mod models;
mod models_verbs;
mod performance;
pub mod plain;
pub mod prompts;
mod proposals;
pub mod report;
mod routing;
mod serve;
mod steward;
pub mod table;
mod trace;
mod watch;

use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

use crate::config::{Config, ConfigError, Overrides, TEMPLATE};
use crate::console::action::reference;
use crate::console::runtime::Ended;
use crate::domain::window::{Window, WindowSpec};
use crate::engine::visible::visible;
use crate::intake::IntakeError;
use crate::keys::KeyError;
use crate::service::{Service, ServiceError, now};
use crate::store::{Access, Kind, StoreError};
use crate::theme::Theme;
use table::Page;

/// The self-improving prompt loop, governed by humans.
#[derive(Debug, Parser)]
#[command(name = "human", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    globals: Globals,
    /// Without a command: the console
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Args)]
struct Globals {
    /// The store's file [default: store.db in the platform's data folder]
    #[arg(long, global = true, env = "HUMAN_STORE", value_name = "FILE")]
    store: Option<PathBuf>,
    /// The configuration file
    #[arg(long, global = true, env = "HUMAN_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON: one document, or one object a line for streams
    #[arg(long, global = true)]
    json: bool,
    /// Whether to use colour
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    color: When,
    /// Say more about what is done
    #[arg(short, long, global = true)]
    verbose: bool,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum When {
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The full-screen steward console
    Console(console::ConsoleArgs),
    /// Take telemetry: native events, OTLP, scores; files, folders of captures, or `-`
    Ingest(ingest::IngestArgs),
    /// List the calls behind a number
    Calls(calls::CallsArgs),
    /// Publish prompts, look at them, see how they perform
    #[command(subcommand)]
    Prompts(performance::PromptsVerb),
    /// Models: what they cost, what they can do, how they are used
    #[command(subcommand)]
    Models(models_verbs::ModelsVerb),
    /// Record a signal about a call
    Feedback(feedback::FeedbackArgs),
    /// Show which prompts contributed to a call, layer by layer
    Trace(trace::TraceArgs),
    /// Which prompts, models and task types got worse, since when, and what changed then
    Watch(watch::WatchArgs),
    /// What the refinement agent is allowed
    #[command(subcommand)]
    Agent(agent::AgentVerb),
    /// What was decided, by whom, and whether the ledger holds
    #[command(subcommand)]
    Audit(audit::AuditVerb),
    /// Your key, and whom the store trusts
    #[command(subcommand)]
    Steward(steward::StewardVerb),
    /// Take telemetry over HTTP, and let the agent run on its schedule
    Serve(serve::ServeArgs),
    /// Make a living demo world
    Demo(demo::DemoArgs),
    /// Check the store and say what is in it
    Doctor(doctor::DoctorArgs),
    /// Configuration
    #[command(subcommand)]
    Config(ConfigVerb),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a folder
    Man {
        /// The folder
        dir: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigVerb {
    /// Print the configuration file with every key, its default and its meaning
    Template,
    /// Print the names of the console's themes
    Themes {
        /// Print a theme's file to begin with instead
        #[arg(long)]
        template: bool,
    },
    /// Print what the console's keys do, as Markdown
    Keys,
}

/// How a command ended, by the contract's exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Failed; what was looked at has errors.
    Failed = 1,
    /// Wrong usage, or a name that is unknown or ambiguous.
    Usage = 2,
    /// Done, but some events were quarantined.
    Quarantined = 3,
    /// Refused by governance: the rules do not allow it, or what it rested on has changed.
    Refused = 4,
    /// Degradations were found.
    Degraded = 5,
    /// The ledger does not hold.
    Broken = 6,
}

/// Why a command failed: one paragraph, what failed, why, what to do.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A question that has no answer.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An input.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A verb on prompts.
    #[error(transparent)]
    Prompts(#[from] prompts::PromptsError),
    /// A key.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The arguments.
    #[error("{0}")]
    Usage(String),
    /// Something else that was asked for could not be done.
    #[error("{0}")]
    Failed(String),
    /// The output.
    #[error("the output cannot be written ({0}). Check the disk or the program that reads it.")]
    Output(#[from] io::Error),
    /// JSON that could not be made.
    #[error("the output cannot be made as JSON ({0})")]
    Json(#[from] serde_json::Error),
}

impl CliError {
    fn exit(&self) -> Exit {
        match self {
            CliError::Service(ServiceError::Store(error)) | CliError::Store(error) => match error.kind {
                Kind::Unknown => Exit::Usage,
                Kind::Refused | Kind::Changed => Exit::Refused,
                _ => Exit::Failed,
            },
            CliError::Service(
                ServiceError::Name(_)
                | ServiceError::NoCall(_)
                | ServiceError::NoVersion { .. }
                | ServiceError::NoStream { .. },
            )
            | CliError::Keys(KeyError::Unknown { .. } | KeyError::Ambiguous { .. } | KeyError::Taken(_))
            | CliError::Usage(_)
            | CliError::Config(_) => Exit::Usage,
            CliError::Prompts(error) => match error.code() {
                2 => Exit::Usage,
                4 => Exit::Refused,
                _ => Exit::Failed,
            },
            _ => Exit::Failed,
        }
    }

    /// Whether the same may go well later: not where the configuration, the file or the output is the wrong one.
    fn may_pass(&self) -> bool {
        match self {
            CliError::Service(ServiceError::Store(error)) | CliError::Store(error) => {
                !matches!(error.kind, Kind::Foreign | Kind::Newer | Kind::Corrupt | Kind::Network)
            }
            CliError::Service(ServiceError::Llm(_))
            | CliError::Config(_)
            | CliError::Usage(_)
            | CliError::Output(_)
            | CliError::Json(_) => false,
            _ => true,
        }
    }
}

type Result<T> = std::result::Result<T, CliError>;

/// What every command has: where to write, how, and the configuration.
#[allow(clippy::struct_excessive_bools, reason = "each says one thing about the output")]
pub struct Desk {
    /// Standard output.
    pub out: Box<dyn Write>,
    /// Whether to print JSON.
    pub json: bool,
    /// Whether standard output is a terminal.
    pub terminal: bool,
    /// Whether colour may be used.
    pub colour: bool,
    /// Whether to say more.
    pub verbose: bool,
    /// Whether colour was asked for, or forbidden, on the command line.
    when: When,
    overrides: Overrides,
}

impl Desk {
    fn config(&self) -> Result<Config> {
        Ok(Config::load(&self.overrides)?)
    }

    /// The configured store, for reading. One that is not there yet is a plain message, not an empty table.
    fn reading(&self) -> Result<Service> {
        Ok(Service::open(self.config()?, Access::Read)?)
    }

    /// The configured store, for writing; made if it is not there.
    fn writing(&self) -> Result<Service> {
        Ok(Service::open(self.config()?, Access::Write)?)
    }

    /// How text is set on this output.
    fn page(&self) -> Page {
        let width = self.terminal.then(terminal_size::terminal_size).flatten();
        Page { width: width.map(|(w, _)| usize::from(w.0)), bold: self.colour }
    }

    fn document(&mut self, document: &impl serde::Serialize) -> Result<Exit> {
        serde_json::to_writer_pretty(&mut self.out, document)?;
        writeln!(self.out)?;
        Ok(Exit::Done)
    }

    /// Words about the data.
    #[allow(clippy::unused_self, reason = "words come from a desk, wherever they go")]
    fn say(&self, text: &str) {
        eprintln!("{}", words_page().wrap(&visible(text)));
    }
}

/// How words are set on standard error.
fn words_page() -> Page {
    let width = terminal_size::terminal_size_of(io::stderr());
    Page { width: width.map(|(w, _)| usize::from(w.0)), bold: false }
}

/// The window that a command is about.
#[derive(Debug, clap::Args)]
struct WindowArg {
    /// The window: 15m, 24h, 7d, 30d, or START..END
    #[arg(long, default_value_t, value_name = "WINDOW")]
    window: WindowSpec,
}

impl WindowArg {
    fn window(&self) -> Window {
        self.window.at(now())
    }
}

/// Reads the command line. What it refuses it quotes, so that the error is made of arguments that are safe to print.
fn parse(arguments: &[OsString]) -> std::result::Result<Cli, clap::Error> {
    Cli::try_parse_from(arguments).map_err(|error| {
        let shown = arguments.iter().map(|a| OsString::from(plain::shown(&a.to_string_lossy()).as_ref()));
        Cli::try_parse_from(shown).err().filter(|shown| shown.kind() == error.kind()).unwrap_or(error)
    })
}

/// What to say of a variable of the environment that is set and empty, where that is what clap stumbled over.
fn empty_variable(error: &clap::Error) -> Option<String> {
    let ContextValue::String(flag) = error.get(ContextKind::InvalidArg)? else { return None };
    let (variable, _) = [("HUMAN_STORE", "--store <FILE>"), ("HUMAN_CONFIG", "--config <FILE>")]
        .into_iter()
        .find(|(variable, of)| flag == of && std::env::var_os(variable).is_some_and(|v| v.is_empty()))?;
    Some(format!("the variable {variable} is set, and empty. Name a file in it, or unset it."))
}

/// Runs the command line; prints what fails.
pub fn run(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> ExitCode {
    let cli = match parse(&arguments.into_iter().map(Into::into).collect::<Vec<_>>()) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors: they go to standard output.
            if !error.use_stderr() {
                error.print().ok();
                return ExitCode::SUCCESS;
            }
            match empty_variable(&error) {
                Some(said) => eprintln!("human: {said}"),
                None => error.print().unwrap_or_default(),
            }
            return ExitCode::from(Exit::Usage as u8);
        }
    };
    let stdout = io::stdout();
    let terminal = stdout.is_terminal();
    let colour = match cli.globals.color {
        When::Always => true,
        When::Never => false,
        When::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
    };
    let mut desk = Desk {
        out: if cli.globals.json {
            Box::new(plain::JsonWriter::new(BufWriter::with_capacity(64 << 10, stdout)))
        } else {
            Box::new(BufWriter::with_capacity(64 << 10, stdout))
        },
        json: cli.globals.json,
        terminal,
        colour,
        verbose: cli.globals.verbose,
        when: cli.globals.color,
        overrides: Overrides { store: cli.globals.store, config: cli.globals.config },
    };
    let command = cli.command.unwrap_or_else(|| Command::Console(console::ConsoleArgs::default()));
    let done = dispatch(command, &mut desk).and_then(|exit| Ok(desk.out.flush().map(|()| exit)?));
    match done {
        Ok(exit) => ExitCode::from(exit as u8),
        // Who read the output has seen enough.
        Err(CliError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(CliError::Json(error)) if error.io_error_kind() == Some(io::ErrorKind::BrokenPipe) => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            desk.out.flush().ok();
            let said = format!("human: {}", visible(&error.to_string()));
            // Where nobody hears it any more, it has been said.
            writeln!(io::stderr(), "{}", words_page().wrap(&said)).ok();
            ExitCode::from(error.exit() as u8)
        }
    }
}

fn dispatch(command: Command, desk: &mut Desk) -> Result<Exit> {
    match command {
        Command::Console(args) => look(&args, desk),
        Command::Ingest(args) => ingest::run(&args, desk),
        Command::Calls(args) => calls::run(&args, desk),
        Command::Prompts(verb) => performance::run(verb, desk),
        Command::Models(verb) => models_verbs::run(&verb, desk),
        Command::Feedback(args) => feedback::run(args, desk),
        Command::Trace(args) => trace::run(&args, desk),
        Command::Watch(args) => watch::run(&args, desk),
        Command::Agent(verb) => agent::run(&verb, desk),
        Command::Audit(verb) => audit::run(&verb, desk),
        Command::Steward(verb) => steward::run(&verb, desk),
        Command::Serve(args) => serve::run(&args, desk),
        Command::Demo(args) => demo::run(&args, desk),
        Command::Doctor(args) => doctor::run(&args, desk),
        Command::Config(verb) => configure(&verb, desk),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "human", &mut desk.out);
            Ok(Exit::Done)
        }
        Command::Man { dir } => {
            let fault = |e| {
                CliError::Failed(format!(
                    "`{}` cannot be written ({e}). Name a folder that can.",
                    dir.display()
                ))
            };
            std::fs::create_dir_all(&dir).map_err(fault)?;
            clap_mangen::generate_to(Cli::command(), &dir).map_err(fault)?;
            Ok(Exit::Done)
        }
    }
}

/// The console, and what it leads to.
fn look(args: &console::ConsoleArgs, desk: &mut Desk) -> Result<Exit> {
    match console::run(args, desk)? {
        Ended::Quit => Ok(Exit::Done),
        Ended::Undecided => Err(console::undecided()),
        Ended::ForDemo => {
            // A store of its own, never the one that was looked at.
            desk.overrides.store = None;
            desk.say("Making a demo world in a store of its own; a few seconds.");
            demo::run(&demo::DemoArgs::default(), desk)
        }
    }
}

fn configure(verb: &ConfigVerb, desk: &mut Desk) -> Result<Exit> {
    match verb {
        ConfigVerb::Template => desk.out.write_all(TEMPLATE.as_bytes())?,
        ConfigVerb::Themes { template: true } => desk.out.write_all(Theme::template().as_bytes())?,
        ConfigVerb::Themes { template: false } => {
            let folder = Config::folder().ok().map(|folder| folder.join("themes"));
            for name in Theme::names(folder.as_deref()) {
                writeln!(desk.out, "{}", plain::shown(&name))?;
            }
        }
        ConfigVerb::Keys => desk.out.write_all(reference().as_bytes())?,
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clap checks its own rules only where assertions are on: a release build would misread the line instead.
    #[test]
    fn every_argument_has_a_meaning_of_its_own() {
        Cli::command().debug_assert();
        let line = ["human", "prompts", "performance", "p", "--version", "1.0.0"];
        assert!(matches!(Cli::try_parse_from(line).unwrap().command, Some(Command::Prompts(_))));
    }
}
