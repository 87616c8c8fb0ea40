//! Alerts of a kind of their own: versions that a proposal made active, that were judged to be worse than what they
//! replaced, and that are active still. Read from settled outcomes; nothing is computed anew.
//!
//! Start with [`Service::regressions`].

use serde::Serialize;

use super::Service;
use super::error::{Result, ServiceError};
use crate::domain::call::Millis;
use crate::domain::prompt::PromptUri;
use crate::domain::proposal::{Kind, ProposalId};
use crate::domain::settled::Measured;
use crate::domain::window::time;
use crate::store::Reader;
use crate::store::monitors::Note;
use crate::store::proposals::Filter;

/// A version that is active although it turned out worse.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Regression {
    /// What made it active; also what `watch ack` calls it.
    pub proposal: ProposalId,
    /// Its title.
    pub title: String,
    /// The prompt, without version.
    pub prompt_uri: PromptUri,
    /// The version before.
    pub old_version: semver::Version,
    /// The version that is worse.
    pub new_version: semver::Version,
    /// When the evidence was enough, RFC 3339; where that was not kept, when the outcome was settled.
    pub since: String,
    /// What the verdict rests on; absent from what was settled before it was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Measured>,
    /// The proposal to go back, while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback: Option<ProposalId>,
    /// Until when somebody has silenced it, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silenced_until: Option<String>,
}

impl Regression {
    /// Whether somebody is to be told: nobody has silenced it.
    pub fn is_alarm(&self) -> bool {
        self.silenced_until.is_none()
    }
}

impl Service {
    /// Regressed versions that are active at `now` and that nobody has acknowledged, by prompt. Cheap enough to ask every
    /// few seconds.
    pub fn regressions(&self, now: Millis) -> Result<Vec<Regression>> {
        let reader = self.read()?;
        regressions(&reader, &reader.monitor_notes()?, now)
    }
}

/// The same, of a store that is being read.
pub(super) fn regressions(reader: &Reader, notes: &[Note], now: Millis) -> Result<Vec<Regression>> {
    let proposals = reader.proposals();
    let mut found = Vec::new();
    for (proposal, at, settled) in proposals.regressed()? {
        let name = proposal.id.to_string();
        let own = || notes.iter().filter(|note| note.stream == name);
        if own().any(|note| note.until.is_none()) {
            continue;
        }
        let filter = Filter { prompt: Some(proposal.prompt_uri.clone()), ..Filter::default() };
        let rollback = proposals.list(&filter, now)?.into_iter().find(|kept| {
            let back = &kept.proposal;
            kept.standing.is_open() && back.kind == Kind::Rollback && back.base_version == settled.new_version
        });
        let decided = settled.measured.as_ref().and_then(|measured| measured.decided_at.clone());
        found.push(Regression {
            since: decided.unwrap_or_else(|| time(at)),
            evidence: settled.measured,
            rollback: rollback.map(|kept| kept.proposal.id),
            silenced_until: own().rev().find_map(|note| note.until).filter(|until| *until > now).map(time),
            proposal: proposal.id,
            title: proposal.title,
            prompt_uri: proposal.prompt_uri,
            old_version: settled.old_version,
            new_version: settled.new_version,
        });
    }
    Ok(found)
}

/// The regression that `name` means, where it is written as a proposal is.
pub(super) fn named(reader: &Reader, name: &str) -> Result<Option<ProposalId>> {
    let Some(id) = name.starts_with("PROPOSAL-").then(|| name.parse::<ProposalId>().ok()).flatten() else {
        return Ok(None);
    };
    if reader.proposals().regressed()?.iter().any(|(proposal, ..)| proposal.id == id) {
        return Ok(Some(id));
    }
    let what = "what it made active is not known to be worse, or is active no more".to_owned();
    Err(ServiceError::NoStream { name: name.to_owned(), what })
}
