//! What people write to prompts by hand, governed: publish, activate, roll back, label. Each change enters the ledger in
//! its own transaction, with what it wrote, or nothing of it is written.
//!
//! Before a store has an owner these are the system's; afterwards a trusted steward signs. What a proposal changes is
//! entered by the decision on it. Start with [`Hand`].

use rusqlite::{Connection, OptionalExtension as _};
use semver::Version;
use serde_json::{Value, json};

use super::canary::{self, Canary, End};
use super::cases;
use super::explain;
use super::fault::{Kind, StoreError};
use super::ledger::{Asked, enter};
use super::prompt_error::PromptStoreError;
use super::prompts::{self, Activation, Deed, Publication, Rollback};
use super::proposals::{Proposals, stand};
use crate::domain::call::Millis;
use crate::domain::cases::Case;
use crate::domain::ledger::Action;
use crate::domain::prompt::{PromptUri, Scope};
use crate::domain::prompt_file::PromptFile;
use crate::engine::bump::Change;
use crate::engine::govern::{Act, Matter};
use crate::engine::seal::{Pen, digest};

type Result<T> = std::result::Result<T, PromptStoreError>;

/// Whoever writes by hand, inside a write transaction.
#[derive(Debug, Clone, Copy)]
pub struct Hand<'a> {
    /// The transaction.
    pub tx: &'a Connection,
    /// Who signs; nobody: the system.
    pub pen: Option<&'a Pen>,
    /// When it is entered, ms.
    pub now: Millis,
}

impl Hand<'_> {
    /// Runs one change: what is refused leaves nothing behind, whatever the caller does then.
    fn whole<T>(&self, change: impl FnOnce() -> Result<T>) -> Result<T> {
        self.tx.execute_batch("SAVEPOINT hand")?;
        let done = change();
        // A full disk and the like have ended the whole transaction already.
        if !self.tx.is_autocommit() {
            let end = if done.is_ok() { "RELEASE hand" } else { "ROLLBACK TO hand; RELEASE hand" };
            self.tx.execute_batch(end)?;
        }
        done
    }

    /// Publishes a file; see [`prompts::publish`].
    pub fn publish(&self, file: &PromptFile, activation: Activation, deed: Deed<'_>) -> Result<Publication> {
        self.whole(|| self.do_publish(file, activation, deed))
    }

    fn do_publish(&self, file: &PromptFile, activation: Activation, deed: Deed<'_>) -> Result<Publication> {
        let consent = self.consent(&file.uri)?;
        let done = prompts::publish(self.tx, file, activation, deed)?;
        if done.change == Some(Change::None) {
            return Ok(done);
        }
        let mut payload = json!({
            "published": explain::published(self.tx, &done.uri)?, "previous": done.previous, "reason": deed.reason,
        });
        if activation != Activation::No {
            self.stop_canary(&done.uri, "another version was published")?;
            payload["activated"] = explain::activated(self.tx, &done.uri)?;
        }
        self.enter(Action::Publish, &done.uri, consent, payload)?;
        Ok(done)
    }

    /// Makes a published version the active one; says which was before.
    pub fn activate(&self, uri: &PromptUri, version: &Version, deed: Deed<'_>) -> Result<Option<Version>> {
        self.whole(|| {
            let consent = self.consent(uri)?;
            self.is_no_core_canary(uri, version)?;
            let before = prompts::activate(self.tx, uri, version, deed)?;
            if before.as_ref() != Some(version) {
                let canary = canary::running(self.tx, uri)?;
                if let Some(canary) = canary.filter(|canary| canary.uri.version.as_ref() == Some(version)) {
                    let activated = explain::activated(self.tx, uri)?;
                    let payload = json!({"activated": activated, "previous": before, "reason": deed.reason});
                    self.end_canary(&canary, End::Promote, payload)?;
                    return Ok(before);
                }
                self.stop_canary(uri, "another version was made the active one")?;
                self.moved(Action::Activate, &uri.at(version.clone()), consent, before.as_ref(), deed)?;
            }
            Ok(before)
        })
    }

    /// Goes back to `to`, or to the version that was active before the active one. Of a prompt whose canary runs, going
    /// back without naming a version stops that.
    pub fn rollback(&self, uri: &PromptUri, to: Option<&Version>, deed: Deed<'_>) -> Result<Rollback> {
        self.whole(|| {
            let consent = self.consent(uri)?;
            if let Some(to) = to {
                self.is_no_core_canary(uri, to)?;
            }
            let canary = self.stop_canary(uri, deed.reason.unwrap_or("rolled back by hand"))?;
            if let (Some(from), None, Some(active)) = (canary, to, prompts::active(self.tx, uri)?) {
                return Ok(Rollback { from, to: active });
            }
            let done = prompts::rollback(self.tx, uri, to, deed)?;
            if done.from != done.to {
                self.moved(Action::Rollback, &uri.at(done.to.clone()), consent, Some(&done.from), deed)?;
            }
            Ok(done)
        })
    }

    /// Points a label at a published version, moving it where it stood elsewhere.
    pub fn set_label(&self, uri: &PromptUri, version: &Version, label: &str, at: Millis) -> Result<()> {
        self.whole(|| {
            let known = prompts::labels(self.tx, uri)?;
            let before = known.iter().find(|(name, _)| name == label).map(|(_, version)| version);
            prompts::set_label(self.tx, uri, version, label, at)?;
            let payload = json!({"labelled": explain::labelled(self.tx, uri, label)?, "previous": before});
            self.enter(Action::Label, &uri.at(version.clone()), self.consent(uri)?, payload)?;
            Ok(())
        })
    }

    /// Keeps the cases of a prompt; false where the newest that are kept say the same.
    pub fn keep_cases(&self, prompt: &PromptUri, cases: &[Case]) -> Result<bool> {
        self.whole(|| {
            let prompt = prompt.unversioned();
            let Some((set, body)) = cases::next(self.tx, &prompt, cases)? else { return Ok(false) };
            let payload = json!({"casesDigest": digest(body.as_bytes()), "cases": set.cases.len()});
            let entry = self.enter(Action::Publish, &prompt, self.consent(&prompt)?, payload)?;
            cases::insert(self.tx, &set, &body, entry)?;
            Ok(true)
        })
    }

    /// That `version` is not what a core prompt's canary tries: it takes as many signatures as its acceptance took.
    fn is_no_core_canary(&self, uri: &PromptUri, version: &Version) -> Result<()> {
        match canary::running(self.tx, uri)? {
            Some(Canary { uri, proposal, .. })
                if uri.scope() == Scope::Core && uri.version.as_ref() == Some(version) =>
            {
                let what = format!(
                    "a canary of {uri} runs, and a core prompt's is promoted by whoever accepts it: `human prompts proposals \
                     accept {proposal}`. Nothing was written"
                );
                Err(StoreError::new(Kind::Refused, what).into())
            }
            _ => Ok(()),
        }
    }

    /// Stops the canary of a prompt, where one runs; the version that was served.
    fn stop_canary(&self, uri: &PromptUri, why: &str) -> Result<Option<Version>> {
        let Some(canary) = canary::running(self.tx, uri)? else { return Ok(None) };
        self.end_canary(&canary, End::Stop, json!({"reason": why}))?;
        Ok(canary.uri.version)
    }

    fn end_canary(&self, canary: &Canary, how: End, mut payload: Value) -> Result<()> {
        let action = if how == End::Promote { Action::Promote } else { Action::Stop };
        payload["canary"] = json!(canary.number);
        let entry = self.enter(action, &canary.uri, self.consent(&canary.uri)?, payload)?;
        canary::end(self.tx, canary.number, how, entry)?;
        let kept = Proposals::new(self.tx).get(canary.proposal)?;
        stand(self.tx, canary.proposal, kept.standing, None, kept.version.as_ref(), entry)?;
        Ok(())
    }

    fn moved(
        &self,
        action: Action,
        uri: &PromptUri,
        consent: bool,
        before: Option<&Version>,
        deed: Deed<'_>,
    ) -> Result<()> {
        let digest = prompts::version_digest(self.tx, uri)?;
        let payload = json!({
            "activated": explain::activated(self.tx, uri)?, "digest": digest, "previous": before, "reason": deed.reason,
        });
        self.enter(action, uri, consent, payload)?;
        Ok(())
    }

    /// The number of the entry.
    fn enter(&self, action: Action, uri: &PromptUri, consent: bool, payload: Value) -> Result<u64> {
        let prompt = uri.unversioned();
        let matter = Matter { prompt: Some(&prompt), consent, ..Matter::NOTHING };
        let asked = Asked::once(self.pen, Act::Author, matter);
        let (entry, _) = enter(self.tx, &asked, self.now, action, &uri.to_string(), payload)?;
        Ok(entry.seq)
    }

    /// Whether the user of a patch consents: by the version that is active, never by the one that is being published.
    fn consent(&self, uri: &PromptUri) -> Result<bool> {
        if uri.scope() != Scope::User {
            return Ok(false);
        }
        let Some(active) = prompts::active(self.tx, uri)? else { return Ok(false) };
        let found: Option<bool> = self
            .tx
            .prepare_cached(
                "SELECT consent FROM prompt_version WHERE prompt = (SELECT id FROM prompt WHERE uri = ?1) AND version = ?2",
            )?
            .query_row([uri.unversioned().to_string(), active.to_string()], |row| row.get(0))
            .optional()?;
        Ok(found.unwrap_or(false))
    }
}
