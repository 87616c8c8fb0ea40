//! What a steward does to prompts by hand, through the service.

use semver::Version;

use super::Service;
use super::error::Result;
use crate::domain::call::Millis;
use crate::domain::prompt::PromptUri;
use crate::engine::seal::Pen;
use crate::store::prompts::{Deed, Rollback};
use crate::store::{Kind, StoreError};

impl Service {
    /// Makes a version of a prompt active again: the second of `versions`, or the one that was active before. Where the
    /// first is named, it must be the active one, or nothing is written. The reason enters the history and the ledger.
    pub fn roll_back(
        &self,
        pen: Option<Pen>,
        uri: PromptUri,
        versions: (Option<Version>, Option<Version>),
        reason: String,
        now: Millis,
    ) -> Result<Rollback> {
        let (from, to) = versions;
        Ok(self.store.write(move |tx| {
            let actor = pen.as_ref().map_or_else(|| "system".to_owned(), |pen| pen.identity().to_string());
            let deed = Deed { at: now, actor: &actor, reason: Some(&reason) };
            let done = tx.rollback(pen.as_ref(), &uri, to.as_ref(), deed)?;
            match from.filter(|from| *from != done.from) {
                // On an error nothing of it is written.
                Some(from) => Err(StoreError::new(
                    Kind::Changed,
                    format!(
                        "{uri} is at {} by now, not at {from}: nothing was rolled back. Look at what became active since, \
                         and roll that back if it is meant",
                        done.from
                    ),
                )),
                None => Ok(done),
            }
        })?)
    }
}
