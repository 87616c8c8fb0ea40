//! What a run will write when all of it has been thought out.

use crate::domain::proposal::{Proposal, ProposalId};
use crate::domain::run::Did;
use crate::domain::settled::Settled;
use crate::store::canary::End;
use crate::store::decide::Moved;

/// A proposal that is ready to be written, with the step that it is part of.
pub struct Ready {
    pub step: usize,
    pub proposal: Proposal,
}

/// A canary that is to end, with the step that it is part of.
pub struct Concluded {
    pub step: usize,
    pub proposal: ProposalId,
    pub how: End,
    /// For the ledger: the sentence that explains it.
    pub why: String,
    pub settled: Settled,
}

/// What a run will write.
#[derive(Default)]
pub struct Docketed {
    pub ready: Vec<Ready>,
    pub moved: Vec<(usize, ProposalId, Option<Moved>)>,
    pub settled: Vec<(usize, ProposalId, Settled)>,
    pub canaries: Vec<Concluded>,
    /// How many calls drafting made; their records are written already.
    pub calls: usize,
    /// How many cases were asked.
    pub cases: usize,
}

impl Docketed {
    /// Whether a waiting proposal is to be moved onto the active version.
    pub fn moves(&self, id: ProposalId) -> bool {
        self.moved.iter().any(|(_, moved, onto)| *moved == id && onto.is_some())
    }
}

/// What a proposal is until it is written.
pub fn proposed(proposal: &Proposal) -> Did {
    Did::Proposed {
        proposal: None,
        title: proposal.title.clone(),
        drafted_by: proposal.drafted_by.to_string(),
        risk: proposal.risk.level,
        why: "a dry run writes nothing".into(),
    }
}
