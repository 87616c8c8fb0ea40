//! What the console asks, and what it wants done: data, answered by [`super::reader`] and carried out by [`super::hand`].

use std::sync::Arc;

use semver::Version;

use super::widgets::diff_view::{self, Laid, Mode};
use crate::domain::call::Millis;
use crate::domain::identity::Digest;
use crate::domain::ledger::Entry;
use crate::domain::prompt::PromptUri;
use crate::domain::proposal::{Grounds, Kind, Prediction, ProposalId, Risk, Standing, Usage};
use crate::domain::run::Run;
use crate::domain::window::WindowSpec;
use crate::engine::diff::Diff;
use crate::engine::trend::health::Health;
use crate::service::Watch;
use crate::service::agent_record::AgentRecord;
use crate::service::live::{
    AffinityGrid, BoardLine, BoardPage, BoardWish, CallPage, PromptPage, Pulse, Rates,
};
use crate::service::proposals::{Came, Listed, Shown};

/// A question. Of questions of one asker that wait only the newest is answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Query {
    /// The state of the store.
    Pulse,
    /// A stretch of the leaderboard.
    Board(BoardWish),
    /// Who leads the leaderboard of a window, and who trails.
    Leaders(WindowSpec),
    /// Everything about a prompt, by its URI.
    Prompt(String, WindowSpec),
    /// The newest calls of a prompt in a window.
    Calls(String, WindowSpec),
    /// One call, by its id.
    Call(String),
    /// Prompts against models.
    Affinity(WindowSpec),
    /// All proposals, whatever has become of them.
    Proposals,
    /// One proposal, with its difference laid out.
    Review(ProposalId, Layout),
    /// What a version changed, laid out.
    Compare(Versions, Layout),
    /// What came of an applied proposal.
    Came(ProposalId),
    /// What got worse.
    Watch,
    /// How much goes on.
    Rates,
    /// The ledger's newest entries, as many.
    Ledger(usize),
    /// Whether the ledger holds.
    Verify,
    /// The agent: its grant, its record and its newest runs.
    Agent,
    /// Names of all prompts, for the palette.
    Names,
}

/// An answer.
#[derive(Debug, Clone)]
pub enum Reply {
    /// To [`Query::Pulse`].
    Pulse(Arc<Pulse>),
    /// To [`Query::Board`].
    Board(Arc<BoardPage>),
    /// To [`Query::Leaders`].
    Leaders(Arc<Leaders>),
    /// To [`Query::Prompt`].
    Prompt(Arc<PromptPage>),
    /// To [`Query::Calls`] and [`Query::Call`].
    Calls(Arc<CallPage>),
    /// To [`Query::Affinity`].
    Affinity(Arc<AffinityGrid>),
    /// To [`Query::Proposals`]: the newest first.
    Proposals(Arc<Vec<QueueLine>>),
    /// To [`Query::Review`].
    Review(Arc<Reviewed>),
    /// To [`Query::Compare`].
    Compare(Arc<Compared>),
    /// To [`Query::Came`].
    Came(Arc<Came>),
    /// To [`Query::Watch`].
    Watch(Arc<Watch>),
    /// To [`Query::Rates`].
    Rates(Rates),
    /// To [`Query::Ledger`]: entries, newest first, and whether there are more.
    Ledger(Arc<(Vec<Entry>, bool)>),
    /// To [`Query::Verify`].
    Verify(Arc<Verified>),
    /// To [`Query::Agent`].
    Agent(Arc<AgentState>),
    /// To [`Query::Names`].
    Names(Arc<Vec<String>>),
}

impl Reply {
    /// When it was read, ms, where it says so.
    pub fn as_of(&self) -> Option<Millis> {
        match self {
            Reply::Pulse(pulse) => Some(pulse.as_of),
            Reply::Board(board) => Some(board.as_of),
            Reply::Prompt(page) => Some(page.as_of),
            Reply::Affinity(grid) => Some(grid.as_of),
            Reply::Verify(verified) => Some(verified.as_of),
            _ => None,
        }
    }
}

/// How a difference is to be laid out: see [`layout`](super::widgets::diff_view::layout).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Columns.
    pub width: u16,
    /// Side by side, or one below the other.
    pub mode: Mode,
    /// Unchanged lines around each change; all of them without it.
    pub context: Option<usize>,
    /// Whether every blank and tab is shown.
    pub invisibles: bool,
}

impl Layout {
    /// Lays a difference out.
    pub fn lay(self, old: &str, new: &str, diff: &Diff) -> Laid {
        diff_view::layout(old, new, diff, self.width, self.mode, self.context, self.invisibles)
    }
}

/// What a leaderboard says at a glance, whatever it is sorted by.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Leaders {
    /// The prompt with the most calls.
    pub used: Option<BoardLine>,
    /// The prompt that cost the most.
    pub dear: Option<BoardLine>,
    /// The prompt with the best score; without enough evidence where no prompt has enough.
    pub best: Option<BoardLine>,
    /// The prompt with the worst score; likewise.
    pub worst: Option<BoardLine>,
    /// How many prompts degrade, and the worst of them, by the last watch; `None` before the first.
    pub degrading: Option<(usize, Option<Box<Health>>)>,
}

/// Two versions of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versions {
    /// The prompt, without version.
    pub uri: PromptUri,
    /// The older text.
    pub from: Version,
    /// The newer text.
    pub to: Version,
}

/// What one version changed against another.
#[derive(Debug, Clone)]
pub struct Compared {
    /// Their texts, as they were published.
    pub texts: [String; 2],
    /// The difference.
    pub diff: Arc<Diff>,
    /// The lines of it.
    pub laid: Laid,
}

/// A proposal as it is reviewed.
#[derive(Debug, Clone)]
pub struct Reviewed {
    /// Everything about it.
    pub shown: Arc<Shown>,
    /// Its difference.
    pub diff: Arc<Diff>,
    /// How it was laid out.
    pub layout: Layout,
    /// The lines of it.
    pub laid: Laid,
}

/// A proposal in the queue: all but its texts.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueLine {
    /// Which.
    pub id: ProposalId,
    /// For which prompt, without version.
    pub uri: PromptUri,
    /// What it changes.
    pub base: Version,
    /// What kind of change it is.
    pub kind: Kind,
    /// One line.
    pub title: String,
    /// Why.
    pub rationale: String,
    /// What it rests on.
    pub grounds: Grounds,
    /// How much can go wrong.
    pub risk: Risk,
    /// What it promises.
    pub predicted: Vec<Prediction>,
    /// Who is served by the prompt.
    pub usage: Usage,
    /// Who drafted it.
    pub drafter: String,
    /// When, ms.
    pub created_at: Millis,
    /// What has become of it.
    pub status: &'static str,
    /// Whether it waits for a decision, or was put off.
    pub open: bool,
    /// Of what is deferred: until when, ms.
    pub until: Option<Millis>,
    /// Signatures that it has and needs.
    pub signatures: (usize, u32),
    /// Whether its canary runs.
    pub canary: bool,
}

impl QueueLine {
    /// Of a listed proposal.
    pub fn of(listed: Listed) -> QueueLine {
        let Listed { proposal, status, until, signatures, canary } = listed;
        QueueLine {
            id: proposal.id,
            uri: proposal.prompt_uri,
            base: proposal.base_version,
            kind: proposal.kind,
            title: proposal.title,
            rationale: proposal.rationale,
            grounds: proposal.evidence,
            risk: proposal.risk,
            predicted: proposal.predicted,
            usage: proposal.usage,
            drafter: proposal.drafted_by.to_string(),
            created_at: proposal.created_at,
            open: Standing::ALL.into_iter().any(|s| s.as_str() == status && s.is_open()),
            status,
            until,
            signatures: (signatures.by.len(), signatures.needed),
            canary: canary.is_some_and(|canary| canary.is_running()),
        }
    }
}

/// Whether the ledger holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Entries: as many as follow one from the other, from the first on.
    pub entries: u64,
    /// Whether there were more when it was checked, which do not follow.
    pub broken: bool,
    /// The hash of the last.
    pub head: String,
    /// What is wrong.
    pub faults: Vec<String>,
    /// When it was checked, ms.
    pub as_of: Millis,
}

/// The agent and what it did.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentState {
    /// Who it is, if there is one.
    pub agent: Option<String>,
    /// What it may do, in words, line by line.
    pub grant: Vec<String>,
    /// What becomes of what it proposes.
    pub record: Option<AgentRecord>,
    /// Its runs, newest first, with their numbers.
    pub runs: Vec<(u64, Run)>,
}

/// Something to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Accept the proposals, each with the digest of the text that was shown.
    Accept(Vec<(ProposalId, Digest)>),
    /// Reject them all, for one reason.
    Reject(Vec<ProposalId>, String),
    /// Take back their rejections: they wait again.
    Reopen(Vec<ProposalId>),
    /// Put them off until a moment, ms.
    Defer(Vec<ProposalId>, Millis),
    /// Say something about one.
    Comment(ProposalId, String),
    /// Put another text in the place of one's.
    Modify(ProposalId, String),
    /// Make the version before, or `to`, active again.
    RollBack {
        /// The prompt.
        uri: PromptUri,
        /// The version that must be active still; without it any.
        from: Option<Version>,
        /// The version; without it the one before.
        to: Option<Version>,
        /// Why.
        reason: String,
    },
    /// Say that a stream has been seen.
    Acknowledge(String),
    /// Silence a stream until a moment, ms.
    Silence(String, Millis),
    /// Let the agent run; whether it only looks.
    Run {
        /// Write nothing.
        dry: bool,
    },
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Receipt {
    /// For what it is: the console notes it as it comes.
    pub of: Option<Command>,
    /// What to say of it.
    pub text: String,
    /// What was asked for but could not be done, each with its reason.
    pub refused: Vec<(String, String)>,
    /// What would undo it.
    pub undo: Option<Command>,
    /// The proposal that there is now, after a change of text.
    pub now: Option<ProposalId>,
    /// Of a run: its record.
    pub run: Option<Box<Run>>,
}
