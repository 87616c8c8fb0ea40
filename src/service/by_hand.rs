//! What a steward does to prompts by hand, through the service.

use semver::Version;

use super::Service;
use super::error::Result;
use crate::domain::call::Millis;
use crate::domain::prompt::PromptUri;
use crate::engine::seal::Pen;
use crate::store::prompts::{Deed, Rollback};

impl Service {
    /// Makes `to`, or the version that was active before, the active version of a prompt again. The reason enters the
    /// history and the ledger.
    pub fn roll_back(
        &self,
        pen: Option<Pen>,
        uri: PromptUri,
        to: Option<Version>,
        reason: String,
        now: Millis,
    ) -> Result<Rollback> {
        Ok(self.store.write(move |tx| {
            let actor = pen.as_ref().map_or_else(|| "system".to_owned(), |pen| pen.identity().to_string());
            let deed = Deed { at: now, actor: &actor, reason: Some(&reason) };
            tx.rollback(pen.as_ref(), &uri, to.as_ref(), deed)
        })?)
    }
}
