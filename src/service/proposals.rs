//! Proposals as a person decides on them: what there is, everything about one, the decisions, and what came of it.
//!
//! Decisions are handed to [`Docket`], which asks every rule again where it writes.

use serde::Serialize;

use super::error::{Result, ServiceError};
use super::refinement::Desk;
use super::{Catalog, Service, answerable};
use crate::domain::call::Millis;
use crate::domain::identity::{Digest, Identity};
use crate::domain::outcome::{Expectation, Outcome};
use crate::domain::prompt::PromptUri;
use crate::domain::prompt_file::PromptFile;
use crate::domain::proposal::{Proposal, ProposalId, Risk, RiskLevel, RiskReason, Standing};
use crate::domain::settled::{Realised, Settled};
use crate::domain::window::Window;
use crate::engine::lint::{Severity, lint};
use crate::engine::outcome::realised::{proposer, realised};
use crate::engine::seal::Pen;
use crate::store::canary::Canary;
use crate::store::decide::{Accepted, Docket};
use crate::store::prompt_shelf::PromptShelf;
use crate::store::proposals::{Event, Filter, Kept, Proposals};
use crate::store::{Access, Kind, Reader, StoreError};

/// How far back the use of a prompt is looked at, ms: a week.
const LOOK_BACK: Millis = 7 * 86_400_000;

/// Signatures that an acceptance has, and needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Signatures {
    /// Who has signed.
    pub by: Vec<Identity>,
    /// How many it takes.
    pub needed: u32,
}

/// One line of a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// What was proposed.
    pub proposal: Proposal,
    /// What has become of it by now.
    pub status: &'static str,
    /// Of what is deferred: until when, ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Millis>,
    /// Who has signed.
    pub signatures: Signatures,
    /// The canary by which it meets its traffic, running or ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
}

/// What accepting a proposal does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Publishes {
    /// The prompt with the version that becomes active.
    pub uri: PromptUri,
    /// What differs from its base, in words.
    pub change: &'static str,
}

/// What was decided about another proposal of the same prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Past {
    /// Which.
    pub id: ProposalId,
    /// Its title.
    pub title: String,
    /// What became of it.
    pub status: &'static str,
    /// Who decided.
    pub by: Identity,
    /// When, RFC 3339.
    pub at: String,
    /// What was said for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
}

/// Everything about one proposal.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// The proposal and its standing.
    #[serde(flatten)]
    pub listed: Listed,
    /// SHA-256 of the exact new content: what a decision names.
    pub digest: Digest,
    /// The text of the version that it changes.
    pub base_text: String,
    /// What accepting does; absent where it cannot be accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publishes: Option<Publishes>,
    /// Why it cannot be accepted as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<String>,
    /// What to expect of each promise, by what became of earlier ones.
    pub expectations: Vec<Expectation>,
    /// All that happened to it.
    pub history: Vec<Event>,
    /// What was decided about others of its prompt, the newest first.
    pub past: Vec<Past>,
}

/// What came of an applied proposal.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Came {
    /// Which.
    pub id: ProposalId,
    /// Its title.
    pub title: String,
    /// The canary by which it met its traffic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
    /// What the evidence says now.
    pub outcome: Outcome,
    /// Each promise beside what was measured.
    pub effects: Vec<Realised>,
    /// What it was settled as, where it has been.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled: Option<Settled>,
}

impl Service {
    /// The proposals with a standing, of the prompt that `prompt` names, as of `now`, the newest first.
    pub fn proposals(
        &self,
        prompt: Option<&str>,
        standing: Option<Standing>,
        now: Millis,
    ) -> Result<Vec<Listed>> {
        let reader = self.read()?;
        let prompt =
            prompt.map(|name| Ok::<_, ServiceError>(Catalog::read(&reader)?.find(name)?.0)).transpose()?;
        let filter = Filter { prompt, standing, cause: None };
        let proposals = reader.proposals();
        let kept = proposals.list(&filter, now)?;
        kept.into_iter().map(|kept| self.listed(&reader, kept, now)).collect()
    }

    fn listed(&self, reader: &Reader, kept: Kept, now: Millis) -> Result<Listed> {
        let proposals = reader.proposals();
        let standing = kept.standing_at(now);
        let by = proposals.signatures(kept.proposal.id)?.into_iter().map(|(who, _)| who).collect();
        let canary = reader.canary(kept.proposal.id)?;
        let (reviewers, scope) = (self.config.governance.reviewers, kept.proposal.prompt_uri.scope());
        let promotes = canary.as_ref().is_some_and(Canary::is_running);
        Ok(Listed {
            status: standing.as_str(),
            until: kept.until.filter(|_| standing == Standing::Deferred),
            signatures: Signatures {
                by,
                needed: if promotes { reviewers.promoting(scope) } else { reviewers.of(scope) },
            },
            canary,
            proposal: kept.proposal,
        })
    }

    /// Everything about one proposal, as of `now`.
    pub fn proposal(&self, id: ProposalId, now: Millis) -> Result<Shown> {
        let reader = self.read()?;
        let proposals = reader.proposals();
        let kept = proposals.get(id)?;
        let plan = proposals.plan(&kept.proposal);
        let open = kept.standing.is_open();
        let (publishes, obstacle) = match plan {
            _ if !open => (None, None),
            Ok(plan) => {
                let uri = kept.proposal.prompt_uri.at(plan.version);
                (Some(Publishes { uri, change: plan.change.as_str() }), None)
            }
            Err(error) => (None, Some(error.to_string())),
        };
        let settled = proposals.outcomes()?;
        let expectations = kept.proposal.predicted.iter().map(|prediction| {
            let proposer = proposer(&settled, kept.proposal.kind, prediction.measure);
            proposer.expectation(prediction.measure, prediction.effect.ln_1p())
        });
        Ok(Shown {
            digest: kept.text_digest(),
            base_text: proposals.base(&kept.proposal)?.text().to_owned(),
            publishes,
            obstacle,
            expectations: expectations.collect(),
            history: proposals.history(id)?,
            past: past(proposals, &kept.proposal, now)?,
            listed: self.listed(&reader, kept, now)?,
        })
    }

    /// Accepts a proposal whose text has the digest `shown`.
    pub fn accept(
        &self,
        pen: Option<Pen>,
        id: ProposalId,
        shown: Digest,
        note: Option<String>,
        now: Millis,
    ) -> Result<Accepted> {
        self.decide(pen, now, move |docket| docket.accept(id, shown, note.as_deref()))
    }

    /// Rejects a proposal; the number of the ledger entry.
    pub fn reject(&self, pen: Option<Pen>, id: ProposalId, reason: String, now: Millis) -> Result<u64> {
        self.decide(pen, now, move |docket| docket.reject(id, &reason))
    }

    /// Takes back the rejection of a proposal, which waits again; the number of the ledger entry.
    pub fn reopen(&self, pen: Option<Pen>, id: ProposalId, reason: String, now: Millis) -> Result<u64> {
        self.decide(pen, now, move |docket| docket.reopen(id, &reason))
    }

    /// Puts a proposal off until a moment, ms; the number of the ledger entry.
    pub fn defer(&self, pen: Option<Pen>, id: ProposalId, until: Millis, now: Millis) -> Result<u64> {
        self.decide(pen, now, move |docket| docket.defer(id, until))
    }

    /// Says something about a proposal; the number of the ledger entry.
    pub fn comment(&self, pen: Option<Pen>, id: ProposalId, text: String, now: Millis) -> Result<u64> {
        self.decide(pen, now, move |docket| docket.comment(id, &text))
    }

    /// Puts another text in the place of a proposal's, if it can be published; the proposal that supersedes it.
    pub fn modify(&self, pen: Option<Pen>, id: ProposalId, text: String, now: Millis) -> Result<Proposal> {
        let reader = self.read()?;
        let proposals = reader.proposals();
        let old = proposals.get(id)?.proposal;
        let base = proposals.base(&old)?;
        let file = PromptFile::parse("the new text", text.as_bytes()).map_err(|e| unfit(e.to_string()))?;
        self.publishable(&file)?;
        let catalog = Catalog::read(&reader)?;
        let window = answerable(&reader, Window { from_ms: now - LOOK_BACK, to_ms: now })?;
        let desk = Desk::lay(&reader, &catalog, window, now)?;
        let risk = unproven(desk.risk(&old.prompt_uri, &base, &file, old.kind));
        self.decide(pen, now, move |docket| docket.modify(id, text, risk))
    }

    /// Whether a new text could be published as it is.
    pub(super) fn publishable(&self, file: &PromptFile) -> Result<()> {
        let mut prompts = PromptShelf::open(self.path(), Access::Read)?;
        let view = prompts.view().map_err(|e| unfit(e.to_string()))?;
        let faults = lint(file, Some(&view)).into_iter().filter(|f| f.severity == Severity::Error);
        let faults: Vec<String> = faults.map(|f| format!("{}; {}", f.message, f.next)).collect();
        if faults.is_empty() {
            return Ok(());
        }
        Err(unfit(format!("the new text cannot be published: {}", faults.join(". "))).into())
    }

    /// What came of an applied proposal, as of `now`.
    pub fn came_of(&self, id: ProposalId, now: Millis) -> Result<Came> {
        let reader = self.read()?;
        let (catalog, settled) = (Catalog::read(&reader)?, reader.proposals().outcomes()?);
        self.came_of_read(&reader, &catalog, &settled, id, now)
    }

    /// The same, of what is being read; `settled`: all outcomes that are.
    pub(super) fn came_of_read(
        &self,
        reader: &Reader,
        catalog: &Catalog,
        settled: &[(Proposal, Settled)],
        id: ProposalId,
        now: Millis,
    ) -> Result<Came> {
        let proposals = reader.proposals();
        let kept = proposals.get(id)?;
        let Some(version) = &kept.version else {
            let standing = kept.standing_at(now).as_str();
            return Err(
                unfit(format!("{id} is {standing}: it has not been applied, so nothing came of it")).into()
            );
        };
        let Kept { proposal, .. } = &kept;
        let (uri, old) = (&proposal.prompt_uri, &proposal.base_version);
        let canary = reader.canary(id)?;
        let outcome = if let Some(canary) = &canary {
            self.outcome_beside(reader, catalog, canary, old, now)?
        } else {
            let versions = [old.clone(), version.clone()];
            self.outcome_after(reader, catalog, uri.clone(), versions, now)?
        };
        let effects = realised(&proposal.predicted, &outcome, |m| proposer(settled, proposal.kind, m));
        let settled = proposals.outcome(id)?.map(|(_, settled)| settled);
        Ok(Came { id, title: proposal.title.clone(), canary, outcome, effects, settled })
    }

    fn decide<R: Send + 'static>(
        &self,
        pen: Option<Pen>,
        now: Millis,
        step: impl FnOnce(&Docket<'_>) -> crate::store::Result<R> + Send + 'static,
    ) -> Result<R> {
        let rules = self.config.governance;
        Ok(self.store.write(move |tx| step(&tx.docket(pen.as_ref(), &rules, now)))?)
    }
}

fn unfit(what: String) -> StoreError {
    StoreError::new(Kind::Unfit, what)
}

/// Decisions about other proposals of the same prompt, the newest first.
fn past(proposals: Proposals<'_>, of: &Proposal, now: Millis) -> Result<Vec<Past>> {
    let filter = Filter { prompt: Some(of.prompt_uri.clone()), ..Filter::default() };
    let mut past = Vec::new();
    for kept in proposals.list(&filter, now)? {
        if kept.proposal.id == of.id || kept.standing.is_open() {
            continue;
        }
        let history = proposals.history(kept.proposal.id)?;
        // The decision that stands: an earlier one may have been taken back.
        let waited = history.iter().rposition(|event| event.standing.is_open()).unwrap_or(0);
        let Some(event) = history.get(waited + 1) else { continue };
        past.push(Past {
            id: kept.proposal.id,
            title: kept.proposal.title,
            status: kept.standing.as_str(),
            by: event.entry.actor.clone(),
            at: event.entry.at.clone(),
            words: event.words().map(ToOwned::to_owned),
        });
    }
    Ok(past)
}

/// The same risk for a text that a steward put in the place of a draft: no evidence speaks for it, so that it is medium at
/// least, and nothing that is applied without a person.
fn unproven(mut risk: Risk) -> Risk {
    let text = "a steward's text, for which the evidence does not speak".to_owned();
    let at = risk.reasons.partition_point(|reason| reason.level > RiskLevel::Medium);
    risk.reasons.insert(at, RiskReason { level: RiskLevel::Medium, text });
    risk.level = risk.level.max(RiskLevel::Medium);
    risk
}
