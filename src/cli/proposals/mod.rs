//! `human prompts proposals …`: what is proposed, and deciding on it.
//!
//! ```text
//! human prompts proposals show PROPOSAL-47
//! human prompts proposals accept PROPOSAL-47
//! Published: legal.contract-analysis@1.1.0
//! Previous active: 1.0.0 (available for rollback)
//! ```
//!
//! Titles, rationales, texts and what people said come from outside: all of it is shown, never emitted.

mod decide;
mod list;
mod propose;
mod show;

pub use propose::{ProposeArgs, run as propose};

use super::{Desk, Exit, Result};
use crate::domain::call::Millis;
use crate::domain::proposal::{ProposalId, Standing};
use crate::domain::window::instant;

/// The verbs on proposals.
#[derive(Debug, clap::Subcommand)]
pub enum ProposalsVerb {
    /// What is proposed, the newest first
    List(ListArgs),
    /// Everything about a proposal: its text against the active one, evidence, risk, promises, usage, and who said what
    Show(IdArg),
    /// Accept a proposal: its text becomes the active version, in one step with the ledger entry
    ///
    /// On a terminal a proposal for a core prompt, or of high risk, shows the change and asks for the prompt's key first.
    Accept(AcceptArgs),
    /// Reject a proposal; the reason is a constraint on later drafts
    Reject(RejectArgs),
    /// Take back a rejection: the proposal waits again, while its base is active and no other waits in its place
    Reopen(RejectArgs),
    /// Put another text in the place of a proposal's: a new proposal supersedes it
    Modify(ModifyArgs),
    /// Put a proposal off
    Defer(DeferArgs),
    /// Say something about a proposal
    Comment(CommentArgs),
    /// What came of an applied proposal, beside what it promised
    Outcome(IdArg),
}

#[derive(Debug, clap::Args)]
pub struct IdArg {
    /// The proposal: PROPOSAL-47, or 47
    id: ProposalId,
}

#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Only those that are open, deferred, accepted, auto-applied, rejected, superseded or stale
    #[arg(long)]
    status: Option<Standing>,
    /// Only those of this prompt: URI, key or last segment
    #[arg(long, value_name = "P")]
    prompt: Option<String>,
    /// Most proposals that are listed; 0 for all
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

#[derive(Debug, clap::Args)]
pub struct AcceptArgs {
    #[command(flatten)]
    id: IdArg,
    /// The digest of the text that was looked at, as `show` prints it: another text is refused
    #[arg(long, value_name = "SHA256")]
    digest: Option<crate::domain::identity::Digest>,
    /// What to say for it
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, clap::Args)]
pub struct RejectArgs {
    #[command(flatten)]
    id: IdArg,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Debug, clap::Args)]
pub struct ModifyArgs {
    #[command(flatten)]
    id: IdArg,
    /// The file with the new text; without it the text is opened in $VISUAL or $EDITOR
    #[arg(long, value_name = "FILE")]
    file: Option<std::path::PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct DeferArgs {
    #[command(flatten)]
    id: IdArg,
    /// Until when: an RFC 3339 time, or a day, which begins at midnight UTC
    #[arg(long, value_name = "TIME", value_parser = instant)]
    until: Millis,
}

#[derive(Debug, clap::Args)]
pub struct CommentArgs {
    #[command(flatten)]
    id: IdArg,
    /// What to say
    text: String,
}

pub fn run(verb: ProposalsVerb, desk: &mut Desk) -> Result<Exit> {
    match verb {
        ProposalsVerb::List(args) => list::run(&args, desk),
        ProposalsVerb::Show(args) => show::show(args.id, desk),
        ProposalsVerb::Accept(args) => decide::accept(args, desk),
        ProposalsVerb::Reject(args) => decide::reject(args, desk),
        ProposalsVerb::Reopen(args) => decide::reopen(args, desk),
        ProposalsVerb::Modify(args) => decide::modify(&args, desk),
        ProposalsVerb::Defer(args) => decide::defer(&args, desk),
        ProposalsVerb::Comment(args) => decide::comment(args, desk),
        ProposalsVerb::Outcome(args) => show::outcome(args.id, desk),
    }
}
