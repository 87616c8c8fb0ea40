//! `human prompts …`: the verbs on prompts as files, texts and versions. Parses arguments, asks store and engine, prints;
//! decides nothing itself.
//!
//! Start with [`PromptsCommand`] and [`run`].

mod activate;
mod compose;
mod desk;
pub(super) mod files;
mod history;
mod lint;
mod publish;
mod show;

pub use desk::{Desk, Exit, PromptsError};
pub use show::comparison;

use crate::store::Access;
use desk::Result;

/// The verbs of this family.
#[derive(Debug, clap::Subcommand)]
pub enum PromptsCommand {
    /// Publish prompt files, or all `*.prompt` files of folders
    Publish(publish::PublishArgs),
    /// Show a prompt: its metadata and its text
    Show(show::ShowArgs),
    /// Show which versions there are, and which was active when
    History(history::HistoryArgs),
    /// Show what changed between two versions
    Diff(show::DiffArgs),
    /// Make a published version the active one
    Activate(activate::ActivateArgs),
    /// Go back to the version that was active before
    Rollback(activate::RollbackArgs),
    /// Give a published version a label
    Label(activate::LabelArgs),
    /// Print the text of a call, and with --json the record of what it was made of
    ///
    /// Written to a file or a pipe, the text is exactly what a call would send. On a terminal control, bidirectional and
    /// invisible characters are shown as escapes.
    Compose(compose::ComposeArgs),
    /// Check prompt files before they are published
    Lint(lint::LintArgs),
}

impl PromptsCommand {
    /// How the verb uses the store: only publishing makes one where there is none.
    pub fn access(&self, there: bool) -> Access {
        match self {
            PromptsCommand::Publish(_) => Access::Write,
            PromptsCommand::Activate(_) | PromptsCommand::Rollback(_) | PromptsCommand::Label(_) if there => {
                Access::Write
            }
            _ => Access::Read,
        }
    }

    /// Whether the verb changes prompts, which a steward signs in a store with an owner.
    pub fn signs(&self) -> bool {
        matches!(
            self,
            PromptsCommand::Publish(_)
                | PromptsCommand::Activate(_)
                | PromptsCommand::Rollback(_)
                | PromptsCommand::Label(_)
        )
    }

    /// Whether the verb has something to do without a store: it is about files.
    pub fn is_about_files(&self) -> bool {
        matches!(self, PromptsCommand::Lint(_))
    }
}

/// Runs one verb.
pub fn run(command: &PromptsCommand, desk: &mut Desk<'_>) -> Result<Exit> {
    match command {
        PromptsCommand::Publish(args) => publish::run(args, desk),
        PromptsCommand::Show(args) => show::show(args, desk),
        PromptsCommand::History(args) => history::run(args, desk),
        PromptsCommand::Diff(args) => show::diff(args, desk),
        PromptsCommand::Activate(args) => activate::activate(args, desk),
        PromptsCommand::Rollback(args) => activate::rollback(args, desk),
        PromptsCommand::Label(args) => activate::label(args, desk),
        PromptsCommand::Compose(args) => compose::run(args, desk),
        PromptsCommand::Lint(args) => lint::run(args, desk),
    }
}

#[cfg(test)]
mod tests;
