//! The guard of a change: how a canary that a steward's acceptance began is promoted or stopped.
//!
//! Stopping changes nothing that is active, and may be done by the agent for every prompt that its grant covers.
//! Promoting makes the version active: the agent may, as the consequence of the acceptance, but never for core, where as
//! many stewards sign as for the acceptance. Start with [`Docket::promote`] and [`Docket::stop`].

use serde_json::{Value, json};

use super::canary::{self, Canary, End};
use super::decide::{Accepted, Applied, Docket, add, matter, rests_on};
use super::explain;
use super::fault::{Kind, Result, StoreError};
use super::ledger::{self, Asked};
use super::prompts::{self, Deed};
use super::proposals::{Kept, prompt_fault, stand};
use crate::domain::identity::Identity;
use crate::domain::ledger::Action;
use crate::domain::proposal::ProposalId;
use crate::engine::bump::Change;
use crate::engine::govern::{Act, Bench, Matter};

impl Docket<'_> {
    /// Makes the version of a running canary the active one, where this signature is enough.
    pub fn promote(&self, id: ProposalId, why: &str) -> Result<Applied> {
        match self.look_again(id, why)? {
            Accepted::Applied(applied) => Ok(applied),
            Accepted::Signed(given, needed) => Err(StoreError::new(
                Kind::Refused,
                format!(
                    "promoting {id} has {given} of {needed} signatures; `human prompts proposals accept {id}` signs"
                ),
            )),
        }
    }

    /// The same; where more must sign, the signature is recorded.
    pub(super) fn look_again(&self, id: ProposalId, why: &str) -> Result<Accepted> {
        let (kept, canary) = self.guarded(id)?;
        let (uri, base) = (&kept.proposal.prompt_uri, &kept.proposal.base_version);
        let file = prompts::get(self.db, uri, base).map_err(prompt_fault)?;
        if prompts::active(self.db, uri).map_err(prompt_fault)?.as_ref() != Some(base) {
            return Err(StoreError::new(Kind::Changed, format!("{uri}@{base} is active no more")));
        }
        let version = canary.uri.version.clone().unwrap_or_else(|| base.clone());
        let new = prompts::get(self.db, uri, &version).map_err(prompt_fault)?;
        let consents = Matter { consent: file.consent, ..matter(&kept.proposal, None) };
        let signed: Vec<Identity> =
            self.proposals().signatures(id)?.into_iter().map(|(who, _)| who).collect();
        let authors = self.proposals().authors(&kept)?;
        let bench = Bench {
            owned: true,
            reviewers: self.rules.reviewers.promoting(uri.scope()),
            signed: &signed,
            modified_by: &authors,
            author_may_accept: self.rules.author_may_accept,
        };
        let asked = Asked { pen: self.pen, act: Act::Promote, matter: consents, bench };
        // Asked first, so that what is refused leaves nothing behind, whatever the caller does then.
        let permit = ledger::permit(self.db, &asked, self.now)?;
        if !permit.is_complete() {
            let (given, needed) = permit.signatures();
            let details = json!({"note": why, "needed": needed, "version": version});
            self.step(&asked, &kept, Action::Sign, details, kept.standing, kept.until)?;
            return Ok(Accepted::Signed(given, needed));
        }
        let actor = self.actor();
        let reason = format!("{id}: {why}");
        let deed = Deed { at: self.now, actor: &actor, reason: Some(&reason) };
        prompts::activate(self.db, uri, &version, deed).map_err(prompt_fault)?;
        let details = json!({
            "canary": canary.number, "version": version, "previousActive": base, "reason": why,
            "activated": explain::activated(self.db, &canary.uri)?,
        });
        let entry = self.conclude(&asked, &kept, &canary, (Action::Promote, End::Promote), details)?;
        Ok(Accepted::Applied(Applied {
            proposal: id,
            uri: canary.uri,
            previous: base.clone(),
            change: Change::between(&file, &new),
            rolled_back: false,
            canary: None,
            entry,
        }))
    }

    /// Stops a running canary: nobody is served it any more. The number of the entry.
    pub fn stop(&self, id: ProposalId, why: &str) -> Result<u64> {
        let (kept, canary) = self.guarded(id)?;
        let details = json!({"canary": canary.number, "version": canary.uri.version, "reason": why});
        let asked = self.asked(Act::Stop, &kept.proposal);
        self.conclude(&asked, &kept, &canary, (Action::Stop, End::Stop), details)
    }

    fn conclude(
        &self,
        asked: &Asked<'_>,
        kept: &Kept,
        canary: &Canary,
        (action, how): (Action, End),
        details: Value,
    ) -> Result<u64> {
        let id = kept.proposal.id;
        let mut payload = rests_on(kept);
        add(&mut payload, details);
        let (entry, _) = ledger::enter(self.db, asked, self.now, action, &id.to_string(), payload)?;
        canary::end(self.db, canary.number, how, entry.seq)?;
        stand(self.db, id, kept.standing, None, kept.version.as_ref(), entry.seq)?;
        Ok(entry.seq)
    }

    /// The proposal as it was entered, with its canary, while that runs.
    fn guarded(&self, id: ProposalId) -> Result<(Kept, Canary)> {
        let kept = self.entered(id)?;
        match canary::of(self.db, id)?.filter(Canary::is_running) {
            Some(canary) => Ok((kept, canary)),
            None => Err(StoreError::new(Kind::Changed, format!("no canary of {id} runs"))),
        }
    }

    /// Why a proposal cannot be applied now: another canary of its prompt runs.
    pub(super) fn alone(&self, kept: &Kept) -> Result<()> {
        match canary::running(self.db, &kept.proposal.prompt_uri)? {
            None => Ok(()),
            Some(Canary { proposal, uri, .. }) => Err(StoreError::new(
                Kind::Unfit,
                format!(
                    "a canary of {uri} runs, by {proposal}, and one change is judged at a time. Nothing was written. \
                     Wait for its outcome, or end it with `human prompts rollback {}`",
                    uri.unversioned()
                ),
            )),
        }
    }
}
