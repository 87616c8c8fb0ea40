//! What the agent has to show for itself: what it proposed, what became of it, what its promises were worth, and what it
//! spent. Start with [`Service::agent_record`].

use serde::Serialize;

use super::error::Result;
use super::{Catalog, Service};
use crate::domain::call::Millis;
use crate::domain::identity::Identity;
use crate::domain::ledger::Action;
use crate::domain::outcome::{Expectation, Judgement, Measure};
use crate::domain::proposal::{Drafter, Kind, Proposal, Standing};
use crate::domain::run::{Did, Run};
use crate::domain::settled::Settled;
use crate::engine::outcome::realised::proposer;
use crate::engine::stats::proportion::{CONFIDENCE, jeffreys};
use crate::store::proposals::{Filter, Kept};

/// Fewest decisions from which a share is stated.
pub const FEWEST: u64 = 5;
/// Runs that are named one by one.
const LAST: usize = 5;

/// So many of so many, and what that says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Share {
    /// How many.
    pub count: u64,
    /// Of how many.
    pub sample_size: u64,
    /// The 95 % interval of the share; absent where there are too few.
    pub interval: Option<[f64; 2]>,
}

impl Share {
    fn of(count: u64, sample_size: u64) -> Share {
        let interval = (sample_size >= FEWEST).then(|| jeffreys(count, sample_size, CONFIDENCE));
        Share { count, sample_size, interval }
    }
}

/// What its promises of one kind were worth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Worth {
    /// Of changes of this kind.
    pub kind: Kind,
    /// The share that is realised, of how many, and how often an interval missed: for a promise of a tenth less.
    pub expectation: Expectation,
}

/// A run in brief.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ran {
    /// Its number.
    pub id: u64,
    /// When, RFC 3339.
    pub at: String,
    /// Findings that it looked at.
    pub findings: u64,
    /// Proposals that it made, applied ones as well.
    pub proposed: u64,
    /// Proposals that it applied.
    pub applied: u64,
    /// Why it did nothing, where its grant did not allow it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// The record of an agent.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentRecord {
    /// Proposals that it made; one that it moved onto another version counts once.
    pub proposed: u64,
    /// Those that wait.
    pub waiting: u64,
    /// Those that a steward accepted, of those that a steward accepted or rejected.
    pub accepted: Share,
    /// Those that it applied itself.
    pub auto_applied: u64,
    /// Those whose version was left for an earlier one, of those that were applied.
    pub reverted: Share,
    /// Settled outcomes of what was applied, by judgement.
    pub outcomes: Vec<(Judgement, u64)>,
    /// Realised against promised, where something was measured.
    pub calibration: Vec<Worth>,
    /// What all runs spent on drafting, US dollars, as far as prices are known.
    pub spent_usd: f64,
    /// How many runs are recorded.
    pub runs: u64,
    /// The last of them, the newest first.
    pub last_runs: Vec<Ran>,
}

impl Service {
    /// The record of an agent, as of `now`.
    pub fn agent_record(&self, agent: &Identity, now: Millis) -> Result<AgentRecord> {
        let reader = self.read()?;
        let catalog = Catalog::read(&reader)?;
        let proposals = reader.proposals();
        let (mut proposed, mut waiting, mut accepted, mut rejected) = (0, 0, 0, 0);
        let (mut auto_applied, mut reverted) = (0, 0);
        for kept in proposals.list(&Filter::default(), now)? {
            let history = proposals.history(kept.proposal.id)?;
            let Some(first) =
                history.first().filter(|event| is_own(&kept.proposal) && event.entry.actor == *agent)
            else {
                continue;
            };
            proposed += u64::from(first.entry.action == Action::Propose);
            match kept.standing {
                Standing::Accepted => accepted += 1,
                Standing::AutoApplied => auto_applied += 1,
                Standing::Rejected => rejected += 1,
                standing => waiting += u64::from(standing.is_open()),
            }
            reverted += u64::from(is_reverted(&catalog, &kept));
        }
        let own = |(proposal, _): &(Proposal, Settled)| is_own(proposal) && proposal.run.is_some();
        let settled: Vec<_> = proposals.outcomes()?.into_iter().filter(own).collect();
        let mut runs = Vec::new();
        for row in proposals.runs(usize::MAX)? {
            if let Ok(run) = serde_json::from_value::<Run>(row.body)
                && run.agent == *agent
            {
                runs.push((row.id, run));
            }
        }
        Ok(AgentRecord {
            proposed,
            waiting,
            accepted: Share::of(accepted, accepted + rejected),
            auto_applied,
            reverted: Share::of(reverted, accepted + auto_applied),
            outcomes: judged(&settled),
            calibration: worth(&settled),
            spent_usd: runs.iter().map(|(_, run)| run.spent.usd).sum(),
            runs: runs.len() as u64,
            last_runs: runs.into_iter().take(LAST).map(|(id, run)| ran(id, run)).collect(),
        })
    }
}

/// Whether its text is an agent's, and not a steward's in its place.
fn is_own(proposal: &Proposal) -> bool {
    !matches!(proposal.drafted_by, Drafter::Steward { .. })
}

/// Whether an applied version was followed by an earlier one.
fn is_reverted(catalog: &Catalog, kept: &Kept) -> bool {
    let (Some(version), Some(published)) = (&kept.version, catalog.published.get(&kept.proposal.prompt_uri))
    else {
        return false;
    };
    let mut after = published.activations.iter().map(|(_, active)| active).skip_while(|v| *v != version);
    kept.proposal.kind != Kind::Rollback && after.find(|v| *v != version).is_some_and(|next| next < version)
}

fn judged(settled: &[(Proposal, Settled)]) -> Vec<(Judgement, u64)> {
    let mut counts: Vec<(Judgement, u64)> = Vec::new();
    for (_, settled) in settled {
        match counts.iter_mut().find(|(judgement, _)| *judgement == settled.judgement) {
            Some((_, count)) => *count += 1,
            None => counts.push((settled.judgement, 1)),
        }
    }
    counts
}

fn worth(settled: &[(Proposal, Settled)]) -> Vec<Worth> {
    let mut all = Vec::new();
    for kind in [Kind::Text, Kind::Model, Kind::Metadata] {
        for measure in [Measure::Negative, Measure::Tokens, Measure::Cost, Measure::Latency] {
            let expectation = proposer(settled, kind, measure).expectation(measure, 0.9_f64.ln());
            if expectation.sample_size > 0 {
                all.push(Worth { kind, expectation });
            }
        }
    }
    all
}

fn ran(id: u64, run: Run) -> Ran {
    let applied = run.steps.iter().filter(|step| matches!(step.did, Did::Applied { .. })).count() as u64;
    let left = run.steps.iter().filter(|step| matches!(step.did, Did::Proposed { .. })).count() as u64;
    Ran {
        id,
        at: run.at,
        findings: run.looked.findings,
        proposed: left + applied,
        applied,
        refused: run.refused,
    }
}
