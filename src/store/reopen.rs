//! Taking back a rejection: the proposal waits again as it was, with the signatures that it had.
//!
//! Nothing is undone in the ledger: the rejection stays on record, and an entry of its own says who took it back and why.
//! Start with [`Docket::reopen`].

use serde_json::json;

use super::decide::{Docket, said};
use super::fault::{Kind, Result, StoreError};
use super::prompts;
use super::proposals::{Kept, prompt_fault};
use crate::domain::ledger::Action;
use crate::domain::proposal::{ProposalId, Standing};
use crate::engine::govern::Act;

impl Docket<'_> {
    /// Takes back the rejection of a proposal, which waits again; its reason binds later drafts no more. Refused where the
    /// proposal is anything but rejected, where its base is active no more, and where another of its prompt and cause
    /// waits in its place.
    pub fn reopen(&self, id: ProposalId, reason: &str) -> Result<u64> {
        let reason =
            said(reason, "taking back a rejection needs a reason: it stands in the ledger beside it")?;
        let kept = self.entered(id)?;
        self.can_wait_again(&kept)?;
        let (asked, details) = (self.asked(Act::Reopen, &kept.proposal), json!({"reason": reason}));
        self.step(&asked, &kept, Action::Reopen, details, Standing::Open, None)
    }

    fn can_wait_again(&self, kept: &Kept) -> Result<()> {
        let id = kept.proposal.id;
        let (uri, base) = (&kept.proposal.prompt_uri, &kept.proposal.base_version);
        let changed = |what: String| {
            Err(StoreError::new(
                Kind::Changed,
                format!("{what}. Nothing was written; propose the change anew"),
            ))
        };
        if kept.standing != Standing::Rejected {
            let what = format!(
                "{id} is {}, and only a rejection is taken back. Nothing was written; `human prompts proposals show {id}` \
                 says by whom and why",
                kept.standing.as_str()
            );
            return Err(StoreError::new(Kind::Changed, what));
        }
        match prompts::active(self.db, uri).map_err(prompt_fault)? {
            Some(active) if active == *base => {}
            Some(active) => {
                return changed(format!("{id} was made for {uri}@{base}, and {active} is active by now"));
            }
            None => return changed(format!("no version of {uri} is active")),
        }
        if let Some(other) = self.proposals().waiting(uri, &kept.proposal.evidence.cause)? {
            let other = other.proposal.id;
            return Err(StoreError::new(
                Kind::Changed,
                format!("{other} waits in the place of {id}. Nothing was written; decide on that one"),
            ));
        }
        // What was published meanwhile may leave nothing of it to apply.
        self.proposals().plan(&kept.proposal).map(drop)
    }
}
